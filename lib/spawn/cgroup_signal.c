/* SPDX-License-Identifier: MIT */
/*
 * A signal for everybody in a cgroup.
 *
 * It promises to signal members only. A pid is read from cgroup.procs, held by a pidfd, and must be in cgroup.procs once
 * more before the signal goes: was the number reused in between, then either the pidfd is the stranger's and the second
 * look does not show it, or the pidfd is the dead one's and the signal goes nowhere. Where there are no pidfds, only SIGKILL
 * works (cgroup.kill); anything else is -ENOTSUP, because a number alone is not enough to be sure.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "base/fd.h"
#include "spawn/cgroup_private.h"

enum {
	HELD_MAX = 128,                 /* pidfds open at one time */
	ROUNDS_MAX = 1000,              /* looks at a cgroup whose members keep on forking */
	KILLS_MAX = 20,                 /* SIGKILLs for one cgroup, some 3 ms of them */
	PIECE_SIZE = 4096               /* of cgroup.procs, read at one time */
};

/* ---- member by member ---- */

#ifdef __linux__

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static int member_hold(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);

	if (fd >= 0)
		return (int)fd;
	return errno == ENOSYS ? -ENOTSUP : -errno;
}

static int member_signal(int pidfd, int signal)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0)
		return 0;
	return errno == ENOSYS ? -ENOTSUP : -errno;
}

#else

static int member_hold(pid_t pid)
{
	(void)pid;
	return -ENOTSUP;
}

static int member_signal(int pidfd, int signal)
{
	(void)pidfd;
	(void)signal;
	return -ENOTSUP;
}

#endif

/* Pids, sorted where it matters. */
struct pids {
	pid_t *list;
	size_t count;
	size_t capacity;
};

static int pids_add(struct pids *pids, pid_t pid)
{
	if (pids->count == pids->capacity) {
		size_t capacity = pids->capacity ? 2 * pids->capacity : 64;
		pid_t *list = realloc(pids->list, capacity * sizeof *list);

		if (!list)
			return -ENOMEM;
		pids->list = list;
		pids->capacity = capacity;
	}
	pids->list[pids->count++] = pid;
	return 0;
}

