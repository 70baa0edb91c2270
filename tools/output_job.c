/* SPDX-License-Identifier: MIT */
/*
 * The bytes of one job, from its pipes to where they wait or go. Most of it runs inside calls of the library, where nothing may be asked of it.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "output_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "whole.h"

/* Of one stream of one job. */
enum { JOB_MEMORY = 65536 };

/* ---- made and freed ---- */

static void stream_done(struct stream *stream)
{
	spool_done(&stream->kept);
	spool_done(&stream->rest);
	if (stream->file >= 0)
		close(stream->file);
}

void output_job_free(struct job_output *job_take)
{
	if (!job_take)
		return;
	stream_done(&job_take->streams[0]);
	stream_done(&job_take->streams[1]);
	free(job_take->tag);
	free(job_take);
}

struct job_output *output_job_new(struct output *output, const char *input)
{
	struct job_output *job = calloc(1, sizeof *job);

	if (!job)
		return NULL;
	job->output = output;
	job->tries = 1;
	job->tag = output->settings.tag ? lines_tag(input) : NULL;
	for (size_t i = 0; i < 2; i++) {
		struct stream *stream = &job->streams[i];

		spool_init(&stream->kept, output->spill, JOB_MEMORY);
		spool_init(&stream->rest, output->spill, JOB_MEMORY);
		stream->lines = (struct lines){ .tag = job->tag, .tag_size = job->tag ? strlen(job->tag) : 0 };
		stream->file = -1;
	}
	if (output->settings.tag && !job->tag) {
		output_job_free(job);
		return NULL;
	}
	return job;
}

/* ---- inside the library's calls ---- */

/* Where whole lines go: NULL when nobody will read them any more. */
static struct spool *target_of(struct job_output *job, size_t which)
{
	struct sink *sink = output_sink(job->output, which);

	if (!output_has_turn(job))
		return &job->streams[which].kept;
	return sink->error < 0 ? NULL : &sink->waiting;
}

static void put_lines(struct job_output *job, size_t which, const char *bytes, size_t size)
{
	struct stream *stream = &job->streams[which];
	struct spool *target = target_of(job, which);
	const size_t whole = lines_whole(bytes, size);

	if (!target)
		return;
	if (whole > 0) {
		spool_pour(target, &stream->rest);
		lines_put(&stream->lines, target, bytes, whole);
	}
	lines_put(&stream->lines, &stream->rest, bytes + whole, size - whole);
}

/* What there is of a line becomes a whole one. */
static void end_lines(struct job_output *job, size_t which)
{
	struct stream *stream = &job->streams[which];
	struct spool *target = target_of(job, which);

	/* Nothing of it may have found room. */
	if (stream->rest.size == 0)
		stream->lines.inside = false;
	if (target && stream->lines.inside) {
		spool_pour(target, &stream->rest);
		lines_end(&stream->lines, target);
	}
}

static void keep_result(struct job_output *job, const struct stream *stream, const char *bytes, size_t size)
{
	if (stream->file >= 0 && job->error == 0)
		job->error = write_whole(stream->file, bytes, size);
}

static void forget_stream(struct job_output *job, size_t which)
{
	struct stream *stream = &job->streams[which];

	if (job->output->settings.mode == OUTPUT_LINES) {
		end_lines(job, which);
	} else {
		spool_clear(&stream->kept);
		stream->lines.inside = false;
	}
	if (stream->file >= 0 && (ftruncate(stream->file, 0) < 0 || lseek(stream->file, 0, SEEK_SET) < 0))
		job->error = -errno;
}

/* A first byte of a second try, or its end without any: what the first one wrote does not count. */
static void notice_retry(struct job_output *job)
{
	const unsigned tries = brood_future_tries(job->future);

	if (tries <= job->tries)
		return;
	job->tries = tries;
	job->error = 0;
	forget_stream(job, 0);
	forget_stream(job, 1);
}

static bool must_pause(struct job_output *job, size_t which)
{
	struct output *output = job->output;

	return output->settings.mode == OUTPUT_LINES && output_has_turn(job) && output_sink(output, which)->waiting.size > SINK_FULL;
}

static bool on_output(void *data, size_t stage, int child_fd, const char *bytes, size_t size)
{
	struct job_output *job = data;
	const size_t which = child_fd == BROOD_STDERR;
	struct stream *stream = &job->streams[which];

	(void)stage;
	notice_retry(job);
	keep_result(job, stream, bytes, size);
	if (job->output->settings.mode == OUTPUT_LINES)
		put_lines(job, which, bytes, size);
	else
		lines_put(&stream->lines, &stream->kept, bytes, size);
	if (!must_pause(job, which))
		return true;
	job->output->paused_jobs += !job->paused;
	job->paused = true;
	return false;
}

/* ---- beginning and end ---- */

int output_job_results(struct job_output *job, uint64_t number, const char *input, char **ret_why)
{
	const char *file = "";
	int folder = results_open(job->output->results, number, input);
	int r = folder;

	for (size_t i = 0; r >= 0 && i < 2; i++) {
		file = i == 0 ? "/stdout" : "/stderr";
		r = job->streams[i].file = results_file(folder, file + 1);
	}
	if (r < 0) {
		char name[RESULTS_NAME];

		if (asprintf(ret_why, "--results: '%s/%s%s': %s", job->output->settings.results, results_name(number, input, name), file, strerror(-r)) < 0)
			*ret_why = NULL;
	}
	if (folder >= 0)
		close(folder);
	return r < 0 ? r : 0;
}

void output_job_direct(struct job_output *job, brood_command *cmd)
{
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_capture(cmd, BROOD_STDERR, 0);
	brood_command_on_output(cmd, on_output, job);
}

static int close_stream(struct job_output *job, size_t which)
{
	struct stream *stream = &job->streams[which];

	if (job->output->settings.mode == OUTPUT_LINES)
		end_lines(job, which);
	else if (stream->lines.tag)
		lines_end(&stream->lines, &stream->kept);
	if (stream->file >= 0 && close(stream->file) < 0 && job->error == 0)
		job->error = -errno;
	stream->file = -1;
	return stream->kept.error < 0 ? stream->kept.error : stream->rest.error;
}

int output_job_end(struct job_output *job)
{
	int error = 0;

	notice_retry(job);
	for (size_t i = 0; i < 2; i++) {
		const int r = close_stream(job, i);

		error = error < 0 ? error : r;
	}
	return error < 0 ? error : job->error;
}
