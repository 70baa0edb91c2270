/* SPDX-License-Identifier: MIT */
/*
 * A batch in the host's own event loop: the poller's descriptor, and inside it a timerfd for whatever is due by time alone.
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
#include <sys/timerfd.h>
#endif

#include "base/fd.h"
#include "base/self.h"

#ifdef __linux__

enum { NS_PER_S = 1000000000 };

/* In the past, and not zero, which would disarm the timer. */
enum { AT_ONCE_NS = 1 };

void batch_set_clock(brood_batch *batch)
{
	const int64_t when_ns = batch->done_count > 0 ? AT_ONCE_NS : timers_next_ns(&batch->timers);
	struct itimerspec when = { .it_value = { 0, 0 } };

	if (batch->clock.fd < 0 || batch->clock_ns == when_ns)
		return;
	batch->clock_ns = when_ns;
	if (when_ns != DEADLINE_NEVER) {
		when.it_value.tv_sec = when_ns / NS_PER_S;
		when.it_value.tv_nsec = when_ns % NS_PER_S + (when_ns <= 0);
	}
	timerfd_settime(batch->clock.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static int make_clock(brood_batch *batch)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int r;

	if (fd < 0)
		return -errno;
	fd = fd_above_stdio(fd);
	if (fd < 0)
		return fd;
	batch->clock.fd = fd_raise(fd);
	r = poller_watch(batch->poller, &batch->clock, POLLIN);
	if (r < 0) {
		fd_close(&batch->clock.fd);
		return r;
	}
	batch->clock_ns = DEADLINE_NEVER;
	batch_set_clock(batch);
	return 0;
}

#else

void batch_set_clock(brood_batch *batch)
{
	(void)batch;
}

static int make_clock(brood_batch *batch)
{
	(void)batch;
	return -ENOTSUP;
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
