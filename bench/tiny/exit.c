/* SPDX-License-Identifier: MIT */
/* `exit N` ends with N: proves that an exec took place and that the status came back. */
#include "tiny.h"

void tiny_main(long argc, char **argv)
{
	leave(argc > 1 ? number(argv[1]) : 0);
}
