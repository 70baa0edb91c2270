/* SPDX-License-Identifier: MIT */
/*
 * What the parts of map share: map.c opens and closes it all, map_loop.c waits, map_job.c hands in, map_end.c takes a job that has ended,
 * map_summary.c says how it went.
 *
 * Two things end a map before its inputs do. `stopping`: no new job is started. `broken`: brood itself failed, and the status says so. Neither
 * ends what runs: map_cancel does.
 */
#ifndef BROOD_TOOLS_MAP_H
#define BROOD_TOOLS_MAP_H

#include <brood.h>
#include <sys/resource.h>

#include "bar.h"
#include "inputs.h"
#include "joblog.h"
#include "map_options.h"
#include "output.h"
#include "report.h"
#include "template.h"
#include "trace.h"

struct map_counts {
	uint64_t taken;         /* inputs; the number of the last one */
	uint64_t skipped;       /* done in an earlier run */
	uint64_t ok;
	uint64_t failed;
	uint64_t not_found;     /* of those: their program was not there */
	uint64_t stopped;       /* they ran when all was cancelled */
	uint64_t unstarted;     /* they waited for a place when all was cancelled */
};

struct map {
	const struct map_settings *settings;
	struct template *template;
	struct inputs *inputs;
	struct output *output;
	struct joblog *log;     /* NULL without --log; so with report, trace and bar */
	struct report *report;
	struct trace *trace;
	struct bar *bar;
	brood_batch *batch;
	size_t at_once;
	struct rlimit descriptors;      /* what the jobs get back when ours was raised */
	bool descriptors_raised;

	struct map_counts counts;
	size_t live;            /* handed in, not ended */
	int64_t begun_ns;
	uint64_t failures_told;
	bool inputs_ended;
	bool starving;          /* the next input is not there yet */
	bool stopping;
	bool broken;
	bool log_is_full;       /* that a record did not fit was said */
	bool output_failed;     /* that our output cannot be written was said */
	bool reader_gone;       /* and SIGPIPE is to end us, as it would have */
	bool sigpipe_ignored;   /* since before us: a reader that leaves is an error like any other */
	int interrupted;        /* the first signal that asked us to end */
	int64_t interrupted_ns;
};

int64_t map_now_ns(void);

/* No new jobs, and those that run are stopped: stop signal, grace, SIGKILL. */
void map_cancel(struct map *map);

/* Say that brood itself has failed: no new jobs, status 125. */
void map_break(struct map *map, const char *format, ...) BROOD_PRINTF(2, 3);

/* ---- map_loop.c ---- */

/* Until every job has ended and its output is written, or nobody reads it. */
void map_loop(struct map *map);

/* ---- map_job.c ---- */

struct map_job {
	struct job_output *output;
	brood_future *future;
	uint64_t number;
	char *input;
	char *command;          /* as a shell would need it; NULL where nobody asks */
};

/* Hand in as many as there are places, and a few ahead, so that the next one starts the moment one ends. */
void map_hand_in(struct map *map);

/* More can be handed in at once: whoever waits now wastes a place. */
bool map_is_hungry(const struct map *map);

/* The command for an input as it will be started, but for its output. 0, or -errno and *ret_why (to be freed; NULL for want of memory). */
int map_command(const struct map *map, const char *input, uint64_t number, brood_command **ret_cmd, char **ret_why);

void map_job_free(struct map_job *job_take);

/* ---- map_end.c ---- */

/* Its future was given: count it, write its output and its records, say that it failed. Frees the job and this reference of the future. */
void map_job_ended(struct map *map, brood_future *future_take);

/* ---- map_dry.c ---- */

/* Show each job's command on standard output and run nothing. */
void map_dry_run(struct map *map);

/* ---- map_summary.c ---- */

/* The line at the end, and how to go on. */
void map_summary(const struct map *map);
int map_status(const struct map *map);
/* The signal to die of in place of a status; 0: none. */
int map_signal(const struct map *map);
const char *map_signal_name(int signal);
/* How it ended, for the report: "interrupted by SIGINT"; NULL. */
const char *map_ending(const struct map *map);
/* How many jobs there were to do, 0 when that is not known. */
uint64_t map_total(const struct map *map);

#endif
