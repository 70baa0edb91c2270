/* SPDX-License-Identifier: MIT */
/* lib/process/start.c: starting from the left, undone when a stage cannot be started. */
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

static void test_a_command_that_is_null_is_want_of_memory(void **state)
{
	brood_process *process = (brood_process *)&state;
	brood_result *result = (brood_result *)&state;

	assert_int_equal(brood_start(NULL, &process), -ENOMEM);
	assert_null(process);
	assert_int_equal(brood_run(NULL, &result), -ENOMEM);
	assert_null(result);
	assert_int_equal(brood_start(NULL, NULL), -EINVAL);
	assert_int_equal(brood_run(NULL, NULL), -EINVAL);
}

static void test_a_mistaken_command_fails_with_its_sentence(void **state)
{
	brood_command *cmd = brood_command_newl("", NULL);
	brood_process *process;
	brood_result *result;

	assert_int_equal(brood_start(cmd, &process), -EINVAL);
	assert_non_null(strstr(brood_result_describe(brood_process_result(process)), brood_command_error(cmd)));
	assert_int_equal(brood_process_poll(process), 1);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_process_stop(process, -1), BROOD_STOPPED_CHILDREN);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	brood_process_free(process);
	assert_int_equal(brood_run(cmd, &result), -EINVAL);
	assert_int_equal(brood_result_errno(result), EINVAL);
	assert_int_equal(brood_result_shell_status(result), 125);
	brood_result_free(result);
	brood_command_free(cmd);
}

static void test_a_thousand_failed_starts_leave_nothing(void **state)
{
	const int times = under_valgrind() ? 50 : 1000;

	for (int i = 0; i < times; i++) {
		brood_command *cmd = brood_command_newl("/nonexistent/program", NULL);
		brood_result *result;

		brood_command_redirect_pipe(cmd, 0);
		brood_command_capture(cmd, 1, 0);
		brood_command_capture(cmd, 2, 0);
		assert_int_equal(brood_run(cmd, &result), -ENOENT);
		brood_result_free(result);
		brood_command_free(cmd);
	}
}

static void test_a_batchs_defaults_are_a_group_and_an_empty_stdin(void **state)
{
	brood_command *cmd = child("count");
	brood_process *process;

	brood_command_capture(cmd, 1, 0);
	assert_int_equal(process_start(cmd, &(struct start_options){ .stdin_null = true, .new_group = true }, &process), 0);
	brood_command_free(cmd);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_string_equal(brood_result_output(process->result, 1, NULL), "0\n");
	assert_int_equal(brood_process_stop(process, 0), BROOD_STOPPED_GROUP);
	brood_process_free(process);
}

static void test_an_early_start_tells_of_a_failed_exec_later(void **state)
{
	const char *const programs[] = { "/nonexistent/program", support_child() };

	for (size_t i = 0; i < 2; i++) {
		brood_command *cmd = brood_command_newl(programs[i], "exit", "3", NULL);
		brood_process *process;
		int r;

		r = process_start(cmd, &(struct start_options){ .early = true }, &process);
		assert_true(r == 0 || (i == 0 && r == -ENOENT));
		assert_int_equal(brood_process_wait(process, -1), 0);
		assert_int_equal(brood_result_errno(process->result), i == 0 ? ENOENT : 0);
		assert_int_equal(brood_result_how(process->result, 0), i == 0 ? BROOD_NOT_STARTED : BROOD_EXITED);
		brood_process_free(process);
		brood_command_free(cmd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_command_that_is_null_is_want_of_memory),
		brood_test(test_a_mistaken_command_fails_with_its_sentence),
		brood_test(test_a_thousand_failed_starts_leave_nothing),
		brood_test(test_a_batchs_defaults_are_a_group_and_an_empty_stdin),
		brood_test(test_an_early_start_tells_of_a_failed_exec_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
