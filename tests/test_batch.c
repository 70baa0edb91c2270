/* SPDX-License-Identifier: MIT */
/*
 * Many at once: places, completion order, whole outputs, what members start with, and an event loop of the host's own.
 */
#include "support/support.h"
#include "support/members.h"

#include "spawn/engine.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

/* ---- places ---- */

static void run_tasks(size_t tasks, size_t at_once)
{
	brood_batch *batch = batch_of(at_once);
	size_t good;

	for (size_t i = 0; i < tasks; i++) {
		char text[32];

		snprintf(text, sizeof text, "task %zu", i);
		hand_in(batch, captured(named(member("echo", text), text)), NULL);
	}
	for (size_t i = 0; i < tasks; i++) {
		brood_future *future = next_one(batch);
		char text[32];

		snprintf(text, sizeof text, "%s\n", brood_future_name(future));
		assert_string_equal(output_of(future), text);
		assert_true(brood_result_ok(brood_future_result(future)));
		brood_future_free(future);
	}
	assert_int_equal(take_all(batch, &good), 0);
	brood_batch_free(batch);
}

static void test_fewer_as_many_and_more_tasks_than_places_all_run(void **state)
{
	(void)state;
	for (size_t tasks = 0; tasks <= 9; tasks++)
		run_tasks(tasks, 4);
	run_tasks(5, 1);
}

static void test_as_many_run_at_once_as_there_are_places(void **state)
{
	brood_batch *batch = batch_of(3);
	char log[256], go[256], *text;

	(void)state;
	support_path(log, sizeof log, "log");
	support_path(go, sizeof go, "go");
	for (int i = 0; i < 5; i++)
		hand_in(batch, member("append", log, "x", "wait-for-file", go), NULL);
	assert_int_equal(brood_batch_running(batch), 3);
	assert_int_equal(brood_batch_waiting(batch), 2);
	do {
		assert_int_equal(brood_batch_next(batch, 5, NULL), -ETIMEDOUT);
		text = support_read_file(log, NULL);
		if (text && strlen(text) >= 3)
			break;
		free(text);
	} while (1);
	assert_string_equal(text, "xxx");
	free(text);
	assert_int_equal(brood_batch_running(batch), 3);

	support_write_text(go, "");
	assert_int_equal(take_all(batch, NULL), 5);
	assert_int_equal(brood_batch_running(batch) + brood_batch_waiting(batch), 0);
	text = support_read_file(log, NULL);
	assert_string_equal(text, "xxxxx");
	free(text);
	brood_batch_free(batch);
}

static void test_zero_places_are_as_many_as_processors(void **state)
{
	brood_batch *batch = batch_of(0);
	size_t count;
	cpu_set_t set;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
	count = (size_t)CPU_COUNT(&set);
	for (size_t i = 0; i < count + 1; i++)
		hand_in(batch, member("sleep-forever"), NULL);
	assert_int_equal(brood_batch_running(batch), count);
	assert_int_equal(brood_batch_waiting(batch), 1);
	brood_batch_free(batch);
}

static void test_two_thousand_trivial_commands_all_run(void **state)
{
	const size_t count = under_valgrind() ? 50 : 2000;
	brood_batch *batch = batch_of(2);
	brood_command *cmd = member("exit", "0");
	size_t good;

	(void)state;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(brood_batch_submit(batch, cmd, NULL), 0);
	brood_command_free(cmd);
	assert_int_equal(take_all(batch, &good), count);
	assert_int_equal(good, count);
	brood_batch_free(batch);
}

static void test_two_hundred_live_members_are_all_reaped(void **state)
{
	const size_t count = under_valgrind() ? 20 : 200;
	brood_batch *batch = batch_of(count);
	char go[256];
	size_t codes = 0;

	(void)state;
	support_path(go, sizeof go, "go");
	for (size_t i = 0; i < count; i++) {
		char code[8];

		snprintf(code, sizeof code, "%zu", i % 100);
		hand_in(batch, named(member("wait-for-file", go, "exit", code), code), NULL);
	}
	assert_int_equal(brood_batch_running(batch), count);
	support_write_text(go, "");
	for (size_t i = 0; i < count; i++) {
		brood_future *future = next_one(batch);

		codes += brood_result_exit_code(brood_future_result(future), 0) == atoi(brood_future_name(future));
		brood_future_free(future);
	}
	assert_int_equal(codes, count);
	brood_batch_free(batch);
}

