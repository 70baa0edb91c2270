/* SPDX-License-Identifier: MIT */
/* Bytes that should be UTF-8 and may be anything: file names, arguments. Independent of the locale. */
#ifndef BROOD_TOOLS_UTF8_H
#define BROOD_TOOLS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The code point at the start of a text that ends with NUL and is not empty, and how many bytes it takes; -1 and 1 where that is no UTF-8 (overlong,
 * a surrogate, above U+10FFFF, cut short).
 */
int32_t utf8_point(const char *text, size_t *ret_length);

bool utf8_is_valid(const char *text);

/* It would steer whatever shows it, or not be seen: controls, also those beyond ASCII, line separators, direction marks and overrides. */
bool utf8_is_unseen(int32_t point);

/* How many bytes utf8_show needs at the most; it writes no NUL. */
#define UTF8_SHOW_ROOM(size) (4 * (size))

/*
 * Copy a text so that it steers nothing that shows it: a byte of what is unseen or no UTF-8 is written as \xNN, letters of any script stay. Stops before
 * the first character that does not fit whole; returns how many bytes were written.
 */
size_t utf8_show(char *ret, size_t room, const char *text);

#endif
