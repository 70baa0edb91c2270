/* SPDX-License-Identifier: MIT */
/*
 * Two kinds of time: the timeout of a call, which limits that call alone, and the budget of a command, which ends the chain.
 * Times are measured from below only: nothing returns early.
 */
#include <brood.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spawn/engine.h"
#include "support/running.h"

/* Long enough for a slow machine, short enough to tell a hang. */
enum { SOON_MS = 30000 };

/* ---- the timeout of a call ---- */

static void test_a_wait_that_expires_leaves_the_child_alone(void **state)
{
	char go[256];
	brood_process *process = start(child("wait-for-file", support_path(go, sizeof go, "go"), "exit", "5"));
	const int64_t before = support_now_ms();

	assert_int_equal(brood_process_wait(process, 30), -ETIMEDOUT);
	assert_true(support_now_ms() - before >= 30);
	assert_true(support_alive(brood_process_pid(process, 0)));
	assert_int_equal(brood_process_wait(process, 0), -ETIMEDOUT);
	assert_int_equal(brood_process_poll(process), 0);
	support_write_text(go, "");
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 5);
	assert_int_equal(brood_result_cause(brood_process_result(process), 0), BROOD_BY_ITSELF);
	brood_process_free(process);
}

static void test_no_call_returns_before_its_time(void **state)
{
	brood_command *cmd = child("sleep-forever");
	brood_process *process;
	const char *line;
	char byte;

	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	for (int64_t ms = 1; ms <= 33; ms *= 2) {
		int64_t before = support_now_ms();

		assert_int_equal(brood_process_wait(process, ms), -ETIMEDOUT);
		assert_int_equal(brood_process_read(process, 1, ms, &byte, 1), -ETIMEDOUT);
		assert_int_equal(brood_process_next_line(process, 1, ms, &line, NULL), -ETIMEDOUT);
		assert_int_equal(brood_process_communicate(process, NULL, 0, ms), -ETIMEDOUT);
		assert_true(support_now_ms() - before >= 4 * ms - 1);
		brood_process_kill(process);
		brood_process_free(process);
		cmd = child("sleep-forever");
		brood_command_redirect_pipe(cmd, 0);
		brood_command_redirect_pipe(cmd, 1);
		process = start(cmd);
	}
	brood_process_kill(process);
	brood_process_free(process);
}

static void test_negative_timeouts_are_refused(void **state)
{
	brood_command *cmd = child("cat");
	brood_process *process;
	const char *line;
	char byte;

	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	for (size_t i = 0; i < 2; i++) {
		const int64_t ms = i ? INT64_MIN : -2;

		assert_int_equal(brood_process_wait(process, ms), -EINVAL);
		assert_int_equal(brood_process_communicate(process, NULL, 0, ms), -EINVAL);
		assert_int_equal(brood_process_write(process, "x", 1, ms, NULL), -EINVAL);
		assert_int_equal(brood_process_read(process, 1, ms, &byte, 1), -EINVAL);
		assert_int_equal(brood_process_read_stage(process, 0, 1, ms, &byte, 1), -EINVAL);
		assert_int_equal(brood_process_next_line(process, 1, ms, &line, NULL), -EINVAL);
		assert_int_equal(brood_process_stop(process, ms), -EINVAL);
	}
	assert_int_equal(brood_process_close(process, 0), 0);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_true(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
}

static void test_huge_timeouts_mean_without_limit(void **state)
{
	const int64_t huge[] = { INT64_MAX, INT64_MAX / 1000000, INT64_MAX / 1000000 - 1, (int64_t)1 << 40, 3000000000 };

	for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
		brood_command *cmd = child("sleep", "5", "print", "x");
		brood_process *process;

		brood_command_capture(cmd, 1, 0);
		brood_command_set_timeout_ms(cmd, huge[i]);
		brood_command_set_linger_ms(cmd, huge[i]);
		brood_command_set_grace_ms(cmd, huge[i]);
		process = start(cmd);
		assert_int_equal(brood_process_wait(process, huge[i]), 0);
		assert_true(brood_result_ok(brood_process_result(process)));
		brood_process_free(process);
	}
}

