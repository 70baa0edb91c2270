/* SPDX-License-Identifier: MIT */
/* Failures in words, and which one stays. */
#include "support/support.h"

#include "base/failure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Frees the failure. */
static void expect_text(struct failure *failure, const char *words)
{
	char *text = failure_text(failure);

	assert_string_equal(text, words);
	free(text);
	failure_done(failure);
}

static void test_failure_names_stage_step_subject_and_reason(void **state)
{
	struct failure failure = { 0 };

	assert_int_equal(failure_set(&failure, 1, STEP_EXEC, ENOENT, "md5smu"), -ENOENT);
	expect_text(&failure, "stage 2: exec 'md5smu': No such file or directory");
}

static void test_failure_without_stage_has_no_stage_words(void **state)
{
	struct failure failure = { 0 };

	failure_set(&failure, FAILURE_NO_STAGE, STEP_OPEN, EACCES, "x");
	expect_text(&failure, "open 'x': Permission denied");
}

static void test_failure_without_subject_goes_on_to_the_reason(void **state)
{
	struct failure failure = { 0 };

	failure_set(&failure, 0, STEP_PIPE, EMFILE, NULL);
	expect_text(&failure, "stage 1: pipe: Too many open files");
}

static void test_failure_of_a_command_is_its_sentence(void **state)
{
	struct failure failure = { 0 };

	failure_set(&failure, 0, STEP_COMMAND, EINVAL, "quote at position 7 is not closed");
	expect_text(&failure, "stage 1: quote at position 7 is not closed");
}

static void test_failure_of_a_command_without_sentence_still_speaks(void **state)
{
	struct failure failure = { 0 };

	failure_set(&failure, FAILURE_NO_STAGE, STEP_COMMAND, EINVAL, NULL);
	expect_text(&failure, "command: Invalid argument");
}

static void test_failure_formats_its_subject(void **state)
{
	struct failure failure = { 0 };

	assert_int_equal(failure_setf(&failure, 2, STEP_RLIMIT, EPERM, "%s=%d", "nofile", 9), -EPERM);
	expect_text(&failure, "stage 3: rlimit 'nofile=9': Operation not permitted");
}

static void test_first_failure_stays(void **state)
{
	struct failure failure = { 0 };

	failure_set(&failure, 0, STEP_CHDIR, ENOENT, "/nope");
	assert_int_equal(failure_set(&failure, 1, STEP_EXEC, EACCES, "x"), -EACCES);
	assert_int_equal(failure_setf(&failure, 1, STEP_EXEC, EACCES, "%d", 1), -EACCES);
	expect_text(&failure, "stage 1: chdir '/nope': No such file or directory");
}

static void test_failure_copies_its_subject(void **state)
{
	struct failure failure = { 0 };
	char name[] = "abc";

	failure_set(&failure, 0, STEP_EXEC, ENOENT, name);
	name[0] = 'X';
	expect_text(&failure, "stage 1: exec 'abc': No such file or directory");
}

static void test_failure_subject_cannot_break_the_line(void **state)
{
	struct failure failure = { 0 };

	failure_set(&failure, 0, STEP_EXEC, ENOENT, "a\nstage 9: \x1b[2J\xff");
	expect_text(&failure, "stage 1: exec 'a\\nstage 9: \\x1b[2J\\xff': No such file or directory");
}

static void test_failure_subject_may_be_long(void **state)
{
	struct failure failure = { 0 };
	size_t size = 100000;
	char *name = malloc(size + 1), *text;

	memset(name, 'n', size);
	name[size] = '\0';
	failure_set(&failure, 0, STEP_EXEC, ENAMETOOLONG, name);
	text = failure_text(&failure);
	assert_non_null(strstr(text, name));
	free(text);
	free(name);
	failure_done(&failure);
}

static void test_failure_with_an_unknown_errno_still_speaks(void **state)
{
	struct failure failure = { 0 };
	char *text;

	failure_set(&failure, 0, STEP_EXEC, 99999, "x");
	text = failure_text(&failure);
	assert_memory_equal(text, "stage 1: exec 'x': ", 19);
	assert_true(strlen(text) > 19);
	free(text);
	failure_done(&failure);
}

static void test_failure_without_errno_is_not_success(void **state)
{
	struct failure failure = { 0 };

	assert_int_equal(failure_set(&failure, 0, STEP_FORK, 0, NULL), -EIO);
	assert_int_equal(failure.error, EIO);
	failure_done(&failure);
}

static void test_no_failure_says_so(void **state)
{
	struct failure failure = { 0 };

	expect_text(&failure, "no failure");
}

static void test_every_step_has_a_word_of_its_own(void **state)
{
	for (int i = 0; i < STEP_COUNT; i++) {
		assert_non_null(step_name((enum step)i));
		assert_true(strlen(step_name((enum step)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(step_name((enum step)i), step_name((enum step)j));
	}
}

static void test_a_step_from_a_broken_report_is_unknown(void **state)
{
	assert_string_equal(step_name(STEP_COUNT), "unknown");
	assert_string_equal(step_name((enum step)0x7fffffff), "unknown");
}

static void test_done_empties_a_failure(void **state)
{
	struct failure failure = { 0 };

	failure_set(&failure, 0, STEP_EXEC, ENOENT, "first");
	failure_done(&failure);
	assert_int_equal(failure.error, 0);
	assert_null(failure.subject);
	failure_done(&failure);
	failure_done(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_failure_names_stage_step_subject_and_reason),
		brood_test(test_failure_without_stage_has_no_stage_words),
		brood_test(test_failure_without_subject_goes_on_to_the_reason),
		brood_test(test_failure_of_a_command_is_its_sentence),
		brood_test(test_failure_of_a_command_without_sentence_still_speaks),
		brood_test(test_failure_formats_its_subject),
		brood_test(test_first_failure_stays),
		brood_test(test_failure_copies_its_subject),
		brood_test(test_failure_subject_cannot_break_the_line),
		brood_test(test_failure_subject_may_be_long),
		brood_test(test_failure_with_an_unknown_errno_still_speaks),
		brood_test(test_failure_without_errno_is_not_success),
		brood_test(test_no_failure_says_so),
		brood_test(test_every_step_has_a_word_of_its_own),
		brood_test(test_a_step_from_a_broken_report_is_unknown),
		brood_test(test_done_empties_a_failure),
	};

	return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
