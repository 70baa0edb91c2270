/* SPDX-License-Identifier: MIT */
/*
 * How children are made here: the ladder of ways, from the one that costs what the kernel's own work costs down to what every
 * POSIX system has. A step down is taken when the kernel (or a container's filter) says that a call is not there, and is
 * remembered for the process.
 */
#ifndef BROOD_SPAWN_ENGINE_H
#define BROOD_SPAWN_ENGINE_H

#include "base/failure.h"
#include "spawn/pidref.h"
#include "spawn/plan.h"

enum engine {
	ENGINE_CLONE3,          /* clone3: shared memory, pidfd, handlers cleared, into a cgroup */
	ENGINE_CLONE,           /* clone: shared memory, pidfd */
	ENGINE_FORK,            /* fork, pidfd_open, a channel for the go-ahead and the report */
	ENGINE_POSIX            /* fork and the channel alone: no pidfd */
};

/* Where the ladder begins now: BROOD_ENGINE (clone3, clone, fork, posix) at first, lower after a step down. */
enum engine engine_now(void);

/* Begin no higher than this from now on; for tests also back up again. */
void engine_set(enum engine engine);

/*
 * Start the child of a plan. 0 with *ret once it has done its exec (a function stage: once it is about to run), or -errno with the failure
 * set, nothing left behind and nobody to reap.
 *
 * With `early` it may return 0 before the exec: plan->running is then set, the plan must live until spawn_confirm, and a failure comes
 * from there.
 */
int spawn_start(struct plan *plan, bool early, struct pidref *ret, struct failure *failure);

/*
 * Wait until an early child has done its exec or failed, which takes microseconds and no time at all once its pidfd has become readable.
 * 0, or -errno with the failure set: then it is for reap_failed.
 */
int spawn_confirm(struct plan *plan, struct failure *failure);

/* ---- the ways, for engine.c: -ENOSYS stands for "not here, step down" ---- */

int clone_start(struct plan *plan, enum engine engine, bool early, struct pidref *ret, struct failure *failure);
int fork_start(struct plan *plan, bool want_pidfd, struct pidref *ret, struct failure *failure);

/* Open what a child writes to in order to join its cgroup, where it is not cloned into it. */
int engine_open_procs(struct plan *plan, struct failure *failure);

/* Reap a child that failed to become what it should: nobody else will. */
void reap_failed(struct pidref *ref);

#endif
