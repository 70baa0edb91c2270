/* SPDX-License-Identifier: MIT */
/*
 * Two sinks, and whose turn it is to write to them. Open jobs are a list in the order of their numbers; with keep_order it is the turn of its head, and
 * what others write is kept with them until it is theirs.
 *
 * When both of our descriptors lead to the same file one sink serves both, so that a job's errors follow its output and nothing comes between.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "output_parts.h"

enum {
	KEPT_JOBS_LEAST = 256,
	KEPT_JOBS_EACH = 8,
	KEPT_BYTES_MOST = 256 << 20     /* of jobs that have ended and wait for their turn, wherever it lies */
};

/* ---- made and freed ---- */

int output_new(const struct output_settings *settings, struct output **ret_output, char **ret_why)
{
	struct output *output = calloc(1, sizeof *output);
	int r = 0;

	*ret_why = NULL;
	if (!output)
		return -ENOMEM;
	output->settings = *settings;
	output->spill = spill_new();
	sink_init(&output->sinks[0], STDOUT_FILENO, output->spill);
	sink_init(&output->sinks[1], STDERR_FILENO, output->spill);
	output->one_sink = sink_same_file(STDOUT_FILENO, STDERR_FILENO);
	if (!output->spill)
		r = -ENOMEM;
	else if (settings->results)
		r = results_new(settings->results, settings->resume, &output->results, ret_why);
	if (r < 0)
		output_free(output);
	else
		*ret_output = output;
	return r;
}

void output_free(struct output *output_take)
{
	struct job_output *next;

	if (!output_take)
		return;
	for (struct job_output *job = output_take->first; job; job = next) {
		next = job->next;
		output_job_free(job);
	}
	sink_done(&output_take->sinks[0]);
	sink_done(&output_take->sinks[1]);
	spill_free(output_take->spill);
	results_free(output_take->results);
	free(output_take);
}

/* ---- whose turn it is ---- */

struct sink *output_sink(struct output *output, size_t which)
{
	return &output->sinks[output->one_sink ? 0 : which];
}

bool output_has_turn(const struct job_output *job)
{
	return !job->output->settings.keep_order || job->output->first == job;
}

static void link_last(struct output *output, struct job_output *job)
{
	job->previous = output->last;
	if (output->last)
		output->last->next = job;
	else
		output->first = job;
	output->last = job;
}

static void unlink_job(struct output *output, struct job_output *job)
{
	if (job->previous)
		job->previous->next = job->next;
	else
		output->first = job->next;
	if (job->next)
		job->next->previous = job->previous;
	else
		output->last = job->previous;
}

static void give_kept(struct output *output, struct job_output *job)
{
	sink_pour(output_sink(output, 0), &job->streams[0].kept);
	sink_pour(output_sink(output, 1), &job->streams[1].kept);
}

static uint64_t bytes_of(const struct job_output *job)
{
	return job->streams[0].kept.size + job->streams[1].kept.size;
}

/* The head has ended: it goes, and so do those behind it that have; what the next one has kept so far goes out where lines flow. */
static void advance(struct output *output)
{
	while (output->first && output->first->closed) {
		struct job_output *job = output->first;

		output->kept_jobs--;
		output->kept_bytes -= bytes_of(job);
		give_kept(output, job);
		unlink_job(output, job);
		output_job_free(job);
	}
	if (output->first && output->settings.mode == OUTPUT_LINES)
		give_kept(output, output->first);
}

/* ---- jobs ---- */

int output_open(struct output *output, uint64_t number, const char *input, brood_command *cmd, struct job_output **ret_job, char **ret_why)
{
	struct job_output *job;
	int r;

	*ret_why = NULL;
	*ret_job = NULL;
	if (output->settings.mode == OUTPUT_UNGROUPED)
		return 0;
	job = output_job_new(output, input);
	if (!job)
		return -ENOMEM;
	r = output->results ? output_job_results(job, number, input, ret_why) : 0;
	if (r < 0) {
		output_job_free(job);
		return r;
	}
	output_job_direct(job, cmd);
	link_last(output, job);
	*ret_job = job;
	return 0;
}

void output_set_future(struct job_output *job, brood_future *future)
{
	if (job)
		job->future = future;
}

int output_close(struct output *output, struct job_output *job_take)
{
	struct job_output *job = job_take;
	int r;

	if (!job)
		return 0;
	r = output_job_end(job);
	job->future = NULL;
	job->closed = true;
	output->paused_jobs -= job->paused;
	job->paused = false;
	if (output->settings.keep_order) {
		output->kept_jobs++;
		output->kept_bytes += bytes_of(job);
		advance(output);
		return r;
	}
	give_kept(output, job);
	unlink_job(output, job);
	output_job_free(job);
	return r;
}

int output_keep(struct output *output, uint64_t number, const char *input, const char *name, const char *bytes, size_t size)
{
	return output->results ? results_write(output->results, number, input, name, bytes, size) : 0;
}

/* ---- writing ---- */

static void resume_jobs(struct output *output)
{
	if (output->paused_jobs == 0 || output->sinks[0].waiting.size > SINK_LOW || output->sinks[1].waiting.size > SINK_LOW)
		return;
	for (struct job_output *job = output->first; job; job = job->next) {
		if (!job->paused)
			continue;
		job->paused = false;
		brood_future_resume(job->future);
	}
	output->paused_jobs = 0;
}

int output_flush(struct output *output, int *ret_fd)
{
	int error = 0;

	for (size_t i = 0; i < 2; i++) {
		struct sink *sink = &output->sinks[i];
		int r;

		if (sink->terminal && sink->waiting.size > 0 && output->settings.before)
			output->settings.before(output->settings.data);
		r = sink_flush(sink);
		if (r < 0 && error == 0) {
			error = r;
			if (ret_fd)
				*ret_fd = i == 0 ? STDOUT_FILENO : STDERR_FILENO;
		}
	}
	resume_jobs(output);
	return error;
}

size_t output_poll(const struct output *output, struct pollfd fds[2])
{
	size_t count = 0;

	for (size_t i = 0; i < 2; i++)
		if (output->sinks[i].error == 0 && output->sinks[i].waiting.size > 0)
			fds[count++] = (struct pollfd){ .fd = output->sinks[i].fd, .events = POLLOUT };
	return count;
}

bool output_is_full(const struct output *output)
{
	const size_t for_each = KEPT_JOBS_EACH * output->settings.at_once;

	return output->sinks[0].waiting.size > SINK_FULL || output->sinks[1].waiting.size > SINK_FULL ||
	       output->kept_jobs >= (for_each > KEPT_JOBS_LEAST ? for_each : KEPT_JOBS_LEAST) || output->kept_bytes >= KEPT_BYTES_MOST;
}

bool output_in_line(const struct output *output)
{
	return (output->sinks[0].terminal && output->sinks[0].inside) || (output->sinks[1].terminal && output->sinks[1].inside);
}

void output_drop(struct output *output)
{
	for (size_t i = 0; i < 2; i++) {
		spool_clear(&output->sinks[i].waiting);
		output->sinks[i].error = -ECANCELED;
	}
	resume_jobs(output);
}
