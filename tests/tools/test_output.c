/* SPDX-License-Identifier: MIT */
/*
 * Output between the jobs of a batch and descriptors 1 and 2, which each test leads where it can look: what waits for a reader, what a full disk cuts.
 * What users see of it is in test_map_output.c.
 */
#include "support/support.h"

#include <brood.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "output.h"

#define C support_child()

/* Our standard output is a pipe, in a process of its own; the test reads the other end. */
static int stdout_pipe(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
	close(ends[1]);
	return ends[0];
}

static struct output *output_as(enum output_mode mode, bool keep_order)
{
	const struct output_settings settings = { .mode = mode, .keep_order = keep_order, .at_once = 2 };
	struct output *output = NULL;
	char *why = NULL;

	assert_int_equal(output_new(&settings, &output, &why), 0);
	return output;
}

static struct job_output *submit(struct output *output, brood_batch *batch, uint64_t number, brood_command *cmd_take, brood_future **ret_future)
{
	struct job_output *job = NULL;
	char *why = NULL;

	assert_int_equal(output_open(output, number, "input", cmd_take, &job, &why), 0);
	assert_int_equal(brood_batch_submit(batch, cmd_take, ret_future), 0);
	output_set_future(job, *ret_future);
	brood_command_free(cmd_take);
	return job;
}

/* What a test does is done in a fork: there descriptors 1 and 2 are its own. */
static void in_fork(void (*part)(void *data))
{
	support_assert_in_fork(part, NULL);
}

/* ---- lines that nobody reads ---- */

static void lines_wait(void *data)
{
	const int reader = stdout_pipe();
	struct output *output = output_as(OUTPUT_LINES, false);
	brood_batch *batch = brood_batch_new(1);
	brood_future *future;
	struct job_output *job = submit(output, batch, 1, brood_command_newl(C, "lines", "1000000", NULL), &future);
	struct pollfd fds[2];
	uint64_t got = 0;
	char bytes[65536];
	ssize_t n;

	(void)data;
	/* It runs until nothing more is taken from it: what waits is bounded, and the job is alive. */
	while (!output_is_full(output))
		assert_int_equal(brood_future_wait(future, 50), -ETIMEDOUT);
	for (int quiet = 0; quiet < 3; quiet++)
		assert_int_equal(brood_future_wait(future, 20), -ETIMEDOUT);
	assert_int_equal(output_poll(output, fds), 1);

	/* Read, it goes on to its end. */
	for (bool ended = false; !ended || output_poll(output, fds) > 0;) {
		assert_int_equal(output_flush(output, NULL), 0);
		fcntl(reader, F_SETFL, O_NONBLOCK);
		while ((n = read(reader, bytes, sizeof bytes)) > 0)
			got += (uint64_t)n;
		if (!ended && brood_future_wait(future, 0) == 0) {
			ended = true;
			assert_int_equal(output_close(output, job), 0);
		}
	}
	while ((n = read(reader, bytes, sizeof bytes)) > 0)
		got += (uint64_t)n;
	assert_int_equal(got, brood_result_bytes(brood_future_result(future), BROOD_STDOUT));
	assert_true(brood_result_ok(brood_future_result(future)));
	brood_future_free(future);
	brood_batch_free(batch);
	output_free(output);
	close(reader);
}

static void test_lines_that_nobody_reads_stay_with_their_job(void **state)
{
	(void)state;
	in_fork(lines_wait);
}

/* ---- order ---- */

static void too_many_wait(void *data)
{
	const int reader = stdout_pipe();
	struct output *output = output_as(OUTPUT_GROUP, true);
	struct job_output *first = NULL, *job = NULL;
	brood_command *cmd = brood_command_newl(C, "exit", "0", NULL);
	struct pollfd fds[2];
	char *why = NULL;

	(void)data;
	assert_int_equal(output_open(output, 1, "a", cmd, &first, &why), 0);
	for (uint64_t number = 2; number <= 257; number++) {
		assert_false(output_is_full(output));
		brood_command_free(cmd);
		cmd = brood_command_newl(C, "exit", "0", NULL);
		assert_int_equal(output_open(output, number, "b", cmd, &job, &why), 0);
		assert_int_equal(output_close(output, job), 0);
	}
	assert_true(output_is_full(output));
	assert_int_equal(output_close(output, first), 0);
	assert_false(output_is_full(output));
	assert_int_equal(output_poll(output, fds), 0);
	brood_command_free(cmd);
	output_free(output);
	close(reader);
}

static void test_no_more_than_so_many_wait_for_the_first(void **state)
{
	(void)state;
	in_fork(too_many_wait);
}

/* ---- no space ---- */

