/* SPDX-License-Identifier: MIT */
/*
 * What tests of the poller share: pipes to watch. Their groups run twice, once with epoll and once with poll(2); main says by the
 * environment which one poller_new makes, before any test takes its picture of the host.
 */
#ifndef SUPPORT_LINES_H
#define SUPPORT_LINES_H

#include <poll.h>
#include <unistd.h>

#include "support.h"

#include "base/fd.h"
#include "base/poller.h"

/* A pipe whose read end is watched. */
struct line {
	int end[2];
	struct watch watch;
};

static inline struct poller *poller_made(void)
{
	struct poller *poller = poller_new();

	assert_non_null(poller);
	return poller;
}

static inline void line_open(struct poller *poller, struct line *line)
{
	assert_int_equal(fd_pipe(line->end), 0);
	line->watch = (struct watch){ .fd = line->end[0], .owner = line };
	assert_int_equal(poller_watch(poller, &line->watch, POLLIN), 0);
}

static inline void line_write(struct line *line)
{
	assert_int_equal(write(line->end[1], "x", 1), 1);
}

static inline void line_close(struct poller *poller, struct line *line)
{
	poller_watch(poller, &line->watch, 0);
	fd_close(&line->end[0]);
	fd_close(&line->end[1]);
}

#endif
