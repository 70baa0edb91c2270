/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pipecmd as a stage: a C function in a forked child, which runs pipecmd_exec and never comes back.
 *
 * Forked, because pipecmd_exec changes the environment and allocates. When its exec fails, and at the end of a function or a sequence,
 * libpipeline calls exit(3): the child sees to it that this runs nothing that the host has registered.
 */
#include "bridge.h"

#include <brood/command.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* ---- the child ---- */

/* Handlers run in the reverse order of their registration, so this one comes before the host's, and after a function's own. */
static void leave(int status, void *data)
{
	(void)data;
	/* As of every function stage: output that cannot be written is not success. */
	if (((fflush(stdout) | fflush(stderr)) != 0 || ferror(stdout)) && status == 0)
		status = 1;
	_exit(status & 0xff);
}

void leave_without_handlers(void)
{
	if (on_exit(leave, NULL) != 0)
		_exit(255);
}

#ifdef __linux__

static pid_t sequence, forking;

static void note_who_forks(void)
{
	forking = getpid();
}

/* It may be gone already, before the setting was made: then no signal will ever come. */
static void die_with_the_sequence(void)
{
	if (forking != sequence)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != sequence)
		_exit(255);
}

/*
 * A sequence forks for each of its commands and waits. Whoever stops the stage hits the one that waits, and the command would run on with
 * nobody to end it. It dies with its sequence instead; what a command itself forks is left alone.
 */
static void bind_commands_of_sequence(void)
{
	sequence = getpid();
	pthread_atfork(note_who_forks, NULL, die_with_the_sequence);
}

#else

static void bind_commands_of_sequence(void)
{
}

#endif

static int run(void *data)
{
	const struct adopted *adopted = data;

	leave_without_handlers();
	if (adopted->sequence)
		bind_commands_of_sequence();
	/* It is here for pipecmd_exec's fchdir and not for the program. */
	if (adopted->cwd_fd > STDERR_FILENO)
		fcntl(adopted->cwd_fd, F_SETFD, FD_CLOEXEC);
	pipecmd_exec(adopted->cmd);
}

/* ---- the host ---- */

/* "(a && b)". A process whose last argument ends like that is taken for one too, and never forks. */
static bool is_sequence(const char *dump)
{
	size_t size = strlen(dump);

	if (strncmp(dump, "(cd ", 4) == 0 && size > 0)
		size--;
	return size > 0 && dump[size - 1] == ')';
}

brood_command *brood_command_pipecmd(pipecmd *cmd_take)
{
	struct adopted *adopted;
	brood_command *cmd;
	char name[128];
	char *text;

	if (!cmd_take)
		return NULL;
	adopted = adopted_new(cmd_take, NULL);
	if (!adopted)
		return NULL;
	text = dump_pipecmd(cmd_take);
	if (!text) {
		adopted_release(adopted);
		return NULL;
	}
	adopted->cwd_fd = directory_fd(text);
	adopted->sequence = is_sequence(text);
	cmd = brood_command_function_owned(name_of(text, name, sizeof name), run, adopted, adopted_copy, adopted_release);
	if (cmd && adopted->cwd_fd > STDERR_FILENO)
		brood_command_redirect_inherit(cmd, adopted->cwd_fd);
	free(text);
	return cmd;
}
