/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What libpipeline keeps to itself (was a pipeline started? where do its ends go?), asked in a child that may spoil its copy of the
 * pipeline. There asking means calling functions that abort for the other answer, setting an end to something known, and looking what
 * changed in the dump.
 *
 * No form of the dump is assumed. Two dumps that differ in one known word show where that word stands, so what stands there in the
 * pipeline's own dump is cut out by counting, whatever bytes it has; and it counts only if, put back, it gives the very same dump.
 */
#include "bridge.h"

#include <brood/command.h>
#include <brood/process.h>
#include <brood/result.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No system opens a longer name. */
enum { ASK_TIMEOUT_MS = 30000, NAME_LIMIT = 1 << 16 };

/* What the child writes: this, and then the names without a NUL. */
struct told {
	bool started;
	struct {
		enum end_kind kind;
		int fd;
		size_t name_size;
	} ends[2];
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

/* One end of a pipeline: how it is set, and which of the child's descriptors it is. */
struct side {
	pipeline *p;
	void (*want_fd)(pipeline *p, int fd);
	void (*want_file)(pipeline *p, const char *name);
	int same;
};

static char *dump_with_fd(const struct side *side, int fd)
{
	side->want_fd(side->p, fd);
	return dump_pipeline(side->p);
}

static char *dump_with_file(const struct side *side, const char *name)
{
	side->want_file(side->p, name);
	return dump_pipeline(side->p);
}

/* A dump that could not be made tells nothing of the pipeline: read on, it would make a file "NULL" of an end that is plain. */
static bool no_memory;

static bool same(char *text_take, const char *text)
{
	const bool is_same = text_take && strcmp(text_take, text) == 0;

	no_memory |= !text_take;
	free(text_take);
	return is_same;
}

/*
 * Two dumps are alike but for one byte, which was set to differ: what stands in its place in `text`, as a string of its own.
 * NULL when that is not so.
 */
static char *cut_out(const char *text, char *one_take, char *other_take)
{
	const size_t size = strlen(text);
	char *cut = NULL;
	size_t before = 0, after;

	if (!one_take || !other_take) {
		no_memory = true;
		goto out;
	}
	while (one_take[before] && one_take[before] == other_take[before])
		before++;
	if (!one_take[before] || !other_take[before] || strcmp(one_take + before + 1, other_take + before + 1) != 0)
		goto out;
	after = strlen(one_take + before + 1);
	if (size >= before + after) {
		cut = strndup(text + before, size - after - before);
		no_memory |= !cut;
	}
out:
	free(one_take);
	free(other_take);
	return cut;
}

static bool is_fd(const struct side *side, const char *text, struct end *ret)
{
	char *number = cut_out(text, dump_with_fd(side, 3), dump_with_fd(side, 4)), *end = NULL;
	const long fd = number ? strtol(number, &end, 10) : 0;
	const bool whole = number && end != number && *end == '\0' && fd >= INT_MIN && fd <= INT_MAX;

	free(number);
	if (!whole || !same(dump_with_fd(side, (int)fd), text))
		return false;
	ret->fd = (int)fd;
	/* 0 is how nothing looks, too. The descriptor that the end has anyway need not be moved: libpipeline would close it. */
	ret->kind = fd < 0 ? END_PIPE : fd == 0 || fd == side->same ? END_PLAIN : END_FD;
	return true;
}

static bool is_file(const struct side *side, const char *text, struct end *ret)
{
	char *name = cut_out(text, dump_with_file(side, "a"), dump_with_file(side, "b"));

	if (!name || strlen(name) > NAME_LIMIT || !same(dump_with_file(side, name), text)) {
		free(name);
		return false;
	}
	ret->kind = END_FILE;
	ret->name = name;
	return true;
}

/* An end of which a dump shows neither is left to libpipeline. The other end stays as it is meanwhile: in all of these dumps it reads alike. */
static bool read_end(const struct side *side, struct end *ret)
{
	char *text = dump_pipeline(side->p);

	if (!text)
		return false;
	*ret = (struct end){ .kind = END_UNKNOWN };
	if (!is_fd(side, text, ret))
		(void)is_file(side, text, ret);
	free(text);
	return !no_memory;
}

static bool write_all(const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		const ssize_t n = write(STDOUT_FILENO, at, size);

		if (n < 0 && errno != EINTR)
			return false;
		at += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

static int tell(void *data)
{
	const struct side sides[2] = {
		{ .p = data, .want_fd = pipeline_want_in, .want_file = pipeline_want_infile, .same = STDIN_FILENO },
		{ .p = data, .want_fd = pipeline_want_out, .want_file = pipeline_want_outfile, .same = STDOUT_FILENO },
	};
	struct end ends[2] = { 0 };
	struct told told;
	bool complete = true;

	leave_without_handlers();
	memset(&told, 0, sizeof told);
	told.started = was_started(data);
	for (int i = 0; i < 2 && complete && !told.started; i++) {
		complete = read_end(&sides[i], &ends[i]);
		told.ends[i].kind = ends[i].kind;
		told.ends[i].fd = ends[i].fd;
		told.ends[i].name_size = ends[i].name ? strlen(ends[i].name) : 0;
	}
	complete = complete && write_all(&told, sizeof told);
	for (int i = 0; i < 2; i++) {
		complete = complete && write_all(ends[i].name, told.ends[i].name_size);
		free(ends[i].name);
	}
	return !complete;
}

/* ---- in the host ---- */

static int hear_end(const struct told *told, int which, const char *name, struct end *ret)
{
	*ret = (struct end){ .kind = told->ends[which].kind, .fd = told->ends[which].fd };
	if (ret->kind != END_FILE)
		return 0;
	ret->name = strndup(name, told->ends[which].name_size);
	return ret->name ? 0 : -ENOMEM;
}

static int hear(const char *bytes, size_t size, struct answer *ret)
{
	struct answer answer = { 0 };
	struct told told;
	int r;

	if (size < sizeof told)
		return -EIO;
	memcpy(&told, bytes, sizeof told);
	bytes += sizeof told;
	size -= sizeof told;
	if (told.ends[0].name_size > size || told.ends[1].name_size != size - told.ends[0].name_size)
		return -EIO;
	answer.started = told.started;
	r = hear_end(&told, 0, bytes, &answer.in);
	if (r == 0)
		r = hear_end(&told, 1, bytes + told.ends[0].name_size, &answer.out);
	if (r < 0) {
		answer_done(&answer);
		return r;
	}
	*ret = answer;
	return 0;
}

/* By its bytes and not its status: a handler of libpipeline's may steal that. */
int ask_pipeline(pipeline *p, struct answer *ret, char *why, size_t why_size)
{
	brood_command *cmd = brood_command_function("ask", tell, p);
	brood_result *result = NULL;
	const char *bytes;
	size_t size;
	int r;

	brood_command_redirect_null(cmd, BROOD_STDIN);
	brood_command_redirect_null(cmd, BROOD_STDERR);
	brood_command_capture(cmd, BROOD_STDOUT, sizeof(struct told) + (size_t)2 * NAME_LIMIT);
	brood_command_set_timeout_ms(cmd, ASK_TIMEOUT_MS);
	brood_command_set_grace_ms(cmd, 0);
	r = brood_run(cmd, &result);
	bytes = brood_result_output(result, BROOD_STDOUT, &size);
	if (r == 0)
		r = hear(bytes, size, ret);
	if (r < 0 && r != -ENOMEM)
		snprintf(why, why_size, "pipeline: it could not be asked: %s", brood_result_describe(result));
	brood_result_free(result);
	brood_command_free(cmd);
	return r;
}

void answer_done(struct answer *answer)
{
	free(answer->in.name);
	free(answer->out.name);
}
