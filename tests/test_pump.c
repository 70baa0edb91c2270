/* SPDX-License-Identifier: MIT */
/* lib/process/pump.c: bytes between pipes and memory, and what ends a channel. */
#include <brood.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/process.h"
#include "support/running.h"

static void test_channels_are_found_by_stage_and_number(void **state)
{
	brood_command *first = child("discard"), *second = child("discard"), *cmd;
	brood_process *process;

	brood_command_capture(first, 5, 0);
	brood_command_capture(second, 5, 0);
	cmd = brood_pipe(first, second);
	brood_command_capture(cmd, 2, 0);
	brood_command_feed(cmd, "x", 1);
	process = start(cmd);
	assert_non_null(process_channel(process, 0, 5));
	assert_ptr_not_equal(process_channel(process, 0, 5), process_channel(process, 1, 5));
	assert_ptr_equal(process_own_channel(process, 5), process_channel(process, 1, 5));
	assert_ptr_equal(process_own_channel(process, 2), process_channel(process, STREAM_SHARED, 2));
	assert_ptr_equal(process_own_channel(process, 0), process_channel(process, 0, 0));
	assert_null(process_own_channel(process, 9));
	assert_int_equal(process_own_channel(process, 0)->kind, CHANNEL_FEED);
	brood_process_free(process);
}

static void test_draining_reads_what_is_there_and_sees_the_end(void **state)
{
	brood_command *cmd = child("print", "bytes");
	brood_process *process;
	siginfo_t info;

	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	assert_int_equal(waitid(P_PID, (id_t)brood_process_pid(process, 0), &info, WEXITED | WNOWAIT), 0);
	pump_drain(process);
	/* Not one call later: until then it would count as held by somebody. */
	assert_int_equal(process->open_kept, 0);
	assert_string_equal(brood_result_output(process->result, 1, NULL), "bytes");
	brood_process_free(process);
}

static void test_draining_does_not_wait_for_more(void **state)
{
	brood_command *cmd = child("sleep-forever");
	brood_process *process;

	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	pump_drain(process);
	assert_int_equal(process->open_kept, 1);
	brood_process_kill(process);
	brood_process_free(process);
}

static void test_a_feed_in_one_turn_is_bounded(void **state)
{
	const size_t size = 24 << 20;
	char *bytes = calloc(1, size);
	brood_command *cmd = child("discard");
	brood_process *process;

	brood_command_feed(cmd, bytes, size);
	free(bytes);
	process = start(cmd);
	process->channels[0].watch.ready = POLLOUT;
	pump_ready(process);
	assert_true(process->channels[0].left >= size - (8 << 20));
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_bytes(process->result, 0), size);
	brood_process_free(process);
}

static void test_a_paused_channel_wants_to_hear_nothing(void **state)
{
	brood_command *cmd = child("flood", "1M");
	brood_process *process;

	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	process->channels[0].paused = true;
	channel_listen(process, &process->channels[0]);
	assert_int_equal(process->channels[0].watch.wanted, 0);
	assert_int_equal(brood_process_wait(process, 20), -ETIMEDOUT);
	assert_int_equal(brood_result_bytes(process->result, 1), 0);
	process->channels[0].paused = false;
	channel_listen(process, &process->channels[0]);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_int_equal(brood_result_bytes(process->result, 1), 1 << 20);
	assert_true(process_memory(process) >= 1 << 20);
	brood_process_free(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_channels_are_found_by_stage_and_number),
		brood_test(test_draining_reads_what_is_there_and_sees_the_end),
		brood_test(test_draining_does_not_wait_for_more),
		brood_test(test_a_feed_in_one_turn_is_bounded),
		brood_test(test_a_paused_channel_wants_to_hear_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
