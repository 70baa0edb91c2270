/* SPDX-License-Identifier: MIT */
/* lib/base/quiet.c: writing to a pipe that nobody reads is -EPIPE, and no SIGPIPE is ever left for the host. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/quiet.h"
#include "support/support.h"

static void make_pipe(int fd[2])
{
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
}

static bool sigpipe_is_pending(void)
{
	sigset_t pending;

	assert_int_equal(sigpending(&pending), 0);
	return sigismember(&pending, SIGPIPE);
}

static void write_to_nobody(void)
{
	int fd[2];

	make_pipe(fd);
	close(fd[0]);
	assert_int_equal(quiet_write(fd[1], "x", 1), -EPIPE);
	assert_false(sigpipe_is_pending());
	close(fd[1]);
}

static void test_bytes_arrive(void **state)
{
	char got[6] = "";
	int fd[2];

	make_pipe(fd);
	assert_int_equal(quiet_write(fd[1], "hello", 5), 5);
	assert_int_equal(read(fd[0], got, 5), 5);
	assert_string_equal(got, "hello");
	close(fd[0]);
	close(fd[1]);
}

static void test_a_dead_reader_is_epipe_and_no_signal(void **state)
{
	write_to_nobody();
}

static void test_a_full_pipe_is_eagain(void **state)
{
	static char block[1 << 16];
	ssize_t r;
	int fd[2];

	make_pipe(fd);
	assert_int_equal(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0);
	do
		r = quiet_write(fd[1], block, sizeof block);
	while (r > 0);
	assert_int_equal(r, -EAGAIN);
	close(fd[0]);
	close(fd[1]);
}

static void write_without_the_flag(void *error)
{
	support_deny_syscall(SYS_pwritev2, *(int *)error);
	write_to_nobody();
	write_to_nobody();
	test_bytes_arrive(NULL);
	test_a_full_pipe_is_eagain(NULL);
}

static void test_a_kernel_without_the_flag_leaves_no_signal_either(void **state)
{
	for (size_t i = 0; i < 3; i++)
		support_assert_in_fork(write_without_the_flag, &(int){ (int[]){ EOPNOTSUPP, ENOSYS, EPERM }[i] });
}

/* The host had blocked SIGPIPE and one was waiting: that one is the host's. */
static void keep_the_hosts_own(void *without_flag)
{
	sigset_t pipe_only;

	if (without_flag)
		support_deny_syscall(SYS_pwritev2, EOPNOTSUPP);
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigprocmask(SIG_BLOCK, &pipe_only, NULL);
	raise(SIGPIPE);
	for (int i = 0; i < 2; i++) {
		int fd[2];

		make_pipe(fd);
		close(fd[0]);
		assert_int_equal(quiet_write(fd[1], "x", 1), -EPIPE);
		assert_true(sigpipe_is_pending());
		close(fd[1]);
	}
}

static void test_a_signal_that_was_pending_before_stays(void **state)
{
	support_assert_in_fork(keep_the_hosts_own, NULL);
	support_assert_in_fork(keep_the_hosts_own, &(int){ 1 });
}

static void ignore_it(void *data)
{
	support_deny_syscall(SYS_pwritev2, EOPNOTSUPP);
	signal(SIGPIPE, SIG_IGN);
	write_to_nobody();
}

static void test_a_host_that_ignores_sigpipe_is_fine(void **state)
{
	support_assert_in_fork(ignore_it, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_bytes_arrive),
		brood_test(test_a_dead_reader_is_epipe_and_no_signal),
		brood_test(test_a_full_pipe_is_eagain),
		brood_test(test_a_kernel_without_the_flag_leaves_no_signal_either),
		brood_test(test_a_signal_that_was_pending_before_stays),
		brood_test(test_a_host_that_ignores_sigpipe_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
