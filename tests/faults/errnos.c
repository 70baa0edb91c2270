/* SPDX-License-Identifier: MIT */
/*
 * Which system calls may fail, with what, and who says so.
 *
 * EBADF, EFAULT and their like are left out: they would be faults of our own, and no answer to them is a right one. So are errors that
 * would be lies: ESRCH and ECHILD of a child that is there, EPIPE where there is a reader. A call with no error at all is listed too, or the sweep would
 * report it as unknown. Sources are sections of the Linux man pages unless they say otherwise.
 */
#include "errnos.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "errnos_old.h"

#define ERRORS(...) ((const int[]){ __VA_ARGS__, 0 })
#define ANY -1, 0, 0
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAPPING(...) nothing            /* a sanitizer ends the program when it gets no memory for itself */
#else
#define MAPPING(...) ERRORS(__VA_ARGS__)
#endif
#define WHEN(argument, value) argument, 0xffffffff, (value) & 0xffffffff

enum { ARG_IDTYPE = 0, ARG_COMMAND = 1, ARG_OPERATION = 1, ARG_OPTION = 0, ARG_ADVICE = 2, ARG_FLAGS = 3 };

static const int nothing[] = { 0 };

const struct call calls[] = {
	/* ---- making children ---- */
	{ "clone3", SYS_clone3, ANY, ON_BOTH, ERRORS(EAGAIN, ENOMEM, EMFILE, ENOSYS, EPERM, EINVAL, E2BIG, EBUSY),
	  ERRORS(EAGAIN, ENOMEM, EMFILE, ENOSYS, EPERM, EINVAL), "clone(2); E2BIG: kernel/fork.c, copy_clone_args_from_user" },
	{ "clone", SYS_clone, ANY, ON_BOTH, ERRORS(EAGAIN, ENOMEM, EMFILE, EINVAL, EPERM), ERRORS(EAGAIN, ENOMEM, EMFILE), "clone(2), fork(2)" },
#ifdef SYS_fork
	{ "fork", SYS_fork, ANY, ON_BOTH, ERRORS(EAGAIN, ENOMEM), ERRORS(EAGAIN, ENOMEM), "fork(2)" },
#endif
	{ "execve", SYS_execve, ANY, ON_CHILD,
	  ERRORS(ENOENT, EACCES, ENOMEM, E2BIG, ETXTBSY, ELOOP, EMFILE, ENFILE, EIO, EPERM, EAGAIN, ENOEXEC, EINVAL, EISDIR, ENOTDIR),
	  ERRORS(ENOENT, EACCES, ENOMEM, ETXTBSY), "execve(2)" },
	{ "futex FUTEX_WAIT", SYS_futex, 1, 0x7f, 0, ON_BOTH, ERRORS(EINTR, EAGAIN), nothing, "futex(2)" },
	{ "futex", SYS_futex, ANY, ON_BOTH, nothing, nothing, "FUTEX_WAKE: none; libc ends the program on any" },
	{ "setpgid", SYS_setpgid, ANY, ON_HOST, ERRORS(EACCES, EPERM), ERRORS(EACCES), "setpgid(2)" },
	{ "setpgid", SYS_setpgid, ANY, ON_CHILD, ERRORS(EPERM, EACCES), ERRORS(EPERM), "setpgid(2)" },
	{ "setsid", SYS_setsid, ANY, ON_BOTH, ERRORS(EPERM), nothing, "setsid(2)" },

	/* ---- pidfds, signals, ends ---- */
	{ "pidfd_open", SYS_pidfd_open, ANY, ON_BOTH, ERRORS(EMFILE, ENFILE, ENODEV, ENOMEM, ENOSYS, EPERM),
	  ERRORS(EMFILE, ENFILE, ENOMEM, ENOSYS, EPERM), "pidfd_open(2)" },
	{ "pidfd_send_signal", SYS_pidfd_send_signal, ANY, ON_BOTH, ERRORS(ENOSYS, EPERM, EINVAL), ERRORS(ENOSYS, EPERM, EINVAL),
	  "pidfd_send_signal(2)" },
	{ "kill", SYS_kill, ANY, ON_BOTH, nothing, nothing, "kill(2): EPERM of a child that changed its user, which is told as LOST and left" },
	{ "waitid P_PIDFD", SYS_waitid, WHEN(ARG_IDTYPE, 3), ON_BOTH, ERRORS(EINTR, EINVAL), ERRORS(EINVAL),
	  "waitid(2); EINVAL: before Linux 5.4" },
	{ "waitid", SYS_waitid, ANY, ON_BOTH, ERRORS(EINTR), nothing, "waitid(2)" },
	{ "wait4", SYS_wait4, ANY, ON_BOTH, ERRORS(EINTR), nothing, "wait4(2)" },
	{ "ioctl PIDFD_GET_INFO", SYS_ioctl, 1, 0xffff, 0xff0b, ON_BOTH, ERRORS(ENOTTY, EINVAL, EPERM), ERRORS(ENOTTY, EINVAL, EPERM),
	  "ioctl(2); fs/pidfs.c" },
	{ "rt_sigtimedwait", SYS_rt_sigtimedwait, ANY, ON_BOTH, ERRORS(EINTR, EAGAIN), nothing, "sigtimedwait(2)" },
	{ "nanosleep", SYS_nanosleep, ANY, ON_BOTH, ERRORS(EINTR), nothing, "nanosleep(2)" },
	{ "clock_nanosleep", SYS_clock_nanosleep, ANY, ON_BOTH, ERRORS(EINTR), nothing, "clock_nanosleep(2)" },

	/* ---- descriptors ---- */
	{ "openat", SYS_openat, ANY, ON_BOTH, ERRORS(EMFILE, ENFILE, ENOMEM, EACCES, ENOENT, EINTR, EIO, ENODEV),
	  ERRORS(EMFILE, ENFILE, ENOMEM, EACCES), "open(2); a cgroup that has members has its files: ENOENT does not last" },
	{ "pipe2", SYS_pipe2, ANY, ON_BOTH, ERRORS(EMFILE, ENFILE), ERRORS(EMFILE, ENFILE), "pipe(2)" },
	{ "socketpair", SYS_socketpair, ANY, ON_BOTH, ERRORS(EMFILE, ENFILE, ENOMEM, EAFNOSUPPORT, EPERM), ERRORS(EMFILE, ENFILE, ENOMEM),
	  "socketpair(2); EPERM: a container's filter" },
	{ "close", FAKE_CLOSE, ANY, ON_BOTH, ERRORS(EINTR, EIO), ERRORS(EIO), "close(2): the descriptor is gone all the same" },
	{ "close_range", SYS_close_range, ANY, ON_BOTH, ERRORS(EMFILE, ENOMEM, ENOSYS, EPERM, EINVAL), ERRORS(EMFILE, ENOMEM, ENOSYS, EPERM, EINVAL),
	  "close_range(2)" },
	{ "dup3", SYS_dup3, ANY, ON_BOTH, ERRORS(EBUSY, EINTR, EMFILE), ERRORS(EMFILE), "dup(2)" },
	{ "fcntl F_DUPFD_CLOEXEC", SYS_fcntl, WHEN(ARG_COMMAND, F_DUPFD_CLOEXEC), ON_BOTH, ERRORS(EMFILE, EINVAL), ERRORS(EMFILE, EINVAL),
	  "fcntl(2)" },
	{ "fcntl F_SETPIPE_SZ", SYS_fcntl, WHEN(ARG_COMMAND, F_SETPIPE_SZ), ON_BOTH, ERRORS(EPERM, EBUSY, ENOMEM), ERRORS(EPERM, ENOMEM),
	  "fcntl(2); ENOMEM: fs/pipe.c" },
	{ "fcntl F_SETFL", SYS_fcntl, WHEN(ARG_COMMAND, F_SETFL), ON_BOTH, ERRORS(EPERM), nothing, "fcntl(2); a security module" },
	{ "fcntl F_GETFL", SYS_fcntl, WHEN(ARG_COMMAND, F_GETFL), ON_BOTH, ERRORS(EPERM), nothing, "a security module" },
	{ "fcntl", SYS_fcntl, ANY, ON_BOTH, nothing, nothing, "F_GETFD, F_SETFD: none but EBADF" },
	{ "ioctl", SYS_ioctl, ANY, ON_BOTH, ERRORS(ENOTTY), ERRORS(ENOTTY), "ioctl(2): FIONREAD" },

	/* ---- bytes ---- */
	{ "read", SYS_read, ANY, ON_HOST, ERRORS(EIO, EINTR, EAGAIN), ERRORS(EIO), "read(2); EAGAIN: poll(2), a descriptor falsely told as ready" },
	{ "read", SYS_read, ANY, ON_CHILD, ERRORS(EINTR, EIO), ERRORS(EIO), "read(2)" },
	{ "read, short", FAKE_READ, ANY, ON_BOTH, ERRORS(SHORT), ERRORS(SHORT), "read(2), RETURN VALUE" },
	{ "pread64", SYS_pread64, ANY, ON_BOTH, ERRORS(EINTR, EIO, ENOMEM), ERRORS(EIO), "read(2); ENOMEM: fs/seq_file.c" },
	{ "write", SYS_write, ANY, ON_HOST, ERRORS(EINTR, EAGAIN, EIO, ENOSPC), ERRORS(EIO, ENOSPC), "write(2)" },
	{ "write", SYS_write, ANY, ON_CHILD, ERRORS(EINTR, ENOMEM), ERRORS(ENOMEM), "write(2), unix(7)" },
	{ "pwrite64", SYS_pwrite64, ANY, ON_BOTH, ERRORS(EINTR, EIO, ENOSPC), ERRORS(EIO, ENOSPC), "write(2)" },
	{ "pwritev2", SYS_pwritev2, ANY, ON_BOTH, ERRORS(EINTR, EAGAIN, EOPNOTSUPP, ENOSYS, EINVAL, EPERM),
	  ERRORS(EOPNOTSUPP, ENOSYS, EINVAL, EPERM), "readv(2)" },
	{ "write, short", FAKE_WRITE, ANY, ON_BOTH, ERRORS(SHORT), ERRORS(SHORT), "write(2), RETURN VALUE" },
	{ "plain write, short", FAKE_PUT, ANY, ON_HOST, ERRORS(SHORT), ERRORS(SHORT), "write(2), RETURN VALUE" },
	{ "plain write, short", FAKE_PUT, ANY, ON_CHILD, nothing, nothing, "pipe(7): none, of so little" },
	{ "write to its own pipe", FAKE_OWN_PIPE, ANY, ON_HOST, ERRORS(EINTR), nothing, "pipe(7): it has room, and a reader" },
	{ "read from its own socket", FAKE_OWN_SOCKET, ANY, ON_CHILD, ERRORS(EINTR), nothing, "unix(7)" },
	{ "sendto", SYS_sendto, ANY, ON_BOTH, ERRORS(ENOBUFS, EINTR, ENOMEM), ERRORS(ENOBUFS, ENOMEM), "send(2)" },
	{ "recvfrom", SYS_recvfrom, ANY, ON_BOTH, ERRORS(EINTR), nothing, "recv(2); ENOMEM is recvmsg's" },

	/* ---- waiting ---- */
	{ "ppoll", SYS_ppoll, ANY, ON_BOTH, ERRORS(ENOMEM, EINTR, EINVAL), ERRORS(ENOMEM, EINVAL), "poll(2); EINVAL: more than RLIMIT_NOFILE" },
#ifdef SYS_poll
	{ "poll", SYS_poll, ANY, ON_BOTH, ERRORS(EINTR, ENOMEM), nothing, "poll(2)" },
#endif
	{ "epoll_create1", SYS_epoll_create1, ANY, ON_BOTH, ERRORS(EMFILE, ENFILE, ENOMEM), ERRORS(EMFILE, ENFILE, ENOMEM), "epoll_create(2)" },
	{ "epoll_ctl ADD", SYS_epoll_ctl, WHEN(ARG_OPERATION, EPOLL_CTL_ADD), ON_BOTH, ERRORS(ENOMEM, ENOSPC), ERRORS(ENOMEM, ENOSPC),
	  "epoll_ctl(2)" },
	{ "epoll_ctl MOD", SYS_epoll_ctl, WHEN(ARG_OPERATION, EPOLL_CTL_MOD), ON_BOTH, ERRORS(ENOMEM), ERRORS(ENOMEM), "epoll_ctl(2)" },
	{ "epoll_ctl DEL", SYS_epoll_ctl, ANY, ON_BOTH, nothing, nothing, "epoll_ctl(2): none" },
	{ "epoll_pwait2", SYS_epoll_pwait2, ANY, ON_BOTH, ERRORS(EINTR, ENOSYS, EPERM), ERRORS(ENOSYS, EPERM), "epoll_wait(2)" },
	{ "epoll_pwait", SYS_epoll_pwait, ANY, ON_BOTH, ERRORS(EINTR), nothing, "epoll_wait(2)" },
#ifdef SYS_epoll_wait
	{ "epoll_wait", SYS_epoll_wait, ANY, ON_BOTH, ERRORS(EINTR), nothing, "epoll_wait(2)" },
#endif
	{ "eventfd2", SYS_eventfd2, ANY, ON_BOTH, ERRORS(EMFILE, ENFILE, ENOMEM, ENODEV), ERRORS(EMFILE, ENFILE, ENOMEM), "eventfd(2)" },
	{ "timerfd_create", SYS_timerfd_create, ANY, ON_BOTH, ERRORS(EMFILE, ENFILE, ENOMEM, ENODEV), ERRORS(EMFILE, ENFILE, ENOMEM),
	  "timerfd_create(2)" },
	{ "timerfd_settime", SYS_timerfd_settime, ANY, ON_BOTH, nothing, nothing, "timerfd_create(2): none for a timer like ours" },

	/* ---- memory ---- */
	{ "malloc", FAKE_MALLOC, ANY, ON_BOTH, ERRORS(ENOMEM), ERRORS(ENOMEM), "malloc(3)" },
	{ "mmap", SYS_mmap, ANY, ON_BOTH, MAPPING(ENOMEM, EAGAIN), MAPPING(ENOMEM), "mmap(2)" },
	{ "mremap", SYS_mremap, ANY, ON_BOTH, MAPPING(ENOMEM, EAGAIN), MAPPING(ENOMEM), "mremap(2)" },
	{ "madvise", SYS_madvise, ANY, ON_BOTH, MAPPING(ENOMEM, EAGAIN, EINVAL), MAPPING(ENOMEM, EINVAL), "madvise(2)" },
	{ "munmap", SYS_munmap, ANY, ON_BOTH, nothing, nothing, "munmap(2): ENOMEM cannot be answered, libc does not either" },
	{ "brk", SYS_brk, ANY, ON_BOTH, nothing, nothing, "brk(2): it tells by another value, which malloc stands for" },
	{ "mprotect", SYS_mprotect, ANY, ON_BOTH, nothing, nothing, "libc's own" },
	{ "memfd_create", SYS_memfd_create, ANY, ON_BOTH, ERRORS(EMFILE, ENFILE, ENOMEM, ENOSYS, EINVAL), ERRORS(EMFILE, ENFILE, ENOMEM, ENOSYS, EINVAL),
	  "memfd_create(2)" },
	{ "ftruncate", SYS_ftruncate, ANY, ON_BOTH, ERRORS(EINTR, EIO, ENOMEM), ERRORS(EIO), "truncate(2)" },
	{ "fallocate", SYS_fallocate, ANY, ON_BOTH, ERRORS(EINTR, ENOSPC, EIO, EPERM), ERRORS(ENOSPC, EIO), "fallocate(2)" },

	OLD_CALLS
	/* ---- what the child makes of itself ---- */
	{ "chdir", SYS_chdir, ANY, ON_BOTH, ERRORS(EACCES, ENOENT, ENOMEM, EIO, ENOTDIR, ELOOP), nothing, "chdir(2)" },
	{ "fchdir", SYS_fchdir, ANY, ON_BOTH, ERRORS(EACCES), nothing, "chdir(2)" },
	{ "prlimit64", SYS_prlimit64, ANY, ON_CHILD, ERRORS(EPERM, EINVAL), nothing, "getrlimit(2)" },
	{ "prlimit64", SYS_prlimit64, ANY, ON_HOST, ERRORS(EPERM), nothing, "getrlimit(2)" },
	{ "setpriority", SYS_setpriority, ANY, ON_BOTH, ERRORS(EACCES, EPERM), nothing, "getpriority(2)" },
	{ "sched_setaffinity", SYS_sched_setaffinity, ANY, ON_BOTH, ERRORS(EINVAL, EPERM), nothing, "sched_setaffinity(2)" },
	{ "sched_getaffinity", SYS_sched_getaffinity, ANY, ON_BOTH, ERRORS(EINVAL), ERRORS(EINVAL), "sched_setaffinity(2)" },
	{ "setgroups", SYS_setgroups, ANY, ON_BOTH, ERRORS(EPERM, ENOMEM), nothing, "getgroups(2)" },
	{ "setresgid", SYS_setresgid, ANY, ON_BOTH, ERRORS(EPERM, EAGAIN), nothing, "setresuid(2)" },
	{ "setresuid", SYS_setresuid, ANY, ON_BOTH, ERRORS(EPERM, EAGAIN), nothing, "setresuid(2)" },
	{ "setregid", SYS_setregid, ANY, ON_BOTH, ERRORS(EPERM, EAGAIN), nothing, "setreuid(2)" },
	{ "setreuid", SYS_setreuid, ANY, ON_BOTH, ERRORS(EPERM, EAGAIN), nothing, "setreuid(2)" },
	{ "setuid", SYS_setuid, ANY, ON_BOTH, nothing, nothing, "the plain POSIX child's look whether it can come back: it is to fail" },
	{ "capset", SYS_capset, ANY, ON_BOTH, ERRORS(EPERM), nothing, "capset(2)" },
	{ "prctl PR_SET_NO_NEW_PRIVS", SYS_prctl, WHEN(ARG_OPTION, PR_SET_NO_NEW_PRIVS), ON_BOTH, ERRORS(EINVAL), nothing, "prctl(2)" },
	{ "prctl PR_SET_PDEATHSIG", SYS_prctl, WHEN(ARG_OPTION, PR_SET_PDEATHSIG), ON_BOTH, ERRORS(EPERM), nothing, "prctl(2); a container's filter" },
	{ "prctl PR_CAP_AMBIENT", SYS_prctl, WHEN(ARG_OPTION, PR_CAP_AMBIENT), ON_BOTH, ERRORS(EINVAL, EPERM), nothing, "prctl(2)" },
	{ "prctl", SYS_prctl, ANY, ON_BOTH, nothing, nothing, "prctl(2)" },

	/* ---- files ---- */
	{ "getcwd", SYS_getcwd, ANY, ON_BOTH, ERRORS(ENOENT, EACCES, ENOMEM), nothing, "getcwd(2)" },
	{ "getdents64", SYS_getdents64, ANY, ON_BOTH, ERRORS(EIO, ENOENT), nothing, "getdents(2)" },
	{ "newfstatat", SYS_newfstatat, ANY, ON_BOTH, ERRORS(EACCES, ENOMEM, EIO), nothing, "stat(2)" },
	{ "faccessat", SYS_faccessat, ANY, ON_BOTH, ERRORS(EACCES, ENOMEM), nothing, "access(2)" },
	{ "faccessat2", 439, ANY, ON_BOTH, ERRORS(EACCES, ENOMEM, ENOSYS), nothing, "access(2)" },
	{ "readlinkat", SYS_readlinkat, ANY, ON_BOTH, ERRORS(EACCES, ENOMEM), nothing, "readlink(2)" },
	{ "mkdirat", SYS_mkdirat, ANY, ON_BOTH, ERRORS(EACCES, EPERM, ENOSPC, ENOMEM, EROFS, EAGAIN, EEXIST), ERRORS(EACCES, ENOSPC),
	  "mkdir(2); EAGAIN: kernel/cgroup/cgroup.c" },
	{ "linkat", SYS_linkat, ANY, ON_BOTH, ERRORS(EEXIST, EACCES, ENOSPC, EIO, EPERM), ERRORS(EACCES, ENOSPC), "link(2)" },
	{ "renameat", SYS_renameat, ANY, ON_BOTH, ERRORS(EACCES, ENOSPC, EIO, EBUSY), nothing, "rename(2)" },
	{ "flock", SYS_flock, ANY, ON_BOTH, ERRORS(EINTR, EAGAIN, ENOLCK, EOPNOTSUPP), ERRORS(EAGAIN),
	  "flock(2); EOPNOTSUPP: a file system without locks" },
	{ "fsync", SYS_fsync, ANY, ON_BOTH, ERRORS(EIO, ENOSPC, EINVAL), nothing, "fsync(2)" },
	{ "fdatasync", SYS_fdatasync, ANY, ON_BOTH, ERRORS(EIO, ENOSPC), nothing, "fsync(2)" },
	{ "fstatfs", SYS_fstatfs, ANY, ON_BOTH, ERRORS(EIO, ENOMEM, EINTR), nothing, "statfs(2)" },
	{ "unlinkat", SYS_unlinkat, ANY, ON_BOTH, ERRORS(EBUSY, EACCES, EIO), nothing, "unlink(2)" },
	{ "getrandom", SYS_getrandom, ANY, ON_BOTH, ERRORS(ENOSYS, EAGAIN), ERRORS(ENOSYS), "getrandom(2)" },

	/* ---- nothing to fail with ---- */
	{ "rt_sigprocmask", SYS_rt_sigprocmask, ANY, ON_BOTH, nothing, nothing, "sigprocmask(2): none for arguments like ours" },
	{ "rt_sigaction", SYS_rt_sigaction, ANY, ON_BOTH, nothing, nothing, "sigaction(2): none for arguments like ours" },
	{ "rt_sigpending", SYS_rt_sigpending, ANY, ON_BOTH, nothing, nothing, "sigpending(2): none" },
	{ "sigaltstack", SYS_sigaltstack, ANY, ON_BOTH, nothing, nothing, "libc's own" },
	{ "getpid", SYS_getpid, ANY, ON_BOTH, nothing, nothing, "getpid(2): none" },
#ifdef __SANITIZE_THREAD__
	{ "gettimeofday", SYS_gettimeofday, ANY, ON_BOTH, nothing, nothing, "ThreadSanitizer's own, after a fork" },
	{ "fstat", SYS_fstat, ANY, ON_BOTH, nothing, nothing, "ThreadSanitizer's way to ask what opendir asks" },
#endif
	{ "gettid", SYS_gettid, ANY, ON_BOTH, nothing, nothing, "gettid(2): none" },
	{ "getppid", SYS_getppid, ANY, ON_BOTH, nothing, nothing, "getpid(2): none" },
	{ "getpgid", SYS_getpgid, ANY, ON_BOTH, nothing, nothing, "getpgid(2): none but ESRCH" },
	{ "tgkill", SYS_tgkill, ANY, ON_BOTH, nothing, nothing, "tgkill(2): none, to ourselves" },
	{ "umask", SYS_umask, ANY, ON_BOTH, nothing, nothing, "umask(2): none" },
	{ "getpriority", SYS_getpriority, ANY, ON_BOTH, nothing, nothing, "getpriority(2): none" },
	{ "getgroups", SYS_getgroups, ANY, ON_BOTH, nothing, nothing, "getgroups(2): none" },
	{ "getresuid", SYS_getresuid, ANY, ON_BOTH, nothing, nothing, "getresuid(2): none" },
	{ "getresgid", SYS_getresgid, ANY, ON_BOTH, nothing, nothing, "getresuid(2): none" },
	{ "getuid", SYS_getuid, ANY, ON_BOTH, nothing, nothing, "getuid(2): none" },
	{ "geteuid", SYS_geteuid, ANY, ON_BOTH, nothing, nothing, "getuid(2): none" },
	{ "getgid", SYS_getgid, ANY, ON_BOTH, nothing, nothing, "getgid(2): none" },
	{ "getegid", SYS_getegid, ANY, ON_BOTH, nothing, nothing, "getgid(2): none" },
	{ "lseek", SYS_lseek, ANY, ON_BOTH, nothing, nothing, "lseek(2): none" },
	{ "set_robust_list", SYS_set_robust_list, ANY, ON_BOTH, nothing, nothing, "libc's own, in a child of fork" },
	{ "rseq", SYS_rseq, ANY, ON_BOTH, nothing, nothing, "libc's own, in a child of fork" },
	{ "sched_yield", SYS_sched_yield, ANY, ON_BOTH, nothing, nothing, "sched_yield(2): none" },
	{ "uname", SYS_uname, ANY, ON_BOTH, nothing, nothing, "uname(2): none" },
	{ .name = NULL },
};

