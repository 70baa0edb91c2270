/* SPDX-License-Identifier: MIT */
/* Streaming: lines and bytes as they come, questions and answers, ends handed over, reading after the end. */
#include <brood.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/running.h"

enum { MIB = 1 << 20 };

static brood_process *start_reading(brood_command *cmd_take)
{
	brood_command_redirect_pipe(cmd_take, 1);
	return start(cmd_take);
}

static brood_process *start_both(brood_command *cmd_take)
{
	brood_command_redirect_pipe(cmd_take, 0);
	return start_reading(cmd_take);
}

static void expect_line(brood_process *process, const char *expected)
{
	const char *line;
	size_t size;
	int r = brood_process_next_line(process, 1, 60000, &line, &size);

	if (r != 1)
		fail_msg("%d instead of the line '%s'", r, expected);
	assert_string_equal(line, expected);
	assert_int_equal(size, strlen(expected));
}

static void expect_end(brood_process *process)
{
	const char *line;

	assert_int_equal(brood_process_next_line(process, 1, 60000, &line, NULL), 0);
	assert_int_equal(brood_process_next_line(process, 1, 0, &line, NULL), 0);
}

/* ---- lines ---- */

static void test_lines_come_one_by_one(void **state)
{
	brood_process *process = start_reading(child("lines", "20000"));
	char expected[32];

	for (int i = 1; i <= 20000; i++) {
		snprintf(expected, sizeof expected, "line %d", i);
		expect_line(process, expected);
	}
	expect_end(process);
	brood_process_free(process);
}

static void test_a_line_of_8_mib_comes_whole(void **state)
{
	brood_process *process = start_reading(child("long-line", "8M", "echo", "after"));
	const char *line;
	size_t size;

	assert_int_equal(brood_process_next_line(process, 1, -1, &line, &size), 1);
	assert_int_equal(size, 8 * MIB);
	assert_int_equal(strlen(line), 8 * MIB);
	expect_line(process, "after");
	expect_end(process);
	brood_process_free(process);
}

static void test_a_slow_line_keeps_its_part_over_deadlines(void **state)
{
	char go[256];
	brood_process *process = start_reading(child("print", "slow ", "wait-for-file", support_path(go, sizeof go, "go"), "echo", "line"));
	const char *line;

	for (int i = 0; i < 3; i++)
		assert_int_equal(brood_process_next_line(process, 1, 10, &line, NULL), -ETIMEDOUT);
	assert_int_equal(brood_process_next_line(process, 1, 0, &line, NULL), -ETIMEDOUT);
	support_write_text(go, "");
	expect_line(process, "slow line");
	expect_end(process);
	brood_process_free(process);
}

static void test_a_long_line_comes_whole_by_polls_alone(void **state)
{
	brood_process *process = start_reading(child("long-line", "2M"));
	const char *line;
	size_t size;
	int r;

	do
		r = brood_process_next_line(process, 1, 0, &line, &size);
	while (r == -ETIMEDOUT);
	assert_int_equal(r, 1);
	assert_int_equal(size, 2 * MIB);
	brood_process_free(process);
}

static void test_a_nul_in_a_line_is_counted(void **state)
{
	brood_process *process = start_reading(child("nul-line"));
	const char *line;
	size_t size;

	assert_int_equal(brood_process_next_line(process, 1, -1, &line, &size), 1);
	assert_int_equal(size, 12);
	assert_memory_equal(line, "before\0after", 13);
	brood_process_free(process);
}

static void test_a_last_line_without_a_newline_counts(void **state)
{
	brood_process *process = start_reading(child("last-line-no-newline", "the end"));

	expect_line(process, "a whole line");
	expect_line(process, "the end");
	expect_end(process);
	brood_process_free(process);
}

static void test_empty_lines_and_no_output_at_all(void **state)
{
	brood_process *process = start_reading(child("print", "\n\nx\n"));

	expect_line(process, "");
	expect_line(process, "");
	expect_line(process, "x");
	expect_end(process);
	brood_process_free(process);
	process = start_reading(child("exit", "0"));
	expect_end(process);
	brood_process_free(process);
}

/* ---- after the end ---- */

static void test_reading_after_the_end_works(void **state)
{
	brood_process *process = start_reading(child("print", "one\ntwo\nthree"));
	char bytes[16];

	assert_int_equal(brood_process_wait(process, -1), 0);
	expect_line(process, "one");
	assert_int_equal(brood_process_read(process, 1, -1, bytes, 2), 2);
	assert_memory_equal(bytes, "tw", 2);
	expect_line(process, "o");
	assert_int_equal(brood_process_read(process, 1, -1, bytes, 0), 0);
	assert_int_equal(brood_process_read(process, 1, -1, bytes, sizeof bytes), 5);
	assert_int_equal(brood_process_read(process, 1, -1, bytes, sizeof bytes), 0);
	assert_int_equal(brood_process_read(process, 1, 0, bytes, sizeof bytes), 0);
	expect_end(process);
	brood_process_free(process);
}

