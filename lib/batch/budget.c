/* SPDX-License-Identifier: MIT */
/*
 * The byte budget for captured output: counted by difference after each step, in ordinary memory; what was spilled does not count.
 *
 * Pausing happens when a member has something to read and the budget is spent, so it costs those that are ready and not those that
 * sleep. The first in line is never paused: with all others paused it still comes to its end, and the next one is the first then.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "batch/batch.h"

#include "base/log.h"

/* A memfd is a descriptor and whole pages: for less it would cost more than it saves. */
enum { SPILL_LEAST = 32 << 10 };

static bool is_spent(const brood_batch *batch)
{
	return batch->budget > 0 && batch->memory > batch->budget;
}

static const brood_result *result_of(const brood_future *future)
{
	return future->process ? future->process->result : future->result;
}

static size_t memory_of(const brood_result *result)
{
	size_t memory = 0;

	for (size_t i = 0; result && i < result->stream_count; i++)
		memory += buffer_memory(&result->streams[i].buffer);
	return memory;
}

static void recount(brood_future *future)
{
	const size_t memory = memory_of(result_of(future));

	future->batch->memory += memory - future->memory;
	future->memory = memory;
}

/* Where a memfd cannot be had the bytes stay in memory: none is lost for a budget's sake. */
static void spill(const brood_result *result)
{
	for (size_t i = 0; i < result->stream_count; i++) {
		struct buffer *buffer = &result->streams[i].buffer;

		if (buffer_memory(buffer) >= SPILL_LEAST && buffer_spill(buffer) < 0)
			log_line(BROOD_LOG_DEBUG, "%zu bytes of output could not be spilled", buffer->size);
	}
}

void budget_count(brood_future *future)
{
	const brood_result *result = result_of(future);
	const size_t before = future->memory;

	if (before == 0 && (!result || result->stream_count == 0))
		return;
	recount(future);
	if (result && is_spent(future->batch) && future->batch->beyond == BROOD_SPILL) {
		spill(result);
		recount(future);
	}
	if (future->memory < before)
		budget_look(future->batch);
}

void budget_release(brood_future *future)
{
	future->batch->memory -= future->memory;
	future->memory = 0;
	budget_look(future->batch);
}

/* ---- pausing ---- */

static void set_paused(brood_future *future, bool paused)
{
	brood_process *process = future->process;

	future->paused = paused;
	future->batch->paused_count += paused ? 1 : (size_t)-1;
	for (size_t i = 0; i < process->channel_count; i++) {
		struct channel *channel = &process->channels[i];

		/* What is handed on takes no memory; its own function says when it has enough. */
		if (channel->kind != CHANNEL_CAPTURE || channel->handed)
			continue;
		channel->paused = paused;
		channel_listen(process, channel);
	}
}

static bool is_first(const brood_future *future)
{
	return future->batch->running.next == &future->link;
}

/* Once its children have ended there is but a pipe's content left, and the linger runs. */
void budget_hold(brood_future *future)
{
	const brood_batch *batch = future->batch;

	if (is_spent(batch) && batch->beyond == BROOD_PAUSE && !future->paused && !is_first(future) && future->process->open_kept > 0 &&
	    future->process->running > 0)
		set_paused(future, true);
}

void budget_resume(brood_future *future)
{
	if (future->paused)
		set_paused(future, false);
}

void budget_look(brood_batch *batch)
{
	const bool all = !is_spent(batch) || batch->beyond != BROOD_PAUSE;

	if (batch->paused_count == 0)
		return;
	for (struct link *link = batch->running.next; link != &batch->running; link = link->next) {
		budget_resume(future_of_link(link));
		if (!all)
			return;
	}
}
