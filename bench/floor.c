/* SPDX-License-Identifier: MIT */
/*
 * The floor: each job with bare system calls, as short as it can be written, with no care for anything that may go wrong.
 *
 * Several ways of doing a job stand side by side where it is not plain which is the fastest. Names: `floor` is the one that ratios
 * refer to unless bench/run says otherwise.
 *   floor           clone(VM, VFORK, PIDFD), execve, waitid; the default pipe and a realloc'ed buffer
 *   floor-bulk      pipes of 1 MiB, output on huge pages; 256 KiB between stages
 *   floor-unshare   the descriptor table is shared until the child cuts itself off: nothing is copied
 *   floor-lanes     clone without VFORK on a stack a slot: the parent goes on while the child comes to its exec
 */
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

enum {
	STACK = 16 << 10,
	STAGES_MAX = 16,
	WIDTH_MAX = 64,
	SMALL = 64 << 10,
	LINK_PIPE = 256 << 10,
	BULK_PIPE = 1 << 20,
	BULK_BUFFER = 4 << 20,
	UNSHARE = 2,            /* CLOSE_RANGE_UNSHARE */
};

/* ---- one child ---- */

struct start {
	char *const *argv;
	int in, out;            /* -1: inherited */
	unsigned unshare_from;  /* 0: the descriptor table is copied by the clone */
	volatile int error;
	int pidfd;
};

static char stack[STACK] __attribute__((aligned(64)));

/* In the parent's memory until the exec. */
static int child_main(void *data)
{
	struct start *start = data;

	if (start->unshare_from && syscall(SYS_close_range, start->unshare_from, ~0U, UNSHARE) < 0)
		goto fail;
	if (start->in >= 0 && dup2(start->in, STDIN_FILENO) < 0)
		goto fail;
	if (start->out >= 0 && dup2(start->out, STDOUT_FILENO) < 0)
		goto fail;
	execve(start->argv[0], start->argv, environ);
fail:
	start->error = errno;
	_exit(127);
}

static int begin(struct start *start)
{
	const int files = start->unshare_from ? CLONE_FILES : 0;

	start->error = 0;
	if (clone(child_main, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | files, start, &start->pidfd) < 0)
		fail("clone");
	if (start->error) {
		errno = start->error;
		fail("exec");
	}
	return start->pidfd;
}

static int reap(int pidfd)
{
	siginfo_t info;

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0)
		fail("waitid");
	close(pidfd);
	return info.si_code == CLD_EXITED ? info.si_status : -1;
}

static int spawn(char *const argv[])
{
	struct start start = { .argv = argv, .in = -1, .out = -1 };

	return reap(begin(&start));
}

static int spawn_unshare(char *const argv[])
{
	struct start start = { .argv = argv, .in = -1, .out = -1, .unshare_from = 3 };

	return reap(begin(&start));
}

/* ---- output ---- */

static void pipe_of(int ends[2], int size)
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("pipe2");
	if (size && fcntl(ends[0], F_SETPIPE_SZ, size) < 0)
		fail("F_SETPIPE_SZ");
}

static size_t read_some(int fd, char *bytes, size_t size)
{
	ssize_t r = read(fd, bytes, size);

	if (r < 0)
		fail("read");
	return (size_t)r;
}

static void drain_small(int fd, struct output *ret)
{
	size_t capacity = SMALL, size = 0;
	char *bytes = malloc(capacity);

	for (size_t r; bytes && (r = read_some(fd, bytes + size, capacity - size)) > 0; ) {
		size += r;
		if (size == capacity)
			bytes = realloc(bytes, capacity *= 2);
	}
	if (!bytes)
		fail("memory");
	*ret = (struct output){ .bytes = bytes, .size = size, .keep = bytes };
}

