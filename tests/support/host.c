/* SPDX-License-Identifier: MIT */
/*
 * Snapshots of this process and their comparison. The kernel is asked directly where libc would hide something
 * (the signals that libc keeps for itself) and /proc where only it knows; where there is no /proc, that part is left out.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "host.h"

#include "../child/pattern.h"
#include "check.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __WALL
#define __WALL 0
#endif

extern char **environ;

static const int timer_kinds[3] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

static void *grown(void *old, size_t count, size_t size)
{
	void *memory = old;

	/* Grows at each power of two. */
	if ((count & (count - 1)) == 0) {
		memory = realloc(old, (count ? count * 2 : 1) * size);
		if (!memory)
			fail_msg("no memory for a snapshot of the host");
	}
	return memory;
}

/* ---- looking ---- */

static void add_fd(struct host_state *state, int fd)
{
	struct host_fd *entry;
	char path[64], target[4096];
	ssize_t n;
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	state->fds = grown(state->fds, state->fd_count, sizeof(*state->fds));
	entry = &state->fds[state->fd_count++];
	entry->fd = fd;
	entry->fd_flags = flags;
	entry->status_flags = fcntl(fd, F_GETFL);
	entry->target = strdup(target);
}

static int by_fd(const void *left, const void *right)
{
	int a = ((const struct host_fd *)left)->fd, b = ((const struct host_fd *)right)->fd;

	return (a > b) - (a < b);
}

/* The directory itself is open while we read it, at a number that was free: it is left out. */
static void look_at_fds(struct host_state *state)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/fd");

	if (!dir) {
		for (int fd = 0; fd < 65536; fd++)
			add_fd(state, fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) && atoi(entry->d_name) != dirfd(dir))
			add_fd(state, atoi(entry->d_name));
	closedir(dir);
	if (state->fd_count > 0)
		qsort(state->fds, state->fd_count, sizeof(*state->fds), by_fd);
}

/* Read a small file of /proc; returns its size, 0 where it is not there. */
static size_t read_small(const char *path, char *text, size_t size)
{
	ssize_t n;
	size_t used = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	text[0] = '\0';
	if (fd < 0)
		return 0;
	while (used < size - 1 && (n = read(fd, text + used, size - 1 - used)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		used += (size_t)n;
	}
	close(fd);
	text[used] = '\0';
	return used;
}

/* The name in /proc/pid/stat may hold blanks and parentheses: the state follows the last ')'. */
static int stat_of(pid_t pid, char *ret_state, pid_t *ret_parent)
{
	char path[64], text[1024];
	const char *at;
	int parent;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (read_small(path, text, sizeof(text)) == 0)
		return 0;
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1, " %c %d", ret_state, &parent) != 2)
		return 0;
	*ret_parent = parent;
	return 1;
}

/* Every kind of child: stopped ones, zombies, and those cloned without SIGCHLD. */
static int has_children(void)
{
	siginfo_t info;
	int r;

	do
		r = waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT | __WALL);
	while (r < 0 && errno == EINTR);
	return !(r < 0 && errno == ECHILD);
}

static void look_at_children(struct host_state *state)
{
	struct dirent *entry;
	DIR *dir;

	if (!has_children())
		return;
	dir = opendir("/proc");
	if (!dir)
		fail_msg("there are children and no /proc to list them");
	while ((entry = readdir(dir))) {
		pid_t pid = (pid_t)atol(entry->d_name), parent;
		char letter;

		if (pid <= 0 || !stat_of(pid, &letter, &parent) || parent != getpid())
			continue;
		state->children = grown(state->children, state->child_count, sizeof(*state->children));
		state->children[state->child_count++] = pid;
	}
	closedir(dir);
}

#if defined(__x86_64__) || defined(__aarch64__)
/*
 * Words: handler, flags, restorer, mask. libc adds a restorer and SA_RESTORER whenever it sets anything, so a handler put back
 * exactly by sigaction(2) differs there; and a default or ignored signal has no use for its mask and most flags.
 */
static void leave_out_what_means_nothing(int number, unsigned long *action)
{
	unsigned long kept = number == SIGCHLD ? SA_NOCLDSTOP | SA_NOCLDWAIT : 0;
	int has_handler = action[0] != (unsigned long)(uintptr_t)SIG_DFL && action[0] != (unsigned long)(uintptr_t)SIG_IGN;

	action[1] &= has_handler ? ~0x04000000UL : kept;
	action[2] = 0;
	if (!has_handler)
		action[3] = 0;
}
#else
static void leave_out_what_means_nothing(int number, unsigned long *action)
{
	(void)number;
	(void)action;
}
#endif

