/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of descriptors: each way to direct one, and bytes kept, cut or fed.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "scenario.h"

/* ---- captured ---- */

static void capture_both(void)
{
	brood_command *cmd = child("print", "out", "err", "bad", "exit", "0");
	brood_result *result;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_capture(cmd, BROOD_STDERR, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "out");
		output_is(result, BROOD_STDERR, "bad");
		done_well();
	}
	brood_result_free(result);
}

static void capture_merged(void)
{
	brood_command *cmd = child("print", "a", "err", "b", "print", "c");
	brood_result *result;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_redirect_merge(cmd, BROOD_STDERR, BROOD_STDOUT);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "abc");
		done_well();
	}
	brood_result_free(result);
}

/* Cut output is no success, whatever failed beside it. */
static void capture_cut(void)
{
	brood_command *cmd = child("flood", "4K");
	brood_result *result = NULL;
	int r;

	brood_command_capture(cmd, BROOD_STDOUT, 100);
	r = brood_run(cmd, &result);
	brood_command_free(cmd);
	if (r == 0 && result && brood_result_how(result, 0) == BROOD_EXITED && brood_result_truncated(result, BROOD_STDOUT) &&
	    brood_result_bytes(result, BROOD_STDOUT) == 4096) {
		size_t kept;

		/* Without memory it is cut earlier. */
		brood_result_output(result, BROOD_STDOUT, &kept);
		must(kept <= 100);
		must(!brood_result_ok(result));
		done_well();
	} else {
		must(!claims_success(r, result));
	}
	brood_result_free(result);
}

static void capture_overflow_stops(void)
{
	brood_command *cmd = child("flood-forever");
	brood_result *result = NULL;
	int r;

	brood_command_capture(cmd, BROOD_STDOUT, 1000);
	brood_command_set_overflow(cmd, BROOD_STOP);
	brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
	r = brood_run(cmd, &result);
	brood_command_free(cmd);
	if (tells_end(r, result, 0, BROOD_SIGNALLED, 15, BROOD_BY_OVERFLOW))
		done_well();
	brood_result_free(result);
}

/* Large enough for every kind of memory that an output goes through: a small buffer, a large one, pages. */
static void capture_much(void)
{
	brood_command *cmd = child("flood", "600K");
	brood_result *result;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_has_size(result, BROOD_STDOUT, 600 << 10, 'x');
		done_well();
	}
	brood_result_free(result);
}

static bool count_bytes(void *data, size_t stage, int child_fd, const char *bytes, size_t size)
{
	size_t *count = data;

	(void)stage, (void)child_fd, (void)bytes;
	*count += size;
	return true;
}

static void capture_handed_on(void)
{
	brood_command *cmd = child("flood", "100K");
	brood_result *result;
	size_t count = 0;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_on_output(cmd, count_bytes, &count);
	if (runs(cmd, &result)) {
		must(count == 100 << 10);
		done_well();
	}
	brood_result_free(result);
}

/* ---- fed ---- */

static void feed_a_little(void)
{
	brood_command *cmd = child("upper");
	brood_result *result;

	brood_command_feed(cmd, "some words", 10);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "SOME WORDS");
		done_well();
	}
	brood_result_free(result);
}

/* More than a pipe holds: the pump goes forth and back between both ends. */
static void feed_much(void)
{
	static char bytes[300 << 10];
	brood_command *cmd = child("count");
	brood_result *result;

	memset(bytes, 'i', sizeof bytes);
	brood_command_feed(cmd, bytes, sizeof bytes);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "307200\n");
		done_well();
	}
	brood_result_free(result);
}

/* A child that does not read its input is no error, and nobody dies of it. */
static void feed_the_deaf(void)
{
	static char bytes[300 << 10];
	brood_command *cmd = child("close", "0", "print", "done");
	brood_result *result;

	brood_command_feed(cmd, bytes, sizeof bytes);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "done");
		done_well();
	}
	brood_result_free(result);
}

/* ---- directed ---- */

static void to_and_from_null(void)
{
	brood_command *cmd = child("cat", "print", "x");
	brood_result *result;

	brood_command_redirect_null(cmd, BROOD_STDIN);
	brood_command_redirect_null(cmd, BROOD_STDOUT);
	brood_command_redirect_null(cmd, BROOD_STDERR);
	if (runs(cmd, &result))
		done_well();
	brood_result_free(result);
}

