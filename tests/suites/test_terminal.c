/* SPDX-License-Identifier: MIT */
/* A chain in the foreground of a terminal: programs that ask, keys that make signals, and what the caller has left. */
#include "suites/engines.h"

#include <fcntl.h>
#include <termios.h>

#include "support/pty.h"
#include "support/running.h"

/* ---- what the job in the terminal does: its exit status is a number of what went wrong ---- */

static brood_command *in_terminal(brood_command *cmd, int fd)
{
	brood_command_set_terminal(cmd, fd);
	return cmd;
}

/* As a shell does after each command. */
static void take_back(void)
{
	sigset_t ttou, old;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &old);
	tcsetpgrp(STDIN_FILENO, getpgrp());
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* The shell status, or 99 where it could not be run; said on the terminal why. */
static int run_in_terminal(brood_command *cmd_take)
{
	brood_result *result = NULL;
	int status = 99;

	if (brood_run(cmd_take, &result) < 0)
		dprintf(STDOUT_FILENO, "%s\n", brood_result_describe(result));
	else
		status = brood_result_shell_status(result);
	brood_result_free(result);
	brood_command_free(cmd_take);
	take_back();
	return status;
}

/* Run it in a terminal of its own, to its end: what the terminal showed must be this, and the exit status this. */
static void assert_shows(int (*job)(void *data), const char *expected, int status)
{
	struct pty pty;

	pty_open(&pty);
	pty_run(&pty, job, NULL);
	assert_int_equal(pty_end(&pty), status);
	assert_string_equal(pty.text ? pty.text : "", expected);
	pty_free(&pty);
}

/* ---- the foreground ---- */

static int ask_who_is_in_front(void *data)
{
	(void)data;
	return run_in_terminal(in_terminal(child("tty-foreground"), STDIN_FILENO));
}

static void the_chain_is_in_front(void)
{
	assert_shows(ask_who_is_in_front, "yes\r\n", 0);
}

static void test_the_chain_is_the_terminal_s_foreground(void **state)
{
	(void)state;
	on_every_engine(the_chain_is_in_front);
}

static int ask_in_a_group(void *data)
{
	brood_command *cmd = child("tty-foreground");

	(void)data;
	brood_command_set_new_group(cmd, true);
	return run_in_terminal(cmd);
}

static void test_a_group_alone_is_in_the_background(void **state)
{
	(void)state;
	assert_shows(ask_in_a_group, "no\r\n", 0);
}

static int ask_the_last_stage(void *data)
{
	(void)data;
	return run_in_terminal(in_terminal(brood_pipe(child("exit", "0"), child("discard", "tty-foreground")), STDIN_FILENO));
}

static void test_later_stages_are_in_front_too(void **state)
{
	(void)state;
	assert_shows(ask_the_last_stage, "yes\r\n", 0);
}

/* The host ignores SIGCHLD: of a stage that has ended nothing is left, no group either. Now and then it has when the next one comes. */
static int ask_after_the_leader(void *data)
{
	(void)data;
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 10; i++)
		run_in_terminal(in_terminal(brood_pipe(child("exit", "0"), child("discard", "tty-foreground")), STDIN_FILENO));
	return 0;
}

static void the_leader_is_gone(void)
{
	assert_shows(ask_after_the_leader, "yes\r\nyes\r\nyes\r\nyes\r\nyes\r\nyes\r\nyes\r\nyes\r\nyes\r\nyes\r\n", 0);
}

static void test_who_finds_the_first_stage_gone_takes_the_terminal_itself(void **state)
{
	(void)state;
	on_every_engine(the_leader_is_gone);
}

static int ask_function(void *data)
{
	(void)data;
	return tcgetpgrp(STDIN_FILENO) == getpgrp() ? 0 : 1;
}

static int ask_a_function(void *data)
{
	(void)data;
	return run_in_terminal(in_terminal(brood_command_function("ask", ask_function, NULL), STDIN_FILENO));
}

static void test_a_function_is_in_front_too(void **state)
{
	(void)state;
	assert_shows(ask_a_function, "", 0);
}

static int ask_from_afar(void *data)
{
	const int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 500);

	(void)data;
	return run_in_terminal(in_terminal(child("tty-foreground", "fd-stat", "500"), fd));
}

/* Above all that the child keeps, and close-on-exec as any descriptor of a careful host. */
static void its_number_does_not_matter(void)
{
	assert_shows(ask_from_afar, "yes\r\n500 closed\r\n", 0);
}

static void test_the_terminal_s_descriptor_need_not_be_one_of_the_child_s(void **state)
{
	(void)state;
	on_every_engine(its_number_does_not_matter);
}

static int ask_in_a_batch(void *data)
{
	brood_batch *batch = brood_batch_new(4);
	brood_command *cmd = in_terminal(child("tty-foreground"), STDIN_FILENO);
	int r = brood_batch_submit(batch, cmd, NULL);

	(void)data;
	if (r == 0)
		r = brood_batch_next(batch, -1, NULL);
	brood_command_free(cmd);
	brood_batch_free(batch);
	return r == 1 ? 0 : 1;
}

static void test_a_member_of_a_batch_may_have_it(void **state)
{
	(void)state;
	assert_shows(ask_in_a_batch, "yes\r\n", 0);
}

static int ask_twice_without_taking_back(void *data)
{
	brood_result *result = NULL;
	int status = 0;

	(void)data;
	for (int i = 0; i < 2 && status == 0; i++) {
		brood_command *cmd = in_terminal(child("tty-foreground"), STDIN_FILENO);

		status = brood_run(cmd, &result) < 0 ? 99 : brood_result_shell_status(result);
		brood_result_free(result);
		brood_command_free(cmd);
	}
	return status;
}

