/* SPDX-License-Identifier: MIT */
/*
 * What became of each job of a map: its bytes on standard output, its line in the log, its words on standard error; and whether these agree.
 */
#ifndef FAULTS_JOBS_H
#define FAULTS_JOBS_H

#include "shell.h"

struct job {
	const char *input;
	const char *out;        /* all that it writes to standard output, which no other one's begins with; "" for nothing */
	size_t size;            /* 0: strlen(out) */
	int status;             /* without a fault */
	bool may_be_stopped;    /* because of another one, or of a signal */
	bool unstarted;         /* without a fault */

	/* What was seen. */
	size_t found;           /* bytes of it */
	bool told;              /* that it failed, on standard error */
	unsigned records;
	bool ok;                /* by its record */
	int64_t tries;
};

/*
 * Standard output is made of whole blocks, one from each job. A block may be cut where its job is told as failed, or where brood says that it could
 * not write.
 */
void jobs_output(struct seen *seen, struct job *jobs, size_t count, bool in_order);

/* What a crash has left of a line, at the end of an earlier log. */
extern const char jobs_torn[];

/*
 * The log is whole lines, at most one for each job, and with those that it did not take (they are on standard error) as many say ok as the summary
 * counts. `earlier` is what stood there before: it does still, as it was, and jobs_torn was cut off before anything was written.
 */
void jobs_log(struct seen *seen, const char *name, const char *earlier, struct job *jobs, size_t count);

/* Folders of results: what a record calls ok is there, byte for byte, and job.json with it. Call jobs_log first. */
void jobs_results(struct seen *seen, const char *folder, const struct job *jobs, size_t count, const char *err);

/* Those that should have ended well did, or are told one by one; the status agrees. Call it last. */
void jobs_ends(struct seen *seen, const struct job *jobs, size_t count);

#endif
