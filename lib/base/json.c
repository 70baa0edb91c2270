/* SPDX-License-Identifier: MIT */
/*
 * A JSON writer that cannot write what is not JSON.
 *
 * Two things would break it. Bytes: a child's name or output need not be UTF-8, so every string is checked and what is
 * not is written as U+FFFD. Numbers: printf writes a double with the decimal point of the host's locale ("1,5" under de_DE), and
 * NaN and the infinities have no notation in JSON.
 */
#include "base/json.h"

#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* glibc's open_memstream(3) leaves out what finds no memory, goes on, and closes well. */
static void put(struct json *json, const char *bytes, size_t size)
{
	json->failed |= fwrite(bytes, 1, size, json->out) != size;
}

static void put_text(struct json *json, const char *text)
{
	put(json, text, strlen(text));
}

static void put_byte(struct json *json, char byte)
{
	put(json, &byte, 1);
}

/* One character of a string: as it stands, or by its escape. U+007F is legal as it stands but steers terminals. */
static void put_character(struct json *json, const char *bytes, size_t length, int32_t point)
{
	static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char escape[8];

	if (point < 0) {
		put_text(json, "\xef\xbf\xbd");
		return;
	}
	for (size_t i = 0; named[i]; i += 2)
		if (point == named[i]) {
			put_byte(json, '\\');
			put_byte(json, named[i + 1]);
			return;
		}
	if (point < 0x20 || point == 0x7f) {
		snprintf(escape, sizeof(escape), "\\u%04x", (unsigned int)point & 0x7f);
		put_text(json, escape);
		return;
	}
	put(json, bytes, length);
}

static void put_string(struct json *json, const char *bytes, size_t size)
{
	size_t length;

	put_byte(json, '"');
	for (size_t i = 0; i < size; i += length) {
		int32_t point = utf8_next(bytes + i, size - i, &length);

		put_character(json, bytes + i, length, point);
	}
	put_byte(json, '"');
}

/* What stands before each value: the comma, and the key inside of an object. */
static void put_start(struct json *json, const char *key)
{
	if (json->comma)
		put_byte(json, ',');
	json->comma = true;
	if (key) {
		put_string(json, key, strlen(key));
		put_byte(json, ':');
	}
}

static void put_open(struct json *json, const char *key, char bracket)
{
	put_start(json, key);
	put_byte(json, bracket);
	json->comma = false;
}

static void put_close(struct json *json, char bracket)
{
	put_byte(json, bracket);
	json->comma = true;
}

void json_put_object(struct json *json, const char *key)
{
	put_open(json, key, '{');
}

void json_put_object_end(struct json *json)
{
	put_close(json, '}');
}

void json_put_array(struct json *json, const char *key)
{
	put_open(json, key, '[');
}

void json_put_array_end(struct json *json)
{
	put_close(json, ']');
}

void json_put_string(struct json *json, const char *key, const char *text)
{
	if (text)
		json_put_bytes(json, key, text, strlen(text));
	else
		json_put_null(json, key);
}

void json_put_bytes(struct json *json, const char *key, const char *bytes, size_t size)
{
	put_start(json, key);
	put_string(json, bytes, size);
}

void json_put_int(struct json *json, const char *key, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, number);
	put_start(json, key);
	put_text(json, text);
}

void json_put_uint(struct json *json, const char *key, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	put_start(json, key);
	put_text(json, text);
}

/* The fewest digits that read back as the same number: 0.1 and not 0.10000000000000001. */
static void format_double(char *ret, size_t size, double number)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(ret, size, "%.*g", digits, number);
		if (strtod(ret, NULL) == number)
			return;
	}
}

/* The decimal point of the locale is whatever is no digit, sign or exponent, and of several bytes in some. JSON's is a dot. */
static void fix_point(char *text)
{
	char *point = text + strspn(text, "0123456789+-e");
	size_t length = strcspn(point, "0123456789+-e");

	if (length == 0)
		return;
	*point = '.';
	memmove(point + 1, point + length, strlen(point + length) + 1);
}

void json_put_double(struct json *json, const char *key, double number)
{
	char text[64];

	if (!isfinite(number)) {
		json_put_null(json, key);
		return;
	}
	if (number == 0)
		number = 0; /* -0.0 equals 0, and many a reader trips over "-0" */
	format_double(text, sizeof(text), number);
	fix_point(text);
	put_start(json, key);
	put_text(json, text);
}

void json_put_bool(struct json *json, const char *key, bool value)
{
	put_start(json, key);
	put_text(json, value ? "true" : "false");
}

void json_put_null(struct json *json, const char *key)
{
	put_start(json, key);
	put_text(json, "null");
}
