/* SPDX-License-Identifier: MIT */
/*
 * Futures: counted, asked, waited for. What moves them from state to state is member.c's.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "batch/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/self.h"
#include "command/shell.h"

brood_future *future_of_link(struct link *link)
{
	return (brood_future *)(void *)((char *)link - offsetof(struct brood_future, link));
}

brood_future *future_of_timer(struct timer *timer)
{
	return (brood_future *)(void *)((char *)timer - offsetof(struct brood_future, timer));
}

/* ---- its life ---- */

brood_future *future_new(brood_batch *batch, const brood_command *cmd, unsigned references)
{
	brood_future *future = calloc(1, sizeof *future);

	if (!future)
		return NULL;
	future->cmd = brood_command_copy(cmd);
	if (!future->cmd) {
		free(future);
		return NULL;
	}
	/* The name is for the caller to read, and outlives the command. */
	future->name = future->cmd->name;
	future->cmd->name = NULL;
	if (future->name && !(future->cmd->name = strdup(future->name))) {
		brood_command_free(future->cmd);
		free(future->name);
		free(future);
		return NULL;
	}
	future->batch = batch;
	future->owner = batch->owner;
	future->references = references;
	future->retries = batch->retries;
	list_init(&future->link);
	return future;
}

bool future_ended(const brood_future *future)
{
	return future->state == FUTURE_DONE || future->state == FUTURE_GIVEN;
}

void future_unref(brood_future *future)
{
	if (--future->references > 0)
		return;
	list_remove(&future->link);
	if (future->batch && future->owner == self_pid())
		budget_release(future);
	brood_command_free(future->cmd);
	brood_result_free(future->result);
	free(future->name);
	free(future);
}

void brood_future_free(brood_future *future_take)
{
	if (future_take)
		future_unref(future_take);
}

/* ---- its name ---- */

static void put_command(struct shell_text *text, const brood_command *cmd);

static void put_stage(struct shell_text *text, const struct stage *stage)
{
	char *const *words = strv_list(&stage->argv);

	if (stage->kind == STAGE_THEN) {
		put_command(text, stage->first);
		shell_put(text, " && ");
		put_command(text, stage->second);
		return;
	}
	if (stage->kind == STAGE_FUNCTION)
		shell_put(text, stage_name(stage));
	for (size_t i = 0; i < stage->argv.count; i++) {
		if (i > 0)
			shell_put(text, " ");
		shell_put_word(text, words[i]);
	}
}

/* The words alone: what _setenv and the redirections say is no name, and may be a secret. */
static void put_command(struct shell_text *text, const brood_command *cmd)
{
	for (size_t i = 0; i < cmd->stage_count; i++) {
		if (i > 0)
			shell_put(text, " | ");
		put_stage(text, &cmd->stages[i]);
	}
}

static char *words_of(const brood_command *cmd)
{
	struct shell_text text = { 0 };
	char *words, *cut;

	put_command(&text, cmd);
	words = shell_take(&text);
	/* Ten thousand members keep one each. */
	cut = words ? realloc(words, strlen(words) + 1) : NULL;
	return cut ? cut : words;
}

void future_drop_command(brood_future *future)
{
	if (!future->name && future->cmd)
		future->name = words_of(future->cmd);
	brood_command_free(future->cmd);
	future->cmd = NULL;
}

const char *brood_future_name(const brood_future *future)
{
	/* Made when first asked for, as long as the command is there to ask. */
	brood_future *cache = (brood_future *)(uintptr_t)future;

	if (!future)
		return "";
	if (!future->name && future->cmd)
		cache->name = words_of(future->cmd);
	return future->name ? future->name : "";
}

/* ---- asking ---- */

bool brood_future_ready(const brood_future *future)
{
	return future && future_ended(future);
}

const brood_result *brood_future_result(const brood_future *future)
{
	return future && future_ended(future) ? future->result : NULL;
}

int brood_future_error(const brood_future *future)
{
	if (!future)
		return -EINVAL;
	return future_ended(future) ? future->error : -EINPROGRESS;
}

unsigned brood_future_tries(const brood_future *future)
{
	return future ? future->tries : 0;
}

void brood_future_set_data(brood_future *future, void *data)
{
	if (future)
		future->data = data;
}

void *brood_future_data(const brood_future *future)
{
	return future ? future->data : NULL;
}

/* ---- waiting, resuming, cancelling ---- */

static bool this_one_ended(const void *future)
{
	return future_ended(future);
}

int brood_future_wait(brood_future *future, int64_t timeout_ms)
{
	int r = 0;

	if (!future || !timeout_valid(timeout_ms))
		return -EINVAL;
	if (future->owner != self_pid())
		return -ECHILD;
	if (!future_ended(future)) {
		r = batch_turn_until(future->batch, this_one_ended, future, deadline_after(clock_now_ns(), timeout_ms));
		batch_set_clock(future->batch);
	}
	if (r < 0)
		return r;
	return future->error == -ECANCELED ? -ECANCELED : 0;
}

int brood_future_resume(brood_future *future)
{
	if (!future)
		return -EINVAL;
	if (future->owner != self_pid())
		return -ECHILD;
	if (future->state != FUTURE_RUNNING)
		return 0;
	process_resume(future->process);
	/* Where its pipes cannot be watched, time has to look after them. */
	timers_set(&future->batch->timers, &future->timer, process_wake_ns(future->process));
	batch_set_clock(future->batch);
	return 0;
}

int brood_future_cancel(brood_future *future)
{
	if (!future)
		return -EINVAL;
	if (future->owner != self_pid())
		return -ECHILD;
	if (future_ended(future) || future->cancelled)
		return -EALREADY;
	member_cancel(future, clock_now_ns());
	batch_set_clock(future->batch);
	return 0;
}
