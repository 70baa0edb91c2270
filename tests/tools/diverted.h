/* SPDX-License-Identifier: MIT */
/* For tests of what reads a command line and answers on standard output and standard error: both are led away, and looked at. */
#ifndef TOOLS_DIVERTED_H
#define TOOLS_DIVERTED_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/support.h"

#include "options.h"

/* Standard output and standard error led into memory, until diverted_done. */
struct diverted {
	int saved[2], fd[2];
};

static inline void divert(struct diverted *diverted)
{
	fflush(NULL);
	for (int i = 0; i < 2; i++) {
		diverted->fd[i] = memfd_create("diverted", MFD_CLOEXEC);
		assert_true(diverted->fd[i] >= 0);
		diverted->saved[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, 10);
		dup2(diverted->fd[i], i + 1);
	}
}

static inline void diverted_done(struct diverted *diverted, char *out, size_t out_size, char *err, size_t err_size)
{
	char *texts[] = { out, err };
	size_t sizes[] = { out_size, err_size };

	for (int i = 0; i < 2; i++) {
		ssize_t n = pread(diverted->fd[i], texts[i], sizes[i] - 1, 0);

		texts[i][n > 0 ? n : 0] = '\0';
		dup2(diverted->saved[i], i + 1);
		close(diverted->saved[i]);
		close(diverted->fd[i]);
	}
}

enum { WORDS_MOST = 16 };

/* One line of words to an argv; blanks divide, and "''" is an empty word. */
static inline int split(char *line, char *argv[WORDS_MOST])
{
	int argc = 0;

	for (char *word; (word = strsep(&line, " "));) {
		assert_true(argc < WORDS_MOST - 1);
		argv[argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
	}
	argv[argc] = NULL;
	return argc;
}

/* What --help of a verb says is for a terminal of 80 columns, and for one look. The settings hold their defaults. */
static inline void expect_help_fits(const struct verb *verb, void *settings)
{
	char word[] = "verb", option[] = "--help", *argv[] = { word, option, NULL };
	struct operands operands;
	struct diverted diverted;
	char out[8192], err[256], *rest = out;
	int lines = 0;

	divert(&diverted);
	options_read(verb, 2, argv, settings, &operands);
	diverted_done(&diverted, out, sizeof(out), err, sizeof(err));
	for (char *line; (line = strsep(&rest, "\n")); lines++)
		if (strlen(line) > 80)
			fail_msg("%zu columns: %s", strlen(line), line);
	assert_in_range(lines, 20, 51);
}

#endif
