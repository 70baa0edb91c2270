/* SPDX-License-Identifier: MIT */
/*
 * Options, with a table of the test's own: that each kind fills its field, where reading stops, what is said about each mistake, and --help.
 */
#include "support/support.h"
#include "tools/diverted.h"

#include <brood/base.h>

#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum colour { RED, GREEN, BLUE };

struct settings {
	bool loud, tall;
	enum colour colour;
	int64_t time_ms;
	uint64_t size, count;
	int signal;
	const char *text, *maybe;
	struct option_list list;
	enum option_when when;
};

#define FIELD(name) offsetof(struct settings, name)

static const struct option_row rows[] = {
	{ "First", 'l', "loud", NULL, OPTION_FLAG, FIELD(loud), .help = "be loud" },
	{ NULL, 0, "tall", NULL, OPTION_FLAG, FIELD(tall), .help = "be tall" },
	{ NULL, 'g', "green", NULL, OPTION_CHOICE, FIELD(colour), .help = "be green", .choice = GREEN },
	{ NULL, 0, "blue", NULL, OPTION_CHOICE, FIELD(colour), .help = "be blue", .choice = BLUE },
	{ NULL, 0, "red", NULL, OPTION_CHOICE, FIELD(colour), .help = "be red", .choice = RED },
	{ NULL, 0, "reddish", NULL, OPTION_CHOICE, FIELD(colour), .help = "be nearly red", .choice = RED },
	{ "Second", 't', "time", "TIME", OPTION_DURATION_MS, FIELD(time_ms), .help = "a time" },
	{ NULL, 0, "timeless", NULL, OPTION_FLAG, FIELD(tall), .help = "for ever" },
	{ NULL, 'b', "bytes", "SIZE", OPTION_SIZE, FIELD(size), .help = "a size" },
	{ NULL, 'c', "count", "N", OPTION_COUNT, FIELD(count), .help = "a count" },
	{ NULL, 's', "signal", "SIGNAL", OPTION_SIGNAL, FIELD(signal), .help = "a signal" },
	{ NULL, 'w', "words", "WORDS", OPTION_TEXT, FIELD(text), .help = "a text" },
	{ NULL, 'm', "maybe", "[=FILE]", OPTION_TEXT, FIELD(maybe), .help = "a text, perhaps" },
	{ NULL, 'i', "item", "ITEM", OPTION_LIST, FIELD(list), .help = "one more" },
	{ NULL, 0, "when", "[=WHEN]", OPTION_WHEN, FIELD(when), .help = "auto, always, never" },
	{ NULL, 0, "an-option-of-a-long-name", "VALUE", OPTION_TEXT, FIELD(text), .help = "on a line of its own" },
};

static const struct verb verb = {
	.name = "brood test",
	.usage = "brood test [OPTION...]\nbrood test\n",
	.about = "Tests.\n",
	.examples = "brood test -l\n",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
};

/* What one reading gave. */
struct reading {
	int result;
	struct settings settings;
	struct operands operands;
	char out[8192], err[2048];
};

/* Read "brood-test" and these words. The list must be given back by the caller. */
static void read_line(struct reading *reading, const char *words)
{
	static char line[1024];
	static char *argv[WORDS_MOST];
	struct diverted diverted;

	*reading = (struct reading){ .settings = { .time_ms = -1, .when = WHEN_AUTO } };
	snprintf(line, sizeof(line), "test%s%s", *words ? " " : "", words);
	int argc = split(line, argv);
	divert(&diverted);
	reading->result = options_read(&verb, argc, argv, &reading->settings, &reading->operands);
	diverted_done(&diverted, reading->out, sizeof(reading->out), reading->err, sizeof(reading->err));
}

static struct reading good(const char *words)
{
	struct reading reading;

	read_line(&reading, words);
	assert_string_equal(reading.err, "");
	assert_int_equal(reading.result, 0);
	return reading;
}

static void refuse(const char *words, const char *said)
{
	struct reading reading;
	char line[2048];

	read_line(&reading, words);
	options_done(&verb, &reading.settings);
	snprintf(line, sizeof(line), "brood test: %s\n", said);
	assert_string_equal(reading.err, line);
	assert_int_equal(reading.result, -EINVAL);
	assert_string_equal(reading.out, "");
}

/* ---- kinds ---------------------------------------------------------------------------------------------------- */

static void test_nothing_leaves_the_defaults(void **state)
{
	struct reading reading = good("");

	assert_int_equal(reading.settings.time_ms, -1);
	assert_false(reading.settings.loud);
	assert_null(reading.settings.maybe);
	assert_int_equal(reading.operands.count, 0);
	assert_false(reading.operands.after_dashes);
}

