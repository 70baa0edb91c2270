/* SPDX-License-Identifier: MIT */
/*
 * The Chrome trace format: one array, one event a line, a line as soon as its job has ended.
 *
 * A job takes a lane for as long as it runs, its stages are the threads of that lane: so nothing overlaps on one (pid, tid), which viewers would draw as
 * nested calls. Jobs come in the order of their ends; the lane that fell free last before the job's start is taken, which needs no more lanes
 * than jobs ever ran side by side.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memfile.h"
#include "openfile.h"
#include "whole.h"

struct lane {
	int64_t end_ns;
	size_t stages;          /* that have a name in the file */
};

struct trace {
	int fd;
	int error;              /* negative, the first */
	int64_t begin_ns;
	int64_t last_ns;        /* the last end so far */
	struct lane *lanes;
	size_t lane_count;
	FILE *out;              /* the events of one job */
	bool comma;
};

/* ---- writing ---- */

/* A line, and the comma that ends the one before. Takes the event. */
static int put(struct trace *trace, json_t *event)
{
	int r;

	if (!event)
		return -ENOMEM;
	fputs(trace->comma ? ",\n" : "\n", trace->out);
	trace->comma = true;
	r = json_dumpf(event, trace->out, JSON_COMPACT | JSON_REAL_PRECISION(16));
	json_decref(event);
	return r < 0 ? -ENOMEM : 0;
}

/* ---- lanes ---- */

static int put_name(struct trace *trace, const char *what, size_t lane, size_t stage, const char *word)
{
	char name[32];

	snprintf(name, sizeof(name), "%s %zu", word, stage ? stage : lane);
	return put(trace, json_pack("{s:s, s:s, s:I, s:I, s:{s:s}}", "name", what, "ph", "M", "pid", (json_int_t)lane, "tid",
				    (json_int_t)stage, "args", "name", name));
}

/* Viewers sort processes by name, and "lane 10" comes before "lane 2". */
static int put_order(struct trace *trace, size_t lane)
{
	return put(trace, json_pack("{s:s, s:s, s:I, s:i, s:{s:I}}", "name", "process_sort_index", "ph", "M", "pid", (json_int_t)lane, "tid", 0,
				    "args", "sort_index", (json_int_t)lane));
}

static struct lane *lane_add(struct trace *trace)
{
	struct lane *lanes = reallocarray(trace->lanes, trace->lane_count + 1, sizeof(*lanes));

	if (!lanes)
		return NULL;
	trace->lanes = lanes;
	lanes[trace->lane_count] = (struct lane){ .end_ns = 0 };
	return &lanes[trace->lane_count++];
}

static struct lane *lane_free_at(struct trace *trace, int64_t start_ns)
{
	struct lane *best = NULL;

	for (size_t i = 0; i < trace->lane_count; i++) {
		struct lane *lane = &trace->lanes[i];

		if (lane->end_ns <= start_ns && (!best || lane->end_ns > best->end_ns))
			best = lane;
	}
	return best ? best : lane_add(trace);
}

/* Lanes and stages count from 1 in the file. */
static int name_lane(struct trace *trace, struct lane *lane, size_t stages)
{
	size_t number = (size_t)(lane - trace->lanes) + 1;
	int r = 0;

	if (lane->stages == 0) {
		r = put_name(trace, "process_name", number, 0, "lane");
		if (r == 0)
			r = put_order(trace, number);
	}
	while (r == 0 && lane->stages < stages)
		r = put_name(trace, "thread_name", number, ++lane->stages, "stage");
	return r;
}

/* ---- events ---- */

static int64_t whole(const json_t *stage, const char *key)
{
	return json_integer_value(json_object_get(stage, key));
}

static double microseconds(int64_t ns)
{
	return (double)ns / 1e3;
}

/* A stage that was never started stands where its job begins, with no length. */
static void stage_times(const json_t *stage, int64_t job_ns, int64_t *ret_start_ns, int64_t *ret_end_ns)
{
	int64_t start_ns = whole(stage, "start_ns"), end_ns = whole(stage, "end_ns");

	*ret_start_ns = start_ns ? start_ns : job_ns;
	*ret_end_ns = end_ns > *ret_start_ns ? end_ns : *ret_start_ns;
}

