/* SPDX-License-Identifier: MIT */
/*
 * UTF-8, as far as the command must know it: what is a character, and what must not be shown as it stands.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "utf8.h"

#include <string.h>

static size_t expected_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

int32_t utf8_point(const char *text, size_t *ret_length)
{
	static const int32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = expected_length(bytes[0]);
	int32_t point = bytes[0] & mask[length];

	*ret_length = 1;
	if (length == 0)
		return -1;
	/* The NUL at the end is no continuation: this never looks beyond it. */
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return -1;
		point = point << 6 | (bytes[i] & 0x3f);
	}
	if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return -1;
	*ret_length = length;
	return point;
}

bool utf8_is_valid(const char *text)
{
	for (size_t length; *text; text += length)
		if (utf8_point(text, &length) < 0)
			return false;
	return true;
}

bool utf8_is_unseen(int32_t point)
{
	if (point < 0x20 || (point >= 0x7f && point < 0xa0))
		return true;
	if ((point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f))
		return true;
	return point == 0x61c || point == 0xad || point == 0xfeff || (point >= 0xfff9 && point <= 0xfffb) || (point & 0xfffe) == 0xfffe;
}

size_t utf8_show(char *ret, size_t room, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t used = 0, length;

	for (; *text; text += length) {
		int32_t point = utf8_point(text, &length);
		bool plain = point >= 0 && !utf8_is_unseen(point);

		if (room - used < (plain ? length : 4 * length))
			break;
		for (size_t i = 0; i < length; i++) {
			unsigned char byte = (unsigned char)text[i];

			if (plain) {
				ret[used++] = text[i];
				continue;
			}
			memcpy(ret + used, "\\x", 2);
			ret[used + 2] = digits[byte >> 4];
			ret[used + 3] = digits[byte & 0xf];
			used += 4;
		}
	}
	return used;
}
