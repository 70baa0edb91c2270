/* SPDX-License-Identifier: MIT */
/*
 * The calls of child.c, in the two ways there are to make them: the bare instruction on Linux, libc's wrappers in the plain POSIX
 * build. Each returns 0 or more, or a negative errno. Included by child.c alone.
 */
#ifndef BROOD_SPAWN_CHILD_CALLS_H
#define BROOD_SPAWN_CHILD_CALLS_H

#if BROOD_LINUX_FAST_PATH

#include <linux/capability.h>
#include <sys/ioctl.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { UNSHARE_FIRST = 2 };     /* CLOSE_RANGE_UNSHARE */

/* Kernels before 5.9: read the names in /proc/self/fd. Never a loop to RLIMIT_NOFILE, which may be a thousand million. */
struct dirent_raw {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

CHILD_SIDE static long number_of(const char *name)
{
	long n = 0;

	if (*name < '0' || *name > '9')
		return -1;
	for (; *name >= '0' && *name <= '9'; name++)
		n = n * 10 + (*name - '0');
	return n;
}

/*
 * 1: closed. 0: there was nothing to close, though /proc named it; valgrind hides its own like that. Any other error says nothing of the descriptor
 * (EIO comes after it was closed), so it is asked for: one that a filter keeps open must not reach the child.
 */
CHILD_SIDE static int close_one(long fd)
{
	const long r = sys_call1(SYS_close, fd);

	if (r == -EBADF)
		return 0;
	return r < 0 && sys_call2(SYS_fcntl, fd, F_GETFD) >= 0 ? (int)r : 1;
}

/* How many bytes of names there were, 0 at the end; whether one of them was closed, *ret_closed. */
CHILD_SIDE static int close_named(int dir, unsigned int first, unsigned int last, bool *ret_closed)
{
	_Alignas(struct dirent_raw) char space[2048];
	const long size = sys_call3(SYS_getdents64, dir, space, sizeof space);
	int r;

	for (long at = 0; at < size;) {
		const struct dirent_raw *entry = (const struct dirent_raw *)(const void *)(space + at);
		const long fd = number_of(entry->name);

		if (fd >= 0 && fd != dir && fd >= (long)first && (unsigned long)fd <= last) {
			r = close_one(fd);
			if (r < 0)
				return r;
			*ret_closed |= r > 0;
		}
		at += entry->reclen;
	}
	return (int)size;
}

CHILD_SIDE static int close_by_proc(unsigned int first, unsigned int last)
{
	long dir = sys_call4(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	bool closed;
	int r;

	if (dir < 0)
		return (int)dir;
	/* Closing while reading may skip entries: start over until a whole pass finds nothing to close. */
	do {
		closed = false;
		sys_call3(SYS_lseek, dir, 0, 0);
		do
			r = close_named((int)dir, first, last, &closed);
		while (r > 0);
	} while (r == 0 && closed);
	sys_call1(SYS_close, dir);
	return r;
}

CHILD_SIDE static int call_close_range(unsigned int first, unsigned int last, bool unshare)
{
	long r = sys_call3(SYS_close_range, first, last, unshare ? UNSHARE_FIRST : 0);

	if (r < 0 && !unshare)
		return close_by_proc(first, last);
	return (int)r;
}

CHILD_SIDE static int call_dup(int from, int to, bool cloexec)
{
	return (int)sys_call3(SYS_dup3, from, to, cloexec ? O_CLOEXEC : 0);
}

CHILD_SIDE static int call_fd_keep(int fd)
{
	return (int)sys_call3(SYS_fcntl, fd, F_SETFD, 0);
}

CHILD_SIDE static bool call_fd_is_marked(int fd)
{
	long flags = sys_call3(SYS_fcntl, fd, F_GETFD, 0);

	return flags >= 0 && (flags & FD_CLOEXEC);
}

CHILD_SIDE static void call_close(int fd)
{
	sys_call1(SYS_close, fd);
}

/* Zero is the default disposition with no flags, however this architecture lays out the kernel's struct sigaction. */
CHILD_SIDE static void call_signal_default(int signal)
{
	uintptr_t action[8];

	for (int i = 0; i < 8; i++)
		((volatile uintptr_t *)action)[i] = 0;
	sys_call4(SYS_rt_sigaction, signal, action, NULL, sizeof(uint64_t));
}

CHILD_SIDE static bool call_signal_is_ignored(int signal)
{
	uintptr_t action[8];

	/* The kernel writes it, which an analyzer cannot see. */
	action[0] = action[1] = 0;
	if (sys_call4(SYS_rt_sigaction, signal, NULL, action, sizeof(uint64_t)) < 0)
		return true;
#ifdef __mips__
	return action[1] == (uintptr_t)SIG_IGN;
#else
	return action[0] == (uintptr_t)SIG_IGN;
#endif
}

CHILD_SIDE static void call_unblock_signals(void)
{
	const uint64_t none = 0;

	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

CHILD_SIDE static int call_setsid(void)
{
	return (int)sys_call0(SYS_setsid);
}

CHILD_SIDE static int call_setpgid(pid_t group)
{
	return (int)sys_call2(SYS_setpgid, 0, group);
}

/* Of the group that it leads: its number is our own. */
CHILD_SIDE static int call_set_foreground(int terminal)
{
	const pid_t group = (pid_t)sys_call0(SYS_getpid);

	return (int)sys_call3(SYS_ioctl, terminal, TIOCSPGRP, &group);
}

CHILD_SIDE static void call_umask(mode_t mask)
{
	sys_call1(SYS_umask, mask);
}

CHILD_SIDE static int call_nice(int increment)
{
	/* The kernel's getpriority gives 20 - nice. */
	long now = sys_call2(SYS_getpriority, PRIO_PROCESS, 0);
	long nice = 20 - now + increment;

	return (int)sys_call3(SYS_setpriority, PRIO_PROCESS, 0, nice);
}

CHILD_SIDE static int call_rlimit(const struct rlimit_op *op)
{
	const uint64_t limit[2] = { op->soft, op->hard };

	return (int)sys_call4(SYS_prlimit64, 0, op->resource, limit, NULL);
}

CHILD_SIDE static int call_affinity(const int *cpus, size_t count)
{
	unsigned long mask[8192 / (8 * sizeof(unsigned long))];
	const size_t bits = 8 * sizeof *mask;

	for (size_t i = 0; i < sizeof mask / sizeof *mask; i++)
		((volatile unsigned long *)mask)[i] = 0;
	for (size_t i = 0; i < count; i++)
		mask[(size_t)cpus[i] / bits] |= 1UL << ((size_t)cpus[i] % bits);
	return (int)sys_call3(SYS_sched_setaffinity, 0, sizeof mask, mask);
}

CHILD_SIDE static int call_setgroups(const gid_t *groups, size_t count)
{
	long r = sys_call2(SYS_setgroups, count, groups);

	if (r == 0 && sys_call2(SYS_getgroups, 0, NULL) != (long)count)
		r = -EPERM;
	return (int)r;
}

CHILD_SIDE static int call_setgid(gid_t gid)
{
	gid_t now[3] = { 0, 0, 0 };
	long r = sys_call3(SYS_setresgid, gid, gid, gid);

	if (r == 0)
		r = sys_call3(SYS_getresgid, &now[0], &now[1], &now[2]);
	if (r == 0 && (now[0] != gid || now[1] != gid || now[2] != gid))
		r = -EPERM;
	return (int)r;
}

CHILD_SIDE static int call_setuid(uid_t uid)
{
	uid_t now[3] = { 0, 0, 0 };
	long r = sys_call3(SYS_setresuid, uid, uid, uid);

	if (r == 0)
		r = sys_call3(SYS_getresuid, &now[0], &now[1], &now[2]);
	if (r == 0 && (now[0] != uid || now[1] != uid || now[2] != uid))
		r = -EPERM;
	return (int)r;
}

CHILD_SIDE static int call_drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	const struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	long r;

	sys_call5(SYS_prctl, PR_SET_KEEPCAPS, 0, 0, 0, 0);
	r = sys_call5(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (r < 0 && r != -EINVAL)
		return (int)r;
	return (int)sys_call2(SYS_capset, &header, none);
}

CHILD_SIDE static int call_chdir(const char *path)
{
	return (int)sys_call1(SYS_chdir, path);
}

CHILD_SIDE static int call_fchdir(int fd)
{
	return (int)sys_call1(SYS_fchdir, fd);
}

CHILD_SIDE static int call_no_new_privs(void)
{
	return (int)sys_call5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

CHILD_SIDE static int call_die_with_parent(void)
{
	return (int)sys_call5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

CHILD_SIDE static pid_t call_getppid(void)
{
	return (pid_t)sys_call0(SYS_getppid);
}

CHILD_SIDE static int call_exec(const char *file, char *const *argv, char *const *envp)
{
	return (int)sys_call3(SYS_execve, file, argv, envp);
}

CHILD_SIDE static void call_sleep_ms(int ms)
{
	const struct timespec pause = { .tv_sec = 0, .tv_nsec = ms * 1000000L };

	sys_call2(SYS_nanosleep, &pause, NULL);
}

CHILD_SIDE static long call_read(int fd, void *bytes, size_t size)
{
	return sys_call3(SYS_read, fd, bytes, size);
}

CHILD_SIDE static long call_write(int fd, const void *bytes, size_t size)
{
	return sys_call3(SYS_write, fd, bytes, size);
}

CHILD_SIDE static _Noreturn void call_exit(int code)
{
	for (;;)
		sys_call1(SYS_exit_group, code);
}

#else /* plain POSIX: libc's wrappers, in a forked child */

#include <grp.h>

CHILD_SIDE static int answer(int r)
{
	return r < 0 ? -errno : r;
}

CHILD_SIDE static int call_close_range(unsigned int first, unsigned int last, bool unshare)
{
	if (unshare)
		return -ENOSYS;
	if (last == UINT_MAX) {
		closefrom((int)first);
		return 0;
	}
	/* Only gaps between the descriptors that the child was given: no longer than the highest of them. */
	for (unsigned int fd = first; fd <= last; fd++)
		close((int)fd);
	return 0;
}

CHILD_SIDE static int call_dup(int from, int to, bool cloexec)
{
	int r = answer(dup2(from, to));

	return r < 0 || !cloexec ? r : answer(fcntl(to, F_SETFD, FD_CLOEXEC));
}

CHILD_SIDE static int call_fd_keep(int fd)
{
	return answer(fcntl(fd, F_SETFD, 0));
}

CHILD_SIDE static bool call_fd_is_marked(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && (flags & FD_CLOEXEC);
}

CHILD_SIDE static void call_close(int fd)
{
	close(fd);
}

CHILD_SIDE static void call_signal_default(int signal)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigaction(signal, &action, NULL);
}

CHILD_SIDE static bool call_signal_is_ignored(int signal)
{
	struct sigaction action;

	return sigaction(signal, NULL, &action) < 0 || action.sa_handler == SIG_IGN;
}

CHILD_SIDE static void call_unblock_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): the child has one thread */
	sigprocmask(SIG_SETMASK, &none, NULL);
}

CHILD_SIDE static int call_setsid(void)
{
	return answer(setsid());
}

CHILD_SIDE static int call_setpgid(pid_t group)
{
	return answer(setpgid(0, group));
}

CHILD_SIDE static int call_set_foreground(int terminal)
{
	return answer(tcsetpgrp(terminal, getpid()));
}

CHILD_SIDE static void call_umask(mode_t mask)
{
	umask(mask);
}

CHILD_SIDE static int call_nice(int increment)
{
	errno = 0;
	return nice(increment) == -1 && errno ? -errno : 0;
}

CHILD_SIDE static int call_rlimit(const struct rlimit_op *op)
{
	const struct rlimit limit = {
		.rlim_cur = op->soft == UINT64_MAX ? RLIM_INFINITY : (rlim_t)op->soft,
		.rlim_max = op->hard == UINT64_MAX ? RLIM_INFINITY : (rlim_t)op->hard,
	};

	return answer(setrlimit(op->resource, &limit));
}

CHILD_SIDE static int call_affinity(const int *cpus, size_t count)
{
	(void)cpus, (void)count;
	return -ENOTSUP;
}

CHILD_SIDE static int call_setgroups(const gid_t *groups, size_t count)
{
	int r = answer(setgroups(count, groups));

	return r == 0 && getgroups(0, NULL) != (int)count ? -EPERM : r;
}

CHILD_SIDE static int call_setgid(gid_t gid)
{
	int r = answer(setregid(gid, gid));

	return r == 0 && (getgid() != gid || getegid() != gid) ? -EPERM : r;
}

CHILD_SIDE static int call_setuid(uid_t uid)
{
	int r = answer(setreuid(uid, uid));

	if (r == 0 && (getuid() != uid || geteuid() != uid || (uid != 0 && setuid(0) == 0)))
		r = -EPERM;
	return r;
}

CHILD_SIDE static int call_drop_capabilities(void)
{
	return 0;
}

CHILD_SIDE static int call_chdir(const char *path)
{
	return answer(chdir(path));
}

CHILD_SIDE static int call_fchdir(int fd)
{
	return answer(fchdir(fd));
}

CHILD_SIDE static int call_no_new_privs(void)
{
	return -ENOTSUP;
}

CHILD_SIDE static int call_die_with_parent(void)
{
	return -ENOTSUP;
}

CHILD_SIDE static pid_t call_getppid(void)
{
	return getppid();
}

CHILD_SIDE static int call_exec(const char *file, char *const *argv, char *const *envp)
{
	execve(file, argv, envp);
	return -errno;
}

CHILD_SIDE static void call_sleep_ms(int ms)
{
	const struct timespec pause = { .tv_sec = 0, .tv_nsec = ms * 1000000L };

	nanosleep(&pause, NULL);
}

CHILD_SIDE static long call_read(int fd, void *bytes, size_t size)
{
	ssize_t r = read(fd, bytes, size);

	return r < 0 ? -errno : r;
}

CHILD_SIDE static long call_write(int fd, const void *bytes, size_t size)
{
	ssize_t r = write(fd, bytes, size);

	return r < 0 ? -errno : r;
}

CHILD_SIDE static _Noreturn void call_exit(int code)
{
	_exit(code);
}

#endif

#endif
