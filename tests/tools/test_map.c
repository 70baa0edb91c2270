/* SPDX-License-Identifier: MIT */
/* brood map as its users drive it: what reaches the programs, and what comes back as the status. */
#include "tools/command.h"
#include "tools/files.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* The bytes of a result, NUL bytes shown as |. */
static void expect_out(struct ran ran, const char *expected)
{
	if (ran.status != 0)
		fail_msg("ended with %d: %s", ran.status, ran.err);
	for (size_t i = 0; i < ran.out_size; i++)
		if (!ran.out[i])
			ran.out[i] = '|';
	assert_string_equal(ran.out, expected);
	ran_done(&ran);
}

static void write_numbers(const char *path, int count)
{
	FILE *lines = fopen(path, "w");

	assert_non_null(lines);
	for (int i = 1; i <= count; i++)
		fprintf(lines, "%d\n", i);
	assert_int_equal(fclose(lines), 0);
}

/* ---- what reaches the program ---- */

static void test_an_input_reaches_the_program_as_it_is(void **state)
{
	const char *const inputs[] = { "a b", "", "'\"\\", "$(x) `y` | ; &", "{}{.}", "*", "-n", "\xff\x01", ":: :" };

	(void)state;
	for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
		char expected[256];

		snprintf(expected, sizeof expected, "%s|", inputs[i]);
		expect_out(brood_at(NULL, "map", C, "args", "{}", ":::", inputs[i]), expected);
	}
}

static void test_an_input_with_a_newline_comes_by_null(void **state)
{
	(void)state;
	support_write_file(file("in"), "a\nb\0c", 5);
	expect_out(brood_at(NULL, "map", "-0oa", file("in"), C, "args"), "a\nb|c|");
}

static void test_placeholders_are_filled(void **state)
{
	(void)state;
	expect_out(brood_at(NULL, "map", "-o", C, "args", "{}", "<{.}>", "{/}", "{//}", "{#}", ":::", "d/a.c", "e"),
	           "d/a.c|<d/a>|a.c|d|1|e|<e>|e|.|2|");
}

static void test_a_chain_in_one_word_is_parsed(void **state)
{
	char line[4096];

	(void)state;
	snprintf(line, sizeof line, "%s echo {} | %s upper", C, C);
	expect_out(brood_at(NULL, "map", "-o", line, ":::", "a b", "c"), "A B\nC\n");
}

static void test_a_chain_of_words_is_joined(void **state)
{
	(void)state;
	expect_out(brood_at(NULL, "map", "--", C, "echo", "{}", "|", C, "upper", ":::", "x"), "X\n");
}

static void test_jobs_have_no_input_of_ours(void **state)
{
	(void)state;
	support_write_text(file("in"), "one\ntwo\n");
	expect_out(brood_at(NULL, "map", "-oa", file("in"), C, "cat", "echo"), "one\ntwo\n");
}

static void test_no_inputs_are_no_jobs(void **state)
{
	(void)state;
	expect_out(brood_at(NULL, "map", C, "echo", ":::"), "");
	expect_out(brood_at(NULL, "map", C, "echo"), "");
}

static void test_surroundings_reach_every_job(void **state)
{
	(void)state;
	expect_out(brood_at(NULL, "map", "-E", "A=b c", "-C", "/", C, "getenv", "A", "cwd", "echo", "{}", ":::", "x"), "b c\n/\nx\n");
}

static void test_the_limit_on_descriptors_of_the_jobs_is_ours(void **state)
{
	struct rlimit limit, lowered;
	char expected[64];

	(void)state;
	skip_under_valgrind();          /* it keeps a limit of descriptors for itself, and lowers none of the kernel's */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	lowered = limit;
	lowered.rlim_cur = 100;
	setrlimit(RLIMIT_NOFILE, &lowered);
	snprintf(expected, sizeof expected, "100 %llu\n", (unsigned long long)limit.rlim_max);
	struct ran ran = brood_at(NULL, "map", "-j60", C, "rlimit", "NOFILE", "exit", "{}", ":::", "0");
	setrlimit(RLIMIT_NOFILE, &limit);
	expect_out(ran, expected);
}

