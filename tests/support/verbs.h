/* SPDX-License-Identifier: MIT */
/*
 * What tests of the test child share: starting it with words of its own, by plain fork and exec, so that a fault in the library cannot
 * hide one in the child.
 */
#ifndef SUPPORT_VERBS_H
#define SUPPORT_VERBS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

#define MOST_WORDS 16

/* %T in front is the temporary directory, %C the child's path. */
static inline char *expand(const char *text)
{
	const char *front = strncmp(text, "%T", 2) == 0 ? support_tempdir() : strncmp(text, "%C", 2) == 0 ? support_child() : NULL;
	char *copy = NULL;

	assert_true(asprintf(&copy, "%s%s", front ? front : "", front ? text + 2 : text) >= 0);
	return copy;
}

/* A group of its own, so that `signal-group` reaches nobody else. The environment has a double on purpose. */
static inline pid_t start(const char *const *words, const int stdio[3])
{
	char *argv[MOST_WORDS + 2] = { expand("%C") };
	char *environment[] = { (char[]){ "A=1" }, (char[]){ "B=two" }, (char[]){ "A=3" }, NULL };
	pid_t pid;

	for (int i = 0; i < MOST_WORDS && words[i]; i++)
		argv[i + 1] = expand(words[i]);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		for (int i = 0; i < 3; i++)
			dup2(stdio[i], i);
		execve(argv[0], argv, environment);
		_exit(127);
	}
	assert_true(pid > 0);
	for (int i = 0; argv[i]; i++)
		free(argv[i]);
	return pid;
}

#endif
