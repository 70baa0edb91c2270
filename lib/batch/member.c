/* SPDX-License-Identifier: MIT */
/*
 * The life of one member: waiting, running, perhaps resting before it is tried again, ended. Every change of state is here.
 *
 * A member that cannot be started ends like any other: its future carries the failure. Where the system had no place for it while others run,
 * it goes back to the head of those that wait, and that try does not count.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "batch/batch.h"

#include <errno.h>

#include "base/log.h"

enum {
	EARLY_PLACES = 64,              /* beyond: each early start would copy the descriptors of so many members */
	EARLY_DESCRIPTORS = 512,        /* the same for what the host has open */
	LONGEST_REST_MS = 60000
};

/* ---- moving ---- */

static size_t *count_of(brood_batch *batch, enum future_state state)
{
	switch (state) {
	case FUTURE_WAITING:
	case FUTURE_RESTING:
		return &batch->waiting_count;
	case FUTURE_RUNNING:
		return &batch->running_count;
	default:
		return &batch->done_count;
	}
}

static struct link *list_of(brood_batch *batch, enum future_state state)
{
	switch (state) {
	case FUTURE_WAITING:
		return &batch->waiting;
	case FUTURE_RESTING:
		return &batch->resting;
	case FUTURE_RUNNING:
		return &batch->running;
	default:
		return &batch->done;
	}
}

static void leave(brood_future *future)
{
	list_remove(&future->link);
	timers_set(&future->batch->timers, &future->timer, DEADLINE_NEVER);
	--*count_of(future->batch, future->state);
}

static void enter(brood_future *future, enum future_state state, bool at_head)
{
	future->state = (unsigned char)state;
	++*count_of(future->batch, state);
	if (at_head)
		list_prepend(list_of(future->batch, state), &future->link);
	else
		list_append(list_of(future->batch, state), &future->link);
}

/* ---- the end ---- */

static void resolve(brood_future *future, int error)
{
	brood_batch *batch = future->batch;
	const bool success = error == 0 && brood_result_ok(future->result);

	enter(future, FUTURE_DONE, false);
	future->error = error;
	future_drop_command(future);
	budget_count(future);
	if (success || error == -ECANCELED || !batch->stop_on_failure || batch->failed)
		return;
	log_line(BROOD_LOG_INFO, "'%s' is no success: the rest of the batch is stopped", brood_future_name(future));
	batch->failed = true;
	batch_cancel_all(batch, clock_now_ns());
}

/* What was never started, in words: each stage not started, cancelled. Without memory for that there is no result, only the error. */
static brood_result *cancelled_result(const brood_command *cmd)
{
	brood_result *result = result_new(cmd);

	for (size_t i = 0; result && i < result->stage_count; i++)
		result->stages[i].cause = BROOD_BY_CANCEL;
	return result;
}

/* ---- trying again ---- */

/* Nothing was to be had at this moment: it may be when others have ended. */
static bool is_want_of_place(int error)
{
	return error == EMFILE || error == ENFILE || error == EAGAIN || error == ENOMEM;
}

/* The same start may go well another time. A program that does not exist will not. */
static bool may_get_better(int error)
{
	switch (error) {
	case 0:
	case EBUSY:
	case EDQUOT:
	case EINTR:
	case EIO:
	case ENOBUFS:
	case ENOSPC:
	case ESTALE:
	case ETIMEDOUT:
	case ETXTBSY:
		return true;
	default:
		return is_want_of_place(error);
	}
}

static bool try_again(const brood_future *future, int error)
{
	return future->tries <= future->retries && !future->cancelled && !future->batch->closing && !future->cmd->error &&
	       may_get_better(error) && !brood_result_ok(future->result);
}

static int64_t rest_ms(const brood_future *future)
{
	int64_t rest = future->batch->backoff_ms;

	for (unsigned i = 1; i < future->tries && rest > 0 && rest < LONGEST_REST_MS; i++)
		rest = rest * 2 < LONGEST_REST_MS ? rest * 2 : LONGEST_REST_MS;
	return rest;
}

static void rest(brood_future *future)
{
	const int64_t pause_ms = rest_ms(future);

	log_line(BROOD_LOG_INFO, "'%s': try %u failed, again in %lld ms", brood_future_name(future), future->tries, (long long)pause_ms);
	budget_count(future);
	enter(future, FUTURE_RESTING, false);
	timers_set(&future->batch->timers, &future->timer, deadline_after(clock_now_ns(), pause_ms));
}

void member_wake(brood_future *future)
{
	leave(future);
	enter(future, FUTURE_WAITING, true);
}

static bool had_no_place(const brood_future *future, int error)
{
	return is_want_of_place(error) && !future->started_alone && !future->cancelled && !future->cmd->error;
}

/*
 * No place now: back to the head, as if this try had not been. It gives back no more than it took, so the next try waits for another's end: two
 * chains would else run into each other's half-started stages for ever.
 */
