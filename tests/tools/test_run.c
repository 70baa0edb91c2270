/* SPDX-License-Identifier: MIT */
/* `brood run` as a user sees it: statuses, what is said, what passes through, signals. Without a terminal; test_run_terminal.c has one. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "tools/command.h"

#include <stdio.h>

/* ---- statuses, and what is said ---- */

static void test_a_single_command_s_own_status_is_passed_on_and_nothing_is_said(void **state)
{
	(void)state;
	expect(0, NULL, "run", "--", C, "exit", "0");
	expect(3, NULL, "run", C, "exit", "3");
	expect(124, NULL, "run", C, "exit", "124");
}

static void test_a_stage_before_the_last_that_failed_is_told(void **state)
{
	(void)state;
	expect(3, "child': exited 3\n", "run", C, "exit", "3", "|", C, "discard");
	expect(4, NULL, "run", C, "exit", "0", "|", C, "exit", "4");
	expect(0, NULL, "run", C, "flood-forever", "|", C, "head", "1");
}

static void test_a_line_is_read_as_a_chain(void **state)
{
	struct ran ran;
	char line[8192];

	(void)state;
	snprintf(line, sizeof line, "'%s' print 'a  b' | '%s' upper", C, C);
	ran = brood_at(NULL, "run", line);
	expect_end(&ran, 0, NULL);
	assert_string_equal(ran.out, "A  B");
	ran_done(&ran);
}

static void test_what_is_wrong_with_a_line_is_said_with_its_column(void **state)
{
	(void)state;
	expect(125, "brood run: column 6: ''' opens a quotation that is not closed\n", "run", "echo 'a");
	expect(125, "brood run: stage 2 has no words\n", "run", "a", "|", "|", "b");
	expect(125, "no command was given", "run");
}

static void test_a_line_that_does_not_stand_alone_is_explained(void **state)
{
	(void)state;
	expect(127, "brood run: 'no-such-program x' was taken for the name of a program: ", "run", "no-such-program x", "-t", "5");
	expect(127, "No such file or directory\n", "run", "--", "no-such-program x", "-t", "5");
	expect(127, NULL, "run", "-q", "no-such-program x", "-t", "5");
}

static void test_a_spent_deadline_is_124_and_told(void **state)
{
	(void)state;
	expect(124, "child': killed by SIGTERM, deadline of 20 ms\n", "run", "-t", "20ms", C, "sleep-forever");
	expect(124, "deadline of 20 ms", "run", "-t", "0.02", C, "sleep-forever", "|", C, "discard");
	/* It is born ignoring the signal: were that its own first step, a slow start would die before it. */
	expect_at((&(struct place){ .ignored = SIGHUP }), 124, "killed by SIGKILL", "run", "-t", "20ms", "-k", "10ms", "-s", "HUP", C, "sleep-forever");
}

/* The deadline is to find the chain where it has made this file: a start that is too slow for that is tried again with a longer one. */
static struct ran past_a_deadline(const struct place *place, const char *file, const char *const *words)
{
	char deadline[32];
	const char *all[32] = { "run", "-t", deadline };

	for (int i = 0; words[i]; i++)
		all[3 + i] = words[i];
	for (int ms = 300; ms < 100000; ms *= 4) {
		struct ran ran;

		snprintf(deadline, sizeof deadline, "%dms", ms);
		ran = brood_ended(brood_begin(place, all));
		if (access(file, F_OK) == 0)
			return ran;
		ran_done(&ran);
	}
	fail_msg("no chain comes as far as to make '%s'", file);
}

static void test_a_deadline_reaches_what_the_stages_started(void **state)
{
	char file[4096];
	struct ran ran;

	(void)state;
	support_path(file, sizeof file, "pid");
	ran = past_a_deadline(NULL, file, (const char *const[]){ C, "spawn-in-group", "600000", file, "sleep-forever", NULL });
	expect_end(&ran, 124, "deadline");
	ran_done(&ran);
	assert_int_equal(support_wait_gone(support_read_pidfile(file), 30000), 1);
}

static void test_odd_durations_are_understood_and_wrong_ones_are_125(void **state)
{
	static const char *const none[] = { "0", "0s", "inf", "1e9d", "1000000000000000000000h", ".5m" };
	static const char *const wrong[] = { "", "x", "5x", "-1", "1 s", "nan", "1s2", "--" };

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		expect(7, NULL, "run", "-t", none[i], C, "sleep", "5", "exit", "7");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		expect(125, "brood run: -t: '", "run", "-t", wrong[i], C, "exit", "7");
	expect(124, "deadline of 1 ms", "run", "-t", "1e-9", C, "sleep-forever");
}

