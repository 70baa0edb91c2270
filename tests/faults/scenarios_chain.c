/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of chains, of C functions as stages, and of && as a stage.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenario.h"

/* ---- chains ---- */

static void two_stages(void)
{
	brood_command *cmd = brood_pipe(child("print", "some words"), child("upper"));
	brood_result *result;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "SOME WORDS");
		done_well();
	}
	brood_result_free(result);
}

static void five_stages(void)
{
	brood_command *cmd = brood_pipe(child("lines", "3"), child("cat"));
	brood_result *result;

	for (int i = 0; i < 3; i++)
		cmd = brood_pipe(cmd, child("upper"));
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_capture(cmd, BROOD_STDERR, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "LINE 1\nLINE 2\nLINE 3\n");
		done_well();
	}
	brood_result_free(result);
}

static void five_in_a_group(void)
{
	brood_command *cmd = brood_pipe(child("lines", "3"), child("cat"));
	brood_result *result;

	for (int i = 0; i < 3; i++)
		cmd = brood_pipe(cmd, child("upper"));
	brood_command_set_new_group(cmd, true);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "LINE 1\nLINE 2\nLINE 3\n");
		done_well();
	}
	brood_result_free(result);
}

static void a_stage_of_its_own(void)
{
	brood_command *middle = child("tee-err");
	brood_command *cmd;
	brood_result *result;
	size_t size;

	brood_command_capture(middle, BROOD_STDERR, 0);
	cmd = brood_pipe(brood_pipe(child("print", "abc"), middle), child("upper"));
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "ABC");
		must(strcmp(brood_result_stage_output(result, 1, BROOD_STDERR, &size), "abc") == 0);
		done_well();
	}
	brood_result_free(result);
}

/* The first has been started and must be undone. */
static void a_missing_program(void)
{
	brood_command *cmd = brood_pipe(child("sleep-forever"), brood_command_newl("/no/such/program", NULL));
	brood_result *result = NULL;
	int r;

	cmd = brood_pipe(cmd, child("cat"));
	brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
	/* A child that cannot even report lets the first one sleep on. */
	brood_command_set_timeout_ms(cmd, 500);
	r = brood_run(cmd, &result);
	brood_command_free(cmd);
	if (r == -ENOENT && result && brood_result_errno(result) == ENOENT && brood_result_how(result, 2) == BROOD_NOT_STARTED &&
	    brood_result_how(result, 0) == BROOD_SIGNALLED) {
		must(brood_result_how(result, 1) == BROOD_NOT_STARTED);
		done_well();
	} else {
		must(!claims_success(r, result));
	}
	brood_result_free(result);
}

static void a_failing_stage(void)
{
	brood_command *cmd = brood_pipe(child("print", "x", "exit", "3"), child("cat"));
	brood_result *result = NULL;
	int r;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	r = brood_run(cmd, &result);
	brood_command_free(cmd);
	if (tells_end(r, result, 0, BROOD_EXITED, 3, BROOD_BY_ITSELF)) {
		if (brood_result_how(result, 1) == BROOD_EXITED && brood_result_exit_code(result, 1) == 0 &&
		    !brood_result_truncated(result, BROOD_STDOUT))
			output_is(result, BROOD_STDOUT, "x");
		done_well();
	}
	brood_result_free(result);
}

static void many_stages(void)
{
	brood_command *cmd = child("print", "m");
	brood_result *result;

	for (int i = 0; i < 19; i++)
		cmd = brood_pipe(cmd, child("cat"));
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "m");
		done_well();
	}
	brood_result_free(result);
}

/* ---- functions ---- */

static int shout(void *data)
{
	char bytes[256];
	ssize_t size;

	(void)data;
	while ((size = read(0, bytes, sizeof bytes)) > 0) {
		for (ssize_t i = 0; i < size; i++)
			if (bytes[i] >= 'a' && bytes[i] <= 'z')
				bytes[i] = (char)(bytes[i] - 'a' + 'A');
		if (write(1, bytes, (size_t)size) != size)
			return 2;
	}
	return size < 0 ? 3 : 0;
}

static int print_words(void *data)
{
	return printf("%s\n", (const char *)data) > 0 ? 0 : 4;
}

static void a_function(void)
{
	static char words[] = "printed";
	brood_command *cmd = brood_command_function("printer", print_words, words);
	brood_result *result;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "printed\n");
		done_well();
	}
	brood_result_free(result);
}

