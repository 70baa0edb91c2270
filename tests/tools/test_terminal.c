/* SPDX-License-Identifier: MIT */
/* Whose the terminal is, and what it is like afterwards. What runs in the terminal tells by its exit status which of its steps went wrong. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "support/support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "support/pty.h"
#include "terminal.h"

/* In a terminal, where cmocka's assertions mean nothing: the line that failed, as far as an exit status can say it. */
#define check(condition)					\
	do {							\
		if (!(condition)) {				\
			fprintf(stderr, "line %d\n", __LINE__);	\
			return 1;				\
		}						\
	} while (0)

static void none_part(void *data)
{
	(void)data;
	setsid();
	assert_null(terminal_new());
	terminal_free(NULL);
}

static void test_without_a_controlling_terminal_there_is_none(void **state)
{
	(void)state;
	support_assert_in_fork(none_part, NULL);
}

/* A child in a group of its own, to be the chain. */
static pid_t chain_begin(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	return pid;
}

static void chain_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void set_echo(int fd, bool on)
{
	struct termios modes;
	sigset_t ttou;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, NULL);
	tcgetattr(fd, &modes);
	modes.c_lflag = on ? modes.c_lflag | ECHO : modes.c_lflag & (tcflag_t)~ECHO;
	tcsetattr(fd, TCSANOW, &modes);
	sigprocmask(SIG_UNBLOCK, &ttou, NULL);
}

static bool has_echo(int fd)
{
	struct termios modes;

	return tcgetattr(fd, &modes) == 0 && modes.c_lflag & ECHO;
}

static int run_part(int (*fn)(void *data))
{
	struct pty pty;
	int status;

	pty_open(&pty);
	pty_run(&pty, fn, NULL);
	status = pty_end(&pty);
	if (status != 0)
		print_error("the terminal showed: %s\n", pty.text);
	pty_free(&pty);
	return status;
}

static int handing_part(void *data)
{
	struct terminal *terminal = terminal_new();
	pid_t chain = chain_begin();

	(void)data;
	check(terminal && terminal_fd(terminal) > 2 && fcntl(terminal_fd(terminal), F_GETFD) & FD_CLOEXEC);
	check(terminal_is_ours(terminal) && !terminal_is_given(terminal));
	terminal_give(terminal, chain);
	check(tcgetpgrp(0) == chain && terminal_is_given(terminal));
	terminal_look_again(terminal);
	check(terminal_is_given(terminal));
	/* From the background now: without care this stops us. */
	terminal_take_back(terminal, true);
	check(tcgetpgrp(0) == getpgrp() && !terminal_is_given(terminal));
	chain_end(chain);
	terminal_free(terminal);
	return 0;
}

static void test_it_is_given_and_taken_back_and_that_stops_nobody(void **state)
{
	(void)state;
	assert_int_equal(run_part(handing_part), 0);
}

static int dead_part(void *data)
{
	struct terminal *terminal = terminal_new();
	pid_t chain = chain_begin();

	(void)data;
	terminal_give(terminal, chain);
	chain_end(chain);
	terminal_take_back(terminal, true);
	check(tcgetpgrp(0) == getpgrp());
	terminal_free(terminal);
	return 0;
}

static void test_it_comes_back_from_a_group_that_is_gone(void **state)
{
	(void)state;
	assert_int_equal(run_part(dead_part), 0);
}

static int modes_part(void *data)
{
	struct terminal *terminal = terminal_new();
	pid_t chain = chain_begin();

	(void)data;
	check(has_echo(0));
	terminal_give(terminal, chain);
	set_echo(0, false);
	terminal_take_back(terminal, false);
	check(has_echo(0));
	/* What it had when it stopped. */
	terminal_give(terminal, chain);
	check(!has_echo(0));
	/* It ended well: stty(1) means what it does. */
	terminal_take_back(terminal, true);
	check(!has_echo(0));
	chain_end(chain);
	terminal_free(terminal);
	return 0;
}

static void test_modes_come_and_go_with_it_and_stay_when_they_are_to(void **state)
{
	(void)state;
	assert_int_equal(run_part(modes_part), 0);
}

static int born_part(void *data)
{
	struct terminal *terminal = terminal_new();
	pid_t chain = chain_begin();

	(void)data;
	tcsetpgrp(0, chain);
	set_echo(0, false);
	terminal_given(terminal, chain);
	terminal_take_back(terminal, false);
	check(has_echo(0));
	chain_end(chain);
	terminal_free(terminal);
	return 0;
}

static void test_modes_of_before_are_those_of_before_the_start(void **state)
{
	(void)state;
	assert_int_equal(run_part(born_part), 0);
}

static int lost_part(void *data)
{
	struct terminal *terminal = terminal_new();
	pid_t chain = chain_begin(), other;
	bool kept;

	(void)data;
	terminal_give(terminal, chain);
	/* The shell has taken it meanwhile, and is not asked to give it back. */
	other = getpgid(getppid());
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(0, other);
	terminal_look_again(terminal);
	kept = terminal_is_given(terminal) || terminal_is_ours(terminal);
	terminal_take_back(terminal, false);
	kept |= tcgetpgrp(0) != other;
	tcsetpgrp(0, getpgrp());
	chain_end(chain);
	terminal_free(terminal);
	return kept;
}

static void test_what_a_shell_took_for_itself_is_not_taken_from_it(void **state)
{
	(void)state;
	assert_int_equal(run_part(lost_part), 0);
}

static int sibling_part(void *data)
{
	struct terminal *ours = terminal_new(), *theirs = terminal_new();
	pid_t our_chain = chain_begin(), their_chain = chain_begin();

	(void)data;
	terminal_give(ours, our_chain);
	/* As seen by another one of our job: it may have it, and the first one does not take it from there. */
	check(terminal_is_ours(theirs));
	terminal_give(theirs, their_chain);
	terminal_take_back(ours, false);
	check(tcgetpgrp(0) == their_chain);
	terminal_take_back(theirs, false);
	check(tcgetpgrp(0) == getpgrp());
	chain_end(our_chain);
	chain_end(their_chain);
	terminal_free(ours);
	terminal_free(theirs);
	return 0;
}

static void test_a_chain_of_another_one_in_our_job_may_have_it_and_keeps_it(void **state)
{
	(void)state;
	skip_unless(access("/proc/self/stat", R_OK) == 0, "there is no /proc");
	assert_int_equal(run_part(sibling_part), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_without_a_controlling_terminal_there_is_none),
		brood_test(test_it_is_given_and_taken_back_and_that_stops_nobody),
		brood_test(test_it_comes_back_from_a_group_that_is_gone),
		brood_test(test_modes_come_and_go_with_it_and_stay_when_they_are_to),
		brood_test(test_modes_of_before_are_those_of_before_the_start),
		brood_test(test_what_a_shell_took_for_itself_is_not_taken_from_it),
		brood_test(test_a_chain_of_another_one_in_our_job_may_have_it_and_keeps_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
