/* SPDX-License-Identifier: MIT */
/*
 * Batches under limits: the queue's, the budget for output, and the system's own: descriptors.
 */
#include "support/support.h"
#include "support/members.h"

#include "batch/batch.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the queue ---- */

static void test_a_full_queue_refuses_until_there_is_room(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_command *cmd = member("exit", "0");
	brood_future *future = (brood_future *)batch;
	char go[256];

	(void)state;
	support_path(go, sizeof go, "go");
	brood_batch_set_queue_limit(batch, 2);
	hand_in(batch, member("wait-for-file", go), NULL);
	assert_int_equal(brood_batch_submit(batch, cmd, NULL), 0);
	assert_int_equal(brood_batch_submit(batch, cmd, NULL), 0);
	assert_int_equal(brood_batch_submit(batch, cmd, &future), -EAGAIN);
	assert_null(future);
	assert_int_equal(brood_batch_waiting(batch), 2);
	support_write_text(go, "");
	assert_int_equal(brood_batch_next(batch, 30000, NULL), 1);
	assert_int_equal(brood_batch_submit(batch, cmd, NULL), 0);
	assert_int_equal(take_all(batch, NULL), 3);
	brood_command_free(cmd);
	brood_batch_free(batch);
}

/* ---- the budget: spilling ---- */

static size_t ordinary_memory(brood_future **future, size_t count)
{
	size_t memory = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t s = 0; s < future[i]->result->stream_count; s++)
			memory += buffer_memory(&future[i]->result->streams[s].buffer);
	return memory;
}

static void assert_pattern(const brood_future *future, size_t expected)
{
	unsigned char *bytes = malloc(expected);
	size_t size;
	const char *output = brood_result_output(brood_future_result(future), BROOD_STDOUT, &size);

	assert_non_null(bytes);
	support_pattern(bytes, expected, 0);
	assert_int_equal(size, expected);
	assert_memory_equal(output, bytes, expected);
	assert_int_equal(output[size], '\0');
	free(bytes);
}

static bool can_spill(void)
{
	struct buffer buffer = { 0 };
	const int r = buffer_spill(&buffer);

	buffer_done(&buffer);
	return r == 0;
}

static void test_what_passes_the_budget_is_spilled_and_whole(void **state)
{
	enum { MEMBERS = 6 };
	const size_t size = 700 << 10;
	brood_batch *batch = batch_of(3);
	brood_future *future[MEMBERS];

	(void)state;
	skip_unless(can_spill(), "no memfds here");
	brood_batch_set_output_budget(batch, 256 << 10, BROOD_SPILL);
	for (int i = 0; i < MEMBERS; i++)
		hand_in(batch, captured(member("pattern", "700K")), NULL);
	for (int i = 0; i < MEMBERS; i++)
		future[i] = next_one(batch);
	assert_true(batch->memory <= 256 << 10);
	assert_int_equal(batch->memory, ordinary_memory(future, MEMBERS));
	for (int i = 0; i < MEMBERS; i++) {
		assert_pattern(future[i], size);
		brood_future_free(future[i]);
	}
	assert_int_equal(batch->memory, 0);
	brood_batch_free(batch);
}

static void test_what_stays_below_the_budget_stays_in_memory(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *a, *b;

	(void)state;
	brood_batch_set_output_budget(batch, 64 << 20, BROOD_SPILL);
	hand_in(batch, captured(member("pattern", "100K")), NULL);
	hand_in(batch, captured(member("echo", "small")), NULL);
	a = next_one(batch);
	b = next_one(batch);
	assert_true(batch->memory >= 100 << 10);
	assert_int_equal(ordinary_memory((brood_future *[]){ a, b }, 2), batch->memory);
	brood_future_free(a);
	brood_future_free(b);
	assert_int_equal(batch->memory, 0);
	brood_batch_free(batch);
}

static void test_failed_tries_give_their_bytes_back(void **state)
{
	brood_batch *batch = batch_of(1);
	brood_future *future;

	(void)state;
	brood_batch_set_output_budget(batch, 64 << 20, BROOD_SPILL);
	assert_int_equal(brood_batch_set_retries(batch, 3, 0), 0);
	hand_in(batch, captured(member("pattern", "10K", "exit", "1")), NULL);
	future = next_one(batch);
	assert_int_equal(brood_future_tries(future), 4);
	assert_int_equal(batch->memory, ordinary_memory(&future, 1));
	assert_true(batch->memory < 20 << 10);
	brood_future_free(future);
	brood_batch_free(batch);
}

