/* SPDX-License-Identifier: MIT */
/*
 * An experiment: how to keep a host's ignored signals from a child, inside one whole start.
 *
 *     ignored [-n TIMES] [-c CPU] [-i SIGNAL]... TINY
 *
 * execve leaves ignored signals ignored, and so does CLONE_CLEAR_SIGHAND. So somebody has to find out which ones the host ignores, or put all of them
 * back. Every way below is a start as the library does it: signals blocked, clone3(VM, VFORK, PIDFD, CLEAR_SIGHAND), close_range, the mask, execve;
 * then waitid and close. They take turns, one start each, on one processor. -i makes the host ignore a signal. A JSON line for each way
 * comes out: its median, what it adds to none at all, and whether a child of it was clean of what -i (or SIGPIPE and a real-time
 * signal, where there was none) had made ignored.
 *
 *   none            nothing: what the others are compared with, and wrong
 *   status          open, read, close /proc/self/status in the host
 *   status-at       the same by way of a kept descriptor of /proc/self
 *   status-kept     one pread of a kept descriptor of /proc/self/status
 *   status-proved   the same after an fstat that shows it to be that file still: a host may close what it does not know
 *   stat-kept       one pread of /proc/self/stat, which knows the first 31 signals only
 *   ask             one rt_sigaction a signal in the host: 62
 *   ask-31          only those that are not real-time ones
 *   child-ask       one a signal in the child, which has a copy of the dispositions of its own since the clone
 *   child-set       SIG_DFL for every signal in the child, not asked
 *   child-set-31    only those that are not real-time ones
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#if defined(__x86_64__) && defined(__LP64__) && defined(SYS_clone3)

enum { SIGNALS = 64, STANDARD = 31, TEXT_SIZE = 4096, UNSHARE = 2, MASK_SIZE = 8 };

extern char **environ;

struct start {
	char *argv[3];
	uint64_t reset;         /* what the host knows to be ignored */
	int child_from, child_to;       /* signals that the child cares for itself */
	bool child_asks;
	volatile int error;
};

static int folder_fd, status_fd, stat_fd;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "ignored: %s (%s)\n", what, strerror(errno));
	exit(99);
}

static inline long call(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return r;
}

/* The kernel's own: handler, flags, restorer, mask. */
struct action {
	uintptr_t handler;
	unsigned long flags;
	uintptr_t restorer;
	uint64_t mask;
};

static inline bool ignores(int signal)
{
	struct action action = { 0 };

	return call(SYS_rt_sigaction, signal, 0, (long)&action, MASK_SIZE) == 0 && action.handler == (uintptr_t)SIG_IGN;
}

static inline void set_default(int signal)
{
	struct action action = { 0 };

	call(SYS_rt_sigaction, signal, (long)&action, 0, MASK_SIZE);
}

/* ---- the start ---- */

static _Noreturn __attribute__((noinline)) void child(struct start *start)
{
	const uint64_t none = 0;

	start->error = (int)-call(SYS_close_range, 3, ~0U, UNSHARE, 0);
	if (start->error)
		goto out;
	for (int signal = 1; signal <= SIGNALS; signal++) {
		const bool own = signal >= start->child_from && signal <= start->child_to && signal != SIGKILL && signal != SIGSTOP;

		if ((start->reset & (uint64_t)1 << (signal - 1)) || (own && (!start->child_asks || ignores(signal))))
			set_default(signal);
	}
	call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, MASK_SIZE);
	start->error = (int)-call(SYS_execve, (long)start->argv[0], (long)start->argv, (long)environ, 0);
out:
	call(SYS_exit_group, 127, 0, 0, 0);
	__builtin_unreachable();
}

/* The child goes on on this very stack, below this frame, while the parent stands still: it never comes back to it. */
static __attribute__((noinline)) int begin(struct start *start)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid = call(SYS_clone3, (long)&args, sizeof args, 0, 0);

	if (pid == 0)
		child(start);
	if (pid < 0)
		fail("clone3");
	return pidfd;
}

static int start_and_wait(struct start *start)
{
	const uint64_t all = ~(uint64_t)0;
	uint64_t old;
	siginfo_t info;
	int pidfd;

	start->error = 0;
	call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&old, MASK_SIZE);
	pidfd = begin(start);
	call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&old, 0, MASK_SIZE);
	if (start->error)
		fail("the child");
	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0)
		fail("waitid");
	close(pidfd);
	return info.si_code == CLD_EXITED ? info.si_status : -1;
}

/* ---- the ways ---- */

static uint64_t find_mask(int fd)
{
	char text[TEXT_SIZE];
	ssize_t size = pread(fd, text, sizeof text - 1, 0);
	const char *line;

	if (size <= 0)
		fail("pread");
	text[size] = '\0';
	line = strstr(text, "\nSigIgn:");
	if (!line)
		fail("SigIgn");
	return strtoull(line + strlen("\nSigIgn:"), NULL, 16);
}

static void by_status(struct start *start)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	start->reset = find_mask(fd);
	close(fd);
}

static void by_status_at(struct start *start)
{
	int fd = openat(folder_fd, "status", O_RDONLY | O_CLOEXEC);

	start->reset = find_mask(fd);
	close(fd);
}

static void by_status_kept(struct start *start)
{
	start->reset = find_mask(status_fd);
}

