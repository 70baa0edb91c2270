/* SPDX-License-Identifier: MIT */
/* lib/process/describe.c: one line for people, over results made by hand; nothing is started. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "process/result.h"
#include "support/support.h"

static brood_result *a_result(size_t stages)
{
	static const char *const names[] = { "openssl", "md5", "sort" };
	brood_result *result = calloc(1, sizeof *result + stages * sizeof *result->stages);

	assert_non_null(result);
	result->failure.stage = FAILURE_NO_STAGE;
	result->stage_count = stages;
	for (size_t i = 0; i < stages; i++) {
		result->stages[i].how = BROOD_EXITED;
		result->stages[i].name = strdup(names[i]);
		result->stages[i].pid = (pid_t)(100 + i);
	}
	return result;
}

static void end_with(brood_result *result, size_t stage, enum brood_how how, int code, enum brood_cause cause)
{
	result->stages[stage].how = how;
	result->stages[stage].code = code;
	result->stages[stage].cause = cause;
}

static void check(brood_result *result_take, const char *sentence)
{
	assert_string_equal(brood_result_describe(result_take), sentence);
	/* Asked again, it is the same text at the same place. */
	assert_ptr_equal(brood_result_describe(result_take), brood_result_describe(result_take));
	brood_result_free(result_take);
}

static void test_success_is_said_in_one_word(void **state)
{
	check(a_result(2), "success");
}

static void test_the_stage_to_blame_is_named_with_its_number_from_1(void **state)
{
	brood_result *result = a_result(2);

	end_with(result, 1, BROOD_EXITED, 3, BROOD_BY_ITSELF);
	check(result, "stage 2 'md5': exited 3");
}

static void test_a_deadline_says_its_length(void **state)
{
	brood_result *result = a_result(1);

	end_with(result, 0, BROOD_SIGNALLED, SIGTERM, BROOD_BY_DEADLINE);
	result->over_budget = true;
	result->timeout_ms = 100;
	check(result, "stage 1 'openssl': killed by SIGTERM, deadline of 100 ms");
}

static void test_a_deadline_names_the_stage_that_it_stopped(void **state)
{
	brood_result *result = a_result(3);

	end_with(result, 1, BROOD_SIGNALLED, SIGKILL, BROOD_BY_DEADLINE);
	result->over_budget = true;
	result->timeout_ms = 5000;
	check(result, "stage 2 'md5': killed by SIGKILL, deadline of 5000 ms");
}

static void test_who_ended_it_is_said(void **state)
{
	const struct {
		enum brood_cause cause;
		const char *sentence;
	} cases[] = {
		{ BROOD_BY_ITSELF, "stage 1 'openssl': killed by SIGTERM" },
		{ BROOD_BY_STOP, "stage 1 'openssl': killed by SIGTERM, stopped" },
		{ BROOD_BY_OVERFLOW, "stage 1 'openssl': killed by SIGTERM, output over its limit" },
		{ BROOD_BY_CANCEL, "stage 1 'openssl': killed by SIGTERM, cancelled" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		brood_result *result = a_result(1);

		end_with(result, 0, BROOD_SIGNALLED, SIGTERM, cases[i].cause);
		check(result, cases[i].sentence);
	}
}

static void test_lost_and_running_stages_show_their_pid(void **state)
{
	brood_result *result = a_result(1);

	end_with(result, 0, BROOD_LOST, 0, BROOD_BY_ITSELF);
	check(result, "stage 1 'openssl': lost, nobody can say how pid 100 ended");
	result = a_result(2);
	end_with(result, 1, BROOD_RUNNING, 0, BROOD_BY_ITSELF);
	check(result, "stage 2 'md5': running, pid 101");
}

static void test_a_failed_start_says_stage_step_subject_and_errno(void **state)
{
	brood_result *result = a_result(2);

	failure_set(&result->failure, 1, STEP_EXEC, ENOENT, "md5smu");
	check(result, "stage 2: exec 'md5smu': No such file or directory");
}

static void test_holders_are_listed(void **state)
{
	brood_result *result = a_result(1);

	result->held = true;
	check(result, "a pipe is still held after every stage has ended");
	result = a_result(1);
	result->held = true;
	result->holders = calloc(2, sizeof *result->holders);
	result->holder_count = 2;
	result->holders[0] = 7;
	result->holders[1] = 9;
	check(result, "a pipe is still held after every stage has ended, by pid 7, 9");
}

static void test_cut_output_says_how_much_was_kept(void **state)
{
	brood_result *result = a_result(1);

	result->streams = calloc(1, sizeof *result->streams);
	result->stream_count = 1;
	result->streams[0].child_fd = 1;
	result->streams[0].over_limit = true;
	result->streams[0].bytes = 5000000000;
	assert_int_equal(buffer_append(&result->streams[0].buffer, "abc", 3), 0);
	check(result, "output of descriptor 1 was cut: 3 of 5000000000 bytes kept");
}

static void test_a_change_is_described_anew(void **state)
{
	brood_result *result = a_result(1);

	end_with(result, 0, BROOD_RUNNING, 0, BROOD_BY_ITSELF);
	assert_string_equal(brood_result_describe(result), "stage 1 'openssl': running, pid 100");
	end_with(result, 0, BROOD_EXITED, 0, BROOD_BY_ITSELF);
	result_changed(result);
	check(result, "success");
}

static void test_no_result_has_a_description_too(void **state)
{
	assert_string_equal(brood_result_describe(NULL), "no result: out of memory");
}

/* SIGRTMIN + n has no name of its own; its number is what `kill -l` knows. */
static void test_a_signal_without_a_name_shows_its_number(void **state)
{
	brood_result *result = a_result(1);

	end_with(result, 0, BROOD_SIGNALLED, 40, BROOD_BY_ITSELF);
	check(result, "stage 1 'openssl': killed by signal 40");
}

static void test_of_several_outputs_the_one_that_was_cut_is_named(void **state)
{
	brood_result *result = a_result(1);

	result->streams = calloc(2, sizeof *result->streams);
	result->stream_count = 2;
	result->streams[0].child_fd = 1;
	result->streams[1].child_fd = 2;
	result->streams[1].over_limit = true;
	result->streams[1].bytes = 7;
	check(result, "output of descriptor 2 was cut: 0 of 7 bytes kept");
}

static void test_a_chain_of_which_nothing_ran_says_so(void **state)
{
	check(a_result(0), "not started");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_success_is_said_in_one_word),
		brood_test(test_the_stage_to_blame_is_named_with_its_number_from_1),
		brood_test(test_a_deadline_says_its_length),
		brood_test(test_a_deadline_names_the_stage_that_it_stopped),
		brood_test(test_who_ended_it_is_said),
		brood_test(test_lost_and_running_stages_show_their_pid),
		brood_test(test_a_failed_start_says_stage_step_subject_and_errno),
		brood_test(test_holders_are_listed),
		brood_test(test_cut_output_says_how_much_was_kept),
		brood_test(test_a_change_is_described_anew),
		brood_test(test_no_result_has_a_description_too),
		brood_test(test_a_signal_without_a_name_shows_its_number),
		brood_test(test_of_several_outputs_the_one_that_was_cut_is_named),
		brood_test(test_a_chain_of_which_nothing_ran_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
