/* SPDX-License-Identifier: MIT */
/*
 * The frame around every test, and the small things that most tests need. The one static snapshot is that of the test
 * that runs now; tests share nothing.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "support.h"

#include "../child/pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef BROOD_TEST_CHILD
#define BROOD_TEST_CHILD "tests/child/child"
#endif

static struct host_state at_start;
static pid_t started_in;

/*
 * A test that calls fork() itself and lets an assertion fail in the child would go on here with all other tests, twice.
 * It ends instead.
 */
static void end_stray_fork(const char *where)
{
	if (started_in == 0 || started_in == getpid())
		return;
	fprintf(stderr, "%s: a process forked by a test failed an assertion or returned from the test\n", where);
	_exit(1);
}

void support_disown(void)
{
	support_tempdir_forget();
	host_state_done(&at_start);
	started_in = 0;
}

int support_setup(void **state)
{
	(void)state;
	end_stray_fork("setup");
	started_in = getpid();
	host_snapshot(&at_start);
	return 0;
}

int support_teardown(void **state)
{
	char *text;
	int r = 0;

	(void)state;
	end_stray_fork("teardown");
	support_storm_stop();
	support_tempdir_remove();
	text = host_changes(&at_start, HOST_ALL);
	if (text) {
		print_error("the test left the host changed:\n%s", text);
		host_restore(&at_start);
		r = -1;
	}
	free(text);
	host_state_done(&at_start);
	started_in = 0;
	return r;
}

void support_skip(const char *why)
{
	if (support_is_fork()) {
		dprintf(1, "skipping: %s\n", why);
		_exit(SUPPORT_SKIPPED);
	}
	print_message("skipping: %s\n", why);
	skip();
}

int under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload");
}

void skip_under_valgrind(void)
{
	skip_unless(!under_valgrind(), "valgrind itself would be hit");
}

const char *support_child(void)
{
	const char *path = getenv("BROOD_TEST_CHILD");

	return path && *path ? path : BROOD_TEST_CHILD;
}

__attribute__((noreturn)) static void exec_child(char *const argv[])
{
	sigset_t none;
	/* NOLINTNEXTLINE(android-cloexec-open): where the test closed stdin, this is stdin */
	int fd = open("/dev/null", O_RDWR);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(fd, 0);
	dup2(fd, 1);
	if (fd > 2)
		close(fd);
	execv(argv[0], argv);
	_exit(127);
}

pid_t support_host_child(const char *verb, ...)
{
	char *argv[64] = { (char *)(uintptr_t)support_child() };
	size_t count = 1;
	va_list list;
	pid_t pid;

	va_start(list, verb);
	for (const char *text = verb; text; text = va_arg(list, const char *)) {
		if (count == 63)
			break;
		argv[count++] = (char *)(uintptr_t)text;
	}
	va_end(list);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		exec_child(argv);
	if (pid < 0)
		fail_msg("fork: %s", strerror(errno));
	return pid;
}

int support_reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail_msg("waitpid %ld: %s", (long)pid, strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int64_t support_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void support_sleep_ms(int64_t ms)
{
	int64_t until = support_now_ms() + ms;

	for (int64_t left = ms; left > 0; left = until - support_now_ms()) {
		struct timespec time_left = { .tv_sec = left / 1000, .tv_nsec = (long)(left % 1000) * 1000000 };

		nanosleep(&time_left, NULL);
	}
}

size_t support_fd_count(void)
{
	struct host_state now;
	size_t count;

	host_snapshot(&now);
	count = now.fd_count;
	host_state_done(&now);
	return count;
}

/*
 * 'R', 'S', 'Z' and so on, 0 where there is no such process; without /proc every one that exists is 'S'. Whoever is reaped when the file is open
 * already is gone too: then the read says ESRCH.
 */
static char process_state(pid_t pid, pid_t *ret_parent)
{
	char path[64], text[1024], letter = 'S';
	const char *at;
	int parent = 0;
	ssize_t n;
	int fd;

	*ret_parent = 0;
	if (kill(pid, 0) < 0 && errno == ESRCH)
		return 0;
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return access("/proc/self/stat", F_OK) == 0 ? 0 : 'S';
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strrchr(text, ')');
	if (at && sscanf(at + 1, " %c %d", &letter, &parent) == 2)
		*ret_parent = parent;
	return letter;
}

static int is_gone(pid_t pid)
{
	pid_t parent;
	char letter = process_state(pid, &parent);

	return letter == 0 || letter == 'X' || (letter == 'Z' && parent != getpid());
}

int support_wait_gone(pid_t pid, int64_t ms)
{
	int64_t until = support_now_ms() + ms;

	while (!is_gone(pid)) {
		if (support_now_ms() >= until)
			return 0;
		support_sleep_ms(1);
	}
	return 1;
}

int support_alive(pid_t pid)
{
	pid_t parent;
	char letter = process_state(pid, &parent);

	return letter != 0 && letter != 'X' && letter != 'Z';
}

int support_wait_file(const char *path, int64_t ms)
{
	int64_t until = support_now_ms() + ms;

	while (access(path, F_OK) < 0) {
		if (support_now_ms() >= until)
			return 0;
		support_sleep_ms(1);
	}
	return 1;
}

pid_t support_read_pidfile(const char *path)
{
	char *text;
	pid_t pid;

	if (!support_wait_file(path, 30000))
		fail_msg("%s did not appear within 30 s", path);
	text = support_read_file(path, NULL);
	pid = text ? (pid_t)atol(text) : 0;
	free(text);
	if (pid <= 0)
		fail_msg("%s holds no pid", path);
	return pid;
}

static void await_readable(int fd)
{
	int64_t until = support_now_ms() + 60000;

	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		int r = poll(&poll_fd, 1, (int)(until - support_now_ms()));

		if (r > 0)
			return;
		if (r == 0 || errno != EINTR)
			fail_msg("descriptor %d: no byte and no end of file within a minute", fd);
	}
}

char *support_read_all(int fd, size_t *ret_size)
{
	size_t size = 0, room = 4096;
	char *bytes = malloc(room);
	ssize_t n;

	for (;;) {
		if (!bytes)
			fail_msg("no memory for what is read");
		await_readable(fd);
		n = read(fd, bytes + size, room - size - 1);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			break;
		size += (size_t)n;
		if (room - size < 2048) {
			char *more = realloc(bytes, room *= 2);

			if (!more)
				free(bytes);
			bytes = more;
		}
	}
	if (n < 0)
		fail_msg("read from descriptor %d: %s", fd, strerror(errno));
	bytes[size] = '\0';
	if (ret_size)
		*ret_size = size;
	return bytes;
}

void support_write_all(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail_msg("write to descriptor %d: %s", fd, strerror(errno));
		at += n;
		size -= (size_t)n;
	}
}

void support_pattern(unsigned char *bytes, size_t size, uint64_t offset)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern_byte(offset + i);
}

uint64_t support_checksum(const void *bytes, size_t size)
{
	return fnv1a(FNV_START, bytes, size);
}

int64_t support_field(const char *text, const char *name, int base)
{
	size_t size = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, size) == 0 && line[size] == ' ')
			return (int64_t)strtoull(line + size + 1, NULL, base);
	}
	return -1;
}
