/* SPDX-License-Identifier: MIT */
/*
 * A cgroup (v2) of its own for a chain: made below the caller's, killed and removed with the handle.
 *
 * Membership is the one thing that a process cannot leave by setsid and double forks. Sources: cgroups(7), the kernel's
 * Documentation/admin-guide/cgroup-v2.rst; cgroup.kill is Linux 5.14, CLONE_INTO_CGROUP 5.7.
 */
#ifndef BROOD_SPAWN_CGROUP_H
#define BROOD_SPAWN_CGROUP_H

#include "base/failure.h"

struct cgroup {
	char *path;             /* NULL: none */
	int fd;                 /* the directory, close-on-exec, or -1 */
	int kill_fd;            /* its cgroup.kill, open from the start: a host that runs out of descriptors can still end it all; or -1 */
};

/*
 * The directory that the cgroup `place` (from the line 0:: of /proc/self/cgroup) has under the mount that one line of mountinfo tells of: a
 * pure decision. NULL when this is no cgroup2 mount or does not show the place (a container may see only a part of the hierarchy), and
 * for want of memory (errno is ENOMEM then, else 0). The caller frees it.
 */
char *cgroup_directory(const char *mountinfo_line, const char *place);

/*
 * Make one: finds the cgroup2 mount (/proc/self/mountinfo) and our place in it (/proc/self/cgroup, the line 0::). The name has our pid, our pid
 * namespace and a counter; the first one of a process removes the empty ones of processes that are gone. 0, or -errno with the failure
 * (STEP_CGROUP, the path) set: -ENOTSUP where there is no cgroup2 mount.
 */
int cgroup_make(struct cgroup *ret, struct failure *failure);

/* A descriptor to write "0" to from inside a child (cgroup.procs), for engines that cannot clone into it. -errno. */
int cgroup_procs_fd(const struct cgroup *cgroup);

/*
 * Signal every process in it. SIGKILL goes through cgroup.kill where it is there. Others: each pid is held by a pidfd and looked up again in
 * cgroup.procs before it is signalled, so that a reused pid is never hit; repeated until no new one shows. 0, -ESRCH when it is empty, -errno.
 * SIGKILL returns once it is empty, or after some 3 ms: whoever must be sure asks cgroup_populated and kills again.
 */
int cgroup_signal(const struct cgroup *cgroup, int signal);

/* 1 while any process is in it (cgroup.events: populated), 0 when empty, -errno. */
int cgroup_populated(const struct cgroup *cgroup);

/*
 * Remove it if it is empty (0), else leave it (-EBUSY); sub-cgroups that its members made are removed first. Closes and frees in either case.
 * A member that was killed or reaped just now gets some 1.5 s to be gone; with one that stays, this takes as long.
 */
int cgroup_remove(struct cgroup *cgroup);

/* Close and free without removing: for a child of fork, and for detached chains. */
void cgroup_forget(struct cgroup *cgroup);

#endif
