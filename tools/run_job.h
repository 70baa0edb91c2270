/* SPDX-License-Identifier: MIT */
/*
 * The chain as the job of whoever started us: it has the terminal when we would have it, stops us when it stops, and goes on when we do.
 *
 * Others of our group may want the terminal too: a pager behind us in a pipeline, something before us that asks for a password. In a pipeline the
 * chain gets the terminal only when it reaches for it; and whoever of the others reaches for it then gets it back.
 *
 * Without a terminal a stop is nobody's Ctrl-Z: we wait on, and deadlines act.
 */
#ifndef BROOD_TOOLS_RUN_JOB_H
#define BROOD_TOOLS_RUN_JOB_H

#include <brood.h>

#include "terminal.h"

struct run_job {
	brood_process *process;
	struct terminal *terminal;      /* NULL: none */
	bool hands_over;                /* at the start */
	bool lends;                     /* the chain has it whenever it is ours to give */
	bool asked;                     /* SIGTSTP was sent to us, and passed on */
	bool seen_continue;             /* the SIGCONT that will be reported has had its effect */
};

/* Before the start: the chain is a group of its own, and takes the terminal if it is ours. */
void run_job_direct(struct run_job *job, brood_command *cmd);
void run_job_started(struct run_job *job, brood_process *process);

/*
 * After SIGCHLD. When every stage that runs is stopped, stop our group too, and come back when we are continued. False when the chain waits for a
 * terminal that nobody can give it any more (our group is an orphaned one, in the background): it is to be stopped for good.
 */
bool run_job_look(struct run_job *job);

/* SIGTSTP came to us: the chain is asked to stop, and we follow. */
void run_job_suspend(struct run_job *job);

/* SIGTTIN or SIGTTOU came to us: somebody of our group reached for a terminal that it has not, and was stopped with all of the group. */
void run_job_terminal_wanted(struct run_job *job, int signal);

/* SIGCONT came to us. */
void run_job_continued(struct run_job *job);

/* The chain has ended, or could not be started. True when it had the terminal until then. */
bool run_job_over(struct run_job *job, bool keep_modes);

#endif