static void test_what_cannot_be_run_is_126_and_what_is_not_there_127(void **state)
{
	char file[4096];

	(void)state;
	support_write_text(support_path(file, sizeof file, "plain"), "text");
	expect(127, "exec 'no-such-program': No such file or directory", "run", "no-such-program");
	expect(127, "stage 2: exec '/no/such': No such file or directory", "run", C, "sleep-forever", "|", "/no/such");
	expect(126, "Permission denied", "run", "--", file);
	expect(125, "chdir '/no/such/directory'", "run", "-C", "/no/such/directory", C, "exit", "0");
}

static void test_a_signal_is_128_and_its_number_and_told(void **state)
{
	struct ran ran;

	(void)state;
	expect(128 + SIGSEGV, "child': killed by SIGSEGV\n", "run", C, "kill", "SEGV");
	expect(128 + SIGKILL, "killed by SIGKILL", "run", C, "kill", "KILL", "|", C, "discard");
	ran = brood_at(NULL, "run", C, "kill", "TERM");
	assert_false(ran.died);
	ran_done(&ran);
}

static void test_quiet_says_nothing_and_verbose_shows_each_stage(void **state)
{
	(void)state;
	expect(124, NULL, "run", "-q", "-t", "20ms", C, "sleep-forever");
	expect(127, NULL, "run", "-q", "no-such-program");
	expect(0, " exit 0 |\n+ ", "run", "-v", "--", C, "exit", "0", "|", C, "discard");
	expect(137, "': killed by SIGKILL after ", "run", "-v", "--", C, "kill", "KILL");
}

/* ---- what is run, and where ---- */

static void test_directory_and_variables_are_the_chain_s(void **state)
{
	struct ran ran = brood_at(NULL, "run", "-C", "/", "-E", "A=1 2", "-E", "HOME", C, "cwd", "getenv", "A", "getenv", "HOME");

	(void)state;
	expect_end(&ran, 0, NULL);
	assert_string_equal(ran.out, "/\n1 2\n(unset)\n");
	ran_done(&ran);
	expect(125, "the name of the variable is missing", "run", "-E", "=x", C, "exit", "0");
}

static void test_a_dry_run_shows_the_stages_and_runs_nothing(void **state)
{
	char file[4096];
	struct ran ran;

	(void)state;
	support_path(file, sizeof file, "touched");
	ran = brood_at(NULL, "run", "-n", "touch", file, "|", "cat", "it's");
	expect_end(&ran, 0, NULL);
	assert_non_null(strstr(ran.out, " |\ncat 'it'\\''s'\n"));
	assert_int_equal(access(file, F_OK), -1);
	ran_done(&ran);
	expect_at((&(struct place){ .out = "/dev/full" }), 125, "standard output: No space left on device", "run", "-n", "a");
}

static void test_an_ignored_hangup_stays_ignored_as_nohup_means_it(void **state)
{
	struct ran ran = brood_at((&(struct place){ .ignored = SIGHUP }), "run", C, "signals");

	(void)state;
	expect_end(&ran, 0, NULL);
	/* Whoever runs the tests may hand on others: make(1) ignores 32 and 33. */
	assert_true(support_field(ran.out, "ignored", 16) & 1 << (SIGHUP - 1));
	ran_done(&ran);
	ran = brood_at(NULL, "run", "--limit-output", "1M", C, "signals");
	expect_end(&ran, 0, NULL);
	assert_int_equal(support_field(ran.out, "ignored", 16) & 0x7fffffff, 0);
	assert_int_equal(support_field(ran.out, "blocked", 16), 0);
	ran_done(&ran);
}

static void test_a_chain_has_nothing_of_ours_but_what_we_were_started_with(void **state)
{
	struct ran ran = brood_at(NULL, "run", "--json", C, "fds");
	int lines = 0, given = 3;

	(void)state;
	/* Whoever runs the tests may hand some on. */
	for (int fd = 3; fd < 1024; fd++)
		given += fcntl(fd, F_GETFD) == 0;
	for (const char *at = ran.out; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, given);
	ran_done(&ran);
}

