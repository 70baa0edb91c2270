/* SPDX-License-Identifier: MIT */
/*
 * What succeeded before: pairs of input and command, each with how often. A table with open addressing over one stretch of memory that holds the
 * pairs, so that a log of a hundred thousand jobs costs little more than their text.
 */
#ifndef BROOD_TOOLS_JOBLOG_DONE_H
#define BROOD_TOOLS_JOBLOG_DONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct done {
	char *bytes;            /* input, NUL, command, NUL, and the next */
	size_t used, room;
	struct done_slot *slots;
	size_t slot_count;      /* a power of 2, or 0 */
	size_t pairs;
	uint64_t lines;         /* all that were added */
};

/* Zeroed memory is an empty one. 0, or -ENOMEM. */
int done_add(struct done *done, const char *input, const char *command);
/* True once for each time it was added. */
bool done_take(struct done *done, const char *input, const char *command);
/* No more will be added. */
void done_trim(struct done *done);
void done_free(struct done *done);

#endif
