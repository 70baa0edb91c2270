/* SPDX-License-Identifier: MIT */
/*
 * Signals through a pipe: in order, each told once, none that was ignored. Handlers are for the life of a program, so each test is a process of
 * its own.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wake.h"

/* The pipe is for the life of a program, and a forked part that returns must leave no descriptor. */
static void end(void)
{
	_exit(0);
}

static void begin(const int *signals, size_t count)
{
	assert_int_equal(wake_new(signals, count), 0);
}

static bool is_ready(void)
{
	struct pollfd ready = { .fd = wake_fd(), .events = POLLIN };

	return poll(&ready, 1, 0) == 1;
}

static void in_order_part(void *data)
{
	begin((const int[]){ SIGUSR1, SIGTERM, SIGINT }, 3);
	(void)data;
	assert_false(is_ready());
	assert_int_equal(wake_take(), 0);
	raise(SIGTERM);
	raise(SIGUSR1);
	raise(SIGINT);
	assert_true(is_ready());
	assert_int_equal(wake_take(), SIGTERM);
	assert_int_equal(wake_take(), SIGUSR1);
	assert_int_equal(wake_take(), SIGINT);
	assert_int_equal(wake_take(), 0);
	assert_false(is_ready());
	end();
}

static void test_signals_come_in_their_order(void **state)
{
	(void)state;
	support_assert_in_fork(in_order_part, NULL);
}

static void flood_part(void *data)
{
	begin((const int[]){ SIGUSR1, SIGTERM }, 2);
	(void)data;
	for (int i = 0; i < 100000; i++)
		raise(SIGUSR1);
	raise(SIGTERM);
	assert_int_equal(wake_take(), SIGUSR1);
	assert_int_equal(wake_take(), SIGTERM);
	assert_int_equal(wake_take(), 0);
	raise(SIGUSR1);
	assert_int_equal(wake_take(), SIGUSR1);
	end();
}

static void test_a_flood_of_one_signal_hides_no_other(void **state)
{
	(void)state;
	support_assert_in_fork(flood_part, NULL);
}

static void once_part(void *data)
{
	(void)data;
	begin((const int[]){ SIGTTOU }, 1);
	raise(SIGTTOU);
	/* A write to a terminal that another group has begins again behind the handler: now it stops us. */
	assert_false(wake_has(SIGTTOU));
	assert_int_equal(wake_take(), SIGTTOU);
	assert_true(wake_has(SIGTTOU));
	end();
}

static void test_signals_of_the_terminal_are_caught_once_until_they_are_taken(void **state)
{
	(void)state;
	support_assert_in_fork(once_part, NULL);
}

static void ignored_part(void *data)
{
	(void)data;
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	begin((const int[]){ SIGHUP, SIGCHLD, SIGTERM }, 3);
	assert_false(wake_has(SIGHUP));
	assert_true(wake_has(SIGCHLD));
	assert_true(wake_has(SIGTERM));
	raise(SIGHUP);
	assert_int_equal(wake_take(), 0);
	raise(SIGCHLD);
	assert_int_equal(wake_take(), SIGCHLD);
	end();
}

static void test_what_was_ignored_stays_so_but_for_sigchld(void **state)
{
	(void)state;
	support_assert_in_fork(ignored_part, NULL);
}

static void blocked_part(void *data)
{
	sigset_t set;

	(void)data;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	begin((const int[]){ SIGTERM }, 1);
	raise(SIGTERM);
	assert_int_equal(wake_take(), SIGTERM);
	end();
}

static void test_what_was_blocked_is_seen(void **state)
{
	(void)state;
	support_assert_in_fork(blocked_part, NULL);
}

