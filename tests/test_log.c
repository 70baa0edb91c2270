/* SPDX-License-Identifier: MIT */
/*
 * The log: who gets which lines, what the environment turns on, and that the host does not feel it.
 *
 * The environment is read at the first use and never again, so each test runs in a forked part of its own, in which nobody has logged.
 */
#include "support/support.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct heard {
	int count;
	enum brood_log_level level;
	char line[2048];
};

static void hear(void *data, enum brood_log_level level, const char *line)
{
	struct heard *heard = data;

	heard->count++;
	heard->level = level;
	snprintf(heard->line, sizeof(heard->line), "%s", line);
	errno = EDOM;
}

/* Put a pipe in the place of stderr; returns its read end, or -1 where the reader is to be gone. */
static int stderr_to_pipe(int keep_reader)
{
	int end[2];

	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	assert_int_equal(dup2(end[1], 2), 2);
	close(end[1]);
	if (keep_reader)
		return end[0];
	close(end[0]);
	return -1;
}

/* What the pipe holds now, and close it. */
static void read_pipe(int fd, char *text, size_t size)
{
	ssize_t n;

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	n = read(fd, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
}

static void lines_up_to_its_level(void *data)
{
	struct heard heard = { 0 };

	brood_log_to(hear, &heard, BROOD_LOG_INFO);
	log_line(BROOD_LOG_DEBUG, "too much");
	assert_int_equal(heard.count, 0);
	log_line(BROOD_LOG_INFO, "start %s %d", "md5", 7);
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.level, BROOD_LOG_INFO);
	assert_string_equal(heard.line, "start md5 7");
	log_line(BROOD_LOG_ERROR, "bad");
	assert_int_equal(heard.level, BROOD_LOG_ERROR);
}

static void off_by_default(void *data)
{
	char text[64];
	int fd = stderr_to_pipe(1);

	assert_false(log_wants(BROOD_LOG_ERROR));
	log_line(BROOD_LOG_ERROR, "unheard");
	read_pipe(fd, text, sizeof(text));
	assert_string_equal(text, "");
}

static void null_turns_it_off(void *data)
{
	struct heard heard = { 0 };

	brood_log_to(hear, &heard, BROOD_LOG_DEBUG);
	brood_log_to(NULL, &heard, BROOD_LOG_DEBUG);
	assert_false(log_wants(BROOD_LOG_ERROR));
	log_write(BROOD_LOG_ERROR, "unheard");
	assert_int_equal(heard.count, 0);
}

static int side_effect(int *count)
{
	return ++*count;
}

static void arguments_unevaluated_when_off(void *data)
{
	int count = 0;

	log_line(BROOD_LOG_ERROR, "%d", side_effect(&count));
	assert_int_equal(count, 0);
}

static void errno_kept(void *data)
{
	struct heard heard = { 0 };

	brood_log_to(hear, &heard, BROOD_LOG_DEBUG);
	errno = ENOTTY;
	log_line(BROOD_LOG_DEBUG, "x");
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(heard.count, 1);
}

static void long_lines_cut(void *data)
{
	struct heard heard = { 0 };
	char text[5000];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	brood_log_to(hear, &heard, BROOD_LOG_DEBUG);
	log_line(BROOD_LOG_DEBUG, "%s", text);
	assert_int_equal(strlen(heard.line), 1000);
}

/* 999 letters, then one of two bytes, of which only the first would fit. */
static void cut_between_letters(void *data)
{
	struct heard heard = { 0 };
	char text[1200];

	memset(text, 'a', 999);
	strcpy(text + 999, "\xc3\xa9 and more");
	brood_log_to(hear, &heard, BROOD_LOG_DEBUG);
	log_line(BROOD_LOG_DEBUG, "%s", text);
	assert_int_equal(strlen(heard.line), 999);
}

static void one_line_stays_one(void *data)
{
	struct heard heard = { 0 };

	brood_log_to(hear, &heard, BROOD_LOG_DEBUG);
	log_line(BROOD_LOG_DEBUG, "%s", "a\nb\x1b[0m\xff");
	assert_string_equal(heard.line, "a\\nb\\x1b[0m\\xff");
}

