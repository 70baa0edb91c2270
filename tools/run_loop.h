/* SPDX-License-Identifier: MIT */
/*
 * Waiting for the chain: its end, our signals, and room for what it wrote, all at once.
 *
 * SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed on to the whole group, which has the grace to end; a second one kills it.
 */
#ifndef BROOD_TOOLS_RUN_LOOP_H
#define BROOD_TOOLS_RUN_LOOP_H

#include "relay.h"
#include "run_job.h"
#include "run_options.h"

/* What became of it, beside the result. */
struct run_outcome {
	int signal;             /* was sent to us and passed on; 0: none */
	bool no_terminal;       /* the chain was stopped because it waited for a terminal that nobody can give it */
	int output_error;       /* 0, or -errno: what it wrote could not be passed on ... */
	int output_fd;          /* ... there */
	bool reader_gone;       /* by SIGPIPE, were it written by the chain itself: no mistake, and nobody is there to be told */
	uint64_t output_lost;   /* bytes that nobody read in time */
	bool had_terminal;      /* when it ended */
	int error;              /* 0, or -errno of the waiting itself */
};

/* Before the chain is started: signals are caught from now on. 0, or -errno. */
int run_loop_catch_signals(void);

/* Until the chain has ended, and what it wrote has been passed on. `relay` may be NULL. */
void run_loop(brood_process *process, const struct chain_settings *settings, struct run_job *job, struct relay *relay,
              struct run_outcome *outcome);

#endif
