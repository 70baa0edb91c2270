/* SPDX-License-Identifier: MIT */
/*
 * Faults that no refused system call can make: an allocation that fails, a close that fails after it has closed, a read or a write that moves one
 * byte only. Each asks the supervisor by a system call that does not exist; who is not supervised hears ENOSYS and goes on.
 *
 * malloc and its kin are libc's own under other names, so libc's allocations (stdio, opendir, asprintf) fail too. A sanitizer brings an allocator of
 * its own, and other C libraries have none under another name: there allocations are not swept. close, read and quiet_write are wrapped by the
 * linker, for the library and the command alone.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/quiet.h"
#include "stand.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define OWN_MALLOC 0
#else
#define OWN_MALLOC 1
#endif

static bool armed;
static int wanted = ASK_ALL;
static long live;

void ask_about(int question)
{
	wanted = question;
}

void ask_arm(bool on)
{
	armed = on;
}

long ask_live(void)
{
	return live;
}

int ask(enum fake question)
{
	const int saved = errno;
	int error = 0;

	if (!armed || (wanted != ASK_ALL && wanted != (int)question))
		return 0;
	if (syscall(question) < 0 && errno != ENOSYS)
		error = errno;
	errno = saved;
	return error;
}

#if OWN_MALLOC

/* Seen by libc too, or its own calls would not pass here. */
#pragma GCC visibility push(default)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

static bool may_allocate(void)
{
	const int error = ask(FAKE_MALLOC);

	if (error)
		errno = error;
	return !error;
}

void *malloc(size_t size)
{
	void *memory = may_allocate() ? __libc_malloc(size) : NULL;

	live += memory != NULL;
	return memory;
}

void *calloc(size_t count, size_t size)
{
	void *memory = may_allocate() ? __libc_calloc(count, size) : NULL;

	live += memory != NULL;
	return memory;
}

void *realloc(void *old, size_t size)
{
	const bool fresh = old == NULL;
	void *memory = may_allocate() ? __libc_realloc(old, size) : NULL;

	live += fresh && memory;
	return memory;
}

void free(void *old)
{
	live -= old != NULL;
	__libc_free(old);
}

#pragma GCC visibility pop

#endif

int __real_close(int fd);
int __wrap_close(int fd);
ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __real_quiet_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_quiet_write(int fd, const void *bytes, size_t size);

int __wrap_close(int fd)
{
	int r = __real_close(fd);
	int error = r == 0 ? ask(FAKE_CLOSE) : 0;

	if (!error)
		return r;
	errno = error;
	return -1;
}

ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
	return __real_read(fd, bytes, size > 1 && ask(FAKE_READ) ? 1 : size);
}

ssize_t __wrap_quiet_write(int fd, const void *bytes, size_t size)
{
	return __real_quiet_write(fd, bytes, size > 1 && ask(FAKE_WRITE) ? 1 : size);
}
