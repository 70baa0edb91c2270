/* SPDX-License-Identifier: MIT */
/*
 * Driving the brood command as a user does. Its path is in BROOD_COMMAND. What it wrote is in files of the test's directory, so that a test never
 * has to read while it waits.
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/support.h"

#define C support_child()

/* What is unusual about a run. Zeroed: standard input is /dev/null, output and error go to files. */
struct place {
	const char *out;        /* open this for standard output */
	int out_fd;             /* or use this, if not 0 */
	bool closed[3];
	int ignored;            /* a signal that is ignored, or 0 */
	const char *variable;   /* NAME=VALUE for its environment */
};

struct ran {
	int status;             /* as a shell shows it */
	bool died;              /* of a signal */
	char *out, *err;        /* "" where they went elsewhere */
	size_t out_size;
};

static inline const char *command_path(void)
{
	const char *path = getenv("BROOD_COMMAND");

	if (!path || !*path)
		fail_msg("BROOD_COMMAND does not say where the command is");
	return path;
}

static inline void open_as(int fd, const char *path, int flags)
{
	const int opened = open(path, flags, 0600);

	if (opened < 0 || (opened != fd && (dup2(opened, fd) < 0 || close(opened) < 0)))
		_exit(96);
}

static inline void take_place(const struct place *place)
{
	char path[4096];
	sigset_t none;

	open_as(0, "/dev/null", O_RDONLY);
	if (place->out_fd)
		dup2(place->out_fd, 1);
	else if (place->out)
		open_as(1, place->out, O_WRONLY);
	else
		open_as(1, support_path(path, sizeof path, "out"), O_WRONLY | O_CREAT | O_TRUNC);
	open_as(2, support_path(path, sizeof path, "err"), O_WRONLY | O_CREAT | O_TRUNC);
	for (int i = 0; i < 3; i++)
		if (place->closed[i])
			close(i);
	if (place->ignored)
		signal(place->ignored, SIG_IGN);
	if (place->variable)
		putenv((char *)(uintptr_t)place->variable);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Start `brood` with these words; reap it with brood_ended. */
static inline pid_t brood_begin(const struct place *place, const char *const *words)
{
	static const struct place usual;
	const char *argv[64] = { command_path() };
	char path[4096];
	pid_t pid;

	for (int i = 0; words[i]; i++) {
		assert_true(i < 62);
		argv[i + 1] = words[i];
	}
	/* What an earlier one wrote must not be taken for what this one will. */
	unlink(support_path(path, sizeof path, "out"));
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		take_place(place ? place : &usual);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(95);
	}
	assert_true(pid > 0);
	return pid;
}

static inline char *text_of(const char *name, size_t *ret_size)
{
	char path[4096], *text = support_read_file(support_path(path, sizeof path, name), ret_size);

	if (!text)
		text = strdup("");
	assert_non_null(text);
	return text;
}

static inline struct ran brood_ended(pid_t pid)
{
	struct ran ran = { .status = -1 };
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	ran.died = WIFSIGNALED(status);
	ran.status = ran.died ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	ran.out = text_of("out", &ran.out_size);
	ran.err = text_of("err", NULL);
	return ran;
}

static inline void ran_done(struct ran *ran)
{
	free(ran->out);
	free(ran->err);
	*ran = (struct ran){ .status = -1 };
}

#define brood_at(place, ...) brood_ended(brood_begin(place, (const char *const[]){ __VA_ARGS__, NULL }))
#define brood_start_at(place, ...) brood_begin(place, (const char *const[]){ __VA_ARGS__, NULL })

/* Run it, and look at how it ended: its status, and that what it said has this in it (NULL: it said nothing). */
#define expect_at(place, expected, said, ...)						\
	do {										\
		struct ran ran_here = brood_at(place, __VA_ARGS__);			\
											\
		expect_end(&ran_here, expected, said);					\
		ran_done(&ran_here);							\
	} while (0)
#define expect(expected, said, ...) expect_at(NULL, expected, said, __VA_ARGS__)

static inline void expect_end(const struct ran *ran, int status, const char *said)
{
	const char *err = ran->err ? ran->err : "";

	if (ran->status != status)
		fail_msg("ended with %d and not with %d, and said: %s", ran->status, status, err);
	if (said ? !strstr(err, said) : *err)
		fail_msg("said '%s' in place of '%s'", err, said ? said : "");
}

#endif
