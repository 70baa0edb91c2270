/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole pipeline, taken apart: its commands become stages, its ends become directions. What libpipeline keeps to itself (was it
 * started? where do its ends go?) is asked in a child that may spoil its copy of the pipeline: there asking means calling functions
 * that abort for the other answer, taking settings back, and looking what changed in the dump.
 */
#include "bridge.h"

#include <brood/command.h>
#include <brood/process.h>
#include <brood/result.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ASK_TIMEOUT_MS = 30000 };

struct answer {
	bool started;
	struct end in, out;
};

/* ---- in the child ---- */

static sigjmp_buf not_started;

static void back(int signal)
{
	(void)signal;
	siglongjmp(not_started, 1);
}

/* pipeline_get_pid asserts that the pipeline was started; built without assertions it reads through a NULL pointer. */
static bool was_started(pipeline *p)
{
	struct sigaction action = { .sa_handler = back };

	sigemptyset(&action.sa_mask);
	sigaction(SIGABRT, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	if (sigsetjmp(not_started, 1) != 0)
		return false;
	pipeline_get_pid(p, 0);
	return true;
}

static struct end read_end(const char *number, int same)
{
	const long fd = strtol(number, NULL, 10);

	/* A file name stands beside a 0. The descriptor that the end has anyway need not be moved: libpipeline would close it. */
	if (fd == 0)
		return (struct end){ .kind = END_FILE };
	if (fd < 0)
		return (struct end){ .kind = END_PIPE };
	return (struct end){ .kind = fd == same ? END_PLAIN : END_FD, .fd = (int)fd };
}

/*
 * The three dumps end alike but for what was set, and what stands before is equal: so the places are found by counting, whatever the names in
 * between look like. A dump of another form than this one says only that something was set.
 */
static void compare_ends(const char *as_it_is, const char *without_in, const char *without_ends, struct answer *ret)
{
	static const char plain[] = " [input: {0, NULL}, output: {0, NULL}]\n";
	static const char input[] = " [input: {", output[] = " [input: {0, NULL}, output: {";
	const struct end something = { .kind = END_FILE };
	size_t at = strlen(without_ends);
	bool known;

	known = at >= sizeof plain - 1 && strcmp(without_ends + at - (sizeof plain - 1), plain) == 0;
	at -= known ? sizeof plain - 1 : 0;
	known = known && strncmp(as_it_is + at, input, sizeof input - 1) == 0 && strncmp(without_in + at, output, sizeof output - 1) == 0;
	if (strcmp(as_it_is, without_in) != 0)
		ret->in = known ? read_end(as_it_is + at + sizeof input - 1, STDIN_FILENO) : something;
	if (strcmp(without_in, without_ends) != 0)
		ret->out = known ? read_end(without_in + at + sizeof output - 1, STDOUT_FILENO) : something;
}

static bool read_ends(pipeline *p, struct answer *ret)
{
	char *dumps[3];
	bool complete;

	dumps[0] = dump_pipeline(p);
	pipeline_want_infile(p, NULL);
	dumps[1] = dump_pipeline(p);
	pipeline_want_outfile(p, NULL);
	dumps[2] = dump_pipeline(p);
	complete = dumps[0] && dumps[1] && dumps[2];
	if (complete)
		compare_ends(dumps[0], dumps[1], dumps[2], ret);
	for (int i = 0; i < 3; i++)
		free(dumps[i]);
	return complete;
}

static int tell(void *data)
{
	struct answer answer;

	leave_without_handlers();
	memset(&answer, 0, sizeof answer);
	answer.started = was_started(data);
	if (!answer.started && !read_ends(data, &answer))
		return 1;
	return write(STDOUT_FILENO, &answer, sizeof answer) != (ssize_t)sizeof answer;
}

/* ---- in the host ---- */

/* 0, or a negative errno with the reason in words. By its bytes and not its status: a handler of libpipeline's may steal that. */
static int ask(pipeline *p, struct answer *ret, char *why, size_t why_size)
{
	brood_command *cmd = brood_command_function("ask", tell, p);
	brood_result *result = NULL;
	const char *bytes;
	size_t size;
	int r;

	brood_command_redirect_null(cmd, BROOD_STDIN);
	brood_command_redirect_null(cmd, BROOD_STDERR);
	brood_command_capture(cmd, BROOD_STDOUT, sizeof *ret);
	brood_command_set_timeout_ms(cmd, ASK_TIMEOUT_MS);
	brood_command_set_grace_ms(cmd, 0);
	r = brood_run(cmd, &result);
	bytes = brood_result_output(result, BROOD_STDOUT, &size);
	if (r == 0 && size == sizeof *ret)
		memcpy(ret, bytes, sizeof *ret);
	else if (r == 0)
		r = -EIO;
	if (r < 0 && r != -ENOMEM)
		snprintf(why, why_size, "pipeline: it could not be asked: %s", brood_result_describe(result));
	brood_result_free(result);
	brood_command_free(cmd);
	return r;
}

/* An empty slot is nothing to pipeline_free, and filling it allocates nothing. */
static brood_command *take_apart(pipeline *p)
{
	const int count = pipeline_get_ncommands(p);
	brood_command *chain = NULL;

	for (int i = 0; i < count; i++) {
		brood_command *stage = brood_command_pipecmd(pipeline_set_command(p, i, NULL));

		chain = i == 0 ? stage : brood_pipe(chain, stage);
	}
	pipeline_free(p);
	return chain;
}

static void direct(brood_command *chain, int child_fd, const struct end *end)
{
	if (end->kind == END_PIPE)
		brood_command_redirect_pipe(chain, child_fd);
	else if (end->kind == END_FD)
		brood_command_redirect_fd(chain, child_fd, end->fd);
}

brood_command *brood_command_pipeline(pipeline *pipeline_take)
{
	struct answer answer;
	brood_command *chain;
	char why[512];
	int r;

	if (!pipeline_take)
		return NULL;
	r = ask(pipeline_take, &answer, why, sizeof why);
	/* Not freed: nobody can say whether it was started, and then that would wait for its end. */
	if (r == -ENOMEM)
		return NULL;
	if (r < 0)
		return brood_command_mistaken(why);
	if (answer.started)
		return brood_command_mistaken("pipeline: it was started by libpipeline already");
	if (pipeline_get_ncommands(pipeline_take) == 0)
		return brood_command_mistaken("pipeline: it has no command");
	if (answer.in.kind == END_FILE || answer.out.kind == END_FILE)
		return hosted_new(pipeline_take, &answer.in, &answer.out);
	chain = take_apart(pipeline_take);
	direct(chain, BROOD_STDIN, &answer.in);
	direct(chain, BROOD_STDOUT, &answer.out);
	return chain;
}
