/* SPDX-License-Identifier: MIT */
/*
 * Forked parts of tests. cmocka reports a failed assertion with a jump to where the running test began; in a forked
 * process that would run all other tests a second time. So the part runs as the only test of a group of its own.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "fork.h"

#include "check.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* High, so that what the part opens gets the low numbers as in any program. */
#define REAL_STDERR 700
#define LIMIT_MS 120000

/* Filled in the forked process only. */
static struct {
	void (*fn)(void *data);
	void *data;
	int real_stderr;
	int passed;
	struct host_state before;
	FILE *real_stdout;
	FILE *nowhere;
} part;

int support_is_fork(void)
{
	return part.fn != NULL;
}

void support_fail(const char *file, int line, const char *format, ...)
{
	char text[8192];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (support_is_fork())
		dprintf(part.real_stderr, "ERROR: %s\n", text);
	else
		print_error("ERROR: %s\n", text);
	_fail(file, line);
	abort();
}

/*
 * The inner group announces itself and sums itself up, and whoever counts tests in a log would count it. So it writes to
 * a stream without a descriptor; the part itself has the real stdout, and a failure the real stderr.
 */
#ifdef __GLIBC__
static ssize_t swallow(void *cookie, const char *bytes, size_t size)
{
	(void)cookie;
	(void)bytes;
	return (ssize_t)size;
}

static void silence_init(void)
{
	part.real_stdout = stdout;
	part.nowhere = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = swallow });
}

static void silence_stdout(int on)
{
	if (!on)
		stdout = part.real_stdout;
	else if (part.nowhere)
		stdout = part.nowhere;
}

static void silence_stderr(void)
{
	if (part.nowhere)
		stderr = part.nowhere;
}
#else
static void silence_init(void)
{
}

static void silence_stdout(int on)
{
	(void)on;
}

static void silence_stderr(void)
{
}
#endif

static void check_leftovers(void)
{
	static char copy[4096];
	char *text = host_changes(&part.before, HOST_NEW_FDS | HOST_CHILDREN);

	if (!text)
		return;
	snprintf(copy, sizeof(copy), "%s", text);
	free(text);
	host_restore(&part.before);
	fail_msg("the forked part left something behind:\n%s", copy);
}

static void run_part(void **state)
{
	(void)state;
	silence_stdout(0);
	part.fn(part.data);
	fflush(stdout);
	check_leftovers();
	part.passed = 1;
}

/* Runs after a failure too, and before cmocka prints its message. */
static int tell_failure_only(void **state)
{
	(void)state;
	fflush(stdout);
	silence_stdout(1);
	if (part.passed)
		silence_stderr();
	else
		dup2(part.real_stderr, 2);
	return 0;
}

__attribute__((noreturn)) static void be_part(void (*fn)(void *data), void *data, int error_fd)
{
	const struct CMUnitTest tests[] = { { "forked part", run_part, NULL, tell_failure_only, NULL } };

	part.fn = fn;
	part.data = data;
	part.real_stderr = fcntl(error_fd, F_DUPFD_CLOEXEC, REAL_STDERR);
	if (part.real_stderr < 0)
		part.real_stderr = fcntl(error_fd, F_DUPFD_CLOEXEC, 3);
	if (error_fd != 2) {
		dup2(error_fd, 2);
		close(error_fd);
	}
	silence_init();
	silence_stdout(1);
	host_state_done(&part.before);          /* that of a part around this one */
	host_snapshot(&part.before);
	cmocka_set_test_filter(NULL);
	cmocka_set_skip_filter(NULL);
	_cmocka_run_group_tests("forked part", tests, 1, NULL, NULL);
	_exit(part.passed ? 0 : 1);
}

/* The part may outlive its stderr and a grandchild may hold it, so the end of the process counts, not end of file. */
static int await(pid_t pid, int from, char *text, size_t size)
{
	int64_t until = support_now_ms() + LIMIT_MS;
	size_t used = 0;
	int status = 0;
	pid_t ended = 0;

	while (ended == 0) {
		struct pollfd poll_fd = { .fd = from, .events = POLLIN };
		char piece[512];
		ssize_t n = 0;

		ended = waitpid(pid, &status, WNOHANG);
		if (ended == 0 && support_now_ms() > until) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			fail_msg("a forked part did not end within %d s", LIMIT_MS / 1000);
		}
		if (ended == 0)
			poll(&poll_fd, 1, 1);
		while (from >= 0 && (n = read(from, piece, sizeof(piece))) > 0)
			for (ssize_t i = 0; i < n && used + 1 < size; i++)
				text[used++] = piece[i];
		if (n == 0)
			from = -1;
	}
	if (size > 0)
		text[used] = '\0';
	if (ended < 0)
		fail_msg("waitpid for a forked part: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(void (*fn)(void *data), void *data, char *text, size_t size)
{
	int fd[2] = { -1, -1 };
	pid_t pid;
	int status;

	support_tempdir();
	if (text && (pipe2(fd, O_CLOEXEC) < 0 || fcntl(fd[0], F_SETFL, O_NONBLOCK) < 0))
		fail_msg("pipe: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (text)
			close(fd[0]);
		be_part(fn, data, text ? fd[1] : 2);
	}
	if (text)
		close(fd[1]);
	status = pid < 0 ? -1 : await(pid, fd[0], text, size);
	if (text)
		close(fd[0]);
	if (pid < 0)
		fail_msg("fork: %s", strerror(errno));
	if (status == SUPPORT_SKIPPED)
		support_skip("as the forked part said");
	return status;
}

int support_in_fork(void (*fn)(void *data), void *data)
{
	return run(fn, data, NULL, 0);
}

int support_in_fork_capture(void (*fn)(void *data), void *data, char *text, size_t size)
{
	return run(fn, data, text, size);
}

void support_assert_in_fork(void (*fn)(void *data), void *data)
{
	int status = support_in_fork(fn, data);

	if (status != 0)
		fail_msg("the forked part ended with %d", status);
}
