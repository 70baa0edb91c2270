/* SPDX-License-Identifier: MIT */
/*
 * brood's batch: many at once, so many at a time.
 *   brood-batch        brood_batch_submit, then brood_batch_next until nothing is left
 *   brood-batch-fed    never more than some jobs waiting: what a program does that has a hundred thousand of them
 */
#include "measure.h"

#include <brood.h>
#include <stdio.h>
#include <stdlib.h>

enum { AHEAD = 32 };    /* jobs that wait for a place */

static brood_batch *batch_of(size_t at_once)
{
	brood_batch *batch = brood_batch_new(at_once);

	if (!batch)
		fail("brood_batch_new");
	return batch;
}

static void submit(brood_batch *batch, char *const argv[], const char *name)
{
	brood_command *cmd = brood_command_new((const char *const *)argv);

	if (!cmd)
		fail("brood_command_new");
	if (name)
		brood_command_set_name(cmd, name);
	if (brood_batch_submit(batch, cmd, NULL) < 0)
		fail("brood_batch_submit");
	brood_command_free(cmd);
}

static bool next(brood_batch *batch, brood_future **ret)
{
	int r = brood_batch_next(batch, -1, ret);

	if (r < 0)
		fail("brood_batch_next");
	return r > 0;
}

static void many(struct many *many)
{
	brood_batch *batch = batch_of(many->count);
	size_t seen = 0;
	brood_future *future;

	for (size_t i = 0; i < many->count; i++) {
		struct many_words words;
		char name[24];

		snprintf(name, sizeof name, "%zu", i);
		submit(batch, many_argv(many, i, &words), name);
	}
	/* Submitting starts them while there are places. Past the time at which they end, measure.c counts the run as too late. */
	while (brood_batch_running(batch) < many->count && now_ns() < many->due_ns)
		if (brood_batch_dispatch(batch) < 0)
			fail("brood_batch_dispatch");
	many_started(many);
	for (; next(batch, &future); seen++) {
		const size_t i = (size_t)atol(brood_future_name(future));

		if (brood_result_exit_code(brood_future_result(future), 0) != many_code(i))
			fail("a code");
		brood_future_free(future);
	}
	if (seen != many->count)
		fail("some are missing");
	brood_batch_free(batch);
	many_reaped(many);
}

static size_t bounded(char *const argv[], size_t count, size_t width)
{
	brood_batch *batch = batch_of(width);
	size_t seen = 0, bad = 0;
	brood_future *future;

	for (size_t i = 0; i < count; i++)
		submit(batch, argv, NULL);
	for (; next(batch, &future); seen++) {
		bad += !brood_result_ok(brood_future_result(future));
		brood_future_free(future);
	}
	if (seen != count)
		fail("some are missing");
	brood_batch_free(batch);
	return bad;
}

static int wait_for(char *const argv[], int64_t timeout_ms)
{
	brood_batch *batch = batch_of(1);
	brood_future *future;
	int code;

	submit(batch, argv, NULL);
	if (brood_batch_next(batch, timeout_ms, &future) != 1)
		fail("brood_batch_next");
	code = brood_result_exit_code(brood_future_result(future), 0);
	brood_future_free(future);
	brood_batch_free(batch);
	return code;
}

static size_t bounded_fed(char *const argv[], size_t count, size_t width)
{
	brood_batch *batch = batch_of(width);
	size_t submitted = 0, seen = 0, bad = 0;
	brood_future *future;

	for (; submitted < count && submitted < width + AHEAD; submitted++)
		submit(batch, argv, NULL);
	for (; next(batch, &future); seen++) {
		bad += !brood_result_ok(brood_future_result(future));
		brood_future_free(future);
		if (submitted < count) {
			submit(batch, argv, NULL);
			submitted++;
		}
	}
	if (seen != count)
		fail("some are missing");
	brood_batch_free(batch);
	return bad;
}

/* ---- one beside sleepers ---- */

static void among(char *const sleeper[], size_t count, char *const argv[], long times, double *ret_us)
{
	brood_batch *batch = batch_of(count + 1);
	brood_future *future;

	for (size_t i = 0; i < count; i++)
		submit(batch, sleeper, NULL);
	while (brood_batch_running(batch) < count)
		if (brood_batch_dispatch(batch) < 0)
			fail("brood_batch_dispatch");
	for (long i = 0; i < times; i++) {
		int64_t begin = now_ns();

		submit(batch, argv, NULL);
		if (!next(batch, &future) || brood_result_exit_code(brood_future_result(future), 0) != 0)
			fail("the child's status");
		brood_future_free(future);
		ret_us[i] = (double)(now_ns() - begin) / 1e3;
	}
	brood_batch_free(batch);
}

/* ---- chains of two ---- */

static void submit_chain(brood_batch *batch, char *const *const stages[2], const char *bytes, size_t size, size_t i)
{
	brood_command *cmd = brood_pipe(brood_command_new((const char *const *)stages[0]), brood_command_new((const char *const *)stages[1]));
	char name[24];

	if (!cmd)
		fail("brood_pipe");
	snprintf(name, sizeof name, "%zu", i);
	brood_command_set_name(cmd, name);
	brood_command_feed(cmd, bytes, size);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (brood_batch_submit(batch, cmd, NULL) < 0)
		fail("brood_batch_submit");
	brood_command_free(cmd);
}

static void chains(char *const *const stages[2], size_t count, const char *bytes, size_t size, char (*ret_texts)[TEXT_MAX])
{
	brood_batch *batch = batch_of(count);
	size_t seen = 0;
	brood_future *future;

	for (size_t i = 0; i < count; i++)
		submit_chain(batch, stages, bytes, size, i);
	for (; next(batch, &future); seen++) {
		const brood_result *result = brood_future_result(future);
		size_t got;
		const char *text = brood_result_output(result, BROOD_STDOUT, &got);

		if (!brood_result_ok(result))
			fail("a stage's status");
		text_copy(ret_texts[atol(brood_future_name(future))], text, got);
		brood_future_free(future);
	}
	if (seen != count)
		fail("some are missing");
	brood_batch_free(batch);
}

const struct contender contenders[] = {
	{ .name = "brood-batch", .many = many, .bounded = bounded, .wait = wait_for, .among = among, .chains = chains },
	{ .name = "brood-batch-fed", .bounded = bounded_fed },
	{ .name = NULL },
};
