/* SPDX-License-Identifier: MIT */
/*
 * All of it or an error: what write(2) and pread(2) leave to a loop. A signal in between is no error; nor is a descriptor that somebody who shares it
 * has made non-blocking: it is waited for.
 */
#ifndef BROOD_TOOLS_WHOLE_H
#define BROOD_TOOLS_WHOLE_H

#include <stddef.h>
#include <stdint.h>

/* 0 or -errno; how much was written before an error is not told. */
int write_whole(int fd, const char *bytes, size_t size);

/* The same at a place in a file. */
int write_whole_at(int fd, const void *bytes, size_t size, int64_t place);

/* 0 or -errno; -EIO: the file ends before. */
int read_whole_at(int fd, void *ret_bytes, size_t size, int64_t place);

#endif