/* ---- the budget: pausing ---- */

static void test_with_futures_kept_the_first_in_line_still_goes_on(void **state)
{
	enum { MEMBERS = 5 };
	brood_batch *batch = batch_of(3);
	brood_future *future[MEMBERS];

	(void)state;
	brood_batch_set_output_budget(batch, 64 << 10, BROOD_PAUSE);
	for (int i = 0; i < MEMBERS; i++)
		hand_in(batch, captured(member("pattern", "600K")), NULL);
	/* Nothing is freed, so nothing but the turn of each lets it end. */
	for (int i = 0; i < MEMBERS; i++)
		future[i] = next_one(batch);
	assert_int_equal(batch->paused_count, 0);
	for (int i = 0; i < MEMBERS; i++) {
		assert_pattern(future[i], 600 << 10);
		assert_true(brood_result_ok(brood_future_result(future[i])));
		brood_future_free(future[i]);
	}
	brood_batch_free(batch);
}

static void test_a_paused_member_waits_for_the_first_in_line(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *second;
	char go[256];

	(void)state;
	support_path(go, sizeof go, "go");
	brood_batch_set_output_budget(batch, 100 << 10, BROOD_PAUSE);
	hand_in(batch, named(captured(member("wait-for-file", go, "echo", "first")), "first"), NULL);
	hand_in(batch, captured(member("pattern", "12M")), &second);
	while (batch->paused_count == 0)
		assert_int_equal(brood_batch_next(batch, 5, NULL), -ETIMEDOUT);
	assert_int_equal(brood_batch_next(batch, 50, NULL), -ETIMEDOUT);
	assert_int_equal(batch->paused_count, 1);
	assert_true(brood_result_bytes(second->process->result, BROOD_STDOUT) < 12 << 20);

	support_write_text(go, "");
	assert_next_is(batch, "first");
	assert_int_equal(brood_future_wait(second, 30000), 0);
	assert_pattern(second, 12 << 20);
	brood_future_free(second);
	brood_batch_free(batch);
}

static void test_freeing_a_future_lets_the_paused_go_on(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *kept, *paused;

	(void)state;
	brood_batch_set_output_budget(batch, 3 << 20, BROOD_PAUSE);
	hand_in(batch, captured(member("flood", "4M")), NULL);
	kept = next_one(batch);
	hand_in(batch, captured(member("sleep-forever")), NULL);
	hand_in(batch, captured(member("pattern", "1M")), &paused);
	while (batch->paused_count == 0)
		assert_int_equal(brood_future_wait(paused, 5), -ETIMEDOUT);
	assert_int_equal(brood_future_wait(paused, 50), -ETIMEDOUT);
	brood_future_free(kept);
	assert_int_equal(batch->paused_count, 0);
	assert_int_equal(brood_future_wait(paused, 30000), 0);
	assert_pattern(paused, 1 << 20);
	brood_future_free(paused);
	brood_batch_free(batch);
}

static void test_a_larger_budget_lets_the_paused_go_on(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *paused;

	(void)state;
	brood_batch_set_output_budget(batch, 1, BROOD_PAUSE);
	hand_in(batch, captured(member("sleep-forever")), NULL);
	hand_in(batch, captured(member("pattern", "12M")), &paused);
	while (batch->paused_count == 0)
		assert_int_equal(brood_future_wait(paused, 5), -ETIMEDOUT);
	brood_batch_set_output_budget(batch, 0, BROOD_PAUSE);
	assert_int_equal(brood_future_wait(paused, 30000), 0);
	assert_pattern(paused, 12 << 20);
	brood_future_free(paused);
	brood_batch_free(batch);
}

static void test_a_paused_member_can_be_stopped(void **state)
{
	brood_batch *batch = batch_of(2);
	brood_future *paused;

	(void)state;
	brood_batch_set_output_budget(batch, 1, BROOD_PAUSE);
	hand_in(batch, captured(member("sleep-forever")), NULL);
	hand_in(batch, captured(member("flood-forever")), &paused);
	while (batch->paused_count == 0)
		assert_int_equal(brood_future_wait(paused, 5), -ETIMEDOUT);
	assert_int_equal(brood_future_cancel(paused), 0);
	assert_int_equal(brood_future_wait(paused, 30000), -ECANCELED);
	brood_future_free(paused);
	brood_batch_free(batch);
}

