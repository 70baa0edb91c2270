/* SPDX-License-Identifier: MIT */
/* Chains: statuses, one rule for success, what happens when a stage cannot start, back-pressure, and many chains side by side. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include <brood.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/running.h"

enum { MIB = 1 << 20 };

static brood_command *pipe3(brood_command *a_take, brood_command *b_take, brood_command *c_take)
{
	return brood_pipe(brood_pipe(a_take, b_take), c_take);
}

/* ---- 68 ---- */

static void test_three_stages_pass_bytes_on(void **state)
{
	brood_command *cmd = pipe3(child("lines", "3"), child("upper"), child("count"));
	brood_result *result;

	brood_command_capture(cmd, 1, 0);
	result = run(cmd);
	assert_true(brood_result_ok(result));
	assert_int_equal(brood_result_stages(result), 3);
	assert_string_equal(brood_result_output(result, 1, NULL), "21\n");
	brood_result_free(result);
}

static void test_each_stage_keeps_its_own_status(void **state)
{
	brood_result *result = run(pipe3(child("exit", "3"), child("discard", "kill", "KILL"), child("discard", "exit", "5")));

	assert_int_equal(brood_result_exit_code(result, 0), 3);
	assert_int_equal(brood_result_signal(result, 1), SIGKILL);
	assert_int_equal(brood_result_exit_code(result, 2), 5);
	assert_int_equal(brood_result_shell_status(result), 5);
	assert_false(brood_result_ok(result));
	brood_result_free(result);
}

static void test_a_failure_in_the_middle_is_a_failure(void **state)
{
	brood_result *result = run(pipe3(child("exit", "0"), child("discard", "exit", "4"), child("discard")));

	assert_false(brood_result_ok(result));
	assert_int_equal(brood_result_shell_status(result), 4);
	brood_result_free(result);
}

static void test_an_unchecked_stage_may_fail(void **state)
{
	brood_command *first = child("exit", "1");
	brood_result *result;

	brood_command_set_unchecked(first, true);
	result = run(brood_pipe(first, child("discard")));
	assert_true(brood_result_ok(result));
	assert_int_equal(brood_result_exit_code(result, 0), 1);
	brood_result_free(result);
}

/* ---- 69 ---- */

static void check_undone(size_t bad, size_t stages)
{
	brood_command *cmd = NULL;
	brood_process *process;
	char sentence[128];

	for (size_t i = 0; i < stages; i++) {
		brood_command *stage = i == bad ? brood_command_newl("/nonexistent/program", NULL) : child("sleep-forever");

		cmd = i == 0 ? stage : brood_pipe(cmd, stage);
	}
	brood_command_capture(cmd, 1, 0);
	assert_int_equal(brood_start(cmd, &process), -ENOENT);
	brood_command_free(cmd);
	for (size_t i = 0; i < stages; i++) {
		assert_int_equal(brood_result_how(brood_process_result(process), i), i < bad ? BROOD_SIGNALLED : BROOD_NOT_STARTED);
		assert_int_equal(brood_result_cause(brood_process_result(process), i), i < bad ? BROOD_BY_FAILURE : BROOD_BY_ITSELF);
	}
	snprintf(sentence, sizeof sentence, "stage %zu: exec '/nonexistent/program': No such file or directory", bad + 1);
	assert_string_equal(brood_result_describe(brood_process_result(process)), sentence);
	assert_int_equal(brood_result_shell_status(brood_process_result(process)), 127);
	assert_int_equal(brood_process_poll(process), 1);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	brood_process_free(process);
}

static void test_a_stage_that_cannot_start_undoes_the_chain(void **state)
{
	for (size_t bad = 0; bad < 3; bad++)
		check_undone(bad, 3);
}

static void undo_a_deaf_stage(void *data)
{
	brood_command *first = child("sleep-forever"), *second = child("exit", "0"), *cmd;
	brood_process *process;

	/* Deaf from its first instruction. */
	signal(SIGTERM, SIG_IGN);
	brood_command_keep_ignored(first, SIGTERM);
	brood_command_redirect_path(second, 2, "/nonexistent/file", 0, 0);
	cmd = brood_pipe(first, second);
	brood_command_set_grace_ms(cmd, 20);
	assert_int_equal(brood_start(cmd, &process), -ENOENT);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGKILL);
	brood_process_free(process);
	brood_command_free(cmd);
}

static void test_a_half_started_chain_that_ignores_the_stop_signal_is_killed(void **state)
{
	support_assert_in_fork(undo_a_deaf_stage, NULL);
}

/* ---- 70, 71 ---- */

static void test_who_writes_to_a_finished_reader_dies_of_sigpipe_and_that_is_no_failure(void **state)
{
	brood_command *cmd = brood_pipe(child("flood-forever"), child("head", "1"));
	brood_result *result;

	brood_command_capture(cmd, 1, 0);
	result = run(cmd);
	assert_true(brood_result_ok(result));
	assert_int_equal(brood_result_signal(result, 0), SIGPIPE);
	assert_string_equal(brood_result_output(result, 1, NULL), "y\n");
	brood_result_free(result);
}