/* What a shell opens for <(...), and make's jobserver. */
static void test_a_descriptor_that_we_were_started_with_reaches_the_commands(void **state)
{
	char path[4096];
	const int fd = open(support_path(path, sizeof path, "given"), O_RDWR | O_CREAT, 0600);

	(void)state;
	assert_int_equal(write(fd, "given\n", 6), 6);
	assert_int_equal(dup2(fd, 9), 9);
	lseek(9, 0, SEEK_SET);
	expect_at(NULL, 0, "given\n", "run", "--", "sh", "-c", "cat <&9 >&2");
	lseek(9, 0, SEEK_SET);
	expect_at(NULL, 0, "given\n", "map", "--", "sh", "-c", "cat <&9 >&2", ":::", "x");
	expect_at(NULL, 0, "+ sh -c 'cat <&9'\n", "run", "-v", "--", "sh", "-c", "cat <&9");
	close(9);
	close(fd);
}

static void test_a_closed_standard_descriptor_is_of_no_use_to_the_chain_either(void **state)
{
	(void)state;
	expect_at((&(struct place){ .closed = { true } }), 97, "read: Bad file descriptor", "run", C, "cat");
	expect_at((&(struct place){ .closed = { false, true } }), 98, "", "run", C, "echo", "x");
	expect_at((&(struct place){ .closed = { false, true } }), 125, "standard output: Bad file descriptor", "run", "--limit-output", "1M",
	          C, "echo", "x");
	expect_at((&(struct place){ .closed = { true, true, true } }), 5, NULL, "run", C, "exit", "5");
}

/* ---- the limit ---- */

static void test_output_passes_to_the_byte_and_stops_the_chain_at_the_limit(void **state)
{
	struct ran ran;

	(void)state;
	for (int i = 0; i < 3; i++) {
		static const char *const limits[] = { "1", "100000", "3000000" };

		ran = brood_at(NULL, "run", "--limit-output", limits[i], C, "flood", "1G");
		expect_end(&ran, 125, "brood run: stopped: standard output passed its limit of ");
		assert_int_equal(ran.out_size, strtoul(limits[i], NULL, 10));
		ran_done(&ran);
	}
	expect(125, "standard error passed its limit of 10 B", "run", "--limit-output", "10", C, "flood-err", "1G");
}

static void test_what_is_within_the_limit_is_unchanged(void **state)
{
	unsigned char *expected = malloc(1 << 20);
	struct ran ran = brood_at(NULL, "run", "--limit-output", "1M", C, "pattern", "1M", "|", C, "cat");

	(void)state;
	expect_end(&ran, 0, NULL);
	assert_int_equal(ran.out_size, 1 << 20);
	support_pattern(expected, 1 << 20, 0);
	assert_memory_equal(ran.out, expected, 1 << 20);
	ran_done(&ran);
	free(expected);
}

static void test_output_that_cannot_be_written_is_125_and_told(void **state)
{
	const struct place full = { .out = "/dev/full" };

	(void)state;
	skip_unless(access("/dev/full", W_OK) == 0, "there is no /dev/full");
	expect_at(&full, 125, "brood run: standard output: No space left on device\n", "run", "--limit-output", "1M", C, "echo", "x");
	expect_at(&full, 125, "standard output: No space left on device", "run", "--limit-output", "1G", C, "flood", "1G");
	/* Without the limit it is the chain that writes, and fails. */
	expect_at(&full, 98, "", "run", C, "echo", "x");
}

static void reader_goes(int ignored, int status, bool died, const char *said)
{
	struct place place = { .ignored = ignored };
	struct ran ran;
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	close(fd[0]);
	place.out_fd = fd[1];
	ran = brood_at(&place, "run", "--limit-output", "1G", C, "flood-forever");
	expect_end(&ran, status, said);
	assert_int_equal(ran.died, died);
	ran_done(&ran);
	close(fd[1]);
}

static void test_a_reader_that_goes_ends_us_as_sigpipe_would(void **state)
{
	(void)state;
	reader_goes(0, 128 + SIGPIPE, true, NULL);
	reader_goes(SIGPIPE, 125, false, "standard output: Broken pipe");
}

/* To the last byte, so that nothing more fits however little comes. */
static void fill_pipe(int fd)
{
	static const char block[4096];
	const int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (write(fd, block, sizeof block) > 0)
		;
	while (write(fd, block, 1) > 0)
		;
	fcntl(fd, F_SETFL, flags);
}

