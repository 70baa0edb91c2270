/* SPDX-License-Identifier: MIT */
/*
 * What the suites about examples/ share: running one as its users run it, and looking at what it printed and how it ended.
 */
#ifndef SUITES_EXAMPLES_H
#define SUITES_EXAMPLES_H

#include <brood.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

struct ran {
	int status;             /* as a shell says it */
	char *out, *err;
};

static inline brood_command *example(const char *name)
{
	const char *folder = getenv("BROOD_EXAMPLES");
	char path[4096];

	skip_unless(folder, "BROOD_EXAMPLES does not say where the examples are");
	snprintf(path, sizeof(path), "%s/%s", folder, name);

	brood_command *cmd = brood_command_newl(path, NULL);
	brood_command_unsetenv(cmd, "BROOD_PASSWORD");
	brood_command_unsetenv(cmd, "LD_PRELOAD");
	brood_command_set_timeout_ms(cmd, 120000);
	brood_command_set_new_group(cmd, true);
	return cmd;
}

static inline void args(brood_command *cmd, const char *words)
{
	char text[512], *rest = text;

	snprintf(text, sizeof(text), "%s", words);
	for (char *word; (word = strsep(&rest, " "));)
		brood_command_arg(cmd, word);
}

/* Run it to its end. Free what comes back with ran_done. */
static inline struct ran run(brood_command *cmd_take)
{
	struct ran ran;
	brood_result *result = NULL;

	brood_command_capture(cmd_take, BROOD_STDOUT, 0);
	brood_command_capture(cmd_take, BROOD_STDERR, 0);
	int r = brood_run(cmd_take, &result);
	brood_command_free(cmd_take);
	if (r < 0)
		fail_msg("%s", brood_result_describe(result));
	ran.status = brood_result_shell_status(result);
	ran.out = strdup(brood_result_output(result, BROOD_STDOUT, NULL));
	ran.err = strdup(brood_result_output(result, BROOD_STDERR, NULL));
	brood_result_free(result);
	assert_non_null(ran.out);
	assert_non_null(ran.err);
	return ran;
}

static inline void ran_done(struct ran *ran)
{
	free(ran->out);
	free(ran->err);
}

static inline void assert_status(const struct ran *ran, int status)
{
	if (ran->status != status)
		fail_msg("exit status %d instead of %d; stdout '%s', stderr '%s'", ran->status, status, ran->out, ran->err);
}

static inline void assert_has(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("no '%s' in '%s'", words, text);
}

static inline size_t count_of(const char *text, const char *words)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, words)); at += strlen(words))
		count++;
	return count;
}

/* A file of the test's directory with "hello" in it. */
static inline const char *hello_file(char *path, size_t size, const char *name)
{
	support_path(path, size, name);
	support_write_text(path, "hello\n");
	return path;
}

#endif
