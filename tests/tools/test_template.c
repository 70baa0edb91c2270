/* SPDX-License-Identifier: MIT */
/* What stands where {} stood: holes, components of paths, and that no input changes the shape of a chain. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "support/running.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "template.h"

static struct template *template_of(bool after_dashes, const char **words, size_t count)
{
	struct operands operands = { .words = (char **)words, .count = count, .after_dashes = after_dashes };
	struct template *template;
	char *why;

	if (template_new(&operands, &template, &why) < 0)
		fail_msg("%s", why);
	return template;
}

static struct template *line_template(const char *line)
{
	return template_of(false, &line, 1);
}

static brood_command *fill(const char *line, const char *input, uint64_t number)
{
	struct template *template = line_template(line);
	brood_command *cmd = template_command(template, input, number);

	assert_non_null(cmd);
	template_free(template);
	return cmd;
}

/* The second word of the line, filled in. */
static void expect_word(const char *hole, const char *input, const char *expected)
{
	char line[64];
	brood_command *cmd;

	snprintf(line, sizeof(line), "p %s", hole);
	cmd = fill(line, input, 7);
	assert_string_equal(brood_command_argv(cmd, 0)[1], expected);
	assert_null(brood_command_argv(cmd, 0)[2]);
	brood_command_free(cmd);
}

static void expect_mistake(const char *line, const char *part)
{
	struct operands operands = { .words = (char **)&line, .count = 1 };
	struct template *template;
	char *why;

	assert_int_equal(template_new(&operands, &template, &why), -EINVAL);
	assert_null(template);
	assert_non_null(strstr(why, part));
	free(why);
}

static size_t words_in(const brood_command *cmd, size_t stage)
{
	const char *const *argv = brood_command_argv(cmd, stage);
	size_t count = 0;

	while (argv[count])
		count++;
	return count;
}

/* ---- holes ---- */

static void test_a_hole_is_filled_with_the_input(void **state)
{
	expect_word("{}", "a b", "a b");
}

static void test_text_around_a_hole_stays_in_its_word(void **state)
{
	expect_word("--in={}.c", "a b", "--in=a b.c");
	expect_word("{/}.out", "x/y", "y.out");
}

static void test_a_word_may_have_many_holes(void **state)
{
	expect_word("{}:{#}:{}", "a", "a:7:a");
	expect_word("{}{}", "ab", "abab");
}

static void test_the_number_is_decimal(void **state)
{
	brood_command *cmd = fill("p {#} {}", "x", UINT64_MAX);

	assert_string_equal(brood_command_argv(cmd, 0)[1], "18446744073709551615");
	brood_command_free(cmd);
}

static void test_braces_that_are_no_hole_stay(void **state)
{
	struct template *template = template_of(true, (const char *[]){ "p", "{x}{", "{{}}", "{/.}", "}{", "" }, 6);
	brood_command *cmd = template_command(template, "i", 1);
	const char *const *argv = brood_command_argv(cmd, 0);

	assert_string_equal(argv[1], "{x}{");
	assert_string_equal(argv[2], "{i}");
	assert_string_equal(argv[3], "{/.}");
	assert_string_equal(argv[4], "}{");
	assert_string_equal(argv[5], "");
	assert_null(argv[6]);
	brood_command_free(cmd);
	template_free(template);
}

static void test_holes_in_an_input_are_not_filled_again(void **state)
{
	expect_word("{}", "{#}{}{/}", "{#}{}{/}");
	expect_word("-{}-", "{}", "-{}-");
}

static void test_the_programs_name_may_be_a_hole(void **state)
{
	brood_command *cmd = fill("{} x", "/bin/true", 1);

	assert_string_equal(brood_command_argv(cmd, 0)[0], "/bin/true");
	brood_command_free(cmd);
}

static void test_an_empty_programs_name_cannot_be_started(void **state)
{
	brood_command *cmd = fill("{} x", "", 1);
	brood_process *process;

	assert_int_equal(brood_start(cmd, &process), -EINVAL);
	brood_process_free(process);
	brood_command_free(cmd);
}

/* ---- where the input goes without a hole ---- */

static void test_a_command_without_a_hole_gets_the_input_last(void **state)
{
	brood_command *cmd = fill("wc -l", "-rf x", 1);

	assert_int_equal(words_in(cmd, 0), 3);
	assert_string_equal(brood_command_argv(cmd, 0)[2], "-rf x");
	brood_command_free(cmd);
}

static void test_a_number_alone_is_a_hole_too(void **state)
{
	brood_command *cmd = fill("p {#}", "x", 3);

	assert_int_equal(words_in(cmd, 0), 2);
	brood_command_free(cmd);
}

static void test_a_chain_without_a_hole_is_a_mistake(void **state)
{
	expect_mistake("cat | wc", "{}");
}

static void test_what_chain_read_refuses_is_refused_with_its_words(void **state)
{
	expect_mistake("cat {} >x", "column 8");
}

