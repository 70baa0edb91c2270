/* SPDX-License-Identifier: MIT */
/* What the command says: whole lines, each by one write, whatever is in them and whatever standard error is. */
#include "support/pty.h"
#include "support/support.h"

#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Standard error led into a socket that keeps the bounds of writes: each read gives what one write wrote. Ours again after listener_done.
 */
struct listener {
	int saved, fd;
};

static void listener_init(struct listener *listener)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	listener->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	assert_true(listener->saved >= 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	listener->fd = ends[0];
	say_as("brood test");
}

static void listener_done(struct listener *listener)
{
	say_before(NULL, NULL);
	say_as("brood");
	dup2(listener->saved, STDERR_FILENO);
	close(listener->saved);
	close(listener->fd);
}

/* What the next write wrote, which is there already; "" when there is none. */
static const char *heard(struct listener *listener)
{
	static char text[1 << 17];
	ssize_t n = recv(listener->fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void expect_said(struct listener *listener, const char *expected)
{
	char *text = strdup(heard(listener));

	if (strcmp(text, expected) != 0) {
		listener_done(listener);
		fail_msg("said '%s', not '%s'", text, expected);
	}
	free(text);
}

static void test_a_line_is_one_write_with_the_speaker_before_it(void **state)
{
	struct listener listener;

	listener_init(&listener);
	say("%s: %d", "answer", 42);
	expect_said(&listener, "brood test: answer: 42\n");
	expect_said(&listener, "");
	listener_done(&listener);
}

static void test_a_failure_is_a_line_and_a_status(void **state)
{
	struct listener listener;
	int status;

	listener_init(&listener);
	status = say_failure("no");
	expect_said(&listener, "brood test: no\n");
	listener_done(&listener);
	assert_int_equal(status, STATUS_BROOD_FAILED);
}

static void test_a_long_line_is_one_write_too(void **state)
{
	struct listener listener;
	size_t size = 60000;
	char *name = malloc(size + 1), *expected = malloc(size + 32);

	listener_init(&listener);
	memset(name, 'x', size);
	name[size] = '\0';
	sprintf(expected, "brood test: %s\n", name);
	say("%s", name);
	expect_said(&listener, expected);
	expect_said(&listener, "");
	listener_done(&listener);
	free(name);
	free(expected);
}

static void test_control_characters_are_written_out(void **state)
{
	struct listener listener;

	listener_init(&listener);
	say("%s", "a\nb\tc\x1b[31m\x7f");
	expect_said(&listener, "brood test: a\\x0ab\\x09c\\x1b[31m\\x7f\n");
	listener_done(&listener);
}

static void test_letters_of_any_script_are_left_alone(void **state)
{
	struct listener listener;

	listener_init(&listener);
	say("%s", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \\ '");
	expect_said(&listener, "brood test: \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \\ '\n");
	listener_done(&listener);
}

static void test_what_is_not_utf8_and_what_turns_a_line_round_is_written_out(void **state)
{
	struct listener listener;

	listener_init(&listener);
	say("%s", "\xff \xc2\x9b \xe2\x80\xae");
	expect_said(&listener, "brood test: \\xff \\xc2\\x9b \\xe2\\x80\\xae\n");
	listener_done(&listener);
}

static void test_a_speaker_cannot_steer_the_terminal_either(void **state)
{
	struct listener listener;

	listener_init(&listener);
	say_as("x\x1b");
	say("y");
	expect_said(&listener, "x\\x1b: y\n");
	listener_done(&listener);
}

static void clear_and_count(void *data)
{
	(*(int *)data)++;
	assert_int_equal(write(STDERR_FILENO, "<clear>", 7), 7);
}

static void test_what_is_on_display_is_cleared_before_the_line(void **state)
{
	struct listener listener;
	int cleared = 0;

	listener_init(&listener);
	say_before(clear_and_count, &cleared);
	say("one");
	expect_said(&listener, "<clear>");
	expect_said(&listener, "brood test: one\n");
	say_before(NULL, NULL);
	say("two");
	expect_said(&listener, "brood test: two\n");
	listener_done(&listener);
	assert_int_equal(cleared, 1);
}

static void test_errno_is_as_it_was(void **state)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	int error;

	close(STDERR_FILENO);
	errno = ENOENT;
	say("nobody hears this");
	error = errno;
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(error, ENOENT);
}

static void test_a_closed_standard_error_is_no_matter(void **state)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	int status;

	close(STDERR_FILENO);
	status = say_failure("nobody hears this");
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(status, STATUS_BROOD_FAILED);
}

/* A pipe that is full and non-blocking, as a terminal that another program has set so. A child reads once it sees that we wait. */
static void test_a_full_pipe_that_does_not_block_gets_the_whole_line(void **state)
{
	int ends[2], saved;
	char filling[4096], *text;
	size_t filled = 0, size;
	ssize_t n;
	pid_t pid;

	memset(filling, '.', sizeof(filling));
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	while ((n = write(ends[1], filling, sizeof(filling))) > 0)
		filled += (size_t)n;
	saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		say_as("brood test");
		say("late");
		_exit(0);
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	fcntl(ends[0], F_SETFL, 0);
	text = support_read_all(ends[0], &size);
	close(ends[0]);
	assert_int_equal(support_reap(pid), 0);
	assert_int_equal(size, filled + strlen("brood test: late\n"));
	assert_string_equal(text + filled, "brood test: late\n");
	free(text);
}

static int told_fd = -1;

static void on_signal(int number)
{
	if (write(told_fd, "", 1) < 0)
		_exit(1);
}

/* Wait until the process sleeps: what it last began to write does not fit. */
static void wait_asleep(pid_t pid)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (char state = 0; state != 'S';) {
		FILE *file = fopen(path, "re");

		assert_non_null(file);
		state = fgets(text, sizeof(text), file) ? strrchr(text, ')')[2] : 'S';
		fclose(file);
	}
}

