/* SPDX-License-Identifier: MIT */
/* One job as a JSON object: which members, which words, and what never gets in. */
#include "support/support.h"

#include "record.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- words for these tests ---- */

static brood_result *run(brood_command *cmd_take)
{
	brood_result *result = NULL;

	brood_run(cmd_take, &result);
	assert_non_null(result);
	brood_command_free(cmd_take);
	return result;
}

static json_t *made(const char *input, const char *command, const brood_result *result)
{
	const struct job_facts facts = { .number = 12, .input = input, .command = command, .tries = 1, .result = result };
	json_t *record = record_new(&facts);

	assert_non_null(record);
	return record;
}

/* The record of this command; the result is freed. */
static json_t *record_of(brood_command *cmd_take)
{
	brood_result *result = run(cmd_take);
	json_t *record = made("a.c", "wc -l a.c", result);

	brood_result_free(result);
	return record;
}

static json_t *record_of_child(const char *verb, const char *word)
{
	return record_of(brood_command_newl(support_child(), verb, word, NULL));
}

static const char *text(const json_t *json, const char *key)
{
	const char *value = json_string_value(json_object_get(json, key));

	if (!value)
		fail_msg("there is no text '%s'", key);
	return value;
}

static json_int_t number(const json_t *json, const char *key)
{
	if (!json_is_integer(json_object_get(json, key)))
		fail_msg("there is no number '%s'", key);
	return json_integer_value(json_object_get(json, key));
}

static json_t *stage(const json_t *record, size_t index)
{
	return json_array_get(json_object_get(record, "stages"), index);
}

/* ---- members ---- */

static void test_record_of_a_success_has_all_members(void **state)
{
	json_t *record = record_of_child("exit", "0");

	assert_int_equal(number(record, "job"), 12);
	assert_string_equal(text(record, "input"), "a.c");
	assert_string_equal(text(record, "command"), "wc -l a.c");
	assert_int_equal(number(record, "tries"), 1);
	assert_true(json_is_true(json_object_get(record, "ok")));
	assert_int_equal(number(record, "status"), 0);
	assert_string_equal(text(record, "cause"), "itself");
	assert_true(strlen(text(record, "description")) > 0);
	assert_int_equal(number(record, "bytes_out"), 0);
	assert_int_equal(number(record, "bytes_err"), 0);
	assert_true(json_real_value(json_object_get(record, "seconds")) > 0);
	assert_int_equal(json_array_size(json_object_get(record, "stages")), 1);
	assert_string_equal(text(stage(record, 0), "how"), "exited");
	json_decref(record);
}

static void test_record_of_run_has_neither_number_nor_input(void **state)
{
	brood_result *result = run(brood_command_newl(support_child(), "exit", "0", NULL));
	const struct job_facts facts = { .command = "true", .tries = 1, .result = result };
	json_t *record = record_new(&facts);

	assert_null(json_object_get(record, "job"));
	assert_null(json_object_get(record, "input"));
	json_decref(record);
	brood_result_free(result);
}

static void test_record_says_status_and_stage_of_a_failure(void **state)
{
	json_t *record = record_of(brood_pipe(brood_command_newl(support_child(), "exit", "0", NULL), brood_command_newl(support_child(), "exit", "3", NULL)));

	assert_true(json_is_false(json_object_get(record, "ok")));
	assert_int_equal(number(record, "status"), 3);
	assert_string_equal(text(record, "cause"), "itself");
	assert_int_equal(number(stage(record, 1), "exit_code"), 3);
	json_decref(record);
}

static void test_cause_of_a_spent_budget_is_the_deadline(void **state)
{
	brood_command *cmd = brood_command_newl(support_child(), "sleep-forever", NULL);
	json_t *record;

	brood_command_set_timeout_ms(cmd, 1);
	record = record_of(cmd);
	assert_string_equal(text(record, "cause"), "deadline");
	assert_int_equal(number(record, "status"), 124);
	assert_true(json_is_true(json_object_get(record, "timed_out")));
	json_decref(record);
}

static void test_cause_of_too_much_output_is_overflow(void **state)
{
	brood_command *cmd = brood_command_newl(support_child(), "flood-forever", NULL);
	json_t *record;

	brood_command_capture(cmd, BROOD_STDOUT, 100);
	brood_command_set_overflow(cmd, BROOD_STOP);
	record = record_of(cmd);
	assert_string_equal(text(record, "cause"), "overflow");
	assert_true(json_is_true(json_object_get(record, "truncated")));
	assert_true(number(record, "bytes_out") >= 100);
	json_decref(record);
}

static void test_cause_of_a_program_that_is_not_there_is_the_failure_to_start(void **state)
{
	json_t *record = record_of(brood_pipe(brood_command_newl(support_child(), "exit", "0", NULL), brood_command_newl("/no/such/program", NULL)));

	assert_string_equal(text(record, "cause"), "failure");
	assert_int_equal(number(record, "status"), 127);
	assert_int_equal(number(json_object_get(record, "failure"), "errno"), ENOENT);
	assert_string_equal(text(stage(record, 1), "how"), "not started");
	json_decref(record);
}

