/* SPDX-License-Identifier: MIT */
/* Operands become chains; settings reach them; chains show as a shell would need them. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "support/running.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"

static const struct chain_settings no_settings = { .grace_ms = -1, .linger_ms = -1 };

static int read_operands(bool after_dashes, const char *const *words, brood_command **ret_cmd, char **ret_why)
{
	struct operands operands = { .words = (char **)(uintptr_t)words, .after_dashes = after_dashes };

	while (words[operands.count])
		operands.count++;
	return chain_read(&operands, ret_cmd, ret_why);
}

static brood_command *chain_of(bool after_dashes, const char *const *words)
{
	brood_command *cmd = NULL;
	char *why = NULL;

	if (read_operands(after_dashes, words, &cmd, &why) < 0)
		fail_msg("%s", why);
	return cmd;
}

#define words(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void expect_mistake(const char *const *operands, bool after_dashes, const char *expected)
{
	brood_command *cmd = NULL;
	char *why = NULL;

	assert_int_equal(read_operands(after_dashes, operands, &cmd, &why), -EINVAL);
	assert_null(cmd);
	assert_non_null(strstr(why, expected));
	assert_null(strstr(why, "brood_"));
	free(why);
}

static void expect_words(const brood_command *cmd, size_t stage, const char *const *expected)
{
	const char *const *argv = brood_command_argv(cmd, stage);
	size_t i = 0;

	assert_non_null(argv);
	for (; expected[i]; i++)
		assert_string_equal(argv[i], expected[i]);
	assert_null(argv[i]);
}

/* ---- operands ---- */

static void test_one_operand_is_a_line(void **state)
{
	brood_command *cmd = chain_of(false, words("a 'b c' | d"));

	(void)state;
	assert_int_equal(brood_command_stages(cmd), 2);
	expect_words(cmd, 0, words("a", "b c"));
	expect_words(cmd, 1, words("d"));
	brood_command_free(cmd);
}

static void test_several_operands_are_words_and_bars_stand_between_stages(void **state)
{
	brood_command *cmd = chain_of(false, words("a", "b c", "|x", "|", "d", "$e;", "|", "f"));

	(void)state;
	assert_int_equal(brood_command_stages(cmd), 3);
	expect_words(cmd, 0, words("a", "b c", "|x"));
	expect_words(cmd, 1, words("d", "$e;"));
	expect_words(cmd, 2, words("f"));
	brood_command_free(cmd);
}

static void test_one_operand_behind_dashes_is_a_word(void **state)
{
	brood_command *cmd = chain_of(true, words("a 'b"));

	(void)state;
	expect_words(cmd, 0, words("a 'b"));
	brood_command_free(cmd);
}

static void test_a_mistake_in_a_line_names_its_column_and_no_function(void **state)
{
	(void)state;
	expect_mistake(words("ls 'x"), false, "column 4");
	expect_mistake(words("ls > x"), false, "column 4: '>' would redirect: quote it, or run sh -c '...'");
	expect_mistake(words("ls & wc"), false, "column 4");
	expect_mistake(words("A=1 ls"), false, "column 1: NAME=value before a program is the shell's: -E sets a variable");
	expect_mistake(words("ls |"), false, "has no command after it");
	expect_mistake(words(""), false, "there is no command");
}

static void test_an_empty_stage_among_words_is_named_by_its_number(void **state)
{
	(void)state;
	expect_mistake(words("|", "a"), false, "stage 1 has no words");
	expect_mistake(words("a", "|"), false, "stage 2 has no words");
	expect_mistake(words("a", "|", "|", "b"), false, "stage 2 has no words");
	expect_mistake(words("a", "|", "", "b"), false, "stage 2: the name of its program is empty");
	expect_mistake(words("|"), true, "stage 1 has no words");
}

static void test_no_operand_is_a_mistake(void **state)
{
	(void)state;
	expect_mistake((const char *const[]){ NULL }, false, "no command was given");
	expect_mistake((const char *const[]){ NULL }, true, "no command was given");
}

/* ---- settings ---- */

static brood_result *run_with(const struct chain_settings *settings, brood_command *cmd)
{
	char *why = NULL;

	if (chain_apply(settings, cmd, &why) < 0)
		fail_msg("%s", why);
	return run(cmd);
}

static void test_without_settings_a_chain_runs_as_it_is(void **state)
{
	brood_result *result = run_with(&no_settings, child("exit", "3"));

	(void)state;
	assert_int_equal(brood_result_shell_status(result), 3);
	brood_result_free(result);
}

static void test_a_timeout_of_0_or_inf_is_none_and_any_other_stops_the_chain(void **state)
{
	struct chain_settings settings = no_settings;
	brood_result *result;

	(void)state;
	result = run_with(&settings, child("sleep", "20"));
	assert_true(brood_result_ok(result));
	brood_result_free(result);
	settings.timeout_ms = INT64_MAX;
	result = run_with(&settings, child("sleep", "20"));
	assert_true(brood_result_ok(result));
	brood_result_free(result);
	settings.timeout_ms = 20;
	result = run_with(&settings, child("sleep-forever"));
	assert_int_equal(brood_result_cause(result, 0), BROOD_BY_DEADLINE);
	brood_result_free(result);
}

