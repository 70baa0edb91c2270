/* SPDX-License-Identifier: MIT */
/*
 * Children with memory of their own: C functions, changes of ids, and every child where clone is not to be had.
 *
 * A socket pair joins the two: the child does nothing before the parent's go-ahead, which is given once the parent holds a pidfd and has checked
 * that it is its child's (until then the pid cannot be reused, because the child waits). Then the child reports its failure, or says
 * nothing: exec closes its end, a function's start is told by an empty report.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <stdio_ext.h>
#endif

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/self.h"
#include "spawn/child.h"
#include "spawn/signals.h"
#include "spawn/sys.h"

enum { LOOK_MS = 20 };

extern char **environ;

/* ---- the child ---- */

/* What the host had buffered is the host's to write; what it had read ahead is not for this child, whose stdin is another. */
static void forget_buffered(FILE *stream)
{
#ifdef __GLIBC__
	__fpurge(stream);
#else
	fpurge(stream);
#endif
	clearerr(stream);
}

/* Output that cannot be written is not success, whatever the function returned. */
static _Noreturn void run_function(const struct plan *plan)
{
	int code;

	if (plan->envp)
		environ = plan->envp;
	forget_buffered(stdin);
	forget_buffered(stdout);
	forget_buffered(stderr);
	code = plan->function(plan->data);
	/* An error that stdio met earlier, when its buffer was full, is not told again by the last flush. */
	if (((fflush(stdout) | fflush(stderr)) != 0 || ferror(stdout)) && code == 0)
		code = 1;
	_exit(code & 0xff);
}

static _Noreturn void fork_child(struct plan *plan, int parents_end)
{
	close(parents_end);
	if (!child_await_go(plan->channel))
		child_exit(127);
	if (!plan->function) {
		child_exec(plan);
	} else if (child_prepare(plan) == 0) {
		child_tell(plan->channel, &plan->report);
		close(plan->channel);
		run_function(plan);
	}
	child_tell(plan->channel, &plan->report);
	child_exit(127);
}

/* ---- the parent ---- */

static int make_channel(struct plan *plan, int *ret_ours, struct failure *failure)
{
	int pair[2];
	int r = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return failure_set(failure, plan->index, STEP_PIPE, errno, "report");
	pair[0] = fd_above_stdio(pair[0]);
	pair[1] = fd_above_stdio(pair[1]);
	if (pair[0] < 0 || pair[1] < 0) {
		r = failure_set(failure, plan->index, STEP_PIPE, pair[0] < 0 ? -pair[0] : -pair[1], "report");
		for (int i = 0; i < 2; i++)
			if (pair[i] >= 0)
				fd_close(&pair[i]);
		return r;
	}
	*ret_ours = pair[0];
	plan->channel = pair[1];
	return 0;
}

#if BROOD_LINUX_FAST_PATH

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* The child waits for us, so its pid is its own, unless somebody killed it and a host that ignores SIGCHLD reaped it: then it is nobody's. */
static int hold(struct pidref *ref)
{
	struct pidref held = *ref;
	int pidfd = (int)syscall(SYS_pidfd_open, ref->pid, 0);
	siginfo_t info;
	int r;

	if (pidfd < 0)
		return errno == EPERM ? -ENOSYS : -errno;
	pidfd = fd_above_stdio(pidfd);
	if (pidfd < 0)
		return pidfd;
	held.pidfd = fd_raise(pidfd);
	do
		r = waitid((idtype_t)3 /* P_PIDFD */, (id_t)held.pidfd, &info, WEXITED | WNOHANG | WNOWAIT);
	while (r < 0 && errno == EINTR);
	/* EINVAL: Linux 5.3 opens pidfds and cannot wait for them. */
	if (r < 0) {
		const int error = errno;

		fd_close(&held.pidfd);
		return error == EINVAL ? -ENOSYS : -ECHILD;
	}
	*ref = held;
	return 0;
}

#else

static int hold(struct pidref *ref)
{
	(void)ref;
	return -ENOSYS;
}

#endif