static void test_a_reader_that_does_not_read_keeps_no_deadline_from_acting(void **state)
{
	struct place place = { .out = NULL };
	char begun[4096], file[4096];
	struct ran ran;
	int fd[2], flags;

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	fill_pipe(fd[1]);
	flags = fcntl(fd[1], F_GETFL);
	place.out_fd = fd[1];
	support_path(begun, sizeof begun, "begun");
	support_path(file, sizeof file, "written");
	ran = past_a_deadline(&place, begun, (const char *const[]){ "--limit-output", "1G", "-k", "50ms", C, "touch", begun, "flood", "20M", "touch", file,
	                                                            "sleep-forever", NULL });
	assert_int_equal(ran.status, 124);
	ran_done(&ran);
	/* Its writer waited, as it would have on the pipe itself: we are no place to keep 20 MiB. */
	assert_int_equal(access(file, F_OK), -1);
	/* The chain ends in time and its output is still not read. */
	ran = past_a_deadline(&place, file, (const char *const[]){ "--limit-output", "1G", "-k", "50ms", C, "flood", "60K", "touch", file, NULL });
	expect_end(&ran, 124, "its output was not read in time");
	ran_done(&ran);
	assert_int_equal(fcntl(fd[1], F_GETFL), flags);
	close(fd[0]);
	close(fd[1]);
}

static void test_a_slow_reader_gets_all_of_it(void **state)
{
	struct place place = { .out = NULL };
	struct ran ran;
	size_t size = 0;
	char *text;
	int fd[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	place.out_fd = fd[1];
	pid = brood_start_at(&place, "run", "--limit-output", "1G", C, "flood", "5M");
	close(fd[1]);
	text = support_read_all(fd[0], &size);
	assert_int_equal(size, 5 << 20);
	free(text);
	close(fd[0]);
	ran = brood_ended(pid);
	expect_end(&ran, 0, NULL);
	ran_done(&ran);
}

static void test_output_that_a_grandchild_holds_is_told(void **state)
{
	char file[4096];

	(void)state;
	support_path(file, sizeof file, "pid");
	expect(125, "still held", "run", "--limit-output", "1M", C, "hold-pipe-in-grandchild", "600000", file);
	kill(support_read_pidfile(file), SIGKILL);
	expect(0, NULL, "run", "--limit-output", "1M", "--linger", "10ms", C, "hold-pipe-in-grandchild", "100");
}

/* ---- records ---- */

static void test_json_tells_the_end_on_standard_error_or_in_a_file(void **state)
{
	char file[4096], option[4200], *text;

	(void)state;
	expect(3, "\"exit_code\":3", "run", "--json", C, "exit", "3");
	expect(125, "\"status\":125", "run", "-q", "--json", "--limit-output", "1", C, "echo", "xyz");
	expect(127, "\"status\":127", "run", "-q", "--json", "/no/such");
	snprintf(option, sizeof option, "--json=%s", support_path(file, sizeof file, "end.json"));
	support_write_text(file, "older and longer than what comes, which would leave some of it behind if the file were not emptied first");
	expect(3, NULL, "run", option, C, "exit", "3");
	text = support_read_file(file, NULL);
	assert_int_equal(text[0], '{');
	assert_string_equal(strchr(text, '\n'), "\n");
	assert_non_null(strstr(text, "\"status\":3"));
	free(text);
}

static void test_a_record_that_cannot_be_written_is_told_before_anything_is_run(void **state)
{
	static const char *const options[] = { "--json=/no/such/file", "--report=/no/such/file", "--trace=/no/such/file" };
	char file[4096];

	(void)state;
	support_path(file, sizeof file, "touched");
	for (size_t i = 0; i < 3; i++)
		expect(125, "'/no/such/file': No such file or directory", "run", options[i], C, "touch", file);
	assert_int_equal(access(file, F_OK), -1);
	expect(125, "--json: '/dev/full': No space left on device", "run", "--json=/dev/full", C, "exit", "0");
}

static void test_report_and_trace_are_written(void **state)
{
	char report[4096], trace[4096], *text;

	(void)state;
	support_path(report, sizeof report, "report.html");
	support_path(trace, sizeof trace, "trace.json");
	expect(3, NULL, "run", "--report", report, "--trace", trace, C, "exit", "3");
	text = support_read_file(report, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "</html>"));
	free(text);
	text = support_read_file(trace, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "\"exit_code\":3"));
	free(text);
}

/* ---- signals that are sent to us ---- */