static char *huge(char *bytes, size_t before, size_t after)
{
	if (before)
		bytes = mremap(bytes, before, after, MREMAP_MAYMOVE);
	else
		bytes = mmap(NULL, after, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		fail("memory");
	madvise(bytes, after, MADV_HUGEPAGE);
	return bytes;
}

static void drain_bulk(int fd, struct output *ret)
{
	size_t capacity = BULK_BUFFER, size = 0;
	char *bytes = huge(NULL, 0, capacity);

	for (size_t r; (r = read_some(fd, bytes + size, capacity - size)) > 0; ) {
		size += r;
		if (size < capacity)
			continue;
		bytes = huge(bytes, capacity, 2 * capacity);
		capacity *= 2;
	}
	*ret = (struct output){ .bytes = bytes, .size = size, .keep = bytes, .keep_size = capacity };
}

static void release(struct output *output)
{
	if (output->keep_size)
		munmap(output->keep, output->keep_size);
	else
		free(output->keep);
}

static int capture(char *const argv[], struct output *ret)
{
	struct start start = { .argv = argv, .in = -1 };
	int ends[2];

	pipe_of(ends, 0);
	start.out = ends[1];
	begin(&start);
	close(ends[1]);
	drain_small(ends[0], ret);
	close(ends[0]);
	return reap(start.pidfd);
}

static int capture_bulk(char *const argv[], struct output *ret)
{
	struct start start = { .argv = argv, .in = -1 };
	int ends[2];

	pipe_of(ends, BULK_PIPE);
	start.out = ends[1];
	begin(&start);
	close(ends[1]);
	drain_bulk(ends[0], ret);
	close(ends[0]);
	return reap(start.pidfd);
}

static int redirected_with(char *const argv[], bool unshare, struct output *ret)
{
	struct start start = { .argv = argv };
	int ends[2];

	pipe_of(ends, 0);
	start.in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (start.in < 0)
		fail("/dev/null");
	start.out = ends[1];
	if (unshare)
		start.unshare_from = (unsigned)(start.in > ends[1] ? start.in : ends[1]) + 1;
	begin(&start);
	close(start.in);
	close(ends[1]);
	drain_small(ends[0], ret);
	close(ends[0]);
	return reap(start.pidfd);
}

static int redirected(char *const argv[], struct output *ret)
{
	return redirected_with(argv, false, ret);
}

static int redirected_unshare(char *const argv[], struct output *ret)
{
	return redirected_with(argv, true, ret);
}

/* ---- input and output at once ---- */

/* One thread, both ends not blocking, poll decides. */
static void exchange(int in, int out, const char *bytes, size_t size, char *ret, size_t room, size_t *ret_size)
{
	struct pollfd fds[2] = { { .fd = out, .events = POLLIN }, { .fd = in, .events = POLLOUT } };
	size_t written = 0, got = 0;
	ssize_t r;

	fcntl(in, F_SETFL, O_NONBLOCK);
	fcntl(out, F_SETFL, O_NONBLOCK);
	while (fds[0].fd >= 0) {
		if (poll(fds, 2, -1) < 0)
			fail("poll");
		if (fds[1].revents) {
			r = write(in, bytes + written, size - written);
			if (r < 0 && errno != EAGAIN)
				fail("write");
			written += r > 0 ? (size_t)r : 0;
			if (written == size) {
				close(in);
				fds[1].fd = -1;
			}
		}
		if (fds[0].revents) {
			r = read(out, ret + got, room - got);
			if (r < 0 && errno != EAGAIN)
				fail("read");
			got += r > 0 ? (size_t)r : 0;
			if (r == 0)
				fds[0].fd = -1;
		}
	}
	*ret_size = got;
}

static int feed_with(char *const argv[], const char *bytes, size_t size, int pipe_size, struct output *ret)
{
	const size_t room = size + SMALL;
	struct start start = { .argv = argv };
	int in[2], out[2];
	char *got;

	signal(SIGPIPE, SIG_IGN);
	pipe_of(in, pipe_size);
	pipe_of(out, pipe_size);
	start.in = in[0];
	start.out = out[1];
	begin(&start);
	close(in[0]);
	close(out[1]);
	got = pipe_size ? huge(NULL, 0, room) : malloc(room);
	if (!got)
		fail("memory");
	*ret = (struct output){ .bytes = got, .keep = got, .keep_size = pipe_size ? room : 0 };
	exchange(in[1], out[0], bytes, size, got, room, &ret->size);
	close(out[0]);
	return reap(start.pidfd);
}

static int feed(char *const argv[], const char *bytes, size_t size, struct output *ret)
{
	return feed_with(argv, bytes, size, 0, ret);
}

static int feed_bulk(char *const argv[], const char *bytes, size_t size, struct output *ret)
{
	return feed_with(argv, bytes, size, BULK_PIPE, ret);
}

/* ---- a chain ---- */

static int chain_with(char *const *const stages[], size_t count, int pipe_size, struct output *ret)
{
	int pidfds[STAGES_MAX], ends[2], before = -1, code = 0;

	for (size_t i = 0; i < count; i++) {
		struct start start = { .argv = stages[i], .in = before };

		pipe_of(ends, i + 1 < count ? pipe_size : 0);
		start.out = ends[1];
		pidfds[i] = begin(&start);
		if (before >= 0)
			close(before);
		close(ends[1]);
		before = ends[0];
	}
	drain_small(before, ret);
	close(before);
	for (size_t i = 0; i < count; i++) {
		int r = reap(pidfds[i]);

		if (!code)
			code = r;
	}
	return code;
}

static int chain(char *const *const stages[], size_t count, struct output *ret)
{
	return chain_with(stages, count, 0, ret);
}

static int chain_bulk(char *const *const stages[], size_t count, struct output *ret)
{
	return chain_with(stages, count, LINK_PIPE, ret);
}

/* ---- time ---- */

static bool ended_within(int pidfd, int64_t ns)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };
	struct timespec left = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	return ppoll(&fd, 1, &left, NULL) > 0;
}

