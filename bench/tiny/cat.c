/* SPDX-License-Identifier: MIT */
/* Copies stdin to stdout, 128 KiB at a time as coreutils' cat does. */
#include "tiny.h"

static char block[2 * BLOCK];

void tiny_main(long argc, char **argv)
{
	long r;

	(void)argc;
	(void)argv;
	while ((r = call4(__NR_read, STDIN, (word)block, sizeof block, 0)) > 0)
		write_all(block, (word)r);
	leave(r < 0 ? 4 : 0);
}