/* ---- order ---- */

static void test_futures_come_in_the_order_of_completion(void **state)
{
	brood_batch *batch = batch_of(3);
	char a[256], b[256];

	(void)state;
	support_path(a, sizeof a, "a");
	support_path(b, sizeof b, "b");
	hand_in(batch, named(member("wait-for-file", a), "first in"), NULL);
	hand_in(batch, named(member("wait-for-file", b), "second in"), NULL);
	hand_in(batch, named(member("exit", "0"), "third in"), NULL);
	assert_next_is(batch, "third in");
	support_write_text(b, "");
	assert_next_is(batch, "second in");
	support_write_text(a, "");
	assert_next_is(batch, "first in");
	brood_batch_free(batch);
}

static void test_places_are_filled_while_futures_lie_in_the_queue(void **state)
{
	brood_batch *batch = batch_of(2);
	char last[256];

	(void)state;
	support_path(last, sizeof last, "last");
	for (int i = 0; i < 6; i++)
		hand_in(batch, member("exit", "0"), NULL);
	hand_in(batch, member("touch", last), NULL);
	/* Each call looks again after a while, also where it has something to give already. */
	for (int i = 0; i < 4; i++) {
		assert_int_equal(brood_batch_next(batch, 60000, NULL), 1);
		support_sleep_ms(10);
	}
	assert_true(brood_batch_waiting(batch) <= 2);
	assert_int_equal(take_all(batch, NULL), 3);
	brood_batch_free(batch);
}

static void test_next_says_when_nothing_is_left(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *future = (brood_future *)batch;

	(void)state;
	assert_int_equal(brood_batch_next(batch, -1, &future), 0);
	assert_null(future);
	hand_in(batch, member("exit", "0"), NULL);
	assert_int_equal(brood_batch_next(batch, -1, NULL), 1);
	assert_int_equal(brood_batch_next(batch, -1, NULL), 0);
	brood_batch_free(batch);
}

static void test_next_times_out_and_not_early(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *future = (brood_future *)batch;
	int64_t before;

	(void)state;
	hand_in(batch, member("sleep-forever"), NULL);
	before = support_now_ms();
	assert_int_equal(brood_batch_next(batch, 60, &future), -ETIMEDOUT);
	assert_true(support_now_ms() - before >= 59);
	assert_null(future);
	assert_int_equal(brood_batch_next(batch, 0, NULL), -ETIMEDOUT);
	brood_batch_free(batch);
}

/* ---- outputs ---- */

static void test_outputs_are_never_mixed(void **state)
{
	enum { MEMBERS = 8, LINES = 500 };
	brood_batch *batch = batch_of(MEMBERS);

	(void)state;
	for (int i = 0; i < MEMBERS; i++) {
		char text[32];

		snprintf(text, sizeof text, "member-%d", i);
		hand_in(batch, captured(named(member("repeat", "500", "echo", text), text)), NULL);
	}
	for (int i = 0; i < MEMBERS; i++) {
		brood_future *future = next_one(batch);
		const char *name = brood_future_name(future), *at = output_of(future);

		assert_int_equal(strlen(at), LINES * (strlen(name) + 1));
		for (int line = 0; line < LINES; line++, at += strlen(name) + 1)
			assert_memory_equal(at, name, strlen(name));
		brood_future_free(future);
	}
	brood_batch_free(batch);
}

static void test_large_outputs_and_inputs_of_many_are_whole(void **state)
{
	const size_t size = 1 << 20;
	unsigned char *bytes = malloc(size);
	brood_batch *batch = batch_of(4);

	(void)state;
	assert_non_null(bytes);
	support_pattern(bytes, size, 0);
	for (int i = 0; i < 6; i++) {
		brood_command *cmd = captured(member("cat"));

		brood_command_feed(cmd, bytes, size);
		hand_in(batch, cmd, NULL);
	}
	for (int i = 0; i < 6; i++) {
		brood_future *future = next_one(batch);
		size_t got;
		const char *output = brood_result_output(brood_future_result(future), BROOD_STDOUT, &got);

		assert_int_equal(got, size);
		assert_memory_equal(output, bytes, size);
		brood_future_free(future);
	}
	free(bytes);
	brood_batch_free(batch);
}

