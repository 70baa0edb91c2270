/* SPDX-License-Identifier: MIT */
/*
 * Children that share the host's memory until their exec: clone3, or clone where that is missing.
 *
 * Nothing is copied, so a start costs the same whatever the host's size, and the child reports by writing to the plan. It runs on a stack of its
 * own with every signal blocked, so that no handler of the host ever runs in it. With CLONE_VFORK the host's thread stands still meanwhile; an
 * early start leaves that flag out, and CLONE_CHILD_CLEARTID tells when the exec is done.
 *
 * With CLONE_FILES not even the descriptor table is copied whole: the child's first close_range(CLOSE_RANGE_UNSHARE) takes a private copy up to the
 * highest descriptor that it needs. That is only risked once a child has shown that the call works here.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "spawn/sys.h"

#if BROOD_LINUX_FAST_PATH

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "spawn/child.h"
#include "spawn/signals.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#define CLONE3_CLEAR_SIGHAND 0x100000000ULL
#define CLONE3_INTO_CGROUP 0x200000000ULL
#ifndef SYS_clone3
#define SYS_clone3 435
#endif

enum { STACK_SIZE = 32 << 10 };

/* linux/sched.h's struct clone_args, up to the field for cgroups (Linux 5.7); older headers have less. */
struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* 0: no child has tried CLOSE_RANGE_UNSHARE yet; 1: it works; -1: it does not. */
static _Atomic int unshare_works;

/*
 * 0: nobody has tried whether clone does here what is asked of it; 1: it does; -1: it does not. Emulators and valgrind turn shared memory into a fork,
 * and Linux before 5.2 ignores CLONE_PIDFD and fills nothing in: found out with a real child, its program would run twice.
 */
static _Atomic int clone_works;

CHILD_SIDE static int child_main(void *plan)
{
	child_exec(plan);
	child_exit(127);
}

/*
 * The kernel's clone3 gives the child a stack and nothing else: it comes out of the same instruction, calls child_main with the plan and never
 * returns.
 */
#if defined(__x86_64__) && defined(__LP64__)

static long clone3_child(struct clone3_args *args, size_t size, struct plan *plan)
{
	register int (*entry)(void *) __asm__("r8") = child_main;
	register void *argument __asm__("r9") = plan;
	long r;

	__asm__ volatile("syscall\n\t"
	                 "test %%rax, %%rax\n\t"
	                 "jnz 1f\n\t"
	                 "xor %%ebp, %%ebp\n\t"
	                 "mov %%r9, %%rdi\n\t"
	                 "call *%%r8\n\t"
	                 "hlt\n"
	                 "1:"
	                 : "=a"(r)
	                 : "a"(SYS_clone3), "D"(args), "S"(size), "r"(entry), "r"(argument)
	                 : "rcx", "r11", "memory", "cc");
	return r;
}

#elif defined(__aarch64__)

static long clone3_child(struct clone3_args *args, size_t size, struct plan *plan)
{
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = (long)size;
	register int (*entry)(void *) __asm__("x9") = child_main;
	register void *argument __asm__("x10") = plan;

	__asm__ volatile("svc 0\n\t"
	                 "cbnz x0, 1f\n\t"
	                 "mov x29, xzr\n\t"
	                 "mov x0, x10\n\t"
	                 "blr x9\n\t"
	                 "brk 1\n"
	                 "1:"
	                 : "+r"(x0)
	                 : "r"(x8), "r"(x1), "r"(entry), "r"(argument)
	                 : "memory", "cc", "x30");
	return x0;
}

#else

static long clone3_child(struct clone3_args *args, size_t size, struct plan *plan)
{
	(void)args, (void)size, (void)plan;
	return -ENOSYS;
}

#endif

/* What a kernel without this call, or a filter before it, answers. */
static bool not_here(long r)
{
	return r == -ENOSYS || r == -EPERM || r == -EINVAL || r == -E2BIG;
}

