/* SPDX-License-Identifier: MIT */
/* lib/process/pump.c: bytes between pipes and memory, and what ends a channel. */
#include <brood.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
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
	assert_true(buffer_memory(&process->result->streams[0].buffer) >= 1 << 20);
	brood_process_free(process);
}

/* `dd oflag=direct` does so: each write is a packet, a read gives no more than one, and the rest of one that has no room is gone. */
struct packets {
	size_t size;
	int count;
};

static int write_packets(void *data)
{
	const struct packets *packets = data;
	char packet[4096];

	if (fcntl(STDOUT_FILENO, F_SETFL, O_WRONLY | O_DIRECT) < 0)
		return 77;
	memset(packet, 'p', sizeof packet);
	for (int i = 0; i < packets->count; i++)
		if (write(STDOUT_FILENO, packet, packets->size) != (ssize_t)packets->size)
			return 1;
	return 0;
}

static brood_process *gather_packets(struct packets packets, size_t limit)
{
	brood_command *cmd = brood_command_function("packets", write_packets, &packets);
	brood_process *process;

	brood_command_capture(cmd, 1, limit);
	process = start(cmd);
	assert_int_equal(brood_process_communicate(process, NULL, 0, 30000), 0);
	skip_unless(brood_result_exit_code(process->result, 0) != 77, "pipes have no packets here");
	return process;
}

static void test_a_writer_of_packets_loses_none(void **state)
{
	const size_t sizes[] = { 100, 4096 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		brood_process *process = gather_packets((struct packets){ sizes[i], 40 }, 0);
		size_t size;

		brood_result_output(process->result, 1, &size);
		assert_int_equal(size, 40 * sizes[i]);
		assert_true(brood_result_ok(process->result));
		brood_process_free(process);
	}
}

static void test_packets_that_wait_at_the_end_are_drained_whole(void **state)
{
	struct packets packets = { 100, 10 };
	brood_command *cmd = brood_command_function("packets", write_packets, &packets);
	brood_process *process;
	siginfo_t info;
	size_t got;

	(void)state;
	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	assert_int_equal(waitid(P_PID, (id_t)brood_process_pid(process, 0), &info, WEXITED | WNOWAIT), 0);
	skip_unless(info.si_status != 77, "pipes have no packets here");
	pump_drain(process);
	brood_result_output(process->result, 1, &got);
	assert_int_equal(got, (size_t)packets.count * packets.size);
	assert_int_equal(process->open_kept, 0);
	brood_process_free(process);
}

static void test_a_limit_inside_a_packet_is_told(void **state)
{
	const size_t size = 4096;
	brood_process *process = gather_packets((struct packets){ size, 40 }, 40 * size - 10);
	size_t got;

	(void)state;
	brood_result_output(process->result, 1, &got);
	assert_int_equal(got, 40 * size - 10);
	assert_int_equal(brood_result_bytes(process->result, 1), 40 * size);
	assert_true(brood_result_truncated(process->result, 1));
	assert_false(brood_result_ok(process->result));
	brood_process_free(process);
}

static void failing_reads(void *data)
{
	brood_command *cmd = child("print", "never read");
	brood_process *process;

	(void)data;
	brood_command_capture(cmd, 1, 0);
	process = start(cmd);
	support_deny_syscall_when(SYS_read, 0, UINT32_MAX, (uint64_t)process->channels[0].watch.fd, EIO);
	assert_int_equal(brood_process_wait(process, -1), 0);
	assert_true(brood_result_truncated(brood_process_result(process), 1));
	assert_false(brood_result_ok(brood_process_result(process)));
	assert_string_equal(brood_result_describe(brood_process_result(process)), "output of descriptor 1 was cut: 0 of 0 bytes kept");
	brood_process_free(process);
}

static void test_a_read_that_fails_is_no_end_of_file(void **state)
{
	(void)state;
	skip_under_valgrind();
	support_assert_in_fork(failing_reads, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_channels_are_found_by_stage_and_number),
		brood_test(test_draining_reads_what_is_there_and_sees_the_end),
		brood_test(test_draining_does_not_wait_for_more),
		brood_test(test_a_feed_in_one_turn_is_bounded),
		brood_test(test_a_paused_channel_wants_to_hear_nothing),
		brood_test(test_a_writer_of_packets_loses_none),
		brood_test(test_packets_that_wait_at_the_end_are_drained_whole),
		brood_test(test_a_limit_inside_a_packet_is_told),
		brood_test(test_a_read_that_fails_is_no_end_of_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
