/* SPDX-License-Identifier: MIT */
/*
 * `sleep MS [CODE]` sleeps so many milliseconds and ends with CODE. `sleep abs NS [CODE]` sleeps until CLOCK_MONOTONIC reaches NS, so
 * that whoever waits for it knows to the microsecond when it ends.
 */
#include "tiny.h"

enum { MONOTONIC = 1, ABSOLUTE = 1 };

void tiny_main(long argc, char **argv)
{
	const int absolute = argc > 2 && argv[1][0] == 'a';
	const word time = argc > 1 + absolute ? number(argv[1 + absolute]) : 0;
	const word second = absolute ? 1000000000 : 1000;
	struct {
		long seconds, nanoseconds;
	} when = { (long)(time / second), (long)(time % second * (absolute ? 1 : 1000000)) };

	/* A relative sleep that a signal cuts short writes what is left where it was read from. */
	while (call4(__NR_clock_nanosleep, MONOTONIC, absolute ? ABSOLUTE : 0, (word)&when, absolute ? 0 : (word)&when) != 0)
		;
	leave(argc > 2 + absolute ? number(argv[2 + absolute]) : 0);
}
