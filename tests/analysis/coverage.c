/* SPDX-License-Identifier: MIT */
/*
 * Keeps what a process counted when it leaves by _exit, as forked parts of tests, function stages and children whose exec failed do: gcov
 * writes its counts in exit handlers, which _exit passes by. Linked into the programs of the coverage build alone, by --wrap.
 *
 * A child made with CLONE_VM counts in the host's memory, so its counts come with the host's; it must not write them itself, for its host may be
 * writing, with gcov's lock. Which kind this process is, a page tells that the kernel empties in every copy of the memory and leaves alone
 * where the memory is shared; what libc forked marks its copy as its own.
 *
 * A child whose exec succeeds loses what it counted in memory of its own; the way of such a child is counted where it shares the host's.
 *
 * A forked process inherits its parent's counts and adds them once more: numbers are too high then, and nothing that never ran becomes covered.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void __gcov_dump(void);

_Noreturn void __real__exit(int code);
/* A program that does not link the library has none, and calls none. */
__attribute__((weak)) _Noreturn void __real_child_exit(int code);
_Noreturn void __wrap__exit(int code);
_Noreturn void __wrap_child_exit(int code);

static pid_t owner;
static atomic_int *page;
static char *prefix;    /* where the counts go */

static void own(void)
{
	owner = getpid();
	*page = 1;
}

__attribute__((constructor)) static void begin(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, 4096, MADV_WIPEONFORK) < 0)
		return;
	page = memory;
	own();
	prefix = getenv("GCOV_PREFIX");
	prefix = prefix ? strdup(prefix) : NULL;
	pthread_atfork(NULL, NULL, own);
}

static int memory_is_ours(void)
{
	return page && (*page == 0 || getpid() == owner);
}

/* A function stage may have another environment, or none. */
static void keep(void)
{
	if (!memory_is_ours())
		return;
	if (prefix)
		setenv("GCOV_PREFIX", prefix, 1);
	__gcov_dump();
}

void __wrap__exit(int code)
{
	keep();
	__real__exit(code);
}

void __wrap_child_exit(int code)
{
	keep();
	__real_child_exit(code);
}
