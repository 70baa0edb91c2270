/* SPDX-License-Identifier: MIT */
/*
 * Batches that end before all is done: stop on failure, cancelling, freeing, a child of fork; and failures that are tried again.
 */
#include "support/support.h"
#include "support/members.h"

#include "base/clock.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* ---- stop on failure ---- */

static void test_the_first_failure_launches_no_more(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *future;
	char never[256];

	(void)state;
	support_path(never, sizeof never, "never");
	brood_batch_set_stop_on_failure(batch, true);
	hand_in(batch, named(member("exit", "0"), "good"), NULL);
	hand_in(batch, named(member("exit", "3"), "bad"), NULL);
	hand_in(batch, named(member("touch", never), "never"), NULL);
	hand_in(batch, named(member("touch", never), "never"), NULL);
	assert_next_is(batch, "good");
	assert_next_is(batch, "bad");
	for (int i = 0; i < 2; i++) {
		future = next_one(batch);
		assert_string_equal(brood_future_name(future), "never");
		assert_int_equal(brood_future_error(future), -ECANCELED);
		assert_int_equal(brood_future_tries(future), 0);
		assert_int_equal(brood_result_how(brood_future_result(future), 0), BROOD_NOT_STARTED);
		assert_int_equal(brood_result_cause(brood_future_result(future), 0), BROOD_BY_CANCEL);
		assert_false(brood_result_ok(brood_future_result(future)));
		brood_future_free(future);
	}
	assert_int_equal(brood_batch_next(batch, -1, NULL), 0);
	assert_int_equal(access(never, F_OK), -1);
	brood_batch_free(batch);
}

static void test_the_first_failure_stops_those_that_run(void **state)
{
	brood_batch *batch = batch_of(3);
	brood_future *future;

	(void)state;
	brood_batch_set_stop_on_failure(batch, true);
	hand_in(batch, member("sleep-forever"), NULL);
	hand_in(batch, member("sleep-forever"), NULL);
	hand_in(batch, named(member("exit", "3"), "bad"), NULL);
	assert_next_is(batch, "bad");
	for (int i = 0; i < 2; i++) {
		future = next_one(batch);
		assert_int_equal(brood_future_error(future), -ECANCELED);
		assert_int_equal(brood_result_signal(brood_future_result(future), 0), SIGTERM);
		assert_int_equal(brood_result_cause(brood_future_result(future), 0), BROOD_BY_CANCEL);
		brood_future_free(future);
	}
	brood_batch_free(batch);
}

static void test_one_that_cannot_be_started_is_a_failure_too(void **state)
{
	brood_batch *batch = batch_of(4);
	size_t good;

	(void)state;
	brood_batch_set_stop_on_failure(batch, true);
	hand_in(batch, member("sleep-forever"), NULL);
	hand_in(batch, brood_command_newl("/no/such/program", NULL), NULL);
	assert_int_equal(take_all(batch, &good), 2);
	assert_int_equal(good, 0);
	brood_batch_free(batch);
}

static void test_after_a_failure_submissions_end_as_cancelled_until_asked_again(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *future;

	(void)state;
	brood_batch_set_stop_on_failure(batch, true);
	hand_in(batch, member("exit", "1"), NULL);
	assert_int_equal(take_all(batch, NULL), 1);
	hand_in(batch, member("exit", "0"), &future);
	assert_int_equal(brood_future_wait(future, 0), -ECANCELED);
	brood_future_free(future);
	assert_int_equal(take_all(batch, NULL), 1);

	brood_batch_set_stop_on_failure(batch, true);
	hand_in(batch, member("exit", "0"), &future);
	assert_int_equal(brood_future_wait(future, -1), 0);
	assert_true(brood_result_ok(brood_future_result(future)));
	brood_future_free(future);
	brood_batch_free(batch);
}

static void test_without_that_option_a_failure_stops_nobody(void **state)
{
	brood_batch *batch = batch_of(2);
	size_t good;

	(void)state;
	for (int i = 0; i < 6; i++)
		hand_in(batch, member("exit", i % 2 ? "0" : "7"), NULL);
	assert_int_equal(take_all(batch, &good), 6);
	assert_int_equal(good, 3);
	brood_batch_free(batch);
}

/* ---- cancelling all ---- */

static void test_cancel_ends_all_that_wait_and_all_that_run(void **state)
{
	brood_batch *batch = batch_of(2);

	(void)state;
	for (int i = 0; i < 5; i++)
		hand_in(batch, member("sleep-forever"), NULL);
	brood_batch_cancel(batch);
	assert_int_equal(brood_batch_waiting(batch), 0);
	for (int i = 0; i < 5; i++) {
		brood_future *future = next_one(batch);

		assert_int_equal(brood_future_error(future), -ECANCELED);
		brood_future_free(future);
	}
	/* The batch itself goes on. */
	hand_in(batch, named(member("exit", "0"), "after"), NULL);
	assert_next_is(batch, "after");
	brood_batch_free(batch);
}