/* ---- how many at a time ---- */

static void test_so_many_run_at_a_time(void **state)
{
	const char *begun = file("begun"), *flag = file("flag");
	pid_t pid;

	(void)state;
	/* All wait for what is made when the fourth has begun: with three at a time it never would. */
	pid = brood_start_at(NULL, "map", "-j4", C, "append", begun, "x", "wait-for-file", "{}", ":::", flag, flag, flag, flag);
	wait_for_size(begun, 4);
	support_write_text(flag, "");
	expect_out(brood_ended(pid), "");
}

static void test_with_one_at_a_time_they_come_in_order(void **state)
{
	(void)state;
	expect_out(brood_at(NULL, "map", "-j1", C, "echo", ":::", "1", "2", "3", "4", "5", "6"), "1\n2\n3\n4\n5\n6\n");
}

/* ---- how it ends ---- */

static void test_a_job_that_fails_makes_123_and_is_told(void **state)
{
	(void)state;
	expect(123, "job 2 '7': stage 1 '", "map", C, "exit", "{}", ":::", "0", "7");
	expect(123, "exited 7", "map", C, "exit", "{}", ":::", "0", "7");
	expect(123, "2 jobs: 1 ok, 1 failed; ", "map", C, "exit", "{}", ":::", "0", "7");
	expect(123, "killed by SIGKILL", "map", C, "kill", "{}", ":::", "KILL");
	expect(123, NULL, "map", "-q", C, "exit", "{}", ":::", "0", "7");
}

static void test_a_program_that_is_not_there_is_a_failed_job(void **state)
{
	(void)state;
	expect(123, "job 1 'x': stage 1: exec '/nonexistent/x': No such file or directory", "map", "/nonexistent/{}", ":::", "x");
	expect(123, "2 jobs: 0 ok, 2 failed", "map", "{}", ":::", "/nonexistent/x", "");
}

static void test_a_line_that_does_not_stand_alone_is_explained(void **state)
{
	(void)state;
	expect(123, "brood map: 'no-such-program {}' was taken for the name of a program: ", "map", "no-such-program {}", "-t", "5", ":::", "x");
}

static void test_a_long_input_is_named_by_its_beginning(void **state)
{
	char input[5000], named[300] = "job 1 '";

	(void)state;
	memset(input, 'x', sizeof input - 1);
	input[sizeof input - 1] = '\0';
	/* A character that would be cut in two is left out. */
	memcpy(input + 199, "\xc3\xa9", 2);
	memcpy(named + 7, input, 199);
	named[206] = 0;
	strcat(named, "...': stage 1 ");
	expect(123, named, "map", C, "exit", "1", "{}", ":::", input);
}

static void test_a_job_past_its_time_is_a_failed_job(void **state)
{
	(void)state;
	expect(123, "deadline of 50 ms", "map", "-t", "50ms", C, "sleep-forever", "exit", "{}", ":::", "0");
}

static void test_what_an_option_says_wrong_is_told_before_anything_runs(void **state)
{
	(void)state;
	expect(125, "--env: '=x'", "map", "-E", "=x", C, "touch", "{}", ":::", file("made"));
	expect(125, "a second :::", "map", C, "touch", "{}", ":::", file("made"), ":::", "b");
	expect(125, "no command", "map", ":::", file("made"));
	expect(125, "/nonexistent/in", "map", "-a", "/nonexistent/in", C, "touch", file("made"));
	expect(125, "/nonexistent/log", "map", "--log", "/nonexistent/log", C, "touch", "{}", ":::", file("made"));
	expect(125, "/nonexistent/r", "map", "--report", "/nonexistent/r", C, "touch", "{}", ":::", file("made"));
	expect(125, "/nonexistent/t", "map", "--trace", "/nonexistent/t", C, "touch", "{}", ":::", file("made"));
	expect(125, "/nonexistent/d", "map", "--results", "/nonexistent/d", C, "touch", "{}", ":::", file("made"));
	assert_int_equal(access(file("made"), F_OK), -1);
}

