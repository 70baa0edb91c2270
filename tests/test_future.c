/* SPDX-License-Identifier: MIT */
/*
 * Futures: what they say in each state, waiting for one while the others go on, cancelling, names, references, life after the batch.
 */
#include "support/support.h"
#include "support/members.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- states ---- */

static void assert_pending(brood_future *future, unsigned tries)
{
	assert_false(brood_future_ready(future));
	assert_null(brood_future_result(future));
	assert_int_equal(brood_future_error(future), -EINPROGRESS);
	assert_int_equal(brood_future_tries(future), tries);
}

static void test_a_future_says_how_far_it_is(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *first, *second;
	char go[256];

	(void)state;
	support_path(go, sizeof go, "go");
	hand_in(batch, member("wait-for-file", go), &first);
	hand_in(batch, member("exit", "5"), &second);
	assert_pending(first, 1);
	assert_pending(second, 0);
	support_write_text(go, "");
	assert_int_equal(brood_future_wait(second, 30000), 0);
	assert_true(brood_future_ready(first));
	assert_true(brood_future_ready(second));
	assert_int_equal(brood_future_error(second), 0);
	assert_int_equal(brood_future_tries(second), 1);
	assert_int_equal(brood_result_exit_code(brood_future_result(second), 0), 5);
	brood_future_free(first);
	brood_future_free(second);
	brood_batch_free(batch);
}

static void test_nothing_is_asked_of_no_future(void **state)
{
	(void)state;
	assert_int_equal(brood_future_wait(NULL, 0), -EINVAL);
	assert_int_equal(brood_future_cancel(NULL), -EINVAL);
	assert_int_equal(brood_future_error(NULL), -EINVAL);
	assert_int_equal(brood_future_tries(NULL), 0);
	assert_false(brood_future_ready(NULL));
	assert_null(brood_future_result(NULL));
	assert_string_equal(brood_future_name(NULL), "");
	brood_future_free(NULL);
}

/* ---- waiting ---- */

static void test_waiting_for_one_drives_the_others(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *last;

	(void)state;
	hand_in(batch, named(member("exit", "0"), "a"), NULL);
	hand_in(batch, named(member("exit", "0"), "b"), NULL);
	hand_in(batch, named(member("exit", "0"), "c"), &last);
	hand_in(batch, named(member("exit", "0"), "d"), NULL);
	assert_int_equal(brood_future_wait(last, -1), 0);
	/* They stay in the queue, in their order, the one that was waited for among them. */
	assert_next_is(batch, "a");
	assert_next_is(batch, "b");
	assert_next_is(batch, "c");
	assert_next_is(batch, "d");
	assert_int_equal(brood_batch_next(batch, -1, NULL), 0);
	brood_future_free(last);
	brood_batch_free(batch);
}

static void test_waiting_again_gives_the_same_answer(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *future;

	(void)state;
	hand_in(batch, brood_command_newl("/no/such/program", NULL), &future);
	assert_int_equal(brood_future_wait(future, -1), 0);
	assert_int_equal(brood_future_wait(future, 0), 0);
	assert_int_equal(brood_future_error(future), -ENOENT);
	assert_int_equal(brood_future_wait(future, -2), -EINVAL);
	brood_future_free(future);
	brood_batch_free(batch);
}

static void test_wait_times_out_and_leaves_the_member_alone(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *future;
	char go[256];
	int64_t before = support_now_ms();

	(void)state;
	support_path(go, sizeof go, "go");
	hand_in(batch, member("wait-for-file", go), &future);
	assert_int_equal(brood_future_wait(future, 40), -ETIMEDOUT);
	assert_true(support_now_ms() - before >= 39);
	assert_int_equal(brood_future_wait(future, 0), -ETIMEDOUT);
	support_write_text(go, "");
	assert_int_equal(brood_future_wait(future, INT64_MAX), 0);
	assert_true(brood_result_ok(brood_future_result(future)));
	brood_future_free(future);
	brood_batch_free(batch);
}

static int64_t used_us(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000) + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

/* What could wake it again and again has happened by then. */
static void assert_wait_does_not_spin(brood_future *slow)
{
	int64_t before;

	assert_int_equal(brood_future_wait(slow, 100), -ETIMEDOUT);
	before = used_us();
	assert_int_equal(brood_future_wait(slow, 400), -ETIMEDOUT);
	assert_true(used_us() - before < 200000);
}

