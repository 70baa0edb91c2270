/* SPDX-License-Identifier: MIT */
/* lib/command/join.c: brood_pipe and brood_then take two commands over and give one. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "command/description.h"
#include "support/support.h"

static brood_command *prog(const char *name)
{
	return brood_command_newl(name, NULL);
}

#define assert_mistake(cmd, sentence)						\
	do {									\
		assert_non_null(brood_command_error(cmd));			\
		assert_string_equal(brood_command_error(cmd), sentence);	\
		assert_int_equal((cmd)->error, -EINVAL);			\
	} while (0)

static void test_a_pipe_lists_the_stages_in_order(void **state)
{
	brood_command *cmd = brood_pipe(brood_pipe(prog("a"), prog("b")), brood_pipe(prog("c"), prog("d")));

	assert_int_equal(cmd->stage_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(stage_name(&cmd->stages[i])[0], 'a' + (int)i);
	brood_command_free(cmd);
}

static void test_null_passes_through(void **state)
{
	assert_null(brood_pipe(NULL, prog("a")));
	assert_null(brood_pipe(prog("a"), NULL));
	assert_null(brood_pipe(NULL, NULL));
	assert_null(brood_then(NULL, prog("a")));
	assert_null(brood_then(prog("a"), NULL));
	assert_null(brood_then(NULL, NULL));
}

static void test_the_same_command_twice_is_a_mistake_and_freed_once(void **state)
{
	brood_command *cmd = prog("a");

	cmd = brood_pipe(cmd, cmd);
	assert_mistake(cmd, "pipe: 'a' cannot be both sides: copy it");
	brood_command_free(cmd);
	cmd = prog("a");
	cmd = brood_then(cmd, cmd);
	assert_mistake(cmd, "then: 'a' cannot be both sides: copy it");
	brood_command_free(cmd);
}

static void test_the_lefts_mistake_comes_first(void **state)
{
	brood_command *left = prog("a"), *right = prog("b"), *cmd;

	brood_command_arg(right, NULL);
	brood_command_chdir(left, NULL);
	cmd = brood_pipe(left, right);
	assert_mistake(cmd, "chdir: the path is NULL");
	cmd = brood_then(prog("x"), cmd);
	assert_mistake(cmd, "chdir: the path is NULL");
	brood_command_free(cmd);
}

static void test_the_rights_mistake_sticks_to_the_chain(void **state)
{
	brood_command *right = prog("b"), *cmd;

	brood_command_arg(right, NULL);
	cmd = brood_pipe(prog("a"), right);
	assert_mistake(cmd, "arg: argument 1 is NULL");
	brood_command_free(cmd);
}

static void test_the_ends_of_a_pipe_must_be_free(void **state)
{
	brood_command *left = prog("a"), *right = prog("b"), *cmd;

	brood_command_capture(left, 1, 0);
	cmd = brood_pipe(left, prog("b"));
	assert_mistake(cmd, "pipe: descriptor 1 of 'a' is directed into the result already and cannot be the pipe to 'b'");
	brood_command_free(cmd);

	brood_command_feed(right, "x", 1);
	cmd = brood_pipe(prog("a"), right);
	assert_mistake(cmd, "pipe: descriptor 0 of 'b' is directed to 1 bytes of memory already and cannot be the pipe from 'a'");
	brood_command_free(cmd);

	left = prog("a");
	brood_command_redirect_merge(left, 1, 2);
	cmd = brood_pipe(left, prog("b"));
	assert_mistake(cmd, "pipe: descriptor 1 of 'a' is directed to where descriptor 2 goes already and cannot be the pipe to 'b'");
	brood_command_free(cmd);
}

static void test_stderr_merged_into_a_pipe_is_fine(void **state)
{
	brood_command *left = prog("a"), *cmd;

	brood_command_redirect_merge(left, 2, 1);
	cmd = brood_pipe(left, prog("b"));
	assert_null(brood_command_error(cmd));
	brood_command_free(cmd);
}

static void test_the_outer_ends_may_be_directed_before_the_pipe(void **state)
{
	brood_command *left = prog("a"), *right = prog("b"), *cmd;

	brood_command_feed(left, "x", 1);
	brood_command_capture(right, 1, 0);
	cmd = brood_pipe(left, right);
	assert_null(brood_command_error(cmd));
	brood_command_free(cmd);
}

static void test_the_shorter_timeout_counts(void **state)
{
	static const int64_t table[][3] = { { 5, 9, 5 }, { 9, 5, 5 }, { -1, 5, 5 }, { 5, -1, 5 }, { -1, -1, -1 }, { 0, 5, 0 } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		brood_command *left = prog("a"), *right = prog("b"), *cmd;

		brood_command_set_timeout_ms(left, table[i][0]);
		brood_command_set_timeout_ms(right, table[i][1]);
		cmd = brood_pipe(left, right);
		assert_true(cmd->timeout_ms == table[i][2]);
		brood_command_free(cmd);
	}
}

static void test_of_other_settings_the_lefts_count_then_the_rights(void **state)
{
	brood_command *left = prog("a"), *right = prog("b"), *cmd;

	brood_command_set_grace_ms(left, 1);
	brood_command_set_grace_ms(right, 2);
	brood_command_set_linger_ms(right, 3);
	brood_command_set_stop_signal(right, SIGINT);
	brood_command_set_overflow(right, BROOD_STOP);
	cmd = brood_pipe(left, right);
	assert_true(cmd->grace_ms == 1 && cmd->linger_ms == 3 && cmd->linger_set);
	assert_true(cmd->stop_signal == SIGINT && cmd->overflow == BROOD_STOP);
	brood_command_free(cmd);
}

static void test_a_commands_name_becomes_its_stages(void **state)
{
	brood_command *left = prog("a"), *cmd;

	brood_command_set_name(left, "encrypt");
	cmd = brood_pipe(left, prog("b"));
	assert_null(cmd->name);
	assert_string_equal(stage_name(&cmd->stages[0]), "encrypt");
	assert_string_equal(stage_name(&cmd->stages[1]), "b");
	brood_command_set_name(cmd, "whole");
	cmd = brood_pipe(cmd, prog("c"));
	assert_null(cmd->name);
	assert_string_equal(stage_name(&cmd->stages[0]), "encrypt");
	brood_command_free(cmd);
}

static void test_then_is_one_stage_named_after_both(void **state)
{
	brood_command *cmd = brood_then(prog("a"), brood_then(prog("b"), brood_pipe(prog("c"), prog("d"))));

	assert_null(brood_command_error(cmd));
	assert_int_equal(cmd->stage_count, 1);
	assert_int_equal(cmd->stages[0].kind, STAGE_THEN);
	assert_string_equal(stage_name(&cmd->stages[0]), "a && b && c | d");
	brood_command_arg(cmd, "x");
	assert_mistake(cmd, "arg: 'a && b && c | d' is not a program that takes words");
	brood_command_free(cmd);
}

static void test_then_refuses_what_needs_the_handle(void **state)
{
	brood_command *side = prog("a"), *cmd;

	brood_command_capture(side, 2, 0);
	cmd = brood_then(brood_pipe(prog("x"), side), prog("b"));
	assert_mistake(cmd, "then: 'a' is captured on descriptor 2: set that on the result of brood_then");
	brood_command_free(cmd);

	side = prog("a");
	brood_command_feed(side, "x", 1);
	cmd = brood_then(side, prog("b"));
	assert_mistake(cmd, "then: 'a' is fed on descriptor 0: set that on the result of brood_then");
	brood_command_free(cmd);

	side = prog("b");
	brood_command_redirect_pipe(side, 5);
	cmd = brood_then(prog("a"), side);
	assert_mistake(cmd, "then: 'b' opens a pipe on descriptor 5: set that on the result of brood_then");
	brood_command_free(cmd);
}

static void test_then_itself_can_be_captured_and_piped(void **state)
{
	brood_command *side = prog("a"), *cmd;

	brood_command_redirect_path(side, 2, "/x", 0, 0);
	cmd = brood_pipe(brood_then(side, prog("b")), prog("c"));
	brood_command_capture(cmd, 1, 0);
	brood_command_capture(cmd, 2, 0);
	assert_null(brood_command_error(cmd));
	assert_int_equal(stage_direction(&cmd->stages[0], 2)->kind, DIRECTION_CAPTURE);
	brood_command_free(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_pipe_lists_the_stages_in_order),
		brood_test(test_null_passes_through),
		brood_test(test_the_same_command_twice_is_a_mistake_and_freed_once),
		brood_test(test_the_lefts_mistake_comes_first),
		brood_test(test_the_rights_mistake_sticks_to_the_chain),
		brood_test(test_the_ends_of_a_pipe_must_be_free),
		brood_test(test_stderr_merged_into_a_pipe_is_fine),
		brood_test(test_the_outer_ends_may_be_directed_before_the_pipe),
		brood_test(test_the_shorter_timeout_counts),
		brood_test(test_of_other_settings_the_lefts_count_then_the_rights),
		brood_test(test_a_commands_name_becomes_its_stages),
		brood_test(test_then_is_one_stage_named_after_both),
		brood_test(test_then_refuses_what_needs_the_handle),
		brood_test(test_then_itself_can_be_captured_and_piped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
