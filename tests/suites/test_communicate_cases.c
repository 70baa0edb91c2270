/* SPDX-License-Identifier: MIT */
/*
 * communicate and run from outside: every byte that goes in or comes out is accounted for, whatever the child reads, and
 * whatever deadlines cut the calls short.
 */
#include <brood.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/running.h"

enum { MIB = 1 << 20 };

static unsigned char *a_pattern(size_t size)
{
	unsigned char *bytes = malloc(size);

	assert_non_null(bytes);
	support_pattern(bytes, size, 0);
	return bytes;
}

static void assert_pattern(const brood_result *result, int child_fd, size_t expected)
{
	unsigned char *bytes = a_pattern(expected);
	size_t size;
	const char *text = brood_result_output(result, child_fd, &size);

	assert_int_equal(size, expected);
	assert_int_equal(brood_result_bytes(result, child_fd), expected);
	assert_int_equal(support_checksum(text, size), support_checksum(bytes, expected));
	assert_int_equal(text[size], 0);
	free(bytes);
}

/* ---- 48, 49, 52 ---- */

static void test_all_eight_combinations_of_pipes(void **state)
{
	for (int pipes = 0; pipes < 8; pipes++) {
		brood_command *cmd = child("tee-err");
		const char *expected = pipes & 1 ? "input" : "";
		brood_process *process;
		const brood_result *result;

		for (int fd = 0; fd < 3; fd++)
			if (pipes & (1 << fd))
				brood_command_redirect_pipe(cmd, fd);
			else
				brood_command_redirect_null(cmd, fd);
		process = start(cmd);
		result = brood_process_result(process);
		assert_int_equal(brood_process_communicate(process, pipes & 1 ? "input" : NULL, pipes & 1 ? 5 : 0, -1), 0);
		assert_true(brood_result_ok(result));
		assert_string_equal(brood_result_output(result, 1, NULL), pipes & 2 ? expected : "");
		assert_string_equal(brood_result_output(result, 2, NULL), pipes & 4 ? expected : "");
		brood_process_free(process);
	}
}

static void test_both_directions_far_beyond_a_pipes_size(void **state)
{
	unsigned char *bytes = a_pattern(8 * MIB);
	brood_command *cmd = child("tee-err");
	brood_process *process;

	for (int fd = 0; fd < 3; fd++)
		brood_command_redirect_pipe(cmd, fd);
	process = start(cmd);
	assert_int_equal(brood_process_communicate(process, bytes, 8 * MIB, -1), 0);
	assert_pattern(brood_process_result(process), 1, 8 * MIB);
	assert_pattern(brood_process_result(process), 2, 8 * MIB);
	assert_int_equal(brood_result_bytes(brood_process_result(process), 0), 8 * MIB);
	brood_process_free(process);
	free(bytes);
}

static void test_every_byte_value_goes_through(void **state)
{
	brood_command *cmd = child("cat");
	unsigned char bytes[256];
	brood_result *result;
	size_t size;

	for (int i = 0; i < 256; i++)
		bytes[i] = (unsigned char)i;
	brood_command_feed(cmd, bytes, 256);
	brood_command_capture(cmd, 1, 0);
	result = run(cmd);
	assert_memory_equal(brood_result_output(result, 1, &size), bytes, 256);
	assert_int_equal(size, 256);
	brood_result_free(result);
}

static void test_empty_input_is_end_of_file(void **state)
{
	brood_command *cmd = child("count");
	brood_result *result;

	brood_command_feed(cmd, "", 0);
	brood_command_capture(cmd, 1, 0);
	result = run(cmd);
	assert_string_equal(brood_result_output(result, 1, NULL), "0\n");
	brood_result_free(result);

	cmd = child("count");
	brood_command_redirect_pipe(cmd, 0);
	brood_command_capture(cmd, 1, 0);
	result = run(cmd);
	assert_string_equal(brood_result_output(result, 1, NULL), "0\n");
	brood_result_free(result);
}

static void test_communicate_with_nothing_to_do_just_waits(void **state)
{
	brood_process *process = start(child("exit", "3"));

	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 3);
	brood_process_free(process);
}

/* ---- 50, 45 ---- */

static void feed_64_mib_to(const char *verb, const char *word, bool all)
{
	unsigned char *bytes = a_pattern(64 * MIB);
	brood_command *cmd = child(verb, word);
	brood_result *result;

	brood_command_feed(cmd, bytes, 64 * MIB);
	free(bytes);
	result = run(cmd);
	assert_true(brood_result_ok(result));
	assert_int_equal(brood_result_exit_code(result, 0), 0);
	if (all)
		assert_int_equal(brood_result_bytes(result, 0), 64 * MIB);
	else
		assert_true(brood_result_bytes(result, 0) < 64 * MIB);
	brood_result_free(result);
}

