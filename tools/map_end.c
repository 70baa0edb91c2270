/* SPDX-License-Identifier: MIT */
/*
 * A job that has ended: counted, its output on its way, its records written, its failure told.
 *
 * A record that the log does not take is not lost: it goes to standard error as the line that it would have been. Nothing new is started then, but
 * what runs ends by itself, and each further record is tried in the file first.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record.h"
#include "say.h"

/* More of them say nothing new to people; --verbose and --log tell all. */
enum { FAILURES_TOLD = 100 };

struct ending {
	const struct map_job *job;
	brood_future *future;
	const brood_result *result;
	int cut;                /* not all of its output could be kept: why */
	bool started;
	bool cancelled;
	bool ok;
};

/* ---- records ---- */

static json_t *record_of(const struct ending *ending)
{
	const struct job_facts facts = {
		.number = ending->job->number,
		.input = ending->job->input,
		.command = ending->job->command,
		.tries = brood_future_tries(ending->future),
		.result = ending->result,
	};
	json_t *record = record_new(&facts);

	/* What was cancelled and what was cut is to be done again, however well its program ended. */
	if (record && !ending->ok)
		json_object_set_new(record, "ok", json_false());
	if (record && ending->cut < 0)
		json_object_set_new(record, "output_error", json_string(strerror(-ending->cut)));
	return record;
}

static void write_out(const char *text)
{
	size_t size = strlen(text);

	while (size > 0) {
		const ssize_t n = write(STDERR_FILENO, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		/* Nothing is left to tell it to. */
		if (n < 0)
			return;
		text += n;
		size -= (size_t)n;
	}
}

/* Whole, and by one write: whoever collects our errors can put the lines into the log. */
static void rescue(struct map *map, const json_t *record)
{
	char *text = json_dumps(record, JSON_COMPACT), *line = NULL;

	bar_clear(map->bar);
	if (text && asprintf(&line, "%s\n", text) >= 0)
		write_out(line);
	else
		say("a record is lost: %s", strerror(ENOMEM));
	free(text);
	free(line);
}

static void log_record(struct map *map, const json_t *record)
{
	const int r = joblog_append(map->log, record);

	if (r == 0)
		return;
	if (!map->log_is_full)
		map_break(map, "--log: '%s': %s; no new jobs are started, and records that it does not take follow here", map->settings->log,
		          strerror(-r));
	map->log_is_full = true;
	rescue(map, record);
}

static void keep_record(struct map *map, const struct map_job *job, const json_t *record)
{
	char *text = json_dumps(record, JSON_INDENT(2));
	char *whole = NULL;
	const int size = text ? asprintf(&whole, "%s\n", text) : -1;
	const int r = size >= 0 ? output_keep(map->output, job->number, job->input, "job.json", whole, (size_t)size) : -ENOMEM;

	if (r < 0)
		map_break(map, "--results: job %" PRIu64 " '%s': job.json: %s", job->number, job->input, strerror(-r));
	free(text);
	if (size >= 0)
		free(whole);
}

static void write_records(struct map *map, const struct ending *ending)
{
	json_t *record;

	if (!ending->started || !ending->job->command)
		return;
	record = record_of(ending);
	if (!record) {
		map_break(map, "the record of job %" PRIu64 " '%s' is lost: %s", ending->job->number, ending->job->input, strerror(ENOMEM));
		return;
	}
	if (map->log)
		log_record(map, record);
	if (map->settings->results)
		keep_record(map, ending->job, record);
	/* Their first error sticks and is told in the end: the jobs are worth more than a picture of them. */
	if (map->report)
		report_add(map->report, record);
	if (map->trace)
		trace_add(map->trace, record);
	json_decref(record);
}

/* ---- telling ---- */

static void tell_failure(struct map *map, const struct ending *ending)
{
	const struct map_job *job = ending->job;

	if (map->settings->quiet)
		return;
	if (++map->failures_told > FAILURES_TOLD && !map->settings->verbose) {
		if (map->failures_told == FAILURES_TOLD + 1)
			say("more jobs failed; they are counted, and told with --verbose or in a --log");
		return;
	}
	/* What it said itself comes first. */
	output_flush(map->output, NULL);
	if (ending->cut < 0)
		say("job %" PRIu64 " '%s': its output was cut: %s", job->number, job->input, strerror(-ending->cut));
	if (!brood_result_ok(ending->result))
		say("job %" PRIu64 " '%s': %s", job->number, job->input, brood_result_describe(ending->result));
}

static void count(struct map *map, const struct ending *ending)
{
	struct map_counts *counts = &map->counts;

	if (ending->ok)
		counts->ok++;
	else if (!ending->cancelled)
		counts->failed++;
	else if (ending->started)
		counts->stopped++;
	else
		counts->unstarted++;
}

void map_job_ended(struct map *map, brood_future *future_take)
{
	struct map_job *job = brood_future_data(future_take);
	struct ending ending = {
		.job = job,
		.future = future_take,
		.result = brood_future_result(future_take),
		.started = brood_future_tries(future_take) > 0,
		.cancelled = brood_future_error(future_take) == -ECANCELED,
	};

	map->live--;
	ending.cut = output_close(map->output, job->output);
	ending.ok = !ending.cancelled && ending.cut == 0 && brood_result_ok(ending.result);
	count(map, &ending);
	write_records(map, &ending);
	if (!ending.ok && !ending.cancelled) {
		tell_failure(map, &ending);
		if (map->settings->fail_fast && !map->stopping)
			map_cancel(map);
	}
	/* One reference is submit's, one brood_batch_next's. */
	brood_future_free(job->future);
	brood_future_free(future_take);
	map_job_free(job);
}
