/* SPDX-License-Identifier: MIT */
/*
 * Denials as classic BPF, written by hand so that no test needs libseccomp. One filter for each denial; the kernel runs all
 * of them and, among filters that say "error", hears the last one.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "deny.h"

#include "check.h"
#include "support.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#endif

#if defined(__linux__) && defined(__x86_64__)
#define DENY_ARCH AUDIT_ARCH_X86_64
#elif defined(__linux__) && defined(__aarch64__) && defined(__AARCH64EL__)
#define DENY_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef DENY_ARCH
/* Both machines are little endian: the low half of an argument lies first. */
#define ARG_LOW(n) ((uint32_t)(offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (n)))
#define ARG_HIGH(n) (ARG_LOW(n) + 4)
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(value))

/* With CAP_SYS_ADMIN no_new_privs stays as it is, which tests about it and about ids need. */
static void install(struct sock_filter *code, unsigned short length)
{
	struct sock_fprog program = { .len = length, .filter = code };

	if (!support_is_fork())
		fail_msg("a system call can be denied in a forked part only");
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0)
		return;
	if (errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0)
		return;
	support_skip("seccomp filters are not allowed here");
}

void support_deny_syscall(long nr, int error)
{
	struct sock_filter code[] = {
		LOAD(offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DENY_ARCH, 0, 3),
		LOAD(offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | (uint32_t)error),
		RETURN(SECCOMP_RET_ALLOW),
	};

	install(code, sizeof(code) / sizeof(code[0]));
}

void support_deny_syscall_when(long nr, unsigned int index, uint64_t mask, uint64_t value, int error)
{
	struct sock_filter code[] = {
		LOAD(offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DENY_ARCH, 0, 9),
		LOAD(offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 7),
		LOAD(ARG_LOW(index)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)value, 0, 4),
		LOAD(ARG_HIGH(index)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)(mask >> 32)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value >> 32), 0, 1),
		RETURN(SECCOMP_RET_ERRNO | (uint32_t)error),
		RETURN(SECCOMP_RET_ALLOW),
	};

	install(code, sizeof(code) / sizeof(code[0]));
}
#else
void support_deny_syscall(long nr, int error)
{
	(void)nr;
	(void)error;
	support_skip("no seccomp filter is written for this machine");
}

void support_deny_syscall_when(long nr, unsigned int index, uint64_t mask, uint64_t value, int error)
{
	(void)index;
	(void)mask;
	(void)value;
	support_deny_syscall(nr, error);
}
#endif

void support_deny_ioctl(unsigned long request, int error)
{
	support_deny_syscall_when(SYS_ioctl, 1, 0xffffffff, request & 0xffffffff, error);
}

/* One filter for each flag: "any of them" is not what a mask and a value can say at once. */
void support_deny_clone_flags(uint64_t flags, int error)
{
	for (int bit = 0; bit < 64; bit++) {
		uint64_t flag = (uint64_t)1 << bit;

		if (flags & flag)
			support_deny_syscall_when(SYS_clone, 0, flag, flag, error);
	}
}
