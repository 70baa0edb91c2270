/* SPDX-License-Identifier: MIT */
/* lib/process/reap.c: one end for each child, with its cause. */
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

static void test_a_reaped_child_leaves_no_descriptor(void **state)
{
	brood_process *process = start(child("exit", "0"));
	const size_t before = support_fd_count();

	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_true(support_fd_count() == before - (engine_now() != ENGINE_POSIX));
	assert_int_equal(process->children[0].ref.pidfd, -1);
	assert_int_equal(process->running, 0);
	brood_process_free(process);
}

static void test_a_death_by_a_signal_that_this_handle_sent_is_by_stop(void **state)
{
	brood_process *process = start(child("sleep-forever"));

	assert_int_equal(brood_process_signal(process, SIGUSR1), 0);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_signal(process->result, 0), SIGUSR1);
	assert_int_equal(brood_result_cause(process->result, 0), BROOD_BY_STOP);
	brood_process_free(process);
}

static void test_a_death_by_somebody_elses_signal_is_by_itself(void **state)
{
	brood_process *process = start(child("sleep-forever"));

	kill(brood_process_pid(process, 0), SIGUSR1);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_cause(process->result, 0), BROOD_BY_ITSELF);
	brood_process_free(process);
}

static void test_an_exit_after_a_signal_that_did_not_kill_is_by_itself(void **state)
{
	brood_command *cmd = child("ignore", "USR1", "ready", "cat");
	brood_process *process;
	const char *line;

	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	assert_int_equal(brood_process_next_line(process, 1, -1, &line, NULL), 1);
	assert_int_equal(brood_process_signal(process, SIGUSR1), 0);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_int_equal(brood_result_cause(process->result, 0), BROOD_BY_ITSELF);
	assert_true(brood_result_ok(process->result));
	brood_process_free(process);
}

static void test_children_are_reaped_without_polling_where_nothing_else_matters(void **state)
{
	brood_process *process;

	skip_unless(engine_now() != ENGINE_POSIX, "without pidfds there is nothing to wait in");
	process = start(brood_pipe(child("sleep", "10", "exit", "1"), child("exit", "2")));

	assert_int_equal(process_reap_blocking(process), 0);
	assert_int_equal(process->running, 0);
	assert_int_equal(brood_process_wait(process, 0), 0);
	assert_int_equal(brood_result_exit_code(process->result, 0), 1);
	assert_int_equal(brood_result_exit_code(process->result, 1), 2);
	brood_process_free(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_reaped_child_leaves_no_descriptor),
		brood_test(test_a_death_by_a_signal_that_this_handle_sent_is_by_stop),
		brood_test(test_a_death_by_somebody_elses_signal_is_by_itself),
		brood_test(test_an_exit_after_a_signal_that_did_not_kill_is_by_itself),
		brood_test(test_children_are_reaped_without_polling_where_nothing_else_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
