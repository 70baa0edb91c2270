/* SPDX-License-Identifier: MIT */
/*
 * The filter: which system calls are handed to the supervisor. By where they come from: the text of this program and of the shared libraries that it
 * runs on. A program that a child executes lies elsewhere, as addresses are random, so its calls pass at full speed.
 *
 * Never handed over: what ends a process or returns from a handler, and close, which must be done whatever it then returns (ask.c).
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stand.h"

#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#endif

/* ---- where text lies ---- */

static bool add_range(struct text_ranges *ranges, uint64_t first, uint64_t end)
{
	while (first < end) {
		const uint64_t bound = ((first >> 32) + 1) << 32;
		const uint64_t stop = end < bound ? end : bound;

		if (ranges->count == RANGES_MOST)
			return false;
		ranges->list[ranges->count++] = (struct text_range){
			.high = (uint32_t)(first >> 32), .first = (uint32_t)first, .last = (uint32_t)(stop - 1),
		};
		first = stop;
	}
	return true;
}

bool ranges_find(struct text_ranges *ret)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096];
	bool all = true;

	ret->count = 0;
	while (maps && fgets(line, sizeof line, maps)) {
		unsigned long long first, end;
		char rights[8];

		if (sscanf(line, "%llx-%llx %7s", &first, &end, rights) == 3 && rights[2] == 'x' && strchr(line, '/'))
			all &= add_range(ret, first, end);
	}
	if (maps)
		fclose(maps);
	return maps && all && ret->count > 0;
}

/* ---- the filter ---- */

#ifdef FILTER_ARCH

enum { CODE_MOST = 32 + 6 * RANGES_MOST };

struct code {
	struct sock_filter list[CODE_MOST];
	unsigned short count;
};

static void put(struct code *code, struct sock_filter instruction)
{
	code->list[code->count++] = instruction;
}

#define STATEMENT(op, k) ((struct sock_filter)BPF_STMT(op, k))
#define JUMP(op, k, yes, no) ((struct sock_filter)BPF_JUMP(op, k, yes, no))
#define LOAD(field) STATEMENT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(field))
#define RETURN(value) STATEMENT(BPF_RET | BPF_K, (uint32_t)(value))
#define POINTER offsetof(struct seccomp_data, instruction_pointer)

static const long passed[] = { SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_restart_syscall, SYS_close };

static void put_passed(struct code *code)
{
	put(code, LOAD(offsetof(struct seccomp_data, nr)));
	for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
		put(code, JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)passed[i], 0, 1));
		put(code, RETURN(SECCOMP_RET_ALLOW));
	}
}

/* Both machines are little endian: the low half of the pointer lies first. */
static void put_range(struct code *code, const struct text_range *range)
{
	put(code, LOAD(POINTER + 4));
	put(code, JUMP(BPF_JMP | BPF_JEQ | BPF_K, range->high, 0, 4));
	put(code, LOAD(POINTER));
	put(code, JUMP(BPF_JMP | BPF_JGE | BPF_K, range->first, 0, 2));
	put(code, JUMP(BPF_JMP | BPF_JGT | BPF_K, range->last, 1, 0));
	put(code, RETURN(SECCOMP_RET_USER_NOTIF));
}

int filter_install(const struct text_ranges *ranges)
{
	const unsigned long wanted = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	struct code code = { .count = 0 };
	struct sock_fprog program = { .filter = code.list };
	long fd;

	put(&code, LOAD(offsetof(struct seccomp_data, arch)));
	put(&code, JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0));
	put(&code, RETURN(SECCOMP_RET_ALLOW));
	put_passed(&code);
	for (unsigned i = 0; i < ranges->count; i++)
		put_range(&code, &ranges->list[i]);
	put(&code, RETURN(SECCOMP_RET_ALLOW));
	program.len = code.count;

	/* Only where it must be: a scenario that changes ids would not be what it is with no_new_privs. */
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, wanted | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
	if (fd < 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, wanted | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, wanted, &program);
	return fd < 0 ? -errno : (int)fd;
}

#else

int filter_install(const struct text_ranges *ranges)
{
	(void)ranges;
	return -ENOTSUP;
}

#endif