static void test_pipes_that_nobody_could_read_are_drained(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_command *cmd = member("cat", "flood", "300K");
	brood_future *future;
	size_t size;

	(void)state;
	brood_command_redirect_pipe(cmd, BROOD_STDIN);
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	hand_in(batch, cmd, NULL);
	future = next_one(batch);
	brood_result_output(brood_future_result(future), BROOD_STDOUT, &size);
	assert_int_equal(size, 300 << 10);
	assert_true(brood_result_ok(brood_future_result(future)));
	brood_future_free(future);
	brood_batch_free(batch);
}

static void test_a_grandchild_that_holds_the_pipe_delays_by_the_linger_only(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_command *cmd = captured(member("echo", "kept", "hold-pipe-in-grandchild", "600000"));
	brood_future *future;
	char pidfile[256];

	(void)state;
	support_path(pidfile, sizeof pidfile, "pid");
	brood_command_arg(cmd, pidfile);
	brood_command_set_linger_ms(cmd, 50);
	hand_in(batch, cmd, &future);
	hand_in(batch, member("exit", "0"), NULL);
	/* Which of the two comes first is for the machine to say. */
	assert_int_equal(take_all(batch, NULL), 2);
	assert_string_equal(output_of(future), "kept\n");
	assert_true(brood_result_held(brood_future_result(future)));
	brood_future_free(future);
	kill(support_read_pidfile(pidfile), SIGKILL);
	brood_batch_free(batch);
}

/* ---- what members start with ---- */

static void test_members_read_from_null_unless_told_otherwise(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_command *fed = captured(named(member("count"), "fed"));
	brood_future *future;

	(void)state;
	brood_command_feed(fed, "12345", 5);
	hand_in(batch, captured(named(member("count"), "not fed")), NULL);
	hand_in(batch, fed, NULL);
	for (int i = 0; i < 2; i++) {
		future = next_one(batch);
		assert_string_equal(output_of(future), strcmp(brood_future_name(future), "fed") == 0 ? "5\n" : "0\n");
		brood_future_free(future);
	}
	brood_batch_free(batch);
}

static void test_each_member_leads_a_group_of_its_own(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *future;
	char own[32];

	(void)state;
	hand_in(batch, captured(brood_pipe(member("pgid"), member("cat", "pgid"))), NULL);
	future = next_one(batch);
	snprintf(own, sizeof own, "%ld\n", (long)brood_result_pid(brood_future_result(future), 0));
	assert_memory_equal(output_of(future), own, strlen(own));
	assert_string_equal(output_of(future) + strlen(own), own);
	brood_future_free(future);
	brood_batch_free(batch);
}

static void test_a_member_s_own_deadline_is_kept(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_command *cmd = member("sleep-forever");
	const brood_result *result;
	brood_future *future;

	(void)state;
	brood_command_set_timeout_ms(cmd, 50);
	hand_in(batch, cmd, NULL);
	future = next_one(batch);
	result = brood_future_result(future);
	assert_int_equal(brood_result_cause(result, 0), BROOD_BY_DEADLINE);
	assert_int_equal(brood_result_signal(result, 0), SIGTERM);
	assert_int_equal(brood_future_error(future), 0);
	brood_future_free(future);
	brood_batch_free(batch);
}

/* ---- what cannot be started ---- */