static void test_64_mib_go_through_three_stages_whole(void **state)
{
	brood_command *cmd = pipe3(child("pattern", "64M"), child("cat"), child("check-pattern", "64M"));
	brood_result *result = run(cmd);

	assert_true(brood_result_ok(result));
	brood_result_free(result);
}

static void test_a_slow_reader_holds_the_writer_back(void **state)
{
	char done[256];
	brood_command *cmd = brood_pipe(child("flood", "16M", "touch", support_path(done, sizeof done, "done")), child("sleep-forever"));
	brood_process *process = start(cmd);

	assert_int_equal(brood_process_wait(process, 100), -ETIMEDOUT);
	assert_int_equal(access(done, F_OK), -1);
	brood_process_kill(process);
	brood_process_free(process);
}

/* ---- outputs of chains ---- */

static void test_a_shared_stderr_has_what_every_stage_said(void **state)
{
	brood_command *cmd = pipe3(child("err", "a"), child("discard", "err", "b"), child("discard", "err", "c"));
	const char *text;
	brood_result *result;
	size_t size;

	brood_command_capture(cmd, 2, 0);
	result = run(cmd);
	text = brood_result_output(result, 2, &size);
	assert_int_equal(size, 3);
	assert_true(strchr(text, 'a') && strchr(text, 'b') && strchr(text, 'c'));
	assert_string_equal(brood_result_stage_output(result, 0, 2, NULL), "");
	brood_result_free(result);
}

static void test_each_stage_may_have_outputs_of_its_own(void **state)
{
	brood_command *first = child("err", "one", "print", "x"), *second = child("discard", "err", "two", "write-fd", "5", "five");
	brood_result *result;

	brood_command_capture(first, 2, 0);
	brood_command_capture(second, 2, 0);
	brood_command_capture(second, 5, 0);
	result = run(brood_pipe(first, second));
	assert_true(brood_result_ok(result));
	assert_string_equal(brood_result_stage_output(result, 0, 2, NULL), "one");
	assert_string_equal(brood_result_stage_output(result, 1, 2, NULL), "two");
	assert_string_equal(brood_result_output(result, 2, NULL), "two");
	assert_string_equal(brood_result_output(result, 5, NULL), "five");
	assert_int_equal(brood_result_stage_bytes(result, 0, 2), 3);
	assert_string_equal(brood_result_stage_output(result, 9, 2, NULL), "");
	brood_result_free(result);
}

/* ---- 72 ---- */

static int twice_as_loud(void *data)
{
	int c;

	while ((c = getchar()) != EOF)
		printf("%c%c", c, c);
	return *(int *)data;
}

static void test_a_function_is_a_stage(void **state)
{
	brood_command *cmd = pipe3(child("print", "abc"), brood_command_function("double", twice_as_loud, &(int){ 0 }), child("upper"));
	brood_result *result;

	brood_command_capture(cmd, 1, 0);
	result = run(cmd);
	assert_true(brood_result_ok(result));
	assert_string_equal(brood_result_output(result, 1, NULL), "AABBCC");
	brood_result_free(result);
}

static void test_first_and_then_second_is_a_stage(void **state)
{
	brood_command *both = brood_then(child("print", "one "), child("print", "two"));
	brood_command *cmd = brood_pipe(both, child("upper"));
	brood_result *result;

	brood_command_capture(cmd, 1, 0);
	result = run(cmd);
	assert_true(brood_result_ok(result));
	assert_string_equal(brood_result_output(result, 1, NULL), "ONE TWO");
	brood_result_free(result);
}

static void test_the_second_runs_only_if_the_first_succeeded(void **state)
{
	brood_command *cmd = brood_then(child("print", "one", "exit", "3"), child("print", "two"));
	brood_result *result;

	brood_command_capture(cmd, 1, 0);
	result = run(cmd);
	assert_int_equal(brood_result_exit_code(result, 0), 3);
	assert_string_equal(brood_result_output(result, 1, NULL), "one");
	brood_result_free(result);
	result = run(brood_then(child("exit", "0"), child("kill", "KILL")));
	assert_int_equal(brood_result_signal(result, 0), SIGKILL);
	brood_result_free(result);
	result = run(brood_then(brood_command_newl("/nonexistent/program", NULL), child("exit", "0")));
	assert_int_equal(brood_result_exit_code(result, 0), 127);
	brood_result_free(result);
}

static void test_kill_and_stop_reach_what_a_sequence_runs(void **state)
{
	for (int by_kill = 0; by_kill < 2; by_kill++) {
		char pidfile[256];
		brood_command *cmd = brood_then(child("exit", "0"),
						child("pidfile", support_path(pidfile, sizeof pidfile, by_kill ? "a" : "b"), "sleep-forever"));
		brood_process *process = start(cmd);
		pid_t pid = support_read_pidfile(pidfile);

		if (by_kill)
			assert_int_equal(brood_process_kill(process), 0);
		else
			assert_int_equal(brood_process_stop(process, -1), BROOD_STOPPED_CHILDREN);
		assert_int_equal(brood_process_wait(process, -1), 0);
		assert_int_equal(brood_result_signal(brood_process_result(process), 0), by_kill ? SIGKILL : SIGTERM);
		brood_process_free(process);
#if BROOD_LINUX_FAST_PATH
		assert_true(support_wait_gone(pid, 30000));
#else
		if (by_kill)
			kill(pid, SIGKILL);
		assert_true(support_wait_gone(pid, 30000));
#endif
	}
}

