/* SPDX-License-Identifier: MIT */
/*
 * A child as one value: its pid, and on Linux a pidfd taken before anything else could reap it, so that no signal ever
 * reaches a stranger who got the same number later (pidfd_open(2), pidfd_send_signal(2)).
 *
 * Without pidfds (the plain POSIX engine) the promise rests on our being the only one who reaps the child.
 */
#ifndef BROOD_SPAWN_PIDREF_H
#define BROOD_SPAWN_PIDREF_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <brood/result.h>

struct pidref {
	pid_t pid;              /* 0: none */
	int pidfd;              /* or -1 */
};

/* How a child ended. */
struct child_end {
	enum brood_how how;     /* EXITED, SIGNALLED or LOST */
	int code;               /* the exit code or the signal */
	bool has_usage;
	struct rusage usage;
};

/*
 * Reap: 1 and *ret filled once it has ended, 0 while it runs (never with `block`). Where the host ignores SIGCHLD or somebody stole the status the
 * kernel is asked through the pidfd (PIDFD_GET_INFO with PIDFD_INFO_EXIT, Linux 6.15); where it cannot tell: BROOD_LOST. -ECHILD when
 * the child is not this process's (a handle inherited by fork; `owner` is the pid of the process that made it).
 */
int pidref_reap(const struct pidref *ref, bool block, pid_t owner, struct child_end *ret);

/* True when it has ended, without reaping it. */
bool pidref_ended(const struct pidref *ref);

/* 0, or -errno: -ESRCH once it has been reaped. */
int pidref_signal(const struct pidref *ref, int signal);

/*
 * Signal the process group that this child leads or led. By the pidfd (PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9) this is right even after the leader
 * has been reaped; else by number, which is right only as long as it has not. -ESRCH when nobody is left, or when it can no longer be known who the number means.
 */
int pidref_signal_group(const struct pidref *ref, int signal, bool leader_reaped);

/* Whether a group can still be signalled after its leader was reaped. Asks the kernel once. */
bool pidref_group_outlives_leader(const struct pidref *ref);

#endif
