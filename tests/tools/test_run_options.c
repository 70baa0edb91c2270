/* SPDX-License-Identifier: MIT */
/* The options of run: their defaults, their fields, and what contradicts itself. */
#include "support/support.h"
#include "tools/diverted.h"

#include "run_options.h"
#include "say.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void test_run_fills_its_settings(void **state)
{
	char line[] = "run -t inf --limit-output 1M --json --report=r.html -E A=b -E C --contain -v x", *argv[WORDS_MOST];
	struct run_settings settings;
	struct operands operands;
	int argc = split(line, argv);

	run_settings_default(&settings);
	assert_int_equal(options_read(&run_verb, argc, argv, &settings, &operands), 0);
	assert_int_equal(run_settings_check(&settings), 0);
	assert_true(settings.chain.timeout_ms == INT64_MAX);
	assert_int_equal(settings.chain.grace_ms, -1);
	assert_int_equal(settings.limit_output, 1 << 20);
	assert_string_equal(settings.json, "");
	assert_string_equal(settings.report, "r.html");
	assert_null(settings.trace);
	assert_int_equal(settings.chain.environment.count, 2);
	assert_string_equal(settings.chain.environment.items[1], "C");
	assert_true(settings.chain.contain);
	assert_true(settings.verbose);
	options_done(&run_verb, &settings);
}

static void test_run_refuses_what_contradicts_itself(void **state)
{
	struct run_settings settings;
	struct diverted diverted;
	char out[16], err[256];
	int r;

	run_settings_default(&settings);
	settings.quiet = settings.verbose = true;
	divert(&diverted);
	say_as("brood run");
	r = run_settings_check(&settings);
	diverted_done(&diverted, out, sizeof(out), err, sizeof(err));
	assert_int_equal(r, -EINVAL);
	assert_string_equal(err, "brood run: --quiet and --verbose contradict each other\n");
}

static void test_the_help_of_run_fits_a_screen(void **state)
{
	struct run_settings settings;

	(void)state;
	run_settings_default(&settings);
	expect_help_fits(&run_verb, &settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_run_fills_its_settings),
		brood_test(test_run_refuses_what_contradicts_itself),
		brood_test(test_the_help_of_run_fits_a_screen),
	};

	return cmocka_run_group_tests_name("run_options", tests, NULL, NULL);
}