static void test_a_caller_in_the_background_may_give_it_away_again(void **state)
{
	(void)state;
	assert_shows(ask_twice_without_taking_back, "yes\r\nyes\r\n", 0);
}

/* ---- keys ---- */

static int read_a_line(void *data)
{
	(void)data;
	return run_in_terminal(in_terminal(child("head", "1"), STDIN_FILENO));
}

static void test_an_interactive_program_reads_what_is_typed(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	pty_run(&pty, read_a_line, NULL);
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "hello\r\nhello\r\n");
	assert_int_equal(pty_end(&pty), 0);
	pty_free(&pty);
}

static int wait_for_keys(void *data)
{
	(void)data;
	return run_in_terminal(in_terminal(child("ready", "sleep-forever"), STDIN_FILENO));
}

static void test_ctrl_c_ends_the_chain_and_not_the_caller(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	pty_run(&pty, wait_for_keys, NULL);
	pty_expect(&pty, "ready\r\n");
	assert_int_not_equal(pty_foreground(&pty), pty.job);
	pty_type(&pty, PTY_INTERRUPT);
	/* Exited by itself, with what its chain died of. */
	assert_int_equal(pty_end(&pty), 128 + SIGINT);
	assert_int_equal(support_alive(pty.job), 0);
	pty_free(&pty);
}

/* ---- what cannot be ---- */

static void no_terminal(void)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char words[64];

	snprintf(words, sizeof words, "stage 1: tcsetpgrp '%d'", null);
	assert_start_fails(in_terminal(child_does("exit", "0"), null), -ENOTTY, words);
	close(null);
	assert_start_fails(in_terminal(child_does("exit", "0"), null), -EBADF, words);
}

static void test_what_is_no_terminal_or_not_open_is_a_start_that_fails(void **state)
{
	(void)state;
	on_every_engine(no_terminal);
}

static int ask_for_both(void *data)
{
	brood_command *cmd = in_terminal(child("exit", "0"), STDIN_FILENO);

	(void)data;
	brood_command_set_new_session(cmd, true);
	return run_in_terminal(cmd);
}

static void test_a_session_of_its_own_has_no_terminal_to_take(void **state)
{
	(void)state;
	assert_shows(ask_for_both, "stage 1: tcsetpgrp '0': Inappropriate ioctl for device\r\n", 99);
}

static void test_numbers_below_minus_1_are_a_mistake(void **state)
{
	brood_command *cmd = in_terminal(child("exit", "0"), -2);

	(void)state;
	assert_string_equal(brood_command_error(cmd), "set_terminal: descriptor -2 is negative, and only -1 has a meaning");
	assert_start_fails(cmd, -EINVAL, "set_terminal");
	assert_exits(in_terminal(in_terminal(child("exit", "0"), 700), -1), 0);
}

/* ---- as a setting of a command ---- */

static void test_copies_and_chains_keep_the_terminal(void **state)
{
	brood_command *cmd = in_terminal(child_does("exit", "0"), 700), *copy = brood_command_copy(cmd);

	(void)state;
	assert_start_fails(brood_pipe(child_does("exit", "0"), cmd), -EBADF, "tcsetpgrp '700'");
	assert_start_fails(brood_pipe(copy, in_terminal(child_does("exit", "0"), 701)), -EBADF, "tcsetpgrp '700'");
}

static void test_the_sides_of_a_sequence_cannot_have_it(void **state)
{
	brood_command *cmd = brood_then(child_does("exit", "0"), in_terminal(child_does("exit", "0"), 0));

	(void)state;
	assert_non_null(strstr(brood_command_error(cmd), "set that on the result of brood_then"));
	brood_command_free(cmd);
}

static int ask_in_a_sequence(void *data)
{
	(void)data;
	return run_in_terminal(in_terminal(brood_then(child("tty-foreground"), child("tty-foreground")), STDIN_FILENO));
}

static void test_both_sides_of_a_sequence_are_in_front(void **state)
{
	(void)state;
	assert_shows(ask_in_a_sequence, "yes\r\nyes\r\n", 0);
}

static void test_the_text_of_a_command_leaves_it_out(void **state)
{
	brood_command *cmd = brood_command_newl("cat", NULL);
	char *text;

	(void)state;
	text = brood_command_format(in_terminal(cmd, 0));
	assert_string_equal(text, "cat");
	free(text);
	brood_command_free(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_the_chain_is_the_terminal_s_foreground),
		brood_test(test_a_group_alone_is_in_the_background),
		brood_test(test_later_stages_are_in_front_too),
		brood_test(test_who_finds_the_first_stage_gone_takes_the_terminal_itself),
		brood_test(test_a_function_is_in_front_too),
		brood_test(test_the_terminal_s_descriptor_need_not_be_one_of_the_child_s),
		brood_test(test_a_member_of_a_batch_may_have_it),
		brood_test(test_a_caller_in_the_background_may_give_it_away_again),
		brood_test(test_an_interactive_program_reads_what_is_typed),
		brood_test(test_ctrl_c_ends_the_chain_and_not_the_caller),
		brood_test(test_what_is_no_terminal_or_not_open_is_a_start_that_fails),
		brood_test(test_a_session_of_its_own_has_no_terminal_to_take),
		brood_test(test_numbers_below_minus_1_are_a_mistake),
		brood_test(test_copies_and_chains_keep_the_terminal),
		brood_test(test_the_sides_of_a_sequence_cannot_have_it),
		brood_test(test_both_sides_of_a_sequence_are_in_front),
		brood_test(test_the_text_of_a_command_leaves_it_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
