/* SPDX-License-Identifier: MIT */
/* tests/support/pty.c: a terminal with a session in it, its keys, and how its job fares. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/pty.h"
#include "support/support.h"

/* A terminal in which the test child does this. */
static struct pty does(const char *const *verbs)
{
	const char *argv[16] = { support_child() };
	struct pty pty;

	for (size_t i = 0; i < 14 && verbs[i]; i++)
		argv[i + 1] = verbs[i];
	pty_open(&pty);
	pty_exec(&pty, argv);
	return pty;
}

#define in_pty(...) does((const char *const[]){ __VA_ARGS__, NULL })

static void test_what_is_typed_is_read_and_what_is_written_is_seen(void **state)
{
	struct pty pty = in_pty("cat", "exit", "3");

	(void)state;
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "hello\r\nhello\r\n");
	pty_type(&pty, PTY_END_OF_FILE);
	assert_int_equal(pty_end(&pty), 3);
	pty_free(&pty);
}

static void test_the_job_has_the_terminal_in_all_three_descriptors_and_the_foreground(void **state)
{
	struct pty pty = in_pty("isatty", "0", "isatty", "1", "isatty", "2", "tty-foreground");

	(void)state;
	assert_int_equal(pty_end(&pty), 0);
	assert_string_equal(pty.text, "yes\r\nyes\r\nyes\r\nyes\r\n");
	pty_free(&pty);
}

static void test_no_byte_is_lost_at_the_end(void **state)
{
	struct pty pty = in_pty("flood", "1M");

	(void)state;
	assert_int_equal(pty_end(&pty), 0);
	assert_int_equal(pty.size, 1 << 20);
	assert_int_equal(strspn(pty.text, "x"), 1 << 20);
	pty_free(&pty);
}

static void test_keys_are_signals_to_the_foreground(void **state)
{
	struct pty pty = in_pty("print", "ready", "sleep-forever");

	(void)state;
	/* Tools like valgrind swallow what comes before the job's exec. */
	pty_expect(&pty, "ready");
	pty_type(&pty, PTY_INTERRUPT);
	assert_int_equal(pty_end(&pty), 128 + SIGINT);
	pty_free(&pty);
}

static void test_a_job_that_was_stopped_goes_on_in_the_foreground(void **state)
{
	struct pty pty;

	(void)state;
	skip_under_valgrind();          /* it swallows a SIGTSTP that comes before the job's exec */
	pty = in_pty("cat");
	pty_type(&pty, PTY_SUSPEND);
	assert_int_equal(pty_expect_stop(&pty), SIGTSTP);
	assert_int_equal(pty_foreground(&pty), pty.shell);
	pty_continue(&pty, 1);
	pty_type(&pty, "on\n");
	pty_expect(&pty, "on\r\non\r\n");
	assert_int_equal(pty_foreground(&pty), pty.job);
	pty_type(&pty, PTY_END_OF_FILE);
	assert_int_equal(pty_end(&pty), 0);
	pty_free(&pty);
}

static void test_a_job_in_the_background_that_reads_is_stopped(void **state)
{
	struct pty pty = in_pty("stop-self", "cat");

	(void)state;
	assert_int_equal(pty_expect_stop(&pty), SIGSTOP);
	pty_continue(&pty, 0);
	assert_int_equal(pty_expect_stop(&pty), SIGTTIN);
	pty_free(&pty);
}

static void test_another_size_is_told_to_the_foreground(void **state)
{
	struct pty pty;
	char end[256];

	(void)state;
	support_path(end, sizeof end, "end");
	pty = in_pty("trap", "WINCH", "larger", "ready", "wait-for-file", end);
	pty_expect(&pty, "ready\r\n");
	pty_resize(&pty, 50, 132);
	pty_expect(&pty, "larger");
	support_write_text(end, "");
	assert_int_equal(pty_end(&pty), 0);
	pty_free(&pty);
}

static int seven(void *data)
{
	return *(int *)data;
}

static void test_a_function_is_a_job_too(void **state)
{
	struct pty pty;
	int seven_of_it = 7;

	(void)state;
	pty_open(&pty);
	pty_run(&pty, seven, &seven_of_it);
	assert_int_equal(pty_end(&pty), 7);
	pty_free(&pty);
}

static void test_a_terminal_may_be_freed_in_the_middle(void **state)
{
	struct pty pty = in_pty("ignore", "HUP", "sleep-forever"), none = { 0 };
	const pid_t job = pty.job;

	(void)state;
	pty_free(&pty);
	assert_int_equal(support_wait_gone(job, 30000), 1);
	pty_free(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_what_is_typed_is_read_and_what_is_written_is_seen),
		brood_test(test_the_job_has_the_terminal_in_all_three_descriptors_and_the_foreground),
		brood_test(test_no_byte_is_lost_at_the_end),
		brood_test(test_keys_are_signals_to_the_foreground),
		brood_test(test_a_job_that_was_stopped_goes_on_in_the_foreground),
		brood_test(test_a_job_in_the_background_that_reads_is_stopped),
		brood_test(test_another_size_is_told_to_the_foreground),
		brood_test(test_a_function_is_a_job_too),
		brood_test(test_a_terminal_may_be_freed_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
