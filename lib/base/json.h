/* SPDX-License-Identifier: MIT */
/*
 * A JSON writer: objects, arrays, strings, numbers, written in order to a stdio stream (open_memstream). It puts the commas.
 *
 * Strings are bytes that somebody's program wrote: what is not UTF-8 is written as U+FFFD, control characters are escaped, so that
 * the text is valid JSON whatever came. Errors are the stream's: look at `failed` and at fclose at the end.
 *
 * The names keep clear of jansson's and json-c's, which a program may link beside libbrood.a.
 */
#ifndef BROOD_BASE_JSON_H
#define BROOD_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	bool comma;             /* the next value or key needs one before it */
	bool failed;            /* something could not be put: what is there lacks it */
};

/* key NULL inside arrays and for the outermost value. */
void json_put_object(struct json *json, const char *key);
void json_put_object_end(struct json *json);
void json_put_array(struct json *json, const char *key);
void json_put_array_end(struct json *json);
void json_put_string(struct json *json, const char *key, const char *text);
void json_put_bytes(struct json *json, const char *key, const char *bytes, size_t size);
void json_put_int(struct json *json, const char *key, int64_t number);
void json_put_uint(struct json *json, const char *key, uint64_t number);
void json_put_double(struct json *json, const char *key, double number);
void json_put_bool(struct json *json, const char *key, bool value);
void json_put_null(struct json *json, const char *key);

#endif