/* Wait until the chain has written this to standard output. */
static void await_output(const char *text)
{
	const int64_t until_ms = support_now_ms() + 30000;

	for (;;) {
		char *out = text_of("out", NULL);
		const bool there = strstr(out, text) != NULL;

		free(out);
		if (there)
			return;
		if (support_now_ms() > until_ms)
			fail_msg("'%s' did not come", text);
		support_sleep_ms(5);
	}
}

static void pass_on(const struct place *place, int signal, int status, bool died, const char *said)
{
	pid_t pid = brood_start_at(place, "run", C, "ready", "sleep-forever");
	struct ran ran;

	await_output("ready");
	kill(pid, signal);
	ran = brood_ended(pid);
	expect_end(&ran, status, said);
	assert_int_equal(ran.died, died);
	ran_done(&ran);
}

static void test_a_signal_to_us_is_passed_on(void **state)
{
	(void)state;
	pass_on(NULL, SIGTERM, 128 + SIGTERM, false, "SIGTERM was passed on; stage 1 '");
	pass_on(NULL, SIGHUP, 128 + SIGHUP, false, "SIGHUP was passed on");
	/* A shell's script ends when its command died of these, and goes on when it exited with the same number. */
	pass_on(NULL, SIGINT, 128 + SIGINT, true, NULL);
	pass_on(NULL, SIGQUIT, 128 + SIGQUIT, true, NULL);
}

static void test_signals_are_seen_without_a_descriptor_to_poll_too(void **state)
{
	const struct place blind = { .variable = "BROOD_POLLER=poll" }, posix = { .variable = "BROOD_ENGINE=posix" };

	(void)state;
	pass_on(&blind, SIGTERM, 128 + SIGTERM, false, "SIGTERM was passed on");
	pass_on(&posix, SIGTERM, 128 + SIGTERM, false, "SIGTERM was passed on");
	expect_at(&blind, 124, "deadline", "run", "-t", "20ms", C, "sleep-forever");
	expect_at(&posix, 124, "deadline", "run", "-t", "20ms", C, "sleep-forever");
	expect_at(&blind, 125, "passed its limit", "run", "--limit-output", "100000", C, "flood-forever");
	expect_at(&posix, 0, NULL, "run", "--limit-output", "10M", C, "flood", "5M");
}

static void test_a_chain_that_does_not_end_is_killed_after_the_grace(void **state)
{
	pid_t pid = brood_start_at(NULL, "run", "-k", "20ms", C, "ignore-term", "sleep-forever");
	struct ran ran;

	(void)state;
	await_output("ready");
	kill(pid, SIGTERM);
	ran = brood_ended(pid);
	expect_end(&ran, 128 + SIGTERM, "killed by SIGKILL");
	ran_done(&ran);
}

static void test_a_second_signal_kills_at_once(void **state)
{
	pid_t pid = brood_start_at(NULL, "run", "-k", "1h", C, "ignore", "INT", "trap", "TERM", "got TERM", "ready", "sleep-forever");
	struct ran ran;

	(void)state;
	await_output("ready");
	kill(pid, SIGTERM);
	await_output("got TERM");
	kill(pid, SIGINT);
	ran = brood_ended(pid);
	expect_end(&ran, 128 + SIGTERM, "killed by SIGKILL");
	ran_done(&ran);
}

static void test_a_signal_reaches_what_the_stages_started_and_an_end_of_their_own_leaves_it(void **state)
{
	char file[4096];
	struct ran ran;
	pid_t pid, grandchild;

	(void)state;
	support_path(file, sizeof file, "pid");
	pid = brood_start_at(NULL, "run", "-k", "1h", C, "spawn-in-group", "600000", file, "ready", "sleep-forever");
	await_output("ready");
	kill(pid, SIGTERM);
	ran = brood_ended(pid);
	expect_end(&ran, 128 + SIGTERM, "passed on");
	ran_done(&ran);
	assert_int_equal(support_wait_gone(support_read_pidfile(file), 30000), 1);
	unlink(file);
	expect(0, NULL, "run", C, "spawn-in-group", "600000", file);
	grandchild = support_read_pidfile(file);
	assert_true(support_alive(grandchild));
	kill(grandchild, SIGKILL);
}