/*
 * libc's sigaction hides the signals that it keeps for itself, so the kernel is asked. Its structure is smaller than
 * eight words everywhere, and what is not filled stays 0.
 */
static void look_at_signals(struct host_state *state)
{
	for (int number = 1; number <= HOST_SIGNALS; number++) {
		syscall(SYS_rt_sigaction, number, NULL, state->action[number], (size_t)(_NSIG / 8));
		leave_out_what_means_nothing(number, state->action[number]);
	}
	sigprocmask(SIG_SETMASK, NULL, &state->mask);
	sigpending(&state->pending);
	for (int i = 0; i < 3; i++)
		getitimer(timer_kinds[i], &state->timers[i]);
}

static uint64_t environ_sum(void)
{
	uint64_t sum = FNV_START;

	for (char **entry = environ; entry && *entry; entry++)
		sum = fnv1a(sum, *entry, strlen(*entry) + 1);
	return sum;
}

/* Returns -1 where the field is not there. */
static long status_field(const char *text, const char *name, int base)
{
	const char *at = strstr(text, name);

	return at ? strtol(at + strlen(name), NULL, base) : -1;
}

/* ThreadSanitizer starts one of its own beside the first that the program makes. */
#ifdef __SANITIZE_THREAD__
enum { COUNTS_THREADS = 0 };
#else
enum { COUNTS_THREADS = 1 };
#endif

