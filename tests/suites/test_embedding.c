/* SPDX-License-Identifier: MIT */
/* A host with an event loop of its own: one descriptor a handle, readable whenever there is something to do, deadlines included. */
#include <brood.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "support/running.h"

enum { HANDLES = 40, MIB = 1 << 20 };

/* Ends the test as skipped where handles have no descriptor. */
static int fd_of(brood_process *process)
{
	int fd = brood_process_fd(process);

	if (fd == -ENOTSUP) {
		brood_process_kill(process);
		brood_process_free(process);
		support_skip("this engine or poller gives no descriptor to poll");
	}
	assert_true(fd >= 0);
	assert_int_equal(brood_process_fd(process), fd);
	return fd;
}

/* Nothing but poll on the descriptor may wake us; a minute without an event is a hang. Returns the rounds. */
static int loop(brood_process *process)
{
	struct pollfd fd = { .fd = fd_of(process), .events = POLLIN };
	int r, rounds = 0;

	while ((r = brood_process_dispatch(process)) == 0) {
		assert_int_equal(poll(&fd, 1, 60000), 1);
		rounds++;
	}
	assert_int_equal(r, 1);
	return rounds;
}

static void test_a_loop_of_ones_own_sees_the_end(void **state)
{
	brood_process *process = start(child("sleep", "20", "exit", "3"));

	/* No busy loop: a wake-up for the end, and perhaps one more. */
	assert_true(loop(process) <= 3);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 3);
	brood_process_free(process);
}

static void test_a_loop_feeds_and_drains(void **state)
{
	static unsigned char bytes[4 * MIB];
	brood_command *cmd = brood_pipe(child("cat"), child("tee-err"));
	brood_process *process;
	size_t size;

	support_pattern(bytes, 4 * MIB, 0);
	brood_command_feed(cmd, bytes, 4 * MIB);
	brood_command_capture(cmd, 1, 0);
	brood_command_capture(cmd, 2, 0);
	process = start(cmd);
	loop(process);
	assert_true(brood_result_ok(brood_process_result(process)));
	for (int fd = 1; fd <= 2; fd++) {
		const char *text = brood_result_output(brood_process_result(process), fd, &size);

		assert_int_equal(size, 4 * MIB);
		assert_memory_equal(text, bytes, size);
	}
	brood_process_free(process);
}

static void test_the_descriptor_may_be_asked_for_in_the_middle(void **state)
{
	char go[256];
	brood_command *cmd = child("lines", "50", "wait-for-file", support_path(go, sizeof go, "go"), "lines", "100");
	brood_process *process;

	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	while (!strstr(brood_result_output(brood_process_result(process), 1, NULL), "line 50\n"))
		assert_int_equal(brood_process_wait(process, 5), -ETIMEDOUT);
	fd_of(process);
	support_write_text(go, "");
	loop(process);
	assert_true(brood_result_ok(brood_process_result(process)));
	assert_non_null(strstr(brood_result_output(brood_process_result(process), 1, NULL), "line 100\n"));
	brood_process_free(process);
}

static void test_many_handles_in_one_loop(void **state)
{
	brood_process *process[HANDLES];
	struct pollfd fds[HANDLES];
	size_t left = HANDLES;

	for (size_t i = 0; i < HANDLES; i++) {
		brood_command *cmd = child("pattern", "200K", "exit");

		brood_command_argf(cmd, "%zu", i);
		brood_command_capture(cmd, 1, 0);
		process[i] = start(cmd);
		fds[i] = (struct pollfd){ .fd = brood_process_fd(process[i]), .events = POLLIN };
	}
	if (fds[0].fd == -ENOTSUP) {
		for (size_t i = 0; i < HANDLES; i++)
			brood_process_free(process[i]);
		support_skip("this engine or poller gives no descriptor to poll");
	}
	while (left > 0) {
		assert_true(poll(fds, HANDLES, 60000) > 0);
		for (size_t i = 0; i < HANDLES; i++)
			if (fds[i].revents && brood_process_dispatch(process[i]) == 1) {
				fds[i].fd = -1;
				left--;
			}
	}
	for (size_t i = 0; i < HANDLES; i++) {
		assert_int_equal(brood_result_exit_code(brood_process_result(process[i]), 0), i);
		assert_int_equal(brood_result_bytes(brood_process_result(process[i]), 1), 200 << 10);
		brood_process_free(process[i]);
	}
}

/* ---- time ---- */

static void test_the_budget_and_the_grace_wake_the_loop(void **state)
{
	char deaf[256];
	brood_command *cmd = child("ignore", "TERM", "touch", support_path(deaf, sizeof deaf, "deaf"), "sleep-forever");
	brood_process *process;
	int64_t before = support_now_ms();

	brood_command_set_timeout_ms(cmd, 200);
	brood_command_set_grace_ms(cmd, 100);
	process = start(cmd);
	/* No call on the handle, which would spend the budget of a child that is late. */
	assert_true(support_wait_file(deaf, 30000));
	assert_true(loop(process) <= 6);
	assert_true(support_now_ms() - before >= 300);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGKILL);
	assert_int_equal(brood_result_cause(brood_process_result(process), 0), BROOD_BY_DEADLINE);
	brood_process_free(process);
}