/* Asked for its descriptor, a batch has more that may wake it. */
static void beside_an_ended_one(bool ask_for_fd)
{
	brood_batch *batch = batch_of(2);
	brood_future *slow;

	hand_in(batch, member("exit", "0"), NULL);
	hand_in(batch, member("sleep-forever"), &slow);
	if (ask_for_fd)
		(void)brood_batch_fd(batch);
	assert_wait_does_not_spin(slow);
	brood_future_free(slow);
	brood_batch_free(batch);
}

static void test_ended_futures_in_the_queue_do_not_make_a_wait_spin(void **state)
{
	(void)state;
	beside_an_ended_one(false);
	beside_an_ended_one(true);
}

static void test_a_time_that_passes_does_not_make_a_wait_spin(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_command *cmd = member("sleep-forever");
	brood_future *slow;
	int64_t before;

	(void)state;
	brood_command_set_timeout_ms(cmd, 50);
	(void)brood_batch_fd(batch);
	hand_in(batch, cmd, NULL);
	hand_in(batch, member("sleep-forever"), &slow);
	before = used_us();
	assert_int_equal(brood_future_wait(slow, 500), -ETIMEDOUT);
	assert_true(used_us() - before < 200000);
	brood_future_free(slow);
	brood_batch_free(batch);
}

/* Its own stopping is a wait as well. */
static void test_freeing_with_ended_futures_in_the_queue_does_not_spin(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *ended;
	brood_command *cmd;
	char ready[256];
	int64_t before;

	(void)state;
	cmd = member("ignore", "TERM", "touch", support_path(ready, sizeof ready, "ready"), "sleep-forever");
	brood_command_set_grace_ms(cmd, 500);
	(void)brood_batch_fd(batch);
	hand_in(batch, cmd, NULL);
	hand_in(batch, member("exit", "0"), &ended);
	assert_int_equal(brood_future_wait(ended, 30000), 0);
	assert_true(support_wait_file(ready, 30000));
	before = used_us();
	brood_batch_free(batch);
	assert_true(used_us() - before < 200000);
	brood_future_free(ended);
}

static void test_wait_sits_out_a_storm_of_signals(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *future;
	int64_t before;

	(void)state;
	hand_in(batch, member("sleep-forever"), &future);
	support_storm_start(SIGALRM, 200);
	before = support_now_ms();
	assert_int_equal(brood_future_wait(future, 60), -ETIMEDOUT);
	assert_true(support_now_ms() - before >= 59);
	for (int i = 0; i < 10; i++)
		hand_in(batch, captured(member("flood", "100K")), NULL);
	for (int i = 0; i < 10; i++) {
		brood_future *other = next_one(batch);

		assert_true(brood_result_ok(brood_future_result(other)));
		brood_future_free(other);
	}
	support_storm_stop();
	brood_future_free(future);
	brood_batch_free(batch);
}

/* ---- cancelling ---- */

static void test_cancelling_one_that_waits_ends_it_at_once(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *running, *waiting;
	const brood_result *result;
	char never[256];

	(void)state;
	support_path(never, sizeof never, "never");
	hand_in(batch, member("sleep-forever"), &running);
	hand_in(batch, brood_pipe(member("touch", never), member("cat")), &waiting);
	assert_int_equal(brood_future_cancel(waiting), 0);
	assert_true(brood_future_ready(waiting));
	assert_int_equal(brood_future_wait(waiting, -1), -ECANCELED);
	assert_int_equal(brood_future_error(waiting), -ECANCELED);
	assert_int_equal(brood_future_cancel(waiting), -EALREADY);
	assert_int_equal(brood_future_tries(waiting), 0);
	result = brood_future_result(waiting);
	assert_int_equal(brood_result_stages(result), 2);
	assert_int_equal(brood_result_how(result, 0), BROOD_NOT_STARTED);
	assert_int_equal(brood_result_cause(result, 1), BROOD_BY_CANCEL);
	assert_false(brood_result_ok(result));
	assert_non_null(strstr(brood_result_describe(result), "cancelled"));
	assert_false(brood_future_ready(running));
	assert_int_equal(access(never, F_OK), -1);
	brood_future_free(running);
	brood_future_free(waiting);
	brood_batch_free(batch);
}

