/* SPDX-License-Identifier: MIT */
/*
 * From an input to a job of the batch. As many are handed in as run, so that the batch starts the next one in the same breath in which it reaps one;
 * the rest stays where the inputs come from, and memory does not grow with their number.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "inherited.h"
#include "say.h"

enum {
	HAND_IN_AT_ONCE = 64,           /* then signals, output and what has ended get their turn */
	RESTING_MOST = 4096             /* failed ones that wait to be tried again while the places are filled by others */
};

void map_job_free(struct map_job *job_take)
{
	if (!job_take)
		return;
	free(job_take->input);
	free(job_take->command);
	free(job_take);
}

/* ---- the command ---- */

int map_command(const struct map *map, const char *input, uint64_t number, brood_command **ret_cmd, char **ret_why)
{
	brood_command *cmd = template_command(map->template, input, number);

	*ret_why = NULL;
	*ret_cmd = cmd;
	return cmd ? chain_apply(&map->settings->chain, cmd, ret_why) : -ENOMEM;
}

/* An input that makes a command that cannot be started is a job that fails, as a file that is not there is: the batch says so. */
static int make_command(const struct map *map, const struct map_job *job, brood_command **ret_cmd)
{
	char *why = NULL;
	const int r = map_command(map, job->input, job->number, ret_cmd, &why);

	free(why);
	if (map->descriptors_raised)
		brood_command_set_rlimit(*ret_cmd, RLIMIT_NOFILE, map->descriptors.rlim_cur, map->descriptors.rlim_max);
	return r == -ENOMEM ? r : 0;
}

static bool wants_text(const struct map *map)
{
	return map->log || map->report || map->trace || map->settings->results;
}

static void show(struct map *map, const brood_command *cmd)
{
	bar_clear(map->bar);
	chain_print(cmd, 2);
}

/* ---- handing in ---- */

static int submit(struct map *map, struct map_job *job, brood_command *cmd)
{
	char *why = NULL;
	int r = output_open(map->output, job->number, job->input, cmd, &job->output, &why);

	if (r < 0)
		map_break(map, "%s", why ? why : strerror(-r));
	free(why);
	if (r < 0)
		return r;
	inherited_direct(cmd);
	r = brood_batch_submit(map->batch, cmd, &job->future);
	if (r < 0) {
		map_break(map, "job %llu: %s", (unsigned long long)job->number, strerror(-r));
		output_close(map->output, job->output);
		return r;
	}
	brood_future_set_data(job->future, job);
	output_set_future(job->output, job->future);
	map->live++;
	return 0;
}

/* 0: it was handed in, or done before. */
static int hand_in_job(struct map *map, struct map_job *job_take)
{
	struct map_job *job = job_take;
	brood_command *cmd = NULL;
	int r = make_command(map, job, &cmd);

	if (r == 0 && wants_text(map)) {
		job->command = chain_words(cmd);
		r = job->command ? 0 : -ENOMEM;
	}
	if (r < 0) {
		map_break(map, "job %llu: %s", (unsigned long long)job->number, strerror(-r));
	} else if (map->log && map->settings->resume && joblog_take_done(map->log, job->input, job->command)) {
		map->counts.skipped++;
	} else {
		if (map->settings->verbose)
			show(map, cmd);
		r = submit(map, job, cmd);
		if (r == 0)
			job = NULL;
	}
	brood_command_free(cmd);
	map_job_free(job);
	return r;
}

/* 1: there is a next one. */
static int take_input(struct map *map, struct map_job **ret_job)
{
	struct map_job *job;
	char *input = NULL;
	int r = inputs_next(map->inputs, &input);

	map->starving = r == -EAGAIN;
	if (r == 0)
		map->inputs_ended = true;
	else if (r < 0 && r != -EAGAIN)
		map_break(map, "%s", inputs_why(map->inputs));
	if (r != 1)
		return 0;
	job = calloc(1, sizeof *job);
	if (!job) {
		free(input);
		map_break(map, "%s", strerror(ENOMEM));
		return 0;
	}
	job->input = input;
	job->number = ++map->counts.taken;
	*ret_job = job;
	return 1;
}

/* Those that rest before another try count as waiting: while a place is free they must not keep others out, within bounds. */
static bool has_place(const struct map *map)
{
	const size_t running = brood_batch_running(map->batch);

	if (map->stopping || map->inputs_ended || output_is_full(map->output))
		return false;
	return running < map->at_once ? map->live < 2 * map->at_once + RESTING_MOST : brood_batch_waiting(map->batch) < map->at_once;
}

bool map_is_hungry(const struct map *map)
{
	return !map->starving && has_place(map);
}

void map_hand_in(struct map *map)
{
	struct map_job *job;

	map->starving = false;
	for (size_t i = 0; i < HAND_IN_AT_ONCE; i++)
		if (!has_place(map) || take_input(map, &job) != 1 || hand_in_job(map, job) < 0)
			return;
}
