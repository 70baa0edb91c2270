/* SPDX-License-Identifier: MIT */
/*
 * The first things that users write, as they write them: whole programs in the small, over the public headers alone. What each call does
 * at its edges is tested elsewhere; here the calls must fit together, and leave nothing behind.
 */
#include <brood.h>

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "support/support.h"

static brood_process *start(brood_command *cmd_take)
{
	brood_process *process = NULL;
	int r = brood_start(cmd_take, &process);

	brood_command_free(cmd_take);
	if (r < 0)
		fail_msg("%s", brood_result_describe(brood_process_result(process)));
	return process;
}

static brood_process *start_sleep(const char *seconds)
{
	return start(brood_command_newl("sleep", seconds, NULL));
}

static void test_run_keeps_what_a_command_says(void **state)
{
	brood_command *cmd = brood_command_newl("echo", "hello", NULL);
	brood_result *result = NULL;

	(void)state;
	brood_command_capture(cmd, BROOD_STDOUT, 1 << 20);
	brood_command_set_timeout_ms(cmd, 60000);
	assert_int_equal(brood_run(cmd, &result), 0);
	brood_command_free(cmd);
	assert_true(brood_result_ok(result));
	assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), "hello\n");
	brood_result_free(result);
}

static void test_communicate_feeds_drains_and_waits(void **state)
{
	brood_command *cmd = brood_command_newl("cat", NULL);
	size_t size = 0;

	(void)state;
	brood_command_redirect_pipe(cmd, BROOD_STDIN);
	brood_command_capture(cmd, BROOD_STDOUT, 1 << 20);
	brood_process *process = start(cmd);
	assert_int_equal(brood_process_communicate(process, "fed\n", 4, 60000), 0);
	assert_string_equal(brood_result_output(brood_process_result(process), BROOD_STDOUT, &size), "fed\n");
	assert_int_equal(size, 4);
	brood_process_free(process);
}

static void test_poll_says_running_until_it_says_ended(void **state)
{
	brood_command *cmd = brood_command_newl("cat", NULL);
	brood_process *process;

	(void)state;
	brood_command_redirect_pipe(cmd, BROOD_STDIN);
	process = start(cmd);
	assert_int_equal(brood_process_poll(process), 0);
	assert_int_equal(brood_process_close(process, BROOD_STDIN), 0);
	while (brood_process_poll(process) == 0)
		support_sleep_ms(10);
	assert_int_equal(brood_process_poll(process), 1);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 0);
	brood_process_free(process);
}

static void test_ten_sleep_as_long_as_one(void **state)
{
	brood_process *ten[10];
	int64_t begin = support_now_ms();

	(void)state;
	for (int i = 0; i < 10; i++)
		ten[i] = start_sleep("1");
	for (int i = 0; i < 10; i++) {
		assert_int_equal(brood_process_wait(ten[i], 60000), 0);
		brood_process_free(ten[i]);
	}
	assert_in_range(support_now_ms() - begin, 1000, 9000);
}

static void test_one_that_is_late_is_terminated_and_tells_the_signal(void **state)
{
	brood_process *process = start_sleep("100");

	(void)state;
	assert_int_equal(brood_process_communicate(process, NULL, 0, 100), -ETIMEDOUT);
	assert_int_equal(brood_process_terminate(process), 0);
	assert_int_equal(brood_process_wait(process, 60000), 0);

	const brood_result *result = brood_process_result(process);
	assert_int_equal(brood_result_how(result, 0), BROOD_SIGNALLED);
	assert_int_equal(brood_result_signal(result, 0), SIGTERM);
	assert_int_equal(brood_result_cause(result, 0), BROOD_BY_STOP);
	brood_process_free(process);
}

static void test_lines_come_one_by_one_and_the_last_needs_no_newline(void **state)
{
	static const char *const expect[] = { "one", "two", "three" };
	brood_command *cmd = brood_command_newl("printf", "one\\ntwo\\nthree", NULL);
	const char *line;
	size_t size;

	(void)state;
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	brood_process *process = start(cmd);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(brood_process_next_line(process, BROOD_STDOUT, 60000, &line, &size), 1);
		assert_string_equal(line, expect[i]);
		assert_int_equal(size, strlen(expect[i]));
	}
	assert_int_equal(brood_process_next_line(process, BROOD_STDOUT, 60000, &line, &size), 0);
	assert_int_equal(brood_process_wait(process, 60000), 0);
	assert_true(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
}