static void test_signal_and_grace_are_those_of_the_stop(void **state)
{
	struct chain_settings settings = no_settings;
	brood_result *result;

	(void)state;
	settings.timeout_ms = 20;
	settings.signal = SIGUSR1;
	result = run_with(&settings, child("sleep-forever"));
	assert_int_equal(brood_result_signal(result, 0), SIGUSR1);
	brood_result_free(result);
	settings.grace_ms = 0;
	result = run_with(&settings, child("sleep-forever"));
	assert_int_equal(brood_result_signal(result, 0), SIGKILL);
	brood_result_free(result);
}

static void test_variables_are_set_and_taken_away_in_their_order(void **state)
{
	const char *items[] = { "A=1", "HOME", "A=2=3", "B=" };
	struct chain_settings settings = no_settings;
	brood_command *cmd = child("getenv", "A", "getenv", "HOME", "getenv", "B");
	brood_result *result;

	(void)state;
	settings.environment = (struct option_list){ .items = items, .count = 4 };
	brood_command_capture(cmd, 1, 0);
	result = run_with(&settings, cmd);
	assert_string_equal(brood_result_output(result, 1, NULL), "2=3\n(unset)\n\n");
	brood_result_free(result);
}

static void test_a_variable_without_a_name_is_a_mistake(void **state)
{
	const char *bad[] = { "=x", "" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct chain_settings settings = no_settings;
		brood_command *cmd = child("exit", "0");
		char *why = NULL;

		settings.environment = (struct option_list){ .items = &bad[i], .count = 1 };
		assert_int_equal(chain_apply(&settings, cmd, &why), -EINVAL);
		assert_non_null(strstr(why, "the name of the variable is missing"));
		free(why);
		brood_command_free(cmd);
	}
}

static void test_the_directory_is_the_chain_s(void **state)
{
	struct chain_settings settings = no_settings;
	brood_command *cmd = child("cwd");
	brood_result *result;

	(void)state;
	settings.directory = "/";
	brood_command_capture(cmd, 1, 0);
	result = run_with(&settings, cmd);
	assert_string_equal(brood_result_output(result, 1, NULL), "/\n");
	brood_result_free(result);
}

/* 0 where the system has no such thing: that start must work all the same. */
static void test_a_chain_is_told_to_die_with_us_where_that_can_be(void **state)
{
	brood_command *cmd = child("pdeathsig");
	brood_result *result;
	const char *told;

	(void)state;
	brood_command_capture(cmd, 1, 0);
	result = run_with(&no_settings, cmd);
	told = brood_result_output(result, 1, NULL);
	assert_true(strcmp(told, "9\n") == 0 || strcmp(told, "0\n") == 0);
	brood_result_free(result);
}

static void ignored_part(void *data)
{
	brood_command *cmd = child("signals");
	brood_result *result;

	(void)data;
	signal(SIGHUP, SIG_IGN);
	brood_command_capture(cmd, 1, 0);
	result = run_with(&no_settings, cmd);
	assert_true(support_field(brood_result_output(result, 1, NULL), "ignored", 16) & 1 << (SIGHUP - 1));
	brood_result_free(result);
}

static void test_what_we_ignore_the_chain_ignores(void **state)
{
	(void)state;
	support_assert_in_fork(ignored_part, NULL);
}

/* ---- showing ---- */

static char *printed(const brood_command *cmd)
{
	int fd[2];
	char *text;

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_int_equal(chain_print(cmd, fd[1]), 0);
	close(fd[1]);
	text = support_read_all(fd[0], NULL);
	close(fd[0]);
	return text;
}

static void test_a_chain_shows_one_stage_a_line_and_a_bar_in_a_word_is_no_stage(void **state)
{
	brood_command *cmd = chain_of(true, words("a", "b | c", "it's | x", "|", "d\\", "|", "e"));
	char *text = printed(cmd);

	(void)state;
	assert_string_equal(text, "a 'b | c' 'it'\\''s | x' |\n'd\\' |\ne\n");
	free(text);
	brood_command_free(cmd);
}

static void test_a_chain_that_cannot_be_shown_says_so(void **state)
{
	brood_command *cmd = chain_of(true, words("a"));
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	skip_unless(fd >= 0, "there is no /dev/full");
	assert_int_equal(chain_print(cmd, fd), -ENOSPC);
	close(fd);
	brood_command_free(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_one_operand_is_a_line),
		brood_test(test_several_operands_are_words_and_bars_stand_between_stages),
		brood_test(test_one_operand_behind_dashes_is_a_word),
		brood_test(test_a_mistake_in_a_line_names_its_column_and_no_function),
		brood_test(test_an_empty_stage_among_words_is_named_by_its_number),
		brood_test(test_no_operand_is_a_mistake),
		brood_test(test_without_settings_a_chain_runs_as_it_is),
		brood_test(test_a_timeout_of_0_or_inf_is_none_and_any_other_stops_the_chain),
		brood_test(test_signal_and_grace_are_those_of_the_stop),
		brood_test(test_variables_are_set_and_taken_away_in_their_order),
		brood_test(test_a_variable_without_a_name_is_a_mistake),
		brood_test(test_the_directory_is_the_chain_s),
		brood_test(test_a_chain_is_told_to_die_with_us_where_that_can_be),
		brood_test(test_what_we_ignore_the_chain_ignores),
		brood_test(test_a_chain_shows_one_stage_a_line_and_a_bar_in_a_word_is_no_stage),
		brood_test(test_a_chain_that_cannot_be_shown_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