static void a_function_between(void)
{
	brood_command *cmd = brood_pipe(child("print", "between"), brood_command_function("shout", shout, NULL));
	brood_result *result;

	cmd = brood_pipe(cmd, child("cat"));
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "BETWEEN");
		done_well();
	}
	brood_result_free(result);
}

static void *copy_words(const void *data)
{
	return strdup(data);
}

static void an_owned_function(void)
{
	char *words = strdup("owned");
	brood_command *cmd, *copy;
	brood_result *result;

	if (!words) {
		failed_well(-ENOMEM, "no memory for the scenario's words");
		return;
	}
	cmd = brood_command_function_owned("printer", print_words, words, copy_words, free);
	copy = brood_command_copy(cmd);
	brood_command_free(cmd);
	brood_command_capture(copy, BROOD_STDOUT, 0);
	if (runs(copy, &result)) {
		output_is(result, BROOD_STDOUT, "owned\n");
		done_well();
	}
	brood_result_free(result);
}

/* ---- first && second ---- */

static void first_then_second(void)
{
	brood_command *cmd = brood_then(child("print", "one "), child("print", "two"));
	brood_result *result;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "one two");
		done_well();
	}
	brood_result_free(result);
}

static void no_second(void)
{
	brood_command *cmd = brood_then(child("print", "one", "exit", "5"), child("print", "two"));
	brood_result *result = NULL;
	int r;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	r = brood_run(cmd, &result);
	brood_command_free(cmd);
	if (tells_end(r, result, 0, BROOD_EXITED, 5, BROOD_BY_ITSELF)) {
		must(!strstr(brood_result_output(result, BROOD_STDOUT, NULL), "two"));
		done_well();
	}
	brood_result_free(result);
}

/* ---- a line that is read, and what a result says ---- */

static void a_line(void)
{
	char line[600];
	brood_command *cmd = NULL;
	brood_result *result;
	char *json, *text;
	int r;

	snprintf(line, sizeof line, "'%s' print 'a line' | '%s' upper", child_path(), child_path());
	r = brood_command_parse(line, &cmd);
	must(cmd || r == -ENOMEM);
	text = brood_command_format(cmd);
	free(text);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "A LINE");
		must(brood_result_describe(result)[0] != '\0');
		json = brood_result_json(result);
		if (json) {
			must(strstr(json, "A LINE") != NULL);
			done_well();
		} else {
			failed_well(-ENOMEM, "no memory for JSON");
		}
		free(json);
	}
	brood_result_free(result);
}

/* More than a stream into memory begins with. */
static void much_as_json(void)
{
	brood_command *cmd = child("flood", "20K");
	brood_result *result;
	char *json;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		json = brood_result_json(result);
		if (!json) {
			failed_well(-ENOMEM, "no memory for JSON");
		} else {
			const char *output = strstr(json, "xxxx");

			must(output && strspn(output, "x") == 20 << 10);
			must(strcmp(json + strlen(json) - 3, "}]}") == 0);
			done_well();
		}
		free(json);
	}
	brood_result_free(result);
}

const struct scenario chain_scenarios[] = {
	{ .name = "chain of two", .run = two_stages },
	{ .name = "chain of two, warm", .run = two_stages, .flags = WARM },
	{ .name = "chain of two, by fork", .run = two_stages, .engine = "fork" },
	{ .name = "chain of two, without pidfds", .run = two_stages, .engine = "posix" },
	{ .name = "chain of five", .run = five_stages },
	{ .name = "chain of five in a group", .run = five_in_a_group },
	{ .name = "chain of twenty", .run = many_stages },
	{ .name = "chain, a middle stage captured", .run = a_stage_of_its_own },
	{ .name = "chain, a program missing", .run = a_missing_program },
	{ .name = "chain, a program missing, by fork", .run = a_missing_program, .engine = "fork" },
	{ .name = "chain, a stage fails", .run = a_failing_stage },
	{ .name = "function", .run = a_function },
	{ .name = "function, without pidfds", .run = a_function, .engine = "posix" },
	{ .name = "function between programs", .run = a_function_between },
	{ .name = "function with data of its own", .run = an_owned_function },
	{ .name = "first && second", .run = first_then_second },
	{ .name = "first && second, by fork", .run = first_then_second, .engine = "fork" },
	{ .name = "first fails && second", .run = no_second },
	{ .name = "parse, format, run, JSON", .run = a_line },
	{ .name = "JSON of 20 KiB", .run = much_as_json },
	{ .name = NULL },
};
