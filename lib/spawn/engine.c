/* SPDX-License-Identifier: MIT */
/*
 * Choosing the way to start a child, and stepping down when it is not here.
 *
 * The level is the process's, kept in one atomic: two threads that find out at the same time step down to the same place.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/engine.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/self.h"
#include "spawn/cgroup.h"
#include "spawn/sys.h"

static const char *const engine_name[] = { "clone3", "clone", "fork", "posix" };

enum { ENGINE_UNKNOWN = -1, ENGINE_FIRST = BROOD_LINUX_FAST_PATH ? ENGINE_CLONE3 : ENGINE_POSIX };

static _Atomic int level = ENGINE_UNKNOWN;

static int level_from_environment(void)
{
#ifdef HAVE_SECURE_GETENV
	const char *asked = secure_getenv("BROOD_ENGINE");
#else
	const char *asked = getenv("BROOD_ENGINE");
#endif

	for (int i = ENGINE_FIRST; asked && i <= ENGINE_POSIX; i++)
		if (strcmp(asked, engine_name[i]) == 0)
			return i;
	return ENGINE_FIRST;
}

enum engine engine_now(void)
{
	int now = atomic_load_explicit(&level, memory_order_relaxed);

	if (now == ENGINE_UNKNOWN) {
		now = level_from_environment();
		atomic_store_explicit(&level, now, memory_order_relaxed);
	}
	return (enum engine)now;
}

void engine_set(enum engine engine)
{
	int first = ENGINE_FIRST;

	atomic_store_explicit(&level, (int)engine < first ? first : (int)engine, memory_order_relaxed);
}

static void step_down(enum engine from)
{
	log_line(BROOD_LOG_INFO, "%s is not available here, going on with %s", engine_name[from], engine_name[from + 1]);
	if (engine_now() == from)
		engine_set((enum engine)(from + 1));
}

/* A function needs libc's fork to be right about malloc and cached ids; a change of ids must not happen in shared memory. */
static bool must_fork(const struct plan *plan)
{
	return plan->function || plan->identity->set_user;
}

int engine_open_procs(struct plan *plan, struct failure *failure)
{
	const struct cgroup cgroup = { .fd = plan->cgroup_fd };

	if (plan->cgroup_fd < 0 || plan->cgroup_procs >= 0)
		return 0;
	plan->cgroup_procs = cgroup_procs_fd(&cgroup);
	if (plan->cgroup_procs < 0)
		return failure_set(failure, plan->index, STEP_CGROUP, -plan->cgroup_procs, "cgroup.procs");
	return 0;
}

void reap_failed(struct pidref *ref)
{
	struct child_end end;

	if (ref->pid > 0)
		pidref_reap(ref, true, self_pid(), &end);
	fd_close(&ref->pidfd);
	ref->pid = 0;
}

int spawn_start(struct plan *plan, bool early, struct pidref *ret, struct failure *failure)
{
	*ret = (struct pidref){ .pid = 0, .pidfd = -1 };
	for (;;) {
		const enum engine now = engine_now();
		int r;

		if (now >= ENGINE_FORK || must_fork(plan))
			return fork_start(plan, now <= ENGINE_FORK, ret, failure);
		r = clone_start(plan, now, early, ret, failure);
		if (r != -ENOSYS)
			return r;
		step_down(now);
	}
}