/* ---- mixing ---- */

static void test_read_next_line_and_communicate_lose_nothing_between_them(void **state)
{
	brood_process *process = start_both(child("cat"));
	char bytes[3];

	assert_int_equal(brood_process_write(process, "first\nsecond\nthird\n", 19, -1, NULL), 0);
	expect_line(process, "first");
	assert_int_equal(brood_process_read(process, 1, -1, bytes, 3), 3);
	assert_memory_equal(bytes, "sec", 3);
	assert_int_equal(brood_process_communicate(process, "fourth", 6, -1), 0);
	assert_string_equal(brood_result_output(brood_process_result(process), 1, NULL), "ond\nthird\nfourth");
	assert_true(brood_result_ok(brood_process_result(process)));
	assert_int_equal(brood_result_bytes(brood_process_result(process), 1), 25);
	assert_int_equal(brood_result_bytes(brood_process_result(process), 0), 25);
	/* The pipe is the result's now. */
	assert_int_equal(brood_process_read(process, 1, 0, bytes, 3), -EBADF);
	brood_process_free(process);
}

static void test_what_next_line_had_read_ahead_at_the_end_is_communicated(void **state)
{
	brood_process *process = start_reading(child("print", "one\ntwo\nthree"));
	const char *line;

	assert_int_equal(brood_process_wait(process, -1), 0);
	expect_line(process, "one");
	expect_line(process, "two");
	assert_int_equal(brood_process_next_line(process, 1, -1, &line, NULL), 1);
	brood_process_free(process);

	process = start_reading(child("print", "one\ntwo\nthree"));
	expect_line(process, "one");
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_string_equal(brood_result_output(brood_process_result(process), 1, NULL), "two\nthree");
	brood_process_free(process);
}

static void test_captures_go_on_while_lines_are_read(void **state)
{
	brood_command *cmd = child("flood-err", "2M", "echo", "out", "flood-err", "2M", "echo", "end");
	brood_process *process;

	brood_command_capture(cmd, 2, 0);
	process = start_reading(cmd);
	expect_line(process, "out");
	expect_line(process, "end");
	expect_end(process);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_bytes(brood_process_result(process), 2), 4 * MIB);
	brood_process_free(process);
}

static void test_a_stage_in_the_middle_may_be_read(void **state)
{
	brood_command *middle = child("tee-err");
	brood_command *cmd;
	brood_process *process;
	char bytes[8];

	brood_command_redirect_pipe(middle, 2);
	cmd = brood_pipe(brood_pipe(child("print", "abc"), middle), child("discard"));
	process = start(cmd);
	assert_int_equal(brood_process_read_stage(process, 1, 2, -1, bytes, sizeof bytes), 3);
	assert_int_equal(brood_process_read_stage(process, 1, 2, -1, bytes, sizeof bytes), 0);
	assert_int_equal(brood_process_read_stage(process, 0, 2, -1, bytes, sizeof bytes), -EBADF);
	assert_int_equal(brood_process_read_stage(process, 3, 2, -1, bytes, sizeof bytes), -EINVAL);
	assert_int_equal(brood_process_wait(process, -1), 0);
	brood_process_free(process);
}

/* ---- questions and answers ---- */