static void test_cancelling_one_that_runs_stops_its_children(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *running, *next;

	(void)state;
	hand_in(batch, member("sleep-forever"), &running);
	hand_in(batch, member("exit", "0"), &next);
	assert_int_equal(brood_future_cancel(running), 0);
	assert_false(brood_future_ready(running));
	assert_int_equal(brood_future_cancel(running), -EALREADY);
	assert_int_equal(brood_future_wait(running, -1), -ECANCELED);
	assert_int_equal(brood_future_cancel(running), -EALREADY);
	assert_int_equal(brood_result_signal(brood_future_result(running), 0), SIGTERM);
	assert_int_equal(brood_result_cause(brood_future_result(running), 0), BROOD_BY_CANCEL);
	/* Its place is free for the next one. */
	assert_int_equal(brood_future_wait(next, 30000), 0);
	assert_true(brood_result_ok(brood_future_result(next)));
	brood_future_free(running);
	brood_future_free(next);
	brood_batch_free(batch);
}

static void test_cancelling_keeps_the_grace_and_then_kills(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_command *cmd;
	brood_future *future;
	char ready[256];
	int64_t before;

	(void)state;
	support_path(ready, sizeof ready, "ready");
	cmd = captured(member("ignore-term", "touch", ready, "sleep-forever"));
	brood_command_set_grace_ms(cmd, 1000);
	hand_in(batch, cmd, &future);
	drive_until_file(batch, ready);
	before = support_now_ms();
	assert_int_equal(brood_future_cancel(future), 0);
	assert_int_equal(brood_future_wait(future, 20), -ETIMEDOUT);
	assert_int_equal(brood_future_wait(future, -1), -ECANCELED);
	assert_true(support_now_ms() - before >= 999);
	assert_int_equal(brood_result_signal(brood_future_result(future), 0), SIGKILL);
	assert_string_equal(output_of(future), "ready\n");
	brood_future_free(future);
	brood_batch_free(batch);
}

static void test_cancelling_one_that_ended_changes_nothing(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *future;

	(void)state;
	hand_in(batch, member("exit", "0"), &future);
	assert_int_equal(brood_future_wait(future, -1), 0);
	assert_int_equal(brood_future_cancel(future), -EALREADY);
	assert_int_equal(brood_future_wait(future, -1), 0);
	assert_true(brood_result_ok(brood_future_result(future)));
	brood_batch_free(batch);
	assert_int_equal(brood_future_cancel(future), -EALREADY);
	brood_future_free(future);
}

static void test_cancelling_right_after_the_start_is_no_race(void **state)
{
	brood_batch *batch = batch_of(8);

	(void)state;
	for (int i = 0; i < 40; i++) {
		brood_future *future;

		hand_in(batch, i % 4 == 3 ? brood_command_newl("/no/such/program", NULL) : member("sleep-forever"), &future);
		if (!brood_future_ready(future)) {
			assert_int_equal(brood_future_cancel(future), 0);
			assert_int_equal(brood_future_wait(future, 30000), -ECANCELED);
		}
		brood_future_free(future);
	}
	assert_int_equal(take_all(batch, NULL), 40);
	brood_batch_free(batch);
}

/* ---- names ---- */

static void test_the_name_is_the_command_s_or_its_words(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *given, *words, *chain;
	char expected[1024];
	const char *name;

	(void)state;
	hand_in(batch, named(member("exit", "0"), "given name"), &given);
	hand_in(batch, member("echo", "two words"), &words);
	hand_in(batch, captured(brood_pipe(member("echo", "x"), member("cat"))), &chain);
	name = brood_future_name(given);
	assert_string_equal(name, "given name");
	snprintf(expected, sizeof expected, "%s echo x | %s cat", support_child(), support_child());
	assert_string_equal(brood_future_name(chain), expected);
	assert_int_equal(brood_future_wait(chain, -1), 0);
	assert_int_equal(brood_future_wait(words, -1), 0);
	/* It lives as long as the future, whatever has become of the rest. */
	brood_batch_free(batch);
	assert_ptr_equal(brood_future_name(given), name);
	assert_string_equal(name, "given name");
	assert_string_equal(brood_future_name(chain), expected);
	snprintf(expected, sizeof expected, "%s echo 'two words'", support_child());
	assert_string_equal(brood_future_name(words), expected);
	brood_future_free(given);
	brood_future_free(words);
	brood_future_free(chain);
}

static void test_the_words_of_both_sides_of_then_are_the_name(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *future;

	(void)state;
	hand_in(batch, brood_then(brood_command_newl("false", NULL), brood_pipe(brood_command_newl("echo", "a b", NULL),
	                                                                        brood_command_newl("cat", NULL))), &future);
	assert_string_equal(brood_future_name(future), "false && echo 'a b' | cat");
	assert_int_equal(brood_future_wait(future, -1), 0);
	assert_int_equal(brood_result_exit_code(brood_future_result(future), 0), 1);
	brood_future_free(future);
	brood_batch_free(batch);
}

