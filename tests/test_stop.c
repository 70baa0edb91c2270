/* SPDX-License-Identifier: MIT */
/* lib/process/stop.c: the ladder as state, climbed by time alone. */
#include <brood.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "process/process.h"
#include "spawn/engine.h"
#include "support/cgroups.h"
#include "support/running.h"

static brood_process *start_deaf(void)
{
	brood_command *cmd = child("ignore-term", "sleep-forever");
	brood_process *process;
	const char *line;

	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	assert_int_equal(brood_process_next_line(process, 1, 60000, &line, NULL), 1);
	return process;
}

static void test_the_ladder_goes_from_asked_to_killed_to_over(void **state)
{
	brood_process *process = start_deaf();
	int64_t now = clock_now_ns();

	process_begin_stop(process, BROOD_BY_STOP, 60000, now);
	assert_int_equal(process->ladder, LADDER_ASKED);
	assert_true(process_stopping(process));
	process_climb(process, now + 59999000000);
	assert_int_equal(process->ladder, LADDER_ASKED);
	process_climb(process, now + 60000000000);
	assert_int_equal(process->ladder, LADDER_KILLED);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(process->ladder, LADDER_OVER);
	assert_int_equal(brood_result_signal(process->result, 0), SIGKILL);
	brood_process_free(process);
}

static void test_a_second_stop_may_shorten_the_grace_but_not_lengthen_it(void **state)
{
	brood_process *process = start_deaf();
	int64_t now = clock_now_ns(), end;

	process_begin_stop(process, BROOD_BY_STOP, 60000, now);
	end = process->grace_ns;
	process_begin_stop(process, BROOD_BY_DEADLINE, 600000, now);
	assert_true(process->grace_ns == end);
	process_begin_stop(process, BROOD_BY_DEADLINE, 30000, now);
	assert_true(process->grace_ns == now + 30000000000);
	process_begin_stop(process, BROOD_BY_DEADLINE, 0, now);
	assert_int_equal(process->ladder, LADDER_KILLED);
	assert_int_equal(brood_process_wait(process, -1), 0);
	/* Who asked first is the cause. */
	assert_int_equal(brood_result_cause(process->result, 0), BROOD_BY_STOP);
	brood_process_free(process);
}

static void test_who_never_ends_is_given_up_after_a_bound(void **state)
{
	brood_process *process = start_deaf();
	const pid_t pid = brood_process_pid(process, 0);
	int64_t now = clock_now_ns();

	/* As if SIGKILL had been sent, which this child was spared. */
	process->ladder = LADDER_KILLED;
	process->grace_ns = process->ladder_ns = now + 5000000000;
	process_climb(process, now + 4999000000);
	assert_int_equal(brood_result_how(process->result, 0), BROOD_RUNNING);
	process_climb(process, now + 5000000000);
	assert_int_equal(brood_result_how(process->result, 0), BROOD_LOST);
	assert_int_equal(process->ladder, LADDER_OVER);
	brood_process_free(process);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Much memory is freed before its owner is gone: here SIGKILL does nothing, as if there were very much of it. */
static void dies_slowly(void *pidfile)
{
	brood_command *cmd = child("fork-away", "pidfile", pidfile, "sleep-forever");
	struct cgroup cgroup = make_or_skip();
	brood_process *process;
	pid_t member;
	int64_t now;

	assert_removed(&cgroup);
	brood_command_set_contained(cmd, true);
	process = start(cmd);
	member = support_read_pidfile(pidfile);
	assert_int_equal(brood_process_wait(process, -1), 0);
	fd_close(&process->cgroup.kill_fd);
	support_deny_syscall(SYS_pidfd_send_signal, 0);

	now = clock_now_ns();
	process_begin_stop(process, BROOD_BY_STOP, 0, now);
	for (int64_t ms = 0; ms < 5000; ms += 100) {
		process_climb(process, now + ms * 1000000);
		assert_int_equal(process->ladder, LADDER_KILLED);
	}
	process_climb(process, now + 5000000000);
	assert_int_equal(process->ladder, LADDER_OVER);
	kill(member, SIGKILL);
	brood_process_free(process);
	assert_true(support_wait_gone(member, 30000));
}

static void test_who_is_dying_in_a_cgroup_is_waited_for_as_a_child_is(void **state)
{
	char pidfile[256];

	(void)state;
	support_assert_in_fork(dies_slowly, support_path(pidfile, sizeof pidfile, "pid"));
}

static void test_stopping_what_has_ended_is_over_at_once(void **state)
{
	brood_process *process = start(child("exit", "0"));

	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_process_stop(process, 60000), BROOD_STOPPED_CHILDREN);
	assert_int_equal(brood_process_stop(process, -1), BROOD_STOPPED_CHILDREN);
	assert_int_equal(process->ladder, LADDER_OVER);
	assert_true(brood_result_ok(process->result));
	brood_process_free(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_the_ladder_goes_from_asked_to_killed_to_over),
		brood_test(test_a_second_stop_may_shorten_the_grace_but_not_lengthen_it),
		brood_test(test_who_never_ends_is_given_up_after_a_bound),
		brood_test(test_who_is_dying_in_a_cgroup_is_waited_for_as_a_child_is),
		brood_test(test_stopping_what_has_ended_is_over_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
