/* SPDX-License-Identifier: MIT */
/*
 * Lines of a stream that comes in pieces: where the last whole one ends, and a tag before each. Pure but for the spool that it writes to.
 */
#ifndef BROOD_TOOLS_LINES_H
#define BROOD_TOOLS_LINES_H

#include "spool.h"

/* The bytes up to and with the last newline; 0 when there is none. */
size_t lines_whole(const char *bytes, size_t size);

/* What --tag writes for this input: control characters as \xNN, so that a line stays a line, and a tab. NULL for want of memory; to be freed. */
char *lines_tag(const char *input);

struct lines {
	const char *tag;        /* the caller's; NULL: none */
	size_t tag_size;
	bool inside;            /* the last byte was no newline */
};

/* Append to the spool, with the tag before each line that begins here. Its error is the spool's. */
void lines_put(struct lines *lines, struct spool *spool, const char *bytes, size_t size);

/* There is no more: a last line without its newline gets one. */
void lines_end(struct lines *lines, struct spool *spool);

#endif