/* ---- descriptors ---- */

static void leave_descriptors(rlim_t count)
{
	struct rlimit limit;
	const int next = fcntl(0, F_DUPFD_CLOEXEC, 3);

	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)next + count;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void run_under_pressure(void *data)
{
	brood_batch *batch = batch_of(50);
	size_t good;

	(void)data;
	leave_descriptors(18);
	for (int i = 0; i < 20; i++) {
		hand_in(batch, captured(member("echo", "single")), NULL);
		hand_in(batch, captured(brood_pipe(brood_pipe(member("echo", "chain"), member("cat")), member("cat"))), NULL);
	}
	/* Not all found a place at once; none was lost, and what had been started of a chain does not show. */
	assert_true(brood_batch_running(batch) < 40);
	for (int i = 0; i < 40; i++) {
		brood_future *future = next_one(batch);

		assert_int_equal(brood_future_error(future), 0);
		assert_int_equal(brood_future_tries(future), 1);
		assert_true(brood_result_ok(brood_future_result(future)));
		assert_string_equal(output_of(future), brood_result_stages(brood_future_result(future)) == 1 ? "single\n" : "chain\n");
		brood_future_free(future);
	}
	assert_int_equal(take_all(batch, &good), 0);
	brood_batch_free(batch);
}

static void test_without_descriptors_members_wait_for_a_place(void **state)
{
	(void)state;
	skip_unless(!under_valgrind(), "valgrind itself would be hit");
	support_assert_in_fork(run_under_pressure, NULL);
}

static void run_without_any(void *data)
{
	brood_batch *batch = batch_of(4);
	brood_future *future;

	leave_descriptors(*(const rlim_t *)data);
	hand_in(batch, captured(brood_pipe(member("cat"), member("cat"))), NULL);
	future = next_one(batch);
	assert_int_equal(brood_future_error(future), -EMFILE);
	assert_int_equal(brood_result_errno(brood_future_result(future)), EMFILE);
	brood_future_free(future);
	brood_batch_free(batch);
}

static void test_with_nobody_running_want_of_descriptors_is_a_failure(void **state)
{
	(void)state;
	skip_unless(!under_valgrind(), "valgrind itself would be hit");
	for (rlim_t count = 0; count < 5; count++)
		support_assert_in_fork(run_without_any, &count);
}

/* ---- the poller ---- */

static void run_unwatched(void *data)
{
	brood_batch *batch = batch_of(3);

	(void)data;
	support_deny_syscall(SYS_epoll_ctl, ENOSPC);
	for (int i = 0; i < 6; i++)
		hand_in(batch, captured(member("echo", "seen")), NULL);
	for (int i = 0; i < 6; i++) {
		brood_future *future = next_one(batch);

		assert_true(brood_result_ok(brood_future_result(future)));
		assert_string_equal(output_of(future), "seen\n");
		brood_future_free(future);
	}
	brood_batch_free(batch);
}

static void test_members_that_cannot_be_watched_are_looked_at(void **state)
{
	(void)state;
	skip_unless(!under_valgrind(), "valgrind knows no filter");
	support_assert_in_fork(run_unwatched, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_full_queue_refuses_until_there_is_room),
		brood_test(test_what_passes_the_budget_is_spilled_and_whole),
		brood_test(test_what_stays_below_the_budget_stays_in_memory),
		brood_test(test_failed_tries_give_their_bytes_back),
		brood_test(test_with_futures_kept_the_first_in_line_still_goes_on),
		brood_test(test_a_paused_member_waits_for_the_first_in_line),
		brood_test(test_freeing_a_future_lets_the_paused_go_on),
		brood_test(test_a_larger_budget_lets_the_paused_go_on),
		brood_test(test_a_paused_member_can_be_stopped),
		brood_test(test_without_descriptors_members_wait_for_a_place),
		brood_test(test_with_nobody_running_want_of_descriptors_is_a_failure),
		brood_test(test_members_that_cannot_be_watched_are_looked_at),
	};

	return cmocka_run_group_tests_name("batch, limits", tests, NULL, NULL);
}
