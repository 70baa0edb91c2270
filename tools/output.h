/* SPDX-License-Identifier: MIT */
/*
 * What the jobs of map write, on its way to our own standard output and standard error: never mixed, never lost, in the order that was asked for.
 *
 * GROUP     a job's output is kept until it ends (in memory up to 64 KiB, then in a file without a name in $TMPDIR) and written in one piece, byte
 *           for byte. What a try wrote that was tried again is dropped.
 * LINES     whole lines are written as they come, those of a try that failed too.
 * UNGROUPED the jobs have our descriptors themselves.
 *
 * With LINES and with tags a last line without a newline gets one: whatever follows would else stand in the same line.
 *
 * Nothing here blocks: a reader that does not read delays the writing, never a deadline. With LINES the pipes of a job are left alone while too much
 * waits to be read (the job blocks, as it would on the pipe itself); with GROUP its output goes on into the file.
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
	size_t at_once;         /* jobs: eight times as many, or 256, may wait for an earlier one that runs on */
	const char *results;    /* a folder to keep everything in too, or NULL: NUMBER-INPUT/stdout, stderr; as it is, without tags */
	bool resume;            /* that folder may have something in it */
	void (*before)(void *data);     /* called before something is written to a terminal, to take a bar off the screen; may be NULL */
	void *data;
};

struct output;
struct job_output;

/* 0, or -errno and *ret_why (to be freed; NULL for want of memory): the folder of results cannot be made, or has something in it. */
int output_new(const struct output_settings *settings, struct output **ret_output, char **ret_why);

/*
 * Before a job is submitted: direct its output. Numbers rise; those of jobs that are left out are never waited for. 0, or -errno and *ret_why. With
 * UNGROUPED *ret_job is NULL, which every call takes.
 */
int output_open(struct output *output, uint64_t number, const char *input, brood_command *cmd, struct job_output **ret_job, char **ret_why);

/* Its future, so that what a try wrote that is being retried can be told from what the last one writes. */
void output_set_future(struct job_output *job, brood_future *future);

/*
 * The job has ended: what it wrote is written as soon as it is its turn. Its part is freed in time, and must not be used any more. 0, or -errno:
 * its output was cut, for there was no space for more of it (or no memory); what was kept is written.
 */
int output_close(struct output *output, struct job_output *job_take);

/* A file beside the job's stdout and stderr, where there are results. 0, or -errno. */
int output_keep(struct output *output, uint64_t number, const char *input, const char *name, const char *bytes, size_t size);

/*
 * Write what can be written without blocking. 0, or -errno of a write that failed: -EPIPE when nobody reads, -ENOSPC. It sticks, and all that comes
 * later is dropped; *ret_fd (may be NULL) is then 1 or 2.
 */
int output_flush(struct output *output, int *ret_fd);

/* What to poll for: fills up to two, returns how many. None: nothing waits to be written. */
size_t output_poll(const struct output *output, struct pollfd fds[2]);

/* Too much waits: no new job is to be started. */
bool output_is_full(const struct output *output);

/* A terminal was left in the middle of a line: a bar drawn now would go over it. */
bool output_in_line(const struct output *output);

/* What waits is not to be written any more, nor is what comes later: somebody wants us to end. */
void output_drop(struct output *output);

void output_free(struct output *output_take);

#endif