/* A job of which nothing was started stands where the last one before it ended. */
static void job_times(const struct trace *trace, const json_t *stages, int64_t *ret_start_ns, int64_t *ret_end_ns)
{
	int64_t first_ns = 0, start_ns, end_ns;
	json_t *stage;
	size_t i;

	json_array_foreach(stages, i, stage) {
		start_ns = whole(stage, "start_ns");
		if (start_ns && (first_ns == 0 || start_ns < first_ns))
			first_ns = start_ns;
	}
	*ret_start_ns = first_ns ? first_ns : trace->last_ns;
	*ret_end_ns = *ret_start_ns;
	json_array_foreach(stages, i, stage) {
		stage_times(stage, *ret_start_ns, &start_ns, &end_ns);
		if (end_ns > *ret_end_ns)
			*ret_end_ns = end_ns;
	}
}

static json_t *event_args(const json_t *record, const json_t *stage)
{
	const json_t *usage = json_object_get(stage, "usage");
	json_t *args = json_object();
	int r = args ? 0 : -1;

	if (json_object_get(record, "job"))
		r |= json_object_set(args, "job", json_object_get(record, "job"));
	if (json_object_get(record, "command"))
		r |= json_object_set(args, "command", json_object_get(record, "command"));
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = { "how", "exit_code", "signal", "cause" };

		if (json_object_get(stage, names[i]))
			r |= json_object_set(args, names[i], json_object_get(stage, names[i]));
	}
	if (usage) {
		r |= json_object_set(args, "user_seconds", json_object_get(usage, "user_seconds"));
		r |= json_object_set(args, "system_seconds", json_object_get(usage, "system_seconds"));
		r |= json_object_set(args, "max_rss_kib", json_object_get(usage, "max_rss_kib"));
	}
	if (r == 0)
		return args;
	json_decref(args);
	return NULL;
}

static int put_stage(struct trace *trace, const json_t *record, size_t lane, size_t number, const json_t *stage, int64_t job_ns)
{
	const char *name = json_string_value(json_object_get(stage, "name"));
	int64_t start_ns, end_ns;

	stage_times(stage, job_ns, &start_ns, &end_ns);
	return put(trace, json_pack("{s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:o}", "name", name ? name : "?", "cat",
				    json_is_true(json_object_get(record, "ok")) ? "ok" : "failed", "ph", "X", "pid", (json_int_t)lane, "tid",
				    (json_int_t)number, "ts", microseconds(start_ns - trace->begin_ns), "dur",
				    microseconds(end_ns - start_ns), "args", event_args(record, stage)));
}

static int put_job(struct trace *trace, const json_t *record)
{
	const json_t *stages = json_object_get(record, "stages");
	int64_t start_ns, end_ns;
	struct lane *lane;
	json_t *stage;
	size_t i;
	int r;

	job_times(trace, stages, &start_ns, &end_ns);
	lane = lane_free_at(trace, start_ns);
	if (!lane)
		return -ENOMEM;
	lane->end_ns = end_ns;
	if (end_ns > trace->last_ns)
		trace->last_ns = end_ns;
	r = name_lane(trace, lane, json_array_size(stages));
	json_array_foreach(stages, i, stage)
		if (r == 0)
			r = put_stage(trace, record, (size_t)(lane - trace->lanes) + 1, i + 1, stage, start_ns);
	return r;
}

/* ---- the public verbs ---- */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int trace_new(const char *path, struct trace **ret_trace)
{
	struct trace *trace = calloc(1, sizeof(*trace));
	int r;

	if (!trace)
		return -ENOMEM;
	r = trace->fd = openfile(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, 0666);
	if (r < 0)
		goto fail;
	trace->begin_ns = trace->last_ns = now_ns();
	r = write_whole(trace->fd, "[", 1);
	if (r < 0)
		goto fail;
	*ret_trace = trace;
	return 0;
fail:
	if (trace->fd >= 0)
		close(trace->fd);
	free(trace);
	return r;
}

int trace_add(struct trace *trace, const json_t *record)
{
	struct memfile out;
	char *text = NULL;
	size_t size = 0;
	int r, closed;

	if (trace->error < 0)
		return trace->error;
	trace->error = memfile_open(&out);
	if (trace->error < 0)
		return trace->error;
	trace->out = out.stream;
	r = put_job(trace, record);
	closed = memfile_close(&out, &text, &size);
	trace->out = NULL;
	if (r == 0)
		r = closed;
	if (r == 0)
		r = write_whole(trace->fd, text, size);
	free(text);
	trace->error = r;
	return r;
}

int trace_finish(struct trace *trace_take)
{
	int r;

	if (!trace_take)
		return 0;
	r = trace_take->error;
	if (r == 0)
		r = write_whole(trace_take->fd, "\n]\n", 3);
	if (close(trace_take->fd) < 0 && r == 0 && errno != EINTR)
		r = -errno;
	free(trace_take->lanes);
	free(trace_take);
	return r;
}
