/* SPDX-License-Identifier: MIT */
/* An earlier run's log, read back. */
#ifndef BROOD_TOOLS_JOBLOG_READ_H
#define BROOD_TOOLS_JOBLOG_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "joblog_done.h"

struct joblog_reading {
	uint64_t line;          /* the number of the one read last */
	const char *mistake;    /* what is wrong with it, NULL: nothing */
	off_t whole;            /* up to here it is whole lines */
	bool torn;              /* what comes behind is the beginning of a record */
	bool unended;           /* the last line is whole but for its newline */
};

/* Read all of it and change nothing. 0, or -errno; -EINVAL with the mistake. */
int joblog_read(int fd, struct done *done, struct joblog_reading *ret_reading);

/*
 * A line as joblog_append writes it, without the members that nobody here asks for: `ret` has room for the line. Its size; 0 when the line is
 * written in any other way, which may be JSON all the same. What is left out is not looked at closely.
 */
size_t joblog_skim(const char *line, size_t size, char *ret);

#endif