static void test_a_child_may_read_nothing_half_or_all_of_its_input(void **state)
{
	feed_64_mib_to("exit", "0", false);
	feed_64_mib_to("close-stdin-early", "1", false);
	feed_64_mib_to("eat", "32M", false);
	feed_64_mib_to("check-pattern", "64M", true);
}

static void feed_without_the_flag(void *data)
{
	sigset_t pending;

	support_deny_syscall(SYS_pwritev2, EOPNOTSUPP);
	feed_64_mib_to("exit", "0", false);
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGPIPE));
}

static void test_a_dead_reader_never_kills_where_the_kernel_has_no_quiet_write(void **state)
{
	support_assert_in_fork(feed_without_the_flag, NULL);
}

static void test_the_status_of_a_child_that_ignores_its_input_is_its_own(void **state)
{
	unsigned char *bytes = a_pattern(10 * MIB);
	brood_command *cmd = child("exit", "7");
	brood_result *result;

	brood_command_feed(cmd, bytes, 10 * MIB);
	free(bytes);
	result = run(cmd);
	assert_int_equal(brood_result_exit_code(result, 0), 7);
	brood_result_free(result);
}

/* ---- 51 ---- */

/* The child takes 300K at a time and 1 ms each: in 20 ms less than this and a full pipe, however late we are. */
enum { MUCH = 12 * MIB };

static void test_deadlines_again_and_again_lose_nothing(void **state)
{
	for (int64_t ms = 0; ms <= 20; ms += 5) {
		brood_command *cmd = child("cat-slow", "300K", "1");
		brood_process *process;
		unsigned char *input = a_pattern(MUCH);
		int r, calls = 0;

		brood_command_redirect_pipe(cmd, 0);
		brood_command_redirect_pipe(cmd, 1);
		process = start(cmd);
		r = brood_process_communicate(process, input, MUCH, ms);
		/* It was copied. */
		memset(input, 0, MUCH);
		free(input);
		for (; r == -ETIMEDOUT; calls++)
			r = brood_process_communicate(process, NULL, 0, ms);
		assert_int_equal(r, 0);
		assert_true(calls > 0);
		assert_true(brood_result_ok(brood_process_result(process)));
		assert_pattern(brood_process_result(process), 1, MUCH);
		brood_process_free(process);
	}
}

static void test_other_input_than_the_first_is_refused(void **state)
{
	brood_command *cmd = child("cat");
	brood_process *process;

	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	assert_int_equal(brood_process_communicate(process, NULL, 1, 0), -EINVAL);
	assert_int_equal(brood_process_communicate(process, "a", 1, -2), -EINVAL);
	if (brood_process_communicate(process, "one", 3, 0) == -ETIMEDOUT)
		assert_int_equal(brood_process_communicate(process, "two", 3, -1), -EINVAL);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	assert_int_equal(brood_process_communicate(process, "two", 3, -1), -EINVAL);
	assert_string_equal(brood_result_output(brood_process_result(process), 1, NULL), "one");
	brood_process_free(process);
}

static void test_input_beside_a_feed_or_without_a_pipe_is_refused(void **state)
{
	brood_command *cmd = child("cat");
	brood_process *process;

	brood_command_feed(cmd, "fed", 3);
	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	assert_int_equal(brood_process_communicate(process, "x", 1, -1), -EINVAL);
	/* A refused call changes nothing: the pipe is still the caller's to read. */
	assert_int_equal(brood_process_read(process, 1, -1, (char[4]){ 0 }, 3), 3);
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	brood_process_free(process);

	cmd = child("exit", "0");
	process = start(cmd);
	assert_int_equal(brood_process_communicate(process, "x", 1, -1), -EINVAL);
	brood_process_free(process);
}

static void test_input_to_a_chain_that_has_ended_is_dropped_in_peace(void **state)
{
	unsigned char *bytes = a_pattern(MIB);
	brood_command *cmd = child("exit", "0");
	brood_process *process;

	brood_command_redirect_pipe(cmd, 0);
	process = start(cmd);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_process_communicate(process, bytes, MIB, -1), 0);
	free(bytes);
	assert_int_equal(brood_process_poll(process), 1);
	assert_int_equal(brood_process_dispatch(process), 1);
	assert_int_equal(brood_process_close(process, 0), -EBADF);
	brood_process_free(process);
}