/* ---- looking up ---- */

size_t calls_count(void)
{
	return sizeof calls / sizeof *calls - 1;
}

/* The first one that fits: narrower uses of a call stand before the whole. */
int calls_find(long nr, const uint64_t arguments[6], enum side side)
{
	for (int i = 0; calls[i].name; i++) {
		const struct call *call = &calls[i];

		if (call->nr == nr && (call->sides & 1U << side) &&
		    (call->argument < 0 || (arguments[call->argument] & call->mask) == call->value))
			return i;
	}
	return -1;
}

int calls_named(const char *name, enum side side)
{
	for (int i = 0; calls[i].name; i++)
		if (strcmp(calls[i].name, name) == 0 && (calls[i].sides & 1U << side))
			return i;
	return -1;
}

#define NAME(error) { error, #error }

static const struct {
	int number;
	const char *name;
} names[] = {
	NAME(EPERM), NAME(ENOENT), NAME(ESRCH), NAME(EINTR), NAME(EIO), NAME(ENXIO), NAME(E2BIG), NAME(ENOEXEC), NAME(EBADF), NAME(ECHILD),
	NAME(EAGAIN), NAME(ENOMEM), NAME(EACCES), NAME(EBUSY), NAME(EEXIST), NAME(ENODEV), NAME(ENOTDIR), NAME(EISDIR), NAME(EINVAL),
	NAME(ENFILE), NAME(EMFILE), NAME(ENOTTY), NAME(ETXTBSY), NAME(EFBIG), NAME(ENOSPC), NAME(EROFS), NAME(EPIPE), NAME(ELOOP),
	NAME(ENOSYS), NAME(EOPNOTSUPP), NAME(EAFNOSUPPORT), NAME(ENOBUFS), NAME(ETIMEDOUT), NAME(ECANCELED),
	{ SHORT, "one-byte" },
};

const char *errno_name(int error)
{
	static char number[16];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].number == error)
			return names[i].name;
	snprintf(number, sizeof number, "%d", error);
	return number;
}

/* The longest: "No such device" begins "No such device or address" too. */
int errno_in(const char *text)
{
	size_t longest = 0;
	int found = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *words = strerror(names[i].number);

		if (names[i].number == SHORT || !strstr(text, words) || strlen(words) <= longest)
			continue;
		longest = strlen(words);
		found = names[i].number;
	}
	return found;
}

int errno_number(const char *name)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].number;
	return atoi(name);
}
