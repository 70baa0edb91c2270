/* SPDX-License-Identifier: MIT */
/* Ending a chain and what came out of it: children, groups, sessions, cgroups; a handle never waits for pipes that others hold. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include <brood.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/cgroup.h"
#include "spawn/engine.h"
#include "support/running.h"

enum { PIDFD_SIGNAL_GROUP = 1 << 2 };

/* A child that says "ready" on its stdout has come as far as the test wants it. */
static brood_process *start_ready(brood_command *cmd_take)
{
	brood_process *process;
	const char *line;

	brood_command_redirect_pipe(cmd_take, 1);
	process = start(cmd_take);
	assert_int_equal(brood_process_next_line(process, 1, 60000, &line, NULL), 1);
	assert_string_equal(line, "ready");
	return process;
}

static void end_stranger(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_true(support_wait_gone(pid, 30000));
}

static bool group_outlives_its_leader(void)
{
	struct pidref self = { .pid = getpid(), .pidfd = -1 };
	bool result;

	if (engine_now() == ENGINE_POSIX)
		return false;
	self.pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	result = pidref_group_outlives_leader(&self);
	close(self.pidfd);
	return result;
}

/* ---- 75 ---- */

static void test_terminate_and_kill_give_the_right_status(void **state)
{
	brood_process *process = start(child("sleep-forever"));

	assert_int_equal(brood_process_signal(process, 0), 0);
	assert_int_equal(brood_process_terminate(process), 0);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGTERM);
	assert_int_equal(brood_result_cause(brood_process_result(process), 0), BROOD_BY_STOP);
	brood_process_free(process);

	process = start(child("sleep-forever"));
	assert_int_equal(brood_process_kill(process), 0);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGKILL);
	brood_process_free(process);
}

static void test_kill_after_the_end_is_harmless(void **state)
{
	brood_process *process = start(child("exit", "3"));

	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_process_kill(process), 0);
	assert_int_equal(brood_process_terminate(process), 0);
	assert_int_equal(brood_process_signal(process, 0), -ESRCH);
	assert_int_equal(brood_process_signal(process, -1), -EINVAL);
	assert_int_equal(brood_process_signal(process, SIGRTMAX + 1), -EINVAL);
	assert_int_equal(brood_process_stop(process, 0), BROOD_STOPPED_CHILDREN);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 3);
	assert_int_equal(brood_result_cause(brood_process_result(process), 0), BROOD_BY_ITSELF);
	brood_process_free(process);
}

static void test_the_stop_signal_may_be_another(void **state)
{
	brood_command *cmd = child("ignore-term", "sleep-forever");
	brood_process *process;

	brood_command_set_stop_signal(cmd, SIGINT);
	process = start_ready(cmd);
	assert_int_equal(brood_process_stop(process, -1), BROOD_STOPPED_CHILDREN);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGINT);
	brood_process_free(process);
}

static void test_kill_reaches_every_stage(void **state)
{
	brood_process *process = start(brood_pipe(brood_pipe(child("sleep-forever"), child("sleep-forever")), child("sleep-forever")));

	assert_int_equal(brood_process_kill(process), 0);
	assert_int_equal(brood_process_wait(process, -1), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(brood_result_signal(brood_process_result(process), i), SIGKILL);
	brood_process_free(process);
}

/* ---- 76 ---- */

static void test_stop_kills_who_ignores_the_signal_after_the_grace(void **state)
{
	brood_process *process = start_ready(child("ignore-term", "sleep-forever"));
	const int64_t before = support_now_ms();

	assert_int_equal(brood_process_stop(process, 60), BROOD_STOPPED_CHILDREN);
	assert_true(support_now_ms() - before >= 60);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGKILL);
	assert_int_equal(brood_result_cause(brood_process_result(process), 0), BROOD_BY_STOP);
	brood_process_free(process);
}

static void test_stop_with_as_long_as_it_takes_waits(void **state)
{
	/* With a pipe to watch, and with nothing but the child. */
	brood_process *process = start_ready(child("trap-term", "4", "sleep-forever"));

	assert_int_equal(brood_process_stop(process, -1), BROOD_STOPPED_CHILDREN);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 4);
	brood_process_free(process);
	process = start(child("sleep-forever"));
	assert_int_equal(brood_process_stop(process, -1), BROOD_STOPPED_CHILDREN);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGTERM);
	brood_process_free(process);
}