static void test_the_linger_wakes_the_loop(void **state)
{
	char pidfile[256];
	brood_command *cmd = child("hold-pipe-in-grandchild", "600000", support_path(pidfile, sizeof pidfile, "pid"), "print", "x");
	brood_process *process;
	const pid_t *holders;
	size_t count;
	pid_t pid;

	brood_command_capture(cmd, 1, 0);
	brood_command_set_linger_ms(cmd, 50);
	process = start(cmd);
	pid = support_read_pidfile(pidfile);
	if (brood_process_fd(process) < 0)
		kill(pid, SIGKILL);
	assert_true(loop(process) <= 6);
	assert_true(brood_result_held(brood_process_result(process)));
	assert_true(brood_result_truncated(brood_process_result(process), 1));
	assert_string_equal(brood_result_output(brood_process_result(process), 1, NULL), "x");
	holders = brood_result_holders(brood_process_result(process), &count);
	assert_int_equal(count, 1);
	assert_int_equal(holders[0], pid);
	brood_process_free(process);
	kill(pid, SIGKILL);
	assert_true(support_wait_gone(pid, 30000));
}

static void test_a_descriptor_is_quiet_while_nothing_is_to_be_done(void **state)
{
	brood_command *cmd = child("ready", "sleep-forever");
	brood_process *process;
	struct pollfd fd = { .events = POLLIN };

	/* A pipe of the caller's own is the caller's to read: it does not wake the handle. */
	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	fd.fd = fd_of(process);
	assert_int_equal(poll(&fd, 1, 50), 0);
	assert_int_equal(brood_process_kill(process), 0);
	assert_int_equal(poll(&fd, 1, 60000), 1);
	while (brood_process_dispatch(process) == 0)
		assert_int_equal(poll(&fd, 1, 60000), 1);
	assert_int_equal(poll(&fd, 1, 0), 0);
	brood_process_free(process);
}

/* ---- mixed with calls ---- */

static void test_calls_and_the_loop_may_be_mixed(void **state)
{
	brood_command *cmd = child("cat");
	brood_process *process;
	const char *line;

	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	brood_command_capture(cmd, 2, 0);
	process = start(cmd);
	fd_of(process);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(brood_process_write(process, "hello\n", 6, -1, NULL), 0);
		assert_int_equal(brood_process_dispatch(process), 0);
		assert_int_equal(brood_process_next_line(process, 1, -1, &line, NULL), 1);
		assert_string_equal(line, "hello");
		assert_int_equal(brood_process_poll(process), 0);
		assert_int_equal(brood_process_wait(process, 0), -ETIMEDOUT);
	}
	assert_int_equal(brood_process_communicate(process, "the rest", 8, 0), -ETIMEDOUT);
	loop(process);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_string_equal(brood_result_output(brood_process_result(process), 1, NULL), "the rest");
	assert_true(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
}

static void test_stop_in_the_middle_of_a_loop(void **state)
{
	brood_command *cmd = child("flood-forever");
	brood_process *process;

	brood_command_capture(cmd, 1, 1000);
	process = start(cmd);
	fd_of(process);
	assert_int_equal(brood_process_dispatch(process), 0);
	assert_int_equal(brood_process_stop(process, 60000), BROOD_STOPPED_CHILDREN);
	assert_int_equal(brood_process_dispatch(process), 1);
	brood_process_free(process);
}

static void test_handles_with_a_descriptor_may_be_freed_at_any_time(void **state)
{
	for (int i = 0; i < 3; i++) {
		brood_command *cmd = child("sleep-forever");
		brood_process *process;

		brood_command_capture(cmd, 1, 0);
		brood_command_set_timeout_ms(cmd, 600000);
		process = start(cmd);
		fd_of(process);
		if (i == 0)
			brood_process_dispatch(process);
		if (i == 2) {
			brood_process_kill(process);
			brood_process_wait(process, -1);
		}
		brood_process_free(process);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_loop_of_ones_own_sees_the_end),
		brood_test(test_a_loop_feeds_and_drains),
		brood_test(test_the_descriptor_may_be_asked_for_in_the_middle),
		brood_test(test_many_handles_in_one_loop),
		brood_test(test_the_budget_and_the_grace_wake_the_loop),
		brood_test(test_the_linger_wakes_the_loop),
		brood_test(test_a_descriptor_is_quiet_while_nothing_is_to_be_done),
		brood_test(test_calls_and_the_loop_may_be_mixed),
		brood_test(test_stop_in_the_middle_of_a_loop),
		brood_test(test_handles_with_a_descriptor_may_be_freed_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