static void sigpipe_part(void *data)
{
	int fd[2];

	(void)data;
	begin((const int[]){ SIGPIPE }, 1);
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	close(fd[0]);
	assert_int_equal(write(fd[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(wake_take(), 0);
	close(fd[1]);
	end();
}

static void test_sigpipe_is_an_error_of_the_write_and_is_not_told(void **state)
{
	(void)state;
	support_assert_in_fork(sigpipe_part, NULL);
}

static void closed_part(void *data)
{
	(void)data;
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	begin((const int[]){ SIGTERM }, 1);
	for (int fd = 0; fd < 3; fd++)
		assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_true(wake_fd() > 2);
	assert_true(fcntl(wake_fd(), F_GETFD) & FD_CLOEXEC);
	end();
}

static void test_the_pipe_stays_away_from_closed_standard_descriptors(void **state)
{
	(void)state;
	support_assert_in_fork(closed_part, NULL);
}

static void unknown_part(void *data)
{
	(void)data;
	assert_int_equal(wake_new((const int[]){ SIGKILL }, 1), -EINVAL);
	assert_int_equal(wake_new((const int[]){ 0 }, 1), -EINVAL);
	end();
}

static void test_a_signal_that_cannot_be_caught_is_einval(void **state)
{
	(void)state;
	support_assert_in_fork(unknown_part, NULL);
}

/* ---- dying and stopping ---- */

static void dying_part(void *data)
{
	begin(data, 1);
	wake_die_of(*(const int *)data);
}

static void test_dying_is_by_the_signal_itself(void **state)
{
	int term = SIGTERM, interrupt = SIGINT;

	(void)state;
	assert_int_equal(support_in_fork(dying_part, &term), 128 + SIGTERM);
	assert_int_equal(support_in_fork(dying_part, &interrupt), 128 + SIGINT);
}

static void group_part(void *data)
{
	pid_t other;

	(void)data;
	setpgid(0, 0);
	other = fork();
	if (other == 0)
		for (;;)
			pause();
	begin((const int[]){ SIGINT }, 1);
	wake_die_with_group(SIGINT);
}

static void test_dying_with_the_group_takes_us_too(void **state)
{
	(void)state;
	assert_int_equal(support_in_fork(group_part, NULL), 128 + SIGINT);
}

/* In a group that is not an orphaned one: its parent, this test, is of another group in the same session. */
static pid_t stopping_child(bool (*stop)(int signal), int signal)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		begin((const int[]){ SIGTSTP, SIGCONT }, 2);
		_exit(!stop(signal) ? 3 : wake_take() != SIGCONT ? 4 : wake_has(SIGTSTP) ? 0 : 5);
	}
	return pid;
}

static void expect_stop(bool (*stop)(int signal), int signal)
{
	pid_t pid = stopping_child(stop, signal);
	int status;

	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(WSTOPSIG(status), signal);
	kill(pid, SIGCONT);
	assert_int_equal(support_reap(pid), 0);
}

static void test_stopping_lasts_until_somebody_continues_us(void **state)
{
	(void)state;
	/* It hands signals out later than the kernel does, and the stop is over by then. */
	skip_under_valgrind();
	expect_stop(wake_stop_self, SIGTSTP);
	expect_stop(wake_stop_self, SIGTTIN);
	expect_stop(wake_stop_group, SIGTTIN);
}

static void orphan_part(void *data)
{
	(void)data;
	setsid();
	begin((const int[]){ SIGTSTP }, 1);
	assert_false(wake_stop_self(SIGTSTP));
	assert_false(wake_stop_group(SIGTTIN));
	assert_true(wake_has(SIGTSTP));
	assert_int_equal(wake_take(), 0);
	end();
}

static void test_in_an_orphaned_group_stopping_has_no_effect_and_says_so(void **state)
{
	(void)state;
	support_assert_in_fork(orphan_part, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_signals_come_in_their_order),
		brood_test(test_a_flood_of_one_signal_hides_no_other),
		brood_test(test_signals_of_the_terminal_are_caught_once_until_they_are_taken),
		brood_test(test_what_was_ignored_stays_so_but_for_sigchld),
		brood_test(test_what_was_blocked_is_seen),
		brood_test(test_sigpipe_is_an_error_of_the_write_and_is_not_told),
		brood_test(test_the_pipe_stays_away_from_closed_standard_descriptors),
		brood_test(test_a_signal_that_cannot_be_caught_is_einval),
		brood_test(test_dying_is_by_the_signal_itself),
		brood_test(test_dying_with_the_group_takes_us_too),
		brood_test(test_stopping_lasts_until_somebody_continues_us),
		brood_test(test_in_an_orphaned_group_stopping_has_no_effect_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
