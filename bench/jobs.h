/* SPDX-License-Identifier: MIT */
/*
 * The jobs of the command line: each asks the contender so many times, with the clock around that and the checks outside it.
 */
#ifndef BENCH_JOBS_H
#define BENCH_JOBS_H

#include "measure.h"

#include <stdarg.h>

enum { PROOF_CODE = 7 };

struct job {
	const struct contender *contender;
	const char *name;
	const char *tiny;
	const char *word;       /* what stands behind the name, as it is */
	uint64_t number[2];     /* the same as numbers, 0 where there is none */
	long times;
	double *us;             /* one for each time */
	char extra[512];        /* more members of the JSON line */
};

/* Does what the name says, or NULL where the contender does not offer it. */
void (*job_find(const struct job *job))(struct job *);

/* The path of a child of bench/tiny: the caller frees it. */
char *job_child(const struct job *job, const char *name);

/* A contender that lost statuses would look fast. */
void job_prove(const struct job *job);

/* The times in order: the median is in the middle. */
void job_sort(struct job *job);

/* One more member of the JSON line. */
void job_tell(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

void do_overshoot(struct job *job);
void do_notice(struct job *job);
void do_idle(struct job *job);
void do_many(struct job *job);
void do_among(struct job *job);
void do_bounded(struct job *job);
void do_threads(struct job *job);

#endif
