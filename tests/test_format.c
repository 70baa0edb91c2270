/* SPDX-License-Identifier: MIT */
/* lib/command/format.c, format_redirect.c, shell.c: the text, and that a shell reads it back to the same effect. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/description.h"
#include "support/support.h"

static brood_command *prog(const char *name)
{
	return brood_command_newl(name, NULL);
}

static int do_nothing(void *data)
{
	return 0;
}

/* Compare and free the command. */
static void check_text(brood_command *cmd, const char *expected)
{
	char *text = brood_command_format(cmd);

	assert_non_null(text);
	if (brood_command_error(cmd))
		fail_msg("%s", brood_command_error(cmd));
	assert_string_equal(text, expected);
	free(text);
	brood_command_free(cmd);
}

/* Run the text in the system's shell; *ret is what it wrote to stdout, NUL-terminated. Frees the command. */
static void run_in_shell(brood_command *cmd, char *ret, size_t size)
{
	char *text = brood_command_format(cmd);
	FILE *shell;
	size_t used;

	assert_non_null(text);
	shell = popen(text, "r");
	assert_non_null(shell);
	used = fread(ret, 1, size - 1, shell);
	ret[used] = '\0';
	if (pclose(shell) != 0)
		fail_msg("%s", text);
	free(text);
	brood_command_free(cmd);
}

static void check_output(brood_command *cmd, const char *expected)
{
	char output[4096];

	run_in_shell(cmd, output, sizeof(output));
	assert_string_equal(output, expected);
}

static brood_command *script(const char *text)
{
	return brood_command_newl("sh", "-c", text, NULL);
}

/* ---- words ---- */

static void test_plain_words_are_not_quoted(void **state)
{
	check_text(brood_command_newl("openssl", "enc", "-aes-256-ctr", "-pass", "env:PW", "a=b", "./x/y.c,1+2@3%", NULL),
		   "openssl enc -aes-256-ctr -pass env:PW a=b ./x/y.c,1+2@3%");
}

static void test_other_words_are_in_single_quotes(void **state)
{
	check_text(brood_command_newl("a", "", "b c", "it's", "$x", "~", "#", "{}", "*", "\xc3\xa9", NULL),
		   "a '' 'b c' 'it'\\''s' '$x' '~' '#' '{}' '*' '\xc3\xa9'");
}

static void test_keywords_and_builtins_stay_programs(void **state)
{
	check_text(prog("if"), "'if'");
	check_text(prog("A=b"), "'A=b'");
	check_text(prog("it's=x"), "'it'\\''s=x'");
	check_text(prog("exit"), "env exit");
	check_text(prog("-x"), "-x");
	check_text(prog("true"), "true");
	check_text(brood_command_newl("echo", "a b", NULL), "echo 'a b'");
	check_text(brood_command_newl("echo", "-e", NULL), "env echo -e");
	check_text(brood_command_newl("echo", "a\\n", NULL), "env echo 'a\\n'");
}

static void test_the_program_shows_where_it_is_not_the_first_word(void **state)
{
	brood_command *cmd = brood_command_newl("-sh", "x", NULL);

	brood_command_set_program(cmd, "/bin/sh");
	check_text(cmd, "/bin/sh x");
}

static void test_a_function_shows_as_its_name(void **state)
{
	check_text(brood_command_function("count 'em", do_nothing, NULL), "'<count '\\''em>'");
}

static void test_every_byte_survives_the_shell(void **state)
{
	char bytes[256], output[1024];
	brood_command *cmd = brood_command_newl("printf", "%s", NULL);

	for (int i = 1; i < 256; i++)
		bytes[i - 1] = (char)i;
	bytes[255] = '\0';
	brood_command_arg(cmd, bytes);
	run_in_shell(cmd, output, sizeof(output));
	assert_string_equal(output, bytes);
}

