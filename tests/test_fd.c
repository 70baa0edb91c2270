/* SPDX-License-Identifier: MIT */
/* Descriptors: handing over, staying off stdio, living high, and hosts that have closed theirs. */
#include "support/support.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

/* A fresh close-on-exec descriptor at `least` or the next free number above. */
static int null_at(int least)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), at;

	assert_true(fd >= 0);
	at = fcntl(fd, F_DUPFD_CLOEXEC, least);
	assert_true(at >= least);
	if (at != fd)
		close(fd);
	return at;
}

static void limit_descriptors(rlim_t limit)
{
	const struct rlimit limits = { .rlim_cur = limit, .rlim_max = limit };

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limits), 0);
}

static void test_close_closes_once_and_leaves_minus_one(void **state)
{
	int fd = null_at(3), number = fd;

	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_false(is_open(number));
}

static void test_close_keeps_errno(void **state)
{
	int fd = 1 << 20;

	errno = ENOTTY;
	fd_close(&fd);
	assert_int_equal(errno, ENOTTY);
}

static void test_close_of_minus_one_does_nothing(void **state)
{
	int fd = -1;

	errno = 0;
	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(errno, 0);
}

/* The kernel says EINTR once for ever here: a loop would never end, and elsewhere it would close another thread's file. */
static void close_interrupted(void *data)
{
	int fd = null_at(3);

	support_deny_syscall_when(SYS_close, 0, UINT32_MAX, (uint64_t)fd, EINTR);
	fd_close(&fd);
	_exit(fd == -1 ? 0 : 1);
}

static void test_close_is_not_repeated_after_eintr(void **state)
{
	support_assert_in_fork(close_interrupted, NULL);
}

static void test_take_empties_its_source(void **state)
{
	int fd = 7;

	assert_int_equal(fd_take(&fd), 7);
	assert_int_equal(fd, -1);
}

static void test_above_stdio_leaves_a_high_descriptor_alone(void **state)
{
	int fd = null_at(3), r;

	r = fd_above_stdio(fd);
	assert_int_equal(r, fd);
	fd_close(&r);
}

static void host_without_stdin(void *data)
{
	int fd;

	close(0);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(fd, 0);
	fd = fd_above_stdio(fd);
	assert_true(fd > 2);
	assert_true(is_cloexec(fd));
	assert_false(is_open(0));
	fd_close(&fd);
}

static void test_above_stdio_moves_off_a_closed_stdin(void **state)
{
	support_assert_in_fork(host_without_stdin, NULL);
}

static void no_number_above_stdio(void *data)
{
	close(0);
	assert_int_equal(open("/dev/null", O_RDWR | O_CLOEXEC), 0);
	limit_descriptors(3);
	assert_true(fd_above_stdio(0) < 0);
	assert_false(is_open(0));
}

static void test_above_stdio_closes_what_it_cannot_move(void **state)
{
	skip_under_valgrind();
	support_assert_in_fork(no_number_above_stdio, NULL);
}

static void test_a_negative_descriptor_is_ebadf(void **state)
{
	assert_int_equal(fd_above_stdio(-1), -EBADF);
	assert_int_equal(fd_raise(-1), -EBADF);
}

static void test_raise_leaves_the_first_few_where_they_are(void **state)
{
	int fd = null_at(3), r;

	skip_unless(fd < FD_LOW, "the host has its low descriptors in use");
	r = fd_raise(fd);
	assert_int_equal(r, fd);
	fd_close(&r);
}

static void test_raise_moves_the_middle_up(void **state)
{
	int fd = null_at(FD_LOW), r;

	skip_unless(fd < FD_HIGH, "the host has its low descriptors in use");
	r = fd_raise(fd);
	assert_true(r >= FD_HIGH);
	assert_true(is_cloexec(r));
	assert_false(is_open(fd));
	fd_close(&r);
}

static void test_raise_leaves_the_high_where_they_are(void **state)
{
	int fd = null_at(FD_HIGH), r;

	r = fd_raise(fd);
	assert_int_equal(r, fd);
	fd_close(&r);
}

static void limit_below_high(void *data)
{
	int fd = null_at(FD_LOW + 4);

	limit_descriptors(FD_HIGH);
	assert_int_equal(fd_raise(fd), fd);
	assert_true(is_open(fd));
	fd_close(&fd);
}

static void test_raise_stays_where_the_limit_forbids_more(void **state)
{
	skip_under_valgrind();
	support_assert_in_fork(limit_below_high, NULL);
}

static void raise_from_stdin(void *data)
{
	int fd;

	close(0);
	assert_int_equal(open("/dev/null", O_RDWR | O_CLOEXEC), 0);
	fd = fd_raise(0);
	assert_true(fd >= FD_HIGH);
	assert_false(is_open(0));
	fd_close(&fd);
}

static void test_raise_never_leaves_one_on_stdio(void **state)
{
	support_assert_in_fork(raise_from_stdin, NULL);
}

