/* SPDX-License-Identifier: MIT */
/* lib/process/stream.c: lines are given out of what was read ahead, without moving it for each. */
#include <brood.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/process.h"
#include "spawn/engine.h"
#include "support/running.h"

static void test_lines_are_taken_where_they_lie(void **state)
{
	brood_command *cmd = child("print", "a\nbb\nccc\n");
	brood_process *process;
	const char *first, *second;
	size_t size;

	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_process_next_line(process, 1, -1, &first, &size), 1);
	assert_int_equal(brood_process_next_line(process, 1, -1, &second, &size), 1);
	assert_ptr_equal(second, first + 2);
	assert_string_equal(second, "bb");
	assert_int_equal(size, 2);
	assert_int_equal(process->channels[0].taken, 5);
	brood_process_free(process);
}

/* There is something to read, so that no wait for it steps instead. */
static void test_reading_steps_the_rest_of_the_handle_now_and_then(void **state)
{
	brood_command *cmd = child("flood-forever");
	brood_process *process;
	struct pollfd there;
	int64_t before;
	char byte;

	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	there = (struct pollfd){ .fd = process->channels[0].watch.fd, .events = POLLIN };
	assert_int_equal(poll(&there, 1, 60000), 1);
	before = process->stepped_ns = clock_now_ns() - 1000000000;
	assert_int_equal(brood_process_read(process, 1, -1, &byte, 1), 1);
	assert_true(process->stepped_ns > before);
	brood_process_free(process);
}

static void test_bad_arguments_are_refused(void **state)
{
	brood_command *cmd = child("cat");
	brood_process *process;
	char byte;

	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	assert_int_equal(brood_process_write(process, NULL, 1, 0, NULL), -EINVAL);
	assert_int_equal(brood_process_write(process, NULL, 0, 0, NULL), 0);
	assert_int_equal(brood_process_read(process, 1, 0, NULL, 1), -EINVAL);
	assert_int_equal(brood_process_next_line(process, 1, 0, NULL, NULL), -EINVAL);
	assert_int_equal(brood_process_read(process, 0, 0, &byte, 1), -EBADF);
	assert_int_equal(brood_process_close(process, 0), 0);
	assert_int_equal(brood_process_write(process, "x", 1, 0, NULL), -EBADF);
	assert_int_equal(brood_process_read(process, 1, -2, &byte, 1), -EINVAL);
	assert_int_equal(brood_process_read_stage(process, 1, 1, 0, &byte, 1), -EINVAL);
	brood_process_free(process);
}

static void test_nothing_is_done_for_no_process(void **state)
{
	const char *line;
	char byte;

	assert_int_equal(brood_process_write(NULL, "x", 1, 0, NULL), -EINVAL);
	assert_int_equal(brood_process_read(NULL, 1, 0, &byte, 1), -EINVAL);
	assert_int_equal(brood_process_read_stage(NULL, 0, 1, 0, &byte, 1), -EINVAL);
	assert_int_equal(brood_process_next_line(NULL, 1, 0, &line, NULL), -EINVAL);
	assert_int_equal(brood_process_parent_fd(NULL, 1), -EINVAL);
	assert_int_equal(brood_process_close(NULL, 1), -EINVAL);
	assert_int_equal(brood_process_communicate(NULL, NULL, 0, 0), -EINVAL);
	assert_int_equal(brood_process_terminate(NULL), -EINVAL);
	assert_int_equal(brood_process_kill(NULL), -EINVAL);
	assert_int_equal(brood_process_stop(NULL, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_lines_are_taken_where_they_lie),
		brood_test(test_reading_steps_the_rest_of_the_handle_now_and_then),
		brood_test(test_bad_arguments_are_refused),
		brood_test(test_nothing_is_done_for_no_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
