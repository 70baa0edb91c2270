/* SPDX-License-Identifier: MIT */
/* What the jobs of brood map write: in one piece or in whole lines, in order, tagged, kept in a folder, and where it cannot be written. */
#include "tools/command.h"
#include "tools/files.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

static void expect_out(struct ran ran, const char *expected)
{
	if (ran.status != 0)
		fail_msg("ended with %d: %s", ran.status, ran.err);
	assert_string_equal(ran.out, expected);
	ran_done(&ran);
}

static void expect_file(const char *path, const char *expected)
{
	char *text = support_read_file(path, NULL);

	if (!text)
		fail_msg("'%s' is not there", path);
	assert_string_equal(text, expected);
	free(text);
}

/* ---- in one piece ---- */

static void test_output_of_jobs_is_never_mixed(void **state)
{
	(void)state;
	struct ran ran = brood_at(NULL, "map", "-j4", C, "lines", "{}", ":::", "500", "500", "500", "500", "500", "500", "500", "500");
	const char *at = ran.out;

	assert_int_equal(ran.status, 0);
	for (int job = 0; job < 8; job++)
		for (int line = 1; line <= 500; line++) {
			char expected[32];
			const int size = snprintf(expected, sizeof expected, "line %d\n", line);

			assert_true(strncmp(at, expected, (size_t)size) == 0);
			at += size;
		}
	assert_int_equal(*at, '\0');
	ran_done(&ran);
}

static void test_bytes_are_as_they_were(void **state)
{
	(void)state;
	struct ran ran = brood_at(NULL, "map", C, "pattern", ":::", "300000");
	unsigned char *expected = malloc(300000);

	support_pattern(expected, 300000, 0);
	assert_int_equal(ran.out_size, 300000);
	assert_memory_equal(ran.out, expected, 300000);
	free(expected);
	ran_done(&ran);
	/* A last line without its newline stays one. */
	expect_out(brood_at(NULL, "map", "-j1", C, "print", ":::", "a", "b"), "ab");
}

static void test_errors_follow_the_output_where_both_are_one_file(void **state)
{
	const int fd = open(file("both"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fd, 1);
		dup2(fd, 2);
		execl(command_path(), "brood", "map", "-j2", C, "err", "{}e ", "print", "{}o ", "err", "{}e ", ":::", "1", "2", NULL);
		_exit(95);
	}
	close(fd);
	assert_int_equal(support_reap(pid), 0);
	char *text = support_read_file(file("both"), NULL);
	assert_true(strcmp(text, "1o 1e 1e 2o 2e 2e ") == 0 || strcmp(text, "2o 2e 2e 1o 1e 1e ") == 0);
	free(text);
}

static void test_only_the_last_try_counts(void **state)
{
	const char *script = "if test -e $0; then echo good; else echo bad; echo worse >&2; : >$0; exit 1; fi";

	(void)state;
	struct ran ran = brood_at(NULL, "map", "--tag", "--results", file("r"), "--retries", "1", "sh", "-c", script, "{}", ":::", file("once"));
	assert_int_equal(ran.status, 0);
	assert_non_null(strstr(ran.out, "\tgood\n"));
	assert_null(strstr(ran.out, "bad"));
	assert_string_equal(ran.err, "");
	ran_done(&ran);
}

/* ---- in order ---- */

static void test_order_is_kept_though_the_first_is_the_last_to_end(void **state)
{
	(void)state;
	expect_out(brood_at(NULL, "map", "-oj3", "sh", "-c", "test $0 != 1 || $1 wait-for-file $2; echo $0; test $0 != 3 || : >$2", "{}", C,
	                    file("go"), ":::", "1", "2", "3"),
	           "1\n2\n3\n");
}