/* ---- the budget ---- */

static void assert_spent(const brood_result *result, int signal)
{
	assert_false(brood_result_ok(result));
	assert_int_equal(brood_result_how(result, 0), BROOD_SIGNALLED);
	assert_int_equal(brood_result_signal(result, 0), signal);
	assert_int_equal(brood_result_cause(result, 0), BROOD_BY_DEADLINE);
	assert_int_equal(brood_result_shell_status(result), 124);
}

/*
 * Start one that makes the file as its last word before it waits. The file and not its output is waited for: no call on the handle may be what
 * spends the budget of a child that is late.
 */
static brood_process *start_until_file(brood_command *cmd_take, const char *path)
{
	brood_process *process;

	unlink(path);
	process = start(cmd_take);
	assert_true(support_wait_file(path, SOON_MS));
	return process;
}

static void test_run_with_a_budget_stops_and_reaps(void **state)
{
	brood_command *cmd = brood_command_newl("sleeper", "sleep-forever", NULL);
	const int64_t before = support_now_ms();
	brood_result *result;

	brood_command_set_program(cmd, support_child());
	brood_command_capture(cmd, 1, 0);
	brood_command_set_timeout_ms(cmd, 200);
	result = run(cmd);
	assert_true(support_now_ms() - before >= 200);
	assert_spent(result, SIGTERM);
	assert_string_equal(brood_result_describe(result), "stage 1 'sleeper': killed by SIGTERM, deadline of 200 ms");
	brood_result_free(result);
}

static void test_a_spent_budget_keeps_what_was_written_so_far(void **state)
{
	char path[256];
	brood_command *cmd = child("print", "so far", "touch", support_path(path, sizeof path, "written"), "sleep-forever");
	brood_process *process;

	brood_command_capture(cmd, 1, 0);
	brood_command_set_timeout_ms(cmd, 200);
	process = start_until_file(cmd, path);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_spent(brood_process_result(process), SIGTERM);
	assert_string_equal(brood_result_output(brood_process_result(process), 1, NULL), "so far");
	brood_process_free(process);
}

static void test_who_ignores_the_stop_signal_is_killed_after_the_grace(void **state)
{
	char path[256];
	brood_command *cmd = child("ignore", "TERM", "touch", support_path(path, sizeof path, "deaf"), "sleep-forever");
	brood_process *process;
	int64_t before;

	brood_command_set_timeout_ms(cmd, 300);
	brood_command_set_grace_ms(cmd, 100);
	before = support_now_ms();
	process = start_until_file(cmd, path);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_true(support_now_ms() - before >= 400);
	assert_spent(brood_process_result(process), SIGKILL);
	brood_process_free(process);
}

static void test_a_grace_of_0_kills_at_once(void **state)
{
	brood_command *cmd = child("trap-term", "0", "sleep-forever");
	brood_result *result;

	brood_command_redirect_null(cmd, 1);
	brood_command_set_timeout_ms(cmd, 50);
	brood_command_set_grace_ms(cmd, 0);
	result = run(cmd);
	assert_spent(result, SIGKILL);
	brood_result_free(result);
}

static void test_a_chain_that_ends_well_when_asked_is_over_its_budget_all_the_same(void **state)
{
	char path[256];
	brood_command *cmd = child("trap-term", "0", "touch", support_path(path, sizeof path, "ready"), "sleep-forever");
	brood_process *process;

	brood_command_redirect_null(cmd, 1);
	brood_command_set_timeout_ms(cmd, 300);
	brood_command_set_grace_ms(cmd, SOON_MS);
	process = start_until_file(cmd, path);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 0);
	assert_int_equal(brood_result_cause(brood_process_result(process), 0), BROOD_BY_DEADLINE);
	assert_int_equal(brood_result_shell_status(brood_process_result(process)), 124);
	brood_process_free(process);
}