static void test_a_formatted_line_parses_back(void **state)
{
	brood_command *cmd = brood_pipe(brood_command_newl("a", "it's", "$x | *", "", NULL), brood_command_newl("b", "\\", NULL));
	brood_command *again = NULL;
	char *text = brood_command_format(cmd);

	assert_int_equal(brood_command_parse(text, &again), 0);
	check_text(again, text);
	free(text);
	brood_command_free(cmd);
}

/* ---- environment, directory, umask, nice ---- */

static void test_environment_is_an_env_prefix(void **state)
{
	brood_command *cmd = brood_command_newl("a", "b", NULL);

	brood_command_unsetenv(cmd, "U");
	brood_command_setenv(cmd, "N", "old");
	brood_command_setenv(cmd, "V", "x y");
	brood_command_unsetenv(cmd, "W");
	brood_command_setenv(cmd, "N", "");
	brood_command_setenv(cmd, "W", "1");
	check_text(cmd, "env -u U N= V='x y' W=1 a b");
}

static void test_a_cleared_environment_is_env_i(void **state)
{
	brood_command *cmd = prog("a");

	brood_command_setenv(cmd, "GONE", "1");
	brood_command_clearenv(cmd);
	check_text(brood_command_copy(cmd), "env -i a");
	brood_command_setenv(cmd, "-x", "1");
	brood_command_unsetenv(cmd, "Y");
	check_text(cmd, "env -i -- -x=1 a");
}

static void test_the_shell_gives_the_same_environment(void **state)
{
	brood_command *cmd = prog("env");

	brood_command_clearenv(cmd);
	brood_command_setenv(cmd, "A", "it's $x\n");
	brood_command_setenv(cmd, "B", "");
	check_output(cmd, "A=it's $x\n\nB=\n");
}

