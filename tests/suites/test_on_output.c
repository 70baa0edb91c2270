/* SPDX-License-Identifier: MIT */
/* Captured bytes that go to a function of the caller's as they come, and wait in their pipes when it has enough. */
#include "suites/engines.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "batch/batch.h"
#include "process/process.h"
#include "support/members.h"
#include "support/running.h"

/* The most that is handed over at once before bulk is known of. */
enum { FIRST_PIECE = 8 << 10 };

/* What a function was given. */
struct sink {
	char *text;
	size_t size;
	size_t calls;
	size_t stage;           /* of the last piece */
	int child_fd;
	size_t enough_at;       /* say "enough" from this call on; 0: never */
	const brood_future *future;     /* ask it for its tries: at the first call, and at the last */
	unsigned first_try, last_try;
};

static bool take(void *data, size_t stage, int child_fd, const char *bytes, size_t size)
{
	struct sink *sink = data;

	assert_true(size > 0);
	sink->text = realloc(sink->text, sink->size + size + 1);
	assert_non_null(sink->text);
	memcpy(sink->text + sink->size, bytes, size);
	sink->size += size;
	sink->text[sink->size] = '\0';
	sink->stage = stage;
	sink->child_fd = child_fd;
	sink->last_try = brood_future_tries(sink->future);
	if (sink->calls++ == 0)
		sink->first_try = sink->last_try;
	return sink->enough_at == 0 || sink->calls < sink->enough_at;
}

/* The text is the sink's until the next call. */
static const char *given(const struct sink *sink)
{
	return sink->text ? sink->text : "";
}

static void sink_done(struct sink *sink)
{
	free(sink->text);
	*sink = (struct sink){ 0 };
}

/* stdout goes to the sink. */
static brood_command *to(brood_command *cmd, struct sink *sink)
{
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_on_output(cmd, take, sink);
	return cmd;
}

static void touch(const char *path)
{
	support_write_text(path, "");
}

/* ---- what comes ---- */

static void test_bytes_come_to_the_function_and_none_is_kept(void **state)
{
	struct sink sink = { 0 };
	brood_result *result = run(to(child("echo", "hello"), &sink));
	size_t size = 1;

	(void)state;
	assert_string_equal(given(&sink), "hello\n");
	assert_string_equal(brood_result_output(result, 1, &size), "");
	assert_int_equal(size, 0);
	assert_int_equal(brood_result_bytes(result, 1), 6);
	assert_true(brood_result_ok(result));
	brood_result_free(result);
	sink_done(&sink);
}

static void test_without_a_byte_the_function_is_not_called(void **state)
{
	struct sink sink = { 0 };

	(void)state;
	brood_result_free(run(to(child("exit", "0"), &sink)));
	assert_int_equal(sink.calls, 0);
}

static void test_each_piece_says_its_stage_and_descriptor(void **state)
{
	struct sink sink = { 0 };
	brood_command *first = child("err", "complaint"), *cmd;

	(void)state;
	brood_command_capture(first, BROOD_STDERR, 0);
	cmd = brood_pipe(first, child("discard"));
	brood_command_on_output(cmd, take, &sink);
	brood_result_free(run(cmd));
	assert_string_equal(given(&sink), "complaint");
	assert_int_equal(sink.stage, 0);
	assert_int_equal(sink.child_fd, BROOD_STDERR);
	sink_done(&sink);

	brood_result_free(run(to(brood_pipe(child("print", "text"), child("cat")), &sink)));
	assert_string_equal(given(&sink), "text");
	assert_int_equal(sink.stage, 1);
	assert_int_equal(sink.child_fd, BROOD_STDOUT);
	sink_done(&sink);
}

static void test_of_a_shared_pipe_the_first_stage_is_told(void **state)
{
	struct sink sink = { 0 };
	brood_command *first = child("discard"), *cmd;

	(void)state;
	brood_command_redirect_null(first, BROOD_STDERR);
	cmd = brood_pipe(first, brood_pipe(child("discard"), child("err", "third")));
	brood_command_capture(cmd, BROOD_STDERR, 0);
	brood_command_on_output(cmd, take, &sink);
	brood_result_free(run(cmd));
	assert_string_equal(given(&sink), "third");
	/* The first one has its own: the second is the first of those that share. */
	assert_int_equal(sink.stage, 1);
	sink_done(&sink);
}

