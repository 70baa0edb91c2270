/* SPDX-License-Identifier: MIT */
/* lib/process/communicate.c: the first call takes over input and pipes, later ones go on. */
#include <brood.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/process.h"
#include "support/running.h"

static brood_process *start_cat(void)
{
	brood_command *cmd = child("cat");

	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	return start(cmd);
}

static void test_input_is_copied_only_where_the_call_may_come_back_before_it_is_written(void **state)
{
	static char bytes[4 << 20];
	brood_process *process = start_cat();

	assert_int_equal(brood_process_communicate(process, bytes, sizeof bytes, 0), -ETIMEDOUT);
	assert_non_null(process->channels[0].blob);
	assert_true(process->channels[0].bytes != bytes);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_null(process->channels[0].blob);
	assert_int_equal(brood_result_bytes(process->result, 1), sizeof bytes);
	brood_process_free(process);
}

static void test_a_refused_call_changes_nothing(void **state)
{
	brood_command *cmd = child("print", "x");
	brood_process *process;

	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	assert_int_equal(brood_process_communicate(process, "input", 5, -1), -EINVAL);
	assert_false(process->communicating);
	assert_int_equal(process->channels[0].kind, CHANNEL_PIPE);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_string_equal(brood_result_output(process->result, 1, NULL), "x");
	brood_process_free(process);
}

static void test_pipes_become_captures(void **state)
{
	brood_process *process = start_cat();

	assert_int_equal(brood_process_communicate(process, "x", 1, -1), 0);
	assert_int_equal(process->channels[0].kind, CHANNEL_FEED);
	assert_int_equal(process->channels[1].kind, CHANNEL_CAPTURE);
	assert_int_equal(process->open_kept, 0);
	brood_process_free(process);
}

static void test_an_end_that_was_handed_over_is_left_alone(void **state)
{
	brood_process *process = start_cat();
	int fd = brood_process_parent_fd(process, 1);
	char *text;

	assert_true(fd >= 0);
	assert_int_equal(brood_process_communicate(process, "hello", 5, -1), 0);
	text = support_read_all(fd, NULL);
	assert_string_equal(text, "hello");
	assert_string_equal(brood_result_output(process->result, 1, NULL), "");
	free(text);
	close(fd);
	brood_process_free(process);
}

static void test_bytes_read_ahead_come_first(void **state)
{
	brood_process *process = start_cat();
	const char *line;

	assert_int_equal(brood_process_write(process, "a\nb\nc", 5, -1, NULL), 0);
	assert_int_equal(brood_process_next_line(process, 1, -1, &line, NULL), 1);
	assert_int_equal(brood_process_communicate(process, "d", 1, -1), 0);
	assert_string_equal(brood_result_output(process->result, 1, NULL), "b\ncd");
	brood_process_free(process);
}

static void test_a_pipe_that_a_grandchild_holds_after_wait_gave_up_ends_too(void **state)
{
	char pidfile[256];
	brood_command *cmd = child("hold-pipe-in-grandchild", "600000", support_path(pidfile, sizeof pidfile, "pid"), "print", "x");
	brood_process *process;
	pid_t pid;

	brood_command_redirect_pipe(cmd, 1);
	brood_command_capture(cmd, 2, 0);
	brood_command_set_linger_ms(cmd, 20);
	process = start(cmd);
	pid = support_read_pidfile(pidfile);
	assert_int_equal(brood_process_wait(process, -1), 0);
	while (brood_process_dispatch(process) == 0)
		support_sleep_ms(5);
	assert_true(brood_result_truncated(process->result, 2));
	/* The other pipe is held as well: a second linger, not an endless one. */
	assert_int_equal(brood_process_communicate(process, NULL, 0, 60000), 0);
	assert_string_equal(brood_result_output(process->result, 1, NULL), "x");
	assert_true(brood_result_held(process->result));
	brood_process_free(process);
	kill(pid, SIGKILL);
	assert_true(support_wait_gone(pid, 30000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_input_is_copied_only_where_the_call_may_come_back_before_it_is_written),
		brood_test(test_a_refused_call_changes_nothing),
		brood_test(test_pipes_become_captures),
		brood_test(test_an_end_that_was_handed_over_is_left_alone),
		brood_test(test_bytes_read_ahead_come_first),
		brood_test(test_a_pipe_that_a_grandchild_holds_after_wait_gave_up_ends_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
