/* SPDX-License-Identifier: MIT */
/* The files of a test of the command: their paths, and waiting for what is to be in them. */
#ifndef TOOLS_FILES_H
#define TOOLS_FILES_H

#include <sys/stat.h>

#include "support/support.h"

/* In the test's directory. The path holds until eight others have been asked for. */
static inline const char *file(const char *name)
{
	static char paths[8][4096];
	static int next;

	return support_path(paths[next++ % 8], sizeof paths[0], name);
}

static inline void wait_for_size(const char *path, off_t size)
{
	const int64_t until = support_now_ms() + 60000;
	struct stat status;

	while (stat(path, &status) < 0 || status.st_size < size) {
		assert_true(support_now_ms() < until);
		support_sleep_ms(1);
	}
}

#endif
