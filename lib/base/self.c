/* SPDX-License-Identifier: MIT */
/*
 * The process id, kept in a page that the kernel empties in a child of fork (MADV_WIPEONFORK, Linux 4.14): however the child was forked, by libc
 * or past it, it finds nothing there and asks anew. Where there is no such page, every call asks.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "base/self.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef MADV_WIPEONFORK

static _Atomic pid_t nothing;           /* stands for "there is no such page" */

static _Atomic(_Atomic pid_t *) page;

static _Atomic pid_t *make_page(void)
{
	_Atomic pid_t *expected = NULL;
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *fresh = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (fresh != MAP_FAILED && madvise(fresh, size, MADV_WIPEONFORK) < 0) {
		munmap(fresh, size);
		fresh = MAP_FAILED;
	}
	if (atomic_compare_exchange_strong(&page, &expected, fresh == MAP_FAILED ? &nothing : fresh))
		return fresh == MAP_FAILED ? &nothing : fresh;
	/* Another thread was faster. */
	if (fresh != MAP_FAILED)
		munmap(fresh, size);
	return expected;
}

pid_t self_pid(void)
{
	_Atomic pid_t *kept = atomic_load_explicit(&page, memory_order_acquire);
	pid_t pid;

	if (!kept)
		kept = make_page();
	if (kept == &nothing)
		return getpid();
	pid = atomic_load_explicit(kept, memory_order_relaxed);
	if (pid == 0) {
		pid = getpid();
		atomic_store_explicit(kept, pid, memory_order_relaxed);
	}
	return pid;
}

#else

pid_t self_pid(void)
{
	return getpid();
}

#endif

/* The link shows our number in the namespace that /proc was mounted in; where we are not in that one at all there is no link. */
bool self_knows_proc(void)
{
	char number[32];
	const ssize_t size = readlink("/proc/self", number, sizeof number - 1);

	if (size <= 0)
		return false;
	number[size] = '\0';
	return strtol(number, NULL, 10) == getpid();
}
