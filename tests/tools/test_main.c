/* SPDX-License-Identifier: MIT */
/* The command as its users type it: which verb is asked for, what it says about itself, and which descriptors it may have. */
#include "support/support.h"

#include <brood.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "suites/examples.h"

/* brood with these words, which blanks divide. */
static brood_command *command(const char *words)
{
	const char *path = getenv("BROOD_COMMAND");

	skip_unless(path && *path, "BROOD_COMMAND does not say where the command is");
	brood_command *cmd = brood_command_newl(path, NULL);
	if (*words)
		args(cmd, words);
	brood_command_unsetenv(cmd, "LD_PRELOAD");
	brood_command_set_timeout_ms(cmd, 120000);
	brood_command_set_new_group(cmd, true);
	return cmd;
}

static void expect_said(const char *words, int status, const char *said)
{
	struct ran ran = run(command(words));

	assert_status(&ran, status);
	assert_string_equal(ran.out, "");
	assert_string_equal(ran.err, said);
	ran_done(&ran);
}

static void expect_shown(const char *words, const char *shown)
{
	struct ran ran = run(command(words));

	assert_status(&ran, 0);
	assert_string_equal(ran.err, "");
	assert_has(ran.out, shown);
	ran_done(&ran);
}

static void test_version_is_the_librarys(void **state)
{
	expect_shown("--version", "brood " BROOD_VERSION "\n");
	expect_shown("run --version", "brood " BROOD_VERSION "\n");
	expect_shown("map --version", "brood " BROOD_VERSION "\n");
}

static void test_help_names_the_verbs(void **state)
{
	expect_shown("help", "usage: brood run");
	expect_shown("--help", "brood map [OPTION...]");
	expect_shown("-h", "brood help [run|map]");
	expect_shown("help help", "brood help [run|map]");
}

static void test_help_of_a_verb_is_that_verbs(void **state)
{
	expect_shown("help run", "--limit-output=SIZE");
	expect_shown("run --help", "--limit-output=SIZE");
	expect_shown("help map", "--keep-order");
	expect_shown("map --help", "--keep-order");
}

static void test_help_of_what_is_no_verb_is_a_mistake(void **state)
{
	expect_said("help mpa", 125, "brood: unknown command 'mpa'; did you mean 'map'?\n");
	expect_said("help run map", 125, "brood: help is about one command at a time\n");
}

static void test_an_unknown_verb_is_told_with_the_near_one(void **state)
{
	expect_said("mpa", 125, "brood: unknown command 'mpa'; did you mean 'map'?\n");
	expect_said("hlep", 125, "brood: unknown command 'hlep'; did you mean 'help'?\n");
	expect_said("xyzzy", 125, "brood: unknown command 'xyzzy'; the commands are run, map and help\n");
	expect_said("\x1b[1m", 125, "brood: unknown command '\\x1b[1m'; the commands are run, map and help\n");
}

static void test_no_verb_is_a_mistake(void **state)
{
	expect_said("", 125, "brood: no command; 'brood help' says what there is\n");
}

static void test_an_unknown_option_before_the_verb_is_a_mistake(void **state)
{
	expect_said("--hlep run", 125, "brood: unknown option --hlep; did you mean --help?\n");
	expect_said("-x run", 125, "brood: unknown option -x\n");
}

static void test_a_mistake_is_told_by_the_verb_that_found_it(void **state)
{
	expect_said("run --timeout 5x true", 125, "brood run: --timeout: '5x': unknown unit 'x' (ms, s, m, h, d)\n");
	expect_said("run --timout 5 true", 125, "brood run: unknown option --timout; did you mean --timeout?\n");
	expect_said("map --resume true", 125, "brood map: --resume needs --log: only a log knows what has succeeded\n");
}

/* The shell opens, closes and tells the status; its own status is that of brood. */
static struct ran run_in_shell(const char *script)
{
	const char *path = getenv("BROOD_COMMAND");

	skip_unless(path && *path, "BROOD_COMMAND does not say where the command is");
	brood_command *cmd = brood_command_newl("/bin/sh", "-c", script, "sh", path, NULL);
	brood_command_unsetenv(cmd, "LD_PRELOAD");
	brood_command_set_timeout_ms(cmd, 120000);
	return run(cmd);
}

static void test_help_to_a_full_disk_is_an_error(void **state)
{
	struct ran ran = run_in_shell("test -c /dev/full || exit 77; exec \"$1\" help map >/dev/full");

	skip_unless(ran.status != 77, "no /dev/full");
	assert_status(&ran, 125);
	assert_string_equal(ran.err, "brood map: standard output: No space left on device\n");
	ran_done(&ran);
}

static void test_help_to_a_closed_standard_output_is_an_error(void **state)
{
	struct ran ran = run_in_shell("exec \"$1\" --version >&-");

	assert_status(&ran, 125);
	assert_string_equal(ran.err, "brood: standard output: Bad file descriptor\n");
	ran_done(&ran);
}

static void test_a_mistake_with_standard_error_closed_has_its_status(void **state)
{
	struct ran ran = run_in_shell("exec \"$1\" xyzzy 2>&-");

	assert_status(&ran, 125);
	assert_string_equal(ran.out, "");
	assert_string_equal(ran.err, "");
	ran_done(&ran);
}

/* With 2 closed the first file that is opened is 2, and what is said goes into it. */
static void test_a_file_that_is_opened_never_becomes_standard_error(void **state)
{
	char path[4096], script[8192], *text;

	support_path(path, sizeof(path), "end.json");
	snprintf(script, sizeof(script), "exec \"$1\" run --json='%s' -- /nonexistent/program <&- >&- 2>&-", path);
	struct ran ran = run_in_shell(script);
	assert_status(&ran, 127);
	ran_done(&ran);
	text = support_read_file(path, NULL);
	assert_non_null(text);
	assert_int_equal(text[0], '{');
	assert_null(strstr(text, "brood run:"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_version_is_the_librarys),
		brood_test(test_help_names_the_verbs),
		brood_test(test_help_of_a_verb_is_that_verbs),
		brood_test(test_help_of_what_is_no_verb_is_a_mistake),
		brood_test(test_an_unknown_verb_is_told_with_the_near_one),
		brood_test(test_no_verb_is_a_mistake),
		brood_test(test_an_unknown_option_before_the_verb_is_a_mistake),
		brood_test(test_a_mistake_is_told_by_the_verb_that_found_it),
		brood_test(test_help_to_a_full_disk_is_an_error),
		brood_test(test_help_to_a_closed_standard_output_is_an_error),
		brood_test(test_a_mistake_with_standard_error_closed_has_its_status),
		brood_test(test_a_file_that_is_opened_never_becomes_standard_error),
	};

	return cmocka_run_group_tests_name("main", tests, NULL, NULL);
}