static void fail_to_start(size_t at_once)
{
	brood_batch *batch = batch_of(at_once);
	brood_command *broken;

	hand_in(batch, named(brood_command_newl("/no/such/program", NULL), "missing"), NULL);
	hand_in(batch, member("exit", "0"), NULL);
	hand_in(batch, named(brood_pipe(member("cat"), brood_command_newl("/no/such/program", NULL)), "missing"), NULL);
	assert_int_equal(brood_command_parse("echo 'unbalanced", &broken), -EINVAL);
	hand_in(batch, broken, NULL);
	for (int i = 0; i < 4; i++) {
		brood_future *future = next_one(batch);
		const brood_result *result = brood_future_result(future);

		if (strcmp(brood_future_name(future), "missing") == 0) {
			assert_int_equal(brood_future_error(future), -ENOENT);
			assert_int_equal(brood_result_errno(result), ENOENT);
			assert_non_null(strstr(brood_result_describe(result), "/no/such/program"));
			assert_int_equal(brood_result_how(result, brood_result_stages(result) - 1), BROOD_NOT_STARTED);
			assert_int_equal(brood_future_tries(future), 1);
		} else if (brood_future_error(future) != 0) {
			assert_int_equal(brood_future_error(future), -EINVAL);
			assert_int_equal(brood_result_errno(result), EINVAL);
		} else {
			assert_true(brood_result_ok(result));
		}
		brood_future_free(future);
	}
	brood_batch_free(batch);
}

static void test_what_cannot_be_started_gives_a_future_that_says_so(void **state)
{
	(void)state;
	fail_to_start(1);       /* waits for each exec */
	fail_to_start(8);       /* does not, where there are two processors */
}

static void test_every_way_of_starting_is_good_for_a_batch(void **state)
{
	const enum engine before = engine_now();

	(void)state;
	for (int engine = ENGINE_CLONE3; engine <= ENGINE_POSIX; engine++) {
		engine_set((enum engine)engine);
		fail_to_start(4);
		run_tasks(9, 4);
	}
	engine_set(before);
}

static void start_without_clone3(void *data)
{
	(void)data;
	engine_set(ENGINE_CLONE3);
	support_deny_syscall(SYS_clone3, ENOSYS);
	fail_to_start(4);
	assert_int_equal(engine_now(), ENGINE_CLONE);
	support_deny_clone_flags(CLONE_PIDFD, EINVAL);
	fail_to_start(4);
	run_tasks(9, 4);
	assert_int_equal(engine_now(), ENGINE_FORK);
}

static void test_a_step_down_in_the_middle_of_a_batch_does_not_show(void **state)
{
	(void)state;
	skip_unless(engine_now() == ENGINE_CLONE3, "this is about the fast ways");
	skip_unless(!under_valgrind(), "valgrind has no clone3");
	support_assert_in_fork(start_without_clone3, NULL);
}

static void test_bad_arguments_are_refused(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_command *cmd = member("exit", "0");
	brood_future *future = (brood_future *)batch;

	(void)state;
	assert_int_equal(brood_batch_submit(NULL, cmd, &future), -EINVAL);
	assert_null(future);
	assert_int_equal(brood_batch_submit(batch, NULL, &future), -ENOMEM);
	assert_int_equal(brood_batch_next(NULL, 0, &future), -EINVAL);
	assert_int_equal(brood_batch_next(batch, -2, &future), -EINVAL);
	assert_int_equal(brood_batch_set_retries(batch, 1, -1), -EINVAL);
	assert_int_equal(brood_batch_set_retries(NULL, 1, 1), -EINVAL);
	assert_int_equal(brood_batch_fd(NULL), -EINVAL);
	assert_int_equal(brood_batch_dispatch(NULL), -EINVAL);
	assert_int_equal(brood_batch_waiting(NULL) + brood_batch_running(NULL), 0);
	brood_batch_set_stop_on_failure(NULL, true);
	brood_batch_set_output_budget(NULL, 1, BROOD_SPILL);
	brood_batch_set_queue_limit(NULL, 1);
	brood_batch_cancel(NULL);
	brood_batch_free(NULL);
	brood_command_free(cmd);
	brood_batch_free(batch);
}

/* ---- an event loop of the host's own ---- */

static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, timeout_ms);
}

static void skip_without_fd(brood_batch *batch)
{
	const int fd = brood_batch_fd(batch);

	if (fd == -ENOTSUP)
		brood_batch_free(batch);
	skip_unless(fd != -ENOTSUP, "the poller has no descriptor of its own");
	assert_true(fd > 2);
}

