/* SPDX-License-Identifier: MIT */
/*
 * Pseudo-terminals. Three processes: the test, which holds the master; the session's leader, a shell's stand-in; its job.
 *
 * The leader outlives the job until the test has read everything: when a session's leader ends, the kernel hangs up its terminal, and what was
 * still on its way to the master may be lost. How the job fares goes through a socket, since the terminal has its own delays.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "pty.h"

#include "check.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define LIMIT_MS 30000

/* The last thing that the leader writes to the terminal: all that the job wrote came before it. */
#define LAST_WORDS "\036end of the job\036"

/* ---- in the session ---- */

/* From a group in the background, tcsetpgrp stops the caller unless SIGTTOU is blocked. */
static void take_foreground(pid_t group)
{
	sigset_t ttou, old;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &old);
	tcsetpgrp(STDIN_FILENO, group);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void become_job(void)
{
	sigset_t none;

	setpgid(0, 0);
	take_foreground(getpid());
	for (int signal = 1; signal < NSIG; signal++)
		if (signal != SIGKILL && signal != SIGSTOP && (signal < 32 || signal >= SIGRTMIN))
			(void)sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void tell(int fd, int word)
{
	if (send(fd, &word, sizeof word, MSG_NOSIGNAL) < 0)
		_exit(1);
}

/* The test's next word: true for the foreground. A test that is gone ends the session. */
static int hear(int fd)
{
	char foreground;

	if (read(fd, &foreground, 1) != 1)
		_exit(0);
	return foreground;
}

static void mind_job(pid_t job, int fd)
{
	int status = 0;

	do {
		while (waitpid(job, &status, WUNTRACED) < 0)
			if (errno != EINTR)
				_exit(1);
		take_foreground(getpid());
		if (!WIFSTOPPED(status) && write(STDOUT_FILENO, LAST_WORDS, strlen(LAST_WORDS)) < 0)
			_exit(1);
		tell(fd, status);
		if (hear(fd))
			take_foreground(job);
		killpg(job, SIGCONT);
	} while (WIFSTOPPED(status));
}

__attribute__((noreturn)) static void be_shell(const struct pty *pty, int fd, int (*fn)(void *data), void *data)
{
	pid_t job;

	/* Whoever sends these to the terminal's whole session does not mean us. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	if (setsid() < 0 || ioctl(pty->slave, TIOCSCTTY, 0) < 0)
		_exit(1);
	for (int i = 0; i <= STDERR_FILENO; i++)
		if (dup2(pty->slave, i) < 0)
			_exit(1);
	job = fork();
	if (job < 0)
		_exit(1);
	/* It says itself that it has the foreground: a key that is typed before would be ours. */
	if (job == 0) {
		close(pty->slave);
		become_job();
		tell(fd, getpid());
		close(fd);
		_exit(fn(data));
	}
	mind_job(job, fd);
	_exit(0);
}

static int execute(void *data)
{
	char *const *argv = data;

	execvp(argv[0], argv);
	return 127;
}

/* ---- reading ---- */

static void shown(struct pty *pty, const char *what)
{
	fail_msg("%s; the terminal showed:\n%s", what, pty->text ? pty->text : "");
}

/* All that is there now. */
static void read_terminal(struct pty *pty)
{
	char piece[4096], *text;
	ssize_t n;

	while ((n = read(pty->master, piece, sizeof piece)) > 0) {
		text = realloc(pty->text, pty->size + (size_t)n + 1);
		if (!text)
			fail_msg("no memory for what a terminal shows");
		pty->text = text;
		memcpy(text + pty->size, piece, (size_t)n);
		pty->size += (size_t)n;
		text[pty->size] = '\0';
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		fail_msg("reading from a terminal: %s", strerror(errno));
}

/* Wait until one of the two has something, and read what the terminal has. Fails the test once it is too late. */
static void look(struct pty *pty, int64_t until_ms, const char *what)
{
	struct pollfd fds[2] = { { .fd = pty->master, .events = POLLIN }, { .fd = pty->shell_fd, .events = POLLIN } };
	const int64_t left_ms = until_ms - support_now_ms();

	if (left_ms <= 0)
		shown(pty, what);
	poll(fds, 2, (int)left_ms);
	read_terminal(pty);
}

/* The next word of the session's leader, while the terminal is kept flowing. */
static int next_word(struct pty *pty, const char *what)
{
	const int64_t until_ms = support_now_ms() + LIMIT_MS;
	int word = 0;
	ssize_t n;

	while ((n = recv(pty->shell_fd, &word, sizeof word, MSG_DONTWAIT)) < 0 && (errno == EAGAIN || errno == EINTR))
		look(pty, until_ms, what);
	if (n != sizeof word)
		shown(pty, "the session in the terminal is gone");
	return word;
}

/* Where `text` stands behind what was expected before, or NULL. The terminal may show a NUL. */
static char *find(const struct pty *pty, const char *text)
{
	if (pty->size <= pty->seen)
		return NULL;
	return memmem(pty->text + pty->seen, pty->size - pty->seen, text, strlen(text));
}

static void await_text(struct pty *pty, const char *text)
{
	const int64_t until_ms = support_now_ms() + LIMIT_MS;
	char what[256];

	snprintf(what, sizeof what, "'%.200s' did not come", text);
	read_terminal(pty);
	while (!find(pty, text))
		look(pty, until_ms, what);
}

/* ---- for tests ---- */

void pty_open(struct pty *ret)
{
	struct pty pty = { .master = -1, .slave = -1, .shell_fd = -1, .shell = -1, .job = -1 };
	char name[64];

	pty.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	skip_unless(pty.master >= 0, "there are no pseudo-terminals here");
	if (grantpt(pty.master) < 0 || unlockpt(pty.master) < 0 || ptsname_r(pty.master, name, sizeof name) != 0)
		fail_msg("pseudo-terminal: %s", strerror(errno));
	pty.slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pty.slave < 0)
		fail_msg("%s: %s", name, strerror(errno));
	*ret = pty;
	pty_resize(ret, 24, 80);
}

void pty_run(struct pty *pty, int (*fn)(void *data), void *data)
{
	int fd[2];

	assert_int_equal(pty->shell, -1);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		fail_msg("socketpair: %s", strerror(errno));
	fflush(NULL);
	pty->shell = fork();
	if (pty->shell == 0) {
		close(fd[0]);
		close(pty->master);
		be_shell(pty, fd[1], fn, data);
	}
	close(fd[1]);
	pty->shell_fd = fd[0];
	if (pty->shell < 0)
		fail_msg("fork: %s", strerror(errno));
	pty->job = next_word(pty, "the job was not started");
}

void pty_exec(struct pty *pty, const char *const *argv)
{
	pty_run(pty, execute, (void *)(uintptr_t)argv);
}

void pty_type(struct pty *pty, const char *keys)
{
	support_write_all(pty->master, keys, strlen(keys));
}

void pty_expect(struct pty *pty, const char *text)
{
	await_text(pty, text);
	pty->seen = (size_t)(find(pty, text) - pty->text) + strlen(text);
}

int pty_expect_stop(struct pty *pty)
{
	const int status = next_word(pty, "the job did not stop");

	if (!WIFSTOPPED(status))
		shown(pty, "the job ended and did not stop");
	return WSTOPSIG(status);
}

void pty_continue(struct pty *pty, int foreground)
{
	const char word = foreground ? 1 : 0;

	support_write_all(pty->shell_fd, &word, 1);
}

pid_t pty_foreground(const struct pty *pty)
{
	pid_t group = -1;

	/* tcgetpgrp is for those in the session; the master may ask for its terminal. */
	if (ioctl(pty->master, TIOCGPGRP, &group) < 0)
		fail_msg("TIOCGPGRP: %s", strerror(errno));
	return group;
}

void pty_resize(struct pty *pty, unsigned short rows, unsigned short columns)
{
	const struct winsize size = { .ws_row = rows, .ws_col = columns };

	if (ioctl(pty->master, TIOCSWINSZ, &size) < 0)
		fail_msg("TIOCSWINSZ: %s", strerror(errno));
}

int pty_end(struct pty *pty)
{
	const int status = next_word(pty, "the job did not end");
	char *end;

	if (WIFSTOPPED(status))
		shown(pty, "the job was stopped and did not end");
	await_text(pty, LAST_WORDS);
	end = find(pty, LAST_WORDS);
	pty->size = (size_t)(end - pty->text);
	*end = '\0';
	close(pty->shell_fd);
	pty->shell_fd = -1;
	support_reap(pty->shell);
	pty->shell = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void pty_free(struct pty *pty)
{
	if (pty->master <= 0)
		return;
	if (pty->shell > 0) {
		if (pty->job > 0)
			killpg(pty->job, SIGKILL);
		kill(pty->shell, SIGKILL);
		support_reap(pty->shell);
	}
	if (pty->shell_fd >= 0)
		close(pty->shell_fd);
	close(pty->slave);
	close(pty->master);
	free(pty->text);
	*pty = (struct pty){ .master = -1, .slave = -1, .shell_fd = -1, .shell = -1, .job = -1 };
}
