/* SPDX-License-Identifier: MIT */
/*
 * The controlling terminal and whose it is now.
 *
 * Every call that changes the terminal is made with SIGTTOU blocked: from a group in the background it would stop us. Two of us in one job of a
 * shell (`brood run a | brood run b`) have a chain each and one terminal: what the other one's chain has counts as ours, so that it can be
 * handed to the one that asks for it.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

struct terminal {
	int fd;
	bool given;             /* to the chain, by us */
	pid_t group;            /* the chain's, once it is known */
	bool have_ours, have_theirs;
	struct termios ours;    /* the modes before the chain had it */
	struct termios theirs;  /* those that it left when it stopped */
};

struct terminal *terminal_new(void)
{
	struct terminal *terminal = calloc(1, sizeof *terminal);
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (!terminal || fd < 0)
		goto none;
	terminal->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (terminal->fd < 0)
		goto none;
	close(fd);
	terminal->have_ours = tcgetattr(terminal->fd, &terminal->ours) == 0;
	return terminal;
none:
	if (fd >= 0)
		close(fd);
	free(terminal);
	return NULL;
}

/* ---- whose it is ---- */

/* The parent of a process, as /proc tells it; 0 where it does not. */
static pid_t parent_of(pid_t pid)
{
	char path[64], text[512], *name_end;
	long parent = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* The name may hold anything, blanks and brackets too. */
	name_end = strrchr(text, ')');
	/* NOLINTNEXTLINE(cert-err34-c): the kernel writes a pid there */
	if (!name_end || sscanf(name_end, ") %*c %ld", &parent) != 1)
		return 0;
	return (pid_t)parent;
}

/* A chain that one of our own group has started: the other half of `brood run a | brood run b`. */
static bool is_of_our_job(pid_t group)
{
	const pid_t parent = group > 1 ? parent_of(group) : 0;

	return parent > 0 && getpgid(parent) == getpgrp();
}

bool terminal_is_ours(const struct terminal *terminal)
{
	const pid_t group = tcgetpgrp(terminal->fd);

	return group == getpgrp() || is_of_our_job(group);
}

int terminal_fd(const struct terminal *terminal)
{
	return terminal->fd;
}

bool terminal_is_given(const struct terminal *terminal)
{
	return terminal->given;
}

/* ---- handing it over ---- */

static void set_group(const struct terminal *terminal, pid_t group)
{
	sigset_t ttou, before;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &before);
	tcsetpgrp(terminal->fd, group);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* At once and not when all output has gone: a terminal that Ctrl-S holds would hold us. */
static void set_modes(const struct terminal *terminal, const struct termios *modes)
{
	sigset_t ttou, before;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &before);
	while (tcsetattr(terminal->fd, TCSANOW, modes) < 0 && errno == EINTR)
		;
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void terminal_given(struct terminal *terminal, pid_t group)
{
	terminal->given = true;
	terminal->group = group;
}

void terminal_give(struct terminal *terminal, pid_t group)
{
	terminal->have_ours = tcgetattr(terminal->fd, &terminal->ours) == 0;
	if (terminal->have_theirs)
		set_modes(terminal, &terminal->theirs);
	set_group(terminal, group);
	terminal_given(terminal, group);
}

void terminal_look_again(struct terminal *terminal)
{
	if (tcgetpgrp(terminal->fd) != terminal->group)
		terminal->given = false;
}

void terminal_take_back(struct terminal *terminal, bool keep_modes)
{
	const pid_t now = tcgetpgrp(terminal->fd);
	const bool is_theirs = terminal->given && (now == terminal->group || !is_of_our_job(now));

	terminal->given = false;
	if (!is_theirs)
		return;
	terminal->have_theirs = tcgetattr(terminal->fd, &terminal->theirs) == 0;
	set_group(terminal, getpgrp());
	if (!keep_modes && terminal->have_ours)
		set_modes(terminal, &terminal->ours);
}

void terminal_free(struct terminal *terminal_take)
{
	if (!terminal_take)
		return;
	close(terminal_take->fd);
	free(terminal_take);
}
