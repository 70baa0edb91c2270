/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A whole pipeline, taken apart: its commands become stages, its ends become directions. And the stages' ends as libpipeline tells them. */
#include "bridge.h"

#include <brood/command.h>
#include <brood/result.h>
#include <errno.h>
#include <fcntl.h>

/* An empty slot is nothing to pipeline_free, and filling it allocates nothing. */
static brood_command *take_apart(pipeline *p)
{
	const int count = pipeline_get_ncommands(p);
	brood_command *chain = NULL;

	for (int i = 0; i < count; i++) {
		brood_command *stage = brood_command_pipecmd(pipeline_set_command(p, i, NULL));

		chain = i == 0 ? stage : brood_pipe(chain, stage);
	}
	pipeline_free(p);
	return chain;
}

static void direct(brood_command *chain, int child_fd, const struct end *end)
{
	if (end->kind == END_PIPE)
		brood_command_redirect_pipe(chain, child_fd);
	else if (end->kind == END_FD)
		brood_command_redirect_fd(chain, child_fd, end->fd);
	else if (end->kind == END_FILE && child_fd == BROOD_STDIN)
		brood_command_redirect_path(chain, child_fd, end->name, O_RDONLY, 0);
	else if (end->kind == END_FILE)
		brood_command_redirect_path(chain, child_fd, end->name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
}

/* It was taken over, so a mistake would tell the caller to free it once more. None but want of memory can have come. */
static brood_command *without_mistake(brood_command *chain_take)
{
	if (!chain_take || !brood_command_error(chain_take))
		return chain_take;
	brood_command_free(chain_take);
	return NULL;
}

static brood_command *adopt(pipeline *pipeline_take, const struct answer *answer)
{
	brood_command *chain;

	if (answer->started)
		return brood_command_mistaken("pipeline: it was started by libpipeline already");
	if (pipeline_get_ncommands(pipeline_take) == 0)
		return brood_command_mistaken("pipeline: it has no command");
	if (answer->in.kind == END_UNKNOWN || answer->out.kind == END_UNKNOWN)
		return without_mistake(hosted_new(pipeline_take, &answer->in, &answer->out));
	chain = take_apart(pipeline_take);
	direct(chain, BROOD_STDIN, &answer->in);
	direct(chain, BROOD_STDOUT, &answer->out);
	return without_mistake(chain);
}

brood_command *brood_command_pipeline(pipeline *pipeline_take)
{
	struct answer answer;
	brood_command *chain;
	char why[512];
	int r;

	if (!pipeline_take)
		return NULL;
	r = ask_pipeline(pipeline_take, &answer, why, sizeof why);
	/* Not freed: nobody can say whether it was started, and then that would wait for its end. */
	if (r == -ENOMEM)
		return NULL;
	if (r < 0)
		return brood_command_mistaken(why);
	chain = adopt(pipeline_take, &answer);
	answer_done(&answer);
	return chain;
}

/* ---- what pipeline_wait_all would have handed back ---- */

static int status_of(const brood_result *result, size_t stage)
{
	switch (brood_result_how(result, stage)) {
	case BROOD_EXITED:
		return brood_result_exit_code(result, stage) << 8;
	case BROOD_SIGNALLED:
		return brood_result_signal(result, stage);
	case BROOD_NOT_STARTED:
	case BROOD_RUNNING:
	case BROOD_LOST:
		break;
	}
	return -1;
}

int brood_pipeline_statuses(const brood_result *result, int *ret_statuses, size_t size)
{
	size_t count = brood_result_stages(result);
	int r = hosted_statuses(result, ret_statuses, size);

	if (r >= 0)
		return r;
	for (size_t i = 0; i < count && i < size; i++)
		ret_statuses[i] = status_of(result, i);
	return (int)count;
}
