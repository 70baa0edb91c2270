/* SPDX-License-Identifier: MIT */
/*
 * Which program a command runs, and with which words: where PATH leads and where it does not, that the program and argv[0] are two
 * things, that every byte of every word arrives, and command lines that are split. Each test runs on every engine.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <unistd.h>

#include "suites/engines.h"
#include "suites/files.h"

/* ---- 10 to 12: PATH ---- */

static void searches(void)
{
	assert_says(with_path(brood_command_newl("prog", "exe", NULL), "a:b:c:d"), "good\n");
	assert_start_fails(with_path(brood_command_newl("prog", NULL), "a:b:none"), -EACCES, "prog");
	assert_start_fails(with_path(brood_command_newl("prog", NULL), "none:none2"), -ENOENT, "prog");
	assert_start_fails(with_path(brood_command_newl("prog", NULL), "none:b/prog"), -ENOENT, "prog");
}

static void test_a_search_goes_on_past_directories_and_files_that_cannot_be_run(void **state)
{
	(void)state;
	make_directory("a");
	make_directory("a/prog");
	make_directory("b");
	make_file("b/prog", "text", 0644);
	make_directory("c");
	make_file("c/prog", "#!/bin/sh\necho good\n", 0755);
	make_directory("d");
	make_file("d/prog", "#!/bin/sh\necho late\n", 0755);
	on_every_engine(searches);
}

static void here_is_not_searched(void *data)
{
	const char *const paths[] = { "", ":", ".", "./", "/nonexistent:", ":/nonexistent", "/nonexistent::/nonexistent2" };

	(void)data;
	assert_int_equal(chdir(support_tempdir()), 0);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		brood_command *cmd = brood_command_newl("only-here", "exit", "0", NULL);

		brood_command_setenv(cmd, "PATH", paths[i]);
		assert_start_fails(cmd, -ENOENT, "only-here");
	}
	assert_says(brood_command_newl("./only-here", "print", "x", NULL), "x");
}

static void test_empty_and_dot_parts_of_path_are_not_searched(void **state)
{
	(void)state;
	link_child("only-here");
	in_fork_on_every_engine(here_is_not_searched, NULL);
}

static void path_of_the_child(void)
{
	brood_command *cmd = brood_command_newl("private-tool", "print", "found", NULL);
	size_t size = 100000;
	char *path = malloc(size + 4096);

	assert_non_null(path);
	assert_start_fails(brood_command_copy(cmd), -ENOENT, "private-tool");
	assert_says(with_path(brood_command_copy(cmd), "bin"), "found");

	/* A hundred thousand bytes of directories that are not there, then the right one. */
	path[0] = '\0';
	for (size_t at = 0; at < size; at += 20)
		sprintf(path + at, "/nonexistent/%06zu:", at);
	strcat(path, path_of("bin"));
	brood_command_setenv(cmd, "PATH", path);
	assert_says(cmd, "found");

	/* Where the child has no PATH, the system's own is searched. */
	cmd = brood_command_newl("sh", "-c", "echo fine", NULL);
	brood_command_clearenv(cmd);
	assert_says(cmd, "fine\n");
	free(path);
}

static void test_the_path_that_the_child_will_see_decides(void **state)
{
	(void)state;
	make_directory("bin");
	link_child("bin/private-tool");
	on_every_engine(path_of_the_child);
}

/* ---- 17 to 20: words ---- */

static void names_and_programs(void)
{
	brood_command *cmd = brood_command_newl("another name", "argv0", "exe", NULL);
	char expected[8192], real[4096];

	assert_non_null(realpath(support_child(), real));
	snprintf(expected, sizeof expected, "another name\n%s\n", real);
	brood_command_set_program(cmd, support_child());
	assert_says(cmd, expected);

	cmd = brood_command_newl("not searched", "argv0", NULL);
	brood_command_set_program(cmd, "tool");
	assert_says(with_path(cmd, "."), "not searched\n");
}

static void test_the_program_executed_and_argv0_are_independent(void **state)
{
	(void)state;
	link_child("tool");
	on_every_engine(names_and_programs);
}