static void stderr_line_form(void *data)
{
	char text[256], expected[256];
	int fd = stderr_to_pipe(1);

	brood_log_to_stderr(BROOD_LOG_WARNING);
	log_line(BROOD_LOG_WARNING, "lost %d", 3);
	read_pipe(fd, text, sizeof(text));
	snprintf(expected, sizeof(expected), "brood[%ld]: warning: lost 3\n", (long)getpid());
	assert_string_equal(text, expected);
}

static void environment_turns_on(void *data)
{
	char text[256], expected[256];
	int fd = stderr_to_pipe(1);

	setenv("BROOD_LOG", data, 1);
	assert_true(log_wants(BROOD_LOG_INFO));
	assert_false(log_wants(BROOD_LOG_DEBUG));
	log_line(BROOD_LOG_INFO, "hello");
	log_line(BROOD_LOG_DEBUG, "unheard");
	read_pipe(fd, text, sizeof(text));
	snprintf(expected, sizeof(expected), "brood[%ld]: info: hello\n", (long)getpid());
	assert_string_equal(text, expected);
}

static void environment_stays_off(void *data)
{
	setenv("BROOD_LOG", data, 1);
	assert_false(log_wants(BROOD_LOG_ERROR));
}

static void environment_loses_to_the_host(void *data)
{
	struct heard heard = { 0 };

	setenv("BROOD_LOG", "debug", 1);
	brood_log_to(hear, &heard, BROOD_LOG_ERROR);
	assert_false(log_wants(BROOD_LOG_DEBUG));
	log_line(BROOD_LOG_ERROR, "x");
	assert_int_equal(heard.count, 1);
}

static void broken_stderr(void *data)
{
	sigset_t pending;

	stderr_to_pipe(0);
	signal(SIGPIPE, SIG_DFL);
	brood_log_to_stderr(BROOD_LOG_DEBUG);
	errno = ENOTTY;
	log_line(BROOD_LOG_DEBUG, "into the void");
	assert_int_equal(errno, ENOTTY);
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGPIPE));
}

/* A host that blocks SIGPIPE and has one waiting must find it again. */
static void waiting_sigpipe_stays(void *data)
{
	sigset_t blocked, pending;

	stderr_to_pipe(0);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGPIPE);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	pthread_kill(pthread_self(), SIGPIPE);
	brood_log_to_stderr(BROOD_LOG_DEBUG);
	log_line(BROOD_LOG_DEBUG, "into the void");
	sigpending(&pending);
	assert_true(sigismember(&pending, SIGPIPE));
}

static void mask_restored(void *data)
{
	sigset_t mask;

	stderr_to_pipe(0);
	brood_log_to_stderr(BROOD_LOG_DEBUG);
	log_line(BROOD_LOG_DEBUG, "x");
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_false(sigismember(&mask, SIGPIPE));
}

static void closed_stderr(void *data)
{
	struct heard heard = { 0 };

	close(2);
	brood_log_to_stderr(BROOD_LOG_DEBUG);
	errno = ENOTTY;
	log_line(BROOD_LOG_DEBUG, "x");
	assert_int_equal(errno, ENOTTY);
	brood_log_to(hear, &heard, BROOD_LOG_DEBUG);
	log_line(BROOD_LOG_DEBUG, "y");
	assert_int_equal(heard.count, 1);
}

struct pair {
	char name;
	atomic_int right, wrong;
};

static void hear_a(void *data, enum brood_log_level level, const char *line)
{
	struct pair *pair = data;

	atomic_fetch_add(pair->name == 'a' ? &pair->right : &pair->wrong, 1);
}

static void hear_b(void *data, enum brood_log_level level, const char *line)
{
	struct pair *pair = data;

	atomic_fetch_add(pair->name == 'b' ? &pair->right : &pair->wrong, 1);
}

static void *log_until_told(void *data)
{
	atomic_int *done = data;

	while (!atomic_load(done))
		log_line(BROOD_LOG_DEBUG, "line");
	return NULL;
}

