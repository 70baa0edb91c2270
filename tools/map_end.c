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

#include "jsontext.h"
#include "record.h"
#include "say.h"
#include "utf8.h"
#include "whole.h"

/* More of them say nothing new to people; --verbose and --log tell all. */
enum { FAILURES_TOLD = 100 };

/* Of an input, in bytes: some are a file's whole contents. --log has all of it. */
enum { INPUT_SHOWN = 200, JOB_NAME = INPUT_SHOWN + 64 };

struct ending {
	const struct map_job *job;
	brood_future *future;
	const brood_result *result;
	int cut;                /* not all of its output could be kept: why */
	bool started;
	bool cancelled;
	bool ok;
};

/* For people: "job 7 'a.c'". */
static const char *job_name(const struct map_job *job, char name[JOB_NAME])
{
	size_t size = 0, length;

	for (; job->input[size]; size += length) {
		utf8_point(job->input + size, &length);
		if (size + length > INPUT_SHOWN)
			break;
	}
	snprintf(name, JOB_NAME, "job %" PRIu64 " '%.*s%s'", job->number, (int)size, job->input, job->input[size] ? "..." : "");
	return name;
}

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
	int r = record ? 0 : -1;

	/* What was cancelled and what was cut is to be done again, however well its program ended. */
	if (r == 0 && !ending->ok)
		r = json_object_set_new(record, "ok", json_false());
	if (r == 0 && ending->cut < 0)
		r = json_object_set_new(record, "output_error", json_string(strerror(-ending->cut)));
	if (r == 0)
		return record;
	json_decref(record);
	return NULL;
}

/* Whole, and by one write: whoever collects our errors can put the lines into the log. */
static void rescue(struct map *map, const json_t *record)
{
	char *text = jsontext_new(record, JSON_COMPACT | RECORD_REALS), *line = NULL;

	bar_clear(map->bar);
	if (text && asprintf(&line, "%s\n", text) >= 0)
		write_whole(STDERR_FILENO, line, strlen(line));
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

static int keep_record(struct map *map, const struct map_job *job, const json_t *record)
{
	char *text = jsontext_new(record, JSON_INDENT(2) | RECORD_REALS);
	char *whole = NULL;
	char name[JOB_NAME];
	const int size = text ? asprintf(&whole, "%s\n", text) : -1;
	const int r = size >= 0 ? output_keep(map->output, job->number, job->input, "job.json", whole, (size_t)size) : -ENOMEM;

	if (r < 0)
		map_break(map, "--results: %s: job.json: %s", job_name(job, name), strerror(-r));
	free(text);
	if (size >= 0)
		free(whole);
	return r;
}

static void write_records(struct map *map, struct ending *ending)
{
	char name[JOB_NAME];
	json_t *record;

	if (!ending->started || !ending->job->command)
		return;
	record = record_of(ending);
	/* The log comes last: killed in between we have a job to do again, and not one that --resume leaves out and whose job.json is missing. */
	if (record && map->settings->results && keep_record(map, ending->job, record) < 0) {
		json_decref(record);
		ending->ok = false;
		record = record_of(ending);
	}
	if (!record) {
		map_break(map, "the record of %s is lost: %s", job_name(ending->job, name), strerror(ENOMEM));
		return;
	}
	if (map->log)
		log_record(map, record);
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
	char name[JOB_NAME];

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
		say("%s: its output was cut: %s", job_name(job, name), strerror(-ending->cut));
	if (!brood_result_ok(ending->result))
		say("%s: %s", job_name(job, name), brood_result_describe(ending->result));
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
	counts->not_found += !ending->cancelled && brood_result_errno(ending->result) == ENOENT;
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
	write_records(map, &ending);
	count(map, &ending);
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
