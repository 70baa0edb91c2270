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
 *   floor-threads   a thread a place, each of which starts and waits for itself
 * Those about many children are in floor_many.c.
 */
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STAGES_MAX = 64,
	SMALL = 64 << 10,
	LINK_PIPE = 256 << 10,
	BULK_PIPE = 1 << 20,
	BULK_BUFFER = 4 << 20,
	UNSHARE = 2,            /* CLOSE_RANGE_UNSHARE */
};

/* ---- one child ---- */

static _Thread_local char stack[FLOOR_STACK] __attribute__((aligned(64)));

/* In the parent's memory until the exec. */
int floor_child(void *data)
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

int floor_begin(struct start *start)
{
	const int files = start->unshare_from ? CLONE_FILES : 0;

	start->error = 0;
	if (clone(floor_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | files, start, &start->pidfd) < 0)
		fail("clone");
	if (start->error) {
		errno = start->error;
		fail("exec");
	}
	return start->pidfd;
}

int floor_reap(int pidfd)
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

	return floor_reap(floor_begin(&start));
}

static int spawn_unshare(char *const argv[])
{
	struct start start = { .argv = argv, .in = -1, .out = -1, .unshare_from = 3 };

	return floor_reap(floor_begin(&start));
}

/* ---- output ---- */

void floor_pipe(int ends[2], int size)
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

void floor_drain(int fd, struct output *ret)
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

	floor_pipe(ends, 0);
	start.out = ends[1];
	floor_begin(&start);
	close(ends[1]);
	floor_drain(ends[0], ret);
	close(ends[0]);
	return floor_reap(start.pidfd);
}

static int capture_bulk(char *const argv[], struct output *ret)
{
	struct start start = { .argv = argv, .in = -1 };
	int ends[2];

	floor_pipe(ends, BULK_PIPE);
	start.out = ends[1];
	floor_begin(&start);
	close(ends[1]);
	drain_bulk(ends[0], ret);
	close(ends[0]);
	return floor_reap(start.pidfd);
}

static int redirected_with(char *const argv[], bool unshare, struct output *ret)
{
	struct start start = { .argv = argv };
	int ends[2];

	floor_pipe(ends, 0);
	start.in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (start.in < 0)
		fail("/dev/null");
	start.out = ends[1];
	if (unshare)
		start.unshare_from = (unsigned)(start.in > ends[1] ? start.in : ends[1]) + 1;
	floor_begin(&start);
	close(start.in);
	close(ends[1]);
	floor_drain(ends[0], ret);
	close(ends[0]);
	return floor_reap(start.pidfd);
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
	floor_pipe(in, pipe_size);
	floor_pipe(out, pipe_size);
	start.in = in[0];
	start.out = out[1];
	floor_begin(&start);
	close(in[0]);
	close(out[1]);
	got = pipe_size ? huge(NULL, 0, room) : malloc(room);
	if (!got)
		fail("memory");
	*ret = (struct output){ .bytes = got, .keep = got, .keep_size = pipe_size ? room : 0 };
	exchange(in[1], out[0], bytes, size, got, room, &ret->size);
	close(out[0]);
	return floor_reap(start.pidfd);
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

		floor_pipe(ends, i + 1 < count ? pipe_size : 0);
		start.out = ends[1];
		pidfds[i] = floor_begin(&start);
		if (before >= 0)
			close(before);
		close(ends[1]);
		before = ends[0];
	}
	floor_drain(before, ret);
	close(before);
	for (size_t i = 0; i < count; i++) {
		int r = floor_reap(pidfds[i]);

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
	floor_reap(pidfd);
}

static int64_t overshoot_wait(char *const argv[], int64_t timeout_ms)
{
	struct start start = { .argv = argv, .in = -1, .out = -1 };
	int64_t begun, late;

	floor_begin(&start);
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

	floor_begin(&start);
	if (ended_within(start.pidfd, deadline - now_ns()))
		fail("it ended");
	end(start.pidfd);
	return now_ns() - deadline;
}

static int wait_for(char *const argv[], int64_t timeout_ms)
{
	struct start start = { .argv = argv, .in = -1, .out = -1 };

	floor_begin(&start);
	if (!ended_within(start.pidfd, timeout_ms * 1000000))
		fail("it did not end");
	return floor_reap(start.pidfd);
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
		.bounded = floor_bounded,
		.among = floor_among,
		.chains = floor_chains,
		.threads = true,
		.release = release,
	},
	{ .name = "floor-bulk", .capture = capture_bulk, .feed = feed_bulk, .chain = chain_bulk, .release = release },
	{
		.name = "floor-unshare",
		.spawn = spawn_unshare,
		.threads = true,
		.redirected = redirected_unshare,
		.many = floor_many,
		.release = release,
	},
	{ .name = "floor-lanes", .bounded = floor_lanes },
	{ .name = "floor-threads", .bounded = floor_threads },
	{ .name = NULL },
};
