/* SPDX-License-Identifier: MIT */
/*
 * The floor of what is about many children: all alive at once, so many at a time, one beside sleepers, many chains.
 */
#include "floor.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WIDTH_MAX = 64 };

/* ---- many at once ---- */

void floor_many(struct many *many)
{
	int *pidfds = calloc(many->count, sizeof *pidfds);

	if (!pidfds)
		fail("memory");
	for (size_t i = 0; i < many->count; i++) {
		struct many_words words;
		struct start start = { .argv = many_argv(many, i, &words), .in = -1, .out = -1, .unshare_from = 3 };

		pidfds[i] = floor_begin(&start);
	}
	many_started(many);
	for (size_t i = 0; i < many->count; i++)
		if (floor_reap(pidfds[i]) != many_code(i))
			fail("a code");
	many_reaped(many);
	free(pidfds);
}

/* ---- so many at a time ---- */

size_t floor_bounded(char *const argv[], size_t count, size_t width)
{
	struct pollfd fds[WIDTH_MAX];
	size_t live = 0, bad = 0;

	if (width > WIDTH_MAX)
		fail("width");
	while (count > 0 || live > 0) {
		for (; count > 0 && live < width; count--) {
			struct start start = { .argv = argv, .in = -1, .out = -1 };

			fds[live++] = (struct pollfd){ .fd = floor_begin(&start), .events = POLLIN };
		}
		if (poll(fds, live, -1) < 0)
			fail("poll");
		for (size_t i = 0; i < live; ) {
			if (!fds[i].revents) {
				i++;
				continue;
			}
			bad += floor_reap(fds[i].fd) != 0;
			fds[i] = fds[--live];
		}
	}
	return bad;
}

/* What a child needs until its exec, which the kernel tells by clearing `running`: at the exec, and at the end. */
struct lane {
	struct start start;
	int running;
	char stack[FLOOR_STACK] __attribute__((aligned(64)));
};

static int lane_begin(struct lane *lane, char *const argv[])
{
	lane->start = (struct start){ .argv = argv, .in = -1, .out = -1 };
	lane->running = 1;
	if (clone(floor_child, lane->stack + sizeof lane->stack, CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID | SIGCHLD, &lane->start,
	          &lane->start.pidfd, NULL, &lane->running) < 0)
		fail("clone");
	return lane->start.pidfd;
}

static void lane_settle(struct lane *lane)
{
	int seen;

	while ((seen = __atomic_load_n(&lane->running, __ATOMIC_ACQUIRE)) != 0)
		syscall(SYS_futex, &lane->running, FUTEX_WAIT, seen, NULL, NULL, 0);
	if (lane->start.error)
		fail("exec");
}

size_t floor_lanes(char *const argv[], size_t count, size_t width)
{
	struct lane *lanes = aligned_alloc(64, width * sizeof *lanes);
	struct pollfd fds[WIDTH_MAX];
	size_t live = 0, bad = 0;

	if (width > WIDTH_MAX || !lanes)
		fail("width");
	for (size_t i = 0; i < width; i++)
		fds[i].fd = -1;
	while (count > 0 || live > 0) {
		for (size_t i = 0; i < width && count > 0; i++)
			if (fds[i].fd < 0) {
				fds[i] = (struct pollfd){ .fd = lane_begin(lanes + i, argv), .events = POLLIN };
				count--;
				live++;
			}
		if (poll(fds, width, -1) < 0)
			fail("poll");
		for (size_t i = 0; i < width; i++)
			if (fds[i].fd >= 0 && fds[i].revents) {
				bad += floor_reap(fds[i].fd) != 0;
				lane_settle(lanes + i);
				fds[i].fd = -1;
				live--;
			}
	}
	free(lanes);
	return bad;
}

struct share {
	char *const *argv;
	size_t *left;
	size_t bad;
};

