/* SPDX-License-Identifier: MIT */
/* `gen BYTES` writes so many bytes of the pattern of bench/measure.h, 64 KiB at a time. */
#include "tiny.h"

static char block[BLOCK];

void tiny_main(long argc, char **argv)
{
	word left = argc > 1 ? number(argv[1]) : 0;

	for (word i = 0; i < sizeof block && i < left; i++)
		block[i] = (char)(i * 7 + (i >> 8));
	while (left > 0) {
		word size = left < sizeof block ? left : sizeof block;

		write_all(block, size);
		left -= size;
	}
	leave(0);
}