static void test_what_the_environment_gets_is_in_no_name(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_command *cmd = member("exit", "0");
	brood_future *future;

	(void)state;
	brood_command_setenv(cmd, "SECRET", "hunter2");
	hand_in(batch, cmd, &future);
	assert_null(strstr(brood_future_name(future), "hunter2"));
	brood_future_free(future);
	brood_batch_free(batch);
}

/* ---- references ---- */

static void test_submit_and_next_give_one_and_the_same_future(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *submitted, *next;

	(void)state;
	hand_in(batch, captured(member("echo", "text")), &submitted);
	next = next_one(batch);
	assert_ptr_equal(next, submitted);
	brood_future_free(submitted);
	assert_string_equal(output_of(next), "text\n");
	brood_future_free(next);
	brood_batch_free(batch);
}

static void test_freeing_a_future_leaves_its_chain_running(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *running, *waiting;
	char a[256], b[256];

	(void)state;
	support_path(a, sizeof a, "a");
	support_path(b, sizeof b, "b");
	hand_in(batch, member("sleep", "30", "touch", a), &running);
	hand_in(batch, member("touch", b), &waiting);
	brood_future_free(running);
	brood_future_free(waiting);
	assert_int_equal(take_all(batch, NULL), 2);
	assert_int_equal(access(a, F_OK), 0);
	assert_int_equal(access(b, F_OK), 0);
	brood_batch_free(batch);
}

static void test_a_future_outlives_its_batch(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *submitted, *given, *never;

	(void)state;
	hand_in(batch, captured(member("echo", "from submit")), &submitted);
	hand_in(batch, captured(member("echo", "from next")), NULL);
	brood_batch_next(batch, -1, NULL);
	given = next_one(batch);
	hand_in(batch, member("sleep-forever"), NULL);
	hand_in(batch, member("exit", "0"), &never);
	brood_batch_free(batch);
	assert_int_equal(brood_future_wait(submitted, -1), 0);
	assert_string_equal(output_of(submitted), "from submit\n");
	assert_string_equal(output_of(given), "from next\n");
	assert_int_equal(brood_future_wait(never, -1), -ECANCELED);
	assert_int_equal(brood_result_how(brood_future_result(never), 0), BROOD_NOT_STARTED);
	brood_future_free(submitted);
	brood_future_free(given);
	brood_future_free(never);
}

static void test_a_future_carries_the_caller_s_pointer(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *future, *same;
	int job;

	(void)state;
	hand_in(batch, member("exit", "0"), &future);
	assert_null(brood_future_data(future));
	brood_future_set_data(future, &job);
	brood_future_set_data(NULL, &job);
	assert_null(brood_future_data(NULL));
	same = next_one(batch);
	assert_ptr_equal(brood_future_data(same), &job);
	brood_future_free(same);
	brood_batch_free(batch);
	assert_ptr_equal(brood_future_data(future), &job);
	brood_future_free(future);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_future_says_how_far_it_is),
		brood_test(test_nothing_is_asked_of_no_future),
		brood_test(test_waiting_for_one_drives_the_others),
		brood_test(test_waiting_again_gives_the_same_answer),
		brood_test(test_wait_times_out_and_leaves_the_member_alone),
		brood_test(test_ended_futures_in_the_queue_do_not_make_a_wait_spin),
		brood_test(test_a_time_that_passes_does_not_make_a_wait_spin),
		brood_test(test_freeing_with_ended_futures_in_the_queue_does_not_spin),
		brood_test(test_wait_sits_out_a_storm_of_signals),
		brood_test(test_cancelling_one_that_waits_ends_it_at_once),
		brood_test(test_cancelling_one_that_runs_stops_its_children),
		brood_test(test_cancelling_keeps_the_grace_and_then_kills),
		brood_test(test_cancelling_one_that_ended_changes_nothing),
		brood_test(test_cancelling_right_after_the_start_is_no_race),
		brood_test(test_the_name_is_the_command_s_or_its_words),
		brood_test(test_the_words_of_both_sides_of_then_are_the_name),
		brood_test(test_what_the_environment_gets_is_in_no_name),
		brood_test(test_submit_and_next_give_one_and_the_same_future),
		brood_test(test_freeing_a_future_leaves_its_chain_running),
		brood_test(test_a_future_outlives_its_batch),
		brood_test(test_a_future_carries_the_caller_s_pointer),
	};

	return cmocka_run_group_tests_name("future", tests, NULL, NULL);
}
