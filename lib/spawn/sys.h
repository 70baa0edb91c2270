/* SPDX-License-Identifier: MIT */
/*
 * The system calls that the child's side makes, each returning 0 or more, or a negative errno.
 *
 * Linux: straight from the instruction, because a child that shares the host's memory shares its errno and its thread
 * descriptor too, and because libc's setuid family would try to tell the host's other threads. Elsewhere, and in
 * a build with --disable-linux-fast-path, libc's wrappers: there the child is always a forked one.
 */
#ifndef BROOD_SPAWN_SYS_H
#define BROOD_SPAWN_SYS_H

#include <stdint.h>
#include <sys/types.h>

#ifndef BROOD_LINUX_FAST_PATH
#ifdef __linux__
#define BROOD_LINUX_FAST_PATH 1
#else
#define BROOD_LINUX_FAST_PATH 0
#endif
#endif

#if BROOD_LINUX_FAST_PATH

#include <sys/syscall.h>

#if defined(__x86_64__) && defined(__LP64__)

#define SYS_INLINE 1

static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
	                 : "=a"(r)
	                 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	                 : "rcx", "r11", "memory");
	return r;
}

#elif defined(__aarch64__)

#define SYS_INLINE 1

static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
	                 : "+r"(x0)
	                 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
	                 : "memory", "cc");
	return x0;
}

#else

#define SYS_INLINE 0

#include <errno.h>
#include <unistd.h>

static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	long r = syscall(nr, a, b, c, d, e, f);

	return r == -1 ? -errno : r;
}

#endif

#define sys_call0(nr) sys_call6(nr, 0, 0, 0, 0, 0, 0)
#define sys_call1(nr, a) sys_call6(nr, (long)(a), 0, 0, 0, 0, 0)
#define sys_call2(nr, a, b) sys_call6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define sys_call3(nr, a, b, c) sys_call6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define sys_call4(nr, a, b, c, d) sys_call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define sys_call5(nr, a, b, c, d, e) sys_call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

#endif /* BROOD_LINUX_FAST_PATH */

/*
 * No instrumentation: a sanitizer's shadow of a stack that never returns would stay poisoned in the host. No stack protector: it reads the
 * thread descriptor, which may go away with the host's thread while a child that nobody waits for is still on its way to exec.
 */
#if defined(__has_attribute)
#if __has_attribute(no_stack_protector)
#define CHILD_NO_PROTECTOR __attribute__((no_stack_protector))
#endif
#endif
#ifndef CHILD_NO_PROTECTOR
#define CHILD_NO_PROTECTOR
#endif
#define CHILD_SIDE CHILD_NO_PROTECTOR __attribute__((no_sanitize("address", "undefined", "thread")))

enum { SIGNAL_MAX = 64 };       /* signals are 1 to 64 in our masks, bit signal - 1 */

#endif