static brood_process *start_stopped(void)
{
	brood_process *process = start(child("stop-self", "exit", "1"));
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)brood_process_pid(process, 0), &info, WSTOPPED | WEXITED | WNOWAIT), 0);
	assert_int_equal(info.si_code, CLD_STOPPED);
	return process;
}

static void test_a_stopped_child_ends_by_terminate_and_by_stop(void **state)
{
	brood_process *process = start_stopped();

	assert_int_equal(brood_process_terminate(process), 0);
	assert_int_equal(brood_process_wait(process, 60000), 0);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGTERM);
	brood_process_free(process);
	process = start_stopped();
	assert_int_equal(brood_process_stop(process, -1), BROOD_STOPPED_CHILDREN);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGTERM);
	brood_process_free(process);
}

/* ---- 77: groups ---- */

static brood_command *with_grandchild(const char *verb, const char *pidfile, const char *then)
{
	brood_command *cmd = child(verb, "600000", pidfile, "ready", then ? then : "exit", then ? NULL : "0");

	brood_command_set_new_group(cmd, true);
	return cmd;
}

static void test_stop_of_a_group_reaches_grandchildren(void **state)
{
	char pidfile[256];
	brood_process *process = start_ready(with_grandchild("spawn-in-group", support_path(pidfile, sizeof pidfile, "pid"), "sleep-forever"));
	pid_t pid = support_read_pidfile(pidfile);

	assert_int_equal(brood_process_stop(process, 60000), BROOD_STOPPED_GROUP);
	assert_true(support_wait_gone(pid, 30000));
	brood_process_free(process);
}

static void test_stop_of_a_group_reaches_who_outlived_the_leader(void **state)
{
	char pidfile[256];
	brood_process *process;
	pid_t pid;

	skip_unless(group_outlives_its_leader(), "here a group cannot be signalled after its leader was reaped");
	process = start_ready(with_grandchild("spawn-in-group", support_path(pidfile, sizeof pidfile, "pid"), NULL));
	pid = support_read_pidfile(pidfile);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_true(support_alive(pid));
	assert_int_equal(brood_process_signal(process, 0), 0);
	assert_int_equal(brood_process_stop(process, 60000), BROOD_STOPPED_GROUP);
	assert_true(support_wait_gone(pid, 30000));
	brood_process_free(process);
}

static brood_command *with_deaf_grandchild(const char *pidfile, const char *leader)
{
	brood_command *deaf = child("fork-away", "ignore", "TERM", "pidfile", pidfile, "sleep-forever");
	brood_command *cmd = brood_then(deaf, child("wait-for-file", pidfile, "ready", leader));

	brood_command_set_new_group(cmd, true);
	return cmd;
}

static void test_a_grandchild_that_ignores_the_signal_is_killed_after_the_grace(void **state)
{
	char pidfile[256];
	brood_process *process;
	int64_t before;
	pid_t pid;

	skip_unless(group_outlives_its_leader(), "here a group cannot be signalled after its leader was reaped");
	process = start_ready(with_deaf_grandchild(support_path(pidfile, sizeof pidfile, "pid"), "sleep-forever"));
	pid = support_read_pidfile(pidfile);
	before = support_now_ms();
	assert_int_equal(brood_process_stop(process, 100), BROOD_STOPPED_GROUP);
	assert_true(support_now_ms() - before >= 100);
	/* The bound for a child in uninterruptible sleep is not waited out for a grandchild. */
	assert_true(support_now_ms() - before < 4000);
	assert_true(support_wait_gone(pid, 30000));
	brood_process_free(process);
}

static void test_a_spent_budget_brings_the_ladder_to_its_end_for_the_group(void **state)
{
	char pidfile[256];
	brood_process *process;
	brood_command *cmd;
	pid_t pid;

	skip_unless(group_outlives_its_leader(), "here a group cannot be signalled after its leader was reaped");
	cmd = with_deaf_grandchild(support_path(pidfile, sizeof pidfile, "pid"), "sleep-forever");
	brood_command_redirect_null(cmd, 1);
	brood_command_set_timeout_ms(cmd, 500);
	brood_command_set_grace_ms(cmd, 50);
	process = start(cmd);
	/* It is deaf by now. No call on the handle before, which would spend the budget of one that is late. */
	pid = support_read_pidfile(pidfile);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_int_equal(brood_result_shell_status(brood_process_result(process)), 124);
	brood_process_free(process);
	assert_true(support_wait_gone(pid, 30000));
}