static void test_more_jobs_than_may_wait_come_in_order_too(void **state)
{
	char *expected = NULL;
	size_t size;
	FILE *numbers = open_memstream(&expected, &size);

	(void)state;
	for (int i = 1; i <= 700; i++)
		fprintf(numbers, "%d\n", i);
	fclose(numbers);
	support_write_text(file("in"), expected);
	/* The first waits until the bound is reached: 256 have ended and nobody is started any more. */
	struct ran ran = brood_at(NULL, "map", "-oj2", "-a", file("in"), "sh", "-c",
	                          "test $0 != 1 || $1 wait-for-file $2; echo $0; test $0 != 200 || : >$2", "{}", C, file("go"));
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.out, expected);
	ran_done(&ran);
	free(expected);
}

static void test_jobs_that_were_left_out_are_not_waited_for(void **state)
{
	const char *log = file("log");

	(void)state;
	expect_out(brood_at(NULL, "map", "-o", "--log", log, C, "echo", ":::", "1", "3"), "1\n3\n");
	expect_out(brood_at(NULL, "map", "-o", "--log", log, "--resume", C, "echo", ":::", "1", "2", "3", "4"), "2\n4\n");
}

/* ---- lines ---- */

static void test_lines_come_before_the_job_has_ended(void **state)
{
	const char *out = file("out"), *go = file("go");
	struct ran ran;
	pid_t pid;

	(void)state;
	pid = brood_start_at(NULL, "map", "--line-buffer", C, "echo", "{}", "print", "rest", "wait-for-file", go, ":::", "first");
	wait_for_size(out, 6);
	expect_file(out, "first\n");
	support_write_text(go, "");
	ran = brood_ended(pid);
	assert_string_equal(ran.out, "first\nrest\n");
	ran_done(&ran);
}