static void test_cancel_reaches_the_grandchildren(void **state)
{
	brood_batch *batch = batch_of(1);
	char pidfile[256];
	pid_t pid;

	(void)state;
	support_path(pidfile, sizeof pidfile, "pid");
	hand_in(batch, member("spawn-in-group", "600000", pidfile, "sleep-forever"), NULL);
	drive_until_file(batch, pidfile);
	pid = support_read_pidfile(pidfile);
	brood_batch_cancel(batch);
	assert_int_equal(take_all(batch, NULL), 1);
	assert_int_equal(support_wait_gone(pid, 20000), 1);
	brood_batch_free(batch);
}

/* ---- freeing ---- */

static void test_free_stops_all_at_once_and_not_one_after_another(void **state)
{
	enum { MEMBERS = 20 };
	brood_batch *batch = batch_of(MEMBERS);
	brood_future *future[MEMBERS];
	char path[256], name[16];
	int64_t before;

	(void)state;
	for (int i = 0; i < MEMBERS; i++) {
		brood_command *cmd;

		snprintf(name, sizeof name, "%d", i);
		cmd = captured(member("ignore-term", "touch", support_path(path, sizeof path, name), "sleep-forever"));
		brood_command_set_grace_ms(cmd, 1000);
		hand_in(batch, cmd, &future[i]);
	}
	for (int i = 0; i < MEMBERS; i++) {
		snprintf(name, sizeof name, "%d", i);
		drive_until_file(batch, support_path(path, sizeof path, name));
	}
	before = support_now_ms();
	brood_batch_free(batch);
	/* One after another they would take 20 s, however fast the machine is. */
	assert_in_range(support_now_ms() - before, 999, MEMBERS * 1000 - 1);
	for (int i = 0; i < MEMBERS; i++) {
		assert_int_equal(brood_future_wait(future[i], -1), -ECANCELED);
		assert_int_equal(brood_result_signal(brood_future_result(future[i]), 0), SIGKILL);
		assert_string_equal(output_of(future[i]), "ready\n");
		brood_future_free(future[i]);
	}
}

static void test_free_cancels_what_waits(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *waiting, *resting;
	char never[256];

	(void)state;
	support_path(never, sizeof never, "never");
	assert_int_equal(brood_batch_set_retries(batch, 3, 60000), 0);
	hand_in(batch, member("exit", "4"), &resting);
	while (brood_batch_running(batch) > 0)
		assert_int_equal(brood_batch_next(batch, 10, NULL), -ETIMEDOUT);
	hand_in(batch, member("sleep-forever"), NULL);
	hand_in(batch, member("touch", never), &waiting);
	brood_batch_free(batch);
	assert_int_equal(brood_future_wait(waiting, 0), -ECANCELED);
	assert_int_equal(brood_result_how(brood_future_result(waiting), 0), BROOD_NOT_STARTED);
	/* The one that was to be tried again keeps what the last try left. */
	assert_int_equal(brood_future_wait(resting, 0), -ECANCELED);
	assert_int_equal(brood_result_exit_code(brood_future_result(resting), 0), 4);
	brood_future_free(waiting);
	brood_future_free(resting);
	assert_int_equal(access(never, F_OK), -1);
}

static void test_free_drops_futures_that_nobody_took(void **state)
{
	brood_batch *batch = batch_of(4);

	(void)state;
	for (int i = 0; i < 4; i++)
		hand_in(batch, captured(member("echo", "kept")), NULL);
	for (int i = 0; i < 3; i++)
		brood_batch_next(batch, 20, NULL);
	brood_batch_free(batch);
}

/* ---- a child of fork ---- */

struct inherited {
	brood_batch *batch;
	brood_future *running, *waiting, *ended;
};

static void in_child_of_fork(void *data)
{
	struct inherited *inherited = data;
	brood_command *cmd = member("exit", "0");

	assert_int_equal(brood_batch_submit(inherited->batch, cmd, NULL), -ECHILD);
	assert_int_equal(brood_batch_next(inherited->batch, -1, NULL), -ECHILD);
	assert_int_equal(brood_batch_dispatch(inherited->batch), -ECHILD);
	assert_int_equal(brood_batch_fd(inherited->batch), -ECHILD);
	assert_int_equal(brood_future_wait(inherited->running, -1), -ECHILD);
	assert_int_equal(brood_future_cancel(inherited->waiting), -ECHILD);
	brood_batch_cancel(inherited->batch);
	brood_command_free(cmd);
	brood_future_free(inherited->ended);
	brood_batch_free(inherited->batch);
	brood_future_free(inherited->running);
	brood_future_free(inherited->waiting);
}

