/* SPDX-License-Identifier: MIT */
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "whole.h"

static int new_file(void)
{
	char path[4096];
	int fd = open(support_path(path, sizeof path, "file"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void test_what_was_written_at_a_place_is_read_back_from_it(void **state)
{
	const int fd = new_file();
	char bytes[6] = "";

	(void)state;
	assert_int_equal(write_whole_at(fd, "hello", 5, 3), 0);
	assert_int_equal(read_whole_at(fd, bytes, 5, 3), 0);
	assert_string_equal(bytes, "hello");
	close(fd);
}

static void test_a_file_that_ends_before_is_an_error(void **state)
{
	const int fd = new_file();
	char bytes[6] = "";

	(void)state;
	assert_int_equal(write_whole(fd, "hell", 4), 0);
	assert_int_equal(read_whole_at(fd, bytes, 5, 0), -EIO);
	close(fd);
}

static void test_an_error_is_told(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write_whole(ends[0], "x", 1), -EBADF);
	assert_int_equal(write_whole_at(ends[1], "x", 1, 0), -ESPIPE);
	assert_int_equal(write_whole(ends[0], "", 0), 0);
	close(ends[0]);
	close(ends[1]);
}

/* A terminal or a pipe that somebody who shares it has made non-blocking, as some programs do and forget. */
static void test_a_full_pipe_is_waited_for_though_it_is_non_blocking(void **state)
{
	static char bytes[1 << 20];
	int ends[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		size_t size = 0;
		ssize_t n;

		close(ends[1]);
		while ((n = read(ends[0], bytes, sizeof bytes)) > 0)
			size += (size_t)n;
		_exit(size == sizeof bytes ? 0 : 1);
	}
	close(ends[0]);
	assert_true(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
	assert_int_equal(write_whole(ends[1], bytes, sizeof bytes), 0);
	close(ends[1]);
	assert_int_equal(support_reap(pid), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_what_was_written_at_a_place_is_read_back_from_it),
		brood_test(test_a_file_that_ends_before_is_an_error),
		brood_test(test_an_error_is_told),
		brood_test(test_a_full_pipe_is_waited_for_though_it_is_non_blocking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
