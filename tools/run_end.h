/* SPDX-License-Identifier: MIT */
/*
 * What the user is told about the end of a chain, and the exit status: that of timeout(1), of a shell, or 125 for what was our own doing.
 */
#ifndef BROOD_TOOLS_RUN_END_H
#define BROOD_TOOLS_RUN_END_H

#include <brood.h>

#include "run_loop.h"

/* Some stage was ended by a signal, SIGPIPE not counted: what it did to the terminal was not finished. */
bool run_end_was_killed(const brood_result *result);

int run_end_status(const brood_result *result, const struct run_outcome *outcome);

/* One line, or none: the plain exit of a single command, or of the last stage, is its own matter. */
void run_end_say(const brood_result *result, const struct run_settings *settings, const struct run_outcome *outcome);

/* For -v: a line for each stage. */
void run_end_say_stages(const brood_result *result, const brood_command *cmd);

/* The signal that we should die of ourselves, and whether our whole group is to get it; 0: none, exit with the status. */
int run_end_signal(const brood_result *result, const struct run_outcome *outcome, bool *ret_group);

#endif
