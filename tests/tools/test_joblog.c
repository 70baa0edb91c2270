/* SPDX-License-Identifier: MIT */
/* The log of map: whole lines whatever happens, one user at a time, and what an earlier run's tells. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "support/running.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "joblog.h"
#include "joblog_read.h"
#include "record.h"

#define RECORD(input, command, ok) "{\"job\":1,\"input\":\"" input "\",\"command\":\"" command "\",\"ok\":" ok ",\"stages\":[{\"name\":\"x\"}]}"
#define DONE(input, command) RECORD(input, command, "true") "\n"
#define FAILED(input, command) RECORD(input, command, "false") "\n"

/* ---- words for these tests ---- */

static const char *log_path(void)
{
	static char path[256];

	return support_path(path, sizeof(path), "jobs.jsonl");
}

static struct joblog *open_log(const char *path, bool resume)
{
	struct joblog *log;
	char *why;

	if (joblog_new(path, resume, &log, &why) < 0)
		fail_msg("%s", why);
	return log;
}

/* Go on with a log that holds these bytes. */
static struct joblog *resume_from(const char *text)
{
	support_write_text(log_path(), text);
	return open_log(log_path(), true);
}

static void finish(struct joblog *log)
{
	assert_int_equal(joblog_finish(log), 0);
}