static void odd_words(void)
{
	static const char *const words[] = { "", " ", "a b", "\"", "'", "$HOME", "%s%n", "`id`", "\\", "\n", "*", "-", "--", "" };
	brood_command *cmd = child_does("args");
	char all[256];
	size_t size, at = 0;
	char *text;

	for (int i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		brood_command_arg(cmd, words[i]);
	brood_command_arg(cmd, all);
	text = said_bytes(cmd, &size);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		assert_string_equal(text + at, words[i]);
		at += strlen(words[i]) + 1;
	}
	assert_memory_equal(text + at, all, sizeof all);
	assert_int_equal(size, at + sizeof all);
	free(text);
}

static void test_every_byte_of_every_argument_arrives(void **state)
{
	(void)state;
	on_every_engine(odd_words);
}

static void changed_afterwards(void)
{
	char program[4096], verb[] = "getenv", name[] = "WORD", value[] = "kept", directory[4096], word[] = "cwd";
	const char *argv[] = { program, verb, name, word, NULL };
	char expected[8192];
	brood_command *cmd;

	snprintf(program, sizeof program, "%s", support_child());
	snprintf(directory, sizeof directory, "%s", support_tempdir());
	cmd = brood_command_new(argv);
	brood_command_setenv(cmd, name, value);
	brood_command_chdir(cmd, directory);
	memset(program, 'x', 5);
	memset(verb, 'x', 5);
	memset(name, 'x', 4);
	memset(value, 'x', 4);
	memset(word, 'x', 3);
	memset(directory, 'x', 5);
	argv[0] = NULL;
	snprintf(expected, sizeof expected, "kept\n%s\n", support_tempdir());
	assert_says(cmd, expected);
}

static void test_what_the_caller_changes_after_describing_has_no_effect(void **state)
{
	(void)state;
	on_every_engine(changed_afterwards);
}

static void relative_programs(void *data)
{
	const int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	brood_command *cmd;

	(void)data;
	assert_int_equal(chdir(support_tempdir()), 0);
	cmd = brood_command_newl("./here", "cwd", NULL);
	brood_command_chdir(cmd, "/");
	assert_says(cmd, "/\n");
	cmd = brood_command_newl("sub/there", "cwd", NULL);
	brood_command_fchdir(cmd, fd);
	assert_says(cmd, "/\n");
	cmd = brood_command_newl("there", "cwd", NULL);
	brood_command_setenv(cmd, "PATH", "sub");
	brood_command_chdir(cmd, "/");
	assert_says(cmd, "/\n");
	/* It is not found where the child goes to. */
	cmd = brood_command_newl("./there", "cwd", NULL);
	brood_command_chdir(cmd, "sub");
	assert_start_fails(cmd, -ENOENT, "./there");
	close(fd);
}

static void test_a_relative_program_means_the_directory_of_the_caller(void **state)
{
	(void)state;
	make_directory("sub");
	link_child_once("here");
	link_child_once("sub/there");
	in_fork_on_every_engine(relative_programs, NULL);
}

/* ---- 21: a command line ---- */

static void command_lines(void)
{
	char line[8192];
	brood_command *cmd;

	snprintf(line, sizeof line, "'%s' args \"a b\" c\\ d '' | \"%s\" cat", support_child(), support_child());
	assert_int_equal(brood_command_parse(line, &cmd), 0);
	assert_says(cmd, "a b");
	assert_int_equal(brood_command_parse("cat a | | cat", &cmd), -EINVAL);
	assert_start_fails(cmd, -EINVAL, "9");
	assert_int_equal(brood_command_parse("cat 'a", &cmd), -EINVAL);
	assert_start_fails(cmd, -EINVAL, "5");
}

static void test_a_line_is_split_and_run_and_a_wrong_one_tells_its_column(void **state)
{
	(void)state;
	on_every_engine(command_lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_search_goes_on_past_directories_and_files_that_cannot_be_run),
		brood_test(test_empty_and_dot_parts_of_path_are_not_searched),
		brood_test(test_the_path_that_the_child_will_see_decides),
		brood_test(test_the_program_executed_and_argv0_are_independent),
		brood_test(test_every_byte_of_every_argument_arrives),
		brood_test(test_what_the_caller_changes_after_describing_has_no_effect),
		brood_test(test_a_relative_program_means_the_directory_of_the_caller),
		brood_test(test_a_line_is_split_and_run_and_a_wrong_one_tells_its_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
