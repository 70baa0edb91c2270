/* SPDX-License-Identifier: MIT */
/*
 * What the files of the report share; nobody else includes it. report.c keeps the records and says in which order the page is written; report_job.c reads
 * one of them, report_text.c writes words and numbers, report_page.c the top of the page, report_overview.c the run as a whole,
 * report_timeline.c the parts with the bars and the tables.
 */
#ifndef BROOD_TOOLS_REPORT_PARTS_H
#define BROOD_TOOLS_REPORT_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "report.h"
#include "units.h"

/* How a job or a stage looks: each has a colour, and a pattern or a mark as well. */
enum look {
	LOOK_OK,
	LOOK_FAILED,
	LOOK_STOPPED,           /* by a deadline, a limit, or because somebody said so */
	LOOK_NEVER              /* it was not started */
};

/* ---- one job: report_job.c ---- */

struct stage {
	const json_t *json;
	const char *name;
	enum look look;
	int64_t start_ns;       /* a stage that never was: its job's start, twice */
	int64_t end_ns;
	int64_t cpu_ns;         /* user and system */
	int64_t memory;         /* bytes */
};

/* A record that was read back. Texts belong to it. */
struct job {
	json_t *record;
	int64_t number;         /* 0: none */
	uint64_t id;            /* in links: its number, or the how manieth record it is */
	const char *input;      /* "" when there is none */
	const char *command;
	const char *description;
	enum look look;
	bool was_started;
	int64_t start_ns;
	int64_t end_ns;
	int64_t cpu_ns;
	int64_t memory;         /* of the stage that had most */
	int64_t bytes_out;
	int64_t tries;
	size_t stage_count;
};

/* Takes the record. One that was never started stands at `otherwise_ns`. */
void job_read(struct job *job, json_t *record_take, int64_t otherwise_ns);
void job_done(struct job *job);
struct stage job_stage(const struct job *job, size_t index);

/* "ok", "exit 3", "SIGSEGV", "timed out": short enough for a cell and for the time line. */
void job_result(const struct job *job, char *text, size_t room);
void stage_result(const struct stage *stage, char *text, size_t room);

/* ---- words and numbers: report_text.c ---- */

/* As HTML text or attribute. What cannot be seen or steers is written out (\x1b, \u202e); more than `most` characters: the middle is left out. */
void html_text(FILE *out, const char *text, size_t most);

/* 12345 as "12 345", with thin spaces. */
void html_count(FILE *out, uint64_t count);

/* What an axis shows; begin_ns is where the run began, from which times are told. */
struct axis {
	int64_t begin_ns;
	int64_t start_ns;
	int64_t end_ns;
};

/* Where a moment lies, for attributes: "12.34". A small margin is kept on both sides, so that a bar of no length at the end is seen. */
enum { PERCENT_TEXT = 24 };
const char *axis_percent(const struct axis *axis, int64_t ns, char text[PERCENT_TEXT]);
const char *axis_share(const struct axis *axis, int64_t length_ns, char text[PERCENT_TEXT]);
const char *share_percent(int64_t part, int64_t whole, char text[PERCENT_TEXT]);

/* The marks: `y2` is how far down lines go ("100%"). */
void axis_lines(FILE *out, const struct axis *axis);
void axis_labels(FILE *out, const struct axis *axis, int y);

/* "1.53 s" from the beginning of the run. */
const char *axis_moment(const struct axis *axis, int64_t ns, char text[UNITS_TEXT]);

/* ---- all jobs: report.c ---- */

enum { DURATION_BINS = 64 * 16 };

/* Sums over the records, of a size that does not depend on their number. */
struct totals {
	uint64_t jobs;
	uint64_t ok;
	uint64_t failed;        /* the stopped ones too */
	uint64_t never;
	uint64_t retried;
	uint64_t numbered;      /* that have a number: run's has none */
	uint64_t bytes_out;
	uint64_t bytes_err;
	int64_t cpu_ns;
	int64_t memory;
	int64_t start_ns;       /* of the first; 0: none was started */
	int64_t end_ns;
	char started[40];       /* the wall clock at start_ns */
	size_t most_stages;
	char **stage_names;     /* of the first job that has so many */
	int64_t shortest_ns;
	int64_t longest_ns;
	uint64_t longest_id;
	uint64_t durations[DURATION_BINS];      /* sixteen bins to a doubling */
};

/* One record in the scratch file, as far as it is needed without reading it. */
struct brief {
	int64_t start_ns;
	int64_t end_ns;
	uint64_t id;
	uint32_t size;          /* of the JSON behind this */
	uint32_t look;
};

/* Records in the order of their starts. -errno, or 0. */
size_t report_count(const struct report *report);
int report_brief(const struct report *report, size_t index, struct brief *ret_brief);
int report_job(const struct report *report, size_t index, struct job *ret_job);
const struct totals *report_totals(const struct report *report);

/* It is about one chain, as run makes it, and not about a job of many. */
bool report_is_lone(const struct report *report);

/* Which of `count` durations is not passed by `percent` of them; a few per cent off at most. */
int64_t totals_quantile(const struct totals *totals, unsigned percent);

/* ---- the page, in this order ---- */

extern const char report_style[];

int page_begin(FILE *out, const struct report *report, const struct report_facts *facts);
int page_overview(FILE *out, const struct report *report);
int page_failures(FILE *out, const struct report *report);
int page_timeline(FILE *out, const struct report *report);
void page_end(FILE *out);

#endif