static void no_space_for_it(void *data)
{
	const struct rlimit small = { 1 << 20, 1 << 20 };
	const int reader = stdout_pipe();
	struct output *output = output_as(OUTPUT_GROUP, false);
	brood_batch *batch = brood_batch_new(1);
	brood_future *future;
	brood_command *cmd = brood_command_newl(C, "flood", "4M", NULL);
	struct job_output *job;
	uint64_t got = 0;
	char bytes[65536];
	struct pollfd fds[2];
	ssize_t n;

	(void)data;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	job = submit(output, batch, 1, cmd, &future);
	assert_int_equal(brood_future_wait(future, -1), 0);
	/* The job ended well, and its output was cut: that is told. */
	assert_true(brood_result_ok(brood_future_result(future)));
	assert_int_equal(output_close(output, job), -EFBIG);
	fcntl(reader, F_SETFL, O_NONBLOCK);
	while (output_poll(output, fds) > 0) {
		assert_int_equal(output_flush(output, NULL), 0);
		while ((n = read(reader, bytes, sizeof bytes)) > 0)
			got += (uint64_t)n;
	}
	/* The beginning came, as much as there was space for. */
	assert_true(got >= 1 << 20 && got < 2 << 20);
	brood_future_free(future);
	brood_batch_free(batch);
	output_free(output);
	close(reader);
}

static void test_output_that_found_no_space_is_cut_and_told(void **state)
{
	(void)state;
	in_fork(no_space_for_it);
}

/* ---- a reader that leaves, and one that is not waited for ---- */

static void nobody_reads(void *data)
{
	const int reader = stdout_pipe();
	struct output *output = output_as(OUTPUT_GROUP, false);
	brood_batch *batch = brood_batch_new(1);
	brood_future *future;
	struct job_output *job = submit(output, batch, 1, brood_command_newl(C, "echo", "x", NULL), &future);
	struct pollfd fds[2];
	int fd = 0;

	(void)data;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(brood_future_wait(future, -1), 0);
	assert_int_equal(output_close(output, job), 0);
	close(reader);
	assert_int_equal(output_flush(output, &fd), -EPIPE);
	assert_int_equal(fd, STDOUT_FILENO);
	assert_int_equal(output_flush(output, NULL), -EPIPE);
	assert_int_equal(output_poll(output, fds), 0);
	brood_future_free(future);
	brood_batch_free(batch);
	output_free(output);
}

static void test_a_reader_that_left_is_told_each_time(void **state)
{
	(void)state;
	in_fork(nobody_reads);
}

static void dropped(void *data)
{
	const int reader = stdout_pipe();
	struct output *output = output_as(OUTPUT_GROUP, false);
	brood_batch *batch = brood_batch_new(1);
	brood_future *future;
	struct job_output *job = submit(output, batch, 1, brood_command_newl(C, "flood", "1M", NULL), &future);
	struct pollfd fds[2];

	(void)data;
	assert_int_equal(brood_future_wait(future, -1), 0);
	assert_int_equal(output_close(output, job), 0);
	assert_int_equal(output_flush(output, NULL), 0);
	assert_int_equal(output_poll(output, fds), 1);
	output_drop(output);
	assert_int_equal(output_poll(output, fds), 0);
	assert_int_equal(output_flush(output, NULL), -ECANCELED);
	brood_future_free(future);
	brood_batch_free(batch);
	output_free(output);
	close(reader);
}

static void test_what_is_dropped_waits_no_more(void **state)
{
	(void)state;
	in_fork(dropped);
}

/* ---- a descriptor that is shared ---- */

static void shared_descriptor(void *data)
{
	const int reader = stdout_pipe();
	struct output *output = output_as(OUTPUT_GROUP, false);
	brood_batch *batch = brood_batch_new(1);
	brood_future *future;
	struct job_output *job = submit(output, batch, 1, brood_command_newl(C, "flood", "1M", NULL), &future);

	(void)data;
	assert_int_equal(brood_future_wait(future, -1), 0);
	output_close(output, job);
	/* A pipe holds 64 KiB: this returns all the same, and the shell's descriptor is as it was. */
	assert_int_equal(output_flush(output, NULL), 0);
	assert_int_equal(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0);
	brood_future_free(future);
	brood_batch_free(batch);
	output_free(output);
	close(reader);
}

static void test_a_full_pipe_does_not_block_and_is_not_changed(void **state)
{
	(void)state;
	in_fork(shared_descriptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_lines_that_nobody_reads_stay_with_their_job),
		brood_test(test_no_more_than_so_many_wait_for_the_first),
		brood_test(test_output_that_found_no_space_is_cut_and_told),
		brood_test(test_a_reader_that_left_is_told_each_time),
		brood_test(test_what_is_dropped_waits_no_more),
		brood_test(test_a_full_pipe_does_not_block_and_is_not_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
