/* SPDX-License-Identifier: MIT */
/*
 * Small words for tests of one chain: a command that runs the test child, started or run to its end.
 */
#ifndef SUPPORT_RUNNING_H
#define SUPPORT_RUNNING_H

#include <brood.h>

#include "support.h"

/* A command that runs the test child with these verbs. */
#define child(...) brood_command_newl(support_child(), __VA_ARGS__, NULL)

/* Start a command and free it. A start that fails fails the test. */
static inline brood_process *start(brood_command *cmd_take)
{
	brood_process *process;
	int r = brood_start(cmd_take, &process);

	brood_command_free(cmd_take);
	if (r < 0)
		fail_msg("%s", brood_result_describe(brood_process_result(process)));
	return process;
}

/* Run a command and free it. A command that could not be run fails the test; how it ended is for the caller to look at. */
static inline brood_result *run(brood_command *cmd_take)
{
	brood_result *result;
	int r = brood_run(cmd_take, &result);

	brood_command_free(cmd_take);
	if (r < 0)
		fail_msg("%s", brood_result_describe(result));
	return result;
}

#endif
