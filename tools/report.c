/* SPDX-License-Identifier: MIT */
/*
 * The report keeps its records in a file without a name, each behind a few numbers about it, and sixteen bytes for each in memory: its start and its
 * place, to be sorted at the end. Then the page is written from front to back.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "report_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jsontext.h"
#include "newfile.h"
#include "whole.h"

struct row {
	int64_t start_ns;
	int64_t offset;
};

struct report {
	struct newfile *file;
	int scratch;
	int64_t scratch_size;
	int error;              /* negative, the first */
	struct row *rows;
	size_t row_count;
	size_t row_room;
	struct totals totals;
};

/* ---- sums ---- */

/* Sixteen bins to a doubling: a bin is some four per cent wide. */
static size_t duration_bin(int64_t ns)
{
	unsigned doubling;

	if (ns < 16)
		return ns > 0 ? (size_t)ns : 0;
	doubling = 63 - (unsigned)__builtin_clzll((unsigned long long)ns);
	return (size_t)(doubling - 3) * 16 + ((size_t)(ns >> (doubling - 4)) & 15);
}

static int64_t bin_duration(size_t bin)
{
	return bin < 16 ? (int64_t)bin : (int64_t)(16 + bin % 16) << (bin / 16 - 1);
}

int64_t totals_quantile(const struct totals *totals, unsigned percent)
{
	uint64_t all = 0, seen = 0;

	for (size_t i = 0; i < DURATION_BINS; i++)
		all += totals->durations[i];
	for (size_t i = 0; i < DURATION_BINS; i++) {
		seen += totals->durations[i];
		if (seen * 100 >= all * percent && seen > 0)
			return bin_duration(i);
	}
	return 0;
}

static void count_look(struct totals *totals, enum look look)
{
	totals->jobs++;
	if (look == LOOK_OK)
		totals->ok++;
	else if (look == LOOK_NEVER)
		totals->never++;
	else
		totals->failed++;
}

static void count_times(struct totals *totals, const struct job *job)
{
	int64_t duration_ns = job->end_ns - job->start_ns;
	const char *started = json_string_value(json_object_get(job->record, "started"));

	if (!job->was_started)
		return;
	if (totals->start_ns == 0 || job->start_ns < totals->start_ns) {
		totals->start_ns = job->start_ns;
		snprintf(totals->started, sizeof(totals->started), "%s", started ? started : "");
	}
	if (job->end_ns > totals->end_ns)
		totals->end_ns = job->end_ns;
	totals->durations[duration_bin(duration_ns)]++;
	if (totals->longest_id == 0 || duration_ns < totals->shortest_ns)
		totals->shortest_ns = duration_ns;
	if (totals->longest_id == 0 || duration_ns > totals->longest_ns) {
		totals->longest_ns = duration_ns;
		totals->longest_id = job->id;
	}
}

static void drop_names(struct totals *totals)
{
	for (size_t i = 0; i < totals->most_stages; i++)
		free(totals->stage_names[i]);
	free(totals->stage_names);
	totals->stage_names = NULL;
	totals->most_stages = 0;
}

static int keep_names(struct totals *totals, const struct job *job)
{
	if (job->stage_count <= totals->most_stages)
		return 0;
	drop_names(totals);
	totals->stage_names = calloc(job->stage_count, sizeof(*totals->stage_names));
	if (!totals->stage_names)
		return -ENOMEM;
	totals->most_stages = job->stage_count;
	for (size_t i = 0; i < job->stage_count; i++) {
		totals->stage_names[i] = strdup(job_stage(job, i).name);
		if (!totals->stage_names[i])
			return -ENOMEM;
	}
	return 0;
}

static int count(struct totals *totals, const struct job *job)
{
	count_look(totals, job->look);
	count_times(totals, job);
	totals->retried += job->tries > 1;
	totals->numbered += job->number > 0;
	totals->bytes_out += (uint64_t)job->bytes_out;
	totals->bytes_err += (uint64_t)json_integer_value(json_object_get(job->record, "bytes_err"));
	totals->cpu_ns += job->cpu_ns;
	if (job->memory > totals->memory)
		totals->memory = job->memory;
	return keep_names(totals, job);
}

/* ---- the scratch file ---- */

