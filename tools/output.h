/* SPDX-License-Identifier: MIT */
/*
 * What the jobs of map write, on its way to our own standard output and standard error: never mixed, never lost, in the order that was asked for.
 *
 * GROUP    a job's output is kept until it ends (in memory up to 64 KiB, then in a file without a name in $TMPDIR) and written in one piece.
 * LINES    whole lines are written as they come.
 * UNGROUPED the jobs have our descriptors themselves.
 *
 * Nothing here blocks: a reader that does not read delays the writing, never a deadline. When too much waits to be read, output_is_full says so,
 * jobs' pipes are left alone (they block, as they would on the pipe itself) and no new jobs are to be started.
 */
#ifndef BROOD_TOOLS_OUTPUT_H
#define BROOD_TOOLS_OUTPUT_H

#include <brood.h>
#include <poll.h>

enum output_mode { OUTPUT_GROUP, OUTPUT_LINES, OUTPUT_UNGROUPED };

struct output_settings {
	enum output_mode mode;
	bool tag;               /* the input and a tab before each line */
	bool keep_order;        /* in the order of the inputs */
	const char *results;    /* a folder to keep everything in too, or NULL: NUMBER-INPUT/stdout, stderr */
	void (*before)(void *data);     /* called before something is written, to take a bar off the screen; may be NULL */
	void *data;
};

struct output;
struct job_output;

/* 0, or -errno and *ret_why (to be freed): the folder of results cannot be made, or has something in it already and `resume` is not set. */
int output_new(const struct output_settings *settings, bool resume, struct output **ret_output, char **ret_why);

/* Before a job is submitted: direct its output. Numbers rise. 0, or -errno and *ret_why. */
int output_open(struct output *output, uint64_t number, const char *input, brood_command *cmd, struct job_output **ret_job, char **ret_why);

/* Its future, so that what a try wrote that is being retried can be told from what the last one writes. */
void output_set_future(struct job_output *job, brood_future *future);

/* The job has ended: what it wrote is written as soon as it is its turn. Frees the job's part in time; it must not be used any more. */
void output_close(struct output *output, struct job_output *job_take);

/* This number will not come (an input that was done before): with keep_order the next one need not wait for it. */
void output_skip(struct output *output, uint64_t number);

/* Write what can be written without blocking. 0, or -errno of a write that failed: -EPIPE when nobody reads, -ENOSPC. It sticks. */
int output_flush(struct output *output);

/* What to poll for: fills up to two, returns how many. None: nothing waits to be written. */
size_t output_poll(const struct output *output, struct pollfd fds[2]);
bool output_is_full(const struct output *output);

/* Write the rest, waiting for the reader for as long as keep_on(data) is true. 0, or -errno. */
int output_finish(struct output *output, bool (*keep_on)(void *data), void *data);
void output_free(struct output *output_take);

#endif