static void test_each_kind_fills_its_field(void **state)
{
	struct reading reading = good("--loud --time 1.5 --bytes=64K --count 3 --signal int --words=a=b --when=never");

	assert_true(reading.settings.loud);
	assert_false(reading.settings.tall);
	assert_int_equal(reading.settings.time_ms, 1500);
	assert_int_equal(reading.settings.size, 65536);
	assert_int_equal(reading.settings.count, 3);
	assert_int_equal(reading.settings.signal, SIGINT);
	assert_string_equal(reading.settings.text, "a=b");
	assert_int_equal(reading.settings.when, WHEN_NEVER);
}

static void test_letters_stand_together(void **state)
{
	struct reading reading = good("-lt5 -c 3 -ws");

	assert_true(reading.settings.loud);
	assert_int_equal(reading.settings.time_ms, 5000);
	assert_int_equal(reading.settings.count, 3);
	assert_string_equal(reading.settings.text, "s");
}

static void test_of_several_choices_the_last_one_wins(void **state)
{
	assert_int_equal(good("-g").settings.colour, GREEN);
	assert_int_equal(good("--green --blue").settings.colour, BLUE);
	assert_int_equal(good("--blue --green --red").settings.colour, RED);
}

static void test_a_list_grows_and_is_given_back(void **state)
{
	struct reading reading = good("-i one --item=two -i three");

	assert_int_equal(reading.settings.list.count, 3);
	assert_string_equal(reading.settings.list.items[0], "one");
	assert_string_equal(reading.settings.list.items[1], "two");
	assert_string_equal(reading.settings.list.items[2], "three");
	options_done(&verb, &reading.settings);
	assert_null(reading.settings.list.items);
	assert_int_equal(reading.settings.list.count, 0);
}

static void test_a_value_that_may_be_left_out_does_not_take_the_next_word(void **state)
{
	struct reading reading = good("--maybe --when next");

	assert_string_equal(reading.settings.maybe, "");
	assert_int_equal(reading.settings.when, WHEN_ALWAYS);
	assert_int_equal(reading.operands.count, 1);
	assert_string_equal(reading.operands.words[0], "next");
}

static void test_a_value_that_may_be_left_out_is_taken_where_it_is_joined(void **state)
{
	assert_string_equal(good("--maybe=x").settings.maybe, "x");
	assert_string_equal(good("-mx").settings.maybe, "x");
	assert_int_equal(good("--when=auto").settings.when, WHEN_AUTO);
	assert_int_equal(good("--when=always").settings.when, WHEN_ALWAYS);
}

static void test_a_beginning_of_a_name_is_enough(void **state)
{
	assert_true(good("--lo").settings.loud);
	assert_int_equal(good("--by=1K").settings.size, 1024);
}

static void test_a_whole_name_that_begins_another_is_itself(void **state)
{
	struct reading reading = good("--time 5");

	assert_int_equal(reading.settings.time_ms, 5000);
	assert_false(reading.settings.tall);
}

/* ---- operands ------------------------------------------------------------------------------------------------- */

static void test_reading_stops_at_the_first_operand(void **state)
{
	struct reading reading = good("-l wc -l -- x");

	assert_int_equal(reading.operands.count, 4);
	assert_string_equal(reading.operands.words[0], "wc");
	assert_string_equal(reading.operands.words[1], "-l");
	assert_false(reading.operands.after_dashes);
}

static void test_dashes_end_the_options(void **state)
{
	struct reading reading = good("-l -- -l x");

	assert_int_equal(reading.operands.count, 2);
	assert_string_equal(reading.operands.words[0], "-l");
	assert_true(reading.operands.after_dashes);
}

static void test_dashes_alone_are_told_too(void **state)
{
	struct reading reading = good("--");

	assert_int_equal(reading.operands.count, 0);
	assert_true(reading.operands.after_dashes);
}

static void test_dashes_that_are_the_value_of_an_option_end_nothing(void **state)
{
	struct reading reading = good("--words -- x");

	assert_string_equal(reading.settings.text, "--");
	assert_int_equal(reading.operands.count, 1);
	assert_false(reading.operands.after_dashes);

	reading = good("-w -- -lw --");
	assert_string_equal(reading.settings.text, "--");
	assert_int_equal(reading.operands.count, 0);
	assert_false(reading.operands.after_dashes);

	reading = good("-w -- -- x");
	assert_true(reading.operands.after_dashes);
	assert_int_equal(reading.operands.count, 1);
}

