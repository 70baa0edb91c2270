/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of batches: many chains, retries, cancelling, budgets, an event loop of one's own.
 *
 * Whatever fails, each job that was handed in comes out once, and one that claims success has its own bytes.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>

#include "scenario.h"

/* What came out of a batch. */
struct takings {
	size_t handed, out, good, failed, cancelled;
};

static brood_command *job(unsigned number)
{
	brood_command *cmd = brood_command_newl(child_path(), "print", NULL);

	brood_command_argf(cmd, "job %u", number);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
	return cmd;
}

static void hand_in(brood_batch *batch, brood_command *cmd_take, unsigned number, struct takings *takings)
{
	brood_future *future = NULL;
	int r = brood_batch_submit(batch, cmd_take, &future);

	brood_command_free(cmd_take);
	if (r < 0) {
		must(!future);
		failed_well(r, "submit");
		return;
	}
	brood_future_set_data(future, (void *)(uintptr_t)number);
	brood_future_free(future);
	takings->handed++;
}

static void take(const brood_future *future, struct takings *takings)
{
	const brood_result *result = brood_future_result(future);
	const int error = brood_future_error(future);
	char expected[32];

	takings->out++;
	if (error == -ECANCELED) {
		takings->cancelled++;
		return;
	}
	if (error < 0) {
		takings->failed++;
		failed_well(error, result ? brood_result_describe(result) : "no memory for a result");
		return;
	}
	if (!must(result != NULL))
		return;
	if (!brood_result_ok(result)) {
		takings->failed++;
		failed_well(0, brood_result_describe(result));
		return;
	}
	takings->good++;
	snprintf(expected, sizeof expected, "job %u", (unsigned)(uintptr_t)brood_future_data(future));
	output_is(result, BROOD_STDOUT, expected);
}

/* All that is left comes out, or the batch says why not, and then may be asked again. */
static void take_all(brood_batch *batch, struct takings *takings)
{
	int errors = 0;

	for (;;) {
		brood_future *future = NULL;
		int r = brood_batch_next(batch, SOON_MS, &future);

		if (r == 0)
			break;
		if (r < 0) {
			failed_well(r, "next");
			if (++errors > 3)
				return;
			continue;
		}
		take(future, takings);
		brood_future_free(future);
	}
	must(takings->out == takings->handed);
}

static brood_batch *batch_of(size_t at_once)
{
	brood_batch *batch = brood_batch_new(at_once);

	if (!batch)
		failed_well(-ENOMEM, "no memory for the batch");
	return batch;
}

static void four_jobs(void)
{
	struct takings takings = { .handed = 0 };
	brood_batch *batch = batch_of(2);

	for (unsigned i = 0; batch && i < 4; i++)
		hand_in(batch, job(i), i, &takings);
	if (batch)
		take_all(batch, &takings);
	if (takings.good == 4)
		done_well();
	brood_batch_free(batch);
}

/* The second stage's words are what is captured. */
static void chains(void)
{
	struct takings takings = { .handed = 0 };
	brood_batch *batch = batch_of(2);

	for (unsigned i = 0; batch && i < 3; i++) {
		brood_command *left = brood_command_newl(child_path(), "print", NULL), *right = child("cat"), *cmd;

		brood_command_argf(left, "job %u", i);
		cmd = brood_pipe(left, right);
		brood_command_capture(cmd, BROOD_STDOUT, 0);
		brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
		hand_in(batch, cmd, i, &takings);
	}
	if (batch)
		take_all(batch, &takings);
	if (takings.good == 3)
		done_well();
	brood_batch_free(batch);
}

/* One fails three times; the other is not held up by it. */
static void retries(void)
{
	struct takings takings = { .handed = 0 };
	brood_batch *batch = batch_of(2);
	brood_command *failing = child("exit", "7");

	if (!batch) {
		brood_command_free(failing);
		return;
	}
	brood_batch_set_retries(batch, 2, 1);
	brood_command_set_grace_ms(failing, SHORT_GRACE_MS);
	hand_in(batch, failing, 99, &takings);
	hand_in(batch, job(1), 1, &takings);
	for (;;) {
		brood_future *future = NULL;
		int r = brood_batch_next(batch, SOON_MS, &future);

		if (r < 0)
			failed_well(r, "next");
		if (r <= 0)
			break;
		if (brood_future_data(future) == (void *)(uintptr_t)99) {
			takings.out++;
			must(!brood_result_ok(brood_future_result(future)));
			must(brood_future_tries(future) <= 3);
			if (brood_future_tries(future) != 3 || brood_result_exit_code(brood_future_result(future), 0) != 7)
				failed_well(brood_future_error(future), "the tries ended otherwise");
		} else {
			take(future, &takings);
		}
		brood_future_free(future);
	}
	if (takings.out == 2)
		done_well();
	brood_batch_free(batch);
}

static void hand_in_sleepers(brood_batch *batch, struct takings *takings)
{
	for (unsigned i = 0; batch && i < 4; i++) {
		brood_command *cmd = child("sleep-forever");

		brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
		hand_in(batch, cmd, i, takings);
	}
}

static void cancelled(void)
{
	struct takings takings = { .handed = 0 };
	brood_batch *batch = batch_of(2);

	hand_in_sleepers(batch, &takings);
	if (batch) {
		brood_batch_cancel(batch);
		take_all(batch, &takings);
	}
	must(takings.good == 0);
	if (takings.cancelled == 4)
		done_well();
	brood_batch_free(batch);
}