static void test_bulk_comes_whole_and_takes_no_memory(void **state)
{
	const size_t size = 8 << 20;
	unsigned char *expected = malloc(size);
	struct sink sink = { 0 };
	brood_process *process = start(to(child("pattern", "8M"), &sink));

	(void)state;
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(sink.size, size);
	support_pattern(expected, size, 0);
	assert_memory_equal(sink.text, expected, size);
	assert_int_equal(brood_result_bytes(brood_process_result(process), 1), size);
	assert_null(process->result->streams[0].buffer.data);
	brood_process_free(process);
	sink_done(&sink);
	free(expected);
}

static void test_what_communicate_drains_beside_it_is_kept(void **state)
{
	struct sink sink = { 0 };
	brood_command *cmd = to(child("print", "out", "err", "kept"), &sink);
	brood_process *process;

	(void)state;
	brood_command_redirect_pipe(cmd, BROOD_STDERR);
	process = start(cmd);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_string_equal(given(&sink), "out");
	assert_string_equal(brood_result_output(brood_process_result(process), 2, NULL), "kept");
	brood_process_free(process);
	sink_done(&sink);
}

/* ---- limits ---- */

static void test_past_the_limit_bytes_are_counted_and_not_given(void **state)
{
	struct sink sink = { 0 };
	brood_command *cmd = child("print", "0123456789");
	brood_result *result;

	(void)state;
	brood_command_capture(cmd, 1, 4);
	brood_command_on_output(cmd, take, &sink);
	result = run(cmd);
	assert_string_equal(given(&sink), "0123");
	assert_int_equal(brood_result_bytes(result, 1), 10);
	assert_true(brood_result_truncated(result, 1));
	assert_false(brood_result_ok(result));
	brood_result_free(result);
	sink_done(&sink);
}

static void test_bytes_exactly_at_the_limit_are_not_cut(void **state)
{
	struct sink sink = { 0 };
	brood_command *cmd = child("flood", "300K");
	brood_result *result;

	(void)state;
	brood_command_capture(cmd, 1, 300 << 10);
	brood_command_on_output(cmd, take, &sink);
	result = run(cmd);
	assert_int_equal(sink.size, 300 << 10);
	assert_false(brood_result_truncated(result, 1));
	assert_true(brood_result_ok(result));
	brood_result_free(result);
	sink_done(&sink);
}

static void test_past_the_limit_the_chain_is_stopped_where_asked(void **state)
{
	struct sink sink = { 0 };
	brood_command *cmd = child("flood-forever");
	brood_result *result;

	(void)state;
	brood_command_capture(cmd, 1, 100000);
	brood_command_on_output(cmd, take, &sink);
	brood_command_set_overflow(cmd, BROOD_STOP);
	result = run(cmd);
	assert_int_equal(sink.size, 100000);
	assert_int_equal(brood_result_cause(result, 0), BROOD_BY_OVERFLOW);
	assert_true(brood_result_truncated(result, 1));
	brood_result_free(result);
	sink_done(&sink);
}

/* ---- enough ---- */

static void enough_and_more(void)
{
	struct sink sink = { .enough_at = 1 };
	brood_process *process = start(to(child("flood", "4M"), &sink));

	while (sink.calls == 0)
		assert_int_equal(brood_process_wait(process, 1), -ETIMEDOUT);
	assert_int_equal(brood_process_wait(process, 50), -ETIMEDOUT);
	assert_int_equal(sink.calls, 1);
	sink.enough_at = 0;
	assert_int_equal(brood_process_resume(process), 0);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(sink.size, 4 << 20);
	/* They flow already, or have flowed. */
	assert_int_equal(brood_process_resume(process), 0);
	brood_process_free(process);
	sink_done(&sink);
}

static void test_enough_leaves_the_bytes_in_the_pipe_until_resumed(void **state)
{
	(void)state;
	on_every_engine(enough_and_more);
}

static void test_each_resume_is_good_for_another_piece(void **state)
{
	struct sink sink = { .enough_at = 1 };
	brood_process *process = start(to(child("flood", "1M"), &sink));
	size_t resumed = 1;

	(void)state;
	while (brood_process_wait(process, 5) == -ETIMEDOUT) {
		assert_true(sink.calls <= resumed);
		resumed++;
		assert_int_equal(brood_process_resume(process), 0);
	}
	assert_true(resumed > 1);
	assert_int_equal(sink.size, 1 << 20);
	brood_process_free(process);
	sink_done(&sink);
}

