/* SPDX-License-Identifier: MIT */
/*
 * Bytes that somebody else chose (file names, a child's output) on their way to a human or a parser: what is UTF-8, and what may
 * be shown on a terminal. Independent of the locale.
 */
#ifndef BROOD_BASE_TEXT_H
#define BROOD_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * The code point that starts at bytes[0], with *ret_length bytes; `size` is at least 1. -1 where that is not UTF-8 (overlong, a
 * surrogate, above U+10FFFF, cut short): *ret_length is then how many bytes stand for one U+FFFD, 1 to 3, as Unicode
 * recommends (the longest start of something valid).
 */
int32_t utf8_next(const char *bytes, size_t size, size_t *ret_length);

/* How many bytes text_escape needs for `size` bytes at the most, the NUL included. */
#define TEXT_ESCAPE_ROOM(size) (4 * (size_t)(size) + 1)

/*
 * Copy bytes so that they show on one line and steer no terminal: \n, \r and \t are written as those two characters, every other byte
 * that does not print (controls, also those beyond ASCII, line separators, direction overrides, what is not UTF-8) as \x1b.
 * Stops before the first character that does not fit whole. Always ends in a NUL (room >= 1); returns the length without it.
 */
size_t text_escape(char *ret, size_t room, const char *bytes, size_t size);

#endif