static void *worker(void *data)
{
	struct share *share = data;

	while ((ssize_t)__atomic_fetch_sub(share->left, 1, __ATOMIC_RELAXED) > 0) {
		struct start start = { .argv = share->argv, .in = -1, .out = -1 };

		share->bad += floor_reap(floor_begin(&start)) != 0;
	}
	return NULL;
}

/* A worker that finds nothing left counts below 0, which ends it. */
size_t floor_threads(char *const argv[], size_t count, size_t width)
{
	struct share shares[WIDTH_MAX];
	pthread_t threads[WIDTH_MAX];
	size_t bad = 0;

	if (width > WIDTH_MAX)
		fail("width");
	for (size_t i = 0; i < width; i++) {
		shares[i] = (struct share){ .argv = argv, .left = &count };
		if (pthread_create(threads + i, NULL, worker, shares + i) != 0)
			fail("pthread_create");
	}
	for (size_t i = 0; i < width; i++) {
		pthread_join(threads[i], NULL);
		bad += shares[i].bad;
	}
	return bad;
}

/* ---- one beside sleepers ---- */

static int watched(int epoll, char *const argv[])
{
	struct start start = { .argv = argv, .in = -1, .out = -1, .unshare_from = 3 };
	struct epoll_event event = { .events = EPOLLIN };

	event.data.fd = floor_begin(&start);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
		fail("epoll_ctl");
	return event.data.fd;
}

void floor_among(char *const sleeper[], size_t count, char *const argv[], long times, double *ret_us)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), *sleepers = calloc(count + 1, sizeof *sleepers);

	if (epoll < 0 || !sleepers)
		fail("epoll_create1");
	for (size_t i = 0; i < count; i++)
		sleepers[i] = watched(epoll, sleeper);
	for (long i = 0; i < times; i++) {
		int64_t begin = now_ns();
		struct epoll_event event;

		watched(epoll, argv);
		if (epoll_wait(epoll, &event, 1, -1) != 1 || floor_reap(event.data.fd) != 0)
			fail("the child's status");
		ret_us[i] = (double)(now_ns() - begin) / 1e3;
	}
	for (size_t i = 0; i < count; i++)
		syscall(SYS_pidfd_send_signal, sleepers[i], SIGKILL, NULL, 0);
	for (size_t i = 0; i < count; i++)
		floor_reap(sleepers[i]);
	close(epoll);
	free(sleepers);
}

/* ---- chains of two ---- */

struct pair {
	int pidfd[2];
	int out;
};

/* What is fed fits into the pipe, so that nobody has to be waited for. */
static void pair_begin(struct pair *pair, char *const *const stages[2], const char *bytes, size_t size)
{
	int in[2], link[2], out[2];

	floor_pipe(in, 0);
	floor_pipe(link, 0);
	floor_pipe(out, 0);
	if (write(in[1], bytes, size) != (ssize_t)size)
		fail("write");
	close(in[1]);
	pair->pidfd[0] = floor_begin(&(struct start){ .argv = stages[0], .in = in[0], .out = link[1] });
	close(in[0]);
	close(link[1]);
	pair->pidfd[1] = floor_begin(&(struct start){ .argv = stages[1], .in = link[0], .out = out[1] });
	close(link[0]);
	close(out[1]);
	pair->out = out[0];
}

void floor_chains(char *const *const stages[2], size_t count, const char *bytes, size_t size, char (*ret_texts)[TEXT_MAX])
{
	struct pair *pairs = calloc(count, sizeof *pairs);

	if (!pairs)
		fail("memory");
	for (size_t i = 0; i < count; i++)
		pair_begin(pairs + i, stages, bytes, size);
	for (size_t i = 0; i < count; i++) {
		struct output output;

		floor_drain(pairs[i].out, &output);
		close(pairs[i].out);
		if (floor_reap(pairs[i].pidfd[0]) != 0 || floor_reap(pairs[i].pidfd[1]) != 0)
			fail("a stage's status");
		text_copy(ret_texts[i], output.bytes, output.size);
		free(output.keep);
	}
	free(pairs);
}
