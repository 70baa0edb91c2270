/* SPDX-License-Identifier: MIT */
/*
 * brood's batch: many at once, so many at a time.
 *   brood-batch        brood_batch_submit, then brood_batch_next until nothing is left
 */
#include "measure.h"

#include <brood.h>
#include <stdio.h>
#include <stdlib.h>

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

const struct contender contenders[] = {
	{ .name = "brood-batch", .many = many, .bounded = bounded, .wait = wait_for },
	{ .name = NULL },
};
