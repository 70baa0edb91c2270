/* SPDX-License-Identifier: MIT */
/*
 * The log of map: a line of JSON for each job that ended, appended by one write(2), so that whoever is killed leaves whole lines. The file is locked
 * while it is in use: two maps on one log would do the same work twice.
 *
 * When the disk is full the part of a line that went in is taken back, and joblog_append says so: the file stays whole lines.
 */
#ifndef BROOD_TOOLS_JOBLOG_H
#define BROOD_TOOLS_JOBLOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct joblog;

/*
 * Without `resume` the file must be new or empty: an older log is not written over. With it, the jobs that succeeded are learned from the lines that
 * are there, and a torn last line (a crash) is cut off; a file with a line that is no job's record is left as it is. What is no regular file is
 * written to and cannot be resumed from. 0, or -errno and *ret_why (to be freed): -EEXIST, the line's number where one cannot be read,
 * -EBUSY and who holds the lock.
 */
int joblog_new(const char *path, bool resume, struct joblog **ret_log, char **ret_why);

/*
 * Only to ask what an earlier run has done: nothing is locked, mended or made, and joblog_append is not for it. A file that is not there has done
 * nothing. 0, or -errno and *ret_why as above.
 */
int joblog_peek(const char *path, struct joblog **ret_log, char **ret_why);

/*
 * This input with this command succeeded before, by a line that no earlier call has taken: an input that is there twice and done once is true once.
 */
bool joblog_take_done(struct joblog *log, const char *input, const char *command);

/* How many lines of success were found, and whether a torn line was cut off. */
uint64_t joblog_done_count(const struct joblog *log);
bool joblog_was_torn(const struct joblog *log);

/*
 * 0, or -errno: this record is not in the file, and the file is as it was. With SIGXFSZ at its default a limit on the size of files ends the
 * program instead.
 */
int joblog_append(struct joblog *log, const json_t *record);

/* 0, or -errno of the last write-back. Frees the log; NULL is 0. */
int joblog_finish(struct joblog *log_take);

#endif
