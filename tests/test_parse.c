/* SPDX-License-Identifier: MIT */
/* lib/command/parse.c: which lines are commands, of which words, and where the others are refused. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command/description.h"
#include "support/support.h"

/* ---- lines that are commands ---- */

struct reading {
	const char *line;
	const char *words;      /* each word in angle brackets, a bar between stages */
};

static void put_words(const brood_command *cmd, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < cmd->stage_count; i++) {
		char *const *words = strv_list(&cmd->stages[i].argv);

		used += (size_t)snprintf(text + used, size - used, "%s", i > 0 ? "|" : "");
		for (size_t j = 0; words[j]; j++)
			used += (size_t)snprintf(text + used, size - used, "<%s>", words[j]);
	}
}

static void check_readings(const struct reading *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		brood_command *cmd = NULL;
		char words[512];
		int r = brood_command_parse(table[i].line, &cmd);

		assert_non_null(cmd);
		if (r < 0)
			fail_msg("'%s' is refused: %s", table[i].line, brood_command_error(cmd));
		assert_null(brood_command_error(cmd));
		put_words(cmd, words, sizeof(words));
		assert_string_equal(words, table[i].words);
		brood_command_free(cmd);
	}
}

#define check_table(check, table) check(table, sizeof(table) / sizeof((table)[0]))

static void test_blanks_separate_words(void **state)
{
	static const struct reading table[] = {
		{ "ls", "<ls>" },
		{ "  ls\t -l   /tmp  ", "<ls><-l></tmp>" },
		{ "openssl md5|cat", "<openssl><md5>|<cat>" },
		{ "a | b | c", "<a>|<b>|<c>" },
	};

	check_table(check_readings, table);
}

static void test_single_quotes_keep_every_byte(void **state)
{
	static const struct reading table[] = {
		{ "echo 'a b'", "<echo><a b>" },
		{ "echo 'a'\\''b'", "<echo><a'b>" },
		{ "echo '$HOME `x` \\n \"'", "<echo><$HOME `x` \\n \">" },
		{ "echo '& ; < > ( ) * ? [ # ~ ! | {a,b}'", "<echo><& ; < > ( ) * ? [ # ~ ! | {a,b}>" },
		{ "echo 'a\nb'", "<echo><a\nb>" },
		{ "echo ''", "<echo><>" },
		{ "echo ''a''", "<echo><a>" },
		{ "'a b' c", "<a b><c>" },
	};

	check_table(check_readings, table);
}

static void test_double_quotes_know_four_escapes(void **state)
{
	static const struct reading table[] = {
		{ "echo \"a b\"", "<echo><a b>" },
		{ "echo \"\\$ \\` \\\" \\\\\"", "<echo><$ ` \" \\>" },
		{ "echo \"\\n \\' \\a\"", "<echo><\\n \\' \\a>" },
		{ "echo \"it's\"", "<echo><it's>" },
		{ "echo \"* ? [ ; & | < > # ~ !\"", "<echo><* ? [ ; & | < > # ~ !>" },
		{ "echo \"\"", "<echo><>" },
		{ "echo \"a\nb\"", "<echo><a\nb>" },
		{ "echo a\"b\"'c'd", "<echo><abcd>" },
	};

	check_table(check_readings, table);
}

static void test_a_backslash_quotes_one_character(void **state)
{
	static const struct reading table[] = {
		{ "echo a\\ b", "<echo><a b>" },
		{ "echo \\$HOME \\* \\| \\\\ \\n", "<echo><$HOME><*><|><\\><n>" },
		{ "echo \\#x \\~ \\' \\\"", "<echo><#x><~><'><\">" },
	};

	check_table(check_readings, table);
}

static void test_what_a_shell_leaves_alone_is_a_word(void **state)
{
	static const struct reading table[] = {
		{ "find . ! -name x", "<find><.><!><-name><x>" },
		{ "a! b!", "<a!><b!>" },
		{ "echo a#b c~d ]", "<echo><a#b><c~d><]>" },
		{ "wc -l {}", "<wc><-l><{}>" },
		{ "echo {a} { } } a{b", "<echo><{a}><{><}><}><a{b>" },
		{ "echo a,b 1..2 },{", "<echo><a,b><1..2><},{>" },
		{ "{}", "<{}>" },
		{ "'!' x", "<!><x>" },
		{ "dd if=a of=b", "<dd><if=a><of=b>" },
		{ "1A=b", "<1A=b>" },
		{ "'A'=b", "<A=b>" },
		{ "./A=b =x", "<./A=b><=x>" },
		{ "echo %d ^ + @ : - _ \xc3\xa9", "<echo><%d><^><+><@><:><-><_><\xc3\xa9>" },
	};

	check_table(check_readings, table);
}

/* ---- lines that are refused ---- */

struct refusal {
	const char *line;
	const char *start;      /* of the sentence */
};

