/* SPDX-License-Identifier: MIT */
/* lib/process/result.c: answers about a chain, also for no result, no such stage and no such stream. Nothing is started. */
#include <brood.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/description.h"
#include "process/result.h"
#include "support/support.h"

static brood_result *a_result_of(brood_command *cmd_take, size_t streams)
{
	brood_result *result = result_new(cmd_take);

	brood_command_free(cmd_take);
	assert_non_null(result);
	result->streams = calloc(streams + 1, sizeof *result->streams);
	result->stream_count = streams;
	return result;
}

static brood_command *a_chain(void)
{
	return brood_pipe(brood_command_newl("a", NULL), brood_command_newl("b", NULL));
}

static void put(brood_result *result, size_t at, size_t stage, int child_fd, const char *text)
{
	result->streams[at].stage = stage;
	result->streams[at].child_fd = child_fd;
	result->streams[at].bytes = strlen(text);
	assert_int_equal(buffer_append(&result->streams[at].buffer, text, strlen(text)), 0);
}

static void test_a_fresh_result_knows_names_and_no_ends(void **state)
{
	brood_result *result = a_result_of(a_chain(), 0);
	int64_t start = 1, end = 1;

	assert_int_equal(brood_result_stages(result), 2);
	assert_string_equal(result->stages[1].name, "b");
	assert_int_equal(brood_result_how(result, 0), BROOD_NOT_STARTED);
	assert_int_equal(brood_result_exit_code(result, 0), -1);
	assert_int_equal(brood_result_pid(result, 0), 0);
	assert_int_equal(brood_result_times(result, 0, &start, &end), 0);
	assert_true(start == 0 && end == 0);
	assert_int_equal(brood_result_errno(result), 0);
	assert_false(brood_result_ok(result));
	brood_result_free(result);
}

static void test_no_result_answers_as_one_that_never_started(void **state)
{
	struct rusage usage;
	size_t size = 1;

	assert_int_equal(brood_result_stages(NULL), 0);
	assert_int_equal(brood_result_how(NULL, 0), BROOD_NOT_STARTED);
	assert_int_equal(brood_result_exit_code(NULL, 0), -1);
	assert_int_equal(brood_result_signal(NULL, 0), 0);
	assert_int_equal(brood_result_cause(NULL, 0), BROOD_BY_ITSELF);
	assert_int_equal(brood_result_usage(NULL, 0, &usage), -EINVAL);
	assert_int_equal(brood_result_times(NULL, 0, NULL, NULL), -EINVAL);
	assert_string_equal(brood_result_output(NULL, 1, &size), "");
	assert_int_equal(size, 0);
	assert_string_equal(brood_result_stage_output(NULL, 0, 1, NULL), "");
	assert_int_equal(brood_result_bytes(NULL, 1), 0);
	assert_false(brood_result_truncated(NULL, 1));
	assert_false(brood_result_held(NULL));
	assert_null(brood_result_holders(NULL, &size));
	assert_int_equal(brood_result_errno(NULL), 0);
	brood_result_free(NULL);
}

static void test_a_stage_that_does_not_exist_never_started(void **state)
{
	brood_result *result = a_result_of(a_chain(), 0);

	assert_int_equal(brood_result_how(result, 2), BROOD_NOT_STARTED);
	assert_int_equal(brood_result_pid(result, SIZE_MAX), 0);
	assert_int_equal(brood_result_times(result, 2, NULL, NULL), -EINVAL);
	brood_result_free(result);
}

static void test_an_output_is_the_shared_one_or_else_the_last_stages_own(void **state)
{
	brood_result *result = a_result_of(a_chain(), 4);

	put(result, 0, 0, 2, "first");
	put(result, 1, 1, 2, "last");
	put(result, 2, 0, 3, "own of the first");
	put(result, 3, STREAM_SHARED, 4, "shared");
	assert_string_equal(brood_result_output(result, 2, NULL), "last");
	assert_string_equal(brood_result_output(result, 3, NULL), "");
	assert_string_equal(brood_result_output(result, 4, NULL), "shared");
	assert_string_equal(brood_result_stage_output(result, 0, 2, NULL), "first");
	assert_string_equal(brood_result_stage_output(result, 0, 4, NULL), "");
	assert_int_equal(brood_result_stage_bytes(result, 0, 3), 16);
	brood_result_free(result);
}

static void test_an_input_has_a_count_and_no_output(void **state)
{
	brood_result *result = a_result_of(a_chain(), 1);

	result->streams[0].input = true;
	result->streams[0].bytes = 9;
	assert_int_equal(brood_result_bytes(result, 0), 9);
	assert_string_equal(brood_result_output(result, 0, NULL), "");
	brood_result_free(result);
}

static void test_cut_is_cut_by_limit_or_by_linger(void **state)
{
	brood_result *result = a_result_of(a_chain(), 2);

	put(result, 0, 1, 1, "x");
	put(result, 1, STREAM_SHARED, 2, "x");
	assert_false(brood_result_truncated(result, 1));
	result->streams[0].over_limit = true;
	result->streams[1].abandoned = true;
	assert_true(brood_result_truncated(result, 1));
	assert_true(brood_result_truncated(result, 2));
	assert_false(brood_result_truncated(result, 7));
	brood_result_free(result);
}

static void test_usage_that_nobody_knows_is_zeroed(void **state)
{
	brood_result *result = a_result_of(a_chain(), 0);
	struct rusage usage;

	memset(&usage, 1, sizeof usage);
	assert_int_equal(brood_result_usage(result, 0, &usage), -ENODATA);
	assert_int_equal(usage.ru_maxrss, 0);
	brood_result_free(result);
}

static void test_usage_without_a_place_for_it_is_refused(void **state)
{
	brood_result *result = a_result_of(a_chain(), 0);

	assert_int_equal(brood_result_usage(result, 0, NULL), -EINVAL);
	brood_result_free(result);
}

/* a | b got one log, and was joined with c then. */
static void test_what_a_shorter_chain_shares_is_the_output_of_each_of_its_stages(void **state)
{
	brood_result *result = a_result_of(brood_pipe(a_chain(), brood_command_newl("c", NULL)), 1);
	size_t size = 0;

	put(result, 0, 0, 2, "both");
	result->streams[0].last_stage = 1;
	assert_string_equal(brood_result_stage_output(result, 0, 2, NULL), "both");
	assert_string_equal(brood_result_stage_output(result, 1, 2, &size), "both");
	assert_int_equal(size, 4);
	assert_string_equal(brood_result_stage_output(result, 2, 2, NULL), "");
	assert_int_equal(brood_result_stage_bytes(result, 1, 2), 4);
	assert_int_equal(brood_result_stage_bytes(result, 2, 2), 0);
	assert_string_equal(brood_result_output(result, 2, NULL), "");
	assert_int_equal(brood_result_bytes(result, 2), 0);
	brood_result_free(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_fresh_result_knows_names_and_no_ends),
		brood_test(test_no_result_answers_as_one_that_never_started),
		brood_test(test_a_stage_that_does_not_exist_never_started),
		brood_test(test_an_output_is_the_shared_one_or_else_the_last_stages_own),
		brood_test(test_an_input_has_a_count_and_no_output),
		brood_test(test_cut_is_cut_by_limit_or_by_linger),
		brood_test(test_usage_that_nobody_knows_is_zeroed),
		brood_test(test_usage_without_a_place_for_it_is_refused),
		brood_test(test_what_a_shorter_chain_shares_is_the_output_of_each_of_its_stages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
