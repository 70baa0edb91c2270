/* SPDX-License-Identifier: MIT */
/*
 * Sizes of the command's own reads and writes: a write to a file may take part of what it is given, a read at a place may give part. Wrapped by the
 * linker for this program alone; ask.c has what the library's faults need.
 */
#include <sys/types.h>
#include <unistd.h>

#include "stand.h"

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t place);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t place);
ssize_t __real_pread(int fd, void *bytes, size_t size, off_t place);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t place);

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	return __real_write(fd, bytes, size > 1 && ask(FAKE_PUT) ? 1 : size);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t place)
{
	return __real_pwrite(fd, bytes, size > 1 && ask(FAKE_PUT) ? 1 : size, place);
}

ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t place)
{
	return __real_pread(fd, bytes, size > 1 && ask(FAKE_READ) ? 1 : size, place);
}
