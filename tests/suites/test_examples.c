/* SPDX-License-Identifier: MIT */
/*
 * The small programs of examples/, run as their users run them: what they print, how they end, what they say when something is
 * wrong. test_encrypt_hash.c runs the large one.
 */
#include <brood.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "suites/examples.h"
#include "support/support.h"

static void test_popen_tour_tells_what_pythons_tour_tells(void **state)
{
	(void)state;
	struct ran ran = run(example("popen-tour"));
	assert_status(&ran, 0);
	assert_has(ran.out, "Hello from the child!\n");
	/* Twice, unless the machine was busy with something else meanwhile. */
	assert_has(ran.out, "Working..., exit status 0\n");
	assert_has(ran.out, "side by side\n");
	assert_has(ran.out, "DATA FOR THE CHILD\n");
	assert_has(ran.out, "exit status -15");
	assert_string_equal(ran.err, "");
	ran_done(&ran);
}

static struct ran run_lines(const char *ms, const char *line)
{
	brood_command *cmd = example("lines");

	brood_command_arg(cmd, ms);
	brood_command_arg(cmd, line);
	return run(cmd);
}

static void test_lines_numbers_lines_and_keeps_the_last_one(void **state)
{
	(void)state;
	struct ran ran = run_lines("30000", "printf 'one\\ntwo\\nthree' | cat");
	assert_status(&ran, 0);
	assert_string_equal(ran.out, "  1  one\n  2  two\n  3  three\n");
	ran_done(&ran);
}

static void test_lines_stops_a_command_that_falls_silent(void **state)
{
	(void)state;
	/* Its first line must come within that time too. */
	struct ran ran = run_lines("3000", "sh -c 'echo one; exec sleep 100'");
	assert_status(&ran, 124);
	assert_string_equal(ran.out, "  1  one\n");
	assert_has(ran.err, "nothing for 3000 ms");
	ran_done(&ran);
}

static void test_lines_ends_as_a_shell_would(void **state)
{
	static const struct { const char *line; int status; const char *says; } table[] = {
		{ "sh -c 'exit 3'", 3, "exited 3" },
		{ "/does/not/exist", 127, "No such file" },
		{ "/", 126, "Permission denied" },
		{ "echo 'open", 2, "column" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ran ran = run_lines("30000", table[i].line);
		assert_status(&ran, table[i].status);
		assert_has(ran.err, table[i].says);
		ran_done(&ran);
	}
}

static void test_poll_loop_drives_three_chains(void **state)
{
	(void)state;
	struct ran ran = run(example("poll-loop"));
	if (strstr(ran.err, "no descriptor for a chain")) {
		ran_done(&ran);
		support_skip("this engine or poller has no descriptor for an event loop");
	}
	assert_status(&ran, 0);
	assert_has(ran.out, "wc -c: 300000\n");
	assert_has(ran.out, "head -n 1: apple\n");
	assert_has(ran.out, "deadline of 500 ms\n");
	ran_done(&ran);
}

static void test_function_stage_numbers_what_sort_gives_it(void **state)
{
	(void)state;
	brood_command *cmd = example("function-stage");
	args(cmd, "pear apple fig");
	struct ran ran = run(cmd);
	assert_status(&ran, 0);
	assert_string_equal(ran.out, "1. apple\n2. fig\n3. pear\ncounted here: 0\n");
	ran_done(&ran);
}

static void test_broken_stage_tells_three_ends_apart(void **state)
{
	(void)state;
	struct ran ran = run(example("broken-stage"));
	assert_status(&ran, 0);
	assert_has(ran.out, "stage 2: exec 'no-such-program': No such file or directory\n");
	assert_has(ran.out, "because another stage could not be started\n  stage 2: not started\n  stage 3: not started\n");
	assert_has(ran.out, "as a shell says it: 127\n");
	assert_has(ran.out, "as a shell says it: 1\n");
	assert_has(ran.out, "  stage 1: signal 13\n  stage 2: exited 0\n  as a shell says it: 0\n");
	ran_done(&ran);
}

static brood_process *start_follow(const char *file, const char *count)
{
	brood_command *cmd = example("follow");
	brood_process *process = NULL;

	brood_command_arg(cmd, file);
	if (count)
		brood_command_arg(cmd, count);
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	brood_command_capture(cmd, BROOD_STDERR, 0);
	assert_int_equal(brood_start(cmd, &process), 0);
	brood_command_free(cmd);
	return process;
}

static void assert_next_line(brood_process *process, const char *expect)
{
	const char *line;
	size_t size;

	assert_int_equal(brood_process_next_line(process, BROOD_STDOUT, 60000, &line, &size), 1);
	assert_string_equal(line, expect);
}

static void append(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_true(fd >= 0);
	support_write_all(fd, text, strlen(text));
	close(fd);
}

static void test_follow_ends_after_so_many_lines_of_a_growing_file(void **state)
{
	char file[4096];

	(void)state;
	hello_file(file, sizeof(file), "growing");
	brood_process *process = start_follow(file, "2");
	assert_next_line(process, "hello");
	append(file, "again\nnot this one\n");
	assert_next_line(process, "again");
	assert_int_equal(brood_process_wait(process, 60000), 0);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 0);
	brood_process_free(process);
}

static void test_follow_ends_at_ctrl_c_and_takes_its_tail_along(void **state)
{
	char file[4096];

	(void)state;
	hello_file(file, sizeof(file), "growing");
	brood_process *process = start_follow(file, NULL);
	assert_next_line(process, "hello");
	assert_int_equal(kill(brood_process_pid(process, 0), SIGINT), 0);

	/* tail has follow's stderr: as long as it were there, the pipe would count as held. */
	assert_int_equal(brood_process_communicate(process, NULL, 0, 60000), 0);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 130);
	assert_false(brood_result_held(brood_process_result(process)));
	brood_process_free(process);
}

static void test_follow_says_that_there_is_no_file(void **state)
{
	(void)state;
	brood_command *cmd = example("follow");
	args(cmd, "/does/not/exist 3");
	struct ran ran = run(cmd);
	assert_status(&ran, 1);
	assert_has(ran.err, "/does/not/exist");
	assert_has(ran.err, "follow: stage 1 'tail': exited 1");
	ran_done(&ran);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_popen_tour_tells_what_pythons_tour_tells),
		brood_test(test_lines_numbers_lines_and_keeps_the_last_one),
		brood_test(test_lines_stops_a_command_that_falls_silent),
		brood_test(test_lines_ends_as_a_shell_would),
		brood_test(test_poll_loop_drives_three_chains),
		brood_test(test_function_stage_numbers_what_sort_gives_it),
		brood_test(test_broken_stage_tells_three_ends_apart),
		brood_test(test_follow_ends_after_so_many_lines_of_a_growing_file),
		brood_test(test_follow_ends_at_ctrl_c_and_takes_its_tail_along),
		brood_test(test_follow_says_that_there_is_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
