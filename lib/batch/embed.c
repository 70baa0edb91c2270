/* SPDX-License-Identifier: MIT */
/*
 * A batch in the host's own event loop: the poller's descriptor, and inside it a timerfd for whatever is due by time alone, and an eventfd for
 * futures that have ended and are to be fetched. A timerfd set to the past would tell as well, but on a virtual machine the interrupt of its timer
 * costs as much as a pipe.
 *
 * The descriptor is readable for as long as brood_batch_dispatch has something to do or brood_batch_next something to give: a future that
 * failed inside brood_batch_submit is not forgotten by a loop that only polls.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "batch/batch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#endif

#include "base/fd.h"
#include "base/self.h"

#ifdef __linux__

enum { NS_PER_S = 1000000000 };

/* In the past, and not zero, which would disarm the timer. */
enum { AT_ONCE_NS = 1 };

/* Where it cannot be told the clock has to; where it cannot be taken back the next turn finds nothing, and tries again. */
static void tell_news(brood_batch *batch, bool any)
{
	uint64_t count = 1;

	if (batch->news.fd < 0 || batch->news_told == any)
		return;
	if (any)
		batch->news_told = write(batch->news.fd, &count, sizeof count) == sizeof count;
	else
		batch->news_told = read(batch->news.fd, &count, sizeof count) < 0;
}

static void set_clock(brood_batch *batch, bool any)
{
	struct itimerspec when = { .it_value = { 0, 0 } };
	int64_t when_ns = timers_next_ns(&batch->timers);

	if (batch->clock.fd < 0)
		return;
	tell_news(batch, any);
	if (any && !batch->news_told)
		when_ns = AT_ONCE_NS;
	if (batch->clock_ns == when_ns)
		return;
	batch->clock_ns = when_ns;
	if (when_ns != DEADLINE_NEVER) {
		when.it_value.tv_sec = when_ns / NS_PER_S;
		when.it_value.tv_nsec = when_ns % NS_PER_S + (when_ns <= 0);
	}
	timerfd_settime(batch->clock.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void batch_set_clock(brood_batch *batch)
{
	set_clock(batch, batch->done_count > 0);
}

void batch_hush_clock(brood_batch *batch)
{
	set_clock(batch, false);
}

static int watch_new(brood_batch *batch, int fd, struct watch *ret)
{
	int r;

	if (fd < 0)
		return -errno;
	fd = fd_above_stdio(fd);
	if (fd < 0)
		return fd;
	ret->fd = fd_raise(fd);
	r = poller_watch(batch->poller, ret, POLLIN);
	if (r < 0)
		fd_close(&ret->fd);
	return r;
}

static int make_clock(brood_batch *batch)
{
	int r = watch_new(batch, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), &batch->clock);

	if (r < 0)
		return r;
	/* The clock does without, at its price. */
	watch_new(batch, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), &batch->news);
	batch->clock_ns = DEADLINE_NEVER;
	batch_set_clock(batch);
	return 0;
}

void batch_drop_clock(brood_batch *batch)
{
	struct watch *watches[] = { &batch->clock, &batch->news };

	for (size_t i = 0; i < sizeof watches / sizeof *watches; i++) {
		if (watches[i]->fd >= 0 && batch->owner == self_pid())
			poller_watch(batch->poller, watches[i], 0);
		fd_close(&watches[i]->fd);
	}
}

#else

void batch_set_clock(brood_batch *batch)
{
	(void)batch;
}

void batch_hush_clock(brood_batch *batch)
{
	(void)batch;
}

static int make_clock(brood_batch *batch)
{
	(void)batch;
	return -ENOTSUP;
}

void batch_drop_clock(brood_batch *batch)
{
	(void)batch;
}

#endif

int brood_batch_fd(brood_batch *batch)
{
	int r;

	if (!batch)
		return -EINVAL;
	if (batch->owner != self_pid())
		return -ECHILD;
	r = batch_need_poller(batch);
	if (r < 0)
		return r;
	r = poller_fd(batch->poller);
	if (r >= 0 && batch->clock.fd < 0) {
		int made = make_clock(batch);

		return made < 0 ? made : r;
	}
	return r;
}

int brood_batch_dispatch(brood_batch *batch)
{
	int r;

	if (!batch)
		return -EINVAL;
	if (batch->owner != self_pid())
		return -ECHILD;
	r = batch_turn(batch, 0);
	batch_set_clock(batch);
	if (r < 0)
		return r;
	return batch->done_count < INT_MAX ? (int)batch->done_count : INT_MAX;
}
