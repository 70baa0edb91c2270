/* SPDX-License-Identifier: MIT */
/*
 * Most of a record tells how the stages ended, and a resumed run asks only for "ok", the input and the command. Reading all of it as
 * JSON takes a second for a hundred thousand jobs of one stage; leaving out the rest before takes a tenth of that.
 *
 * Only the compact form that we write is understood. A part of a line is never taken for a whole one: quotes and brackets must close.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "joblog_read.h"

#include <string.h>

/* Behind the string that begins here; NULL when it does not end. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end; at++) {
		if (*at == '"')
			return at + 1;
		if ((unsigned char)*at < ' ')
			return NULL;
		if (*at == '\\')
			at++;
	}
	return NULL;
}

/* Behind an array or an object. */
static const char *skip_nested(const char *at, const char *end)
{
	size_t depth = 0;

	while (at && at < end) {
		char c = *at;

		if ((unsigned char)c < ' ')
			return NULL;
		at = c == '"' ? skip_string(at, end) : at + 1;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		if (depth == 0)
			return at;
	}
	return NULL;
}

/* A number, true, false or null. */
static const char *skip_plain(const char *at, const char *end)
{
	while (at < end && (unsigned char)*at > ' ' && !strchr(",:{}[]\"", *at))
		at++;
	return at;
}

static const char *skip_value(const char *at, const char *end)
{
	if (at == end)
		return NULL;
	if (*at == '"')
		return skip_string(at, end);
	return *at == '{' || *at == '[' ? skip_nested(at, end) : skip_plain(at, end);
}

/* What record_input and record_command may look at; "input_hex" too. */
static bool is_wanted(const char *name, const char *end)
{
	static const char *const beginnings[] = { "\"ok\"", "\"input", "\"command" };

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		size_t size = strlen(beginnings[i]);

		if ((size_t)(end - name) >= size && memcmp(name, beginnings[i], size) == 0)
			return true;
	}
	return false;
}

size_t joblog_skim(const char *line, size_t size, char *ret)
{
	const char *at = line, *end = line + size;
	size_t used = 0;

	if (size < 2 || *at != '{' || end[-1] != '}')
		return 0;
	ret[used++] = *at++;
	while (at < end) {
		const char *name = at, *colon = *at == '"' ? skip_string(at, end) : NULL;

		if (!colon || colon == end || *colon != ':')
			return 0;
		at = skip_value(colon + 1, end);
		if (!at || at == end || (*at != ',' && *at != '}'))
			return 0;
		if (is_wanted(name, colon)) {
			memcpy(ret + used, name, (size_t)(at - name) + 1);
			used += (size_t)(at - name) + 1;
		}
		if (*at++ == '}')
			break;
	}
	if (at != end)
		return 0;
	ret[used == 1 ? 1 : used - 1] = '}';
	return used == 1 ? 2 : used;
}
