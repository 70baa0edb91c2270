/* SPDX-License-Identifier: MIT */
/*
 * Keeps what a process counted when it leaves by another way than exit, since gcov writes its counts in exit handlers: by _exit, as forked parts of
 * tests, function stages and children whose exec failed do; by libc's exec, as children of the plain POSIX engine and of libpipeline do; by a
 * signal that it sends to itself, as a sequence does that ends as its command did. Linked into the programs of the coverage build alone, by --wrap.
 *
 * A child made with CLONE_VM counts in the host's memory, so its counts come with the host's; it must not write them itself, for its host may be
 * writing, with gcov's lock. Which kind this process is, a page tells that the kernel empties in every copy of the memory and leaves alone
 * where the memory is shared; what libc forked marks its copy as its own.
 *
 * A child of the fast path that has memory of its own and whose exec succeeds loses what it counted, since it makes that call by itself; the way of
 * such a child is counted where it shares the host's memory, or where the exec fails.
 *
 * A child may write as somebody else, who could not make the files: they are made when the program begins, for everybody.
 *
 * A forked process inherits its parent's counts and adds them once more: numbers are too high then, and nothing that never ran becomes covered.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void __gcov_dump(void);
void __gcov_reset(void);
/* In the fault sweep's programs alone: whether allocations and the like may fail. */
__attribute__((weak)) void ask_arm(bool on);

int __real_execve(const char *file, char *const *argv, char *const *envp);
int __wrap_execve(const char *file, char *const *argv, char *const *envp);
int __real_raise(int number);
int __wrap_raise(int number);
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

static void make_files(void)
{
	const mode_t before = umask(0);

	__gcov_dump();
	__gcov_reset();
	umask(before);
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
	make_files();
}

static int memory_is_ours(void)
{
	return page && (*page == 0 || getpid() == owner);
}

/* A function stage may have another environment, or none. One that is right is left alone: setenv has a lock, which a thread of the parent may hold. */
static void keep(void)
{
	const char *now = getenv("GCOV_PREFIX");

	if (!memory_is_ours())
		return;
	/* gcov asks for memory again and again until there is some. */
	if (ask_arm)
		ask_arm(false);
	if (prefix && (!now || strcmp(now, prefix) != 0))
		setenv("GCOV_PREFIX", prefix, 1);
	__gcov_dump();
}

/* For one that may go on. With a limit of its own for the size of files it would end here, by SIGXFSZ. */
static void keep_so_far(void)
{
	struct rlimit limit;

	if (!memory_is_ours() || getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY)
		return;
	keep();
	__gcov_reset();
	if (ask_arm)
		ask_arm(true);
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

int __wrap_execve(const char *file, char *const *argv, char *const *envp)
{
	keep_so_far();
	return __real_execve(file, argv, envp);
}

int __wrap_raise(int number)
{
	keep_so_far();
	return __real_raise(number);
}

/* A shared library's calls are not wrapped: libpipeline takes the program's execvp for libc's. */
int execvp(const char *file, char *const *argv)
{
	keep_so_far();
	return execvpe(file, argv, environ);
}