static int pid_compare(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a;
	pid_t y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static void pids_sort(struct pids *pids)
{
	if (pids->count > 1)
		qsort(pids->list, pids->count, sizeof *pids->list, pid_compare);
}

static bool pids_have(const struct pids *pids, pid_t pid)
{
	return pids->count > 0 && bsearch(&pid, pids->list, pids->count, sizeof pid, pid_compare);
}

/* Take the numbers, a line each, out of a piece of cgroup.procs; *pid is a number that the piece may cut in two. */
static int members_parse(const char *text, size_t size, pid_t *pid, struct pids *ret)
{
	int r = 0;

	for (size_t i = 0; i < size && r == 0; i++) {
		if (text[i] >= '0' && text[i] <= '9') {
			*pid = *pid * 10 + (text[i] - '0');
			continue;
		}
		/* A member in a pid namespace that we do not see is shown as 0. */
		if (*pid > 0)
			r = pids_add(ret, *pid);
		*pid = 0;
	}
	return r;
}

/*
 * Who is in this one cgroup now, sorted. `procs` is its cgroup.procs, open already: the second look must not fail because the
 * pidfds held meanwhile are this process's last descriptors. A threaded sub-cgroup has no list of its own (EOPNOTSUPP): its
 * processes stand in the list further up. A removed one has nobody (ENODEV).
 */
static int members_read(int procs, struct pids *ret)
{
	char text[PIECE_SIZE];
	ssize_t got = 0;
	pid_t pid = 0;
	int r = 0;

	ret->count = 0;
	if (lseek(procs, 0, SEEK_SET) < 0)
		return -errno;
	while (r == 0 && (got = read(procs, text, sizeof text)) != 0) {
		if (got > 0)
			r = members_parse(text, (size_t)got, &pid, ret);
		else if (errno == ENODEV || errno == EOPNOTSUPP)
			break;
		else if (errno != EINTR)
			r = -errno;
	}
	pids_sort(ret);
	return r;
}

/* One call of cgroup_signal: what it has done so far. */
struct round {
	int signal;
	int depth;
	struct pids done;       /* had the signal already, sorted between rounds */
	struct pids fresh;      /* had it in this round */
	struct pids now;
	struct pids again;
	int error;              /* the first one of a member that could not be signalled: the others still are */
};

struct held {
	pid_t pid;
	int pidfd;
};

static void round_error(struct round *round, int error)
{
	if (round->error == 0)
		round->error = error;
}

/*
 * Take pidfds of members from *at on, as many as fit. One that is gone meanwhile needs nothing. When this process has no more
 * descriptors, the ones held so far are served first.
 */
static int hold_some(struct round *round, size_t *at, struct held held[HELD_MAX], size_t *ret_count)
{
	size_t count = 0;
	int r = 0;

	for (; *at < round->now.count && count < HELD_MAX; ++*at) {
		pid_t pid = round->now.list[*at];

		if (pids_have(&round->done, pid))
			continue;
		r = member_hold(pid);
		if ((r == -EMFILE || r == -ENFILE) && count > 0)
			break;
		if (r < 0 && r != -ESRCH && r != -EINVAL)
			break;
		if (r >= 0)
			held[count++] = (struct held){ .pid = pid, .pidfd = r };
	}
	*ret_count = count;
	return r < 0 && r != -ESRCH && r != -EINVAL && count == 0 ? r : 0;
}

/* Signal those that are members still, and let go of all. */
static int signal_held(struct round *round, int procs, struct held *held, size_t count)
{
	int r = members_read(procs, &round->again);

	for (size_t i = 0; i < count; i++) {
		int sent = -ESRCH;

		if (r == 0 && pids_have(&round->again, held[i].pid))
			sent = member_signal(held[i].pidfd, round->signal);
		if (sent < 0 && sent != -ESRCH)
			round_error(round, sent);
		if (sent != -ESRCH && r == 0)
			r = pids_add(&round->fresh, held[i].pid);
		fd_close(&held[i].pidfd);
	}
	return r;
}

static int signal_here(int dir, struct round *round)
{
	int procs = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	struct held held[HELD_MAX];
	size_t count;
	size_t at = 0;
	int r;

	if (procs < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	r = members_read(procs, &round->now);
	while (r == 0 && at < round->now.count) {
		r = hold_some(round, &at, held, &count);
		if (r == 0 && count > 0)
			r = signal_held(round, procs, held, count);
	}
	fd_close(&procs);
	return r;
}

static int signal_tree(int dir, struct round *round);

/* A sub-cgroup that cannot be looked into does not keep the others from their signal. */
static int signal_below(int dir, const char *name, void *data)
{
	struct round *round = data;
	int below = -1;
	int r = -ELOOP;

	if (round->depth < CGROUP_DEPTH_MAX) {
		below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = below < 0 ? -errno : 0;
	}
	round->depth++;
	if (r == 0)
		r = signal_tree(below, round);
	round->depth--;
	fd_close(&below);
	if (r < 0 && r != -ENOENT && r != -ENOMEM) {
		round_error(round, r);
		r = 0;
	}
	return r == -ENOENT ? 0 : r;
}

/* Every member here, then those of the sub-cgroups. */
static int signal_tree(int dir, struct round *round)
{
	int r = signal_here(dir, round);

	return r < 0 ? r : cgroup_each_below(dir, signal_below, round);
}

/* A round's new ones join those of the rounds before. */
static int round_settle(struct round *round)
{
	int r = 0;

	for (size_t i = 0; i < round->fresh.count && r == 0; i++)
		r = pids_add(&round->done, round->fresh.list[i]);
	round->fresh.count = 0;
	pids_sort(&round->done);
	return r;
}

static void round_done(struct round *round)
{
	free(round->done.list);
	free(round->fresh.list);
	free(round->now.list);
	free(round->again.list);
}

/*
 * Round after round until one finds nobody new, because a member may fork behind our back. Each gets the signal once: a
 * handler that counts SIGTERMs must not see three. (A number that is reused inside the cgroup during this call is taken for
 * the one before; for SIGKILL, where that would matter, the caller looks again until the cgroup is empty.)
 */
static int signal_members(const struct cgroup *cgroup, int signal)
{
	struct round round = { .signal = signal };
	bool anybody = false;
	int r = 0;

	for (int i = 0; i < ROUNDS_MAX; i++) {
		r = signal_tree(cgroup->fd, &round);
		if (r < 0 || round.fresh.count == 0)
			break;
		anybody = true;
		r = round_settle(&round);
		if (r < 0)
			break;
	}
	if (r == 0)
		r = round.error;
	if (r == 0 && !anybody)
		r = -ESRCH;
	round_done(&round);
	return r;
}

/* ---- all at once ---- */

/* One write for all. -errno where this kernel or this cgroup does not have it. */
static int kill_at_once(const struct cgroup *cgroup)
{
	if (cgroup->kill_fd < 0)
		return -ENOTSUP;
	return write(cgroup->kill_fd, "1", 1) == 1 ? 0 : -errno;
}

/*
 * Again and again until nobody is there: a member whose fork is under way may leave a child that the kill does not find, also
 * with cgroup.kill (Linux 6.18: one of some 150, when the kill comes at that moment). Bounded, because one in uninterruptible
 * sleep stays however often it is killed, and one with much memory takes its time. Where nobody can be asked, all of it.
 */
static int kill_members(const struct cgroup *cgroup)
{
	for (int i = 0; i < KILLS_MAX; i++) {
		int r = kill_at_once(cgroup);

		if (r < 0)
			r = signal_members(cgroup, SIGKILL);
		if (r < 0 && r != -ESRCH)
			return r;
		if (cgroup_populated(cgroup) == 0)
			break;
		cgroup_pause();
	}
	return 0;
}

int cgroup_signal(const struct cgroup *cgroup, int signal)
{
	int r;

	if (signal < 0 || signal > SIGRTMAX)
		return -EINVAL;
	r = cgroup_populated(cgroup);
	if (r == 0)
		return -ESRCH;
	/* Also where no descriptor is to be had to ask whether anybody is there. */
	if (signal == SIGKILL)
		return kill_members(cgroup);
	return r < 0 ? r : signal_members(cgroup, signal);
}
