/* SPDX-License-Identifier: MIT */
/* The log of brood map: what is in it however map ended, and that --resume does what is left and nothing twice. */
#include "tools/command.h"
#include "tools/files.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* How many lines the text has, each of them a JSON object whose "ok" is this; -1: either. *ret_rest is what stands behind the last whole one. */
static size_t count_records(const char *text, int ok, const char **ret_rest)
{
	const char *end;
	size_t count = 0;

	for (; (end = strchr(text, '\n')); text = end + 1) {
		json_t *record = json_loadb(text, (size_t)(end - text), 0, NULL);

		assert_non_null(record);
		count += ok < 0 || json_is_true(json_object_get(record, "ok")) == ok;
		json_decref(record);
	}
	*ret_rest = text;
	return count;
}

static size_t records_in(const char *path, int ok)
{
	char *text = support_read_file(path, NULL);
	const char *rest;
	size_t count;

	assert_non_null(text);
	count = count_records(text, ok, &rest);
	assert_string_equal(rest, "");
	free(text);
	return count;
}

/* The kernel ends a write at the boundary of a page when SIGKILL comes: the last line may be torn. */
static size_t records_after_a_kill(const char *path)
{
	char *text = support_read_file(path, NULL);
	const char *rest;
	size_t count;

	assert_non_null(text);
	count = count_records(text, true, &rest);
	free(text);
	return count;
}

static size_t lines_in(const char *path)
{
	char *text = support_read_file(path, NULL);
	size_t count = 0;

	for (const char *at = text; at && (at = strchr(at, '\n')); at++)
		count++;
	free(text);
	return count;
}

static void wait_for_lines(const char *path, size_t count)
{
	const int64_t until = support_now_ms() + 60000;

	while (lines_in(path) < count) {
		assert_true(support_now_ms() < until);
		support_sleep_ms(1);
	}
}

static void write_numbers(const char *path, int count)
{
	FILE *lines = fopen(path, "w");

	for (int i = 1; i <= count; i++)
		fprintf(lines, "%d\n", i);
	assert_int_equal(fclose(lines), 0);
}

static void test_each_job_that_ended_is_a_line(void **state)
{
	(void)state;
	expect(123, "3 jobs: 2 ok, 1 failed", "map", "--log", file("log"), C, "exit", ":::", "0", "3", "0");
	assert_int_equal(records_in(file("log"), -1), 3);
	assert_int_equal(records_in(file("log"), true), 2);
}

static void test_an_old_log_is_not_written_over(void **state)
{
	(void)state;
	support_write_text(file("log"), "precious\n");
	expect(125, "log", "map", "--log", file("log"), C, "touch", ":::", file("made"));
	assert_int_equal(access(file("made"), F_OK), -1);
	assert_int_equal(lines_in(file("log")), 1);
}

static void test_resume_does_what_failed_and_what_is_new(void **state)
{
	(void)state;
	expect(123, "1 failed", "map", "-j1", "--log", file("log"), "sh", "-c", "echo $0 >>$1; test $0 != 2", "{}", file("done"), ":::", "1", "2", "3");
	expect(123, "4 jobs: 1 ok, 1 failed, 2 done before", "map", "-j1", "--log", file("log"), "--resume", "sh", "-c", "echo $0 >>$1; test $0 != 2", "{}",
	       file("done"), ":::", "1", "2", "3", "4");
	char *done = support_read_file(file("done"), NULL);
	assert_string_equal(done, "1\n2\n3\n2\n4\n");
	free(done);
}

static void test_another_command_is_not_done_before(void **state)
{
	(void)state;
	expect(0, NULL, "map", "--log", file("log"), C, "append", file("done"), "{}", ":::", "1");
	expect(0, NULL, "map", "--log", file("log"), "--resume", C, "append", file("done"), "{}", "exit", "0", ":::", "1");
	char *done = support_read_file(file("done"), NULL);
	assert_string_equal(done, "11");
	free(done);
}

static void test_an_input_that_is_there_twice_is_done_twice(void **state)
{
	(void)state;
	expect(0, NULL, "map", "--log", file("log"), C, "append", file("done"), ":::", "x");
	expect(0, NULL, "map", "--log", file("log"), "--resume", C, "append", file("done"), ":::", "x", "x");
	char *done = support_read_file(file("done"), NULL);
	assert_string_equal(done, "xx");
	free(done);
}

/* A child that was on its way to its exec when we were killed has the lock with us, and is killed a moment later. */
static void wait_for_the_lock(const char *path)
{
	const int64_t until = support_now_ms() + 60000;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		assert_true(support_now_ms() < until);
		support_sleep_ms(1);
	}
	close(fd);
}