static void signalled(void)
{
	struct takings takings = { .handed = 0 };
	brood_batch *batch = batch_of(3);
	int r;

	for (unsigned i = 0; batch && i < 3; i++) {
		brood_command *cmd = child("sleep-forever");

		brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
		/* For one that had to wait for a place, and missed the signal. */
		brood_command_set_timeout_ms(cmd, 300);
		hand_in(batch, cmd, i, &takings);
	}
	if (batch) {
		r = brood_batch_signal(batch, SIGKILL);
		if (r < 0) {
			failed_well(r, "signal");
			brood_batch_cancel(batch);
		}
		for (brood_future *future = NULL; (r = brood_batch_next(batch, SOON_MS, &future)) == 1; brood_future_free(future))
			takings.out++, must(!brood_result_ok(brood_future_result(future)));
		if (r < 0)
			failed_well(r, "next");
	}
	if (batch && takings.out == 3)
		done_well();
	brood_batch_free(batch);
}

/* The first one fails as it should; whoever comes after it must come out as cancelled. */
static void stop_on_failure(void)
{
	struct takings takings = { .handed = 0 };
	brood_batch *batch = batch_of(1);
	brood_future *future = NULL;
	int r;

	if (!batch)
		return;
	brood_batch_set_stop_on_failure(batch, true);
	for (unsigned i = 0; i < 4; i++)
		hand_in(batch, i == 0 ? brood_command_newl("/no/such/program", NULL) : job(i), i, &takings);
	while ((r = brood_batch_next(batch, SOON_MS, &future)) == 1) {
		if (brood_future_data(future) != NULL || brood_future_error(future) != -ENOENT)
			take(future, &takings);
		else
			takings.out++;
		brood_future_free(future);
	}
	if (r < 0)
		failed_well(r, "next");
	must(r < 0 || takings.out == takings.handed);
	if (takings.cancelled == 3)
		done_well();
	else
		must(takings.handed < 4 || takings.failed > 0 || r < 0);
	brood_batch_free(batch);
}

/* Beyond the budget: to memfds. Without them it stays in memory, and nothing is lost. */
static void spill(void)
{
	brood_batch *batch = batch_of(2);
	size_t good = 0, handed = 0;
	int r = 0;

	if (!batch)
		return;
	brood_batch_set_output_budget(batch, 64 << 10, BROOD_SPILL);
	for (unsigned i = 0; i < 3; i++) {
		brood_command *cmd = child("flood", "100K");
		int submitted;

		brood_command_capture(cmd, BROOD_STDOUT, 0);
		brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
		submitted = brood_batch_submit(batch, cmd, NULL);
		brood_command_free(cmd);
		if (submitted < 0)
			failed_well(submitted, "submit");
		else
			handed++;
	}
	for (brood_future *future = NULL; (r = brood_batch_next(batch, SOON_MS, &future)) == 1; brood_future_free(future)) {
		const brood_result *result = brood_future_result(future);

		if (brood_future_error(future) == 0 && brood_result_ok(result)) {
			output_has_size(result, BROOD_STDOUT, 100 << 10, 'x');
			good++;
		} else {
			failed_well(brood_future_error(future), result ? brood_result_describe(result) : "no memory for a result");
		}
	}
	if (r < 0)
		failed_well(r, "next");
	if (good == 3 && handed == 3)
		done_well();
	brood_batch_free(batch);
}

/* A loop of the host's. */
static void own_loop(void)
{
	struct takings takings = { .handed = 0 };
	struct pollfd ready = { .events = POLLIN };
	brood_batch *batch = batch_of(2);
	int r = 1;

	if (!batch)
		return;
	for (unsigned i = 0; i < 3; i++)
		hand_in(batch, job(i), i, &takings);
	ready.fd = brood_batch_fd(batch);
	if (ready.fd < 0)
		failed_well(ready.fd, "fd");
	while (ready.fd >= 0 && takings.out < takings.handed && r >= 0) {
		brood_future *future = NULL;
		int n = poll(&ready, 1, SOON_MS);

		if (n == 0 && !must(!"the descriptor told nothing for 8 seconds"))
			break;
		r = brood_batch_dispatch(batch);
		while (r > 0 && brood_batch_next(batch, 0, &future) == 1) {
			take(future, &takings);
			brood_future_free(future);
		}
	}
	if (r < 0)
		failed_well(r, "dispatch");
	if (takings.good == 3)
		done_well();
	brood_batch_free(batch);
}

/* Freed with members running, waiting and resting. */
static void free_it_full(void)
{
	struct takings takings = { .handed = 0 };
	brood_batch *batch = batch_of(2);

	hand_in_sleepers(batch, &takings);
	brood_batch_free(batch);
	if (batch)
		done_well();
}

const struct scenario batch_scenarios[] = {
	{ .name = "batch of four", .run = four_jobs },
	{ .name = "batch of four, warm", .run = four_jobs, .flags = WARM },
	{ .name = "batch of four, with poll(2)", .run = four_jobs, .poller = "poll" },
	{ .name = "batch of four, by fork", .run = four_jobs, .engine = "fork" },
	{ .name = "batch of four, without pidfds", .run = four_jobs, .engine = "posix" },
	{ .name = "batch of chains", .run = chains },
	{ .name = "batch with retries", .run = retries },
	{ .name = "batch, cancelled", .run = cancelled },
	{ .name = "batch, cancelled, with poll(2)", .run = cancelled, .poller = "poll" },
	{ .name = "batch, signalled", .run = signalled },
	{ .name = "batch, stopped on failure", .run = stop_on_failure },
	{ .name = "batch beyond its budget", .run = spill },
	{ .name = "batch in an own event loop", .run = own_loop, .flags = NEEDS_PIDFD },
	{ .name = "batch, freed while full", .run = free_it_full },
	{ .name = NULL },
};
