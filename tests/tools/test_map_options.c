/* SPDX-License-Identifier: MIT */
/* The options of map: their defaults, their fields, and what contradicts itself. */
#include "support/support.h"
#include "tools/diverted.h"

#include "map_options.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Options of map, then its check. Returns 0, or -EINVAL and what was said in err. */
static int read_map(const char *words, struct map_settings *ret, char *err, size_t size)
{
	static char line[512];          /* the settings point into it */
	char *argv[WORDS_MOST], out[16];
	struct operands operands;
	struct diverted diverted;
	int r;

	snprintf(line, sizeof(line), "map %s", words);
	int argc = split(line, argv);
	map_settings_default(ret);
	divert(&diverted);
	r = options_read(&map_verb, argc, argv, ret, &operands);
	if (r == 0)
		r = map_settings_check(ret);
	diverted_done(&diverted, out, sizeof(out), err, size);
	options_done(&map_verb, ret);
	return r;
}

static struct map_settings good_map(const char *words)
{
	struct map_settings settings;
	char err[512];

	if (read_map(words, &settings, err, sizeof(err)) != 0)
		fail_msg("%s: %s", words, err);
	return settings;
}

static void refuse_map(const char *words, const char *said)
{
	struct map_settings settings;
	char err[512], line[512];

	assert_int_equal(read_map(words, &settings, err, sizeof(err)), -EINVAL);
	snprintf(line, sizeof(line), "brood map: %s\n", said);
	assert_string_equal(err, line);
}

static void test_map_begins_with_its_defaults(void **state)
{
	struct map_settings settings = good_map("x");

	assert_int_equal(settings.chain.timeout_ms, 0);
	assert_int_equal(settings.chain.grace_ms, -1);
	assert_int_equal(settings.chain.linger_ms, -1);
	assert_int_equal(settings.jobs, 0);
	assert_int_equal(settings.mode, OUTPUT_GROUP);
	assert_int_equal(settings.bar, WHEN_AUTO);
	assert_false(settings.shuffle);
	assert_null(settings.log);
}

static void test_map_takes_its_letters(void **state)
{
	struct map_settings settings = good_map("-j8 -0 -o -t 10s -k 1 -s KILL -C / -nq x");

	assert_int_equal(settings.jobs, 8);
	assert_true(settings.null_separated);
	assert_true(settings.keep_order);
	assert_int_equal(settings.chain.timeout_ms, 10000);
	assert_int_equal(settings.chain.grace_ms, 1000);
	assert_int_equal(settings.chain.signal, SIGKILL);
	assert_string_equal(settings.chain.directory, "/");
	assert_true(settings.dry_run);
	assert_true(settings.quiet);
}

static void test_map_takes_the_last_of_group_line_buffer_and_ungroup(void **state)
{
	assert_int_equal(good_map("-u --group --line-buffer").mode, OUTPUT_LINES);
	assert_int_equal(good_map("--line-buffer -u").mode, OUTPUT_UNGROUPED);
	assert_int_equal(good_map("-u --group --tag").mode, OUTPUT_GROUP);
}

static void test_map_shuffles_by_the_seed_that_is_given(void **state)
{
	struct map_settings settings = good_map("--shuffle=18446744073709551615 7");

	assert_true(settings.shuffle);
	assert_true(settings.seed == UINT64_MAX);
	refuse_map("--shuffle=x", "--shuffle: 'x': not a whole number");
}

static void test_map_draws_a_seed_where_none_is_given(void **state)
{
	struct map_settings one = good_map("--shuffle 7"), other = good_map("--shuffle 7");

	assert_true(one.shuffle && other.shuffle);
	assert_true(one.seed != other.seed);
}

static void test_map_refuses_what_contradicts_itself(void **state)
{
	refuse_map("--resume", "--resume needs --log: only a log knows what has succeeded");
	refuse_map("--tag -u", "--tag and --ungroup contradict each other");
	refuse_map("-u -o", "--keep-order and --ungroup contradict each other");
	refuse_map("--results=d --ungroup", "--results and --ungroup contradict each other");
	refuse_map("-q -v", "--quiet and --verbose contradict each other");
}

static void test_map_refuses_numbers_beyond_use(void **state)
{
	refuse_map("-j 4194305", "--jobs: '4194305': more than 4194304");
	refuse_map("--retries 4294967296", "--retries: '4294967296': more than 4294967295");
	assert_int_equal(good_map("-j 4194304 --retries 4294967295").jobs, 4194304);
}

static void test_the_help_of_map_fits_a_screen(void **state)
{
	struct map_settings settings;

	(void)state;
	map_settings_default(&settings);
	expect_help_fits(&map_verb, &settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_map_begins_with_its_defaults),
		brood_test(test_map_takes_its_letters),
		brood_test(test_map_takes_the_last_of_group_line_buffer_and_ungroup),
		brood_test(test_map_shuffles_by_the_seed_that_is_given),
		brood_test(test_map_draws_a_seed_where_none_is_given),
		brood_test(test_map_refuses_what_contradicts_itself),
		brood_test(test_map_refuses_numbers_beyond_use),
		brood_test(test_the_help_of_map_fits_a_screen),
	};

	return cmocka_run_group_tests_name("map_options", tests, NULL, NULL);
}