static void late_leader(void *data)
{
	char pidfile[256];
	brood_process *process;
	brood_command *cmd;
	siginfo_t info;
	pid_t pid;

	support_deny_syscall_when(SYS_pidfd_send_signal, 3, PIDFD_SIGNAL_GROUP, PIDFD_SIGNAL_GROUP, EINVAL);
	/* The leader is the first stage: it ends first, and stays a zombie as long as the other runs. */
	cmd = brood_pipe(child("exit", "3"), child("ready", "spawn-in-group", "600000", support_path(pidfile, sizeof pidfile, "pid"),
						   "ready", "sleep-forever"));
	brood_command_set_new_group(cmd, true);
	process = start_ready(cmd);
	pid = support_read_pidfile(pidfile);
	assert_int_equal(waitid(P_PID, (id_t)brood_process_pid(process, 0), &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(brood_process_wait(process, 20), -ETIMEDOUT);
	assert_int_equal(getpgid(brood_process_pid(process, 1)), brood_process_pid(process, 0));
	assert_int_equal(brood_process_stop(process, 60000), BROOD_STOPPED_GROUP);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 3);
	assert_int_equal(brood_result_signal(brood_process_result(process), 1), SIGTERM);
	assert_true(support_wait_gone(pid, 30000));
	/* The number may be anybody's now. */
	assert_int_equal(brood_process_signal(process, 0), -ESRCH);
	assert_int_equal(brood_process_kill(process), 0);
	brood_process_free(process);
	unlink(pidfile);

	/* Without a stop the leader is reaped as any child is. */
	cmd = brood_pipe(child("exit", "3"), child("exit", "4"));
	brood_command_set_new_group(cmd, true);
	process = start(cmd);
	assert_int_equal(brood_process_wait(process, 60000), 0);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 3);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 1), 4);
	brood_process_free(process);
}

static void test_where_groups_go_by_number_the_leader_is_reaped_last(void **state)
{
	support_assert_in_fork(late_leader, NULL);
}

static void test_without_a_group_grandchildren_are_left_alone(void **state)
{
	char pidfile[256];
	brood_command *cmd = with_grandchild("spawn-in-group", support_path(pidfile, sizeof pidfile, "pid"), "sleep-forever");
	brood_process *process;
	pid_t pid;

	brood_command_set_new_group(cmd, false);
	process = start_ready(cmd);
	pid = support_read_pidfile(pidfile);
	assert_int_equal(brood_process_stop(process, 60000), BROOD_STOPPED_CHILDREN);
	assert_true(support_alive(pid));
	brood_process_free(process);
	end_stranger(pid);
}

static void test_a_session_of_its_own_is_reached_as_a_group(void **state)
{
	char pidfile[256];
	brood_command *cmd = child("spawn-in-group", "600000", support_path(pidfile, sizeof pidfile, "pid"), "ready", "sleep-forever");
	brood_process *process;
	pid_t pid;

	brood_command_set_new_session(cmd, true);
	process = start_ready(cmd);
	pid = support_read_pidfile(pidfile);
	assert_int_equal(getsid(brood_process_pid(process, 0)), brood_process_pid(process, 0));
	assert_int_equal(brood_process_stop(process, 60000), BROOD_STOPPED_GROUP);
	assert_true(support_wait_gone(pid, 30000));
	brood_process_free(process);
}

/* ---- 77: cgroups ---- */

static bool cgroups_are_here(void)
{
	struct failure failure = { .error = 0 };
	struct cgroup cgroup = { .path = NULL, .fd = -1, .kill_fd = -1 };
	bool here = cgroup_make(&cgroup, &failure) == 0;

	if (here)
		cgroup_remove(&cgroup);
	failure_done(&failure);
	return here;
}

static brood_process *start_contained(const char *pidfile, const char *twice)
{
	brood_command *cmd = child("spawn-setsid", "600000", pidfile, "fork-away", "fork-away", "pidfile", twice, "ready", "sleep-forever");

	brood_command_set_contained(cmd, true);
	return start_ready(cmd);
}