static void interrupt(pid_t pid, int told)
{
	char byte;

	wait_asleep(pid);
	kill(pid, SIGUSR1);
	assert_int_equal(read(told, &byte, 1), 1);
}

/* The first signal makes the write a short one, the second one comes before any byte of the next. */
static void test_signals_do_not_tear_a_line(void **state)
{
	enum { SIZE = 1 << 20 };
	char *expected = malloc(SIZE + 1), *text;
	int ends[2], told[2];
	char byte;
	size_t size;
	pid_t pid;

	memset(expected, 'x', SIZE);
	expected[SIZE] = '\0';
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		struct sigaction action = { .sa_handler = on_signal };

		told_fd = told[1];
		sigaction(SIGUSR1, &action, NULL);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		say_as("b");
		say("%s", expected);
		free(expected);
		_exit(0);
	}
	close(ends[1]);
	close(told[1]);
	/* By the first byte the handler is there. */
	assert_int_equal(read(ends[0], &byte, 1), 1);
	interrupt(pid, told[0]);
	interrupt(pid, told[0]);
	text = support_read_all(ends[0], &size);
	close(ends[0]);
	close(told[0]);
	assert_int_equal(support_reap(pid), 0);
	assert_int_equal(size, SIZE + 3);
	assert_memory_equal(text, ": ", 2);
	assert_memory_equal(text + 2, expected, SIZE);
	assert_int_equal(text[SIZE + 2], '\n');
	free(text);
	free(expected);
}

static void colour_on_a_terminal(void *data)
{
	int fd = *(int *)data;

	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	assert_true(say_has_colour(fd));
	setenv("NO_COLOR", "", 1);
	assert_true(say_has_colour(fd));
	setenv("NO_COLOR", "1", 1);
	assert_false(say_has_colour(fd));
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	assert_false(say_has_colour(fd));
	unsetenv("TERM");
	assert_false(say_has_colour(fd));
}

static void test_a_terminal_has_colour_unless_somebody_wants_none(void **state)
{
	struct pty pty;

	pty_open(&pty);
	support_assert_in_fork(colour_on_a_terminal, &pty.slave);
	pty_free(&pty);
}

static void test_a_file_has_no_colour(void **state)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	assert_false(say_has_colour(fd));
	assert_false(say_has_colour(-1));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_line_is_one_write_with_the_speaker_before_it),
		brood_test(test_a_failure_is_a_line_and_a_status),
		brood_test(test_a_long_line_is_one_write_too),
		brood_test(test_control_characters_are_written_out),
		brood_test(test_letters_of_any_script_are_left_alone),
		brood_test(test_what_is_not_utf8_and_what_turns_a_line_round_is_written_out),
		brood_test(test_a_speaker_cannot_steer_the_terminal_either),
		brood_test(test_what_is_on_display_is_cleared_before_the_line),
		brood_test(test_errno_is_as_it_was),
		brood_test(test_a_closed_standard_error_is_no_matter),
		brood_test(test_a_full_pipe_that_does_not_block_gets_the_whole_line),
		brood_test(test_signals_do_not_tear_a_line),
		brood_test(test_a_terminal_has_colour_unless_somebody_wants_none),
		brood_test(test_a_file_has_no_colour),
	};

	return cmocka_run_group_tests_name("say", tests, NULL, NULL);
}
