/* SPDX-License-Identifier: MIT */
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "results.h"

static void expect_name(uint64_t number, const char *input, const char *expected)
{
	char name[RESULTS_NAME];

	assert_string_equal(results_name(number, input, name), expected);
}

static void test_a_name_is_the_number_and_the_input(void **state)
{
	(void)state;
	expect_name(1, "a.c", "1-a.c");
	expect_name(7, "", "7-");
	expect_name(UINT64_MAX, "x y", "18446744073709551615-x y");
}

static void test_a_name_cannot_leave_its_folder(void **state)
{
	(void)state;
	expect_name(2, "../../etc/passwd", "2-..%2F..%2Fetc%2Fpasswd");
	expect_name(3, "a%2Fb\n\033", "3-a%252Fb%0A%1B");
}

static void test_a_long_name_is_cut_between_characters(void **state)
{
	char input[400], expected[400];

	(void)state;
	memset(input, 'x', 300);
	input[300] = '\0';
	snprintf(expected, sizeof expected, "1-%.100s", input);
	expect_name(1, input, expected);

	/* 99 bytes and then a character of two, one of four, an escape of three. */
	strcpy(input + 99, "\xc3\xa4");
	snprintf(expected, sizeof expected, "1-%.99s", input);
	expect_name(1, input, expected);
	strcpy(input + 97, "\xf0\x9f\x90\x9d");
	snprintf(expected, sizeof expected, "1-%.97s", input);
	expect_name(1, input, expected);
	strcpy(input + 98, "//");
	snprintf(expected, sizeof expected, "1-%.98s", input);
	expect_name(1, input, expected);
}

static struct results *made(const char *name, bool resume)
{
	char path[4096], *why = NULL;
	struct results *results = NULL;

	assert_int_equal(results_new(support_path(path, sizeof path, name), resume, &results, &why), 0);
	return results;
}

static void test_a_file_is_written_where_its_name_says(void **state)
{
	struct results *results = made("r", false);
	char path[4096], *text;

	(void)state;
	assert_int_equal(results_write(results, 3, "a/b", "job.json", "{}\n", 3), 0);
	text = support_read_file(support_path(path, sizeof path, "r/3-a%2Fb/job.json"), NULL);
	assert_string_equal(text, "{}\n");
	free(text);
	results_free(results);
}

static void test_a_folder_with_something_in_it_is_refused_but_for_resume(void **state)
{
	struct results *results = made("r", false);
	char path[4096], *why = NULL;

	(void)state;
	assert_int_equal(results_write(results, 1, "a", "stdout", "", 0), 0);
	results_free(results);
	assert_int_equal(results_new(support_path(path, sizeof path, "r"), false, &results, &why), -ENOTEMPTY);
	assert_non_null(strstr(why, "--resume"));
	free(why);
	results_free(made("r", true));
}

static void test_what_cannot_be_made_is_named(void **state)
{
	struct results *results = NULL;
	char *why = NULL;

	(void)state;
	assert_int_equal(results_new("/nonexistent/r", false, &results, &why), -ENOENT);
	assert_string_equal(why, "--results: '/nonexistent/r': No such file or directory");
	assert_null(results);
	free(why);
}

static void test_a_link_in_the_way_of_a_file_is_not_followed(void **state)
{
	struct results *results = made("r", false);
	char path[4096], target[4096], *text;

	(void)state;
	support_write_text(support_path(target, sizeof target, "precious"), "mine");
	assert_int_equal(mkdir(support_path(path, sizeof path, "r/1-a"), 0700), 0);
	assert_int_equal(symlink(target, support_path(path, sizeof path, "r/1-a/stdout")), 0);
	assert_int_equal(results_write(results, 1, "a", "stdout", "new", 3), 0);
	text = support_read_file(target, NULL);
	assert_string_equal(text, "mine");
	free(text);
	text = support_read_file(path, NULL);
	assert_string_equal(text, "new");
	free(text);
	results_free(results);
}

static void test_a_link_in_the_way_of_a_folder_is_refused(void **state)
{
	struct results *results = made("r", false);
	char path[4096], target[4096];

	(void)state;
	assert_int_equal(mkdir(support_path(target, sizeof target, "elsewhere"), 0700), 0);
	assert_int_equal(symlink(target, support_path(path, sizeof path, "r/1-a")), 0);
	assert_true(results_write(results, 1, "a", "stdout", "new", 3) < 0);
	assert_int_equal(rmdir(target), 0);
	results_free(results);
}

static void test_the_umask_is_kept(void **state)
{
	const mode_t old = umask(027);
	struct results *results = made("r", false);
	struct stat status;
	char path[4096];

	(void)state;
	assert_int_equal(results_write(results, 1, "a", "stdout", "", 0), 0);
	umask(old);
	assert_int_equal(stat(support_path(path, sizeof path, "r"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0750);
	assert_int_equal(stat(support_path(path, sizeof path, "r/1-a/stdout"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	results_free(results);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_name_is_the_number_and_the_input),
		brood_test(test_a_name_cannot_leave_its_folder),
		brood_test(test_a_long_name_is_cut_between_characters),
		brood_test(test_a_file_is_written_where_its_name_says),
		brood_test(test_a_folder_with_something_in_it_is_refused_but_for_resume),
		brood_test(test_what_cannot_be_made_is_named),
		brood_test(test_a_link_in_the_way_of_a_file_is_not_followed),
		brood_test(test_a_link_in_the_way_of_a_folder_is_refused),
		brood_test(test_the_umask_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