static void test_lines_of_many_are_whole(void **state)
{
	size_t lines = 0;

	(void)state;
	struct ran ran = brood_at(NULL, "map", "-j4", "--line-buffer", "--tag", C, "lines", "300", "print", "{}", ":::", "a", "b", "c", "d");
	assert_int_equal(ran.status, 0);
	for (char *line = strtok(ran.out, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		int number;
		char tag, end;

		if (sscanf(line, "%c\tline %d%c", &tag, &number, &end) != 2)
			assert_true(line[1] == '\t' && line[0] == line[2] && line[3] == '\0');
	}
	assert_int_equal(lines, 4 * 301);
	ran_done(&ran);
}

static void test_lines_in_order_are_those_of_the_first_and_then_the_next(void **state)
{
	const char *out = file("out"), *go = file("go");
	struct ran ran;
	pid_t pid;

	(void)state;
	pid = brood_start_at(NULL, "map", "-oj2", "--line-buffer", "sh", "-c",
	                     "if test $0 = 1; then echo a; $1 wait-for-file $2; fi; echo $0; test $0 = 1 || : >$3", "{}", C, go, file("second"), ":::",
	                     "1", "2");
	wait_for_size(out, 2);
	assert_int_equal(support_wait_file(file("second"), 60000), 1);
	expect_file(out, "a\n");
	support_write_text(go, "");
	ran = brood_ended(pid);
	assert_string_equal(ran.out, "a\n1\n2\n");
	ran_done(&ran);
}

static void test_a_line_without_end_is_whole(void **state)
{
	(void)state;
	struct ran ran = brood_at(NULL, "map", "-j2", "--line-buffer", C, "long-line", "{}", ":::", "1M", "1M");
	assert_int_equal(ran.status, 0);
	assert_int_equal(ran.out_size, 2 * ((1 << 20) + 1));
	assert_int_equal(ran.out[1 << 20], '\n');
	assert_int_equal(strspn(ran.out, "l"), 1 << 20);
	ran_done(&ran);
}

/* ---- tags, and none ---- */

static void test_a_tag_stands_before_each_line(void **state)
{
	(void)state;
	expect_out(brood_at(NULL, "map", "-o", "--tag", C, "echo", "1", "print", "2{}", ":::", "a b"), "a b\t1\na b\t2a b\n");
	support_write_file(file("in"), "x\ty\n", 4);
	expect_out(brood_at(NULL, "map", "-0", "--tag", "-a", file("in"), C, "echo", "1", "exit", "0"), "x\\x09y\\x0a\t1\n");
}

static void test_ungrouped_jobs_have_our_descriptors(void **state)
{
	(void)state;
	struct ran ran = brood_at(NULL, "map", "-u", C, "fd-stat", "1", "exit", "0", ":::", "x");
	assert_non_null(strstr(ran.out, "/out"));
	ran_done(&ran);
}

/* ---- a folder of results ---- */

static void test_results_are_kept_by_number_and_input(void **state)
{
	(void)state;
	expect_out(brood_at(NULL, "map", "-o", "--tag", "--results", file("r"), C, "echo", "{}", "exit", "0", ":::", "a/b", "c"), "a/b\ta/b\nc\tc\n");
	expect_file(file("r/1-a%2Fb/stdout"), "a/b\n");
	expect_file(file("r/1-a%2Fb/stderr"), "");
	expect_file(file("r/2-c/stdout"), "c\n");
	char *record = support_read_file(file("r/2-c/job.json"), NULL);
	assert_non_null(strstr(record, "\"input\": \"c\""));
	free(record);
	expect(125, "there is something in it already", "map", "--results", file("r"), C, "echo", ":::", "x");
}

static void test_results_of_lines_are_the_bytes_themselves(void **state)
{
	(void)state;
	expect_out(brood_at(NULL, "map", "--line-buffer", "--tag", "--results", file("r"), C, "echo", "1", "print", "{}", ":::", "x"), "x\t1\nx\tx\n");
	expect_file(file("r/1-x/stdout"), "1\nx");
}

static void test_a_link_in_the_way_of_results_ends_it(void **state)
{
	const char *folder = file("r");

	(void)state;
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(symlink("/nonexistent", file("r/1-x")), 0);
	expect(125, "/1-x'", "map", "--results", folder, "--log", file("log"), "--resume", C, "touch", file("made"), "args", ":::", "x");
	assert_int_equal(access(file("made"), F_OK), -1);
}

/* ---- where nobody reads, or nothing more fits ---- */

static void test_a_full_disk_is_told_and_is_125(void **state)
{
	const struct place full = { .out = "/dev/full" };

	(void)state;
	expect_at(&full, 125, "standard output: No space left on device", "map", C, "echo", ":::", "a", "b");
	expect_at(&full, 125, "standard output: No space left on device", "map", "--line-buffer", C, "echo", "{}", "sleep-forever", ":::", "a", "b");
	/* What writes nothing needs no space. */
	expect_at(&full, 0, NULL, "map", C, "exit", ":::", "0");
}

static void test_a_closed_output_is_told_and_is_125(void **state)
{
	const struct place closed = { .closed = { false, true, false } };

	(void)state;
	expect_at(&closed, 125, "standard output: Bad file descriptor", "map", C, "echo", ":::", "a");
	expect_at(&closed, 0, NULL, "map", C, "exit", ":::", "0");
}

static void test_it_dies_of_sigpipe_when_nobody_reads(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	const struct place broken = { .out_fd = ends[1] };
	struct ran ran = brood_at(&broken, "map", "--log", file("log"), C, "echo", "{}", ":::", "a", "b", "c");
	close(ends[1]);
	assert_true(ran.died);
	assert_int_equal(ran.status, 128 + SIGPIPE);
	assert_string_equal(ran.err, "");
	char *log = support_read_file(file("log"), NULL);
	assert_non_null(strchr(log, '\n'));
	free(log);
	ran_done(&ran);
}

static void test_where_sigpipe_is_ignored_a_reader_that_left_is_an_error(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	const struct place broken = { .out_fd = ends[1], .ignored = SIGPIPE };
	expect_at(&broken, 125, "standard output: Broken pipe", "map", C, "echo", ":::", "a");
	close(ends[1]);
}

static void test_a_reader_that_leaves_stops_those_that_run(void **state)
{
	char byte;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const struct place here = { .out_fd = ends[1] };
	const pid_t pid = brood_start_at(&here, "map", "-j2", "--line-buffer", C, "{}", "sleep-forever", ":::", "ready", "flood-forever");
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	struct ran ran = brood_ended(pid);
	assert_int_equal(ran.status, 128 + SIGPIPE);
	ran_done(&ran);
}

static void test_a_reader_that_is_slow_gets_everything(void **state)
{
	static const char *const modes[] = { "--group", "--line-buffer" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		size_t size;
		int ends[2];

		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		const struct place here = { .out_fd = ends[1] };
		const pid_t pid = brood_start_at(&here, "map", "-j3", modes[i], C, "lines", "20000", "exit", "{}", ":::", "0", "0", "0", "0");
		close(ends[1]);
		char *text = support_read_all(ends[0], &size);
		close(ends[0]);
		struct ran ran = brood_ended(pid);
		assert_int_equal(ran.status, 0);
		assert_int_equal(size, 4 * 208894);
		free(text);
		ran_done(&ran);
	}
}

/* A job that floods is left alone while nobody reads: neither memory nor disk takes it all. */
static void test_a_flood_of_lines_waits_for_its_reader(void **state)
{
	char bytes[65536];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const struct place here = { .out_fd = ends[1] };
	const pid_t pid = brood_start_at(&here, "map", "--line-buffer", C, "flood-forever", "exit", "{}", ":::", "0");
	close(ends[1]);
	for (size_t got = 0; got < 8u << 20;) {
		const ssize_t n = read(ends[0], bytes, sizeof bytes);

		assert_true(n > 0);
		got += (size_t)n;
	}
	char path[64], *status;
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	status = support_read_file(path, NULL);
	assert_non_null(status);
	/* Alone under a sanitizer or valgrind it would be a lie. */
	if ((!getenv("BROOD_SANITIZE") || !*getenv("BROOD_SANITIZE")) && !under_valgrind()) {
		const char *resident = strstr(status, "VmRSS:");

		assert_non_null(resident);
		assert_in_range(strtol(resident + strlen("VmRSS:"), NULL, 10), 1, 32 * 1024);
	}
	free(status);
	kill(pid, SIGTERM);
	close(ends[0]);
	struct ran ran = brood_ended(pid);
	assert_true(ran.status == 143 || ran.status == 128 + SIGPIPE);
	ran_done(&ran);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_output_of_jobs_is_never_mixed),
		brood_test(test_bytes_are_as_they_were),
		brood_test(test_errors_follow_the_output_where_both_are_one_file),
		brood_test(test_only_the_last_try_counts),
		brood_test(test_order_is_kept_though_the_first_is_the_last_to_end),
		brood_test(test_more_jobs_than_may_wait_come_in_order_too),
		brood_test(test_jobs_that_were_left_out_are_not_waited_for),
		brood_test(test_lines_come_before_the_job_has_ended),
		brood_test(test_lines_of_many_are_whole),
		brood_test(test_lines_in_order_are_those_of_the_first_and_then_the_next),
		brood_test(test_a_line_without_end_is_whole),
		brood_test(test_a_tag_stands_before_each_line),
		brood_test(test_ungrouped_jobs_have_our_descriptors),
		brood_test(test_results_are_kept_by_number_and_input),
		brood_test(test_results_of_lines_are_the_bytes_themselves),
		brood_test(test_a_link_in_the_way_of_results_ends_it),
		brood_test(test_a_full_disk_is_told_and_is_125),
		brood_test(test_a_closed_output_is_told_and_is_125),
		brood_test(test_it_dies_of_sigpipe_when_nobody_reads),
		brood_test(test_where_sigpipe_is_ignored_a_reader_that_left_is_an_error),
		brood_test(test_a_reader_that_leaves_stops_those_that_run),
		brood_test(test_a_reader_that_is_slow_gets_everything),
		brood_test(test_a_flood_of_lines_waits_for_its_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