/* 0, or -errno: the child waits on, and so would whoever waits for its report. EPIPE is no error: it has been killed, which its end tells. */
static int give_go_ahead(int channel)
{
	ssize_t r;

	do
		r = send(channel, "g", 1, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	return r < 0 && errno != EPIPE && errno != ECONNRESET ? -errno : 0;
}

#ifdef __linux__

/* The ninth word of /proc/PID/stat, the seventh behind the name, which may hold anything: PF_FORKNOEXEC is in it until the exec. */
static bool has_done_exec(pid_t pid)
{
	enum { FORKED_AND_NO_EXEC = 0x40 };
	char path[64], text[1024];
	unsigned int flags = FORKED_AND_NO_EXEC;
	const char *at;
	ssize_t size;
	int fd;

	/* In a foreign /proc this would be somebody else, who has done it long ago. */
	if (!self_knows_proc())
		return false;
	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size = read(fd, text, sizeof text - 1);
	fd_close(&fd);
	text[size > 0 ? size : 0] = '\0';
	at = strrchr(text, ')');
	/* NOLINTNEXTLINE(cert-err34-c): the kernel writes an unsigned int there */
	return at && sscanf(at, ") %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && !(flags & FORKED_AND_NO_EXEC);
}

#else

static bool has_done_exec(pid_t pid)
{
	(void)pid;
	return false;
}

#endif

/*
 * Until there is something to read or nothing more can come. As a rule that is an end of file. But another thread may have forked between our
 * socketpair and our close: its child has the child's end too, and may live for ever.
 */
static void await_report(int channel, const struct pidref *ref)
{
	struct pollfd ready = { .fd = channel, .events = POLLIN };
	int64_t look_ns = clock_now_ns() + LOOK_MS * 1000000LL;

	while (poll(&ready, 1, LOOK_MS) <= 0) {
		if (clock_now_ns() < look_ns)
			continue;
		if (pidref_ended(ref) || has_done_exec(ref->pid))
			return;
		look_ns = clock_now_ns() + LOOK_MS * 1000000LL;
	}
}

/*
 * 1 when the child reported a failure, -errno when its report cannot be read. An end of file is an exec that went well, or a child that was killed
 * on its way there.
 */
static int read_report(int channel, const struct pidref *ref, struct child_report *ret)
{
	ssize_t r;

	await_report(channel, ref);
	do
		r = recv(channel, ret, sizeof *ret, MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	/* EAGAIN: it has done its exec, and a stranger holds the other end. ECONNRESET: killed before it had read the go-ahead. */
	if (r < 0 && errno != EAGAIN && errno != ECONNRESET)
		return -errno;
	if (r != (ssize_t)sizeof *ret)
		ret->step = 0;
	return ret->step != 0;
}

static pid_t fork_quietly(struct plan *plan, int ours)
{
	struct signal_mask old;
	pid_t pid;

	signals_block_all(&old);
	pid = fork();
	if (pid == 0)
		fork_child(plan, ours);
	signals_restore(&old);
	return pid;
}

int fork_start(struct plan *plan, bool want_pidfd, struct pidref *ret, struct failure *failure)
{
	struct pidref ref = { .pid = 0, .pidfd = -1 };
	int ours = -1;
	int r;

	/* What a clone that was refused had chosen. */
	plan->shares_table = false;
	plan->early = false;
	plan->running = 0;
	plan->reset_handlers = true;
	r = make_channel(plan, &ours, failure);
	if (r == 0)
		r = engine_open_procs(plan, failure);
	if (r == 0 && fdplan_make(plan->wanted, plan->want_count, plan->channel, &plan->fds) < 0)
		r = failure_set(failure, plan->index, STEP_MEMORY, ENOMEM, NULL);
	if (r < 0)
		goto out;

	ref.pid = fork_quietly(plan, ours);
	if (ref.pid < 0) {
		ref.pid = 0;
		r = failure_set(failure, plan->index, STEP_FORK, errno, stage_name(plan->stage));
		goto out;
	}
	fd_close(&plan->channel);
	r = want_pidfd ? hold(&ref) : 0;
	if (r == -ENOSYS) {
		log_line(BROOD_LOG_INFO, "pidfd_open is not available here");
		if (engine_now() == ENGINE_FORK)
			engine_set(ENGINE_POSIX);
		r = 0;
	}
	if (r == 0)
		r = give_go_ahead(ours);
	if (r == 0)
		r = read_report(ours, &ref, &plan->report);
	if (r < 0) {
		/*
		 * It waits for us, or goes on and nobody knows how far it came; unless it is gone already and a host that ignores SIGCHLD has no
		 * claim on its number: that is looked at.
		 */
		pidref_signal(&ref, SIGKILL);
		r = failure_set(failure, plan->index, STEP_FORK, -r, stage_name(plan->stage));
		goto out;
	}
	if (r > 0)
		r = plan_failure(plan, failure);
out:
	fd_close(&ours);
	fd_close(&plan->channel);
	fd_close(&plan->cgroup_procs);
	if (r < 0)
		reap_failed(&ref);
	*ret = ref;
	return r;
}
