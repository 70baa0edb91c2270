/* SPDX-License-Identifier: MIT */
/* lib/process/wiring.c: what is opened and piped for a stage, and that no child's end stays open. */
#include <brood.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/process.h"
#include "spawn/engine.h"
#include "support/running.h"

static void test_the_handles_ends_alone_stay_open(void **state)
{
	const size_t before = support_fd_count();
	brood_command *cmd = brood_pipe(child("sleep-forever"), child("sleep-forever"));
	brood_process *process;

	brood_command_redirect_pipe(cmd, 0);
	brood_command_capture(cmd, 1, 0);
	brood_command_capture(cmd, 2, 0);
	process = start(cmd);
	/* Three pipe ends, and a pidfd each child. */
	assert_int_equal(support_fd_count() - before, 3 + (engine_now() == ENGINE_POSIX ? 0 : 2));
	brood_process_kill(process);
	brood_process_free(process);
}

static void test_our_ends_are_nonblocking_and_close_on_exec_and_theirs_block(void **state)
{
	brood_command *cmd = child("fd-stat", "0", "fd-stat", "1");
	brood_process *process;
	const char *text;
	int fd;

	brood_command_redirect_pipe(cmd, 0);
	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	for (size_t i = 0; i < 2; i++) {
		fd = process->channels[i].watch.fd;
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	}
	assert_int_equal(brood_process_communicate(process, NULL, 0, -1), 0);
	text = brood_result_output(process->result, 1, NULL);
	assert_null(strstr(text, "nonblock"));
	assert_null(strstr(text, "cloexec"));
	brood_process_free(process);
}

static void test_a_fifo_that_nobody_reads_does_not_block_a_start(void **state)
{
	char fifo[256];
	brood_command *cmd = child("exit", "0");
	brood_process *process;

	assert_int_equal(mkfifo(support_path(fifo, sizeof fifo, "fifo"), 0600), 0);
	brood_command_redirect_path(cmd, 1, fifo, O_WRONLY, 0);
	assert_int_equal(brood_start(cmd, &process), -ENXIO);
	brood_process_free(process);
	brood_command_free(cmd);
}

static void test_a_path_on_a_chain_is_opened_once(void **state)
{
	char path[256], *text;
	brood_command *cmd = brood_pipe(child("err", "one"), child("discard", "err", "two"));
	brood_result *result;

	brood_command_redirect_path(cmd, 2, support_path(path, sizeof path, "log"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(brood_run(cmd, &result), 0);
	brood_command_free(cmd);
	brood_result_free(result);
	text = support_read_file(path, NULL);
	assert_string_equal(text, "onetwo");
	free(text);
}

static void test_merges_are_followed_through_each_other(void **state)
{
	brood_command *cmd = child("print", "out ", "err", "err ", "write-fd", "3", "three");
	brood_result *result;

	brood_command_capture(cmd, 1, 0);
	brood_command_redirect_merge(cmd, 3, 2);
	brood_command_redirect_merge(cmd, 2, 1);
	assert_int_equal(brood_run(cmd, &result), 0);
	brood_command_free(cmd);
	assert_string_equal(brood_result_output(result, 1, NULL), "out err three");
	brood_result_free(result);
}

static void test_a_descriptor_that_is_not_open_is_named(void **state)
{
	brood_command *cmd = child("exit", "0");
	brood_process *process;

	brood_command_redirect_fd(cmd, 1, 9999);
	assert_int_equal(brood_start(cmd, &process), -EBADF);
	assert_non_null(strstr(brood_result_describe(brood_process_result(process)), "9999"));
	brood_process_free(process);
	brood_command_free(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_the_handles_ends_alone_stay_open),
		brood_test(test_our_ends_are_nonblocking_and_close_on_exec_and_theirs_block),
		brood_test(test_a_fifo_that_nobody_reads_does_not_block_a_start),
		brood_test(test_a_path_on_a_chain_is_opened_once),
		brood_test(test_merges_are_followed_through_each_other),
		brood_test(test_a_descriptor_that_is_not_open_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
