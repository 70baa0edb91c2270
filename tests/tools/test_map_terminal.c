/* SPDX-License-Identifier: MIT */
/* brood map on a terminal: its bar, and the keys that interrupt and suspend it. */
#include "support/support.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/pty.h"
#include "tools/files.h"

#define C support_child()

static void begin(struct pty *pty, const char *const *words)
{
	const char *argv[32] = { getenv("BROOD_COMMAND") };

	skip_unless(argv[0] && *argv[0], "BROOD_COMMAND does not say where the command is");
	for (int i = 0; words[i]; i++) {
		assert_true(i < 30);
		argv[i + 1] = words[i];
	}
	pty_open(pty);
	pty_exec(pty, argv);
}

#define start(pty, ...) begin(pty, (const char *const[]){ __VA_ARGS__, NULL })

static void test_the_bar_shows_what_is_done(void **state)
{
	const char *go = file("go");
	struct pty pty;

	(void)state;
	start(&pty, "map", "-j1", "sh", "-c", "test $0 != 2 || $1 wait-for-file $2", "{}", C, go, ":::", "1", "2");
	pty_expect(&pty, "\r[");
	pty_expect(&pty, "] 1/2");
	support_write_text(go, "");
	pty_expect(&pty, "brood map: 2 jobs: 2 ok; ");
	assert_int_equal(pty_end(&pty), 0);
	pty_free(&pty);
}

/* What stands on the screen between two beginnings of a line, escapes left out, is narrower than the window. */
static void expect_narrow(const char *text, size_t columns)
{
	size_t width = 0;

	for (; *text; text++) {
		if (*text == '\033')
			text += strcspn(text, "K");
		else if (*text == '\r' || *text == '\n')
			width = 0;
		else
			width++;
		assert_true(width < columns);
	}
}

static void test_the_bar_fits_the_window(void **state)
{
	const char *go = file("go");
	struct pty pty;

	(void)state;
	pty_open(&pty);
	pty_resize(&pty, 24, 20);
	const char *const argv[] = { getenv("BROOD_COMMAND"), "map", "-q", "--bar", C, "wait-for-file", ":::", go, go, NULL };
	skip_unless(argv[0] && *argv[0], "BROOD_COMMAND does not say where the command is");
	pty_exec(&pty, argv);
	pty_expect(&pty, "0/2");
	pty_expect(&pty, "0/2");
	expect_narrow(pty.text, 20);
	support_write_text(go, "");
	assert_int_equal(pty_end(&pty), 0);
	pty_free(&pty);
}

static void test_the_bar_goes_before_output_comes(void **state)
{
	const char *go = file("go");
	struct pty pty;

	(void)state;
	start(&pty, "map", "-j1", C, "wait-for-file", "{}", "echo", "hello", "err", "sorry\n", "exit", "3", ":::", go);
	pty_expect(&pty, "0/1");
	support_write_text(go, "");
	pty_expect(&pty, "\r\033[Khello\r\nsorry\r\nbrood map: job 1");
	pty_expect(&pty, "exited 3\r\n");
	assert_int_equal(pty_end(&pty), 123);
	pty_free(&pty);
}

static void test_no_bar_goes_over_a_line_that_has_not_ended(void **state)
{
	const char *go = file("go");
	struct pty pty;

	(void)state;
	start(&pty, "map", "-j1", "--bar", C, "print", "half", "exit", "{}", ":::", "0");
	pty_expect(&pty, "half");
	assert_int_equal(pty_end(&pty), 0);
	/* What was drawn before was taken away; nothing goes over the half line but the summary behind it. */
	assert_null(strstr(strstr(pty.text, "half"), "\r\033[K"));
	(void)go;
	pty_free(&pty);
}

static void test_ctrl_c_stops_the_jobs(void **state)
{
	struct pty pty;

	(void)state;
	start(&pty, "map", "--line-buffer", C, "ready", "sleep-forever", "exit", ":::", "1");
	pty_expect(&pty, "ready");
	pty_type(&pty, PTY_INTERRUPT);
	pty_expect(&pty, "SIGINT: stopping 1 job");
	pty_expect(&pty, "1 job: 0 ok, 1 stopped");
	assert_int_equal(pty_end(&pty), 130);
	pty_free(&pty);
}

static void test_ctrl_c_twice_kills_them(void **state)
{
	struct pty pty;

	(void)state;
	start(&pty, "map", "--line-buffer", "-k", "1h", C, "ignore-term", "sleep-forever", "exit", ":::", "1");
	pty_expect(&pty, "ready");
	pty_type(&pty, PTY_INTERRUPT);
	pty_expect(&pty, "stopping 1 job");
	pty_type(&pty, PTY_INTERRUPT);
	assert_int_equal(pty_end(&pty), 130);
	pty_free(&pty);
}

/* The letter of a process' state in /proc: T is stopped. */
static char state_of(pid_t pid)
{
	char path[64], *text, *end;
	char letter;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	text = support_read_file(path, NULL);
	if (!text)
		return 'X';
	end = strrchr(text, ')');
	letter = end ? end[2] : 'X';
	free(text);
	return letter;
}

static void wait_for_state(pid_t pid, bool stopped)
{
	const int64_t until = support_now_ms() + 60000;

	while ((state_of(pid) == 'T') != stopped) {
		assert_true(support_now_ms() < until);
		support_sleep_ms(1);
	}
}

static void test_ctrl_z_stops_the_jobs_and_fg_continues_them(void **state)
{
	const char *pidfile = file("pid"), *go = file("go");
	struct pty pty;
	pid_t job;

	(void)state;
	start(&pty, "map", C, "pidfile", pidfile, "wait-for-file", "{}", "echo", "done", ":::", go);
	job = support_read_pidfile(pidfile);
	pty_expect(&pty, "0/1");
	pty_type(&pty, PTY_SUSPEND);
	assert_int_equal(pty_expect_stop(&pty), SIGTSTP);
	wait_for_state(job, true);
	pty_continue(&pty, 1);
	wait_for_state(job, false);
	support_write_text(go, "");
	pty_expect(&pty, "done");
	assert_int_equal(pty_end(&pty), 0);
	pty_free(&pty);
}

static void test_in_the_background_there_is_no_bar(void **state)
{
	const char *go = file("go");
	struct pty pty;

	(void)state;
	start(&pty, "map", C, "wait-for-file", "{}", ":::", go);
	pty_expect(&pty, "0/1");
	pty_type(&pty, PTY_SUSPEND);
	pty_expect_stop(&pty);
	/* What was drawn before the stop may not have been read yet: all of it comes before this. */
	support_write_all(pty.slave, "stopped", strlen("stopped"));
	pty_expect(&pty, "stopped");
	const size_t seen = pty.seen;
	pty_continue(&pty, 0);
	/* Longer than the bar is ever left standing: nothing may come. */
	support_sleep_ms(400);
	support_write_text(go, "");
	pty_expect(&pty, "1 job: 1 ok");
	assert_null(strstr(pty.text + seen, "0/1"));
	assert_int_equal(pty_end(&pty), 0);
	pty_free(&pty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_the_bar_shows_what_is_done),
		brood_test(test_the_bar_fits_the_window),
		brood_test(test_the_bar_goes_before_output_comes),
		brood_test(test_no_bar_goes_over_a_line_that_has_not_ended),
		brood_test(test_ctrl_c_stops_the_jobs),
		brood_test(test_ctrl_c_twice_kills_them),
		brood_test(test_ctrl_z_stops_the_jobs_and_fg_continues_them),
		brood_test(test_in_the_background_there_is_no_bar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