static void test_a_chain_that_waits_for_its_function_wakes_nobody(void **state)
{
	struct sink sink = { .enough_at = 1 };
	brood_process *process = start(to(child("flood-forever"), &sink));
	struct pollfd ready = { .fd = brood_process_fd(process), .events = POLLIN };

	(void)state;
	if (ready.fd >= 0) {
		while (sink.calls == 0) {
			assert_int_equal(poll(&ready, 1, SOON_MS), 1);
			assert_int_equal(brood_process_dispatch(process), 0);
		}
		/* The pipe is full, and its writer waits. */
		assert_int_equal(poll(&ready, 1, 50), 0);
		assert_int_equal(brood_process_resume(process), 0);
		assert_int_equal(poll(&ready, 1, SOON_MS), 1);
	}
	brood_process_kill(process);
	brood_process_free(process);
	sink_done(&sink);
	skip_unless(ready.fd >= 0, "no descriptor for event loops here");
}

static size_t waiting_in(const struct channel *channel)
{
	int waiting = 0;

	assert_int_equal(ioctl(channel->watch.fd, FIONREAD, &waiting), 0);
	return (size_t)waiting;
}

static void test_enough_of_one_descriptor_holds_the_others_too(void **state)
{
	struct sink sink = { .enough_at = 1 };
	brood_command *cmd = to(child("print", "a", "err", "b", "sleep-forever"), &sink);
	brood_process *process;

	(void)state;
	brood_command_capture(cmd, BROOD_STDERR, 0);
	process = start(cmd);
	while (waiting_in(&process->channels[0]) == 0 || waiting_in(&process->channels[1]) == 0)
		support_sleep_ms(1);
	/* Both are ready in the same round. */
	assert_int_equal(brood_process_poll(process), 0);
	assert_int_equal(sink.calls, 1);
	assert_int_equal(brood_process_poll(process), 0);
	assert_int_equal(sink.calls, 1);
	brood_process_resume(process);
	assert_int_equal(brood_process_poll(process), 0);
	assert_int_equal(sink.calls, 2);
	brood_process_kill(process);
	brood_process_free(process);
	sink_done(&sink);
}

