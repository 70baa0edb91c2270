/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of our own.
 *
 * Two things are settled here for everybody. A host that has closed its stdin gets our next pipe as descriptor 0; the
 * child's own redirections would then run over it, so nothing of ours stays on 0 to 2. And what lives as long as
 * a handle goes up to FD_HIGH, so that the pipe ends which a child is given stay low: the kernel copies the table up to
 * the highest descriptor that the child keeps.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

void fd_close(int *fd)
{
	int saved = errno;

	/*
	 * Not again after EINTR: Linux has released the number by then, and another thread may have been given it for
	 * a descriptor of its own, which a second close would close.
	 */
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

int fd_above_stdio(int fd)
{
	int r;

	if (fd < 0)
		return -EBADF;
	if (fd > STDERR_FILENO)
		return fd;
	r = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (r < 0)
		r = -errno;
	fd_close(&fd);
	return r;
}

int fd_raise(int fd)
{
	int raised;

	if (fd < 0)
		return -EBADF;
	if (fd >= FD_HIGH || (fd > STDERR_FILENO && fd < FD_LOW))
		return fd;

	/* EINVAL: the limit itself is below FD_HIGH. EMFILE: nothing is free above it. Living lower is slower and works. */
	raised = fcntl(fd, F_DUPFD_CLOEXEC, FD_HIGH);
	if (raised < 0)
		return fd_above_stdio(fd);
	fd_close(&fd);
	return raised;
}

#ifdef HAVE_PIPE2

static int pipe_cloexec(int ret[2])
{
	return pipe2(ret, O_CLOEXEC) < 0 ? -errno : 0;
}

#else

/* A system without pipe2: another thread that forks between these calls inherits the pipe. There is no cure there. */
static int pipe_cloexec(int ret[2])
{
	int r;

	if (pipe(ret) < 0)
		return -errno;
	if (fcntl(ret[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(ret[1], F_SETFD, FD_CLOEXEC) == 0)
		return 0;
	r = -errno;
	fd_close(&ret[0]);
	fd_close(&ret[1]);
	return r;
}

#endif

int fd_pipe(int ret[2])
{
	int end[2] = { -1, -1 };
	int r;

	ret[0] = ret[1] = -1;

	r = pipe_cloexec(end);
	if (r < 0)
		return r;

	/* fd_above_stdio closes what it cannot move: end[i] is then -errno, which fd_close leaves alone. */
	for (int i = 0; i < 2; i++) {
		r = end[i] = fd_above_stdio(end[i]);
		if (r < 0)
			goto out;
	}

	ret[0] = fd_take(&end[0]);
	ret[1] = fd_take(&end[1]);
	r = 0;
out:
	fd_close(&end[0]);
	fd_close(&end[1]);
	return r;
}

int fd_set_nonblocking(int fd, int on)
{
	int flags, wanted;

	flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return -errno;
	wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	if (wanted == flags)
		return 0;
	return fcntl(fd, F_SETFL, wanted) < 0 ? -errno : 0;
}

int fd_set_pipe_size(int fd, size_t size)
{
	if (size > INT_MAX)
		return -EINVAL;
#ifdef F_SETPIPE_SZ
	return fcntl(fd, F_SETPIPE_SZ, (int)size) < 0 ? -errno : 0;
#else
	(void)fd;
	return -ENOTSUP;
#endif
}