/* PF_EXITING, the seventh word behind the name. Gone while we look is gone; no descriptor left to look with is not. */
static int runs(const char *thread)
{
	enum { EXITING = 4 };
	char path[64], text[1024];
	unsigned int flags = 0;
	const char *at;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", thread);
	if (read_small(path, text, sizeof(text)) == 0)
		return access(path, F_OK) == 0;
	at = strrchr(text, ')');
	return !at || sscanf(at, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1 || !(flags & EXITING);
}

/*
 * pthread_join returns before the kernel has taken the thread off its list, and how long before is the processor's affair that the thread was on.
 * One that is on its way out does not count.
 */
static long count_threads(void)
{
	struct dirent *entry;
	long count = 0;
	DIR *dir = opendir("/proc/self/task");

	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			count += runs(entry->d_name);
	closedir(dir);
	return count;
}

static void look_at_rest(struct host_state *state)
{
	char text[8192];
	size_t size = 0;

	for (int i = 0; i < RLIM_NLIMITS; i++)
		getrlimit(i, &state->limits[i]);
	state->cwd = getcwd(NULL, 0);
	state->environ_at = environ;
	state->environ_sum = environ_sum();
	read_small("/proc/self/status", text, sizeof(text));
	state->umask = (unsigned int)status_field(text, "\nUmask:", 8);
	state->threads = COUNTS_THREADS ? count_threads() : 0;
	syscall(SYS_get_robust_list, 0, &state->robust_list, &size);
	state->dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	state->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	prctl(PR_GET_CHILD_SUBREAPER, &state->subreaper, 0, 0, 0);
	state->nice_value = getpriority(PRIO_PROCESS, 0);
	state->group = getpgrp();
	state->session = getsid(0);
	getresuid(&state->uids[0], &state->uids[1], &state->uids[2]);
	getresgid(&state->gids[0], &state->gids[1], &state->gids[2]);
}

void host_snapshot(struct host_state *ret_state)
{
	memset(ret_state, 0, sizeof(*ret_state));
	look_at_fds(ret_state);
	look_at_children(ret_state);
	look_at_signals(ret_state);
	look_at_rest(ret_state);
}

void host_state_done(struct host_state *state)
{
	for (size_t i = 0; i < state->fd_count; i++)
		free(state->fds[i].target);
	free(state->fds);
	free(state->children);
	free(state->cwd);
	memset(state, 0, sizeof(*state));
}

/* ---- comparing ---- */

static const struct host_fd *fd_find(const struct host_state *state, int fd)
{
	struct host_fd key = { .fd = fd };

	if (state->fd_count == 0)
		return NULL;
	return bsearch(&key, state->fds, state->fd_count, sizeof(key), by_fd);
}

static void tell_new_fds(FILE *out, const struct host_state *before, const struct host_state *now)
{
	for (size_t i = 0; i < now->fd_count; i++) {
		const struct host_fd *fd = &now->fds[i];

		if (!fd_find(before, fd->fd))
			fprintf(out, "descriptor %d is new: %s%s\n", fd->fd, fd->target,
				fd->fd_flags & FD_CLOEXEC ? "" : " (inheritable)");
	}
}

static void tell_old_fds(FILE *out, const struct host_state *before, const struct host_state *now)
{
	for (size_t i = 0; i < before->fd_count; i++) {
		const struct host_fd *old = &before->fds[i];
		const struct host_fd *new = fd_find(now, old->fd);

		if (!new) {
			fprintf(out, "descriptor %d was closed: %s\n", old->fd, old->target);
			continue;
		}
		if (strcmp(old->target, new->target) != 0)
			fprintf(out, "descriptor %d was %s and is %s\n", old->fd, old->target, new->target);
		if (old->fd_flags != new->fd_flags)
			fprintf(out, "descriptor %d has other flags: FD_CLOEXEC %d, was %d\n", old->fd, new->fd_flags,
				old->fd_flags);
		if (old->status_flags != new->status_flags)
			fprintf(out, "descriptor %d has other status flags: 0%o, was 0%o%s\n", old->fd, new->status_flags,
				old->status_flags, (new->status_flags ^ old->status_flags) & O_NONBLOCK ? " (O_NONBLOCK)" : "");
	}
}

static int child_is_in(const struct host_state *state, pid_t pid)
{
	for (size_t i = 0; i < state->child_count; i++)
		if (state->children[i] == pid)
			return 1;
	return 0;
}

static void tell_children(FILE *out, const struct host_state *before, const struct host_state *now)
{
	for (size_t i = 0; i < now->child_count; i++) {
		char path[64], name[256], letter = '?';
		pid_t parent;

		if (child_is_in(before, now->children[i]))
			continue;
		stat_of(now->children[i], &letter, &parent);
		snprintf(path, sizeof(path), "/proc/%ld/comm", (long)now->children[i]);
		read_small(path, name, sizeof(name));
		name[strcspn(name, "\n")] = '\0';
		fprintf(out, "child %ld was left: '%s', state %c\n", (long)now->children[i], name, letter);
	}
	for (size_t i = 0; i < before->child_count; i++)
		if (!child_is_in(now, before->children[i]))
			fprintf(out, "child %ld of the host was reaped\n", (long)before->children[i]);
}

/*
 * libc's own two signals get their handlers when the first thread is made. Until then they are at their default, or ignored: glibc's posix_spawn
 * leaves them so in what it starts, and make starts the tests by that.
 */
static int is_libc_lazy(int number, const unsigned long *old)
{
	return (number == 32 || number == 33) && (old[0] == (unsigned long)SIG_DFL || old[0] == (unsigned long)SIG_IGN);
}

static void tell_actions(FILE *out, const struct host_state *before, const struct host_state *now)
{
	for (int number = 1; number <= HOST_SIGNALS; number++) {
		const unsigned long *old = before->action[number], *new = now->action[number];

		if (memcmp(old, new, sizeof(before->action[0])) == 0 || is_libc_lazy(number, old))
			continue;
		fprintf(out, "disposition of signal %d (%s) changed: %#lx %#lx, was %#lx %#lx\n", number, strsignal(number),
			new[0], new[1], old[0], old[1]);
	}
}

static void tell_set(FILE *out, const char *what, const sigset_t *old, const sigset_t *new)
{
	for (int number = 1; number <= HOST_SIGNALS; number++) {
		int was = sigismember(old, number) == 1, is = sigismember(new, number) == 1;

		if (was != is)
			fprintf(out, "signal %d (%s) is %s%s\n", number, strsignal(number), is ? "" : "no longer ", what);
	}
}

static int is_armed(const struct itimerval *timer)
{
	return timer->it_value.tv_sec || timer->it_value.tv_usec;
}

static void tell_signals(FILE *out, const struct host_state *before, const struct host_state *now)
{
	tell_actions(out, before, now);
	tell_set(out, "blocked", &before->mask, &now->mask);
	tell_set(out, "pending", &before->pending, &now->pending);
	for (int i = 0; i < 3; i++)
		if (is_armed(&before->timers[i]) != is_armed(&now->timers[i]) ||
		    memcmp(&before->timers[i].it_interval, &now->timers[i].it_interval, sizeof(struct timeval)) != 0)
			fprintf(out, "interval timer %d changed\n", i);
}

static void tell_number(FILE *out, const char *what, long long old, long long new)
{
	if (old != new)
		fprintf(out, "%s is %lld, was %lld\n", what, new, old);
}

static void tell_limits(FILE *out, const struct host_state *before, const struct host_state *now)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		const struct rlimit *old = &before->limits[i], *new = &now->limits[i];

		if (old->rlim_cur != new->rlim_cur || old->rlim_max != new->rlim_max)
			fprintf(out, "%s changed: soft %lld hard %lld, was soft %lld hard %lld\n",
				i == RLIMIT_NOFILE ? "RLIMIT_NOFILE" : i == RLIMIT_CORE ? "RLIMIT_CORE" : "a limit",
				(long long)new->rlim_cur, (long long)new->rlim_max, (long long)old->rlim_cur,
				(long long)old->rlim_max);
	}
}

