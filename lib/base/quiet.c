/* SPDX-License-Identifier: MIT */
/*
 * Two ways to write without SIGPIPE. RWF_NOSIGNAL (Linux 6.18) asks the kernel not to send it. Elsewhere it is blocked in this thread around the
 * write, and taken back if this write caused it: one that was pending before is the host's and stays.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "base/quiet.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x00000100
#endif

static ssize_t write_masked(int fd, const void *bytes, size_t size)
{
	sigset_t pipe_only, pending, old;
	bool was_pending;
	ssize_t r;
	int error;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &old);
	sigemptyset(&pending);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE);

	r = write(fd, bytes, size);
	error = errno;
	if (r < 0 && error == EPIPE && !was_pending) {
		const struct timespec at_once = { 0, 0 };

		while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR)
			;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r < 0 ? -error : r;
}

#if defined(__linux__) && defined(SYS_pwritev2)

/* 0: not tried yet; 1: the kernel knows the flag; -1: it does not. */
static _Atomic int flag_known;

static ssize_t write_once(int fd, const void *bytes, size_t size)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	ssize_t r;

	if (atomic_load_explicit(&flag_known, memory_order_relaxed) < 0)
		return write_masked(fd, bytes, size);
	r = syscall(SYS_pwritev2, fd, &part, 1UL, -1L, -1L, RWF_NOSIGNAL);
	if (r >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL && errno != EPERM))
		return r < 0 ? -errno : r;
	atomic_store_explicit(&flag_known, -1, memory_order_relaxed);
	return write_masked(fd, bytes, size);
}

#else

static ssize_t write_once(int fd, const void *bytes, size_t size)
{
	return write_masked(fd, bytes, size);
}

#endif

ssize_t quiet_write(int fd, const void *bytes, size_t size)
{
	ssize_t r;

	do
		r = write_once(fd, bytes, size);
	while (r == -EINTR);
	return r;
}