static void test_pipe_carries_bytes_from_one_to_zero(void **state)
{
	int end[2];
	char byte = 0;

	assert_int_equal(fd_pipe(end), 0);
	assert_int_equal(write(end[1], "x", 1), 1);
	assert_int_equal(read(end[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	fd_close(&end[0]);
	fd_close(&end[1]);
}

static void test_pipe_is_close_on_exec_and_blocking(void **state)
{
	int end[2];

	assert_int_equal(fd_pipe(end), 0);
	for (int i = 0; i < 2; i++) {
		assert_true(is_cloexec(end[i]));
		assert_int_equal(fcntl(end[i], F_GETFL) & O_NONBLOCK, 0);
		fd_close(&end[i]);
	}
}

static void pipe_without_stdio(void *data)
{
	int end[2];

	close(0);
	close(1);
	close(2);
	assert_int_equal(fd_pipe(end), 0);
	assert_true(end[0] > 2);
	assert_true(end[1] > 2);
	for (int fd = 0; fd <= 2; fd++)
		assert_false(is_open(fd));
	fd_close(&end[0]);
	fd_close(&end[1]);
}

static void test_pipe_stays_off_closed_stdio(void **state)
{
	support_assert_in_fork(pipe_without_stdio, NULL);
}

/* The read end lands on 0 and must move; nothing may be left of either end. */
static void pipe_that_cannot_move(void *data)
{
	int end[2] = { 5, 5 };

	close(0);
	support_deny_syscall_when(SYS_fcntl, 1, UINT32_MAX, F_DUPFD_CLOEXEC, EMFILE);
	assert_int_equal(fd_pipe(end), -EMFILE);
	assert_int_equal(end[0], -1);
	assert_int_equal(end[1], -1);
}

static void test_pipe_leaks_nothing_when_an_end_cannot_move(void **state)
{
	support_assert_in_fork(pipe_that_cannot_move, NULL);
}

static void no_room_for_a_pipe(void *data)
{
	int end[2] = { 5, 5 };

	limit_descriptors(3);
	assert_int_equal(fd_pipe(end), -EMFILE);
	assert_int_equal(end[0], -1);
	assert_int_equal(end[1], -1);
}

static void test_pipe_says_emfile(void **state)
{
	skip_under_valgrind();
	support_assert_in_fork(no_room_for_a_pipe, NULL);
}

static void test_nonblocking_is_set_and_cleared(void **state)
{
	int end[2];

	assert_int_equal(fd_pipe(end), 0);
	assert_int_equal(fd_set_nonblocking(end[0], 1), 0);
	assert_true(fcntl(end[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_set_nonblocking(end[0], 0), 0);
	assert_false(fcntl(end[0], F_GETFL) & O_NONBLOCK);
	fd_close(&end[0]);
	fd_close(&end[1]);
}

static void test_nonblocking_keeps_other_flags(void **state)
{
	int fd = open("/dev/null", O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(fd_set_nonblocking(fd, 1), 0);
	assert_true(fcntl(fd, F_GETFL) & O_APPEND);
	fd_close(&fd);
}

static void test_nonblocking_of_nothing_is_ebadf(void **state)
{
	assert_int_equal(fd_set_nonblocking(-1, 1), -EBADF);
}

#ifdef F_GETPIPE_SZ
static void test_pipe_size_is_granted(void **state)
{
	int end[2];

	assert_int_equal(fd_pipe(end), 0);
	assert_int_equal(fd_set_pipe_size(end[0], 16384), 0);
	assert_int_equal(fcntl(end[1], F_GETPIPE_SZ), 16384);
	fd_close(&end[0]);
	fd_close(&end[1]);
}
#endif

static void test_pipe_size_beyond_int_is_einval(void **state)
{
	int end[2];

	assert_int_equal(fd_pipe(end), 0);
	assert_int_equal(fd_set_pipe_size(end[0], SIZE_MAX), -EINVAL);
	fd_close(&end[0]);
	fd_close(&end[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_close_closes_once_and_leaves_minus_one),
		brood_test(test_close_keeps_errno),
		brood_test(test_close_of_minus_one_does_nothing),
		brood_test(test_close_is_not_repeated_after_eintr),
		brood_test(test_take_empties_its_source),
		brood_test(test_above_stdio_leaves_a_high_descriptor_alone),
		brood_test(test_above_stdio_moves_off_a_closed_stdin),
		brood_test(test_above_stdio_closes_what_it_cannot_move),
		brood_test(test_a_negative_descriptor_is_ebadf),
		brood_test(test_raise_leaves_the_first_few_where_they_are),
		brood_test(test_raise_moves_the_middle_up),
		brood_test(test_raise_leaves_the_high_where_they_are),
		brood_test(test_raise_stays_where_the_limit_forbids_more),
		brood_test(test_raise_never_leaves_one_on_stdio),
		brood_test(test_pipe_carries_bytes_from_one_to_zero),
		brood_test(test_pipe_is_close_on_exec_and_blocking),
		brood_test(test_pipe_stays_off_closed_stdio),
		brood_test(test_pipe_leaks_nothing_when_an_end_cannot_move),
		brood_test(test_pipe_says_emfile),
		brood_test(test_nonblocking_is_set_and_cleared),
		brood_test(test_nonblocking_keeps_other_flags),
		brood_test(test_nonblocking_of_nothing_is_ebadf),
#ifdef F_GETPIPE_SZ
		brood_test(test_pipe_size_is_granted),
#endif
		brood_test(test_pipe_size_beyond_int_is_einval),
	};

	return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
