/* SPDX-License-Identifier: MIT */
/*
 * Verbs of the test child that somebody has to watch while it lives: those that stop, wait, serve or catch signals, and where the
 * grandchildren are that it leaves behind. test_child.c has all others, and knows which verbs are tested here.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "support/verbs.h"
#include "support/support.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start_with_stdout(const char *const *words, int *ret_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int out[2];
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = start(words, (int[]){ null, out[1], null });
	close(null);
	close(out[1]);
	*ret_fd = out[0];
	return pid;
}

static void await_ready(int fd)
{
	char text[6];

	for (size_t size = 0; size < sizeof(text);) {
		ssize_t n = read(fd, text + size, sizeof(text) - size);

		assert_true(n > 0);
		size += (size_t)n;
	}
	assert_memory_equal(text, "ready\n", 6);
}

static void test_flood_forever_dies_of_sigpipe(void **state)
{
	const char *const words[MOST_WORDS] = { "flood-forever" };
	int fd;
	pid_t pid = start_with_stdout(words, &fd);

	close(fd);
	assert_int_equal(support_reap(pid), 128 + SIGPIPE);
}

static void test_stop_self_goes_on_after_sigcont(void **state)
{
	const char *const words[MOST_WORDS] = { "stop-self", "exit", "6" };
	int fd, status;
	pid_t pid = start_with_stdout(words, &fd);

	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_true(support_alive(pid));
	kill(pid, SIGCONT);
	assert_int_equal(support_reap(pid), 6);
	close(fd);
}

static void test_trap_term_exits_with_its_code(void **state)
{
	const char *const words[MOST_WORDS] = { "trap-term", "5", "sleep-forever" };
	int fd;
	pid_t pid = start_with_stdout(words, &fd);

	await_ready(fd);
	kill(pid, SIGTERM);
	assert_int_equal(support_reap(pid), 5);
	close(fd);
}

static void test_ignore_term_needs_a_kill(void **state)
{
	const char *const words[MOST_WORDS] = { "ignore-term", "sleep-forever" };
	int fd;
	pid_t pid = start_with_stdout(words, &fd);

	await_ready(fd);
	kill(pid, SIGTERM);
	assert_true(support_alive(pid));
	kill(pid, SIGKILL);
	assert_int_equal(support_reap(pid), 128 + SIGKILL);
	close(fd);
}

/* A signal before the pause is reached does not end it, so they are sent until it has. */
static void test_pause_ends_with_a_trapped_signal(void **state)
{
	const char *const words[MOST_WORDS] = { "trap", "USR1", "", "ready", "pause", "exit", "8" };
	int fd, status = 0;
	pid_t pid = start_with_stdout(words, &fd);

	await_ready(fd);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		kill(pid, SIGUSR1);
		support_sleep_ms(1);
	}
	assert_int_equal(WEXITSTATUS(status), 8);
	close(fd);
}

static void test_accept_serves_one_connection(void **state)
{
	const char *const words[MOST_WORDS] = { "accept", "0", "served" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *text;
	pid_t pid;

	support_path(address.sun_path, sizeof(address.sun_path), "socket");
	assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	pid = start(words, (int[]){ listening, 1, 2 });
	text = support_read_all(client, NULL);
	assert_string_equal(text, "served");
	assert_int_equal(support_reap(pid), 0);
	free(text);
	close(client);
	close(listening);
}

struct place {
	const char *verb;
	int same_group;
	int same_session;
	int holds_pipe;
};

static int has_no_writer(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLHUP);
}

static void check_place(const struct place *place)
{
	char path[4096];
	const char *words[MOST_WORDS] = { place->verb, "60000", support_path(path, sizeof(path), place->verb), "exit", "0" };
	int fd;
	pid_t pid = start_with_stdout(words, &fd);
	pid_t grandchild = support_read_pidfile(path);

	assert_int_equal(support_reap(pid), 0);
	assert_true(support_alive(grandchild));
	assert_int_equal(getpgid(grandchild) == pid, place->same_group);
	assert_int_equal(getsid(grandchild) == getsid(0), place->same_session);
	assert_int_equal(has_no_writer(fd), !place->holds_pipe);
	kill(grandchild, SIGKILL);
	assert_true(support_wait_gone(grandchild, 10000));
	assert_true(has_no_writer(fd));
	close(fd);
}

static void test_grandchildren_are_where_the_verb_says(void **state)
{
	static const struct place places[] = {
		{ "hold-pipe-in-grandchild", 1, 1, 1 },
		{ "daemonize", 0, 0, 1 },
		{ "spawn-in-group", 1, 1, 0 },
		{ "spawn-new-group", 0, 1, 0 },
		{ "spawn-setsid", 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		check_place(&places[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_flood_forever_dies_of_sigpipe),
		brood_test(test_stop_self_goes_on_after_sigcont),
		brood_test(test_trap_term_exits_with_its_code),
		brood_test(test_ignore_term_needs_a_kill),
		brood_test(test_pause_ends_with_a_trapped_signal),
		brood_test(test_accept_serves_one_connection),
		brood_test(test_grandchildren_are_where_the_verb_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