/* ---- 73 ---- */

static void *run_one(void *number)
{
	brood_command *cmd = pipe3(child("pattern", "1M"), child("cat"), child("checksum"));
	brood_result *result = NULL;
	uint64_t sum = 0;

	brood_command_capture(cmd, 1, 0);
	if (brood_run(cmd, &result) == 0 && brood_result_ok(result))
		sum = strtoull(brood_result_output(result, 1, NULL), NULL, 16);
	brood_result_free(result);
	brood_command_free(cmd);
	*(uint64_t *)number = sum;
	return NULL;
}

static void test_chains_in_parallel_equal_the_same_ones_one_after_another(void **state)
{
	unsigned char *bytes = malloc(MIB);
	uint64_t sums[8], expected;
	pthread_t thread[8];

	support_pattern(bytes, MIB, 0);
	expected = support_checksum(bytes, MIB);
	free(bytes);
	run_one(&sums[0]);
	assert_true(sums[0] == expected);
	for (int round = 0; round < 5; round++) {
		for (size_t i = 0; i < 8; i++)
			assert_int_equal(pthread_create(&thread[i], NULL, run_one, &sums[i]), 0);
		for (size_t i = 0; i < 8; i++) {
			pthread_join(thread[i], NULL);
			assert_true(sums[i] == expected);
		}
	}
}

static void test_one_command_starts_many_chains(void **state)
{
	brood_command *cmd = brood_pipe(child("cat"), child("checksum"));
	brood_process *process[10];

	brood_command_feed(cmd, "abc", 3);
	brood_command_capture(cmd, 1, 0);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(brood_start(cmd, &process[i]), 0);
	brood_command_free(cmd);
	for (size_t i = 10; i-- > 0;) {
		const char *text;

		assert_int_equal(brood_process_wait(process[i], -1), 0);
		text = brood_result_output(brood_process_result(process[i]), 1, NULL);
		assert_true(strtoull(text, NULL, 16) == support_checksum("abc", 3));
		brood_process_free(process[i]);
	}
}

/* ---- 74 ---- */

static void test_the_text_of_a_chain_runs_to_the_same_effect_in_sh(void **state)
{
	brood_command *first = child("print", "it's $HOME \"quoted\" \\ * ");
	brood_command *cmd, *shell;
	brood_result *ours, *theirs;
	char *text;

	brood_command_setenv(first, "NAME", "a b'c");
	cmd = brood_pipe(brood_then(first, child("print", "and more")), child("upper"));
	text = brood_command_format(cmd);
	assert_non_null(text);
	brood_command_capture(cmd, 1, 0);
	ours = run(cmd);
	shell = brood_command_newl("/bin/sh", "-c", text, NULL);
	brood_command_capture(shell, 1, 0);
	theirs = run(shell);
	assert_true(brood_result_ok(ours));
	assert_true(brood_result_ok(theirs));
	assert_string_equal(brood_result_output(ours, 1, NULL), "IT'S $HOME \"QUOTED\" \\ * AND MORE");
	assert_string_equal(brood_result_output(theirs, 1, NULL), brood_result_output(ours, 1, NULL));
	brood_result_free(ours);
	brood_result_free(theirs);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_three_stages_pass_bytes_on),
		brood_test(test_each_stage_keeps_its_own_status),
		brood_test(test_a_failure_in_the_middle_is_a_failure),
		brood_test(test_an_unchecked_stage_may_fail),
		brood_test(test_a_stage_that_cannot_start_undoes_the_chain),
		brood_test(test_a_half_started_chain_that_ignores_the_stop_signal_is_killed),
		brood_test(test_who_writes_to_a_finished_reader_dies_of_sigpipe_and_that_is_no_failure),
		brood_test(test_64_mib_go_through_three_stages_whole),
		brood_test(test_a_slow_reader_holds_the_writer_back),
		brood_test(test_a_shared_stderr_has_what_every_stage_said),
		brood_test(test_each_stage_may_have_outputs_of_its_own),
		brood_test(test_a_function_is_a_stage),
		brood_test(test_first_and_then_second_is_a_stage),
		brood_test(test_the_second_runs_only_if_the_first_succeeded),
		brood_test(test_kill_and_stop_reach_what_a_sequence_runs),
		brood_test(test_chains_in_parallel_equal_the_same_ones_one_after_another),
		brood_test(test_one_command_starts_many_chains),
		brood_test(test_the_text_of_a_chain_runs_to_the_same_effect_in_sh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