/*
 * Kill or interrupt it in the middle, then resume: each job has run, and each that the log calls done ran once. The second half of the jobs waits for
 * a file, so that however late the signal comes there is something left to do; each of them is one process, which dies with its parent.
 */
static void resume_after(int signal)
{
	static const char script[] = "test $0 -le 150 || exec $2 wait-for-file $3 append $1 \"$0\n\"; echo $0 >>$1";
	const char *log = file("log"), *in = file("in"), *done = file("done"), *go = file("go");
	struct ran ran;
	pid_t pid;
	size_t before;

	write_numbers(in, 300);
	pid = brood_start_at(NULL, "map", "-j2", "--log", log, "-a", in, "sh", "-c", script, "{}", done, C, go);
	wait_for_lines(log, 20);
	kill(pid, signal);
	ran = brood_ended(pid);
	assert_int_equal(ran.status, 128 + signal);
	if (signal != SIGKILL)
		assert_non_null(strstr(ran.err, "--resume"));
	ran_done(&ran);
	before = signal == SIGKILL ? records_after_a_kill(log) : records_in(log, true);
	assert_in_range(before, 20, 150);
	wait_for_the_lock(log);
	support_write_text(go, "");
	struct ran second = brood_at(NULL, "map", "-j2", "--resume", "--log", log, "-a", in, "sh", "-c", script, "{}", done, C, go);
	if (second.status != 0)
		fail_msg("ended with %d: %s", second.status, second.err);
	ran_done(&second);
	assert_int_equal(records_in(log, true), 300);
	/* Only what ran when it ended may have run twice. */
	assert_true(lines_in(done) >= 300 && lines_in(done) <= 300 + 4);
}

static void test_resume_after_sigkill_loses_nothing(void **state)
{
	(void)state;
	resume_after(SIGKILL);
}

static void test_resume_after_an_interrupt_loses_nothing(void **state)
{
	(void)state;
	resume_after(SIGINT);
}

static void test_jobs_that_were_stopped_are_not_done(void **state)
{
	const char *log = file("log"), *begun = file("begun");
	struct ran ran;
	pid_t pid;

	(void)state;
	pid = brood_start_at(NULL, "map", "-j2", "--log", log, C, "append", begun, "x\n", "sleep-forever", "exit", ":::", "1", "2", "3", "4", "5");
	wait_for_lines(begun, 2);
	kill(pid, SIGTERM);
	ran = brood_ended(pid);
	assert_int_equal(ran.status, 143);
	assert_non_null(strstr(ran.err, "5 jobs: 0 ok, 2 stopped, 3 not started"));
	ran_done(&ran);
	assert_int_equal(records_in(log, false), 2);
	assert_int_equal(records_in(log, true), 0);
}

/* A job that ends well when it is asked to end did not do its work. */
static void test_a_stopped_job_that_exits_with_0_is_not_done(void **state)
{
	const char *log = file("log"), *begun = file("begun");
	struct ran ran;
	pid_t pid;

	(void)state;
	pid = brood_start_at(NULL, "map", "--log", log, C, "trap-term", "0", "append", begun, "x\n", "sleep-forever", "exit", ":::", "1");
	wait_for_lines(begun, 1);
	kill(pid, SIGTERM);
	ran = brood_ended(pid);
	assert_int_equal(ran.status, 143);
	ran_done(&ran);
	assert_int_equal(records_in(log, true), 0);
	assert_int_equal(records_in(log, false), 1);
}

static void test_records_that_do_not_fit_are_not_lost(void **state)
{
	struct rlimit limit, small;
	struct ran ran;
	size_t in_log, said = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = 4096;
	setrlimit(RLIMIT_FSIZE, &small);
	write_numbers(file("in"), 100);
	ran = brood_at(NULL, "map", "-j2", "--log", file("log"), "-a", file("in"), C, "append", file("done"), "x\n", "exit", "0");
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(ran.status, 125);
	assert_non_null(strstr(ran.err, "--log: '"));
	in_log = records_in(file("log"), true);
	assert_true(in_log > 1);
	for (char *line = strtok(ran.err, "\n"); line; line = strtok(NULL, "\n"))
		if (*line == '{') {
			json_t *record = json_loads(line, 0, NULL);

			assert_non_null(record);
			json_decref(record);
			said++;
		}
	assert_true(said >= 1);
	assert_int_equal(in_log + said, lines_in(file("done")));
	ran_done(&ran);
}

static void test_two_on_one_log_are_refused(void **state)
{
	const char *go = file("go");
	pid_t pid;

	(void)state;
	pid = brood_start_at(NULL, "map", "--log", file("log"), C, "touch", "{}", "wait-for-file", go, ":::", file("begun"));
	assert_int_equal(support_wait_file(file("begun"), 60000), 1);
	expect(125, "log", "map", "--log", file("log"), "--resume", C, "echo", ":::", "x");
	support_write_text(go, "");
	struct ran ran = brood_ended(pid);
	assert_int_equal(ran.status, 0);
	ran_done(&ran);
}