static int row_add(struct report *report, int64_t start_ns)
{
	if (report->row_count == report->row_room) {
		size_t room = report->row_room ? report->row_room * 2 : 64;
		struct row *rows = reallocarray(report->rows, room, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		report->rows = rows;
		report->row_room = room;
	}
	report->rows[report->row_count++] = (struct row){ .start_ns = start_ns, .offset = report->scratch_size };
	return 0;
}

static int keep(struct report *report, const struct job *job)
{
	struct brief brief = { .start_ns = job->start_ns, .end_ns = job->end_ns, .id = job->id, .look = job->look };
	char *text = jsontext_new(job->record, JSON_COMPACT);
	int r;

	if (!text)
		return -ENOMEM;
	brief.size = (uint32_t)strlen(text);
	r = write_whole_at(report->scratch, &brief, sizeof(brief), report->scratch_size);
	if (r == 0)
		r = write_whole_at(report->scratch, text, brief.size, report->scratch_size + (int64_t)sizeof(brief));
	if (r == 0)
		r = row_add(report, job->start_ns);
	if (r == 0)
		report->scratch_size += (int64_t)(sizeof(brief) + brief.size);
	free(text);
	return r;
}

size_t report_count(const struct report *report)
{
	return report->row_count;
}

const struct totals *report_totals(const struct report *report)
{
	return &report->totals;
}

bool report_is_lone(const struct report *report)
{
	return report->row_count == 1 && report->totals.numbered == 0;
}

int report_brief(const struct report *report, size_t index, struct brief *ret_brief)
{
	int r = read_whole_at(report->scratch, ret_brief, sizeof(*ret_brief), report->rows[index].offset);

	/* It could not be started, and nothing had been before it. */
	if (r == 0 && ret_brief->start_ns == 0)
		ret_brief->start_ns = ret_brief->end_ns = report->totals.start_ns;
	return r;
}

/* JSON_ALLOW_NUL: a description may quote anything. */
int report_job(const struct report *report, size_t index, struct job *ret_job)
{
	json_t *record = NULL;
	struct brief brief;
	char *text = NULL;
	int r;

	r = report_brief(report, index, &brief);
	if (r < 0)
		return r;
	text = malloc((size_t)brief.size + 1);
	if (!text)
		return -ENOMEM;
	r = read_whole_at(report->scratch, text, brief.size, report->rows[index].offset + (int64_t)sizeof(brief));
	if (r == 0)
		r = jsontext_read(text, brief.size, JSON_ALLOW_NUL, &record);
	free(text);
	if (r < 0)
		return r;
	job_read(ret_job, record, brief.start_ns);
	ret_job->id = brief.id;
	return 0;
}

/* ---- the public verbs ---- */

int report_new(const char *path, struct report **ret_report)
{
	struct report *report = calloc(1, sizeof(*report));
	int r;

	if (!report)
		return -ENOMEM;
	report->scratch = -1;
	r = newfile_new(path, &report->file);
	if (r < 0)
		goto fail;
	report->scratch = newfile_scratch(path);
	if (report->scratch < 0) {
		r = report->scratch;
		goto fail;
	}
	*ret_report = report;
	return 0;
fail:
	report_drop(report);
	return r;
}

int report_add(struct report *report, const json_t *record)
{
	int64_t otherwise_ns = report->totals.end_ns;
	struct job job;
	int r;

	if (report->error < 0)
		return report->error;
	job_read(&job, json_incref((json_t *)record), otherwise_ns);
	job.id = job.number > 0 ? (uint64_t)job.number : report->row_count + 1;
	r = count(&report->totals, &job);
	if (r == 0)
		r = keep(report, &job);
	job_done(&job);
	report->error = r;
	return r;
}

static int by_start(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->start_ns != right->start_ns)
		return left->start_ns < right->start_ns ? -1 : 1;
	return left->offset < right->offset ? -1 : 1;
}

static int write_page(struct report *report, const struct report_facts *facts)
{
	FILE *out = newfile_stream(report->file);
	int r;

	if (report->row_count > 0)
		qsort(report->rows, report->row_count, sizeof(*report->rows), by_start);
	r = page_begin(out, report, facts);
	if (r == 0)
		r = page_overview(out, report);
	if (r == 0)
		r = page_failures(out, report);
	if (r == 0)
		r = page_timeline(out, report);
	page_end(out);
	return r;
}

int report_finish(struct report *report_take, const struct report_facts *facts)
{
	int r = report_take->error;

	if (r == 0)
		r = write_page(report_take, facts);
	if (r == 0) {
		r = newfile_finish(report_take->file);
		report_take->file = NULL;
	}
	report_drop(report_take);
	return r;
}

void report_drop(struct report *report_take)
{
	if (!report_take)
		return;
	newfile_drop(report_take->file);
	if (report_take->scratch >= 0)
		close(report_take->scratch);
	drop_names(&report_take->totals);
	free(report_take->rows);
	free(report_take);
}
