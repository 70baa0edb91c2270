/* SPDX-License-Identifier: MIT */
/*
 * The lines of one file or of standard input, as inputs.c needs them: one at a time, never waiting.
 *
 * O_NONBLOCK belongs to the open file, which standard input shares with the shell and everybody else: it is never set there. poll(2) is
 * asked before each read, and a pipe that has something gives what it has.
 */
#ifndef BROOD_TOOLS_INPUTS_SOURCE_H
#define BROOD_TOOLS_INPUTS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct source {
	char *name;             /* for people: "standard input", "'list'" */
	int fd;                 /* -1: none */
	bool own;               /* we opened it */
	bool regular;
	off_t first;            /* of a regular file: where it stood, and how long it was */
	off_t size;
	char separator;
	uint64_t number;        /* of the line that comes next, from 1 */
	char *bytes;            /* what was read and not given out: from start to end; up to seen there is no separator */
	size_t room, start, seen, end;
	bool ended;
};

/* "-" is standard input. 0, or -errno and *ret_why (to be freed). `source` may be handed to source_done either way. */
int source_open(struct source *source, const char *path, bool null_separated, char **ret_why);

/*
 * 1 and *ret_line (to be freed); 0 at the end; -EAGAIN: nothing is there yet, or *budget, the bytes that may still be read now, is spent (the
 * descriptor is then ready, and the caller has looked at its signals in between). Another -errno, and *ret_why (to be freed).
 */
int source_next(struct source *source, size_t *budget, char **ret_line, char **ret_why);

/* How many lines a regular file has, from where it stood at first; its offset stays. False: not regular, or more than *budget bytes. */
bool source_count(const struct source *source, uint64_t *budget, uint64_t *ret_count);

void source_done(struct source *source);

#endif
