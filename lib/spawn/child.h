/* SPDX-License-Identifier: MIT */
/*
 * The child's side of a start. It may run in the host's memory, beside or instead of the host's thread: system calls only, no
 * allocation, no lock, no stdio, no errno, no thread-local variable, and it never returns into the host's code.
 */
#ifndef BROOD_SPAWN_CHILD_H
#define BROOD_SPAWN_CHILD_H

#include "spawn/plan.h"

/* Become what the plan says, up to the exec. 0, or -1 with plan->report filled. */
int child_prepare(struct plan *plan);

/* Prepare and exec; comes back only to fail: plan->report is filled. */
void child_exec(struct plan *plan);

/* Wait until the parent says go (1), or is gone (0). Tell it the report. For forked children. */
int child_await_go(int channel);
void child_tell(int channel, const struct child_report *report);

_Noreturn void child_exit(int code);

#endif