static void test_in_a_cgroup_sessions_and_double_forks_go_too(void **state)
{
	char pidfile[256], twice[256];

	skip_unless(cgroups_are_here(), "no cgroup can be made here");
	for (int with_free = 0; with_free < 2; with_free++) {
		brood_process *process = start_contained(support_path(pidfile, sizeof pidfile, "setsid"),
							 support_path(twice, sizeof twice, "twice"));
		pid_t pid[2] = { support_read_pidfile(pidfile), support_read_pidfile(twice) };

		assert_int_equal(brood_process_wait(process, -1), 0);
		if (!with_free)
			assert_int_equal(brood_process_stop(process, 60000), BROOD_STOPPED_ALL);
		brood_process_free(process);
		for (int i = 0; i < 2; i++)
			assert_true(support_wait_gone(pid[i], 30000));
		unlink(pidfile);
		unlink(twice);
	}
}

/* ---- 78 ---- */

static void start_and_be_killed(void *pidfile)
{
	brood_command *cmd = child("pidfile", pidfile, "sleep-forever");
	brood_process *process;

	brood_command_set_die_with_parent(cmd, true);
	process = start(cmd);
	support_read_pidfile(pidfile);
	kill(getpid(), SIGKILL);
	brood_process_free(process);
}

static void test_who_dies_with_the_parent_is_gone_after_kill_9(void **state)
{
	char pidfile[256];
	pid_t pid;

	skip_unless(BROOD_LINUX_FAST_PATH, "plain POSIX has no death with the parent");
	assert_int_equal(support_in_fork(start_and_be_killed, support_path(pidfile, sizeof pidfile, "pid")), 128 + SIGKILL);
	pid = support_read_pidfile(pidfile);
	assert_true(support_wait_gone(pid, 30000));
}

/* ---- 79 ---- */

static void test_killing_never_waits_for_pipes_that_grandchildren_hold(void **state)
{
	char pidfile[256];
	brood_command *cmd = child("hold-pipe-in-grandchild", "600000", support_path(pidfile, sizeof pidfile, "pid"), "sleep-forever");
	brood_process *process;
	pid_t pid;

	brood_command_capture(cmd, 1, 0);
	brood_command_set_linger_ms(cmd, -1);
	process = start(cmd);
	pid = support_read_pidfile(pidfile);
	assert_int_equal(brood_process_stop(process, 0), BROOD_STOPPED_CHILDREN);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGKILL);
	brood_process_free(process);
	assert_true(support_alive(pid));
	end_stranger(pid);
}

/* ---- a child that nothing ends ---- */

static void cannot_be_killed(void *data)
{
	brood_process *process = start(child("sleep-forever"));
	const pid_t pid = brood_process_pid(process, 0);

	support_deny_syscall(SYS_pidfd_send_signal, 0);
	assert_int_equal(brood_process_stop(process, 0), BROOD_STOPPED_CHILDREN);
	assert_int_equal(brood_result_how(brood_process_result(process), 0), BROOD_LOST);
	assert_int_equal(brood_result_pid(brood_process_result(process), 0), pid);
	assert_false(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_a_child_that_sigkill_does_not_end_is_given_up_as_lost(void **state)
{
	skip_unless(engine_now() != ENGINE_POSIX, "without pidfds kill(2) cannot be made to do nothing");
	support_assert_in_fork(cannot_be_killed, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_terminate_and_kill_give_the_right_status),
		brood_test(test_kill_after_the_end_is_harmless),
		brood_test(test_the_stop_signal_may_be_another),
		brood_test(test_kill_reaches_every_stage),
		brood_test(test_stop_kills_who_ignores_the_signal_after_the_grace),
		brood_test(test_stop_with_as_long_as_it_takes_waits),
		brood_test(test_a_stopped_child_ends_by_terminate_and_by_stop),
		brood_test(test_stop_of_a_group_reaches_grandchildren),
		brood_test(test_stop_of_a_group_reaches_who_outlived_the_leader),
		brood_test(test_a_grandchild_that_ignores_the_signal_is_killed_after_the_grace),
		brood_test(test_a_spent_budget_brings_the_ladder_to_its_end_for_the_group),
		brood_test(test_where_groups_go_by_number_the_leader_is_reaped_last),
		brood_test(test_without_a_group_grandchildren_are_left_alone),
		brood_test(test_a_session_of_its_own_is_reached_as_a_group),
		brood_test(test_in_a_cgroup_sessions_and_double_forks_go_too),
		brood_test(test_who_dies_with_the_parent_is_gone_after_kill_9),
		brood_test(test_killing_never_waits_for_pipes_that_grandchildren_hold),
		brood_test(test_a_child_that_sigkill_does_not_end_is_given_up_as_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