static void test_stages_stay_stages(void **state)
{
	brood_command *cmd = fill("cat {} | tee {/} | wc", "a/b", 1);

	assert_int_equal(brood_command_stages(cmd), 3);
	assert_string_equal(brood_command_argv(cmd, 0)[1], "a/b");
	assert_string_equal(brood_command_argv(cmd, 1)[1], "b");
	assert_int_equal(words_in(cmd, 2), 1);
	brood_command_free(cmd);
}

static void test_the_text_is_the_template_as_it_was_given(void **state)
{
	struct template *template = line_template("cat 'a b' {} | wc");

	assert_string_equal(template_text(template), "cat 'a b' '{}' | wc");
	template_free(template);
}

/* ---- paths ---- */

static void test_the_stem_has_no_last_extension(void **state)
{
	expect_word("{.}", "a/b.tar.gz", "a/b.tar");
	expect_word("{.}", "b.", "b");
	expect_word("{.}", "..a.b", "..a");
}

static void test_the_stem_keeps_dots_that_begin_no_extension(void **state)
{
	expect_word("{.}", "a.d/b", "a.d/b");
	expect_word("{.}", ".bashrc", ".bashrc");
	expect_word("{.}", "x/.bashrc", "x/.bashrc");
	expect_word("{.}", "a.d/", "a.d/");
	expect_word("{.}", "..", "..");
	expect_word("{.}", "", "");
}

static void test_the_name_is_what_basename_prints(void **state)
{
	expect_word("{/}", "a/b", "b");
	expect_word("{/}", "a/b/", "b");
	expect_word("{/}", "a/b//", "b");
	expect_word("{/}", "b", "b");
	expect_word("{/}", "/", "/");
	expect_word("{/}", "//", "/");
	expect_word("{/}", "", "");
}

static void test_the_folder_is_what_dirname_prints(void **state)
{
	expect_word("{//}", "a/b", "a");
	expect_word("{//}", "a/b/", "a");
	expect_word("{//}", "a//b", "a");
	expect_word("{//}", "b", ".");
	expect_word("{//}", "b/", ".");
	expect_word("{//}", "/b", "/");
	expect_word("{//}", "/", "/");
	expect_word("{//}", "//", "/");
	expect_word("{//}", "", ".");
}

/* ---- properties ---- */

static void test_no_input_changes_the_number_of_words(void **state)
{
	static const char *const parts[] = { "", " ", "|", "'", "\"", "{}", "{#}", "/", "//", ".", "..", "-", "\n", "\\", "a", "\xff", "$(x)" };
	const size_t count = sizeof(parts) / sizeof(parts[0]);
	struct template *template = line_template("p {} a{.}b {/} {//}{#} '' | q {.}{.} -- {}");

	for (size_t i = 0; i < count * count * count; i++) {
		char input[32];
		brood_command *cmd;

		snprintf(input, sizeof(input), "%s%s%s", parts[i % count], parts[i / count % count], parts[i / count / count]);
		cmd = template_command(template, input, i);
		assert_int_equal(brood_command_stages(cmd), 2);
		assert_int_equal(words_in(cmd, 0), 6);
		assert_int_equal(words_in(cmd, 1), 4);
		brood_command_free(cmd);
	}
	template_free(template);
}

static void test_every_byte_arrives_exactly(void **state)
{
	char input[256] = "", expected[3 * 256 + 8];
	struct template *template = template_of(true, (const char *[]){ support_child(), "args", "{}", "<{}>" }, 4);
	size_t size, got_size;
	brood_result *result;
	brood_command *cmd;
	const char *got;

	for (int i = 1; i < 256; i++)
		input[i - 1] = (char)i;
	size = (size_t)snprintf(expected, sizeof(expected), "%s%c<%s>", input, 0, input) + 1;
	cmd = template_command(template, input, 1);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	result = run(cmd);
	got = brood_result_output(result, BROOD_STDOUT, &got_size);
	assert_int_equal(got_size, size);
	assert_memory_equal(got, expected, size);
	brood_result_free(result);
	template_free(template);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_hole_is_filled_with_the_input),
		brood_test(test_text_around_a_hole_stays_in_its_word),
		brood_test(test_a_word_may_have_many_holes),
		brood_test(test_the_number_is_decimal),
		brood_test(test_braces_that_are_no_hole_stay),
		brood_test(test_holes_in_an_input_are_not_filled_again),
		brood_test(test_the_programs_name_may_be_a_hole),
		brood_test(test_an_empty_programs_name_cannot_be_started),
		brood_test(test_a_command_without_a_hole_gets_the_input_last),
		brood_test(test_a_number_alone_is_a_hole_too),
		brood_test(test_a_chain_without_a_hole_is_a_mistake),
		brood_test(test_what_chain_read_refuses_is_refused_with_its_words),
		brood_test(test_stages_stay_stages),
		brood_test(test_the_text_is_the_template_as_it_was_given),
		brood_test(test_the_stem_has_no_last_extension),
		brood_test(test_the_stem_keeps_dots_that_begin_no_extension),
		brood_test(test_the_name_is_what_basename_prints),
		brood_test(test_the_folder_is_what_dirname_prints),
		brood_test(test_no_input_changes_the_number_of_words),
		brood_test(test_every_byte_arrives_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
