/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a handle: what is ready, what is due, and when to look again.
 *
 * One chain waits with ppoll over its own few descriptors, which costs no descriptor. A host with a loop of its own asks for
 * brood_process_fd: then an epoll holds the watches and a timerfd the deadlines. A batch lends the poller that all its members share.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/process.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/timerfd.h>
#endif

#include "base/fd.h"
#include "base/log.h"

enum { FEW = 16, TOUCH_NS = 1000000, PAUSE_FIRST_NS = 1000000, PAUSE_LAST_NS = 50000000, LATE_LINGER_MS = 1000 };

/* ---- watches ---- */

void process_watch(brood_process *process, struct watch *watch, short wanted)
{
	if (watch->fd < 0)
		return;
	if (!process->poller) {
		watch->wanted = wanted;
	} else if (watch->wanted != wanted && poller_watch(process->poller, watch, wanted) < 0) {
		/* No memory for a place in the set: it is looked at again and again instead, from the next step on. */
		watch->wanted = 0;
		process->blind |= wanted != 0;
		if (wanted)
			process->look_ns = 0;
	}
}

static size_t gather(struct watch *watch, struct pollfd *fds, struct watch **watches, size_t count)
{
	if (watch->fd < 0 || !watch->wanted)
		return count;
	fds[count] = (struct pollfd){ .fd = watch->fd, .events = watch->wanted };
	watches[count] = watch;
	return count + 1;
}

/*
 * Waiting itself is refused: no memory for the kernel's table (ENOMEM), or a host that has lowered RLIMIT_NOFILE below what is watched (EINVAL). A stop
 * must come to its end all the same, so everything is looked at after a moment; nothing that is looked at blocks.
 */
static int look_in_a_moment(brood_process *process, int64_t deadline_ns)
{
	struct timespec pause;

	deadline_left(deadline_min(deadline_ns, clock_now_ns() + PAUSE_FIRST_NS), clock_now_ns(), &pause);
	nanosleep(&pause, NULL);
	for (size_t i = 0; i < process->stage_count; i++)
		process->children[i].watch.ready |= process->children[i].watch.wanted;
	for (size_t i = 0; i < process->channel_count; i++)
		process->channels[i].watch.ready |= process->channels[i].watch.wanted;
	return 0;
}

static int wait_with_ppoll(brood_process *process, int64_t deadline_ns)
{
	const size_t most = process->stage_count + process->channel_count;
	struct pollfd few[FEW], *fds = few;
	struct watch *few_watches[FEW], **watches = few_watches;
	struct timespec left;
	size_t count = 0;
	int r;

	if (most > FEW) {
		fds = malloc(most * (sizeof *fds + sizeof *watches));
		if (!fds)
			return look_in_a_moment(process, deadline_ns);
		watches = (struct watch **)(void *)(fds + most);
	}
	for (size_t i = 0; i < process->stage_count; i++)
		count = gather(&process->children[i].watch, fds, watches, count);
	for (size_t i = 0; i < process->channel_count; i++)
		count = gather(&process->channels[i].watch, fds, watches, count);
	do
		r = ppoll(fds, count, deadline_left(deadline_ns, clock_now_ns(), &left), NULL);
	while (r < 0 && errno == EINTR);
	for (size_t i = 0; r >= 0 && i < count; i++)
		watches[i]->ready |= fds[i].revents;
	if (fds != few)
		free(fds);
	return r < 0 ? look_in_a_moment(process, deadline_ns) : 0;
}

static int wait_with_poller(brood_process *process, int64_t deadline_ns)
{
	struct watch *ready[FEW];
	int r = poller_wait(process->poller, deadline_ns, ready, FEW);

	return r < 0 ? r : 0;
}

/* ---- time ---- */

int64_t process_wake_ns(const brood_process *process)
{
	int64_t wake = deadline_min(process->ladder_ns, process->look_ns);

	if (process->running > 0)
		return deadline_min(wake, process->budget_ns);
	if (process->open_kept > 0 && process->linger_ns)
		wake = deadline_min(wake, deadline_min(process->linger_ns, process->budget_ns));
	return wake;
}

#ifdef __linux__

