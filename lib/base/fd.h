/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of our own: close-on-exec from the first instant, never 0 to 2, and the ones that live long kept at high
 * numbers, so that the ends a child is given find low ones free (a child's start copies the table up to its highest
 * wanted descriptor and no further).
 */
#ifndef BROOD_BASE_FD_H
#define BROOD_BASE_FD_H

#include <stddef.h>

/* Where long-lived descriptors begin, and how many may stay below before they are moved. */
enum { FD_HIGH = 64, FD_LOW = 32 };

/* Close *fd unless it is -1, and set it to -1. errno is kept. */
void fd_close(int *fd);

/* Hand over: returns *fd and leaves -1. */
int fd_take(int *fd);

/*
 * Take over fd (a fresh close-on-exec descriptor) and return it at a number above 2: itself, or a duplicate when it landed on a
 * standard descriptor that the host has closed. -errno on failure: then fd has been closed. A negative fd is -EBADF, here and in fd_raise.
 */
int fd_above_stdio(int fd_take);

/*
 * Take over fd and return it at a number where it may live long: itself when it is below FD_LOW (but above 2) or from FD_HIGH up, else a
 * duplicate from FD_HIGH up; itself where the descriptor limit does not allow that. Never fails for fd > 2.
 */
int fd_raise(int fd_take);

/* pipe2(O_CLOEXEC) with both ends above 2. ret[0] reads, ret[1] writes. 0 or -errno with both -1. */
int fd_pipe(int ret[2]);

/* Set or clear O_NONBLOCK. 0 or -errno. */
int fd_set_nonblocking(int fd, int on);

/*
 * Ask for a pipe of `size` bytes; refusals (EPERM past the user's share, EBUSY) are
 * harmless. 0 when granted, else -errno.
 */
int fd_set_pipe_size(int fd, size_t size);

#endif
