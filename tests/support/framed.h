/* SPDX-License-Identifier: MIT */
/* For tests of the frame that is around every test: one test with its frame, run as a program of its own. */
#ifndef SUPPORT_FRAMED_H
#define SUPPORT_FRAMED_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support.h"

/* Run one test with its frame in a process of its own, put what it prints into text, return its exit status. */
static inline int run_framed(void (*test)(void **state), char *text, size_t size)
{
	const struct CMUnitTest tests[] = { { "framed", test, support_setup, support_teardown, NULL } };
	char *output;
	int fd[2], status;
	pid_t pid;

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(fd[0]);
		dup2(fd[1], 1);
		dup2(fd[1], 2);
		close(fd[1]);
		/* This process was forked by a test; what it runs is a program of its own. */
		support_disown();
		_exit(_cmocka_run_group_tests("framed", tests, 1, NULL, NULL));
	}
	close(fd[1]);
	output = support_read_all(fd[0], NULL);
	close(fd[0]);
	snprintf(text, size, "%s", output);
	free(output);
	status = support_reap(pid);
	return status;
}

#endif