static void test_a_dry_run_shows_what_resume_would_run_and_leaves_the_log_alone(void **state)
{
	char *before, *after, expected[8192];
	struct ran ran;
	FILE *log;

	(void)state;
	expect(0, NULL, "map", "-n", "-q", "--resume", "--log", file("log"), "true", ":::", "1");
	assert_int_equal(access(file("log"), F_OK), -1);
	expect(123, NULL, "map", "-q", "--log", file("log"), C, "exit", "{}", ":::", "0", "3", "0");
	log = fopen(file("log"), "a");
	assert_non_null(log);
	fputs("{\"job\":4,", log);
	fclose(log);
	before = support_read_file(file("log"), NULL);
	ran = brood_at(NULL, "map", "-n", "--resume", "--log", file("log"), C, "exit", "{}", ":::", "0", "0", "0", "3");
	after = support_read_file(file("log"), NULL);
	assert_int_equal(ran.status, 0);
	snprintf(expected, sizeof expected, "%s exit 0\n%s exit 3\n", C, C);
	assert_string_equal(ran.out, expected);
	assert_string_equal(before, after);
	free(before);
	free(after);
	ran_done(&ran);
	expect(125, "--log: '/dev/null': not a regular file", "map", "-n", "--resume", "--log", "/dev/null", "true", ":::", "1");
}

static void test_seconds_are_written_as_people_would(void **state)
{
	char *log, *seconds;

	(void)state;
	expect(0, NULL, "map", "--log", file("log"), C, "exit", "0", "{}", ":::", "1", "2", "3", "4", "5");
	log = support_read_file(file("log"), NULL);
	assert_non_null(log);
	for (seconds = log; (seconds = strstr(seconds, "seconds\":"));) {
		seconds += strlen("seconds\":");
		/* A nanosecond is nine digits behind the point. */
		assert_true(strspn(seconds, "0123456789.") <= 12 || strchr(seconds, 'e') < strchr(seconds, ','));
	}
	free(log);
}

static void test_report_and_trace_tell_each_job(void **state)
{
	(void)state;
	expect(123, "1 failed", "map", "--report", file("r.html"), "--trace", file("t.json"), C, "exit", ":::", "0", "3");
	char *report = support_read_file(file("r.html"), NULL);
	json_t *trace = json_load_file(file("t.json"), 0, NULL);
	assert_non_null(report);
	assert_non_null(strstr(report, "</html>"));
	assert_non_null(trace);
	json_decref(trace);
	free(report);
}

/* A FIFO that is full and that we alone could empty: brood waits in the middle of writing the line. */
static int open_full_fifo(const char *path)
{
	static const char block[4096];
	int fd;

	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof block) > 0)
		;
	while (write(fd, block, 1) > 0)
		;
	return fd;
}

/* Whoever is killed before the line has a job to do again; one that is killed behind it has all of its results. */
static void test_results_are_whole_before_the_log_says_so(void **state)
{
	const int fifo = open_full_fifo(file("log"));
	char bytes[4096], *record;
	struct ran ran;
	pid_t pid;

	(void)state;
	pid = brood_start_at(NULL, "map", "--log", file("log"), "--results", file("r"), C, "echo", ":::", "x");
	assert_int_equal(support_wait_file(file("r/1-x/job.json"), 30000), 1);
	while (read(fifo, bytes, sizeof bytes) > 0)
		;
	ran = brood_ended(pid);
	expect_end(&ran, 0, NULL);
	record = support_read_file(file("r/1-x/job.json"), NULL);
	assert_non_null(record);
	assert_non_null(strstr(record, "\"ok\": true"));
	free(record);
	ran_done(&ran);
	close(fifo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_each_job_that_ended_is_a_line),
		brood_test(test_an_old_log_is_not_written_over),
		brood_test(test_resume_does_what_failed_and_what_is_new),
		brood_test(test_another_command_is_not_done_before),
		brood_test(test_an_input_that_is_there_twice_is_done_twice),
		brood_test(test_resume_after_sigkill_loses_nothing),
		brood_test(test_resume_after_an_interrupt_loses_nothing),
		brood_test(test_jobs_that_were_stopped_are_not_done),
		brood_test(test_a_stopped_job_that_exits_with_0_is_not_done),
		brood_test(test_records_that_do_not_fit_are_not_lost),
		brood_test(test_two_on_one_log_are_refused),
		brood_test(test_results_are_whole_before_the_log_says_so),
		brood_test(test_a_dry_run_shows_what_resume_would_run_and_leaves_the_log_alone),
		brood_test(test_seconds_are_written_as_people_would),
		brood_test(test_report_and_trace_tell_each_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