static void set_timer(brood_process *process)
{
	const int64_t wake_ns = process_wake_ns(process);
	struct itimerspec when = { .it_value = { 0, 0 } };

	if (process->timer.fd < 0 || process->timer_ns == wake_ns)
		return;
	process->timer_ns = wake_ns;
	if (wake_ns != DEADLINE_NEVER) {
		/* Zero would disarm it. */
		when.it_value.tv_sec = wake_ns / 1000000000;
		when.it_value.tv_nsec = wake_ns % 1000000000 + (wake_ns <= 0);
	}
	timerfd_settime(process->timer.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static int make_timer(brood_process *process)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	fd = fd_above_stdio(fd);
	if (fd < 0)
		return fd;
	process->timer.fd = fd_raise(fd);
	return poller_watch(process->poller, &process->timer, POLLIN);
}

#else

static void set_timer(brood_process *process)
{
	(void)process;
}

static int make_timer(brood_process *process)
{
	(void)process;
	return -ENOTSUP;
}

#endif

/* The budget bounds the linger too: with a linger of -1 and a grandchild that never goes away, nothing else would. */
static void spend_budget(brood_process *process, int64_t now_ns)
{
	if ((process->running == 0 && process->open_kept == 0) || !deadline_passed(process->budget_ns, now_ns))
		return;
	process->budget_ns = DEADLINE_NEVER;
	process->result->over_budget = true;
	result_changed(process->result);
	log_line(BROOD_LOG_INFO, "the budget of %lld ms is spent", (long long)process->result->timeout_ms);
	process_begin_stop(process, BROOD_BY_DEADLINE, process->grace_ms, now_ns);
	if (process->running == 0)
		process->linger_ns = deadline_min(process->linger_ns, process_stopping(process) ? process->grace_ns : now_ns);
}

/* ---- the end ---- */

bool process_ended(const brood_process *process)
{
	return process->running == 0 && process->drained;
}

bool process_finished(const brood_process *process)
{
	return process_ended(process) && process->open_kept == 0 && !process_stopping(process);
}

static void close_inputs(brood_process *process)
{
	for (size_t i = 0; i < process->channel_count; i++)
		if (process->channels[i].kind == CHANNEL_FEED)
			channel_close(process, &process->channels[i]);
}

static void abandon_captures(brood_process *process)
{
	process->abandoned = true;
	find_holders(process);
	for (size_t i = 0; i < process->channel_count; i++) {
		struct channel *channel = &process->channels[i];

		if (channel->kind == CHANNEL_CAPTURE && channel->watch.fd >= 0) {
			channel_stream(process, channel)->abandoned = true;
			channel_close(process, channel);
		}
	}
	result_changed(process->result);
}

/* A budget that was spent before this last end, or is found to be spent together with it, bounds what comes after it: no more than the usual. */
static int64_t linger_ms_now(const brood_process *process)
{
	const bool too_long = process->linger_ms < 0 || process->linger_ms > LATE_LINGER_MS;

	return process->result->over_budget && too_long ? LATE_LINGER_MS : process->linger_ms;
}

/* Every stage has ended: what is in the pipes is read, then whoever else holds them has the linger to finish. */
static void wind_up(brood_process *process, int64_t now_ns)
{
	if (process->running > 0)
		return;
	if (!process->drained) {
		/* Nobody can be held back any more, and the linger is no time to wait for a function in. */
		process_resume(process);
		pump_drain(process);
		close_inputs(process);
		process->drained = true;
		process->linger_ns = deadline_after(now_ns, linger_ms_now(process));
	}
	process->result->held = process->open_kept > 0 || process->abandoned;
	if (process->open_kept > 0 && deadline_passed(process->linger_ns, now_ns))
		abandon_captures(process);
}

static void look_at(struct watch *watch, short events)
{
	if (watch->fd >= 0 && !watch->wanted)
		watch->ready |= events;
}

/* Without pidfds nothing tells of an end: look again and again, less and less often. */
static void look_blindly(brood_process *process, int64_t now_ns)
{
	if (!process->blind || (process_ended(process) && process->open_kept == 0)) {
		process->look_ns = DEADLINE_NEVER;
		return;
	}
	for (size_t i = 0; i < process->stage_count; i++)
		process->children[i].watch.ready |= POLLIN;
	for (size_t i = 0; i < process->channel_count; i++)
		if (process->channels[i].kind != CHANNEL_PIPE && !channel_is_paused(process, &process->channels[i]))
			look_at(&process->channels[i].watch, process->channels[i].input ? POLLOUT : POLLIN);
	process->pause_ns = process->pause_ns == 0 ? PAUSE_FIRST_NS : process->pause_ns * 2;
	if (process->pause_ns > PAUSE_LAST_NS)
		process->pause_ns = PAUSE_LAST_NS;
	process->look_ns = now_ns + process->pause_ns;
}

int process_step(brood_process *process, int64_t now_ns)
{
	int r;

	process->timer.ready = 0;
	process->stepped_ns = now_ns;
	result_changed(process->result);
	look_blindly(process, now_ns);
	pump_ready(process);
	r = process_reap_ready(process, now_ns);
	if (r < 0)
		return r;
	spend_budget(process, now_ns);
	process_climb(process, now_ns);
	wind_up(process, now_ns);
	if (process_ended(process) && process->open_kept == 0)
		process->look_ns = DEADLINE_NEVER;
	set_timer(process);
	return 0;
}

/* ---- waiting ---- */

int process_turn(brood_process *process, int64_t deadline_ns)
{
	int r;

	deadline_ns = deadline_min(deadline_ns, process_wake_ns(process));
	r = process->poller ? wait_with_poller(process, deadline_ns) : wait_with_ppoll(process, deadline_ns);
	return r < 0 ? r : process_step(process, clock_now_ns());
}

int process_touch(brood_process *process)
{
	const int64_t now_ns = clock_now_ns();

	if (now_ns - process->stepped_ns < TOUCH_NS && !deadline_passed(process_wake_ns(process), now_ns))
		return 0;
	return process_turn(process, now_ns);
}

static bool has_open_channel(const brood_process *process)
{
	for (size_t i = 0; i < process->channel_count; i++)
		if (process->channels[i].watch.fd >= 0)
			return true;
	return false;
}

/*
 * Nothing but one child, no time that matters: waiting is what waitid is for. Of several the end of each is to be noticed when it comes, not when
 * those before it have ended.
 */
static bool may_block(const brood_process *process, int64_t deadline_ns)
{
	return deadline_ns == DEADLINE_NEVER && process->running == 1 && !process_stopping(process) && !process->poller && !process->blind &&
	       process_wake_ns(process) == DEADLINE_NEVER && !has_open_channel(process);
}

/* What is left to wait for without a look at the clock: a step follows, since a stop without a grace's end has nothing else to wake it. */
static int wait_for_child(brood_process *process)
{
	int r = process_reap_blocking(process);

	return r < 0 ? r : process_step(process, clock_now_ns());
}

int process_run_until(brood_process *process, bool (*done)(const brood_process *), int64_t deadline_ns)
{
	int r;

	if (done(process))
		return 0;
	if (process->blind) {
		/* Look at once: a child that has ended already is no reason to wait. */
		process->pause_ns = 0;
		r = process_step(process, clock_now_ns());
		if (r < 0)
			return r;
	}
	while (!done(process)) {
		r = may_block(process, deadline_ns) ? wait_for_child(process) : process_turn(process, deadline_ns);
		if (r < 0)
			return r;
		if (!done(process) && deadline_passed(deadline_ns, clock_now_ns()))
			return -ETIMEDOUT;
	}
	return 0;
}

/* After the end there is nothing to wait for, but a grandchild may have written more, or gone away. */
static int look_after_end(brood_process *process)
{
	if (!process_ended(process) || process_finished(process))
		return 0;
	return process_turn(process, 0);
}

int brood_process_poll(brood_process *process)
{
	int r;

	if (!process)
		return -EINVAL;
	if (!process_is_ours(process))
		return -ECHILD;
	r = look_after_end(process);
	if (r == 0)
		r = process_run_until(process, process_ended, 0);
	return r == -ETIMEDOUT ? 0 : r < 0 ? r : 1;
}

int brood_process_wait(brood_process *process, int64_t timeout_ms)
{
	int r;

	if (!process || !timeout_valid(timeout_ms))
		return -EINVAL;
	if (!process_is_ours(process))
		return -ECHILD;
	r = look_after_end(process);
	if (r < 0)
		return r;
	return process_run_until(process, process_ended, deadline_after(clock_now_ns(), timeout_ms));
}

/* ---- embedding ---- */

/* From ppoll over to the poller; what is refused stays as it was. */
static int move_watch(brood_process *process, struct watch *watch)
{
	const short wanted = watch->wanted;
	int r = 0;

	watch->wanted = 0;
	if (wanted && watch->fd >= 0)
		r = poller_watch(process->poller, watch, wanted);
	if (r < 0)
		watch->wanted = wanted;
	return r;
}

static int move_watches(brood_process *process)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < process->stage_count; i++)
		r = move_watch(process, &process->children[i].watch);
	for (size_t i = 0; r == 0 && i < process->channel_count; i++)
		r = move_watch(process, &process->channels[i].watch);
	return r;
}