static void test_directory_and_umask_take_a_subshell(void **state)
{
	brood_command *cmd = brood_command_newl("a", NULL);

	brood_command_chdir(cmd, "/x y");
	brood_command_set_umask(cmd, 027);
	brood_command_redirect_path(cmd, 1, "out", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	check_text(cmd, "(cd '/x y' && umask 0027 && a) >out");
	cmd = prog("a");
	brood_command_chdir(cmd, "-");
	check_text(cmd, "(cd ./- && a)");
	cmd = prog("a");
	brood_command_fchdir(cmd, 5);
	check_text(cmd, "(cd /dev/fd/5 && a)");
}

static void test_the_shell_goes_to_the_directory(void **state)
{
	brood_command *cmd = script("/bin/pwd; umask");

	brood_command_chdir(cmd, "/usr/lib/..");
	brood_command_set_umask(cmd, 027);
	check_output(cmd, "/usr\n0027\n");
}

static void test_a_relative_program_is_the_callers(void **state)
{
	brood_command *cmd = brood_command_newl("./x", "y", NULL);

	brood_command_chdir(cmd, "/");
	check_text(cmd, "(cd / && \"$OLDPWD\"/./x y)");
}

static void test_nice_is_a_prefix(void **state)
{
	brood_command *cmd = prog("a");

	brood_command_set_nice(cmd, 5);
	check_text(brood_command_copy(cmd), "nice -n 5 a");
	brood_command_setenv(cmd, "A", "b");
	check_text(cmd, "nice -n 5 env A=b a");
}

/* Not an option of nice's. */
static void test_a_program_whose_name_begins_with_a_dash_comes_after_two(void **state)
{
	brood_command *cmd = prog("-a");

	brood_command_set_nice(cmd, 5);
	check_text(cmd, "nice -n 5 -- -a");
}

/* ---- redirections ---- */

static void test_redirections_by_kind(void **state)
{
	brood_command *cmd = prog("a");

	brood_command_redirect_path(cmd, 0, "/in", O_RDONLY, 0);
	brood_command_redirect_path(cmd, 1, "/out put", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	brood_command_redirect_path(cmd, 2, "/log", O_WRONLY | O_CREAT | O_APPEND, 0666);
	brood_command_redirect_path(cmd, 3, "/both", O_RDWR | O_CREAT, 0666);
	brood_command_redirect_null(cmd, 4);
	brood_command_redirect_fd(cmd, 5, 9);
	brood_command_redirect_merge(cmd, 6, 1);
	check_text(cmd, "a </in >'/out put' 2>>/log 3<>/both 4<>/dev/null 5>&9 6>&1");
	cmd = prog("a");
	for (int fd = 0; fd < 3; fd++)
		brood_command_redirect_null(cmd, fd);
	check_text(cmd, "a </dev/null >/dev/null 2>/dev/null");
}

static void test_what_leads_to_the_handle_does_not_show(void **state)
{
	brood_command *cmd = prog("a");

	brood_command_feed(cmd, "x", 1);
	brood_command_capture(cmd, 1, 0);
	brood_command_redirect_merge(cmd, 2, 1);
	brood_command_redirect_pipe(cmd, 3);
	brood_command_redirect_inherit(cmd, 4);
	check_text(cmd, "a 2>&1");
}

static void test_a_merge_comes_after_what_it_refers_to(void **state)
{
	brood_command *cmd = prog("a");

	brood_command_redirect_merge(cmd, 3, 2);
	brood_command_redirect_merge(cmd, 2, 1);
	brood_command_redirect_path(cmd, 1, "/x", O_WRONLY | O_TRUNC, 0);
	check_text(cmd, "a >/x 2>&1 3>&2");
}

static void test_a_copy_comes_before_what_overwrites_its_source(void **state)
{
	brood_command *cmd = prog("a");

	brood_command_redirect_null(cmd, 1);
	brood_command_redirect_fd(cmd, 2, 1);
	check_text(cmd, "a 2>&1 >/dev/null");
}

static void test_a_swap_goes_through_a_spare_descriptor(void **state)
{
	brood_command *cmd = prog("a");

	brood_command_redirect_fd(cmd, 1, 2);
	brood_command_redirect_fd(cmd, 2, 1);
	check_text(cmd, "{ a 2>&1 >&3 3>&-; } 3>&2");
}

static void test_two_swaps_take_two_spare_descriptors(void **state)
{
	brood_command *cmd = prog("a");

	brood_command_redirect_fd(cmd, 1, 2);
	brood_command_redirect_fd(cmd, 2, 1);
	brood_command_redirect_fd(cmd, 5, 6);
	brood_command_redirect_fd(cmd, 6, 5);
	check_text(cmd, "{ a 2>&1 >&3 6>&5 5>&4 3>&- 4>&-; } 3>&2 4>&6");
}

static void test_a_spare_descriptor_is_one_that_the_command_does_not_use(void **state)
{
	brood_command *cmd = prog("a");

	brood_command_redirect_fd(cmd, 1, 2);
	brood_command_redirect_fd(cmd, 2, 1);
	brood_command_redirect_null(cmd, 3);
	check_text(cmd, "{ a 3<>/dev/null 2>&1 >&4 4>&-; } 4>&2");
}

static void test_what_is_copied_twice_from_outside_a_chain_is_kept_once(void **state)
{
	brood_command *first = script("echo through; echo two >&2; echo four >&4"), *cmd;

	brood_command_redirect_fd(first, 2, 1);
	brood_command_redirect_fd(first, 4, 1);
	cmd = brood_pipe(first, brood_command_newl("sed", "d", NULL));
	check_output(brood_command_copy(cmd), "two\nfour\n");
	check_text(cmd, "{ sh -c 'echo through; echo two >&2; echo four >&4' 2>&3 4>&3 3>&- | sed d; } 3>&1");
}

static void test_the_shell_swaps(void **state)
{
	brood_command *cmd = script("echo out; echo err >&2"), *chain;

	brood_command_redirect_fd(cmd, 1, 2);
	brood_command_redirect_fd(cmd, 2, 1);
	chain = brood_then(cmd, brood_command_newl("true", NULL));
	brood_command_redirect_null(chain, 2);
	check_output(chain, "err\n");
}

static void test_the_callers_stdout_is_reached_from_inside_a_chain(void **state)
{
	brood_command *first = script("echo through; echo beside >&2"), *cmd;

	brood_command_redirect_fd(first, 2, 1);
	cmd = brood_pipe(first, brood_command_newl("sed", "s/.*/sed: no more/;d", NULL));
	check_output(brood_command_copy(cmd), "beside\n");
	check_text(cmd, "{ sh -c 'echo through; echo beside >&2' 2>&3 3>&- | sed 's/.*/sed: no more/;d'; } 3>&1");
}

/* ---- chains ---- */

static void test_a_chain_has_bars(void **state)
{
	brood_command *left = prog("a"), *cmd;

	brood_command_redirect_merge(left, 2, 1);
	cmd = brood_pipe(left, prog("b"));
	brood_command_redirect_null(cmd, 0);
	brood_command_redirect_null(cmd, 1);
	check_text(cmd, "a 2>&1 </dev/null | b >/dev/null");
}

static void test_what_stages_share_is_opened_once(void **state)
{
	brood_command *middle = prog("b"), *cmd;

	brood_command_redirect_null(middle, 2);
	cmd = brood_pipe(prog("a"), brood_pipe(middle, prog("c")));
	brood_command_redirect_path(cmd, 2, "/log", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	check_text(cmd, "{ a | b 2>/dev/null | c; } 2>/log");
}

static void test_shorter_chains_share_inside_longer_ones(void **state)
{
	brood_command *pair = brood_pipe(prog("a"), prog("b")), *cmd;

	brood_command_redirect_null(pair, 2);
	cmd = brood_pipe(pair, brood_pipe(prog("c"), prog("d")));
	brood_command_redirect_path(cmd, 2, "/log", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	brood_command_redirect_path(cmd, 3, "/in", O_RDONLY, 0);
	check_text(cmd, "{ { a | b; } 2>/dev/null | { c | d; } 2>/log; } 3</in");
}

static void test_spans_that_cross_are_nested(void **state)
{
	brood_command *first = prog("a"), *cmd;

	brood_command_redirect_null(first, 3);
	cmd = brood_pipe(first, prog("b"));
	brood_command_redirect_null(cmd, 2);
	cmd = brood_pipe(cmd, prog("c"));
	brood_command_redirect_path(cmd, 3, "/in", O_RDONLY, 0);
	check_text(cmd, "{ { a 3<>/dev/null | b; } 2>/dev/null | c; } 3</in");
}

/* The file of a and b and the one of b and c cross in b; c, which has its own, may lie inside the first one's braces. */
static void test_spans_that_cross_at_the_end_are_nested(void **state)
{
	brood_command *last = prog("c"), *cmd;

	brood_command_redirect_null(last, 2);
	cmd = brood_pipe(prog("b"), last);
	brood_command_redirect_path(cmd, 3, "/in", O_RDONLY, 0);
	cmd = brood_pipe(prog("a"), cmd);
	brood_command_redirect_path(cmd, 2, "/log", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	check_text(cmd, "{ a | { b | c 2>/dev/null; } 3</in; } 2>/log");
}

static void test_then_is_braces(void **state)
{
	brood_command *cmd = brood_then(prog("a"), brood_pipe(prog("b"), prog("c")));

	brood_command_redirect_null(cmd, 1);
	check_text(brood_pipe(prog("x"), brood_command_copy(cmd)), "x | { a && b | c; } >/dev/null");
	check_text(brood_then(cmd, prog("d")), "{ { a && b | c; } >/dev/null && d; }");
}

static void test_what_is_set_on_then_reaches_the_programs_inside(void **state)
{
	brood_command *first = prog("a"), *cmd;

	brood_command_setenv(first, "A", "own");
	brood_command_set_nice(first, 2);
	cmd = brood_then(first, prog("b"));
	brood_command_setenv(cmd, "A", "outer");
	brood_command_setenv(cmd, "B", "1");
	brood_command_set_nice(cmd, 3);
	brood_command_chdir(cmd, "/x");
	check_text(cmd, "(cd /x && { nice -n 5 env A=own B=1 a && nice -n 3 env A=outer B=1 b; })");
}

static void test_the_shell_runs_then_only_after_success(void **state)
{
	check_output(brood_pipe(brood_then(brood_command_newl("echo", "a", NULL), brood_command_newl("echo", "b", NULL)),
				brood_command_newl("tr", "a-z", "A-Z", NULL)), "A\nB\n");
	check_output(brood_pipe(brood_then(prog("false"), brood_command_newl("echo", "b", NULL)), prog("cat")), "");
}

static void test_the_shell_opens_a_shared_file_once(void **state)
{
	brood_command *cmd = brood_pipe(script("echo one >&2"), script("cat; echo two >&2"));
	char path[512], *text;

	support_path(path, sizeof(path), "log");
	brood_command_redirect_path(cmd, 2, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check_output(cmd, "");
	text = support_read_file(path, NULL);
	assert_non_null(text);
	assert_string_equal(text, "one\ntwo\n");
	free(text);
}

static void test_a_mistaken_command_has_text_too(void **state)
{
	brood_command *cmd = brood_command_new(NULL);
	char *text = brood_command_format(cmd);

	assert_string_equal(text, "''");
	free(text);
	brood_command_free(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_plain_words_are_not_quoted),
		brood_test(test_other_words_are_in_single_quotes),
		brood_test(test_keywords_and_builtins_stay_programs),
		brood_test(test_the_program_shows_where_it_is_not_the_first_word),
		brood_test(test_a_function_shows_as_its_name),
		brood_test(test_every_byte_survives_the_shell),
		brood_test(test_a_formatted_line_parses_back),
		brood_test(test_environment_is_an_env_prefix),
		brood_test(test_a_cleared_environment_is_env_i),
		brood_test(test_the_shell_gives_the_same_environment),
		brood_test(test_directory_and_umask_take_a_subshell),
		brood_test(test_the_shell_goes_to_the_directory),
		brood_test(test_a_relative_program_is_the_callers),
		brood_test(test_nice_is_a_prefix),
		brood_test(test_a_program_whose_name_begins_with_a_dash_comes_after_two),
		brood_test(test_redirections_by_kind),
		brood_test(test_what_leads_to_the_handle_does_not_show),
		brood_test(test_a_merge_comes_after_what_it_refers_to),
		brood_test(test_a_copy_comes_before_what_overwrites_its_source),
		brood_test(test_a_swap_goes_through_a_spare_descriptor),
		brood_test(test_two_swaps_take_two_spare_descriptors),
		brood_test(test_a_spare_descriptor_is_one_that_the_command_does_not_use),
		brood_test(test_what_is_copied_twice_from_outside_a_chain_is_kept_once),
		brood_test(test_the_shell_swaps),
		brood_test(test_the_callers_stdout_is_reached_from_inside_a_chain),
		brood_test(test_a_chain_has_bars),
		brood_test(test_what_stages_share_is_opened_once),
		brood_test(test_shorter_chains_share_inside_longer_ones),
		brood_test(test_spans_that_cross_are_nested),
		brood_test(test_spans_that_cross_at_the_end_are_nested),
		brood_test(test_then_is_braces),
		brood_test(test_what_is_set_on_then_reaches_the_programs_inside),
		brood_test(test_the_shell_runs_then_only_after_success),
		brood_test(test_the_shell_opens_a_shared_file_once),
		brood_test(test_a_mistaken_command_has_text_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