static void test_a_negative_grace_is_refused_since_a_spent_budget_must_end(void **state)
{
	brood_command *cmd = child("exit", "0");
	brood_process *process;

	brood_command_set_grace_ms(cmd, -1);
	assert_int_equal(brood_start(cmd, &process), -EINVAL);
	brood_process_free(process);
	brood_command_free(cmd);
}

static void test_one_budget_covers_the_whole_chain(void **state)
{
	brood_command *cmd = brood_pipe(brood_pipe(child("sleep-forever"), child("cat")), child("cat"));
	brood_result *result;

	brood_command_set_timeout_ms(cmd, 100);
	brood_command_capture(cmd, 1, 0);
	result = run(cmd);
	assert_spent(result, SIGTERM);
	for (size_t i = 0; i < 3; i++)
		assert_int_not_equal(brood_result_how(result, i), BROOD_RUNNING);
	brood_result_free(result);
}

static void test_the_shorter_budget_of_two_counts(void **state)
{
	brood_command *left = child("sleep-forever"), *right = child("cat"), *cmd;
	brood_result *result;

	brood_command_set_timeout_ms(left, 600000);
	brood_command_set_timeout_ms(right, 50);
	cmd = brood_pipe(left, right);
	result = run(cmd);
	assert_spent(result, SIGTERM);
	brood_result_free(result);
}

/* ---- the budget acts in every kind of call ---- */

static brood_process *with_budget(const char *verb, int64_t budget_ms)
{
	brood_command *cmd = child(verb);

	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	brood_command_set_timeout_ms(cmd, budget_ms);
	return start(cmd);
}

static void test_the_budget_acts_while_polling(void **state)
{
	brood_process *process = with_budget("sleep-forever", 50);

	while (brood_process_poll(process) == 0)
		support_sleep_ms(5);
	assert_spent(brood_process_result(process), SIGTERM);
	brood_process_free(process);
}

static void test_the_budget_acts_while_dispatching(void **state)
{
	brood_process *process = with_budget("sleep-forever", 50);

	while (brood_process_dispatch(process) == 0)
		support_sleep_ms(5);
	assert_spent(brood_process_result(process), SIGTERM);
	brood_process_free(process);
}

static void test_the_budget_acts_in_a_wait_that_is_shorter_and_one_that_is_longer(void **state)
{
	brood_process *process = with_budget("sleep-forever", 50);
	int r;

	do
		r = brood_process_wait(process, 1);
	while (r == -ETIMEDOUT);
	assert_int_equal(r, 0);
	assert_spent(brood_process_result(process), SIGTERM);
	brood_process_free(process);

	process = with_budget("sleep-forever", 50);
	assert_int_equal(brood_process_wait(process, 600000), 0);
	assert_spent(brood_process_result(process), SIGTERM);
	brood_process_free(process);
}

static void test_the_budget_acts_while_reading_waits(void **state)
{
	brood_process *process = with_budget("sleep-forever", 50);
	char byte;

	assert_int_equal(brood_process_read(process, 1, -1, &byte, 1), 0);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_spent(brood_process_result(process), SIGTERM);
	brood_process_free(process);
}

static void test_the_budget_acts_though_reading_never_has_to_wait(void **state)
{
	brood_process *process = with_budget("flood-forever", 100);
	static char bytes[4096];
	ssize_t n;

	do
		n = brood_process_read(process, 1, -1, bytes, sizeof bytes);
	while (n > 0);
	assert_int_equal(n, 0);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_spent(brood_process_result(process), SIGTERM);
	brood_process_free(process);
}

static void test_the_budget_acts_though_lines_never_end(void **state)
{
	brood_process *process = with_budget("flood-forever", 100);
	const char *line;
	int r;

	do
		r = brood_process_next_line(process, 1, -1, &line, NULL);
	while (r == 1);
	assert_int_equal(r, 0);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_spent(brood_process_result(process), SIGTERM);
	brood_process_free(process);
}

static void test_the_budget_acts_while_writing(void **state)
{
	static char bytes[1 << 20];
	brood_process *process = with_budget("sleep-forever", 100);
	int r;

	do
		r = brood_process_write(process, bytes, sizeof bytes, -1, NULL);
	while (r == 0);
	assert_int_equal(r, -EPIPE);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_spent(brood_process_result(process), SIGTERM);
	brood_process_free(process);
}

