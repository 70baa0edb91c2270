/* SPDX-License-Identifier: MIT */
/*
 * The report: one HTML file that needs nothing else, neither network nor JavaScript. A summary, the jobs that failed, and a time line with a bar for
 * every stage of every job. Ten thousand jobs stay usable: the time line comes in parts that are folded up but for the first.
 *
 * Records wait in a file without a name until the end, so memory does not grow with them. The report appears under its name when it is whole, in
 * place of an older one; nobody ever sees half of it.
 */
#ifndef BROOD_TOOLS_REPORT_H
#define BROOD_TOOLS_REPORT_H

#include <jansson.h>
#include <stdint.h>

struct report;

/* What the records do not tell. */
struct report_facts {
	const char *title;      /* "brood map" */
	const char *command;    /* the command line or template */
	uint64_t given;         /* jobs that there were to do, the skipped ones among them; 0: one a record */
	uint64_t skipped;       /* done in an earlier run */
	const char *ending;     /* "interrupted by SIGINT", or NULL */
};

/* 0, or -errno: the folder cannot be written. Told now, not after an hour's work. */
int report_new(const char *path, struct report **ret_report);
/* 0, or -errno; the first error sticks. */
int report_add(struct report *report, const json_t *record);
/* Write it. 0, or -errno, the first there was. Frees the report. */
int report_finish(struct report *report_take, const struct report_facts *facts);
/* Nothing is written. NULL is fine. */
void report_drop(struct report *report_take);

#endif
