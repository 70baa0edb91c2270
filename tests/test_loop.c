/* SPDX-License-Identifier: MIT */
/* lib/process/loop.c: what is ready, what is due, when to look again. */
#include <brood.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/process.h"
#include "spawn/engine.h"
#include "spawn/sys.h"
#include "support/running.h"

static void test_the_next_wake_up_is_the_budget_while_children_run(void **state)
{
	brood_command *cmd = child("sleep-forever");
	brood_process *process;

	brood_command_set_timeout_ms(cmd, 600000);
	process = start(cmd);
	assert_true(process_wake_ns(process) <= process->budget_ns);
	brood_process_kill(process);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_true(process_wake_ns(process) == DEADLINE_NEVER);
	brood_process_free(process);
}

static void test_a_step_never_blocks(void **state)
{
	brood_command *cmd = child("sleep-forever");
	brood_process *process;

	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	for (int i = 0; i < 100; i++)
		assert_int_equal(process_step(process, clock_now_ns()), 0);
	assert_false(process_ended(process));
	brood_process_kill(process);
	brood_process_free(process);
}

/* A host that has lowered RLIMIT_NOFILE below what is watched, or has no memory for the kernel's table. */
static void without_ppoll(void *data)
{
	brood_command *cmd = child("print", "seen", "sleep-forever");
	brood_process *process;

	(void)data;
	brood_command_capture(cmd, 1, 0);
	brood_command_set_grace_ms(cmd, 1);
	process = start(cmd);
	support_deny_syscall(SYS_ppoll, EINVAL);
	while (brood_result_bytes(brood_process_result(process), 1) < 4)
		assert_int_equal(brood_process_wait(process, 1), -ETIMEDOUT);
	assert_int_equal(brood_process_stop(process, 0), BROOD_STOPPED_CHILDREN);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGKILL);
	brood_process_free(process);
}

static void test_what_cannot_be_waited_for_is_looked_at(void **state)
{
	(void)state;
	support_assert_in_fork(without_ppoll, NULL);
}

static void test_time_that_jumps_ahead_spends_the_budget_and_the_grace(void **state)
{
	brood_command *cmd = child("sleep-forever");
	brood_process *process;

	/* More than an hour passes at once: nobody waited. */
	brood_command_set_timeout_ms(cmd, 3600000);
	brood_command_set_grace_ms(cmd, 60000);
	process = start(cmd);
	assert_int_equal(process_step(process, clock_now_ns() + 3601000000000), 0);
	assert_int_equal(process->ladder, LADDER_ASKED);
	assert_true(process->result->over_budget);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_cause(process->result, 0), BROOD_BY_DEADLINE);
	brood_process_free(process);
}

static void test_ended_is_not_finished_while_a_pipe_is_held(void **state)
{
	char pidfile[256];
	brood_command *cmd = child("hold-pipe-in-grandchild", "600000", support_path(pidfile, sizeof pidfile, "pid"));
	brood_process *process;
	pid_t pid;

	brood_command_capture(cmd, 1, 0);
	brood_command_set_linger_ms(cmd, 600000);
	process = start(cmd);
	pid = support_read_pidfile(pidfile);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_true(process_ended(process));
	assert_false(process_finished(process));
	assert_true(process_wake_ns(process) <= process->linger_ns);
	assert_int_equal(brood_process_poll(process), 1);
	assert_int_equal(brood_process_dispatch(process), 0);
	kill(pid, SIGKILL);
	assert_true(support_wait_gone(pid, 30000));
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_true(process_finished(process));
	assert_false(brood_result_held(process->result));
	brood_process_free(process);
}

static void test_more_pipes_than_fit_on_the_stack(void **state)
{
	brood_command *cmd = child("discard");
	brood_process *process;

	brood_command_feed(cmd, "x", 1);
	for (int fd = 1; fd < 40; fd++)
		brood_command_capture(cmd, fd, 0);
	process = start(cmd);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_true(brood_result_ok(process->result));
	assert_false(brood_result_held(process->result));
	brood_process_free(process);
}

static void test_more_pipes_than_one_turn_of_the_poller_are_not_held(void **state)
{
	for (int i = 0; i < 20; i++) {
		brood_command *cmd = child("print", "out");
		brood_process *process;

		for (int fd = 1; fd < 40; fd++)
			brood_command_capture(cmd, fd, 0);
		process = start(cmd);
		brood_process_fd(process);
		assert_int_equal(brood_process_wait(process, -1), 0);
		assert_false(brood_result_held(process->result));
		assert_true(brood_result_ok(process->result));
		assert_string_equal(brood_result_output(process->result, 1, NULL), "out");
		brood_process_free(process);
	}
}

static void full_set(void *data)
{
	brood_command *cmd = child("print", "said");
	brood_process *process;

	(void)data;
	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	support_deny_syscall(SYS_epoll_ctl, ENOSPC);
	assert_int_equal(brood_process_fd(process), -ENOSPC);
	/* It waits as it did before. */
	assert_int_equal(brood_process_communicate(process, NULL, 0, 10000), 0);
	assert_string_equal(brood_result_output(brood_process_result(process), 1, NULL), "said");
	brood_process_free(process);
}

static void test_a_descriptor_that_could_not_tell_of_everything_is_refused(void **state)
{
	struct poller *poller = poller_new();

	(void)state;
	if (poller_fd(poller) < 0 || !BROOD_LINUX_FAST_PATH || engine_now() == ENGINE_POSIX) {
		poller_free(poller);
		support_skip("there is no epoll here");
	}
	poller_free(poller);
	support_assert_in_fork(full_set, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_the_next_wake_up_is_the_budget_while_children_run),
		brood_test(test_a_step_never_blocks),
		brood_test(test_what_cannot_be_waited_for_is_looked_at),
		brood_test(test_time_that_jumps_ahead_spends_the_budget_and_the_grace),
		brood_test(test_ended_is_not_finished_while_a_pipe_is_held),
		brood_test(test_more_pipes_than_fit_on_the_stack),
		brood_test(test_a_descriptor_that_could_not_tell_of_everything_is_refused),
		brood_test(test_more_pipes_than_one_turn_of_the_poller_are_not_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