static void expect_file(const char *path, const char *expected)
{
	char *text = support_read_file(path, NULL);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void expect_refused(const char *path, bool resume, int error, const char *part)
{
	struct joblog *log;
	char *why = NULL;

	assert_int_equal(joblog_new(path, resume, &log, &why), error);
	assert_null(log);
	if (!why || !strstr(why, part))
		fail_msg("'%s' does not say '%s'", why, part);
	free(why);
}

/* Refused, and not a byte of it has changed. */
static void expect_left_alone(const char *text, const char *part)
{
	support_write_text(log_path(), text);
	expect_refused(log_path(), true, -EINVAL, part);
	expect_file(log_path(), text);
}

static int append(struct joblog *log, const char *input)
{
	json_t *record = json_pack("{s:s}", "input", input);
	int r = joblog_append(log, record);

	json_decref(record);
	return r;
}

/* ---- appending ---- */

static void test_a_record_is_a_line(void **state)
{
	struct joblog *log = open_log(log_path(), false);

	assert_int_equal(append(log, "a\nb"), 0);
	assert_int_equal(append(log, "c"), 0);
	finish(log);
	expect_file(log_path(), "{\"input\":\"a\\nb\"}\n{\"input\":\"c\"}\n");
}

static void test_a_record_larger_than_those_before_is_whole(void **state)
{
	struct joblog *log = open_log(log_path(), false);
	char *input = malloc(100001), *text;
	size_t size;

	memset(input, 'i', 100000);
	input[100000] = '\0';
	assert_int_equal(append(log, "a"), 0);
	assert_int_equal(append(log, input), 0);
	finish(log);
	text = support_read_file(log_path(), &size);
	assert_int_equal(size, strlen("{\"input\":\"\"}\n") * 2 + 1 + 100000);
	assert_string_equal(text + size - 4, "i\"}\n");
	free(text);
	free(input);
}

static void test_a_new_log_may_be_there_when_it_is_empty(void **state)
{
	support_write_text(log_path(), "");
	finish(open_log(log_path(), false));
	expect_file(log_path(), "");
}

static void test_an_older_log_is_not_written_over(void **state)
{
	support_write_text(log_path(), DONE("a", "p a"));
	expect_refused(log_path(), false, -EEXIST, "--resume");
	expect_file(log_path(), DONE("a", "p a"));
}

static void test_the_file_is_made_with_the_umask(void **state)
{
	mode_t before = umask(027);
	struct stat st;

	finish(open_log(log_path(), false));
	umask(before);
	assert_int_equal(stat(log_path(), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void test_a_symbolic_link_is_followed(void **state)
{
	char target[256];
	struct joblog *log;

	assert_int_equal(symlink(support_path(target, sizeof(target), "elsewhere"), log_path()), 0);
	log = open_log(log_path(), false);
	assert_int_equal(append(log, "a"), 0);
	finish(log);
	expect_file(target, "{\"input\":\"a\"}\n");
}

static void test_a_log_that_cannot_be_opened_is_named(void **state)
{
	expect_refused("/nonexistent/log", false, -ENOENT, "'/nonexistent/log': No such file");
	expect_refused(support_tempdir(), false, -EISDIR, "Is a directory");
}

static void test_finishing_no_log_is_fine(void **state)
{
	assert_int_equal(joblog_finish(NULL), 0);
}

/* ---- one user at a time ---- */

static void test_a_log_in_use_is_refused_and_names_its_user(void **state)
{
	struct joblog *log = open_log(log_path(), false);
	struct joblog *other;
	char *why, *locks = support_read_file("/proc/locks", NULL), pid[32];

	assert_int_equal(joblog_new(log_path(), true, &other, &why), -EBUSY);
	assert_non_null(strstr(why, "in use by "));
	snprintf(pid, sizeof(pid), "WRITE %d ", (int)getpid());
	if (locks && strstr(locks, pid)) {
		snprintf(pid, sizeof(pid), "process %d", (int)getpid());
		assert_non_null(strstr(why, pid));
	}
	free(locks);
	free(why);
	finish(log);
	finish(open_log(log_path(), true));
}

/* ---- what is no regular file ---- */

static void test_a_fifo_is_written_to(void **state)
{
	struct joblog *log;
	char *text;
	int fd;

	assert_int_equal(mkfifo(log_path(), 0600), 0);
	fd = open(log_path(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	log = open_log(log_path(), false);
	assert_int_equal(append(log, "a"), 0);
	finish(log);
	text = support_read_all(fd, NULL);
	assert_string_equal(text, "{\"input\":\"a\"}\n");
	free(text);
	close(fd);
}

static void test_a_fifo_that_nobody_reads_is_told_at_once(void **state)
{
	assert_int_equal(mkfifo(log_path(), 0600), 0);
	expect_refused(log_path(), false, -ENXIO, "nobody reads it");
}

static void test_a_full_device_is_told_at_each_append(void **state)
{
	struct joblog *log = open_log("/dev/full", false);

	assert_int_equal(append(log, "a"), -ENOSPC);
	assert_int_equal(append(log, "a"), -ENOSPC);
	finish(log);
}

static void test_only_a_regular_file_can_be_resumed_from(void **state)
{
	expect_refused("/dev/null", true, -EINVAL, "not a regular file");
	assert_int_equal(mkfifo(log_path(), 0600), 0);
	expect_refused(log_path(), true, -EINVAL, "not a regular file");
}

/* ---- no space ---- */

static void limit_file_size(rlim_t size)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void append_past_a_limit(void *data)
{
	struct joblog *log = open_log(log_path(), false);

	assert_int_equal(append(log, "a"), 0);
	limit_file_size(20);
	assert_int_equal(append(log, "b"), -EFBIG);
	expect_file(log_path(), "{\"input\":\"a\"}\n");
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(append(log, "c"), 0);
	finish(log);
}

static void test_half_a_line_is_taken_back(void **state)
{
	log_path();
	support_assert_in_fork(append_past_a_limit, NULL);
	expect_file(log_path(), "{\"input\":\"a\"}\n{\"input\":\"c\"}\n");
}

static void append_without_a_way_back(void *data)
{
	struct joblog *log = open_log(log_path(), false);

	limit_file_size(5);
	support_deny_syscall(SYS_ftruncate, EPERM);
	assert_int_equal(append(log, "a"), -EFBIG);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(append(log, "b"), -EPERM);
	assert_int_equal(joblog_finish(log), -EPERM);
}

static void test_nothing_is_written_behind_a_half_that_cannot_be_taken_back(void **state)
{
	log_path();
	support_assert_in_fork(append_without_a_way_back, NULL);
	expect_file(log_path(), "{\"inp");
	finish(open_log(log_path(), true));
	expect_file(log_path(), "");
}

/* A disk of 64 KiB in a mount namespace of its own. */
static void fill_a_disk(void *data)
{
	struct joblog *log;
	char *text, *last;
	uint64_t lines = 0;
	int r;

	skip_unless(unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
		    mount("brood", support_tempdir(), "tmpfs", 0, "size=64k") == 0,
		    "no right to mount a file system");
	log = open_log(log_path(), false);
	while ((r = append(log, "an input of some length, so that a page does not end where a line does")) == 0)
		lines++;
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(append(log, "one more, and longer than those that went before: there is no place for it, whatever is cut off"), -ENOSPC);
	finish(log);
	text = support_read_file(log_path(), NULL);
	for (last = text; *last; last = strchr(last, '\n') + 1)
		lines--;
	assert_int_equal(lines, 0);
	free(text);
}

static void test_a_full_disk_leaves_whole_lines(void **state)
{
	log_path();
	support_assert_in_fork(fill_a_disk, NULL);
}

/* ---- going on: what is done ---- */

static void test_a_success_is_done_and_a_failure_is_not(void **state)
{
	struct joblog *log = resume_from(DONE("a", "p a") FAILED("b", "p b"));

	assert_int_equal(joblog_done_count(log), 1);
	assert_true(joblog_take_done(log, "a", "p a"));
	assert_false(joblog_take_done(log, "b", "p b"));
	finish(log);
}

static void test_another_command_on_the_same_input_is_not_done(void **state)
{
	struct joblog *log = resume_from(DONE("a", "p a"));

	assert_false(joblog_take_done(log, "a", "q a"));
	assert_false(joblog_take_done(log, "", "p a"));
	assert_true(joblog_take_done(log, "a", "p a"));
	finish(log);
}

/* The sums by which they are found are the same. */
static void test_commands_with_the_same_sum_are_told_apart(void **state)
{
	struct joblog *log = resume_from(DONE("a", "p 26690"));

	assert_false(joblog_take_done(log, "a", "p 131377"));
	assert_true(joblog_take_done(log, "a", "p 26690"));
	finish(log);
}

static void test_an_input_done_twice_is_done_twice(void **state)
{
	struct joblog *log = resume_from(DONE("a", "p a") DONE("b", "p b") DONE("a", "p a"));

	assert_int_equal(joblog_done_count(log), 3);
	assert_true(joblog_take_done(log, "a", "p a"));
	assert_true(joblog_take_done(log, "a", "p a"));
	assert_false(joblog_take_done(log, "a", "p a"));
	finish(log);
}

static void test_what_was_logged_is_found_to_the_byte(void **state)
{
	brood_result *result = run(child("exit", "0"));
	struct job_facts facts = { .number = 1, .input = "\xff\xc3 \"\\\n\xc3\xa9", .command = "p '\xff'", .tries = 1, .result = result };
	json_t *record = record_new(&facts);
	struct joblog *log = open_log(log_path(), false);

	assert_int_equal(joblog_append(log, record), 0);
	finish(log);
	log = open_log(log_path(), true);
	assert_true(joblog_take_done(log, facts.input, facts.command));
	finish(log);
	json_decref(record);
	brood_result_free(result);
}

static void test_many_lines_are_all_found(void **state)
{
	struct joblog *log;
	FILE *file = fopen(log_path(), "we");

	for (int i = 0; i < 5000; i++)
		fprintf(file, DONE("%d", "p %d"), i, i);
	fclose(file);
	log = open_log(log_path(), true);
	assert_int_equal(joblog_done_count(log), 5000);
	for (int i = 4999; i >= 0; i--) {
		char input[16], command[16];

		snprintf(input, sizeof(input), "%d", i);
		snprintf(command, sizeof(command), "p %d", i);
		assert_true(joblog_take_done(log, input, command));
		assert_false(joblog_take_done(log, input, command));
	}
	finish(log);
}

static void test_a_resumed_log_is_appended_to(void **state)
{
	struct joblog *log = resume_from(DONE("a", "p a"));

	assert_int_equal(append(log, "b"), 0);
	finish(log);
	expect_file(log_path(), DONE("a", "p a") "{\"input\":\"b\"}\n");
}

static void test_a_log_that_is_not_there_can_be_resumed(void **state)
{
	struct joblog *log = open_log(log_path(), true);

	assert_int_equal(joblog_done_count(log), 0);
	assert_false(joblog_was_torn(log));
	finish(log);
	expect_file(log_path(), "");
}

/* A line that somebody has formatted, or that another version writes with blanks, is as good. */
static void test_any_json_is_read(void **state)
{
	struct joblog *log = resume_from("{ \"ok\" : true , \"command\":\"p\", \"x\": [ 1, {} ], \"in\\u0070ut\" : \"a\" }\n");

	assert_true(joblog_take_done(log, "a", "p"));
	finish(log);
}

/* ---- going on: the last line ---- */

static void test_a_torn_last_line_is_cut_off(void **state)
{
	struct joblog *log = resume_from(DONE("a", "p a") "{\"job\":2,\"input\":\"b\",\"ok\":true,\"comm");

	assert_true(joblog_was_torn(log));
	assert_int_equal(joblog_done_count(log), 1);
	expect_file(log_path(), DONE("a", "p a"));
	finish(log);
}

static void test_a_line_torn_anywhere_is_torn(void **state)
{
	static const char line[] = DONE("a]}\\\"{", "p \\\\");

	for (size_t size = 1; size < strlen(line) - 1; size++) {
		char text[sizeof(line)] = "";
		struct joblog *log;

		memcpy(text, line, size);
		log = resume_from(text);
		assert_true(joblog_was_torn(log));
		finish(log);
		expect_file(log_path(), "");
	}
}

static void test_a_whole_last_line_gets_its_newline(void **state)
{
	struct joblog *log = resume_from(DONE("a", "p a") RECORD("b", "p b", "true"));

	assert_false(joblog_was_torn(log));
	assert_true(joblog_take_done(log, "b", "p b"));
	assert_int_equal(append(log, "c"), 0);
	finish(log);
	expect_file(log_path(), DONE("a", "p a") DONE("b", "p b") "{\"input\":\"c\"}\n");
}

static void test_zeros_at_the_end_are_cut_off(void **state)
{
	struct joblog *log;

	support_write_text(log_path(), DONE("a", "p a"));
	assert_int_equal(truncate(log_path(), 4096), 0);
	log = open_log(log_path(), true);
	assert_true(joblog_was_torn(log));
	finish(log);
	expect_file(log_path(), DONE("a", "p a"));
}

/* ---- going on: what is no log ---- */

static void test_a_line_that_is_no_json_is_told_with_its_number(void **state)
{
	expect_left_alone(DONE("a", "p a") "nonsense\n" DONE("b", "p b"), "jobs.jsonl', line 2: not a JSON object");
	expect_left_alone(DONE("a", "p a") "\n", "line 2: not a JSON object");
	expect_left_alone("[1]\n", "line 1: not a JSON object");
	expect_left_alone("{\"ok\":true\n" DONE("b", "p b"), "line 1: not a JSON object");
}

static void test_another_files_objects_are_no_records(void **state)
{
	expect_left_alone("{\"name\":\"x\"}\n", "line 1: not the record of a job");
	expect_left_alone("{\"ok\":\"yes\"}\n", "line 1: not the record of a job");
	expect_left_alone("{\"ok\":true,\"input\":\"a\"}\n", "line 1: not the record of a job");
	expect_left_alone("{}", "line 1: not the record of a job");
}

static void test_a_text_without_a_newline_is_not_cut_off(void **state)
{
	expect_left_alone("precious", "line 1: not a JSON object");
	expect_left_alone(DONE("a", "p a") "precious", "line 2: not a JSON object");
}

/* ---- leaving out ---- */

static void expect_skimmed(const char *line, const char *expected)
{
	char *ret = malloc(strlen(line) + 1);
	size_t size = joblog_skim(line, strlen(line), ret);

	ret[size] = '\0';
	assert_string_equal(ret, expected);
	free(ret);
}

static void test_only_what_is_asked_for_is_kept(void **state)
{
	expect_skimmed("{\"job\":1,\"input\":\"a,}\",\"x\":[{\"ok\":false},\"]\"],\"ok\":true,\"y\":{}}", "{\"input\":\"a,}\",\"ok\":true}");
	expect_skimmed("{\"input\":\"\",\"input_hex\":\"ff\",\"command_hex\":\"\"}", "{\"input\":\"\",\"input_hex\":\"ff\",\"command_hex\":\"\"}");
	expect_skimmed("{\"x\":1}", "{}");
}

static void test_what_is_written_otherwise_is_left_to_the_parser(void **state)
{
	expect_skimmed("{}", "");
	expect_skimmed("", "");
	expect_skimmed("{", "");
	expect_skimmed("{\"ok\":true,}", "");
	expect_skimmed("{\"ok\": true}", "");
	expect_skimmed("{\"ok\":true}}", "");
	expect_skimmed("{\"ok\":true}{\"a\":1}", "");
	expect_skimmed("{\"x\":[}", "");
	expect_skimmed("{\"x\":\"}", "");
	expect_skimmed("{\"x\":\"\\\"}", "");
	expect_skimmed("{\"x\"}", "");
	expect_skimmed("{ok:true}", "");
	expect_skimmed("{\"x\":[\"\n\"]}", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_record_is_a_line),
		brood_test(test_a_record_larger_than_those_before_is_whole),
		brood_test(test_a_new_log_may_be_there_when_it_is_empty),
		brood_test(test_an_older_log_is_not_written_over),
		brood_test(test_the_file_is_made_with_the_umask),
		brood_test(test_a_symbolic_link_is_followed),
		brood_test(test_a_log_that_cannot_be_opened_is_named),
		brood_test(test_finishing_no_log_is_fine),
		brood_test(test_a_log_in_use_is_refused_and_names_its_user),
		brood_test(test_a_fifo_is_written_to),
		brood_test(test_a_fifo_that_nobody_reads_is_told_at_once),
		brood_test(test_a_full_device_is_told_at_each_append),
		brood_test(test_only_a_regular_file_can_be_resumed_from),
		brood_test(test_half_a_line_is_taken_back),
		brood_test(test_nothing_is_written_behind_a_half_that_cannot_be_taken_back),
		brood_test(test_a_full_disk_leaves_whole_lines),
		brood_test(test_a_success_is_done_and_a_failure_is_not),
		brood_test(test_another_command_on_the_same_input_is_not_done),
		brood_test(test_commands_with_the_same_sum_are_told_apart),
		brood_test(test_an_input_done_twice_is_done_twice),
		brood_test(test_what_was_logged_is_found_to_the_byte),
		brood_test(test_many_lines_are_all_found),
		brood_test(test_a_resumed_log_is_appended_to),
		brood_test(test_a_log_that_is_not_there_can_be_resumed),
		brood_test(test_any_json_is_read),
		brood_test(test_a_torn_last_line_is_cut_off),
		brood_test(test_a_line_torn_anywhere_is_torn),
		brood_test(test_a_whole_last_line_gets_its_newline),
		brood_test(test_zeros_at_the_end_are_cut_off),
		brood_test(test_a_line_that_is_no_json_is_told_with_its_number),
		brood_test(test_another_files_objects_are_no_records),
		brood_test(test_a_text_without_a_newline_is_not_cut_off),
		brood_test(test_only_what_is_asked_for_is_kept),
		brood_test(test_what_is_written_otherwise_is_left_to_the_parser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
