/* SPDX-License-Identifier: MIT */
/*
 * Waiting for and signalling one child by its pidfd.
 *
 * It promises never to reap or signal anybody else: no waitpid(-1), no kill by a number that may have been reused. It refuses to guess: a
 * status that nobody can tell is LOST, never 0.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/pidref.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/self.h"
#include "spawn/sys.h"

static void end_from_status(int status, struct child_end *ret)
{
	if (WIFEXITED(status)) {
		ret->how = BROOD_EXITED;
		ret->code = WEXITSTATUS(status);
	} else {
		ret->how = BROOD_SIGNALLED;
		ret->code = WTERMSIG(status);
	}
}

#if BROOD_LINUX_FAST_PATH

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

/* linux/pidfd.h of Linux 6.15: older headers lack it, so its first published size (64 bytes) is written down here. */
struct pidfd_info_v0 {
	uint64_t mask;
	uint64_t cgroupid;
	uint32_t pid, tgid, ppid;
	uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
};

enum { INFO_EXIT = 1 << 3, SIGNAL_PROCESS_GROUP = 1 << 2 };

#define GET_INFO _IOWR(0xff, 11, struct pidfd_info_v0)

/*
 * 1 with the end, 0 while the kernel has not written it down yet, -1 where it never will.
 *
 * ESRCH is asked about once more. Since Linux 6.15 the end is written down before the number is taken away, but the kernel looks for it before it looks
 * for the number: between those two looks somebody may have reaped the child (fs/pidfs.c, pidfd_info). Older kernels say ESRCH for good.
 */
static int ask_pidfd(int pidfd, struct child_end *ret)
{
	struct pidfd_info_v0 info = { .mask = INFO_EXIT };
	int r;

	_Static_assert(sizeof info == 64, "the kernel tells versions apart by size");
	if (pidfd < 0)
		return -1;
	r = ioctl(pidfd, GET_INFO, &info);
	if (r < 0 && errno == ESRCH) {
		info = (struct pidfd_info_v0){ .mask = INFO_EXIT };
		r = ioctl(pidfd, GET_INFO, &info);
	}
	if (r < 0)
		return -1;
	if (!(info.mask & INFO_EXIT))
		return 0;
	end_from_status(info.exit_code, ret);
	return 1;
}

/*
 * The status of a child that somebody else reaped: the kernel keeps it with the pidfd. Another thread of the host may be reaping it at this very
 * moment: then it is nobody's child any more, and its end comes an instant later (or, before Linux 6.15, ESRCH). A busy machine may keep that thread
 * waiting: about five seconds of patience.
 */
static void end_from_pidfd(int pidfd, struct child_end *ret)
{
	enum { LOOKS_MAX = 45, PAUSE_MOST_NS = 100000000 };

	struct timespec pause = { .tv_nsec = 10000 };

	ret->how = BROOD_LOST;
	ret->code = 0;
	for (int i = 0; i < LOOKS_MAX && ask_pidfd(pidfd, ret) == 0; i++) {
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < PAUSE_MOST_NS)
			pause.tv_nsec *= 2;
	}
}

static int wait_once(const struct pidref *ref, int options, siginfo_t *info, struct rusage *usage)
{
	long r;

	/* libc's waitid has no rusage; the kernel's has. */
	info->si_pid = 0;
	r = -EINVAL;
	if (ref->pidfd >= 0)
		r = sys_call5(SYS_waitid, P_PIDFD, ref->pidfd, info, options, usage);
	/* Linux 5.2 and 5.3 make pidfds and cannot wait for them. */
	if (r == -EINVAL)
		r = sys_call5(SYS_waitid, P_PID, ref->pid, info, options, usage);
	if (r < 0)
		return (int)r;
	return info->si_pid != 0;
}

static void end_from_info(const siginfo_t *info, struct child_end *ret)
{
	ret->how = info->si_code == CLD_EXITED ? BROOD_EXITED : BROOD_SIGNALLED;
	ret->code = info->si_status;
}

