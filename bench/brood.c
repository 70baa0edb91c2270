/* SPDX-License-Identifier: MIT */
/*
 * brood through its public headers, as a program would use it: every job begins with the words and ends with everything freed.
 *   brood              brood_start, then brood_process_wait or _communicate, then brood_process_free
 *   brood-run          the same jobs with brood_run
 */
#include "measure.h"

#include <brood.h>
#include <stdlib.h>
#include <string.h>

static brood_command *command(char *const argv[])
{
	brood_command *cmd = brood_command_new((const char *const *)argv);

	if (!cmd)
		fail("brood_command_new");
	return cmd;
}

static brood_process *start(brood_command *cmd_take)
{
	brood_process *process;

	if (brood_start(cmd_take, &process) < 0)
		fail(process ? brood_result_describe(brood_process_result(process)) : "brood_start");
	brood_command_free(cmd_take);
	return process;
}

static brood_result *run(brood_command *cmd_take)
{
	brood_result *result;

	if (brood_run(cmd_take, &result) < 0)
		fail(result ? brood_result_describe(result) : "brood_run");
	brood_command_free(cmd_take);
	return result;
}

static int first_failure(const brood_result *result)
{
	for (size_t i = 0; i < brood_result_stages(result); i++)
		if (brood_result_exit_code(result, i) != 0)
			return brood_result_exit_code(result, i);
	return 0;
}

/* The output belongs to the handle, which is kept until measure.c has looked at it. */
static int hand_out(brood_process *process, struct output *ret)
{
	const brood_result *result = brood_process_result(process);

	ret->bytes = brood_result_output(result, BROOD_STDOUT, &ret->size);
	ret->keep = process;
	return first_failure(result);
}

static void release(struct output *output)
{
	brood_process_free(output->keep);
}

static int hand_out_result(brood_result *result, struct output *ret)
{
	ret->bytes = brood_result_output(result, BROOD_STDOUT, &ret->size);
	ret->keep = result;
	return first_failure(result);
}

static void release_result(struct output *output)
{
	brood_result_free(output->keep);
}

/* ---- start, wait, free ---- */

static int spawn(char *const argv[])
{
	brood_process *process = start(command(argv));
	int code;

	if (brood_process_wait(process, -1) < 0)
		fail("brood_process_wait");
	code = brood_result_exit_code(brood_process_result(process), 0);
	brood_process_free(process);
	return code;
}

static int spawn_run(char *const argv[])
{
	brood_result *result = run(command(argv));
	int code = brood_result_exit_code(result, 0);

	brood_result_free(result);
	return code;
}

/* ---- output ---- */

static brood_command *capturing(char *const argv[], bool null)
{
	brood_command *cmd = command(argv);

	if (null)
		brood_command_redirect_null(cmd, BROOD_STDIN);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	return cmd;
}

static int finish(brood_process *process, struct output *ret)
{
	if (brood_process_communicate(process, NULL, 0, -1) < 0)
		fail("brood_process_communicate");
	return hand_out(process, ret);
}

static int redirected(char *const argv[], struct output *ret)
{
	return finish(start(capturing(argv, true)), ret);
}

static int redirected_run(char *const argv[], struct output *ret)
{
	return hand_out_result(run(capturing(argv, true)), ret);
}

static int capture(char *const argv[], struct output *ret)
{
	return finish(start(capturing(argv, false)), ret);
}

static int capture_run(char *const argv[], struct output *ret)
{
	return hand_out_result(run(capturing(argv, false)), ret);
}

/* ---- input and output at once ---- */

static int feed_communicate(char *const argv[], const char *bytes, size_t size, struct output *ret)
{
	brood_command *cmd = command(argv);
	brood_process *process;

	brood_command_redirect_pipe(cmd, BROOD_STDIN);
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	process = start(cmd);
	if (brood_process_communicate(process, bytes, size, -1) < 0)
		fail("brood_process_communicate");
	return hand_out(process, ret);
}

static int feed_run(char *const argv[], const char *bytes, size_t size, struct output *ret)
{
	brood_command *cmd = capturing(argv, false);

	brood_command_feed(cmd, bytes, size);
	return hand_out_result(run(cmd), ret);
}

/* ---- a chain ---- */

static brood_command *chained(char *const *const stages[], size_t count)
{
	brood_command *cmd = command(stages[0]);

	for (size_t i = 1; i < count; i++)
		cmd = brood_pipe(cmd, command(stages[i]));
	if (!cmd)
		fail("brood_pipe");
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	return cmd;
}

static int chain(char *const *const stages[], size_t count, struct output *ret)
{
	return finish(start(chained(stages, count)), ret);
}

static int chain_run(char *const *const stages[], size_t count, struct output *ret)
{
	return hand_out_result(run(chained(stages, count)), ret);
}

/* ---- time ---- */

static int64_t overshoot_wait(char *const argv[], int64_t timeout_ms)
{
	brood_process *process = start(command(argv));
	int64_t begun = now_ns(), late;

	if (brood_process_wait(process, timeout_ms) == 0)
		fail("it ended");
	late = now_ns() - begun - timeout_ms * 1000000;
	brood_process_free(process);
	return late;
}

static int64_t overshoot_run(char *const argv[], int64_t timeout_ms)
{
	const int64_t begun = now_ns();
	brood_command *cmd = command(argv);
	brood_result *result;
	int64_t late;

	brood_command_set_timeout_ms(cmd, timeout_ms);
	result = run(cmd);
	if (brood_result_cause(result, 0) != BROOD_BY_DEADLINE)
		fail(brood_result_describe(result));
	brood_result_free(result);
	late = now_ns() - begun - timeout_ms * 1000000;
	return late;
}

static int wait_for(char *const argv[], int64_t timeout_ms)
{
	brood_process *process = start(command(argv));
	int code;

	if (brood_process_wait(process, timeout_ms) < 0)
		fail("it did not end");
	code = brood_result_exit_code(brood_process_result(process), 0);
	brood_process_free(process);
	return code;
}

static int wait_run(char *const argv[], int64_t timeout_ms)
{
	brood_command *cmd = command(argv);
	brood_result *result;
	int code;

	brood_command_set_timeout_ms(cmd, timeout_ms);
	result = run(cmd);
	code = brood_result_exit_code(result, 0);
	brood_result_free(result);
	return code;
}

/* ---- many at once ---- */

static void many(struct many *many)
{
	brood_process **processes = calloc(many->count, sizeof *processes);

	if (!processes)
		fail("memory");
	for (size_t i = 0; i < many->count; i++) {
		struct many_words words;

		processes[i] = start(command(many_argv(many, i, &words)));
	}
	many_started(many);
	for (size_t i = 0; i < many->count; i++) {
		if (brood_process_wait(processes[i], -1) < 0)
			fail("brood_process_wait");
		if (brood_result_exit_code(brood_process_result(processes[i]), 0) != many_code(i))
			fail("a code");
		brood_process_free(processes[i]);
	}
	many_reaped(many);
	free(processes);
}

const struct contender contenders[] = {
	{
		.name = "brood",
		.spawn = spawn,
		.redirected = redirected,
		.capture = capture,
		.feed = feed_communicate,
		.chain = chain,
		.overshoot_wait = overshoot_wait,
		.wait = wait_for,
		.many = many,
		.threads = true,
		.release = release,
	},
	{
		.name = "brood-run",
		.spawn = spawn_run,
		.redirected = redirected_run,
		.capture = capture_run,
		.feed = feed_run,
		.chain = chain_run,
		.overshoot_run = overshoot_run,
		.wait = wait_run,
		.threads = true,
		.release = release_result,
	},
	{ .name = NULL },
};