/* ---- callers and children that never pause ---- */

static void test_a_line_without_end_does_not_outstay_the_deadline(void **state)
{
	brood_command *cmd = child("long-line", "1G");
	brood_process *process;
	const char *line;

	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	assert_int_equal(brood_process_next_line(process, 1, 20, &line, NULL), -ETIMEDOUT);
	assert_true(brood_result_bytes(brood_process_result(process), 1) < (1 << 30));
	brood_process_kill(process);
	brood_process_free(process);
}

static void test_a_reader_that_keeps_up_does_not_let_a_write_outstay_its_deadline(void **state)
{
	const size_t size = (size_t)1 << 30;
	char *bytes = calloc(1, size);
	brood_process *process = with_budget("discard", -1);
	size_t written;

	skip_unless(bytes, "no memory for a GiB");
	assert_int_equal(brood_process_write(process, bytes, size, 20, &written), -ETIMEDOUT);
	assert_true(written < size);
	assert_int_equal(brood_process_close(process, 0), 0);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_bytes(brood_process_result(process), 0), written);
	brood_process_free(process);
	free(bytes);
}

/* ---- signals ---- */

static void test_a_storm_of_signals_makes_nothing_short_or_early(void **state)
{
	brood_command *cmd = child("pattern", "4M", "sleep", "60");
	brood_process *process;
	int64_t before;
	int r;

	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	support_storm_start(SIGUSR1, 300);
	before = support_now_ms();
	r = brood_process_wait(process, 20);
	assert_true(r == 0 || support_now_ms() - before >= 20);
	assert_int_equal(brood_process_wait(process, -1), 0);
	brood_process_free(process);

	cmd = child("qa");
	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	for (int i = 0; i < 200; i++) {
		const char *line;

		assert_int_equal(brood_process_write(process, "question 1\n", 11, -1, NULL), 0);
		assert_int_equal(brood_process_next_line(process, 1, -1, &line, NULL), 1);
		assert_string_equal(line, "answer 1");
	}
	assert_int_equal(brood_process_stop(process, 60000), BROOD_STOPPED_CHILDREN);
	brood_process_free(process);

	/* Without pipes or time this waits in waitid. */
	process = start(child("sleep", "50", "exit", "3"));
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 3);
	brood_process_free(process);
	assert_true(support_storm_stop() > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_wait_that_expires_leaves_the_child_alone),
		brood_test(test_no_call_returns_before_its_time),
		brood_test(test_negative_timeouts_are_refused),
		brood_test(test_huge_timeouts_mean_without_limit),
		brood_test(test_run_with_a_budget_stops_and_reaps),
		brood_test(test_a_spent_budget_keeps_what_was_written_so_far),
		brood_test(test_who_ignores_the_stop_signal_is_killed_after_the_grace),
		brood_test(test_a_grace_of_0_kills_at_once),
		brood_test(test_a_chain_that_ends_well_when_asked_is_over_its_budget_all_the_same),
		brood_test(test_a_negative_grace_is_refused_since_a_spent_budget_must_end),
		brood_test(test_one_budget_covers_the_whole_chain),
		brood_test(test_the_shorter_budget_of_two_counts),
		brood_test(test_the_budget_acts_while_polling),
		brood_test(test_the_budget_acts_while_dispatching),
		brood_test(test_the_budget_acts_in_a_wait_that_is_shorter_and_one_that_is_longer),
		brood_test(test_the_budget_acts_while_reading_waits),
		brood_test(test_the_budget_acts_though_reading_never_has_to_wait),
		brood_test(test_the_budget_acts_though_lines_never_end),
		brood_test(test_the_budget_acts_while_writing),
		brood_test(test_a_line_without_end_does_not_outstay_the_deadline),
		brood_test(test_a_reader_that_keeps_up_does_not_let_a_write_outstay_its_deadline),
		brood_test(test_a_storm_of_signals_makes_nothing_short_or_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