static void test_a_loop_that_polls_and_dispatches_runs_them_all(void **state)
{
	brood_batch *batch = batch_of(3);
	brood_command *slow;
	size_t count = 0;

	(void)state;
	skip_without_fd(batch);
	slow = named(member("sleep-forever"), "slow");
	brood_command_set_timeout_ms(slow, 80);
	hand_in(batch, slow, NULL);
	for (int i = 0; i < 9; i++)
		hand_in(batch, captured(member("flood", "200K")), NULL);
	while (count < 10) {
		/* The deadline of the slow one shows by the descriptor alone. */
		assert_int_equal(wait_readable(brood_batch_fd(batch), 20000), 1);
		assert_true(brood_batch_dispatch(batch) >= 0);
		while (brood_batch_next(batch, 0, NULL) == 1)
			count++;
	}
	assert_int_equal(brood_batch_running(batch) + brood_batch_waiting(batch), 0);
	assert_int_equal(wait_readable(brood_batch_fd(batch), 0), 0);
	brood_batch_free(batch);
}

static void test_the_descriptor_is_readable_while_futures_are_to_be_had(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *future;

	(void)state;
	skip_without_fd(batch);
	assert_int_equal(wait_readable(brood_batch_fd(batch), 0), 0);
	/* It fails inside submit: nothing else would ever wake the loop. */
	hand_in(batch, brood_command_newl("/no/such/program", NULL), &future);
	assert_true(brood_future_ready(future));
	assert_int_equal(wait_readable(brood_batch_fd(batch), 0), 1);
	assert_int_equal(brood_batch_dispatch(batch), 1);
	assert_int_equal(wait_readable(brood_batch_fd(batch), 0), 1);
	assert_int_equal(brood_batch_next(batch, 0, NULL), 1);
	assert_int_equal(wait_readable(brood_batch_fd(batch), 0), 0);
	brood_future_free(future);
	brood_batch_free(batch);
}

static void test_the_descriptor_tells_of_a_retry_that_is_due(void **state)
{
	brood_batch *batch = batch_of(1);
	int turns = 0;

	(void)state;
	skip_without_fd(batch);
	assert_int_equal(brood_batch_set_retries(batch, 2, 20), 0);
	hand_in(batch, member("exit", "1"), NULL);
	for (int r = 0; r == 0; turns++) {
		assert_int_equal(wait_readable(brood_batch_fd(batch), 20000), 1);
		r = brood_batch_dispatch(batch);
		assert_in_range(r, 0, 1);
	}
	assert_true(turns < 50);
	brood_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_fewer_as_many_and_more_tasks_than_places_all_run),
		brood_test(test_as_many_run_at_once_as_there_are_places),
		brood_test(test_zero_places_are_as_many_as_processors),
		brood_test(test_two_thousand_trivial_commands_all_run),
		brood_test(test_two_hundred_live_members_are_all_reaped),
		brood_test(test_futures_come_in_the_order_of_completion),
		brood_test(test_places_are_filled_while_futures_lie_in_the_queue),
		brood_test(test_next_says_when_nothing_is_left),
		brood_test(test_next_times_out_and_not_early),
		brood_test(test_outputs_are_never_mixed),
		brood_test(test_large_outputs_and_inputs_of_many_are_whole),
		brood_test(test_pipes_that_nobody_could_read_are_drained),
		brood_test(test_a_grandchild_that_holds_the_pipe_delays_by_the_linger_only),
		brood_test(test_members_read_from_null_unless_told_otherwise),
		brood_test(test_each_member_leads_a_group_of_its_own),
		brood_test(test_a_member_s_own_deadline_is_kept),
		brood_test(test_what_cannot_be_started_gives_a_future_that_says_so),
		brood_test(test_every_way_of_starting_is_good_for_a_batch),
		brood_test(test_a_step_down_in_the_middle_of_a_batch_does_not_show),
		brood_test(test_bad_arguments_are_refused),
		brood_test(test_a_loop_that_polls_and_dispatches_runs_them_all),
		brood_test(test_the_descriptor_is_readable_while_futures_are_to_be_had),
		brood_test(test_the_descriptor_tells_of_a_retry_that_is_due),
	};

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
