/* SPDX-License-Identifier: MIT */
/*
 * What is UTF-8, and what may be shown.
 *
 * A program may be called "a\n2024 stage 1: all is well" or "\033]0;...": messages that repeat such names must stay one
 * line and must not steer the terminal they end on. Proper letters of any script are left alone.
 */
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

/* How a sequence starts: its length, and what its second byte may be (this keeps out overlongs, surrogates and > U+10FFFF). */
struct lead {
	unsigned char first, last, length, low, high;
};

static const struct lead leads[] = {
	{ 0x00, 0x7f, 1, 0x80, 0xbf },
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static const struct lead *lead_find(unsigned char byte)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if (byte >= leads[i].first && byte <= leads[i].last)
			return &leads[i];
	return NULL;
}

int32_t utf8_next(const char *bytes, size_t size, size_t *ret_length)
{
	static const unsigned char payload[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *at = (const unsigned char *)bytes;
	const struct lead *lead = lead_find(at[0]);
	int32_t point;

	*ret_length = 1;
	if (!lead)
		return -1;
	point = at[0] & payload[lead->length];
	for (size_t i = 1; i < lead->length; i++) {
		unsigned char low = i == 1 ? lead->low : 0x80, high = i == 1 ? lead->high : 0xbf;

		if (i == size || at[i] < low || at[i] > high)
			return -1;
		point = point << 6 | (at[i] & 0x3f);
		*ret_length = i + 1;
	}
	return point;
}

static bool prints(int32_t point)
{
	if (point < 0x20 || (point >= 0x7f && point < 0xa0))
		return false;
	return !(point >= 0x2028 && point <= 0x202e) && !(point >= 0x2066 && point <= 0x2069);
}

/* Write one character's bytes escaped into `ret` (room for 4 each); returns the length. */
static size_t escape_bytes(char *ret, const unsigned char *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		const char *word = bytes[i] == '\n' ? "\\n" : bytes[i] == '\r' ? "\\r" : bytes[i] == '\t' ? "\\t" : NULL;
		char hex[4] = { '\\', 'x', digits[bytes[i] >> 4], digits[bytes[i] & 15] };

		memcpy(ret + used, word ? word : hex, word ? 2 : 4);
		used += word ? 2 : 4;
	}
	return used;
}

size_t text_escape(char *ret, size_t room, const char *bytes, size_t size)
{
	size_t used = 0, length;

	for (size_t i = 0; i < size; i += length) {
		int32_t point = utf8_next(bytes + i, size - i, &length);
		char escaped[16];
		const char *piece = bytes + i;
		size_t piece_size = length;

		if (!prints(point)) {
			piece_size = escape_bytes(escaped, (const unsigned char *)piece, length);
			piece = escaped;
		}
		if (piece_size >= room - used)
			break;
		memcpy(ret + used, piece, piece_size);
		used += piece_size;
	}
	ret[used] = '\0';
	return used;
}
