/* SPDX-License-Identifier: MIT */
/*
 * One stage, flattened: everything that the child needs, decided and allocated beforehand, so that the child itself only
 * makes system calls. The child's answer comes back in `report`.
 */
#ifndef BROOD_SPAWN_PLAN_H
#define BROOD_SPAWN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"
#include "command/description.h"
#include "spawn/fdplan.h"

/* How far the child came, when it could not come to the end. Written by the child. */
struct child_report {
	int step;               /* enum step; 0: no failure */
	int error;              /* positive errno */
	int detail;             /* which descriptor, resource ... */
};

enum { GROUP_INHERIT = -1, GROUP_OWN = 0 };

struct plan {
	const struct stage *stage;      /* borrowed */
	const struct identity *identity;
	size_t index;                   /* of the stage, for failures */

	/* exec: all NULL for a function stage */
	char *const *argv;              /* borrowed */
	char **envp;
	char **candidates;
	char **shell_argv;              /* "sh", the file (filled in by the child), argv[1] ... */

	/* function */
	brood_function *function;
	void *data;

	struct fd_want *wanted;         /* kept until the engine has chosen a report descriptor */
	size_t want_count;
	struct fdplan fds;
	const char *cwd;                /* borrowed; NULL: not by path */
	int cwd_fd;                     /* or -1 */
	pid_t group;                    /* GROUP_INHERIT, GROUP_OWN, or the group to join */
	int terminal_fd;                /* the terminal that whoever makes the group takes for it, or -1 */
	uint64_t reset;                 /* ignored signals that go back to their default */
	bool reset_handlers;            /* the clone did not clear the host's handlers */
	uint64_t spared;                /* but these keep theirs: a function goes on using libc's own */
	int cgroup_fd;                  /* its directory, or -1 */
	int cgroup_procs;               /* to write "0" to, or -1: cloned into it */
	pid_t parent;                   /* the host */
	int channel;                    /* forked children: the child's end, before and after its move; else -1 */

	bool shares_table;              /* the descriptor table is the host's until the first close_range */
	volatile bool unshared;         /* the child's first close_range with UNSHARE worked */
	struct child_report report;
	bool early;                     /* spawn_start came back before the exec: spawn_confirm is due */
	volatile int running;           /* cleared by the kernel when a child that was not waited for has done its exec, or ended */
	void *stack;
};

/* What a plan is made from, beside the stage. */
struct plan_input {
	const struct stage *stage;
	size_t index;
	brood_function *function;       /* what a function or then stage runs */
	void *data;
	const struct fd_want *wanted;
	size_t want_count;
	pid_t group;
	int terminal_fd;                /* or -1 */
	uint64_t ignored;               /* by the host */
	int cgroup_fd;
	pid_t parent;
};

/* 0, or -errno with the failure set. plan_free takes NULL. */
int plan_new(const struct plan_input *input, struct plan **ret, struct failure *failure);
void plan_free(struct plan *plan);

/* Turn the child's report into a failure in words: -errno. */
int plan_failure(const struct plan *plan, struct failure *failure);

#endif
