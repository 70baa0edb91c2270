/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "memfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* And a NUL. */
static int make_room(struct memfile *file, size_t size)
{
	const size_t room = 2 * file->room + size + 256;
	char *grown;

	if (file->bytes && file->room - file->size > size)
		return 0;
	grown = realloc(file->bytes, room);
	if (!grown)
		return -ENOMEM;
	file->bytes = grown;
	file->room = room;
	return 0;
}

/* The first error sticks: nothing is put behind a gap. */
static ssize_t stream_write(void *data, const char *bytes, size_t size)
{
	struct memfile *file = data;

	if (file->error == 0)
		file->error = make_room(file, size);
	if (file->error < 0)
		return 0;
	memcpy(file->bytes + file->size, bytes, size);
	file->size += size;
	file->bytes[file->size] = '\0';
	return (ssize_t)size;
}

int memfile_open(struct memfile *ret)
{
	*ret = (struct memfile){ .size = 0 };
	ret->stream = fopencookie(ret, "w", (cookie_io_functions_t){ .write = stream_write });
	return ret->stream ? 0 : -ENOMEM;
}

int memfile_close(struct memfile *file, char **ret_text, size_t *ret_size)
{
	/* The cookie's error says it all; where nothing was written there is an empty text. */
	if (fclose(file->stream) != 0 && file->error == 0)
		file->error = -ENOMEM;
	if (file->error == 0 && !file->bytes)
		file->error = make_room(file, 0);
	if (file->error < 0) {
		free(file->bytes);
		return file->error;
	}
	file->bytes[file->size] = '\0';
	*ret_text = file->bytes;
	*ret_size = file->size;
	return 0;
}
