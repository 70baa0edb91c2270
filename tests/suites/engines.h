/* SPDX-License-Identifier: MIT */
/*
 * What the suites about starting share: running a body on every engine that this run may use, and saying in one line what a
 * child of the helper program does and what must come of it.
 */
#ifndef SUITES_ENGINES_H
#define SUITES_ENGINES_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/support.h"

#include <brood.h>

#include "spawn/engine.h"
#include "spawn/sys.h"

#define UNUSED __attribute__((unused))

/* How long a test waits for what must come: long enough for a slow machine, short enough to tell a hang. */
enum { SOON_MS = 30000 };

/* A command of the helper program: child_does("echo", "hello", "exit", "3"). */
#define child_does(...) brood_command_new((const char *const[]){ support_child(), __VA_ARGS__, NULL })

/* Under valgrind, and on a kernel before 5.3, every run ends on the posix engine: what is said of the others cannot be seen. */
UNUSED static void skip_without_pidfds(void)
{
#ifdef SYS_pidfd_open
	const int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd >= 0) {
		close(fd);
		return;
	}
#endif
	support_skip("no pidfds here");
}

/* Run the body on the engine that this run was asked to begin with, and on each one below it. */
UNUSED static void on_every_engine(void (*body)(void))
{
	static const char *const names[] = { "clone3", "clone", "fork", "posix" };
	const enum engine first = engine_now();

	for (int engine = (int)first; engine <= ENGINE_POSIX; engine++) {
		print_message("          on %s\n", names[engine]);
		engine_set((enum engine)engine);
		body();
	}
	engine_set(first);
}

/* The same, each time in a forked part of its own. */
UNUSED static void in_fork_on_every_engine(void (*body)(void *data), void *data)
{
	static const char *const names[] = { "clone3", "clone", "fork", "posix" };
	const enum engine first = engine_now();

	for (int engine = (int)first; engine <= ENGINE_POSIX; engine++) {
		print_message("          on %s\n", names[engine]);
		engine_set((enum engine)engine);
		support_assert_in_fork(body, data);
	}
	engine_set(first);
}

/* Start it, wait for its end, give the result; the command is freed. Fails the test when it could not be started. */
UNUSED static brood_result *ran(brood_command *cmd_take)
{
	brood_result *result = NULL;
	int r;

	assert_non_null(cmd_take);
	r = brood_run(cmd_take, &result);
	brood_command_free(cmd_take);
	if (r < 0)
		fail_msg("start: %s", brood_result_describe(result));
	return result;
}

/* What it writes to stdout; it must succeed. The caller frees the text, which a NUL follows. */
UNUSED static char *said_bytes(brood_command *cmd_take, size_t *ret_size)
{
	brood_result *result;
	const char *out;
	char *copy;
	size_t size;

	brood_command_capture(cmd_take, BROOD_STDOUT, 0);
	result = ran(cmd_take);
	if (!brood_result_ok(result))
		fail_msg("not a success: %s", brood_result_describe(result));
	out = brood_result_output(result, BROOD_STDOUT, &size);
	copy = malloc(size + 1);
	assert_non_null(copy);
	memcpy(copy, out, size + 1);
	brood_result_free(result);
	if (ret_size)
		*ret_size = size;
	return copy;
}

UNUSED static char *said(brood_command *cmd_take)
{
	return said_bytes(cmd_take, NULL);
}

UNUSED static void assert_says(brood_command *cmd_take, const char *expected)
{
	char *text = said(cmd_take);

	assert_string_equal(text, expected);
	free(text);
}

UNUSED static void assert_exits(brood_command *cmd_take, int code)
{
	brood_result *result = ran(cmd_take);

	if (brood_result_exit_code(result, 0) != code)
		fail_msg("%s, not exit %d", brood_result_describe(result), code);
	brood_result_free(result);
}

/* The last stage runs and dies of this signal. */
UNUSED static void assert_dies_of(brood_command *cmd_take, int signal)
{
	brood_result *result = ran(cmd_take);

	if (brood_result_signal(result, 0) != signal)
		fail_msg("%s, not signal %d", brood_result_describe(result), signal);
	brood_result_free(result);
}

UNUSED static void assert_no_child_is_left(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* It cannot be started: this error comes back, the result says so with these words, and nobody is left to reap. */
UNUSED static void assert_start_fails(brood_command *cmd_take, int error, const char *words)
{
	brood_process *process = NULL;
	const brood_result *result;
	int r;

	assert_non_null(cmd_take);
	r = brood_start(cmd_take, &process);
	brood_command_free(cmd_take);
	assert_non_null(process);
	result = brood_process_result(process);
	if (r != error)
		fail_msg("start gave %d, not %d: %s", r, error, brood_result_describe(result));
	assert_int_equal(brood_result_errno(result), -error);
	assert_false(brood_result_ok(result));
	if (words && !strstr(brood_result_describe(result), words))
		fail_msg("'%s' does not say '%s'", brood_result_describe(result), words);
	for (size_t i = 0; i < brood_result_stages(result); i++)
		assert_int_not_equal(brood_result_how(result, i), BROOD_RUNNING);
	assert_no_child_is_left();
	brood_process_free(process);
}

#endif