static long call_clone3(struct plan *plan, uint64_t flags, int *pidfd)
{
	struct clone3_args args = {
		.flags = flags | CLONE_PIDFD | CLONE3_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)pidfd,
		.child_tid = (uintptr_t)&plan->running,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)plan->stack,
		.stack_size = STACK_SIZE,
	};
	size_t size = offsetof(struct clone3_args, set_tid);

	if (plan->cgroup_fd >= 0) {
		args.flags |= CLONE3_INTO_CGROUP;
		args.cgroup = (uint64_t)plan->cgroup_fd;
		size = sizeof args;
	}
	plan->reset_handlers = false;
	return clone3_child(&args, size, plan);
}

CHILD_SIDE static int note_shared(void *flag)
{
	*(volatile int *)flag = 1;
	child_exit(0);
}

/*
 * Has the host put its children into another pid namespace? The first of them is that namespace's init, and with the end of an init nobody can
 * be started there any more. Until there is one the second link leads nowhere.
 */
static bool children_are_elsewhere(void)
{
	char ours[64] = "", theirs[64] = "";

	if (readlink("/proc/self/ns/pid", ours, sizeof ours - 1) <= 0)
		return false;
	return readlink("/proc/self/ns/pid_for_children", theirs, sizeof theirs - 1) <= 0 || strcmp(ours, theirs) != 0;
}

/*
 * One child, once in a process, that does nothing but leave a mark: its end is not told by SIGCHLD, and only __WALL sees it. 0, -ENOSYS, or why
 * there is no child at this moment, which is not remembered. It is not tried where that child's end would be a namespace's.
 */
static int try_clone(char *stack)
{
	volatile int mark = 0;
	int known = atomic_load(&clone_works);
	int pidfd = -1;
	int pid;

	if (known == 0 && children_are_elsewhere())
		return -ENOSYS;
	if (known == 0) {
		pid = clone(note_shared, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | CLONE_PIDFD, (void *)&mark, &pidfd);
		if (pid < 0)
			return -errno;
		while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
			;
		known = mark && pidfd >= 0 ? 1 : -1;
		fd_close(&pidfd);
		atomic_store(&clone_works, known);
	}
	return known > 0 ? 0 : -ENOSYS;
}

static long call_clone(struct plan *plan, uint64_t flags, int *pidfd)
{
	char *stack = plan->stack;
	int r = try_clone(stack);

	if (r < 0)
		return r;
	plan->reset_handlers = true;
	r = clone(child_main, stack + STACK_SIZE, (int)flags | CLONE_PIDFD | SIGCHLD, plan, pidfd, NULL, (void *)&plan->running);
	return r < 0 ? -errno : r;
}

/*
 * ThreadSanitizer puts a clone of its own before libc's, and keeps what the child is to be given in a frame that is gone when clone returns before
 * the exec: the child would begin with anything.
 */
static bool may_be_early(enum engine engine)
{
#ifdef __SANITIZE_THREAD__
	return SYS_INLINE && engine == ENGINE_CLONE3;
#else
	(void)engine;
	return SYS_INLINE;
#endif
}

static uint64_t choose_flags(struct plan *plan, bool early)
{
	uint64_t flags = CLONE_VM;

	plan->running = 0;
	plan->shares_table = false;
	plan->early = early;
	if (plan->early) {
		plan->running = 1;
		return flags | CLONE_CHILD_CLEARTID;
	}
	plan->shares_table = atomic_load_explicit(&unshare_works, memory_order_relaxed) > 0;
	return flags | CLONE_VFORK | (plan->shares_table ? CLONE_FILES : 0);
}

/*
 * Where the pidfd landed on a standard descriptor that the host has closed, or among the low numbers that short-lived ones need. It stays where it
 * is when there is no room elsewhere.
 */