static void test_a_child_of_fork_only_frees(void **state)
{
	struct inherited inherited = { .batch = batch_of(1) };
	char go[256];

	(void)state;
	support_path(go, sizeof go, "go");
	hand_in(inherited.batch, captured(member("echo", "kept")), &inherited.ended);
	assert_int_equal(brood_future_wait(inherited.ended, -1), 0);
	hand_in(inherited.batch, captured(member("wait-for-file", go, "echo", "still here")), &inherited.running);
	hand_in(inherited.batch, captured(member("echo", "me too")), &inherited.waiting);
	(void)brood_batch_fd(inherited.batch);

	support_assert_in_fork(in_child_of_fork, &inherited);

	assert_int_equal(brood_future_wait(inherited.running, 0), -ETIMEDOUT);
	support_write_text(go, "");
	assert_int_equal(brood_future_wait(inherited.running, 30000), 0);
	assert_string_equal(output_of(inherited.running), "still here\n");
	assert_int_equal(brood_future_wait(inherited.waiting, 30000), 0);
	assert_string_equal(output_of(inherited.waiting), "me too\n");
	assert_string_equal(output_of(inherited.ended), "kept\n");
	brood_future_free(inherited.running);
	brood_future_free(inherited.waiting);
	brood_future_free(inherited.ended);
	brood_batch_free(inherited.batch);
}

/* ---- trying again ---- */

static void test_a_failure_is_tried_again_so_often_and_no_more(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *future;
	char log[256], *text;
	int64_t before = support_now_ms();

	(void)state;
	support_path(log, sizeof log, "log");
	assert_int_equal(brood_batch_set_retries(batch, 2, 30), 0);
	hand_in(batch, member("append", log, "x", "exit", "9"), NULL);
	future = next_one(batch);
	/* 30 ms, then twice that. */
	assert_true(support_now_ms() - before >= 89);
	assert_int_equal(brood_future_tries(future), 3);
	assert_int_equal(brood_future_error(future), 0);
	assert_int_equal(brood_result_exit_code(brood_future_result(future), 0), 9);
	brood_future_free(future);
	text = support_read_file(log, NULL);
	assert_string_equal(text, "xxx");
	free(text);
	assert_int_equal(brood_batch_next(batch, 0, NULL), 0);
	brood_batch_free(batch);
}

static void test_a_retry_that_goes_well_is_success(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *future;
	char path[256];

	(void)state;
	support_path(path, sizeof path, "input");
	assert_int_equal(brood_batch_set_retries(batch, 20, 40), 0);
	hand_in(batch, captured(member("cat-file", path)), &future);
	while (brood_future_tries(future) == 0 || brood_batch_running(batch) > 0)
		assert_int_equal(brood_batch_next(batch, 1, NULL), -ETIMEDOUT);
	/* It rests: that counts as waiting, and nothing of the failed try shows. */
	assert_int_equal(brood_batch_waiting(batch), 1);
	assert_int_equal(brood_future_error(future), -EINPROGRESS);
	assert_null(brood_future_result(future));
	support_write_text(path, "now it is there");
	assert_int_equal(brood_future_wait(future, 30000), 0);
	assert_true(brood_result_ok(brood_future_result(future)));
	assert_string_equal(output_of(future), "now it is there");
	assert_true(brood_future_tries(future) >= 2);
	brood_future_free(future);
	brood_batch_free(batch);
}

static void test_what_could_never_work_is_not_tried_again(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_command *broken;
	char path[256];

	(void)state;
	support_path(path, sizeof path, "not-a-program");
	support_write_text(path, "plain text");
	assert_int_equal(brood_batch_set_retries(batch, 5, 60000), 0);
	assert_int_equal(brood_command_parse("a | | b", &broken), -EINVAL);
	hand_in(batch, broken, NULL);
	hand_in(batch, brood_command_newl("/no/such/program", NULL), NULL);
	hand_in(batch, brood_command_newl(path, NULL), NULL);
	for (int i = 0; i < 3; i++) {
		brood_future *future = next_one(batch);

		assert_true(brood_future_error(future) < 0);
		assert_int_equal(brood_future_tries(future), 1);
		brood_future_free(future);
	}
	brood_batch_free(batch);
}

static void test_a_rest_takes_no_place(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *future;

	(void)state;
	assert_int_equal(brood_batch_set_retries(batch, 1, 60000), 0);
	hand_in(batch, member("exit", "1"), &future);
	hand_in(batch, named(member("exit", "0"), "other"), NULL);
	assert_next_is(batch, "other");
	assert_int_equal(brood_batch_next(batch, 0, NULL), -ETIMEDOUT);
	assert_int_equal(brood_future_cancel(future), 0);
	assert_int_equal(brood_future_wait(future, 0), -ECANCELED);
	brood_future_free(future);
	brood_batch_free(batch);
}

