/* SPDX-License-Identifier: MIT */
/*
 * What every test needs: cmocka, the promise that the host is left alone, a directory, the test child, waiting for events.
 * A test file includes this one header. Parts by concept: host.h, temp.h, fork.h, deny.h, storm.h.
 * Words for one kind of tests have headers of their own, buffers.h for instance.
 *
 *	int main(void)
 *	{
 *		const struct CMUnitTest tests[] = {
 *			brood_test(test_wait_returns_while_a_grandchild_holds_stdout),
 *		};
 *
 *		return cmocka_run_group_tests(tests, NULL, NULL);
 *	}
 */
#ifndef SUPPORT_SUPPORT_H
#define SUPPORT_SUPPORT_H

#include <sys/types.h>

#include "check.h"
#include "deny.h"
#include "fork.h"
#include "host.h"
#include "storm.h"
#include "temp.h"

/*
 * A test that ends by proving that it left nothing: no new descriptor, no child, no change of signal state, directory,
 * environment, limits or threads. A failure names what changed and what was left is cleared away, so that the next test
 * starts clean. *state is not used by this and belongs to the test.
 */
#define brood_test(f) cmocka_unit_test_setup_teardown(f, support_setup, support_teardown)

int support_setup(void **state);
int support_teardown(void **state);

/*
 * A process that a test forked is to be a test program of its own from here on. Without this, setup and teardown end a
 * process that is not the one in which the test began.
 */
void support_disown(void);

/*
 * End the test as skipped unless the condition holds, and say why. Works in a forked part too, where it skips the test that
 * started the part.
 */
#define skip_unless(condition, why)			\
	do {						\
		if (!(condition))			\
			support_skip(why);		\
	} while (0)

void support_skip(const char *why);

/* valgrind stands between the test and the kernel: limits and refused calls hit it first. */
void skip_under_valgrind(void);

/* It makes a fork a hundred times as long: for a test that does the same a thousand times, and may do it less often there. */
int under_valgrind(void);

/*
 * The path of the test child: the environment's BROOD_TEST_CHILD, else what the build said. Absolute as a rule.
 * Its verbs are listed in tests/child/README.md.
 */
const char *support_child(void);

/*
 * Start the test child by plain fork and exec: a child that belongs to the host, not to the library. The words after
 * the path end with NULL. Its stdin and stdout are /dev/null; stderr and every inheritable descriptor it inherits, and its
 * mask is empty. The caller reaps it.
 */
__attribute__((sentinel)) pid_t support_host_child(const char *verb, ...);

/* Reap a child of the host: its exit code, or 128 + n for signal n. */
int support_reap(pid_t pid);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t support_now_ms(void);

void support_sleep_ms(int64_t ms);

/* How many descriptors this process has open. */
size_t support_fd_count(void);

/*
 * Wait up to ms for a process to be gone. A zombie counts as gone when it is another's to reap, not when it is ours.
 * Returns 1 when it is, 0 when time ran out.
 */
int support_wait_gone(pid_t pid, int64_t ms);

/* Does this process exist and still run (or is it stopped)? A zombie does not. */
int support_alive(pid_t pid);

/* Wait up to ms for a file to be there. Returns 1 when it is, 0 when time ran out. */
int support_wait_file(const char *path, int64_t ms);

/*
 * The pid in a file that the child's verbs write, waiting for it up to 30 seconds. Fails the test when none comes.
 */
pid_t support_read_pidfile(const char *path);

/*
 * Read until end of file. The caller frees the bytes, a NUL follows them; ret_size may be NULL.
 * Fails the test on an error and when a minute passes without a byte.
 */
char *support_read_all(int fd, size_t *ret_size);

/* Write all of it, or fail the test. */
void support_write_all(int fd, const void *bytes, size_t size);

/* The bytes of the child's verb `pattern`, from `offset` on. */
void support_pattern(unsigned char *bytes, size_t size, uint64_t offset);

/* The number that the child's verb `checksum` prints. */
uint64_t support_checksum(const void *bytes, size_t size);

/* The value of "NAME value" among lines of text, as the child's verbs `ids` and `signals` print; -1 where there is none. */
int64_t support_field(const char *text, const char *name, int base);

#endif