int pidref_reap(const struct pidref *ref, bool block, pid_t owner, struct child_end *ret)
{
	siginfo_t info;
	int r;

	do
		r = wait_once(ref, WEXITED | (block ? 0 : WNOHANG), &info, &ret->usage);
	while (r == -EINTR);
	if (r == 1) {
		end_from_info(&info, ret);
		ret->has_usage = true;
		return 1;
	}
	if (r != -ECHILD)
		return r;
	if (self_pid() != owner)
		return -ECHILD;
	ret->has_usage = false;
	memset(&ret->usage, 0, sizeof ret->usage);
	end_from_pidfd(ref->pidfd, ret);
	return 1;
}

bool pidref_ended(const struct pidref *ref)
{
	siginfo_t info;
	int r;

	do
		r = wait_once(ref, WEXITED | WNOHANG | WNOWAIT, &info, NULL);
	while (r == -EINTR);
	return r != 0;
}

/* What a kernel without this call or flag answers, or a container's filter before it. */
static bool not_here(int r)
{
	return r == -ENOSYS || r == -EINVAL || r == -EPERM;
}

/* By number: right only while nobody has reaped it, and somebody else may have. */
static int signal_by_number(const struct pidref *ref, pid_t to, int signal)
{
	siginfo_t info;

	if (wait_once(ref, WEXITED | WNOHANG | WNOWAIT, &info, NULL) == -ECHILD)
		return -ESRCH;
	return kill(to, signal) < 0 ? -errno : 0;
}

int pidref_signal(const struct pidref *ref, int signal)
{
	int r = -ENOSYS;

	if (ref->pidfd >= 0)
		r = (int)sys_call4(SYS_pidfd_send_signal, ref->pidfd, signal, NULL, 0);
	return not_here(r) ? signal_by_number(ref, ref->pid, signal) : r;
}

int pidref_signal_group(const struct pidref *ref, int signal, bool leader_reaped)
{
	int r = -ENOSYS;

	if (ref->pidfd >= 0)
		r = (int)sys_call4(SYS_pidfd_send_signal, ref->pidfd, signal, NULL, SIGNAL_PROCESS_GROUP);
	if (!not_here(r))
		return r;
	if (leader_reaped)
		return -ESRCH;
	return signal_by_number(ref, -ref->pid, signal);
}

bool pidref_group_outlives_leader(const struct pidref *ref)
{
	long r = -ENOSYS;

	/* An old kernel refuses the flag before it looks at anything else. */
	if (ref->pidfd >= 0)
		r = sys_call4(SYS_pidfd_send_signal, ref->pidfd, 0, NULL, SIGNAL_PROCESS_GROUP);
	return !not_here((int)r);
}

#else /* plain POSIX */

int pidref_reap(const struct pidref *ref, bool block, pid_t owner, struct child_end *ret)
{
	int status;
	pid_t pid;

	do
		pid = wait4(ref->pid, &status, block ? 0 : WNOHANG, &ret->usage);
	while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return 0;
	ret->has_usage = pid > 0;
	if (pid > 0) {
		end_from_status(status, ret);
		return 1;
	}
	if (errno != ECHILD)
		return -errno;
	if (self_pid() != owner)
		return -ECHILD;
	memset(&ret->usage, 0, sizeof ret->usage);
	ret->how = BROOD_LOST;
	ret->code = 0;
	return 1;
}

bool pidref_ended(const struct pidref *ref)
{
	siginfo_t info = { .si_pid = 0 };
	int r;

	do
		r = waitid(P_PID, (id_t)ref->pid, &info, WEXITED | WNOHANG | WNOWAIT);
	while (r < 0 && errno == EINTR);
	return r < 0 || info.si_pid != 0;
}

int pidref_signal(const struct pidref *ref, int signal)
{
	return kill(ref->pid, signal) < 0 ? -errno : 0;
}

int pidref_signal_group(const struct pidref *ref, int signal, bool leader_reaped)
{
	if (leader_reaped)
		return -ESRCH;
	return kill(-ref->pid, signal) < 0 ? -errno : 0;
}

bool pidref_group_outlives_leader(const struct pidref *ref)
{
	(void)ref;
	return false;
}

#endif
