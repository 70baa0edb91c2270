/* SPDX-License-Identifier: MIT */
/* lib/process/result_json.c: the whole result as one JSON object, over results made by hand; nothing is started. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "process/result.h"
#include "support/support.h"

static brood_result *a_result(void)
{
	brood_result *result = calloc(1, sizeof *result + sizeof *result->stages);

	assert_non_null(result);
	result->failure.stage = FAILURE_NO_STAGE;
	result->stage_count = 1;
	result->stages[0].how = BROOD_EXITED;
	result->stages[0].name = strdup("say \"hi\"");
	result->stages[0].pid = 42;
	return result;
}

static void check(brood_result *result_take, const char *text)
{
	char *json = brood_result_json(result_take);

	assert_string_equal(json, text);
	free(json);
	brood_result_free(result_take);
}

static void check_has(brood_result *result_take, const char *part)
{
	char *json = brood_result_json(result_take);

	assert_non_null(json);
	if (!strstr(json, part))
		fail_msg("%s is not in %s", part, json);
	free(json);
	brood_result_free(result_take);
}

static void test_success_in_full(void **state)
{
	check(a_result(), "{\"ok\":true,\"description\":\"success\",\"shell_status\":0,\"stages\":[{\"name\":\"say \\\"hi\\\"\","
	                  "\"how\":\"exited\",\"exit_code\":0,\"cause\":\"itself\",\"pid\":42}],\"streams\":[]}");
}

static void test_a_signal_and_who_sent_it(void **state)
{
	brood_result *result = a_result();

	result->stages[0].how = BROOD_SIGNALLED;
	result->stages[0].code = SIGKILL;
	result->stages[0].cause = BROOD_BY_DEADLINE;
	result->over_budget = true;
	check_has(result, "\"how\":\"signalled\",\"signal\":9,\"cause\":\"deadline\"");
	result = a_result();
	result->over_budget = true;
	check_has(result, "\"timed_out\":true");
}

static void test_a_failed_start_is_an_object_of_its_own(void **state)
{
	brood_result *result = a_result();

	failure_set(&result->failure, 0, STEP_EXEC, ENOENT, "nothing");
	check_has(result, "\"failure\":{\"stage\":0,\"step\":\"exec\",\"errno\":2,\"subject\":\"nothing\"}");
}

static void test_output_that_is_no_text_gives_valid_json(void **state)
{
	brood_result *result = a_result();

	result->streams = calloc(1, sizeof *result->streams);
	result->stream_count = 1;
	result->streams[0].child_fd = 1;
	result->streams[0].stage = STREAM_SHARED;
	result->streams[0].bytes = 4;
	assert_int_equal(buffer_append(&result->streams[0].buffer, "a\0\xff\n", 4), 0);
	check_has(result, "{\"descriptor\":1,\"direction\":\"out\",\"bytes\":4,\"truncated\":false,"
	                  "\"text\":\"a\\u0000\xef\xbf\xbd\\n\"}");
}

static void test_holders_are_an_array(void **state)
{
	brood_result *result = a_result();

	result->held = true;
	result->holders = calloc(2, sizeof *result->holders);
	result->holder_count = 2;
	result->holders[0] = 7;
	result->holders[1] = 9;
	check_has(result, "\"held\":true,\"holders\":[7,9]");
}

static void test_usage_and_times_show_where_they_are_known(void **state)
{
	brood_result *result = a_result();

	result->stages[0].has_usage = true;
	result->stages[0].usage.ru_maxrss = 77;
	check_has(result, "\"max_rss_kib\":77");
	result = a_result();
	result->stages[0].start_ns = 5;
	result->stages[0].end_ns = 6;
	check_has(result, "\"start_ns\":5,\"end_ns\":6");
}

static void test_no_result_is_null(void **state)
{
	char *json = brood_result_json(NULL);

	assert_string_equal(json, "null");
	free(json);
}

static void test_a_name_comes_first(void **state)
{
	brood_result *result = a_result();

	result->name = strdup("nightly");
	check_has(result, "{\"name\":\"nightly\",\"ok\":true");
}

static void test_a_stage_that_may_fail_is_marked(void **state)
{
	brood_result *result = a_result();

	result->stages[0].code = 3;
	result->stages[0].unchecked = true;
	check_has(result, "\"exit_code\":3,\"cause\":\"itself\",\"pid\":42,\"unchecked\":true}");
}

/* Want of memory before the first stage: no stage is to blame, and there is nothing to name. */
static void test_a_failure_of_no_stage_has_neither_stage_nor_subject(void **state)
{
	brood_result *result = a_result();

	failure_set(&result->failure, FAILURE_NO_STAGE, STEP_MEMORY, ENOMEM, NULL);
	check_has(result, "\"failure\":{\"step\":\"memory\",\"errno\":12},");
}

static void test_inputs_have_no_text_and_what_was_given_up_is_truncated(void **state)
{
	brood_result *result = a_result();

	result->streams = calloc(2, sizeof *result->streams);
	result->stream_count = 2;
	result->streams[0].input = true;
	result->streams[0].bytes = 9;
	result->streams[1].child_fd = 1;
	result->streams[1].abandoned = true;
	check_has(result, "[{\"stage\":0,\"descriptor\":0,\"direction\":\"in\",\"bytes\":9},"
	                  "{\"stage\":0,\"descriptor\":1,\"direction\":\"out\",\"bytes\":0,\"truncated\":true,\"text\":\"\"}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_success_in_full),
		brood_test(test_a_signal_and_who_sent_it),
		brood_test(test_a_failed_start_is_an_object_of_its_own),
		brood_test(test_output_that_is_no_text_gives_valid_json),
		brood_test(test_holders_are_an_array),
		brood_test(test_usage_and_times_show_where_they_are_known),
		brood_test(test_no_result_is_null),
		brood_test(test_a_name_comes_first),
		brood_test(test_a_stage_that_may_fail_is_marked),
		brood_test(test_a_failure_of_no_stage_has_neither_stage_nor_subject),
		brood_test(test_inputs_have_no_text_and_what_was_given_up_is_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