static void by_status_proved(struct start *start)
{
	static struct stat first;
	struct stat now;

	if (fstat(status_fd, &now) < 0)
		fail("fstat");
	if (first.st_ino == 0)
		first = now;
	if (now.st_ino != first.st_ino || now.st_dev != first.st_dev)
		fail("another file");
	start->reset = find_mask(status_fd);
}

/* What is ignored is number 33 of proc_pid_stat(5); the name, number 2, may hold anything but the last bracket. */
static void by_stat_kept(struct start *start)
{
	char text[TEXT_SIZE];
	ssize_t size = pread(stat_fd, text, sizeof text - 1, 0);
	char *at;

	if (size <= 0)
		fail("pread");
	text[size] = '\0';
	at = strrchr(text, ')');
	for (int i = 0; at && i < 31; i++)
		at = strchr(at + 1, ' ');
	if (!at)
		fail("stat");
	start->reset = strtoull(at, NULL, 10);
}

static void ask(struct start *start, int last)
{
	for (int signal = 1; signal <= last; signal++)
		if (signal != SIGKILL && signal != SIGSTOP && ignores(signal))
			start->reset |= (uint64_t)1 << (signal - 1);
}

static void by_asking(struct start *start)
{
	ask(start, SIGNALS);
}

static void by_asking_31(struct start *start)
{
	ask(start, STANDARD);
}

static void child_asks(struct start *start)
{
	start->child_from = 1;
	start->child_to = SIGNALS;
	start->child_asks = true;
}

static void child_sets(struct start *start)
{
	start->child_from = 1;
	start->child_to = SIGNALS;
}

static void child_sets_31(struct start *start)
{
	start->child_from = 1;
	start->child_to = STANDARD;
}

static void nothing(struct start *start)
{
	(void)start;
}

static const struct way {
	const char *name;
	void (*learn)(struct start *start);
} ways[] = {
	{ "none", nothing },
	{ "status", by_status },
	{ "status-at", by_status_at },
	{ "status-kept", by_status_kept },
	{ "status-proved", by_status_proved },
	{ "stat-kept", by_stat_kept },
	{ "ask", by_asking },
	{ "ask-31", by_asking_31 },
	{ "child-ask", child_asks },
	{ "child-set", child_sets },
	{ "child-set-31", child_sets_31 },
};

enum { WAYS = sizeof ways / sizeof *ways };

/* ---- measuring ---- */

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* This program again, asking what reached it. */
static bool is_clean(const struct way *way)
{
	struct start start = { .argv = { (char *)(uintptr_t)"/proc/self/exe", (char *)(uintptr_t)"--what-came", NULL } };

	way->learn(&start);
	return start_and_wait(&start) == 0;
}

static int what_came(void)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	return find_mask(fd) != 0;
}

static double one(const struct way *way, char *program)
{
	struct start start = { .argv = { program, NULL } };
	double begin = now_us(), end;

	way->learn(&start);
	if (start_and_wait(&start) != 0)
		fail("the child's status");
	end = now_us();
	return end - begin;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void ignore_for_proof(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGRTMAX, SIG_IGN);
}

static void options(int argc, char **argv, long *ret_times, bool *ret_ignoring)
{
	int option;

	while ((option = getopt(argc, argv, "n:c:i:")) != -1) {
		cpu_set_t set;

		if (option == 'n') {
			*ret_times = atol(optarg);
		} else if (option == 'c') {
			CPU_ZERO(&set);
			CPU_SET((size_t)atoi(optarg), &set);
			sched_setaffinity(0, sizeof set, &set);
		} else if (option == 'i') {
			signal(atoi(optarg), SIG_IGN);
			*ret_ignoring = true;
		}
	}
}

int main(int argc, char **argv)
{
	long times = 1000;
	bool ignoring = false, clean[WAYS];
	double *us[WAYS], base;
	char program[512];

	if (argc > 1 && strcmp(argv[1], "--what-came") == 0)
		return what_came();
	options(argc, argv, &times, &ignoring);
	if (optind >= argc || times < 1)
		fail("usage: ignored [-n TIMES] [-c CPU] [-i SIGNAL]... TINY");
	snprintf(program, sizeof program, "%s/true", argv[optind]);
	folder_fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	status_fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	stat_fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	if (!ignoring)
		ignore_for_proof();
	for (int way = 0; way < WAYS; way++)
		clean[way] = is_clean(ways + way);
	if (!ignoring) {
		signal(SIGPIPE, SIG_DFL);
		signal(SIGRTMAX, SIG_DFL);
	}
	for (int way = 0; way < WAYS; way++)
		us[way] = calloc((size_t)times, sizeof *us[way]);
	for (long i = 0; i < times; i++)
		for (int way = 0; way < WAYS; way++)
			us[(way + i) % WAYS][i] = one(ways + (way + i) % WAYS, program);
	for (int way = 0; way < WAYS; way++)
		qsort(us[way], (size_t)times, sizeof **us, by_size);
	base = us[0][times / 2];
	for (int way = 0; way < WAYS; way++)
		printf("{\"way\":\"%s\",\"p50_us\":%.2f,\"p10_us\":%.2f,\"added_us\":%.2f,\"clean\":%s}\n", ways[way].name, us[way][times / 2],
		       us[way][times / 10], us[way][times / 2] - base, clean[way] ? "true" : "false");
	return 0;
}

#else

int main(void)
{
	fputs("ignored: written for x86-64 and clone3\n", stderr);
	return 77;
}

#endif
