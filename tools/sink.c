/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A gigabyte that is copied to a file must not hold up a job's deadline. */
enum { FLUSH_MOST = 1 << 20 };

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

/* ---- what it is ---- */

/*
 * The same pipe or terminal once more. It fails for a pipe of another user's and where there is no /proc; a pipe without a reader too, which the first
 * write will say.
 */
static int open_again(int fd)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && fd <= 2) {
		const int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);

		close(fd);
		fd = high;
	}
	return fd;
}

void sink_init(struct sink *sink, int fd, struct spill *spill)
{
	struct stat status;
	int own = -1;

	*sink = (struct sink){ .fd = fd, .terminal = isatty(fd) == 1, .kind = SINK_FILE };
	/* What waits here is bounded by whoever asks how much it is: it never goes to a disk that may be full. */
	spool_init(&sink->waiting, spill, SIZE_MAX);
	if (fstat(fd, &status) < 0)
		return;
	if (S_ISSOCK(status.st_mode)) {
		sink->kind = SINK_SOCKET;
	} else if (S_ISFIFO(status.st_mode) || sink->terminal) {
		own = open_again(fd);
		sink->kind = own >= 0 ? SINK_OPENED : SINK_SMALL;
	} else if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
		sink->kind = SINK_SMALL;
	}
	if (own >= 0) {
		sink->fd = own;
		sink->own = true;
	}
}

bool sink_same_file(int fd, int other)
{
	struct stat one, two;

	if (fstat(fd, &one) < 0 || fstat(other, &two) < 0 || one.st_dev != two.st_dev || one.st_ino != two.st_ino)
		return false;
	/* Nothing mixes in /dev/null, and a descriptor that was closed may be held by it, open the wrong way round. */
	return !S_ISCHR(one.st_mode) || isatty(fd);
}

/* ---- writing ---- */

static bool has_room(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	return poll(&ready, 1, 0) == 1;
}

/* How many; -EAGAIN: none now. */
static ssize_t write_some(const struct sink *sink, const char *bytes, size_t size)
{
	ssize_t n;

	if (sink->kind == SINK_SMALL && !has_room(sink->fd))
		return -EAGAIN;
	if (sink->kind == SINK_SMALL && size > PIPE_BUF)
		size = PIPE_BUF;
	if (sink->kind == SINK_SOCKET)
		n = send(sink->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		n = write(sink->fd, bytes, size);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return n;
}

static int flush_some(struct sink *sink, size_t most)
{
	size_t done = 0;

	while (done < most && sink->waiting.size > 0) {
		const char *bytes;
		ptrdiff_t n = spool_peek(&sink->waiting, &bytes);

		if (n > 0)
			n = write_some(sink, bytes, (size_t)n);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		sink->inside = bytes[n - 1] != '\n';
		spool_drop(&sink->waiting, (size_t)n);
		done += (size_t)n;
	}
	return 0;
}

int sink_flush(struct sink *sink)
{
	int r;

	if (sink->error < 0)
		return sink->error;
	r = sink->waiting.error < 0 ? sink->waiting.error : flush_some(sink, FLUSH_MOST);
	if (r < 0 && r != -EAGAIN) {
		sink->error = r;
		spool_clear(&sink->waiting);
	}
	return sink->error;
}

/* ---- putting ---- */

void sink_put(struct sink *sink, const char *bytes, size_t size)
{
	if (sink->error == 0)
		spool_put(&sink->waiting, bytes, size);
}

void sink_pour(struct sink *sink, struct spool *from)
{
	if (sink->error == 0)
		spool_pour(&sink->waiting, from);
	else
		spool_clear(from);
}

void sink_done(struct sink *sink)
{
	spool_done(&sink->waiting);
	if (sink->own)
		close(sink->fd);
	sink->own = false;
	sink->fd = -1;
}