static void test_cause_of_a_cancelled_job_is_cancel(void **state)
{
	brood_batch *batch = brood_batch_new(1);
	brood_command *cmd = brood_command_newl(support_child(), "sleep-forever", NULL);
	brood_future *first = NULL, *second = NULL;
	json_t *record;

	assert_int_equal(brood_batch_submit(batch, cmd, &first), 0);
	assert_int_equal(brood_batch_submit(batch, cmd, &second), 0);
	brood_batch_cancel(batch);
	assert_int_equal(brood_future_wait(second, -1), -ECANCELED);
	record = made("x", "y", brood_future_result(second));
	assert_string_equal(text(record, "cause"), "cancel");
	assert_null(json_object_get(record, "started"));
	json_decref(record);
	brood_future_free(first);
	brood_future_free(second);
	brood_command_free(cmd);
	brood_batch_free(batch);
}

/* ---- what is not in it ---- */

static void test_captured_text_is_counted_and_left_out(void **state)
{
	brood_command *cmd = brood_command_newl(support_child(), "pattern", "1K", NULL);
	json_t *record;
	char *dumped;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_setenv(cmd, "PW", "open sesame");
	record = record_of(cmd);
	assert_int_equal(number(record, "bytes_out"), 1024);
	assert_null(json_object_get(record, "streams"));
	dumped = json_dumps(record, 0);
	assert_true(strlen(dumped) < 1024);
	assert_null(strstr(dumped, "sesame"));
	free(dumped);
	json_decref(record);
}

/* ---- times ---- */

static void test_started_is_the_wall_clock_in_utc(void **state)
{
	time_t before = time(NULL), started;
	json_t *record = record_of_child("exit", "0");
	struct tm parts = { .tm_isdst = 0 };
	const char *rest = strptime(text(record, "started"), "%Y-%m-%dT%H:%M:%S", &parts);

	assert_non_null(rest);
	assert_int_equal(strlen(rest), strlen(".123456Z"));
	assert_int_equal(rest[7], 'Z');
	started = timegm(&parts);
	assert_true(started >= before - 1 && started <= time(NULL) + 1);
	json_decref(record);
}

static void test_seconds_go_from_the_first_start_to_the_last_end(void **state)
{
	json_t *record = record_of(brood_pipe(brood_command_newl(support_child(), "exit", "0", NULL), brood_command_newl(support_child(), "sleep", "30", NULL)));
	json_int_t start_ns = number(stage(record, 0), "start_ns"), end_ns = number(stage(record, 1), "end_ns");

	assert_true(json_real_value(json_object_get(record, "seconds")) >= (double)(end_ns - start_ns) / 1e9 - 1e-9);
	assert_true(json_real_value(json_object_get(record, "seconds")) >= 0.03);
	json_decref(record);
}

/* ---- texts ---- */

static void expect_input_back(const json_t *record, const char *expected)
{
	char *input = NULL;

	assert_int_equal(record_input(record, &input), 0);
	assert_string_equal(input, expected);
	free(input);
}

static void test_input_that_is_not_utf8_is_exact_in_hex(void **state)
{
	brood_result *result = run(brood_command_newl(support_child(), "exit", "0", NULL));
	json_t *record = made("caf\xe9 \xc3\xa9", "wc caf\xe9", result);
	char *command = NULL;

	assert_string_equal(text(record, "input"), "caf\xef\xbf\xbd \xc3\xa9");
	assert_string_equal(text(record, "input_hex"), "636166e920c3a9");
	expect_input_back(record, "caf\xe9 \xc3\xa9");
	assert_int_equal(record_command(record, &command), 0);
	assert_string_equal(command, "wc caf\xe9");
	free(command);
	json_decref(record);
	brood_result_free(result);
}

static void test_input_survives_being_written_and_read(void **state)
{
	static const char *const inputs[] = { "", "a b", "quote\" \\ \n\t\x01\x7f", "\xf0\x9f\x98\x80", "\xff\xfe", "\xed\xa0\x80", "\xe2\x80\xae" };
	brood_result *result = run(brood_command_newl(support_child(), "exit", "0", NULL));

	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		json_t *record = made(inputs[i], "x", result);
		char *line = json_dumps(record, JSON_COMPACT);

		json_decref(record);
		assert_null(strchr(line, '\n'));
		record = json_loads(line, 0, NULL);
		assert_non_null(record);
		expect_input_back(record, inputs[i]);
		json_decref(record);
		free(line);
	}
	brood_result_free(result);
}

static void test_record_without_an_input_says_so(void **state)
{
	json_t *record = json_object();
	char *input = NULL;

	assert_int_equal(record_input(record, &input), -EINVAL);
	json_object_set_new(record, "input_hex", json_string("6g"));
	assert_int_equal(record_input(record, &input), -EINVAL);
	json_object_set_new(record, "input_hex", json_string("616"));
	assert_int_equal(record_input(record, &input), -EINVAL);
	json_object_set_new(record, "input_hex", json_string("6100"));
	assert_int_equal(record_input(record, &input), -EINVAL);
	assert_null(input);
	json_decref(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_record_of_a_success_has_all_members),
		brood_test(test_record_of_run_has_neither_number_nor_input),
		brood_test(test_record_says_status_and_stage_of_a_failure),
		brood_test(test_cause_of_a_spent_budget_is_the_deadline),
		brood_test(test_cause_of_too_much_output_is_overflow),
		brood_test(test_cause_of_a_program_that_is_not_there_is_the_failure_to_start),
		brood_test(test_cause_of_a_cancelled_job_is_cancel),
		brood_test(test_captured_text_is_counted_and_left_out),
		brood_test(test_started_is_the_wall_clock_in_utc),
		brood_test(test_seconds_go_from_the_first_start_to_the_last_end),
		brood_test(test_input_that_is_not_utf8_is_exact_in_hex),
		brood_test(test_input_survives_being_written_and_read),
		brood_test(test_record_without_an_input_says_so),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