static void test_a_stopped_chain_ends_too(void **state)
{
	pid_t pid = brood_start_at(NULL, "run", "-k", "1h", C, "ready", "stop-self", "sleep-forever");
	struct ran ran;

	(void)state;
	await_output("ready");
	kill(pid, SIGTERM);
	ran = brood_ended(pid);
	expect_end(&ran, 128 + SIGTERM, "killed by SIGTERM");
	ran_done(&ran);
}

static void test_usr1_is_the_chain_s(void **state)
{
	char file[4096];
	struct ran ran;
	pid_t pid;

	(void)state;
	support_path(file, sizeof file, "go");
	pid = brood_start_at(NULL, "run", C, "trap", "USR1", "got USR1", "ready", "wait-for-file", file, "exit", "6");
	await_output("ready");
	kill(pid, SIGUSR1);
	await_output("got USR1");
	support_write_text(file, "");
	ran = brood_ended(pid);
	expect_end(&ran, 6, NULL);
	assert_non_null(strstr(ran.out, "got USR1"));
	ran_done(&ran);
}

static void test_a_kill_of_us_leaves_no_chain(void **state)
{
	char file[4096];
	struct ran ran = { .status = 0 };
	pid_t pid, child;

	(void)state;
	ran = brood_at(NULL, "run", C, "pdeathsig");
	skip_unless(strcmp(ran.out, "9\n") == 0, "this system cannot end a child with its parent");
	ran_done(&ran);
	support_path(file, sizeof file, "pid");
	pid = brood_start_at(NULL, "run", C, "pidfile", file, "sleep-forever", "|", C, "discard");
	child = support_read_pidfile(file);
	kill(pid, SIGKILL);
	ran = brood_ended(pid);
	assert_int_equal(ran.status, 128 + SIGKILL);
	ran_done(&ran);
	assert_int_equal(support_wait_gone(child, 30000), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_single_command_s_own_status_is_passed_on_and_nothing_is_said),
		brood_test(test_a_stage_before_the_last_that_failed_is_told),
		brood_test(test_a_line_is_read_as_a_chain),
		brood_test(test_what_is_wrong_with_a_line_is_said_with_its_column),
		brood_test(test_a_line_that_does_not_stand_alone_is_explained),
		brood_test(test_a_spent_deadline_is_124_and_told),
		brood_test(test_a_deadline_reaches_what_the_stages_started),
		brood_test(test_odd_durations_are_understood_and_wrong_ones_are_125),
		brood_test(test_what_cannot_be_run_is_126_and_what_is_not_there_127),
		brood_test(test_a_signal_is_128_and_its_number_and_told),
		brood_test(test_quiet_says_nothing_and_verbose_shows_each_stage),
		brood_test(test_directory_and_variables_are_the_chain_s),
		brood_test(test_a_dry_run_shows_the_stages_and_runs_nothing),
		brood_test(test_an_ignored_hangup_stays_ignored_as_nohup_means_it),
		brood_test(test_a_chain_has_nothing_of_ours_but_what_we_were_started_with),
		brood_test(test_a_descriptor_that_we_were_started_with_reaches_the_commands),
		brood_test(test_a_closed_standard_descriptor_is_of_no_use_to_the_chain_either),
		brood_test(test_output_passes_to_the_byte_and_stops_the_chain_at_the_limit),
		brood_test(test_what_is_within_the_limit_is_unchanged),
		brood_test(test_output_that_cannot_be_written_is_125_and_told),
		brood_test(test_a_reader_that_goes_ends_us_as_sigpipe_would),
		brood_test(test_a_reader_that_does_not_read_keeps_no_deadline_from_acting),
		brood_test(test_a_slow_reader_gets_all_of_it),
		brood_test(test_output_that_a_grandchild_holds_is_told),
		brood_test(test_json_tells_the_end_on_standard_error_or_in_a_file),
		brood_test(test_a_record_that_cannot_be_written_is_told_before_anything_is_run),
		brood_test(test_report_and_trace_are_written),
		brood_test(test_a_signal_to_us_is_passed_on),
		brood_test(test_signals_are_seen_without_a_descriptor_to_poll_too),
		brood_test(test_a_chain_that_does_not_end_is_killed_after_the_grace),
		brood_test(test_a_second_signal_kills_at_once),
		brood_test(test_a_signal_reaches_what_the_stages_started_and_an_end_of_their_own_leaves_it),
		brood_test(test_a_stopped_chain_ends_too),
		brood_test(test_usr1_is_the_chain_s),
		brood_test(test_a_kill_of_us_leaves_no_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