static void test_three_chains_end_inside_a_poll_loop_of_ones_own(void **state)
{
	brood_process *processes[3];
	struct pollfd fds[3];
	int running = 3;

	(void)state;
	for (int i = 0; i < 3; i++) {
		brood_command *cmd = NULL;

		assert_int_equal(brood_command_parse("head -c 300000 /dev/zero | tr '\\0' x | wc -c", &cmd), 0);
		brood_command_capture(cmd, BROOD_STDOUT, 4096);
		processes[i] = start(cmd);
		fds[i] = (struct pollfd){ .fd = brood_process_fd(processes[i]), .events = POLLIN };
	}
	bool here = fds[0].fd != -ENOTSUP;
	while (here && running > 0) {
		assert_true(poll(fds, 3, 60000) > 0);
		for (int i = 0; i < 3; i++) {
			if (fds[i].fd < 0 || fds[i].revents == 0 || brood_process_dispatch(processes[i]) != 1)
				continue;
			assert_string_equal(brood_result_output(brood_process_result(processes[i]), BROOD_STDOUT, NULL), "300000\n");
			fds[i].fd = -1;
			running--;
		}
	}
	for (int i = 0; i < 3; i++)
		brood_process_free(processes[i]);
	skip_unless(here, "this engine or poller has no descriptor for an event loop");
}

static void test_a_stage_that_does_not_exist_undoes_the_chain_and_is_named(void **state)
{
	brood_command *chain = brood_pipe(brood_command_newl("yes", NULL),
	                                  brood_pipe(brood_command_newl("md5smu", NULL), brood_command_newl("cat", NULL)));
	brood_result *result = NULL;

	(void)state;
	assert_int_equal(brood_run(chain, &result), -ENOENT);
	brood_command_free(chain);
	assert_false(brood_result_ok(result));
	assert_int_equal(brood_result_how(result, 0), BROOD_SIGNALLED);
	assert_int_equal(brood_result_cause(result, 0), BROOD_BY_FAILURE);
	assert_int_equal(brood_result_how(result, 1), BROOD_NOT_STARTED);
	assert_int_equal(brood_result_how(result, 2), BROOD_NOT_STARTED);
	assert_string_equal(brood_result_describe(result), "stage 2: exec 'md5smu': No such file or directory");
	brood_result_free(result);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static int shout(void *data)
{
	(void)data;
	for (int c; (c = getchar()) != EOF;)
		putchar(toupper(c));
	return 3;
}

static void test_a_function_is_a_stage_between_two_commands(void **state)
{
	brood_command *middle = brood_command_function("shout", shout, NULL);
	brood_result *result = NULL;

	(void)state;
	brood_command_set_unchecked(middle, true);
	brood_command *chain = brood_pipe(brood_command_newl("echo", "quiet", NULL),
	                                  brood_pipe(middle, brood_command_newl("cat", NULL)));
	brood_command_capture(chain, BROOD_STDOUT, 4096);
	assert_int_equal(brood_run(chain, &result), 0);
	brood_command_free(chain);
	assert_true(brood_result_ok(result));
	assert_int_equal(brood_result_exit_code(result, 1), 3);
	assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), "QUIET\n");
	brood_result_free(result);
}

/* A chain for each input, two at a time, in the order of completion; the outputs never mix. */
static void test_a_batch_of_chains_gives_each_its_own_output(void **state)
{
	brood_batch *batch = brood_batch_new(2);
	brood_future *done;
	unsigned seen = 0;
	int r;

	(void)state;
	for (int i = 0; i < 8; i++) {
		brood_command *give = brood_command_newl("echo", NULL);
		char name[2] = { (char)('0' + i), 0 };

		brood_command_argf(give, "number %d", i);
		brood_command *chain = brood_pipe(give, brood_command_newl("tr", "a-z", "A-Z", NULL));
		brood_command_capture(chain, BROOD_STDOUT, 4096);
		brood_command_set_name(chain, name);
		brood_command_set_timeout_ms(chain, 60000);
		assert_int_equal(brood_batch_submit(batch, chain, NULL), 0);
		brood_command_free(chain);
	}
	while ((r = brood_batch_next(batch, 60000, &done)) == 1) {
		const brood_result *result = brood_future_result(done);
		char expect[16];

		assert_true(brood_result_ok(result));
		snprintf(expect, sizeof(expect), "NUMBER %s\n", brood_future_name(done));
		assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), expect);
		seen |= 1u << (brood_future_name(done)[0] - '0');
		brood_future_free(done);
	}
	assert_int_equal(r, 0);
	assert_int_equal(seen, 0xff);
	brood_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_run_keeps_what_a_command_says),
		brood_test(test_communicate_feeds_drains_and_waits),
		brood_test(test_poll_says_running_until_it_says_ended),
		brood_test(test_ten_sleep_as_long_as_one),
		brood_test(test_one_that_is_late_is_terminated_and_tells_the_signal),
		brood_test(test_lines_come_one_by_one_and_the_last_needs_no_newline),
		brood_test(test_three_chains_end_inside_a_poll_loop_of_ones_own),
		brood_test(test_a_stage_that_does_not_exist_undoes_the_chain_and_is_named),
		brood_test(test_a_function_is_a_stage_between_two_commands),
		brood_test(test_a_batch_of_chains_gives_each_its_own_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