static void test_an_input_that_cannot_be_read_ends_it_with_125(void **state)
{
	(void)state;
	support_write_file(file("in"), "one\ntw\0o\nthree\n", 15);
	struct ran ran = brood_at(NULL, "map", "-j1", "-a", file("in"), C, "echo");
	assert_int_equal(ran.status, 125);
	assert_string_equal(ran.out, "one\n");
	assert_non_null(strstr(ran.err, "NUL"));
	ran_done(&ran);
}

static void test_fail_fast_starts_no_more(void **state)
{
	(void)state;
	write_numbers(file("in"), 100);
	struct ran ran = brood_at(NULL, "map", "-j1", "--fail-fast", "-a", file("in"), C, "echo", "{}", "exit", "1");
	assert_int_equal(ran.status, 123);
	assert_string_equal(ran.out, "1\n");
	assert_non_null(strstr(ran.err, "100 jobs: 0 ok, 1 failed, 99 not started"));
	ran_done(&ran);
}

static void test_fail_fast_stops_those_that_run(void **state)
{
	(void)state;
	support_write_text(file("in"), "sleep-forever\nexit\n");
	expect(123, "2 jobs: 0 ok, 1 failed, 1 stopped", "map", "-j2", "--fail-fast", "-a", file("in"), C, "{}", "1");
}

/* ---- trying again ---- */

static void test_a_retry_that_goes_well_is_no_failure(void **state)
{
	const char *script = "if test -e $0; then echo good; else echo bad; : >$0; exit 1; fi";

	(void)state;
	expect_out(brood_at(NULL, "map", "--retries", "2", "sh", "-c", script, "{}", ":::", file("once")), "good\n");
}

static void test_retries_come_to_an_end(void **state)
{
	(void)state;
	struct ran ran = brood_at(NULL, "map", "--retries", "2", C, "append", "{}", "x", "exit", "1", ":::", file("tries"));
	char *tries = support_read_file(file("tries"), NULL);
	assert_int_equal(ran.status, 123);
	assert_string_equal(tries, "xxx");
	free(tries);
	ran_done(&ran);
}

static void test_those_that_rest_keep_nobody_out(void **state)
{
	const char *begun = file("begun");
	struct ran ran;
	pid_t pid;

	(void)state;
	/* Two of them fail and rest for an hour: the other four need their places. */
	pid = brood_start_at(NULL, "map", "-j1", "--retries", "1", "--retry-delay", "1h", C, "append", begun, "x", "exit", "{}", ":::", "1", "1",
	                     "0", "0", "0", "0");
	wait_for_size(begun, 6);
	kill(pid, SIGTERM);
	ran = brood_ended(pid);
	assert_int_equal(ran.status, 143);
	ran_done(&ran);
}

/* ---- showing ---- */

static void test_a_dry_run_shows_and_runs_nothing(void **state)
{
	const struct place full = { .out = "/dev/full" };
	char expected[8192];

	(void)state;
	snprintf(expected, sizeof expected, "touch %s | wc -l\ntouch 'a b' | wc -l\n", file("made"));
	expect_out(brood_at(NULL, "map", "-n", "touch {} | wc -l", ":::", file("made"), "a b"), expected);
	assert_int_equal(access(file("made"), F_OK), -1);
	expect_at(&full, 125, "standard output: No space left on device", "map", "-n", "echo", ":::", "x");
}

static void test_verbose_shows_each_command(void **state)
{
	(void)state;
	struct ran ran = brood_at(NULL, "map", "-vj1", "true", "{}", ":::", "a b", "c");
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.err, "+ true 'a b'\n+ true c\n");
	ran_done(&ran);
}

