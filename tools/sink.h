/* SPDX-License-Identifier: MIT */
/*
 * Our own standard output or standard error as something to write to without ever blocking, whoever else shares it.
 *
 * O_NONBLOCK is not ours to set: the descriptor is shared with the shell and with whatever runs beside us. A pipe or a terminal is opened a second
 * time where that can be; else what is written at once is small enough for what poll(2) promises.
 */
#ifndef BROOD_TOOLS_SINK_H
#define BROOD_TOOLS_SINK_H

#include "spool.h"

enum sink_kind {
	SINK_OPENED,            /* a description of our own, with O_NONBLOCK */
	SINK_SOCKET,            /* asked each time not to wait */
	SINK_SMALL,             /* may block: poll, and not more than PIPE_BUF */
	SINK_FILE               /* never waits for a reader */
};

struct sink {
	int fd;
	bool own;               /* fd is to be closed */
	bool terminal;
	bool inside;            /* the last byte written was no newline */
	enum sink_kind kind;
	struct spool waiting;
	int error;              /* of a write: it sticks, and what comes later is dropped */
};

void sink_init(struct sink *sink, int fd, struct spill *spill);

/* Both lead to the same file: then one sink must serve both, or their texts mix. */
bool sink_same_file(int fd, int other);

/* To put text behind what waits. All of it is dropped after an error. */
void sink_put(struct sink *sink, const char *bytes, size_t size);
void sink_pour(struct sink *sink, struct spool *from);

/*
 * Write what can be written now, up to a limit that keeps the rest of the program going: the caller polls for POLLOUT while something waits. 0, or
 * -errno, which sticks.
 */
int sink_flush(struct sink *sink);

void sink_done(struct sink *sink);

#endif
