/* SPDX-License-Identifier: MIT */
/*
 * The loop of map: one thread, one poll(2). Signals, inputs, jobs, output and the bar each get their turn; nothing of it blocks, and nothing spins.
 *
 * Where the batch has no descriptor to poll (plain POSIX) it is waited for in short slices instead, and the rest is looked at between them.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "map.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "say.h"
#include "wake.h"

enum {
	SLICE_MS = 20,
	JOBS_AT_ONCE = 256,             /* that ended: then signals and output get their turn */
	POLLED_MOST = 5
};

/*
 * timeout(1) sends its signal to us and then to our whole group, service managers do alike: two within this time are one. SIGINT comes from a
 * key, and whoever presses it twice means it.
 */
#define SAME_SIGNAL_NS INT64_C(50000000)

struct loop {
	struct map *map;
	int batch_fd;           /* -1: slices */
	bool busy;              /* more jobs may have ended already */
	bool batch_failed;
};

/* ---- signals ---- */

static void say_interrupted(const struct map *map, int signal)
{
	const size_t running = brood_batch_running(map->batch);

	if (running > 0)
		say("%s: stopping %zu %s; once more kills", map_signal_name(signal), running, running == 1 ? "job" : "jobs");
}

static void interrupt(struct map *map, int signal)
{
	const int64_t now_ns = map_now_ns();

	if (!map->interrupted) {
		map->interrupted = signal;
		map->interrupted_ns = now_ns;
		say_interrupted(map, signal);
		map_cancel(map);
		return;
	}
	if (signal != SIGINT && now_ns - map->interrupted_ns < SAME_SIGNAL_NS)
		return;
	brood_batch_signal(map->batch, SIGKILL);
	/* And whoever does not read what waits to be written is not waited for either. */
	output_drop(map->output);
}

/* Jobs are in groups of their own, which Ctrl-Z does not reach. SIGSTOP, because SIGTSTP may be ignored, and then the terminal is not quiet. */
static void suspend(struct map *map)
{
	bar_clear(map->bar);
	brood_batch_signal(map->batch, SIGSTOP);
	wake_stop_self(SIGTSTP);
	brood_batch_signal(map->batch, SIGCONT);
}

static void take_signals(struct map *map)
{
	int signal;

	while ((signal = wake_take()) != 0) {
		if (signal == SIGTSTP)
			suspend(map);
		else if (signal != SIGXFSZ)
			interrupt(map, signal);
	}
}

/* ---- jobs and their output ---- */

/* Without its poller a batch can still be freed, which stops what runs; what is not known of those jobs is not made up. */
static void give_up_batch(struct loop *loop, int error)
{
	loop->batch_failed = true;
	map_break(loop->map, "waiting for jobs: %s; what runs is stopped", strerror(-error));
}

static void collect(struct loop *loop, int64_t timeout_ms)
{
	struct map *map = loop->map;
	brood_future *future = NULL;

	loop->busy = false;
	for (size_t i = 0; map->live > 0 && !loop->batch_failed; i++) {
		const int r = i < JOBS_AT_ONCE ? brood_batch_next(map->batch, i == 0 ? timeout_ms : 0, &future) : 0;

		if (r < 0 && r != -ETIMEDOUT && r != -EINTR)
			give_up_batch(loop, r);
		if (r != 1) {
			loop->busy = i == JOBS_AT_ONCE;
			return;
		}
		map_job_ended(map, future);
	}
}

static void flush(struct map *map)
{
	int fd = 0;
	const int r = output_flush(map->output, &fd);

	if (r == 0 || r == -ECANCELED || map->output_failed)
		return;
	map->output_failed = true;
	if (r == -EPIPE && !map->sigpipe_ignored)
		map->reader_gone = true;
	else
		map_break(map, "%s: %s", fd == 1 ? "standard output" : "standard error", strerror(-r));
	/* What they write from here on is lost: better they are told as stopped, and done again by --resume. */
	map_cancel(map);
}

static void show_bar(struct map *map)
{
	const struct map_counts *counts = &map->counts;
	struct bar_counts shown = {
		.done = counts->ok + counts->failed + counts->stopped,
		.failed = counts->failed,
		.running = map->bar ? brood_batch_running(map->batch) : 0,
		.skipped = counts->skipped,
	};

	if (!map->bar || output_in_line(map->output) || bar_timeout_ms(map->bar, map_now_ns()) > 0)
		return;
	shown.total = map_total(map);
	if (shown.total > 0)
		shown.total -= counts->skipped < shown.total ? counts->skipped : shown.total;
	bar_show(map->bar, &shown, map_now_ns());
}

/* ---- waiting ---- */

static size_t add(struct pollfd *fds, size_t count, int fd)
{
	fds[count] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return count + 1;
}

static int timeout_ms(const struct loop *loop, size_t count)
{
	if (map_is_hungry(loop->map) || loop->busy || (loop->batch_fd < 0 && loop->map->live > 0) || count == 0)
		return 0;
	return bar_timeout_ms(loop->map->bar, map_now_ns());
}

static void wait_for_news(struct loop *loop)
{
	struct map *map = loop->map;
	struct pollfd fds[POLLED_MOST];
	size_t count = add(fds, 0, wake_fd());

	if (loop->batch_fd >= 0 && map->live > 0)
		count = add(fds, count, loop->batch_fd);
	if (map->starving)
		count = add(fds, count, inputs_fd(map->inputs));
	count += output_poll(map->output, fds + count);
	/* A signal that interrupts poll has written to the pipe: the next turn takes it. */
	if (poll(fds, (nfds_t)count, timeout_ms(loop, count)) > 0 && fds[0].revents)
		take_signals(map);
}

static bool is_over(const struct loop *loop)
{
	const struct map *map = loop->map;
	struct pollfd fds[2];

	return (map->live == 0 || loop->batch_failed) && (map->stopping || map->inputs_ended) && output_poll(map->output, fds) == 0;
}

void map_loop(struct map *map)
{
	struct loop loop = { .map = map, .batch_fd = brood_batch_fd(map->batch) };

	for (;;) {
		map_hand_in(map);
		/* While inputs can be had at once nobody waits here for an end: the places are to be filled first. */
		collect(&loop, loop.batch_fd < 0 && !map_is_hungry(map) && !loop.busy ? SLICE_MS : 0);
		flush(map);
		show_bar(map);
		if (is_over(&loop))
			return;
		wait_for_news(&loop);
	}
}