static void test_a_bar_can_be_forced(void **state)
{
	(void)state;
	expect(0, "\r[", "map", "--bar", C, "echo", ":::", "x");
	expect(0, "1 job: 1 ok; ", "map", "--bar", C, "echo", ":::", "x");
	expect(0, NULL, "map", C, "echo", ":::", "x");
}

static void test_many_failures_are_counted_when_they_are_no_longer_told(void **state)
{
	size_t lines = 0;

	(void)state;
	write_numbers(file("in"), 500);
	struct ran ran = brood_at(NULL, "map", "-a", file("in"), "/nonexistent");
	for (const char *at = ran.err; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 102);
	assert_non_null(strstr(ran.err, "500 jobs: 0 ok, 500 failed"));
	ran_done(&ran);
}

/* ---- many ---- */

static void test_two_thousand_jobs_leave_nothing(void **state)
{
	size_t lines = 0;

	(void)state;
	write_numbers(file("in"), 2000);
	struct ran ran = brood_at(NULL, "map", "-a", file("in"), C, "echo");
	assert_int_equal(ran.status, 0);
	for (const char *at = ran.out; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 2000);
	ran_done(&ran);
}

static long peak_kib(int jobs)
{
	struct rusage usage;
	int status;
	pid_t pid;

	write_numbers(file("in"), jobs);
	unlink(file("log"));
	pid = brood_start_at(NULL, "map", "-q", "--log", file("log"), "-a", file("in"), "/nonexistent/x");
	assert_int_equal(wait4(pid, &status, 0, &usage), pid);
	assert_int_equal(WEXITSTATUS(status), 123);
	return usage.ru_maxrss;
}

static void test_memory_does_not_grow_with_the_number_of_jobs(void **state)
{
	const char *sanitizer = getenv("BROOD_SANITIZE");
	long few, many;

	(void)state;
	skip_under_valgrind();
	skip_unless(!sanitizer || !*sanitizer, "a sanitizer keeps what was freed");
	few = peak_kib(1000);
	many = peak_kib(20000);
	if (many > few + 1024)
		fail_msg("%ld KiB for a thousand jobs, %ld for twenty thousand", few, many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_an_input_reaches_the_program_as_it_is),
		brood_test(test_an_input_with_a_newline_comes_by_null),
		brood_test(test_placeholders_are_filled),
		brood_test(test_a_chain_in_one_word_is_parsed),
		brood_test(test_a_chain_of_words_is_joined),
		brood_test(test_jobs_have_no_input_of_ours),
		brood_test(test_no_inputs_are_no_jobs),
		brood_test(test_surroundings_reach_every_job),
		brood_test(test_the_limit_on_descriptors_of_the_jobs_is_ours),
		brood_test(test_so_many_run_at_a_time),
		brood_test(test_with_one_at_a_time_they_come_in_order),
		brood_test(test_a_job_that_fails_makes_123_and_is_told),
		brood_test(test_a_program_that_is_not_there_is_a_failed_job),
		brood_test(test_a_line_that_does_not_stand_alone_is_explained),
		brood_test(test_a_long_input_is_named_by_its_beginning),
		brood_test(test_a_job_past_its_time_is_a_failed_job),
		brood_test(test_what_an_option_says_wrong_is_told_before_anything_runs),
		brood_test(test_an_input_that_cannot_be_read_ends_it_with_125),
		brood_test(test_fail_fast_starts_no_more),
		brood_test(test_fail_fast_stops_those_that_run),
		brood_test(test_a_retry_that_goes_well_is_no_failure),
		brood_test(test_retries_come_to_an_end),
		brood_test(test_those_that_rest_keep_nobody_out),
		brood_test(test_a_dry_run_shows_and_runs_nothing),
		brood_test(test_verbose_shows_each_command),
		brood_test(test_a_bar_can_be_forced),
		brood_test(test_many_failures_are_counted_when_they_are_no_longer_told),
		brood_test(test_two_thousand_jobs_leave_nothing),
		brood_test(test_memory_does_not_grow_with_the_number_of_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