/* A poller of its own with everything in it, or none: a descriptor that never tells of some child would be worse than an error. */
static int embed(brood_process *process, struct poller *poller)
{
	int r = poller_fd(poller);

	if (r < 0)
		return r;
	process->poller = poller;
	r = make_timer(process);
	if (r == 0)
		r = move_watches(process);
	if (r == 0) {
		process->poller_is_own = true;
		set_timer(process);
		return 0;
	}
	process->poller = NULL;
	process->timer.wanted = 0;
	fd_close(&process->timer.fd);
	return r;
}

int brood_process_fd(brood_process *process)
{
	struct poller *poller;
	int r;

	if (!process)
		return -EINVAL;
	if (!process_is_ours(process))
		return -ECHILD;
	if (process->poller)
		return poller_fd(process->poller);
	if (process->blind)
		return -ENOTSUP;
	poller = poller_new();
	if (!poller)
		return -errno;
	r = embed(process, poller);
	if (r < 0) {
		poller_free(poller);
		return r;
	}
	return poller_fd(poller);
}

int brood_process_dispatch(brood_process *process)
{
	int r;

	if (!process)
		return -EINVAL;
	if (!process_is_ours(process))
		return -ECHILD;
	r = process_run_until(process, process_finished, 0);
	return r == -ETIMEDOUT ? 0 : r < 0 ? r : 1;
}
