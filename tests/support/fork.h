/* SPDX-License-Identifier: MIT */
/*
 * Running a part of a test in a forked process of its own: for states of the host that the test program could not leave
 * again (closed stdio, an ignored SIGCHLD, seccomp, limits, dropped ids), and for faults that are to be seen.
 */
#ifndef SUPPORT_FORK_H
#define SUPPORT_FORK_H

#include <stddef.h>

/* What a forked part exits with when it was skipped; the calling test is then skipped too. */
#define SUPPORT_SKIPPED 77

/*
 * Run fn(data) in a forked process and wait for its end, two minutes at the most.
 *
 * cmocka's assertions work inside: the first that fails ends the part, its message goes to the real stderr even where the
 * part closed or replaced descriptor 2, and the result is 1. When fn returns, the part must have no new descriptor and no
 * child, or it has failed as well; other state it may change freely. skip_unless() inside skips the whole test.
 *
 * Returns 0 when all went well, the exit status when the part exited by itself, 128 + n when signal n ended it (a
 * sanitizer's report comes as one of these). Fails the test when time runs out.
 *
 * The part is a copy: what it writes to memory is gone afterwards. The test's temporary directory exists already, shared.
 * It is forked without threads of the test program, so stop a storm first.
 */
int support_in_fork(void (*fn)(void *data), void *data);

/*
 * The same, with what goes to the real stderr put into text (cut to size, ended with a NUL) instead. The part's
 * descriptor 2 leads there too.
 */
int support_in_fork_capture(void (*fn)(void *data), void *data, char *text, size_t size);

/* The usual case: fail the test unless the part went well. */
void support_assert_in_fork(void (*fn)(void *data), void *data);

/* Is this a forked part? */
int support_is_fork(void);

#endif