static void put_back(brood_future *future)
{
	log_line(BROOD_LOG_INFO, "'%s' waits: %s", brood_future_name(future), brood_result_describe(future->result));
	brood_result_free(future->result);
	future->result = NULL;
	future->tries--;
	future->batch->no_place = future->batch->running_count > 0;
	budget_count(future);
	enter(future, FUTURE_WAITING, true);
}

/* `error`: why it could not be started, or 0. The process is gone, the result is what it left. */
static void end(brood_future *future, int error)
{
	brood_batch *batch = future->batch;

	leave(future);
	batch->no_place = false;
	if (had_no_place(future, error))
		put_back(future);
	else if (future->retries > 0 && try_again(future, error))
		rest(future);
	else
		resolve(future, future->cancelled ? -ECANCELED : -error);
	budget_look(batch);
}

/* ---- running ---- */

static void finish(brood_future *future)
{
	budget_resume(future);
	future->result = process_end(future->process);
	future->process = NULL;
	end(future, brood_result_errno(future->result));
}

static void finish_or_wait(brood_future *future)
{
	if (process_finished(future->process))
		finish(future);
	else
		timers_set(&future->batch->timers, &future->timer, process_wake_ns(future->process));
}

void member_step(brood_future *future, int64_t now_ns)
{
	budget_hold(future);
	if (process_step(future->process, now_ns) < 0)
		process_give_up(future->process, now_ns);
	budget_count(future);
	if (future->process->running == 0)
		budget_resume(future);
	finish_or_wait(future);
}

/* ---- starting ---- */

/*
 * With two processors the next child can be prepared while this one is on its way to its exec. A chain's stages join the group of the
 * first, which must be there by then: only single commands.
 */
static bool starts_early(const brood_batch *batch, const brood_command *cmd)
{
	return batch->several_processors && batch->at_once > 1 && batch->at_once <= EARLY_PLACES && cmd->stage_count == 1 &&
	       batch->last_fd < EARLY_DESCRIPTORS;
}

/* Nobody can read or write the pipes of a member: they are drained into the result, stdin is at its end. */
static int collect_pipes(brood_process *process)
{
	for (size_t i = 0; i < process->channel_count; i++)
		if (process->channels[i].kind == CHANNEL_PIPE)
			return process_collect(process);
	return 0;
}

static void started(brood_future *future)
{
	brood_process *process = future->process;

	future->batch->last_fd = process->children[0].ref.pidfd;
	if (collect_pipes(process) < 0)
		process_begin_stop(process, BROOD_BY_STOP, process->grace_ms, clock_now_ns());
	if (!process->children[0].plan && future->retries == 0)
		future_drop_command(future);
	/* At the next turn, not now: a function of the caller's is not called inside brood_batch_submit. */
	if (process->blind)
		process->look_ns = 0;
	finish_or_wait(future);
}

/* A poller that could not be made is a start that failed: nothing was there to wait with. */
static void start_without_poller(brood_future *future, int error)
{
	future->result = result_new(future->cmd);
	if (future->result)
		failure_set(&future->result->failure, FAILURE_NO_STAGE, STEP_OPEN, error, "epoll");
}

static int start_process(brood_future *future)
{
	const struct start_options options = {
		.stdin_null = true,
		.null_fd = batch_null_fd(future->batch),
		.status_fd = &future->batch->status_fd,
		.new_group = true,
		.early = starts_early(future->batch, future->cmd),
		.poller = future->batch->poller,
		.holders = &future->batch->holders,
		.owner = future,
	};

	return process_start(future->cmd, &options, &future->process);
}

void member_start(brood_future *future)
{
	brood_batch *batch = future->batch;
	int r;

	leave(future);
	enter(future, FUTURE_RUNNING, false);
	future->tries++;
	future->started_alone = batch->running_count == 1;
	brood_result_free(future->result);
	future->result = NULL;
	budget_count(future);

	r = batch_need_poller(batch);
	if (r < 0)
		start_without_poller(future, -r);
	else
		r = start_process(future);
	/* While what was started of a chain is undone, nobody else needs to run into the same wall. */
	batch->no_place = r < 0 && is_want_of_place(-r) && batch->running_count > 1;
	if (!future->process)
		end(future, -r);
	else if (r < 0)
		finish_or_wait(future);
	else
		started(future);
}

/* The poller fails for good: this one is stopped by itself, and what it had captured is lost. */
void member_abandon(brood_future *future)
{
	future->cancelled = true;
	future->process->poller = NULL;
	brood_process_free(future->process);
	future->process = NULL;
	end(future, 0);
}

/* ---- cancelling ---- */

void member_cancel(brood_future *future, int64_t now_ns)
{
	if (future->state == FUTURE_RUNNING) {
		future->cancelled = true;
		process_begin_stop(future->process, BROOD_BY_CANCEL, future->process->grace_ms, now_ns);
		timers_set(&future->batch->timers, &future->timer, process_wake_ns(future->process));
		return;
	}
	leave(future);
	if (!future->result)
		future->result = cancelled_result(future->cmd);
	resolve(future, -ECANCELED);
}