static void tell_rest(FILE *out, const struct host_state *before, const struct host_state *now)
{
	static const char *const which[3] = { "real", "effective", "saved" };
	const char *was = before->cwd ? before->cwd : "(none)", *is = now->cwd ? now->cwd : "(none)";

	if (strcmp(was, is) != 0)
		fprintf(out, "the working directory is %s, was %s\n", is, was);
	if (before->environ_at != now->environ_at)
		fprintf(out, "environ points elsewhere\n");
	if (before->environ_sum != now->environ_sum)
		fprintf(out, "the environment has other contents\n");
	if (before->umask != now->umask)
		fprintf(out, "the umask is %04o, was %04o\n", now->umask, before->umask);
	if (before->robust_list != now->robust_list)
		fprintf(out, "the thread's robust list is another\n");
	tell_limits(out, before, now);
	tell_number(out, "the number of threads", before->threads, now->threads);
	tell_number(out, "the dumpable flag", before->dumpable, now->dumpable);
	tell_number(out, "no_new_privs", before->no_new_privs, now->no_new_privs);
	tell_number(out, "the subreaper flag", before->subreaper, now->subreaper);
	tell_number(out, "the nice value", before->nice_value, now->nice_value);
	tell_number(out, "the process group", before->group, now->group);
	tell_number(out, "the session", before->session, now->session);
	for (int i = 0; i < 3; i++) {
		if (before->uids[i] != now->uids[i])
			fprintf(out, "the %s uid is %u, was %u\n", which[i], now->uids[i], before->uids[i]);
		if (before->gids[i] != now->gids[i])
			fprintf(out, "the %s gid is %u, was %u\n", which[i], now->gids[i], before->gids[i]);
	}
}

char *host_changes(const struct host_state *before, int what)
{
	struct host_state now;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		fail_msg("no memory to compare the host");
	host_snapshot(&now);
	if (what & HOST_NEW_FDS)
		tell_new_fds(out, before, &now);
	if (what & HOST_OLD_FDS)
		tell_old_fds(out, before, &now);
	if (what & HOST_CHILDREN)
		tell_children(out, before, &now);
	if (what & HOST_SIGNAL_STATE)
		tell_signals(out, before, &now);
	if (what & HOST_REST)
		tell_rest(out, before, &now);
	host_state_done(&now);
	fclose(out);
	if (size == 0) {
		free(text);
		text = NULL;
	}
	return text;
}

/* fail_msg leaves by longjmp, so the text is copied to where nothing has to free it. */
void host_assert_unchanged(const struct host_state *before)
{
	static char copy[4096];
	char *text = host_changes(before, HOST_ALL);

	if (!text)
		return;
	snprintf(copy, sizeof(copy), "%s", text);
	free(text);
	fail_msg("the host changed:\n%s", copy);
}

void host_restore(const struct host_state *before)
{
	struct host_state now;

	host_snapshot(&now);
	for (size_t i = 0; i < now.child_count; i++)
		if (!child_is_in(before, now.children[i])) {
			kill(now.children[i], SIGKILL);
			waitpid(now.children[i], NULL, __WALL);
		}
	host_state_done(&now);
	if (before->cwd && chdir(before->cwd) < 0)
		print_error("cannot go back to %s\n", before->cwd);
	umask((mode_t)before->umask);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
}
