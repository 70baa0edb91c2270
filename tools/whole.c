/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "whole.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* What such a call returned: how much it moved, 0 when it is to be made again, or -errno. */
static ssize_t moved(int fd, ssize_t n)
{
	if (n > 0)
		return n;
	if (n == 0)
		return -EIO;
	if (errno == EAGAIN && poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1) > 0)
		return 0;
	return errno == EINTR ? 0 : -errno;
}

int write_whole(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		const ssize_t n = moved(fd, write(fd, bytes, size));

		if (n < 0)
			return (int)n;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

int write_whole_at(int fd, const void *bytes, size_t size, int64_t place)
{
	for (const char *from = bytes; size > 0;) {
		const ssize_t n = moved(fd, pwrite(fd, from, size, place));

		if (n < 0)
			return (int)n;
		from += n;
		place += n;
		size -= (size_t)n;
	}
	return 0;
}

int read_whole_at(int fd, void *ret_bytes, size_t size, int64_t place)
{
	for (char *to = ret_bytes; size > 0;) {
		const ssize_t n = moved(fd, pread(fd, to, size, place));

		if (n < 0)
			return (int)n;
		to += n;
		place += n;
		size -= (size_t)n;
	}
	return 0;
}
