/* SPDX-License-Identifier: MIT */
/*
 * One turn of a batch: fill the places, wait on the shared poller, give each member that is ready or due one step.
 *
 * Members are gathered before the first of them is stepped: a member that ends is freed with its watches, and another watch of
 * the same one may stand further down in what the poller gave.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "batch/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "base/fd.h"

enum { EVENTS_AT_ONCE = 256 };

/* ---- who is to be stepped, in the order of events ---- */

struct due {
	brood_future *first;
	brood_future **end;
};

static void due_add(struct due *due, brood_future *future)
{
	if (future->is_due)
		return;
	future->is_due = true;
	future->next_due = NULL;
	*due->end = future;
	due->end = &future->next_due;
}

static void due_step(const struct due *due, int64_t now_ns)
{
	brood_future *next;

	for (brood_future *future = due->first; future; future = next) {
		next = future->next_due;
		future->is_due = false;
		if (future->state == FUTURE_RUNNING)
			member_step(future, now_ns);
		else if (future->state == FUTURE_RESTING)
			member_wake(future);
	}
}

static void gather_ready(struct due *due, struct watch **ready, int count)
{
	for (int i = 0; i < count; i++) {
		if (ready[i]->owner)
			due_add(due, ready[i]->owner);
		else
			ready[i]->ready = 0;    /* the clock or the news: they only woke us */
	}
}

static void gather_timers(struct due *due, struct timers *timers, int64_t now_ns)
{
	struct timer *timer;

	while ((timer = timers_take_due(timers, now_ns)))
		due_add(due, future_of_timer(timer));
}

/* ---- turning ---- */

int batch_need_poller(brood_batch *batch)
{
	if (!batch->poller)
		batch->poller = poller_new();
	return batch->poller ? 0 : -errno;
}

int batch_null_fd(brood_batch *batch)
{
	int fd;

	if (batch->null_fd >= 0)
		return batch->null_fd;
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		fd = fd_above_stdio(fd);
	if (fd >= 0)
		batch->null_fd = fd_raise(fd);
	return batch->null_fd;
}

static void fill_places(brood_batch *batch, size_t places)
{
	while (!batch->no_place && !batch->closing && batch->running_count < places && !list_empty(&batch->waiting))
		member_start(future_of_link(batch->waiting.next));
}

void batch_fill_places(brood_batch *batch)
{
	fill_places(batch, batch->at_once);
}

/* Nobody writes any more: what is in the pipes is all there will be. */
static bool outputs_have_ended(const brood_process *process)
{
	size_t open = process->open_kept;

	for (size_t i = 0; i < process->channel_count && open > 0; i++)
		if (process->channels[i].kind == CHANNEL_CAPTURE && (process->channels[i].watch.ready & POLLHUP))
			open--;
	return open == 0;
}

/* Its one child has ended, and there is no more than what can be read at once, and nobody to be stopped: what is left to do is tidying. */
static bool has_surely_ended(const brood_future *future)
{
	const brood_process *process = future->process;

	return future->state == FUTURE_RUNNING && process->stage_count == 1 && process->running == 1 && process->children[0].watch.ready &&
	       process->children[0].ref.pidfd >= 0 && process->ladder == LADDER_NONE && !process->cgroup.path && outputs_have_ended(process);
}

/*
 * The next ones are started before those that have ended are tidied away: with two processors one of them would stand still meanwhile. Not
 * where a failure among those that ended may mean that nobody else is to be started.
 */
static void fill_places_of(brood_batch *batch, const struct due *due)
{
	size_t ended = 0;

	if (batch->stop_on_failure || list_empty(&batch->waiting))
		return;
	for (const brood_future *future = due->first; future; future = future->next_due)
		ended += has_surely_ended(future);
	fill_places(batch, batch->at_once + ended);
}

int batch_turn(brood_batch *batch, int64_t deadline_ns)
{
	struct watch *ready[EVENTS_AT_ONCE];
	struct due due = { .end = &due.first };
	const size_t done_before = batch->done_count;
	int r;

	batch_fill_places(batch);
	/* A start that failed at once is news. */
	if (batch->done_count != done_before)
		deadline_ns = 0;
	r = batch_need_poller(batch);
	if (r < 0)
		return r;
	r = poller_wait(batch->poller, deadline_min(deadline_ns, timers_next_ns(&batch->timers)), ready, EVENTS_AT_ONCE);
	if (r < 0)
		return r;
	batch->looked_ns = clock_now_ns();
	gather_ready(&due, ready, r);
	gather_timers(&due, &batch->timers, batch->looked_ns);
	fill_places_of(batch, &due);
	due_step(&due, batch->looked_ns);
	batch_fill_places(batch);
	return 0;
}

int batch_turn_until(brood_batch *batch, bool (*done)(const void *data), const void *data, int64_t deadline_ns)
{
	int r;

	while (!done(data)) {
		batch_hush_clock(batch);
		r = batch_turn(batch, deadline_ns);
		if (r < 0)
			return r;
		if (!done(data) && deadline_passed(deadline_ns, batch->looked_ns))
			return -ETIMEDOUT;
	}
	return 0;
}

void batch_cancel_all(brood_batch *batch, int64_t now_ns)
{
	struct link *link;

	while (!list_empty(&batch->waiting))
		member_cancel(future_of_link(batch->waiting.next), now_ns);
	while (!list_empty(&batch->resting))
		member_cancel(future_of_link(batch->resting.next), now_ns);
	for (link = batch->running.next; link != &batch->running; link = link->next)
		if (!future_of_link(link)->cancelled)
			member_cancel(future_of_link(link), now_ns);
}
