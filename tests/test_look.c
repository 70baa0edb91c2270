/* SPDX-License-Identifier: MIT */
/* lib/process/look.c: looking at a handle moves nothing. */
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

static void test_pids_and_stages_are_known_before_and_after_the_end(void **state)
{
	brood_process *process = start(brood_pipe(child("exit", "0"), child("discard")));
	const pid_t pid = brood_process_pid(process, 1);

	assert_int_equal(brood_process_stages(process), 2);
	assert_true(pid > 0 && pid != brood_process_pid(process, 0));
	assert_int_equal(brood_process_pid(process, 2), 0);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_process_pid(process, 1), pid);
	assert_ptr_equal(brood_process_result(process), process->result);
	brood_process_free(process);
}

static void test_a_stage_that_never_started_has_no_pid(void **state)
{
	brood_command *cmd = brood_command_newl("/nonexistent/program", NULL);
	brood_process *process;

	assert_int_equal(brood_start(cmd, &process), -ENOENT);
	assert_int_equal(brood_process_pid(process, 0), 0);
	brood_process_free(process);
	brood_command_free(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_pids_and_stages_are_known_before_and_after_the_end),
		brood_test(test_a_stage_that_never_started_has_no_pid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