static void test_second_dashes_are_an_operand(void **state)
{
	struct reading reading = good("-- -- x");

	assert_int_equal(reading.operands.count, 2);
	assert_string_equal(reading.operands.words[0], "--");
	assert_true(reading.operands.after_dashes);
}

static void test_a_dash_and_an_empty_word_are_operands(void **state)
{
	assert_string_equal(good("- x").operands.words[0], "-");
	assert_string_equal(good("'' x").operands.words[0], "");
}

static void test_a_mistake_in_one_reading_is_forgotten_in_the_next(void **state)
{
	refuse("-lx", "unknown option -x");
	assert_int_equal(good("-l one two").operands.count, 2);
}

/* ---- mistakes ------------------------------------------------------------------------------------------------- */

static void test_a_bad_value_is_told_with_the_option_as_it_was_written(void **state)
{
	refuse("--time=5x", "--time: '5x': unknown unit 'x' (ms, s, m, h, d)");
	refuse("--by 5x", "--by: '5x': unknown unit 'x' (K, M, G, T, KB, MB, GB, TB)");
	refuse("-lt5x", "-t: '5x': unknown unit 'x' (ms, s, m, h, d)");
	refuse("-c -1", "-c: '-1': not a whole number");
	refuse("-s x", "-s: 'x': not a signal (as TERM, SIGINT, 9, RTMIN+1)");
	refuse("--when=now", "--when: 'now': not one of auto, always, never");
	refuse("--count= x", "--count: '': not a whole number");
}

static void test_a_missing_value_is_told_with_its_name(void **state)
{
	refuse("--time", "--time needs a value: TIME");
	refuse("-lw", "-w needs a value: WORDS");
}

static void test_a_flag_with_a_value_is_a_mistake(void **state)
{
	refuse("--loud=yes", "--loud takes no value");
	refuse("--lo=yes", "--lo takes no value");
	refuse("--green=", "--green takes no value");
	refuse("--red=x", "--red takes no value");
}

static void test_an_ambiguous_beginning_is_told_with_the_candidates(void **state)
{
	refuse("--t", "--t is ambiguous: --tall, --time, --timeless");
	refuse("--ti=5", "--ti is ambiguous: --time, --timeless");
}

static void test_an_unknown_option_is_told_with_the_one_that_is_near(void **state)
{
	refuse("--luod", "unknown option --luod; did you mean --loud?");
	refuse("--cuont=3", "unknown option --cuont; did you mean --count?");
	refuse("--verzion", "unknown option --verzion; did you mean --version?");
	refuse("--xyzzy", "unknown option --xyzzy");
	refuse("-x", "unknown option -x");
	refuse("-lx", "unknown option -x");
	refuse("--=5", "unknown option --");
}

static void test_a_long_option_with_one_dash_is_recognised(void **state)
{
	refuse("-time 5", "-t: 'ime': not a time (as 5, 1.5s, 200ms, 2m); did you mean --time?");
	refuse("-red", "unknown option -r; did you mean --red?");
}

static void test_control_characters_in_a_mistake_are_written_out(void **state)
{
	refuse("--x\n\x1b", "unknown option --x\\x0a\\x1b");
	refuse("-\xc3\xa9", "unknown option -\\xc3");
}

static void test_a_name_of_any_length_is_no_danger(void **state)
{
	char words[600] = "--", said[700];

	memset(words + 2, 'a', 500);
	words[502] = '\0';
	snprintf(said, sizeof(said), "unknown option %s", words);
	refuse(words, said);
}

static void test_near_is_a_slip_in_three_letters(void **state)
{
	static const char *const names[] = { "run", "map", "help" };

	assert_string_equal(options_nearest("mpa", names, 3), "map");
	assert_string_equal(options_nearest("rn", names, 3), "run");
	assert_string_equal(options_nearest("runn", names, 3), "run");
	assert_string_equal(options_nearest("hlep", names, 3), "help");
	assert_string_equal(options_nearest("map", names, 3), "map");
	assert_null(options_nearest("x", names, 3));
	assert_null(options_nearest("rap", (const char *const[]){ "run" }, 1));
	assert_null(options_nearest("hxxp", names, 3));
	assert_null(options_nearest("", names, 3));
	assert_null(options_nearest("map", names, 0));
}

static void test_the_nearest_of_several_is_taken(void **state)
{
	static const char *const names[] = { "retries", "results", "report", "resume" };

	assert_string_equal(options_nearest("reslts", names, 4), "results");
	assert_string_equal(options_nearest("resum", names, 4), "resume");
}