static void test_a_thousand_rounds_of_question_and_answer(void **state)
{
	brood_process *process = start_both(child("qa"));

	for (int i = 0; i < 1000; i++) {
		char question[32], answer[32];
		int size = snprintf(question, sizeof question, "question %d\n", i);
		size_t written;

		snprintf(answer, sizeof answer, "answer %d", i);
		assert_int_equal(brood_process_write(process, question, (size_t)size, 60000, &written), 0);
		assert_int_equal(written, size);
		expect_line(process, answer);
	}
	assert_int_equal(brood_process_close(process, 0), 0);
	expect_end(process);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_true(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
}

/* ---- writing ---- */

static void test_a_write_that_times_out_says_how_far_it_came(void **state)
{
	char go[256];
	brood_process *process = start_both(child("wait-for-file", support_path(go, sizeof go, "go"), "check-pattern", "2M"));
	unsigned char *bytes = malloc(2 * MIB);
	size_t written, at;

	support_pattern(bytes, 2 * MIB, 0);
	assert_int_equal(brood_process_write(process, bytes, 2 * MIB, 20, &written), -ETIMEDOUT);
	assert_true(written > 0 && written < 2 * MIB);
	at = written;
	assert_int_equal(brood_process_write(process, bytes + at, 2 * MIB - at, 0, &written), -ETIMEDOUT);
	at += written;
	support_write_text(go, "");
	assert_int_equal(brood_process_write(process, bytes + at, 2 * MIB - at, -1, NULL), 0);
	assert_int_equal(brood_process_close(process, 0), 0);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_true(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
	free(bytes);
}

static void test_writing_races_with_the_childs_exit(void **state)
{
	static char bytes[4096];

	for (int i = 0; i < 60; i++) {
		brood_process *process = start_both(child("eat", "20000"));
		int r;

		do
			r = brood_process_write(process, bytes, sizeof bytes, 60000, NULL);
		while (r == 0);
		assert_int_equal(r, -EPIPE);
		assert_int_equal(brood_process_write(process, bytes, 1, -1, NULL), -EPIPE);
		assert_int_equal(brood_process_wait(process, -1), 0);
		assert_true(brood_result_ok(brood_process_result(process)));
		brood_process_free(process);
	}
}

/* ---- closing and handing over ---- */

static void test_closing_an_output_is_sigpipe_for_its_writer(void **state)
{
	brood_process *process = start_reading(child("flood-forever"));
	char byte;

	assert_int_equal(brood_process_close(process, 1), 0);
	assert_int_equal(brood_process_close(process, 1), -EBADF);
	assert_int_equal(brood_process_read(process, 1, -1, &byte, 1), -EBADF);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGPIPE);
	brood_process_free(process);
}

static void test_an_end_that_is_handed_over_blocks_and_is_the_callers(void **state)
{
	brood_process *first = start_reading(child("pattern", "1M")), *second;
	brood_command *cmd = child("check-pattern", "1M");
	int fd = brood_process_parent_fd(first, 1);
	char byte;

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(brood_process_parent_fd(first, 1), -EBADF);
	assert_int_equal(brood_process_read(first, 1, -1, &byte, 1), -EBADF);
	brood_command_redirect_fd(cmd, 0, fd);
	second = start(cmd);
	close(fd);
	assert_int_equal(brood_process_wait(second, -1), 0);
	assert_true(brood_result_ok(brood_process_result(second)));
	assert_int_equal(brood_process_wait(first, -1), 0);
	assert_true(brood_result_ok(brood_process_result(first)));
	brood_process_free(first);
	brood_process_free(second);
}

static void test_an_end_with_bytes_read_ahead_is_not_handed_over(void **state)
{
	brood_process *process = start_reading(child("print", "one\ntwo\n"));
	int fd;

	assert_int_equal(brood_process_wait(process, -1), 0);
	expect_line(process, "one");
	assert_int_equal(brood_process_parent_fd(process, 1), -EBUSY);
	expect_line(process, "two");
	fd = brood_process_parent_fd(process, 1);
	assert_true(fd >= 0);
	close(fd);
	brood_process_free(process);
}

static void test_what_is_no_pipe_of_the_handle_is_ebadf(void **state)
{
	brood_command *cmd = child("print", "x");
	brood_process *process;
	const char *line;
	char byte;

	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	assert_int_equal(brood_process_write(process, "x", 1, 0, NULL), -EBADF);
	assert_int_equal(brood_process_read(process, 1, 0, &byte, 1), -EBADF);
	assert_int_equal(brood_process_read(process, 2, 0, &byte, 1), -EBADF);
	assert_int_equal(brood_process_next_line(process, 1, 0, &line, NULL), -EBADF);
	assert_int_equal(brood_process_close(process, 1), -EBADF);
	assert_int_equal(brood_process_parent_fd(process, 1), -EBADF);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_string_equal(brood_result_output(brood_process_result(process), 1, NULL), "x");
	brood_process_free(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_lines_come_one_by_one),
		brood_test(test_a_line_of_8_mib_comes_whole),
		brood_test(test_a_slow_line_keeps_its_part_over_deadlines),
		brood_test(test_a_long_line_comes_whole_by_polls_alone),
		brood_test(test_a_nul_in_a_line_is_counted),
		brood_test(test_a_last_line_without_a_newline_counts),
		brood_test(test_empty_lines_and_no_output_at_all),
		brood_test(test_reading_after_the_end_works),
		brood_test(test_read_next_line_and_communicate_lose_nothing_between_them),
		brood_test(test_what_next_line_had_read_ahead_at_the_end_is_communicated),
		brood_test(test_captures_go_on_while_lines_are_read),
		brood_test(test_a_stage_in_the_middle_may_be_read),
		brood_test(test_a_thousand_rounds_of_question_and_answer),
		brood_test(test_a_write_that_times_out_says_how_far_it_came),
		brood_test(test_writing_races_with_the_childs_exit),
		brood_test(test_closing_an_output_is_sigpipe_for_its_writer),
		brood_test(test_an_end_that_is_handed_over_blocks_and_is_the_callers),
		brood_test(test_an_end_with_bytes_read_ahead_is_not_handed_over),
		brood_test(test_what_is_no_pipe_of_the_handle_is_ebadf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
