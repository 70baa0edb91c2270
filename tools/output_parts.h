/* SPDX-License-Identifier: MIT */
/* What output.c (the sinks, and whose turn it is) and output_job.c (the bytes of one job) share. */
#ifndef BROOD_TOOLS_OUTPUT_PARTS_H
#define BROOD_TOOLS_OUTPUT_PARTS_H

#include "lines.h"
#include "output.h"
#include "results.h"
#include "sink.h"

enum {
	SINK_FULL = 1 << 20,            /* then nobody is started, and with LINES nobody read */
	SINK_LOW = SINK_FULL / 2
};

struct stream {
	struct spool kept;      /* until the end (GROUP), until its turn (LINES) */
	struct spool rest;      /* LINES: of a line that is not whole yet */
	struct lines lines;
	int file;               /* in the folder of results, or -1 */
};

struct job_output {
	struct output *output;
	struct job_output *previous, *next;
	brood_future *future;   /* not ours; NULL until it is known */
	char *tag;
	unsigned tries;         /* what is kept is of this one */
	int error;              /* of a file in the folder of results */
	bool paused;
	bool closed;
	struct stream streams[2];
};

struct output {
	struct output_settings settings;
	struct results *results;
	struct spill *spill;
	struct sink sinks[2];
	bool one_sink;
	struct job_output *first, *last;
	size_t kept_jobs;
	uint64_t kept_bytes;
	size_t paused_jobs;
};

/* ---- output.c ---- */

struct sink *output_sink(struct output *output, size_t which);

/* It may write now; else what it writes is kept. */
bool output_has_turn(const struct job_output *job);

/* ---- output_job.c ---- */

struct job_output *output_job_new(struct output *output, const char *input);
int output_job_results(struct job_output *job, uint64_t number, const char *input, char **ret_why);
void output_job_free(struct job_output *job_take);

/* Have its pipes read into what this job keeps, or into the sinks. */
void output_job_direct(struct job_output *job, brood_command *cmd);

/* There is no more. 0, or -errno: something was cut. */
int output_job_end(struct job_output *job);

#endif