static void test_only_the_last_try_stops_the_batch(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *future;
	size_t good;

	(void)state;
	brood_batch_set_stop_on_failure(batch, true);
	assert_int_equal(brood_batch_set_retries(batch, 2, 1), 0);
	hand_in(batch, member("exit", "1"), NULL);
	hand_in(batch, named(member("exit", "0"), "good"), NULL);
	hand_in(batch, member("sleep-forever"), &future);
	assert_next_is(batch, "good");
	assert_int_equal(take_all(batch, &good), 2);
	assert_int_equal(brood_future_wait(future, 0), -ECANCELED);
	brood_future_free(future);
	brood_batch_free(batch);
}

/* ---- signals ---- */

/* Each writes its pid once it is ready for the signal, and so does a grandchild of one of them. */
static void test_a_signal_reaches_the_whole_group_of_each_that_runs(void **state)
{
	brood_batch *batch = batch_of(2);
	char traps[256], sleeps[256], grandchild[256], end[256];

	(void)state;
	support_path(traps, sizeof traps, "traps");
	support_path(sleeps, sizeof sleeps, "sleeps");
	support_path(grandchild, sizeof grandchild, "grandchild");
	support_path(end, sizeof end, "end");
	hand_in(batch, named(captured(member("trap", "USR1", "heard", "pidfile", traps, "wait-for-file", end)), "traps"), NULL);
	hand_in(batch, named(member("spawn-in-group", "600000", grandchild, "pidfile", sleeps, "sleep-forever"), "sleeps"), NULL);
	hand_in(batch, named(member("exit", "0"), "waits"), NULL);
	support_read_pidfile(traps);
	support_read_pidfile(sleeps);
	assert_int_equal(brood_batch_signal(batch, SIGUSR1), 0);
	/* Whoever sees this file has heard the signal. */
	support_write_text(end, "");
	for (int i = 0; i < 3; i++) {
		brood_future *future = next_one(batch);
		const brood_result *result = brood_future_result(future);

		if (strcmp(brood_future_name(future), "traps") == 0)
			assert_string_equal(brood_result_output(result, 1, NULL), "heard");
		else if (strcmp(brood_future_name(future), "sleeps") == 0)
			assert_int_equal(brood_result_signal(result, 0), SIGUSR1);
		else
			assert_true(brood_result_ok(result));
		brood_future_free(future);
	}
	assert_int_equal(support_wait_gone(support_read_pidfile(grandchild), 30000), 1);
	brood_batch_free(batch);
}

static void signal_in_a_fork(void *data)
{
	assert_int_equal(brood_batch_signal(data, SIGTERM), -ECHILD);
}

static void test_a_signal_that_is_none_or_another_s_batch_is_refused(void **state)
{
	brood_batch *batch = batch_of(1);

	(void)state;
	assert_int_equal(brood_batch_signal(NULL, SIGTERM), -EINVAL);
	assert_int_equal(brood_batch_signal(batch, -1), -EINVAL);
	assert_int_equal(brood_batch_signal(batch, SIGRTMAX + 1), -EINVAL);
	/* Nobody runs. */
	assert_int_equal(brood_batch_signal(batch, SIGTERM), 0);
	support_assert_in_fork(signal_in_a_fork, batch);
	brood_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_the_first_failure_launches_no_more),
		brood_test(test_the_first_failure_stops_those_that_run),
		brood_test(test_one_that_cannot_be_started_is_a_failure_too),
		brood_test(test_after_a_failure_submissions_end_as_cancelled_until_asked_again),
		brood_test(test_without_that_option_a_failure_stops_nobody),
		brood_test(test_cancel_ends_all_that_wait_and_all_that_run),
		brood_test(test_cancel_reaches_the_grandchildren),
		brood_test(test_free_stops_all_at_once_and_not_one_after_another),
		brood_test(test_free_cancels_what_waits),
		brood_test(test_free_drops_futures_that_nobody_took),
		brood_test(test_a_child_of_fork_only_frees),
		brood_test(test_a_failure_is_tried_again_so_often_and_no_more),
		brood_test(test_a_retry_that_goes_well_is_success),
		brood_test(test_what_could_never_work_is_not_tried_again),
		brood_test(test_a_rest_takes_no_place),
		brood_test(test_only_the_last_try_stops_the_batch),
		brood_test(test_a_signal_reaches_the_whole_group_of_each_that_runs),
		brood_test(test_a_signal_that_is_none_or_another_s_batch_is_refused),
	};

	return cmocka_run_group_tests_name("batch, stopped", tests, NULL, NULL);
}