static void exchange_while_others_log(void *data)
{
	struct pair a = { .name = 'a' }, b = { .name = 'b' };
	pthread_t thread[3];
	atomic_int done = 0;

	brood_log_to(hear_a, &a, BROOD_LOG_DEBUG);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, log_until_told, &done), 0);
	for (int i = 0; i < 20000 || !atomic_load(&a.right) || !atomic_load(&b.right); i++) {
		brood_log_to(hear_b, &b, BROOD_LOG_DEBUG);
		brood_log_to(hear_a, &a, BROOD_LOG_DEBUG);
	}
	atomic_store(&done, 1);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(atomic_load(&a.wrong) + atomic_load(&b.wrong), 0);
}

static void test_log_gives_lines_up_to_its_level(void **state)
{
	support_assert_in_fork(lines_up_to_its_level, NULL);
}

static void test_log_is_off_by_default(void **state)
{
	support_assert_in_fork(off_by_default, NULL);
}

static void test_log_to_null_is_off(void **state)
{
	support_assert_in_fork(null_turns_it_off, NULL);
}

static void test_log_evaluates_nothing_while_off(void **state)
{
	support_assert_in_fork(arguments_unevaluated_when_off, NULL);
}

static void test_log_keeps_errno(void **state)
{
	support_assert_in_fork(errno_kept, NULL);
}

static void test_log_cuts_lines_at_1000_bytes(void **state)
{
	support_assert_in_fork(long_lines_cut, NULL);
}

static void test_log_cuts_between_letters(void **state)
{
	support_assert_in_fork(cut_between_letters, NULL);
}

static void test_log_line_is_always_one_line(void **state)
{
	support_assert_in_fork(one_line_stays_one, NULL);
}

static void test_log_to_stderr_carries_name_pid_and_level(void **state)
{
	support_assert_in_fork(stderr_line_form, NULL);
}

static void test_log_is_turned_on_by_the_environment(void **state)
{
	char word[] = "info";

	support_assert_in_fork(environment_turns_on, word);
}

static void test_log_ignores_other_words_in_the_environment(void **state)
{
	char word[] = "1", empty[] = "";

	support_assert_in_fork(environment_stays_off, word);
	support_assert_in_fork(environment_stays_off, empty);
}

static void test_log_of_the_host_wins_over_the_environment(void **state)
{
	support_assert_in_fork(environment_loses_to_the_host, NULL);
}

static void test_log_to_a_broken_stderr_raises_no_sigpipe(void **state)
{
	support_assert_in_fork(broken_stderr, NULL);
}

static void test_log_leaves_a_waiting_sigpipe_waiting(void **state)
{
	support_assert_in_fork(waiting_sigpipe_stays, NULL);
}

static void test_log_restores_the_signal_mask(void **state)
{
	support_assert_in_fork(mask_restored, NULL);
}

static void test_log_to_a_closed_stderr_is_quiet(void **state)
{
	support_assert_in_fork(closed_stderr, NULL);
}

static void test_log_exchange_never_mixes_function_and_data(void **state)
{
	support_assert_in_fork(exchange_while_others_log, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_log_gives_lines_up_to_its_level),
		brood_test(test_log_is_off_by_default),
		brood_test(test_log_to_null_is_off),
		brood_test(test_log_evaluates_nothing_while_off),
		brood_test(test_log_keeps_errno),
		brood_test(test_log_cuts_lines_at_1000_bytes),
		brood_test(test_log_cuts_between_letters),
		brood_test(test_log_line_is_always_one_line),
		brood_test(test_log_to_stderr_carries_name_pid_and_level),
		brood_test(test_log_is_turned_on_by_the_environment),
		brood_test(test_log_ignores_other_words_in_the_environment),
		brood_test(test_log_of_the_host_wins_over_the_environment),
		brood_test(test_log_to_a_broken_stderr_raises_no_sigpipe),
		brood_test(test_log_leaves_a_waiting_sigpipe_waiting),
		brood_test(test_log_restores_the_signal_mask),
		brood_test(test_log_to_a_closed_stderr_is_quiet),
		brood_test(test_log_exchange_never_mixes_function_and_data),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