static void make_input(void)
{
	file_make("in", "what is in the file\n");
}

static void to_and_from_files(void)
{
	brood_command *cmd = child("upper");
	brood_result *result;

	brood_command_redirect_path(cmd, BROOD_STDIN, file_path("in"), O_RDONLY, 0);
	brood_command_redirect_path(cmd, BROOD_STDOUT, file_path("out"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (runs(cmd, &result)) {
		must(file_holds("out", "WHAT IS IN THE FILE\n"));
		done_well();
	}
	brood_result_free(result);
}

/* Numbers that cross, one above what close_range keeps, and one handed on as it is. */
static int lent[2] = { -1, -1 };

static void make_lent(void)
{
	make_input();
	lent[0] = open(file_path("in"), O_RDONLY | O_CLOEXEC);
	lent[1] = open(file_path("out"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

static void lent_descriptors(void)
{
	brood_command *cmd = child("read-fd", "7", "write-fd", "40", "forty");
	brood_result *result;

	brood_command_redirect_fd(cmd, 7, lent[0]);
	brood_command_redirect_fd(cmd, 40, lent[1]);
	brood_command_redirect_fd(cmd, lent[0], lent[1]);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "what is in the file\n");
		must(file_holds("out", "forty"));
		done_well();
	}
	brood_result_free(result);
}

/* A host without 0, 1 and 2: whatever the library opens next would land there. */
static void close_stdio(void)
{
	close(0);
	close(1);
	close(2);
}

static void without_stdio(void)
{
	brood_command *cmd = child("cat", "fd-stat", "2");
	brood_result *result;

	brood_command_feed(cmd, "fed ", 4);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "fed 2 closed\n");
		done_well();
	}
	brood_result_free(result);
}

static void closed_source(void)
{
	brood_command *cmd = child("cat");
	brood_result *result = NULL;
	int r;

	brood_command_redirect_fd(cmd, BROOD_STDIN, 999);
	r = brood_run(cmd, &result);
	brood_command_free(cmd);
	if (r == -EBADF && result && brood_result_errno(result) == EBADF)
		done_well();
	else
		must(!claims_success(r, result));
	brood_result_free(result);
}

const struct scenario redirect_scenarios[] = {
	{ .name = "capture stdout and stderr", .run = capture_both },
	{ .name = "capture, warm", .run = capture_both, .flags = WARM },
	{ .name = "capture, by clone", .run = capture_both, .engine = "clone" },
	{ .name = "capture, by clone, warm", .run = capture_both, .engine = "clone", .flags = WARM },
	{ .name = "capture, by fork", .run = capture_both, .engine = "fork" },
	{ .name = "capture, without pidfds", .run = capture_both, .engine = "posix" },
	{ .name = "capture 2>&1", .run = capture_merged },
	{ .name = "capture up to a limit", .run = capture_cut },
	{ .name = "capture past its limit stops", .run = capture_overflow_stops },
	{ .name = "capture 600 KiB", .run = capture_much },
	{ .name = "capture handed to a function", .run = capture_handed_on },
	{ .name = "feed a little", .run = feed_a_little },
	{ .name = "feed 300 KiB", .run = feed_much },
	{ .name = "feed 300 KiB, by fork", .run = feed_much, .engine = "fork" },
	{ .name = "feed one that does not read", .run = feed_the_deaf },
	{ .name = "to and from /dev/null", .run = to_and_from_null },
	{ .name = "to and from files", .run = to_and_from_files, .prepare = make_input },
	{ .name = "lent descriptors that cross", .run = lent_descriptors, .prepare = make_lent },
	{ .name = "lent descriptors, by fork", .run = lent_descriptors, .prepare = make_lent, .engine = "fork" },
	{ .name = "a host without stdio", .run = without_stdio, .prepare = close_stdio },
	{ .name = "a host without stdio, by fork", .run = without_stdio, .prepare = close_stdio, .engine = "fork" },
	{ .name = "a closed source", .run = closed_source },
	{ .name = NULL },
};
