/* SPDX-License-Identifier: MIT */
/*
 * The bytes that the verb `pattern` writes, and the sum that `checksum` prints. Tests include this
 * header too, so both sides agree on every byte without copying megabytes about.
 */
#ifndef CHILD_PATTERN_H
#define CHILD_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define FNV_START 0xcbf29ce484222325ULL

/*
 * Byte number `at` of the pattern. The first 256 are 0 to 255; each later run of 256 is turned by a different
 * amount, so a lost, doubled or swapped block shows even where its length is a multiple of 256.
 */
static inline unsigned char pattern_byte(uint64_t at)
{
	return (unsigned char)(at + (at >> 8) * 37 + (at >> 16) * 11 + (at >> 24));
}

/* FNV-1a over `size` bytes, going on from `sum` (FNV_START for the first). */
static inline uint64_t fnv1a(uint64_t sum, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size--)
		sum = (sum ^ *at++) * 0x100000001b3ULL;
	return sum;
}

#endif
