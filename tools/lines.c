/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "lines.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

size_t lines_whole(const char *bytes, size_t size)
{
	while (size > 0 && bytes[size - 1] != '\n')
		size--;
	return size;
}

char *lines_tag(const char *input)
{
	const size_t room = UTF8_SHOW_ROOM(strlen(input));
	char *tag = malloc(room + sizeof "\t");

	if (tag)
		memcpy(tag + utf8_show(tag, room, input), "\t", sizeof "\t");
	return tag;
}

void lines_put(struct lines *lines, struct spool *spool, const char *bytes, size_t size)
{
	if (!lines->tag && size > 0) {
		spool_put(spool, bytes, size);
		lines->inside = bytes[size - 1] != '\n';
		return;
	}
	while (size > 0) {
		const char *newline = memchr(bytes, '\n', size);
		const size_t line = newline ? (size_t)(newline - bytes) + 1 : size;

		if (!lines->inside)
			spool_put(spool, lines->tag, lines->tag_size);
		spool_put(spool, bytes, line);
		lines->inside = !newline;
		bytes += line;
		size -= line;
	}
}

void lines_end(struct lines *lines, struct spool *spool)
{
	if (lines->inside)
		spool_put(spool, "\n", 1);
	lines->inside = false;
}
