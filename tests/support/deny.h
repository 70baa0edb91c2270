/* SPDX-License-Identifier: MIT */
/*
 * Making system calls fail as on an older kernel or in a tight sandbox, by seccomp. There is no way back: call these in
 * a forked part (support_in_fork) only. They hold for the whole process and for everything that it starts, exec included.
 *
 * Each call adds to those before it; where two say different things about one call, the later one is heard.
 * Where seccomp is not to be had (another machine than x86_64 or aarch64, a sandbox that forbids it) the test is skipped.
 * An error of 0 makes the call do nothing and return 0.
 */
#ifndef SUPPORT_DENY_H
#define SUPPORT_DENY_H

#include <stdint.h>

/* From now on the system call `nr` (SYS_clone3, ...) fails with `error`. */
void support_deny_syscall(long nr, int error);

/*
 * It fails only when (argument & mask) == value, for argument number `index`, 0 to 5. Registers are all that is seen:
 * what a pointer points to is not.
 */
void support_deny_syscall_when(long nr, unsigned int index, uint64_t mask, uint64_t value, int error);

/* ioctl(2) with this request fails. Use ENOTTY for "the kernel does not know it". */
void support_deny_ioctl(unsigned long request, int error);

/*
 * clone(2) with any of these flags fails. clone3's flags lie in memory, where no filter can look: deny it as a whole with
 * support_deny_syscall(SYS_clone3, ENOSYS) beside this. libc's fork is a clone with CLONE_CHILD_SETTID,
 * CLONE_CHILD_CLEARTID and SIGCHLD alone, and its threads fall back from clone3 to a clone with CLONE_VM.
 */
void support_deny_clone_flags(uint64_t flags, int error);

#endif
