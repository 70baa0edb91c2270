/* SPDX-License-Identifier: MIT */
/* lib/process/holders.c: who has a pipe open whose writers should all be gone. */
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

static void test_each_holder_is_found_once_and_nobody_else(void **state)
{
	char pidfile[2][256];
	brood_command *cmd = child("hold-pipe-in-grandchild", "600000", support_path(pidfile[0], sizeof pidfile[0], "one"),
				   "hold-pipe-in-grandchild", "600000", support_path(pidfile[1], sizeof pidfile[1], "two"));
	brood_process *process;
	const pid_t *holders;
	size_t count;
	pid_t pid[2];

	skip_unless(access("/proc/self/fd", R_OK) == 0, "there is no /proc here");
	brood_command_capture(cmd, 1, 0);
	brood_command_capture(cmd, 2, 0);
	process = start(cmd);
	for (int i = 0; i < 2; i++)
		pid[i] = support_read_pidfile(pidfile[i]);
	assert_int_equal(brood_process_wait(process, -1), 0);
	/* Twice: the second look forgets the first. */
	find_holders(process);
	find_holders(process);
	holders = brood_result_holders(process->result, &count);
	assert_int_equal(count, 2);
	assert_true((holders[0] == pid[0] && holders[1] == pid[1]) || (holders[0] == pid[1] && holders[1] == pid[0]));
	for (int i = 0; i < 2; i++) {
		kill(pid[i], SIGKILL);
		assert_true(support_wait_gone(pid[i], 30000));
	}
	find_holders(process);
	assert_null(brood_result_holders(process->result, &count));
	assert_int_equal(count, 0);
	brood_process_free(process);
}

static brood_process *with_holder(char *pidfile)
{
	brood_command *cmd = child("hold-pipe-in-grandchild", "600000", pidfile);
	brood_process *process;

	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	assert_int_equal(brood_process_wait(process, -1), 0);
	return process;
}

static void assert_held_by(brood_process *process, struct holders *shared, const char *pidfile)
{
	const pid_t *holders;
	size_t count;

	process->holders = shared;
	find_holders(process);
	holders = brood_result_holders(process->result, &count);
	assert_int_equal(count, 1);
	assert_int_equal(holders[0], support_read_pidfile(pidfile));
}

static void test_a_look_is_good_for_all_that_had_ended_before_it(void **state)
{
	char pidfile[3][256];
	brood_process *process[3];
	struct holders shared = { .count = 0 };
	int64_t looked_ns;

	skip_unless(access("/proc/self/fd", R_OK) == 0, "there is no /proc here");
	for (int i = 0; i < 2; i++)
		process[i] = with_holder(support_path(pidfile[i], sizeof pidfile[i], i ? "one" : "none"));
	assert_held_by(process[0], &shared, pidfile[0]);
	looked_ns = shared.looked_ns;
	assert_held_by(process[1], &shared, pidfile[1]);
	assert_int_equal(shared.looked_ns, looked_ns);

	process[2] = with_holder(support_path(pidfile[2], sizeof pidfile[2], "two"));
	assert_held_by(process[2], &shared, pidfile[2]);
	assert_true(shared.looked_ns > looked_ns);

	holders_done(&shared);
	for (int i = 0; i < 3; i++) {
		pid_t pid = support_read_pidfile(pidfile[i]);

		kill(pid, SIGKILL);
		assert_true(support_wait_gone(pid, 30000));
		brood_process_free(process[i]);
	}
}

static void test_who_only_reads_the_pipe_does_not_hold_it(void **state)
{
	brood_command *cmd = child("sleep-forever");
	brood_process *process;
	int copy;

	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	copy = dup(process->channels[0].watch.fd);
	brood_process_kill(process);
	assert_int_equal(brood_process_wait(process, -1), 0);
	find_holders(process);
	assert_null(brood_result_holders(process->result, NULL));
	close(copy);
	brood_process_free(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_each_holder_is_found_once_and_nobody_else),
		brood_test(test_a_look_is_good_for_all_that_had_ended_before_it),
		brood_test(test_who_only_reads_the_pipe_does_not_hold_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