/* ---- 53, 54 ---- */

static void test_output_is_kept_when_the_child_fails(void **state)
{
	brood_command *cmd = child("print", "before", "kill", "KILL");
	brood_result *result;

	brood_command_capture(cmd, 1, 0);
	result = run(cmd);
	assert_false(brood_result_ok(result));
	assert_string_equal(brood_result_output(result, 1, NULL), "before");
	brood_result_free(result);
}

static void test_past_the_limit_output_is_cut_counted_and_told(void **state)
{
	brood_command *cmd = child("pattern", "5M");
	brood_result *result;
	size_t size;

	brood_command_capture(cmd, 1, 100000);
	result = run(cmd);
	assert_int_equal(brood_result_exit_code(result, 0), 0);
	assert_int_equal(brood_result_bytes(result, 1), 5 * MIB);
	brood_result_output(result, 1, &size);
	assert_int_equal(size, 100000);
	assert_true(brood_result_truncated(result, 1));
	assert_false(brood_result_ok(result));
	brood_result_free(result);
}

static void test_output_exactly_at_the_limit_is_not_cut(void **state)
{
	brood_command *cmd = child("pattern", "100000");
	brood_result *result;

	brood_command_capture(cmd, 1, 100000);
	result = run(cmd);
	assert_pattern(result, 1, 100000);
	assert_false(brood_result_truncated(result, 1));
	assert_true(brood_result_ok(result));
	brood_result_free(result);
}

static void test_past_the_limit_the_chain_is_stopped_where_asked(void **state)
{
	brood_command *cmd = child("flood-forever");
	brood_result *result;
	size_t size;

	brood_command_capture(cmd, 1, 1000);
	brood_command_set_overflow(cmd, BROOD_STOP);
	result = run(cmd);
	brood_result_output(result, 1, &size);
	assert_int_equal(size, 1000);
	assert_int_equal(brood_result_how(result, 0), BROOD_SIGNALLED);
	assert_int_equal(brood_result_cause(result, 0), BROOD_BY_OVERFLOW);
	assert_true(brood_result_truncated(result, 1));
	brood_result_free(result);
}

static void test_counts_go_beyond_4_gib(void **state)
{
	brood_command *cmd;
	brood_result *result;

	skip_unless(!getenv("BROOD_SANITIZE") || !*getenv("BROOD_SANITIZE"), "a sanitizer would make this take a minute");
	cmd = child("flood", "4300M", "1M");
	brood_command_capture(cmd, 1, 1);
	result = run(cmd);
	assert_true(brood_result_bytes(result, 1) == 4300ULL * MIB);
	assert_true(brood_result_truncated(result, 1));
	brood_result_free(result);
}

/* ---- flooding the other stream ---- */

static void test_a_flood_on_stderr_does_not_block_the_feeding_of_stdin(void **state)
{
	unsigned char *bytes = a_pattern(4 * MIB);
	brood_command *cmd = child("flood-err", "4M", "check-pattern", "4M");
	brood_result *result;

	brood_command_feed(cmd, bytes, 4 * MIB);
	free(bytes);
	brood_command_capture(cmd, 2, 0);
	result = run(cmd);
	assert_true(brood_result_ok(result));
	assert_int_equal(brood_result_bytes(result, 2), 4 * MIB);
	brood_result_free(result);
}

