/* SPDX-License-Identifier: MIT */
/*
 * Walking through the faults of one scenario, and keeping count of what came of them.
 */
#ifndef FAULTS_SWEEP_H
#define FAULTS_SWEEP_H

#include "inject.h"

/* Kinds of faults, for the counts and for choosing. */
enum kind {
	KIND_ONCE,              /* one system call fails, at one of its occurrences */
	KIND_LASTING,           /* from one occurrence on */
	KIND_MEMORY,            /* the n-th allocation, and the n-th and all after it */
	KIND_SHORT,             /* the n-th read or write moves one byte */
	KIND_CLOSE,             /* the n-th close says it failed */
	KIND_KERNEL,
	KIND_NOFILE,
	KIND_NPROC,
	KIND_PIDS,
	KINDS
};

extern const char *const kind_words[KINDS];

struct tally {
	unsigned calls;                 /* different calls that came, host's and child's counted apart */
	unsigned long points[KINDS];    /* faults that fired */
	unsigned long survived[KINDS];
	unsigned long well;             /* of those that survived: as without a fault */
	unsigned long told;             /* an error was told */
	unsigned long failed;
	unsigned capped;                /* calls whose occurrences were too many to try all */
	char skipped[160];              /* why nothing, or not all, was tried */
	int milliseconds;
};

/* Called for each point that did not survive. */
typedef void sweep_failed(const struct scenario *scenario, const char *what, const char *why);

/* All of them. `kinds` is a mask of 1 << KIND_*. */
void sweep_all(const struct scenario *scenario, unsigned kinds, struct tally *tally, sweep_failed *failed);

/* Each call's first occurrence with its first error, and nothing else: the same points every time. */
void sweep_quickly(const struct scenario *scenario, struct tally *tally, sweep_failed *failed);

#endif
