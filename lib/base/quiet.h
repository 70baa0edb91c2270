/* SPDX-License-Identifier: MIT */
/*
 * Writing to a pipe whose reader may be gone, without SIGPIPE: neither killing the host nor left pending for it.
 */
#ifndef BROOD_BASE_QUIET_H
#define BROOD_BASE_QUIET_H

#include <stddef.h>
#include <sys/types.h>

/* As write(2), returning -errno; -EPIPE when nobody reads. Never -EINTR. */
ssize_t quiet_write(int fd, const void *bytes, size_t size);

#endif
