/* SPDX-License-Identifier: MIT */
/* Reads stdin to its end and writes how many bytes that were, as `wc -c` does. */
#include "tiny.h"

static char block[4 * BLOCK];

void tiny_main(long argc, char **argv)
{
	char text[24];
	char *at = text + sizeof text;
	word count = 0;
	long r;

	(void)argc;
	(void)argv;
	while ((r = call4(__NR_read, STDIN, (word)block, sizeof block, 0)) > 0)
		count += (word)r;
	if (r < 0)
		leave(4);
	*--at = '\n';
	do
		*--at = (char)('0' + count % 10);
	while ((count /= 10) > 0);
	write_all(at, (word)(text + sizeof text - at));
	leave(0);
}