static void test_at_the_end_what_is_in_the_pipes_comes_all_the_same(void **state)
{
	struct sink sink = { .enough_at = 1 };
	char path[256];
	brood_process *process;

	(void)state;
	support_path(path, sizeof path, "go");
	process = start(to(child("print", "first ", "wait-for-file", path, "print", "last"), &sink));
	while (sink.calls == 0)
		assert_int_equal(brood_process_wait(process, 1), -ETIMEDOUT);
	touch(path);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_string_equal(given(&sink), "first last");
	assert_true(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
	sink_done(&sink);
}

static void test_within_the_linger_nobody_is_held_back(void **state)
{
	struct sink sink = { .enough_at = 1 };
	char early[256], late[256];
	brood_command *cmd;
	brood_process *process;

	(void)state;
	support_path(early, sizeof early, "early");
	support_path(late, sizeof late, "late");
	cmd = to(child("fork-away", "wait-for-file", early, "print", "early ", "wait-for-file", late, "print", "late"), &sink);
	brood_command_set_linger_ms(cmd, -1);
	process = start(cmd);
	assert_int_equal(brood_process_wait(process, -1), 0);
	touch(early);
	while (sink.calls == 0)
		assert_int_equal(brood_process_communicate(process, NULL, 0, 1), -ETIMEDOUT);
	touch(late);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_string_equal(given(&sink), "early late");
	assert_false(brood_result_truncated(brood_process_result(process), 1));
	brood_process_free(process);
	sink_done(&sink);
}

static void test_the_budget_runs_on_while_the_function_has_enough(void **state)
{
	struct sink sink = { .enough_at = 1 };
	brood_command *cmd = to(child("flood-forever"), &sink);
	const brood_result *result;
	brood_process *process;

	(void)state;
	brood_command_set_timeout_ms(cmd, 500);
	process = start(cmd);
	result = brood_process_result(process);
	/* More than a first piece: a child that is late may have written nothing by then. */
	while (waiting_in(&process->channels[0]) <= FIRST_PIECE)
		support_sleep_ms(1);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_int_equal(brood_result_cause(result, 0), BROOD_BY_DEADLINE);
	assert_int_equal(brood_result_signal(result, 0), SIGTERM);
	/* And what stood in the pipe came. */
	assert_int_equal(sink.size, brood_result_bytes(result, 1));
	assert_true(sink.calls > 1);
	brood_process_free(process);
	sink_done(&sink);
}

static void test_a_chain_that_waits_for_its_function_can_be_freed(void **state)
{
	struct sink sink = { .enough_at = 1 };
	brood_process *process = start(to(child("flood-forever"), &sink));

	(void)state;
	while (sink.calls == 0)
		assert_int_equal(brood_process_wait(process, 1), -ETIMEDOUT);
	brood_process_free(process);
	sink_done(&sink);
}

/* ---- as a setting of a command ---- */

static void test_a_copy_has_the_function_and_its_data(void **state)
{
	struct sink sink = { 0 };
	brood_command *cmd = to(child("print", "x"), &sink), *copy = brood_command_copy(cmd);

	(void)state;
	brood_command_free(cmd);
	brood_result_free(run(copy));
	assert_string_equal(given(&sink), "x");
	sink_done(&sink);
}

static void test_a_chain_has_the_left_one_s_function_or_else_the_right_one_s(void **state)
{
	struct sink left = { 0 }, right = { 0 };
	brood_command *a = child("print", "x"), *b = to(child("cat"), &right);

	(void)state;
	brood_command_on_output(a, take, &left);
	brood_result_free(run(brood_pipe(a, b)));
	assert_string_equal(given(&left), "x");
	assert_int_equal(right.calls, 0);

	brood_result_free(run(brood_pipe(child("print", "y"), to(child("cat"), &right))));
	assert_string_equal(given(&right), "y");
	sink_done(&left);
	sink_done(&right);
}

static void test_without_a_function_bytes_are_kept_again(void **state)
{
	struct sink sink = { 0 };
	brood_command *cmd = to(child("print", "x"), &sink);
	brood_result *result;

	(void)state;
	brood_command_on_output(cmd, NULL, NULL);
	result = run(cmd);
	assert_string_equal(brood_result_output(result, 1, NULL), "x");
	assert_int_equal(sink.calls, 0);
	brood_result_free(result);
}

/* ---- in a batch ---- */

static void test_a_member_that_waits_for_its_function_keeps_nobody_up(void **state)
{
	struct sink slow = { .enough_at = 1 }, quick = { 0 };
	brood_batch *batch = batch_of(2);
	brood_future *future;

	(void)state;
	hand_in(batch, named(to(member("flood", "4M"), &slow), "slow"), &future);
	for (int i = 0; i < 3; i++)
		hand_in(batch, named(to(member("flood", "1M"), &quick), "quick"), NULL);
	for (int i = 0; i < 3; i++)
		assert_next_is(batch, "quick");
	assert_int_equal(quick.size, 3 << 20);
	while (slow.calls == 0)
		assert_int_equal(brood_batch_next(batch, 1, NULL), -ETIMEDOUT);
	assert_int_equal(brood_batch_next(batch, 50, NULL), -ETIMEDOUT);
	assert_int_equal(slow.calls, 1);

	slow.enough_at = 0;
	assert_int_equal(brood_future_resume(future), 0);
	assert_next_is(batch, "slow");
	assert_int_equal(slow.size, 4 << 20);
	assert_int_equal(brood_future_resume(future), 0);
	brood_future_free(future);
	brood_batch_free(batch);
	sink_done(&slow);
	sink_done(&quick);
}

static void test_a_budget_for_output_resumes_nobody_who_has_enough(void **state)
{
	struct sink sink = { .enough_at = 1 };
	brood_batch *batch = batch_of(3);
	brood_future *handed, *kept;

	(void)state;
	brood_batch_set_output_budget(batch, 1, BROOD_PAUSE);
	hand_in(batch, captured(member("flood", "1M")), NULL);
	hand_in(batch, to(member("flood", "4M"), &sink), &handed);
	hand_in(batch, captured(member("flood", "1M")), NULL);
	for (int i = 0; i < 2; i++) {
		kept = next_one(batch);
		assert_ptr_not_equal(kept, handed);
		assert_int_equal(brood_result_bytes(brood_future_result(kept), 1), 1 << 20);
		/* The budget is free again, and those that it holds back go on. */
		brood_future_free(kept);
	}
	while (sink.calls == 0)
		assert_int_equal(brood_batch_next(batch, 1, NULL), -ETIMEDOUT);
	assert_int_equal(brood_batch_next(batch, 50, NULL), -ETIMEDOUT);
	assert_int_equal(sink.calls, 1);
	sink.enough_at = 0;
	brood_future_resume(handed);
	kept = next_one(batch);
	assert_ptr_equal(kept, handed);
	assert_int_equal(sink.size, 4 << 20);
	brood_future_free(kept);
	brood_future_free(handed);
	brood_batch_free(batch);
	sink_done(&sink);
}

static void test_a_spent_budget_holds_nobody_back_whose_bytes_are_not_kept(void **state)
{
	struct sink sink = { 0 };
	brood_batch *batch = batch_of(2);
	brood_future *kept;
	char flood[256], end[256];

	(void)state;
	support_path(flood, sizeof flood, "flood");
	support_path(end, sizeof end, "end");
	brood_batch_set_output_budget(batch, 1, BROOD_PAUSE);
	hand_in(batch, named(captured(member("flood", "1M", "wait-for-file", end)), "kept"), &kept);
	hand_in(batch, named(to(member("wait-for-file", flood, "flood", "4M"), &sink), "handed"), NULL);
	while (batch->memory <= 1)
		assert_int_equal(brood_batch_next(batch, 1, NULL), -ETIMEDOUT);
	touch(flood);
	assert_next_is(batch, "handed");
	assert_int_equal(sink.size, 4 << 20);
	touch(end);
	assert_next_is(batch, "kept");
	brood_future_free(kept);
	brood_batch_free(batch);
	sink_done(&sink);
}

static void test_bytes_of_a_second_try_come_with_2_tries(void **state)
{
	struct sink sink = { 0 };
	brood_batch *batch = batch_of(1);
	brood_future *future = NULL;

	(void)state;
	brood_batch_set_retries(batch, 1, 0);
	hand_in(batch, to(member("print", "x", "exit", "1"), &sink), &future);
	/* Nothing comes before the batch is waited for. */
	assert_int_equal(sink.calls, 0);
	sink.future = future;
	brood_future_free(next_one(batch));
	assert_int_equal(sink.first_try, 1);
	assert_int_equal(sink.last_try, 2);
	assert_string_equal(given(&sink), "xx");
	brood_future_free(future);
	brood_batch_free(batch);
	sink_done(&sink);
}

static void resume_in_a_fork(void *data)
{
	assert_int_equal(brood_process_resume(data), -ECHILD);
	brood_process_free(data);
}

static void test_nobody_s_handle_is_not_resumed(void **state)
{
	struct sink sink = { .enough_at = 1 };
	brood_process *process = start(to(child("sleep-forever"), &sink));

	(void)state;
	assert_int_equal(brood_process_resume(NULL), -EINVAL);
	assert_int_equal(brood_future_resume(NULL), -EINVAL);
	support_assert_in_fork(resume_in_a_fork, process);
	brood_process_kill(process);
	brood_process_free(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_bytes_come_to_the_function_and_none_is_kept),
		brood_test(test_without_a_byte_the_function_is_not_called),
		brood_test(test_each_piece_says_its_stage_and_descriptor),
		brood_test(test_of_a_shared_pipe_the_first_stage_is_told),
		brood_test(test_bulk_comes_whole_and_takes_no_memory),
		brood_test(test_what_communicate_drains_beside_it_is_kept),
		brood_test(test_past_the_limit_bytes_are_counted_and_not_given),
		brood_test(test_bytes_exactly_at_the_limit_are_not_cut),
		brood_test(test_past_the_limit_the_chain_is_stopped_where_asked),
		brood_test(test_enough_leaves_the_bytes_in_the_pipe_until_resumed),
		brood_test(test_each_resume_is_good_for_another_piece),
		brood_test(test_a_chain_that_waits_for_its_function_wakes_nobody),
		brood_test(test_enough_of_one_descriptor_holds_the_others_too),
		brood_test(test_at_the_end_what_is_in_the_pipes_comes_all_the_same),
		brood_test(test_within_the_linger_nobody_is_held_back),
		brood_test(test_the_budget_runs_on_while_the_function_has_enough),
		brood_test(test_a_chain_that_waits_for_its_function_can_be_freed),
		brood_test(test_a_copy_has_the_function_and_its_data),
		brood_test(test_a_chain_has_the_left_one_s_function_or_else_the_right_one_s),
		brood_test(test_without_a_function_bytes_are_kept_again),
		brood_test(test_a_member_that_waits_for_its_function_keeps_nobody_up),
		brood_test(test_a_budget_for_output_resumes_nobody_who_has_enough),
		brood_test(test_a_spent_budget_holds_nobody_back_whose_bytes_are_not_kept),
		brood_test(test_bytes_of_a_second_try_come_with_2_tries),
		brood_test(test_nobody_s_handle_is_not_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