static void end(int pidfd)
{
	syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0);
	reap(pidfd);
}

static int64_t overshoot_wait(char *const argv[], int64_t timeout_ms)
{
	struct start start = { .argv = argv, .in = -1, .out = -1 };
	int64_t begun, late;

	begin(&start);
	begun = now_ns();
	if (ended_within(start.pidfd, timeout_ms * 1000000))
		fail("it ended");
	late = now_ns() - begun - timeout_ms * 1000000;
	end(start.pidfd);
	return late;
}

static int64_t overshoot_run(char *const argv[], int64_t timeout_ms)
{
	struct start start = { .argv = argv, .in = -1, .out = -1 };
	const int64_t deadline = now_ns() + timeout_ms * 1000000;

	begin(&start);
	if (ended_within(start.pidfd, deadline - now_ns()))
		fail("it ended");
	end(start.pidfd);
	return now_ns() - deadline;
}

static int wait_for(char *const argv[], int64_t timeout_ms)
{
	struct start start = { .argv = argv, .in = -1, .out = -1 };

	begin(&start);
	if (!ended_within(start.pidfd, timeout_ms * 1000000))
		fail("it did not end");
	return reap(start.pidfd);
}

/* ---- many at once ---- */

static void many_with(struct many *many, unsigned unshare_from)
{
	int *pidfds = calloc(many->count, sizeof *pidfds);

	if (!pidfds)
		fail("memory");
	for (size_t i = 0; i < many->count; i++) {
		struct many_words words;
		struct start start = { .argv = many_argv(many, i, &words), .in = -1, .out = -1, .unshare_from = unshare_from };

		pidfds[i] = begin(&start);
	}
	many_started(many);
	for (size_t i = 0; i < many->count; i++)
		if (reap(pidfds[i]) != many_code(i))
			fail("a code");
	many_reaped(many);
	free(pidfds);
}

static void many_unshare(struct many *many)
{
	many_with(many, 3);
}

/* ---- so many at a time ---- */

static size_t bounded(char *const argv[], size_t count, size_t width)
{
	struct pollfd fds[WIDTH_MAX];
	size_t live = 0, bad = 0;

	if (width > WIDTH_MAX)
		fail("width");
	while (count > 0 || live > 0) {
		for (; count > 0 && live < width; count--) {
			struct start start = { .argv = argv, .in = -1, .out = -1 };

			fds[live++] = (struct pollfd){ .fd = begin(&start), .events = POLLIN };
		}
		if (poll(fds, live, -1) < 0)
			fail("poll");
		for (size_t i = 0; i < live; ) {
			if (!fds[i].revents) {
				i++;
				continue;
			}
			bad += reap(fds[i].fd) != 0;
			fds[i] = fds[--live];
		}
	}
	return bad;
}

/* What a child needs until its exec, which the kernel tells by clearing `running`: at the exec, and at the end. */
struct lane {
	struct start start;
	int running;
	char stack[STACK] __attribute__((aligned(64)));
};

static int lane_begin(struct lane *lane, char *const argv[])
{
	lane->start = (struct start){ .argv = argv, .in = -1, .out = -1 };
	lane->running = 1;
	if (clone(child_main, lane->stack + sizeof lane->stack, CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID | SIGCHLD, &lane->start,
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

static size_t bounded_lanes(char *const argv[], size_t count, size_t width)
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
				bad += reap(fds[i].fd) != 0;
				lane_settle(lanes + i);
				fds[i].fd = -1;
				live--;
			}
	}
	free(lanes);
	return bad;
}

const struct contender contenders[] = {
	{
		.name = "floor",
		.spawn = spawn,
		.redirected = redirected,
		.capture = capture,
		.feed = feed,
		.chain = chain,
		.overshoot_wait = overshoot_wait,
		.overshoot_run = overshoot_run,
		.wait = wait_for,
		.bounded = bounded,
		.release = release,
	},
	{ .name = "floor-bulk", .capture = capture_bulk, .feed = feed_bulk, .chain = chain_bulk, .release = release },
	{
		.name = "floor-unshare",
		.spawn = spawn_unshare,
		.redirected = redirected_unshare,
		.many = many_unshare,
		.release = release,
	},
	{ .name = "floor-lanes", .bounded = bounded_lanes },
	{ .name = NULL },
};