/* ---- --help --------------------------------------------------------------------------------------------------- */

static void test_help_shows_groups_options_and_examples(void **state)
{
	struct reading reading;

	read_line(&reading, "-l --help --nonsense");
	assert_int_equal(reading.result, 1);
	assert_string_equal(reading.err, "");
	assert_string_equal(reading.out,
	                    "usage: brood test [OPTION...]\n"
	                    "       brood test\n"
	                    "Tests.\n"
	                    "\n"
	                    "First:\n"
	                    "  -l, --loud               be loud\n"
	                    "      --tall               be tall\n"
	                    "  -g, --green              be green\n"
	                    "      --blue               be blue\n"
	                    "      --red                be red\n"
	                    "      --reddish            be nearly red\n"
	                    "Second:\n"
	                    "  -t, --time=TIME          a time\n"
	                    "      --timeless           for ever\n"
	                    "  -b, --bytes=SIZE         a size\n"
	                    "  -c, --count=N            a count\n"
	                    "  -s, --signal=SIGNAL      a signal\n"
	                    "  -w, --words=WORDS        a text\n"
	                    "  -m, --maybe[=FILE]       a text, perhaps\n"
	                    "  -i, --item=ITEM          one more\n"
	                    "      --when[=WHEN]        auto, always, never\n"
	                    "      --an-option-of-a-long-name=VALUE\n"
	                    "                           on a line of its own\n"
	                    "Help:\n"
	                    "  -h, --help               show this\n"
	                    "      --version            show the version\n"
	                    "Examples:\n"
	                    "  brood test -l\n");
}

static void test_version_is_a_line(void **state)
{
	struct reading reading;

	read_line(&reading, "--version");
	assert_int_equal(reading.result, 1);
	assert_string_equal(reading.out, "brood " BROOD_VERSION "\n");
}

static void test_help_that_cannot_be_written_is_an_error(void **state)
{
	char word[] = "test", option[] = "--help", *argv[] = { word, option, NULL };
	struct settings settings = { 0 };
	struct operands operands;
	struct diverted diverted;
	char out[16], err[256];
	int unwritable = open("/dev/null", O_RDONLY | O_CLOEXEC), r;

	divert(&diverted);
	dup2(unwritable, STDOUT_FILENO);
	close(unwritable);
	r = options_read(&verb, 2, argv, &settings, &operands);
	diverted_done(&diverted, out, sizeof(out), err, sizeof(err));
	assert_int_equal(r, -EBADF);
	assert_string_equal(err, "brood test: standard output: Bad file descriptor\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_nothing_leaves_the_defaults),
		brood_test(test_each_kind_fills_its_field),
		brood_test(test_letters_stand_together),
		brood_test(test_of_several_choices_the_last_one_wins),
		brood_test(test_a_list_grows_and_is_given_back),
		brood_test(test_a_value_that_may_be_left_out_does_not_take_the_next_word),
		brood_test(test_a_value_that_may_be_left_out_is_taken_where_it_is_joined),
		brood_test(test_a_beginning_of_a_name_is_enough),
		brood_test(test_a_whole_name_that_begins_another_is_itself),
		brood_test(test_reading_stops_at_the_first_operand),
		brood_test(test_dashes_end_the_options),
		brood_test(test_dashes_alone_are_told_too),
		brood_test(test_dashes_that_are_the_value_of_an_option_end_nothing),
		brood_test(test_second_dashes_are_an_operand),
		brood_test(test_a_dash_and_an_empty_word_are_operands),
		brood_test(test_a_mistake_in_one_reading_is_forgotten_in_the_next),
		brood_test(test_a_bad_value_is_told_with_the_option_as_it_was_written),
		brood_test(test_a_missing_value_is_told_with_its_name),
		brood_test(test_a_flag_with_a_value_is_a_mistake),
		brood_test(test_an_ambiguous_beginning_is_told_with_the_candidates),
		brood_test(test_an_unknown_option_is_told_with_the_one_that_is_near),
		brood_test(test_a_long_option_with_one_dash_is_recognised),
		brood_test(test_control_characters_in_a_mistake_are_written_out),
		brood_test(test_a_name_of_any_length_is_no_danger),
		brood_test(test_near_is_a_slip_in_three_letters),
		brood_test(test_the_nearest_of_several_is_taken),
		brood_test(test_help_shows_groups_options_and_examples),
		brood_test(test_version_is_a_line),
		brood_test(test_help_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
