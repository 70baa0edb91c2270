/* SPDX-License-Identifier: MIT */
/* lib/process/verdict.c: was it success, and what would a shell say? Over results made by hand; nothing is started. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "process/result.h"
#include "support/support.h"

/* A result with so many stages that exited 0. */
static brood_result *a_result(size_t stages)
{
	brood_result *result = calloc(1, sizeof *result + stages * sizeof *result->stages);

	assert_non_null(result);
	result->failure.stage = FAILURE_NO_STAGE;
	result->stage_count = stages;
	for (size_t i = 0; i < stages; i++)
		result->stages[i].how = BROOD_EXITED;
	return result;
}

static void end_with(brood_result *result, size_t stage, enum brood_how how, int code)
{
	result->stages[stage].how = how;
	result->stages[stage].code = code;
}

static void check(brood_result *result_take, bool ok, int shell_status)
{
	assert_int_equal(brood_result_ok(result_take), ok);
	assert_int_equal(brood_result_shell_status(result_take), shell_status);
	free(result_take->streams);
	free(result_take);
}

static void test_all_stages_exited_0_is_success(void **state)
{
	check(a_result(1), true, 0);
	check(a_result(3), true, 0);
}

static void test_sigpipe_is_no_failure_but_of_the_last_stage(void **state)
{
	brood_result *result = a_result(2);

	end_with(result, 0, BROOD_SIGNALLED, SIGPIPE);
	check(result, true, 0);
	result = a_result(2);
	end_with(result, 1, BROOD_SIGNALLED, SIGPIPE);
	check(result, false, 128 + SIGPIPE);
}

static void test_an_exit_with_141_is_not_a_death_by_sigpipe(void **state)
{
	brood_result *result = a_result(2);

	end_with(result, 0, BROOD_EXITED, 128 + SIGPIPE);
	check(result, false, 141);
}

static void test_an_unchecked_stage_does_not_count(void **state)
{
	brood_result *result = a_result(3);

	end_with(result, 1, BROOD_EXITED, 7);
	end_with(result, 2, BROOD_SIGNALLED, SIGKILL);
	result->stages[1].unchecked = result->stages[2].unchecked = true;
	check(result, true, 0);
}

static void test_the_last_failure_from_the_right_is_the_status(void **state)
{
	brood_result *result = a_result(3);

	end_with(result, 0, BROOD_EXITED, 3);
	end_with(result, 1, BROOD_SIGNALLED, SIGTERM);
	check(result, false, 128 + SIGTERM);
	result = a_result(3);
	end_with(result, 0, BROOD_EXITED, 3);
	end_with(result, 2, BROOD_EXITED, 4);
	check(result, false, 4);
}

static void test_a_lost_stage_is_never_success(void **state)
{
	brood_result *result = a_result(1);

	end_with(result, 0, BROOD_LOST, 0);
	check(result, false, 125);
}

static void test_a_running_chain_is_no_success_yet(void **state)
{
	brood_result *result = a_result(2);

	end_with(result, 1, BROOD_RUNNING, 0);
	check(result, false, 125);
}

static void test_a_spent_budget_is_124_whatever_the_stages_said(void **state)
{
	brood_result *result = a_result(1);

	result->over_budget = true;
	check(result, false, 124);
}

static void test_a_held_pipe_is_no_success_unless_the_caller_set_the_linger(void **state)
{
	brood_result *result = a_result(1);

	result->held = true;
	check(result, false, 125);
	result = a_result(1);
	result->held = result->held_is_fine = true;
	check(result, true, 0);
}

static void test_cut_output_is_no_success(void **state)
{
	brood_result *result = a_result(1);

	result->streams = calloc(1, sizeof *result->streams);
	result->stream_count = 1;
	result->streams[0].over_limit = true;
	check(result, false, 125);
}

static void test_a_failed_start_says_126_127_or_125(void **state)
{
	const struct {
		enum step step;
		int error, status;
	} cases[] = {
		{ STEP_EXEC, ENOENT, 127 }, { STEP_EXEC, ENOTDIR, 127 }, { STEP_EXEC, EACCES, 126 }, { STEP_EXEC, E2BIG, 126 },
		{ STEP_CHDIR, ENOENT, 125 }, { STEP_SETUID, EPERM, 125 }, { STEP_MEMORY, ENOMEM, 125 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		brood_result *result = a_result(2);

		result->failure.step = cases[i].step;
		result->failure.error = cases[i].error;
		result->failure.stage = 1;
		check(result, false, cases[i].status);
	}
}

static void test_no_result_and_no_stages_are_no_success(void **state)
{
	assert_false(brood_result_ok(NULL));
	assert_int_equal(brood_result_shell_status(NULL), 125);
	check(a_result(0), false, 125);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_all_stages_exited_0_is_success),
		brood_test(test_sigpipe_is_no_failure_but_of_the_last_stage),
		brood_test(test_an_exit_with_141_is_not_a_death_by_sigpipe),
		brood_test(test_an_unchecked_stage_does_not_count),
		brood_test(test_the_last_failure_from_the_right_is_the_status),
		brood_test(test_a_lost_stage_is_never_success),
		brood_test(test_a_running_chain_is_no_success_yet),
		brood_test(test_a_spent_budget_is_124_whatever_the_stages_said),
		brood_test(test_a_held_pipe_is_no_success_unless_the_caller_set_the_linger),
		brood_test(test_cut_output_is_no_success),
		brood_test(test_a_failed_start_says_126_127_or_125),
		brood_test(test_no_result_and_no_stages_are_no_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