static void test_wait_drains_a_flooding_child(void **state)
{
	brood_command *cmd = child("pattern", "9M");
	brood_process *process;

	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_pattern(brood_process_result(process), 1, 9 * MIB);
	assert_true(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
}

static void test_merged_streams_keep_their_order(void **state)
{
	brood_command *cmd = child("interleave", "3");
	brood_result *result;

	brood_command_capture(cmd, 1, 0);
	brood_command_redirect_merge(cmd, 2, 1);
	result = run(cmd);
	assert_string_equal(brood_result_output(result, 1, NULL), "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
	brood_result_free(result);
}

/* ---- 55 ---- */

static brood_command *a_holder(const char *pidfile)
{
	brood_command *cmd = child("print", "early", "hold-pipe-in-grandchild", "600000", pidfile, "exit", "0");

	brood_command_capture(cmd, 1, 0);
	return cmd;
}

static void end_holder(const char *pidfile)
{
	pid_t pid = support_read_pidfile(pidfile);

	kill(pid, SIGKILL);
	assert_true(support_wait_gone(pid, 30000));
	unlink(pidfile);
}

static void test_wait_returns_while_a_grandchild_holds_stdout(void **state)
{
	char pidfile[256];
	brood_process *process = start(a_holder(support_path(pidfile, sizeof pidfile, "pid")));

	assert_int_equal(brood_process_wait(process, 60000), 0);
	assert_string_equal(brood_result_output(brood_process_result(process), 1, NULL), "early");
	assert_int_equal(brood_process_wait(process, 60000), 0);
	brood_process_free(process);
	end_holder(pidfile);
}

static void test_what_a_grandchild_writes_later_is_kept_by_a_later_wait(void **state)
{
	char go[256];
	brood_command *cmd = child("fork-away", "wait-for-file", support_path(go, sizeof go, "go"), "print", "late");
	brood_process *process;
	int64_t until = support_now_ms() + 60000;

	brood_command_capture(cmd, 1, 0);
	brood_command_set_linger_ms(cmd, -1);
	process = start(cmd);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_true(brood_result_held(brood_process_result(process)));
	assert_string_equal(brood_result_output(brood_process_result(process), 1, NULL), "");
	support_write_text(go, "");
	while (brood_result_held(brood_process_result(process)) && support_now_ms() < until)
		assert_int_equal(brood_process_wait(process, 0), 0);
	assert_string_equal(brood_result_output(brood_process_result(process), 1, NULL), "late");
	assert_true(brood_result_ok(brood_process_result(process)));
	assert_string_equal(brood_result_describe(brood_process_result(process)), "success");
	brood_process_free(process);
}

static void test_run_comes_back_after_the_linger_and_names_the_holder(void **state)
{
	char pidfile[256];
	int64_t before = support_now_ms();
	brood_result *result = run(a_holder(support_path(pidfile, sizeof pidfile, "pid")));
	const pid_t *holders;
	size_t count;

	assert_true(support_now_ms() - before >= 1000);
	assert_true(brood_result_held(result));
	assert_true(brood_result_truncated(result, 1));
	assert_false(brood_result_ok(result));
	assert_int_equal(brood_result_exit_code(result, 0), 0);
	assert_string_equal(brood_result_output(result, 1, NULL), "early");
	holders = brood_result_holders(result, &count);
	assert_int_equal(count, 1);
	assert_int_equal(holders[0], support_read_pidfile(pidfile));
	brood_result_free(result);
	end_holder(pidfile);
}

static void test_a_linger_that_the_caller_set_makes_a_holder_fine(void **state)
{
	char pidfile[256];
	brood_command *cmd = a_holder(support_path(pidfile, sizeof pidfile, "pid"));
	brood_result *result;

	brood_command_set_linger_ms(cmd, 0);
	result = run(cmd);
	assert_true(brood_result_held(result));
	assert_true(brood_result_truncated(result, 1));
	assert_true(brood_result_ok(result));
	brood_result_free(result);
	end_holder(pidfile);
}

static void test_an_end_of_file_within_the_linger_is_not_held(void **state)
{
	brood_command *cmd = child("fork-away", "sleep", "50", "print", "late");
	brood_result *result;

	brood_command_capture(cmd, 1, 0);
	brood_command_set_linger_ms(cmd, -1);
	result = run(cmd);
	assert_false(brood_result_held(result));
	assert_false(brood_result_truncated(result, 1));
	assert_true(brood_result_ok(result));
	assert_string_equal(brood_result_output(result, 1, NULL), "late");
	brood_result_free(result);
}

/* A grandchild holds the pipe for good, and the linger has no end: this must have one all the same. */
static void communicate_with_holder(brood_process *process, const char *pidfile)
{
	const brood_result *result = brood_process_result(process);

	assert_int_equal(brood_process_communicate(process, NULL, 0, 60000), 0);
	assert_false(brood_result_ok(result));
	assert_int_equal(brood_result_shell_status(result), 124);
	assert_true(brood_result_held(result));
	assert_true(brood_result_truncated(result, 1));
	assert_string_equal(brood_result_output(result, 1, NULL), "early");
	brood_process_free(process);
	end_holder(pidfile);
}

/* The one child has ended, and nobody has noticed: a child that is late would be stopped before it has a grandchild. */
static brood_process *start_ended_holder(const char *pidfile, int64_t budget_ms)
{
	brood_command *cmd = a_holder(pidfile);
	brood_process *process;
	siginfo_t info;

	brood_command_set_linger_ms(cmd, -1);
	brood_command_set_timeout_ms(cmd, budget_ms);
	process = start(cmd);
	assert_int_equal(waitid(P_PID, (id_t)brood_process_pid(process, 0), &info, WEXITED | WNOWAIT), 0);
	return process;
}

static void test_a_budget_bounds_a_linger_without_end(void **state)
{
	char pidfile[256];

	support_path(pidfile, sizeof pidfile, "pid");
	communicate_with_holder(start_ended_holder(pidfile, 300), pidfile);
}

static void test_a_budget_found_spent_together_with_the_end_bounds_the_linger_too(void **state)
{
	const int64_t before = support_now_ms();
	char pidfile[256];
	brood_process *process = start_ended_holder(support_path(pidfile, sizeof pidfile, "pid"), 1);

	while (support_now_ms() - before < 10)
		support_sleep_ms(1);
	communicate_with_holder(process, pidfile);
}

static void test_a_budget_spent_while_the_child_runs_bounds_the_linger_too(void **state)
{
	char pidfile[256];
	brood_command *cmd = child("print", "early", "hold-pipe-in-grandchild", "600000", support_path(pidfile, sizeof pidfile, "pid"), "sleep-forever");
	brood_process *process;

	brood_command_capture(cmd, 1, 0);
	brood_command_set_linger_ms(cmd, -1);
	brood_command_set_timeout_ms(cmd, 50);
	process = start(cmd);
	support_read_pidfile(pidfile);
	communicate_with_holder(process, pidfile);
}

/* ---- memory ---- */

static long peak_kib(void)
{
	char *status = support_read_file("/proc/self/status", NULL);
	const char *line = status ? strstr(status, "VmHWM:") : NULL;
	long kib = line ? strtol(line + 6, NULL, 10) : 0;

	free(status);
	return kib;
}

static void capture_256_mib(void *data)
{
	brood_command *cmd = child("flood", "256M", "1M");
	const long before = peak_kib();
	brood_result *result;

	brood_command_capture(cmd, 1, 0);
	result = run(cmd);
	assert_int_equal(brood_result_bytes(result, 1), 256 * MIB);
	assert_true(peak_kib() - before <= (256 + 4) * 1024 + 512);
	brood_result_free(result);
}

static void test_a_capture_takes_its_output_and_at_most_4_mib(void **state)
{
	skip_unless(peak_kib() > 0, "/proc/self/status says no VmHWM here");
	skip_unless(!getenv("BROOD_SANITIZE") || !*getenv("BROOD_SANITIZE"), "a sanitizer has memory of its own");
	support_assert_in_fork(capture_256_mib, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_all_eight_combinations_of_pipes),
		brood_test(test_both_directions_far_beyond_a_pipes_size),
		brood_test(test_every_byte_value_goes_through),
		brood_test(test_empty_input_is_end_of_file),
		brood_test(test_communicate_with_nothing_to_do_just_waits),
		brood_test(test_a_child_may_read_nothing_half_or_all_of_its_input),
		brood_test(test_a_dead_reader_never_kills_where_the_kernel_has_no_quiet_write),
		brood_test(test_the_status_of_a_child_that_ignores_its_input_is_its_own),
		brood_test(test_deadlines_again_and_again_lose_nothing),
		brood_test(test_other_input_than_the_first_is_refused),
		brood_test(test_input_beside_a_feed_or_without_a_pipe_is_refused),
		brood_test(test_input_to_a_chain_that_has_ended_is_dropped_in_peace),
		brood_test(test_output_is_kept_when_the_child_fails),
		brood_test(test_past_the_limit_output_is_cut_counted_and_told),
		brood_test(test_output_exactly_at_the_limit_is_not_cut),
		brood_test(test_past_the_limit_the_chain_is_stopped_where_asked),
		brood_test(test_counts_go_beyond_4_gib),
		brood_test(test_a_flood_on_stderr_does_not_block_the_feeding_of_stdin),
		brood_test(test_wait_drains_a_flooding_child),
		brood_test(test_merged_streams_keep_their_order),
		brood_test(test_wait_returns_while_a_grandchild_holds_stdout),
		brood_test(test_what_a_grandchild_writes_later_is_kept_by_a_later_wait),
		brood_test(test_run_comes_back_after_the_linger_and_names_the_holder),
		brood_test(test_a_linger_that_the_caller_set_makes_a_holder_fine),
		brood_test(test_an_end_of_file_within_the_linger_is_not_held),
		brood_test(test_a_budget_bounds_a_linger_without_end),
		brood_test(test_a_budget_found_spent_together_with_the_end_bounds_the_linger_too),
		brood_test(test_a_budget_spent_while_the_child_runs_bounds_the_linger_too),
		brood_test(test_a_capture_takes_its_output_and_at_most_4_mib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