static int settle(int pidfd)
{
	int moved;

	if (pidfd <= STDERR_FILENO) {
		moved = fcntl(pidfd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (moved < 0)
			return pidfd;
		close(pidfd);
		pidfd = moved;
	}
	return fd_raise(pidfd);
}

static long make_child(struct plan *plan, enum engine engine, bool early, int *pidfd)
{
	const uint64_t flags = choose_flags(plan, early && may_be_early(engine));
	struct signal_mask old;
	long pid;

	signals_block_all(&old);
	pid = engine == ENGINE_CLONE3 ? call_clone3(plan, flags, pidfd) : call_clone(plan, flags, pidfd);
	signals_restore(&old);
	return pid;
}

/* The child's first close_range tells, once, whether the next ones may share the table. */
static void learn_unshare(const struct plan *plan)
{
	int unknown = 0;

	if (plan->shares_table || atomic_load_explicit(&unshare_works, memory_order_relaxed) != 0)
		return;
	atomic_compare_exchange_strong(&unshare_works, &unknown, plan->unshared ? 1 : -1);
}

/* A host that put itself behind a filter after its first starts: what worked once does not work any more. */
static bool sharing_failed(const struct plan *plan)
{
	return plan->shares_table && plan->report.step == STEP_CLOSE && not_here(-plan->report.error);
}

/* Once more, with a descriptor table of the child's own, as every start from now on. */
static int start_again(struct plan *plan, enum engine engine, struct pidref *ret, struct failure *failure)
{
	atomic_store(&unshare_works, -1);
	fdplan_done(&plan->fds);
	plan->report = (struct child_report){ .step = STEP_NONE };
	return clone_start(plan, engine, false, ret, failure);
}

int clone_start(struct plan *plan, enum engine engine, bool early, struct pidref *ret, struct failure *failure)
{
	int pidfd = -1;
	long pid;
	int r;

	if (fdplan_make(plan->wanted, plan->want_count, -1, &plan->fds) < 0)
		return failure_set(failure, plan->index, STEP_MEMORY, ENOMEM, NULL);
	if (!plan->stack)
		plan->stack = malloc(STACK_SIZE);
	if (!plan->stack)
		return failure_set(failure, plan->index, STEP_MEMORY, ENOMEM, NULL);
	if (engine == ENGINE_CLONE) {
		r = engine_open_procs(plan, failure);
		if (r < 0)
			return r;
	}

	pid = make_child(plan, engine, early, &pidfd);
	fd_close(&plan->cgroup_procs);
	if (pid < 0 || pidfd < 0) {
		/* The next way down is not an early one: nobody must wait for this child's exec. */
		plan->early = false;
		plan->running = 0;
	}
	if (pid < 0 && not_here(pid)) {
		fdplan_done(&plan->fds);
		return -ENOSYS;
	}
	if (pid < 0)
		return failure_set(failure, plan->index, STEP_FORK, (int)-pid, stage_name(plan->stage));
	*ret = (struct pidref){ .pid = (pid_t)pid, .pidfd = settle(pidfd) };
	if (plan->early && plan->running)
		return 0;
	plan->early = false;
	if (sharing_failed(plan)) {
		reap_failed(ret);
		return start_again(plan, engine, ret, failure);
	}
	r = spawn_confirm(plan, failure);
	if (r < 0)
		reap_failed(ret);
	return r;
}

static void wait_for_exec(struct plan *plan)
{
	int seen;

	while ((seen = __atomic_load_n(&plan->running, __ATOMIC_ACQUIRE)) != 0)
		syscall(SYS_futex, &plan->running, FUTEX_WAIT, seen, NULL, NULL, 0);
}

int spawn_confirm(struct plan *plan, struct failure *failure)
{
	wait_for_exec(plan);
	learn_unshare(plan);
	return plan->report.step == 0 ? 0 : plan_failure(plan, failure);
}

#else

int clone_start(struct plan *plan, enum engine engine, bool early, struct pidref *ret, struct failure *failure)
{
	(void)plan, (void)engine, (void)early, (void)ret, (void)failure;
	return -ENOSYS;
}

int spawn_confirm(struct plan *plan, struct failure *failure)
{
	(void)plan, (void)failure;
	return 0;
}

#endif