static void check_refusals(const struct refusal *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		brood_command *cmd = NULL;
		int r = brood_command_parse(table[i].line, &cmd);

		if (r != -EINVAL)
			fail_msg("'%s' is taken", table[i].line);
		assert_non_null(cmd);
		assert_int_equal(cmd->error, -EINVAL);
		if (strncmp(brood_command_error(cmd), table[i].start, strlen(table[i].start)) != 0)
			fail_msg("'%s': %s", table[i].line, brood_command_error(cmd));
		brood_command_free(cmd);
	}
}

static void test_what_a_shell_would_act_on_is_refused_with_its_column(void **state)
{
	static const struct refusal table[] = {
		{ "a &", "parse: column 3: '&'" },
		{ "a && b", "parse: column 3: '&'" },
		{ "a |& b", "parse: column 4: '&'" },
		{ "a; b", "parse: column 2: ';'" },
		{ "a <b", "parse: column 3: '<'" },
		{ "a 2>b", "parse: column 4: '>'" },
		{ "(a)", "parse: column 1: '('" },
		{ "a )", "parse: column 3: ')'" },
		{ "echo $HOME", "parse: column 6: '$' would be expanded by a shell" },
		{ "echo x$", "parse: column 7: '$'" },
		{ "echo `a`", "parse: column 6: '`'" },
		{ "ls *.c", "parse: column 4: '*'" },
		{ "ls a?", "parse: column 5: '?'" },
		{ "[ -f x ]", "parse: column 1: '['" },
		{ "a #b", "parse: column 3: '#'" },
		{ "#a", "parse: column 1: '#'" },
		{ "ls ~/x", "parse: column 4: '~'" },
		{ "! a", "parse: column 1: '!'" },
		{ "a | ! b", "parse: column 5: '!'" },
		{ "{ a", "parse: column 1: '{'" },
		{ "}", "parse: column 1: '}'" },
		{ "echo {a,b}", "parse: column 6: '{'" },
		{ "echo x{1..9}", "parse: column 7: '{'" },
		{ "echo {a{b,c}", "parse: column 8: '{'" },
		{ "echo {},a}", "parse: column 6: '{'" },
		{ "a\nb", "parse: column 2: a newline" },
		{ "a\n", "parse: column 2: a newline" },
		{ "a\\\nb", "parse: column 2: '\\'" },
		{ "A=b c", "parse: column 1: NAME=value" },
		{ "x | _A1=", "parse: column 5: NAME=value" },
		{ "echo \"a $x\"", "parse: column 9: '$'" },
		{ "echo \"`x`\"", "parse: column 7: '`'" },
		{ "echo \"a\\\nb\"", "parse: column 8: '\\'" },
		{ "echo \xc3\xa9 $", "parse: column 9: '$'" },
	};

	check_table(check_refusals, table);
}

static void test_unbalanced_quotes_are_refused_where_they_open(void **state)
{
	static const struct refusal table[] = {
		{ "echo 'a", "parse: column 6: '''" },
		{ "echo \"a", "parse: column 6: '\"'" },
		{ "echo a'", "parse: column 7: '''" },
		{ "echo \"a\\\"", "parse: column 6: '\"'" },
		{ "echo a\\", "parse: column 7: '\\'" },
	};

	check_table(check_refusals, table);
}

static void test_empty_stages_are_refused(void **state)
{
	static const struct refusal table[] = {
		{ "", "parse: column 1: there is no command" },
		{ " \t ", "parse: column 4: there is no command" },
		{ "|", "parse: column 1: '|' has no command before it" },
		{ "| a", "parse: column 1: '|' has no command before it" },
		{ "a |", "parse: column 3: '|' has no command after it" },
		{ "a |  ", "parse: column 3: '|' has no command after it" },
		{ "a | | b", "parse: column 5: '|' has no command before it" },
		{ "a || b", "parse: column 3: '||'" },
		{ "'' a", "parse: column 1: the program's name is empty" },
		{ "a | \"\"", "parse: column 5: the program's name is empty" },
	};

	check_table(check_refusals, table);
}

static void test_null_is_refused(void **state)
{
	brood_command *cmd = NULL;

	assert_int_equal(brood_command_parse(NULL, &cmd), -EINVAL);
	assert_string_equal(brood_command_error(cmd), "parse: the line is NULL");
	brood_command_free(cmd);
	assert_int_equal(brood_command_parse("a", NULL), -EINVAL);
}

static void test_a_thousand_stages_are_read(void **state)
{
	char line[4000] = "a";
	brood_command *cmd = NULL;

	for (int i = 1; i < 1000; i++)
		strcpy(line + 1 + (i - 1) * 2, "|a");
	assert_int_equal(brood_command_parse(line, &cmd), 0);
	assert_int_equal(cmd->stage_count, 1000);
	brood_command_free(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_blanks_separate_words),
		brood_test(test_single_quotes_keep_every_byte),
		brood_test(test_double_quotes_know_four_escapes),
		brood_test(test_a_backslash_quotes_one_character),
		brood_test(test_what_a_shell_leaves_alone_is_a_word),
		brood_test(test_what_a_shell_would_act_on_is_refused_with_its_column),
		brood_test(test_unbalanced_quotes_are_refused_where_they_open),
		brood_test(test_empty_stages_are_refused),
		brood_test(test_null_is_refused),
		brood_test(test_a_thousand_stages_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
