/* SPDX-License-Identifier: MIT */
/*
 * What this process looks like from outside, and what changed since: the promise that the library leaves the
 * host alone is tested by taking a snapshot before and comparing after.
 *
 * support_setup and support_teardown do so around every test of brood_test(); a test calls these itself where it wants
 * to know about a smaller step, or after it made the host hostile.
 */
#ifndef SUPPORT_HOST_H
#define SUPPORT_HOST_H

#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/types.h>

struct host_fd {
	int fd;
	int fd_flags;		/* F_GETFD */
	int status_flags;	/* F_GETFL */
	char *target;		/* link of /proc/self/fd, "" without /proc */
};

#define HOST_SIGNALS 64

/* Memory belongs to the snapshot until host_state_done(). Zeroed is an empty one. */
struct host_state {
	struct host_fd *fds;
	size_t fd_count;
	pid_t *children;
	size_t child_count;
	unsigned long action[HOST_SIGNALS + 1][8];	/* what rt_sigaction gives, less what means nothing */
	sigset_t mask;
	sigset_t pending;
	struct itimerval timers[3];
	struct rlimit limits[RLIM_NLIMITS];
	char *cwd;
	char **environ_at;
	uint64_t environ_sum;
	unsigned int umask;
	long threads;		/* that run: not those on their way out */
	void *robust_list;
	int dumpable;
	int no_new_privs;
	int subreaper;
	int nice_value;
	pid_t group;
	pid_t session;
	uid_t uids[3];
	gid_t gids[3];
};

/* What host_changes looks at. */
enum {
	HOST_NEW_FDS = 1,	/* descriptors that were not open before */
	HOST_OLD_FDS = 2,	/* descriptors that were closed, replaced or given other flags */
	HOST_CHILDREN = 4,	/* children that were not there before, zombies included */
	HOST_SIGNAL_STATE = 8,	/* mask, dispositions, pending signals, interval timers */
	HOST_REST = 16,		/* cwd, environment, umask, limits, ids, threads and so on */
	HOST_ALL = 31
};

/*
 * Look at this process and remember. What *ret_state held before is lost, so pass a zeroed or done one.
 * Opens nothing that stays open, reaps nobody. Fails the test where memory runs out.
 */
void host_snapshot(struct host_state *ret_state);

/* Free what a snapshot holds; a zeroed one is fine. */
void host_state_done(struct host_state *state);

/*
 * Say what differs now from `before`, of the kinds in `what`: one line for each difference, as
 * "descriptor 7 is new: pipe:[4711]". Returns NULL when nothing does, else text to free().
 *
 * The dispositions of 32 and 33 are libc's own: it sets handlers there when the first thread is made, which does
 * not count. Nor does a joined thread that /proc still shows on its way out.
 */
char *host_changes(const struct host_state *before, int what);

/* Fail the test with that text unless nothing differs. */
void host_assert_unchanged(const struct host_state *before);

/*
 * Best effort after a test that left something behind, so that the next ones start clean: kill and reap new children, go
 * back to the directory, the umask and the mask.
 */
void host_restore(const struct host_state *before);

#endif
