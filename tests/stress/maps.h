/* SPDX-License-Identifier: MIT */
/*
 * `brood map --log` over numbered inputs, killed at moments of chance and resumed until it ends by itself; and the proof that nothing was lost:
 *
 *  - what stood in the log as whole lines stands there ever after, each line the record of a job; only a last line may be torn;
 *  - in the end each input has one line that says ok, and its job has left its marks (tests/stress/job.c);
 *  - no job ran while an earlier start of the same job still did;
 *  - $TMPDIR is empty and no child is left after each kill; what --results keeps is whole in the end.
 */
#ifndef STRESS_MAPS_H
#define STRESS_MAPS_H

#include <stdbool.h>
#include <stdint.h>

struct maps {
	unsigned long inputs;
	unsigned at_once;
	unsigned job_us;                /* a job sleeps for up to so long */
	bool results;
	int64_t kill_within_ns;         /* of a start */
	unsigned long kills_most;       /* then it may end */
};

struct maps_told {
	unsigned long kills;
	unsigned long orphans;          /* children that outlived a killed map */
	unsigned long torn;             /* last lines */
	unsigned long twice;            /* jobs that were started again */
	unsigned long waited;           /* and found the killed one's lock still there */
	unsigned long lines;
	unsigned long busy;             /* resumed so early that the log was in use still */
	int64_t slowest_ns;             /* until the orphans were gone */
};

/* Once, from new inputs to the end. Adds to *ret. */
void maps_run(const struct maps *maps, struct maps_told *ret);

#endif
