/* SPDX-License-Identifier: MIT */
/*
 * The batch as its user sees it: made, filled, asked for what has ended, freed.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "batch/batch.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/self.h"

/* While futures are queued, brood_batch_next looks at the children this often, so that places do not stay empty. */
enum { LOOK_AGAIN_NS = 1000000 };

/* ---- making -------------------------------------------------------------------------------------------------------- */

/* Those that this thread may use: a container or taskset may allow fewer than there are. */
static size_t processors(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef CPU_COUNT
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) == 0)
		count = CPU_COUNT(&set);
#endif
	return count > 0 ? (size_t)count : 1;
}

brood_batch *brood_batch_new(size_t at_once)
{
	brood_batch *batch = calloc(1, sizeof *batch);
	const size_t count = processors();

	if (!batch)
		return NULL;
	batch->at_once = at_once > 0 ? at_once : count;
	batch->several_processors = count > 1;
	batch->owner = self_pid();
	batch->clock.fd = batch->news.fd = batch->null_fd = batch->status_fd = -1;
	list_init(&batch->waiting);
	list_init(&batch->resting);
	list_init(&batch->running);
	list_init(&batch->done);
	list_init(&batch->given);
	return batch;
}

/* ---- handing in ---------------------------------------------------------------------------------------------------- */

static bool queue_is_full(const brood_batch *batch)
{
	const bool has_place = batch->running_count < batch->at_once && list_empty(&batch->waiting);

	return batch->queue_limit > 0 && batch->waiting_count >= batch->queue_limit && !has_place && !batch->failed;
}

int brood_batch_submit(brood_batch *batch, const brood_command *cmd, brood_future **ret_future)
{
	brood_future *future;

	if (ret_future)
		*ret_future = NULL;
	if (!batch)
		return -EINVAL;
	/* A constructor's NULL is passed through: it ran out of memory. */
	if (!cmd)
		return -ENOMEM;
	if (batch->owner != self_pid())
		return -ECHILD;
	if (queue_is_full(batch))
		return -EAGAIN;
	if (timers_reserve(&batch->timers, batch->waiting_count + batch->running_count + 1) < 0)
		return -ENOMEM;
	future = future_new(batch, cmd, ret_future ? 2 : 1);
	if (!future)
		return -ENOMEM;

	if (ret_future)
		*ret_future = future;
	list_append(&batch->waiting, &future->link);
	batch->waiting_count++;
	if (batch->failed)
		member_cancel(future, clock_now_ns());
	batch_fill_places(batch);
	batch_set_clock(batch);
	return 0;
}

/* ---- getting out --------------------------------------------------------------------------------------------------- */

static bool something_to_give(const void *data)
{
	const brood_batch *batch = data;

	return batch->done_count > 0 || batch->waiting_count + batch->running_count == 0;
}

static int give(brood_batch *batch, brood_future **ret_future)
{
	brood_future *future;

	if (batch->done_count == 0)
		return 0;
	future = future_of_link(batch->done.next);
	list_remove(&future->link);
	batch->done_count--;
	future->state = FUTURE_GIVEN;
	list_append(&batch->given, &future->link);
	if (ret_future)
		*ret_future = future;
	else
		future_unref(future);
	return 1;
}

int brood_batch_next(brood_batch *batch, int64_t timeout_ms, brood_future **ret_future)
{
	int64_t now_ns;
	int r = 0;

	if (ret_future)
		*ret_future = NULL;
	if (!batch || !timeout_valid(timeout_ms))
		return -EINVAL;
	if (batch->owner != self_pid())
		return -ECHILD;
	now_ns = clock_now_ns();
	if (batch->done_count > 0 && batch->running_count > 0 && now_ns - batch->looked_ns > LOOK_AGAIN_NS)
		r = batch_turn(batch, 0);
	if (r == 0)
		r = batch_turn_until(batch, something_to_give, batch, deadline_after(now_ns, timeout_ms));
	if (r == 0)
		r = give(batch, ret_future);
	batch_set_clock(batch);
	return r;
}

size_t brood_batch_waiting(const brood_batch *batch)
{
	return batch ? batch->waiting_count : 0;
}

size_t brood_batch_running(const brood_batch *batch)
{
	return batch ? batch->running_count : 0;
}

/* ---- options ------------------------------------------------------------------------------------------------------- */

void brood_batch_set_stop_on_failure(brood_batch *batch, bool stop_on_failure)
{
	if (!batch)
		return;
	batch->stop_on_failure = stop_on_failure;
	batch->failed = false;
}

int brood_batch_set_retries(brood_batch *batch, unsigned retries, int64_t backoff_ms)
{
	if (!batch || backoff_ms < 0)
		return -EINVAL;
	batch->retries = retries;
	batch->backoff_ms = backoff_ms;
	return 0;
}

void brood_batch_set_output_budget(brood_batch *batch, size_t bytes, enum brood_beyond_budget beyond)
{
	if (!batch || batch->owner != self_pid())
		return;
	batch->budget = bytes;
	batch->beyond = beyond;
	budget_look(batch);
}

void brood_batch_set_queue_limit(brood_batch *batch, size_t waiting)
{
	if (batch)
		batch->queue_limit = waiting;
}

/* ---- signals and stopping ------------------------------------------------------------------------------------------ */

int brood_batch_signal(brood_batch *batch, int signal)
{
	int first_error = 0;

	if (!batch || signal < 0 || signal > SIGRTMAX)
		return -EINVAL;
	if (batch->owner != self_pid())
		return -ECHILD;
	for (struct link *link = batch->running.next; link != &batch->running; link = link->next) {
		int r = brood_process_signal(future_of_link(link)->process, signal);

		if (first_error == 0)
			first_error = r;
	}
	return first_error;
}

void brood_batch_cancel(brood_batch *batch)
{
	if (!batch || batch->owner != self_pid())
		return;
	batch_cancel_all(batch, clock_now_ns());
	batch_set_clock(batch);
}

/* All at once: each has its grace, and all graces run at the same time. */
static void stop_all(brood_batch *batch)
{
	batch->closing = true;
	batch_cancel_all(batch, clock_now_ns());
	while (batch->running_count > 0) {
		if (batch_turn(batch, DEADLINE_NEVER) == 0)
			continue;
		log_line(BROOD_LOG_ERROR, "the poller of a batch fails: its members are stopped one by one");
		while (batch->running_count > 0)
			member_abandon(future_of_link(batch->running.next));
	}
}

/* The futures live on by themselves; the batch's own references end. In a child of fork some are still on their way: they are only closed. */
static void let_go(struct link *list)
{
	while (!list_empty(list)) {
		brood_future *future = future_of_link(list->next);
		const bool given = future->state == FUTURE_GIVEN;

		list_remove(&future->link);
		future->batch = NULL;
		brood_process_free(future->process);
		future->process = NULL;
		if (!given)
			future_unref(future);
	}
}

void brood_batch_free(brood_batch *batch_take)
{
	if (!batch_take)
		return;
	batch_drop_clock(batch_take);
	if (batch_take->owner == self_pid())
		stop_all(batch_take);
	let_go(&batch_take->waiting);
	let_go(&batch_take->resting);
	let_go(&batch_take->running);
	let_go(&batch_take->done);
	let_go(&batch_take->given);
	timers_done(&batch_take->timers);
	fd_close(&batch_take->null_fd);
	fd_close(&batch_take->status_fd);
	holders_done(&batch_take->holders);
	poller_free(batch_take->poller);
	free(batch_take);
}
