/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lib/libpipeline, whole pipelines: their commands become stages, and what was wanted at both ends is what they get. Where libpipeline's
 * own value of success and ours differ, the table below says why.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <brood.h>
#include <brood/libpipeline.h>

#include "support/libpipeline.h"
#include "support/support.h"

/* ---- a whole pipeline ---- */

static void test_the_commands_of_a_pipeline_are_stages(void **state)
{
	brood_command *cmd = brood_command_pipeline(pipeline_new_commands(pipecmd_new("yes"), pipecmd_new_args("head", "-n1", (char *)NULL),
	                                                                  child_cmd("cat", "exit", "5"), (pipecmd *)NULL));
	brood_result *result = run_captured(cmd);

	(void)state;
	assert_int_equal(brood_result_stages(result), 3);
	assert_int_equal(brood_result_signal(result, 0), SIGPIPE);
	assert_int_equal(brood_result_exit_code(result, 1), 0);
	assert_int_equal(brood_result_exit_code(result, 2), 5);
	assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), "y\n");
	brood_result_free(result);
}

static void test_a_copy_of_an_adopted_pipeline_runs_again(void **state)
{
	brood_command *cmd = brood_command_pipeline(pipeline_new_commands(child_cmd("print", "x"), pipecmd_new_passthrough(), (pipecmd *)NULL));

	(void)state;
	assert_gives(brood_command_copy(cmd), "x", 0);
	assert_gives(cmd, "x", 0);
}

static void test_an_adopted_pipeline_runs_in_a_batch(void **state)
{
	brood_command *cmd = brood_command_pipeline(pipeline_new_commands(child_cmd("print", "x"), pipecmd_new_passthrough(), (pipecmd *)NULL));
	brood_batch *batch = brood_batch_new(4);
	brood_future *future = NULL;
	int ok = 0;

	(void)state;
	brood_command_capture(cmd, BROOD_STDOUT, 10);
	for (int i = 0; i < 12; i++)
		assert_int_equal(brood_batch_submit(batch, cmd, NULL), 0);
	brood_command_free(cmd);
	while (brood_batch_next(batch, SOON_MS, &future) == 1) {
		ok += strcmp(brood_result_output(brood_future_result(future), BROOD_STDOUT, NULL), "x") == 0;
		brood_future_free(future);
	}
	assert_int_equal(ok, 12);
	brood_batch_free(batch);
}

static void test_a_negative_want_is_a_pipe_of_the_handle(void **state)
{
	pipeline *p = pipeline_new_commands(child_cmd("upper"), pipecmd_new_passthrough(), (pipecmd *)NULL);
	brood_process *process;
	const char *line;
	size_t size;

	(void)state;
	pipeline_want_in(p, -1);
	pipeline_want_out(p, -1);
	process = start(brood_command_pipeline(p));
	assert_int_equal(brood_process_write(process, "one\ntwo\n", 8, SOON_MS, NULL), 0);
	assert_int_equal(brood_process_close(process, BROOD_STDIN), 0);
	assert_int_equal(brood_process_next_line(process, BROOD_STDOUT, SOON_MS, &line, &size), 1);
	assert_string_equal(line, "ONE");
	assert_int_equal(brood_process_next_line(process, BROOD_STDOUT, SOON_MS, &line, &size), 1);
	assert_string_equal(line, "TWO");
	assert_int_equal(brood_process_wait(process, SOON_MS), 0);
	assert_int_equal(brood_result_stages(brood_process_result(process)), 2);
	assert_true(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
}

static void test_a_wanted_descriptor_is_used_and_stays_the_callers(void **state)
{
	pipeline *p = pipeline_new_commands(child_cmd("upper"), pipecmd_new_passthrough(), (pipecmd *)NULL);
	char in[4096], out[4096], *text;
	brood_result *result = NULL;
	brood_command *cmd;
	int fd[2];

	(void)state;
	support_write_text(support_path(in, sizeof in, "in"), "text");
	fd[0] = open(in, O_RDONLY | O_CLOEXEC);
	fd[1] = open(support_path(out, sizeof out, "out"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	pipeline_want_in(p, fd[0]);
	pipeline_want_out(p, fd[1]);
	cmd = brood_command_pipeline(p);
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_int_equal(brood_result_stages(result), 2);
	assert_true(brood_result_ok(result));
	text = support_read_file(out, NULL);
	assert_string_equal(text, "TEXT");
	free(text);
	assert_int_equal(close(fd[0]), 0);
	assert_int_equal(close(fd[1]), 0);
	brood_result_free(result);
	brood_command_free(cmd);
}

/* libpipeline moves them onto themselves and closes them: its program would have no stdout at all. */
static void test_wanting_the_descriptors_0_and_1_is_wanting_nothing(void **state)
{
	pipeline *p = pipeline_new_commands(child_cmd("print", "text"), (pipecmd *)NULL);

	(void)state;
	pipeline_want_in(p, 0);
	pipeline_want_out(p, 1);
	assert_gives(brood_command_pipeline(p), "text", 0);
}

static void be_refused(void *data)
{
	pipeline *p = pipeline_new_commands(child_cmd("exit", "6"), (pipecmd *)NULL);
	brood_result *result = NULL;
	brood_command *cmd;

	(void)data;
	setenv("PIPELINE_QUIET", "1", 1);
	pipeline_start(p);
	cmd = brood_command_pipeline(p);
	assert_string_equal(brood_command_error(cmd), "pipeline: it was started by libpipeline already");
	assert_int_equal(brood_run(cmd, &result), -EINVAL);
	assert_int_equal(pipeline_get_ncommands(p), 1);
	assert_non_null(pipeline_get_command(p, 0));
	assert_int_equal(pipeline_wait(p), 6);
	pipeline_free(p);
	brood_result_free(result);
	brood_command_free(cmd);
}

static void test_a_started_pipeline_is_refused_and_left_alone(void **state)
{
	(void)state;
	support_assert_in_fork(be_refused, NULL);
}

static void test_a_pipeline_without_commands_is_refused(void **state)
{
	pipeline *p = pipeline_new();
	brood_command *cmd = brood_command_pipeline(p);

	(void)state;
	assert_string_equal(brood_command_error(cmd), "pipeline: it has no command");
	brood_command_free(cmd);
	pipeline_free(p);
}

static void test_ignore_signals_changes_nothing_in_the_host(void **state)
{
	pipeline *p = pipeline_new_commands(child_cmd("signals"), (pipecmd *)NULL);
	brood_result *result;

	(void)state;
	pipeline_ignore_signals(p, 1);
	result = run_captured(brood_command_pipeline(p));
	assert_int_equal(support_field(brood_result_output(result, BROOD_STDOUT, NULL), "ignored", 16) & ~LIBC_SIGNALS, 0);
	brood_result_free(result);
}

/* ---- success and the combined status ---- */

struct ends {
	const char *words[3][2];        /* a verb and its word, for each command */
	int combined;                   /* pipeline_wait's value */
	int ours;                       /* brood_result_shell_status; equal, but for the rows that say why */
	bool ok;
};

static const struct ends table[] = {
	{ { { "exit", "0" }, { "exit", "0" }, { "exit", "0" } }, 0, 0, true },
	{ { { "exit", "0" }, { "exit", "0" }, { "exit", "7" } }, 7, 7, false },
	{ { { "exit", "3" }, { "exit", "0" }, { "exit", "7" } }, 7, 7, false },
	{ { { "kill", "PIPE" }, { "kill", "PIPE" }, { "exit", "0" } }, 0, 0, true },
	{ { { "kill", "PIPE" }, { "kill", "PIPE" }, { "exit", "255" } }, 255, 255, false },
	{ { { "exit", "0" }, { "exit", "0" }, { "kill", "TERM" } }, 143, 143, false },
	{ { { "exit", "1" }, { "kill", "KILL" }, { "kill", "USR1" } }, 138, 138, false },
	/* An earlier one failed: libpipeline says 127 for all of them, which a shell says of a program that was not found. */
	{ { { "exit", "3" }, { "exit", "0" }, { "exit", "0" } }, 127, 3, false },
	{ { { "exit", "3" }, { "exit", "4" }, { "exit", "0" } }, 127, 4, false },
	{ { { "exit", "0" }, { "kill", "KILL" }, { "exit", "0" } }, 127, 137, false },
	/* Nobody reads behind the last one, so a SIGPIPE there is lost output and no success. */
	{ { { "exit", "0" }, { "exit", "0" }, { "kill", "PIPE" } }, 0, 141, false },
};

static pipeline *make(const struct ends *ends)
{
	pipeline *p = pipeline_new();

	for (int i = 0; i < 3; i++)
		pipeline_command(p, child_cmd(ends->words[i][0], ends->words[i][1]));
	return p;
}

static void run_by_libpipeline(void *data)
{
	setenv("PIPELINE_QUIET", "1", 1);
	assert_int_equal(pipeline_run(make(data)), ((const struct ends *)data)->combined);
}

static void test_success_and_status_agree_with_libpipelines_but_for_what_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		brood_result *result;

		support_assert_in_fork(run_by_libpipeline, (void *)(uintptr_t)&table[i]);
		result = run_captured(brood_command_pipeline(make(&table[i])));
		assert_int_equal(brood_result_shell_status(result), table[i].ours);
		assert_int_equal(brood_result_ok(result), table[i].ok);
		brood_result_free(result);
	}
}

/* ---- a program, before and after ---- */

static brood_result *run_example(const char *name, const char *file, const char *how_many, const char *ms)
{
	const char *folder = getenv("BROOD_EXAMPLES");
	brood_command *cmd;
	brood_result *result = NULL;
	char path[4096];

	skip_unless(folder, "BROOD_EXAMPLES does not say where the examples are");
	snprintf(path, sizeof path, "%s/%s", folder, name);
	cmd = brood_command_newl(path, file, how_many, ms, NULL);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_capture(cmd, BROOD_STDERR, 0);
	brood_command_set_timeout_ms(cmd, SOON_MS);
	assert_int_equal(brood_run(cmd, &result), 0);
	brood_command_free(cmd);
	return result;
}

static void test_the_ported_program_does_what_it_did_before(void **state)
{
	static const char *const names[] = { "ported-before", "ported-after" };
	char path[4096];

	(void)state;
	support_write_text(support_path(path, sizeof path, "words"), "b a c b\na b, c! d\n");
	for (int i = 0; i < 2; i++) {
		brood_result *result = run_example(names[i], path, "2", NULL);

		assert_string_equal(brood_result_output(result, BROOD_STDERR, NULL), "");
		assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), ">       3 b\n>       2 a\n");
		assert_true(brood_result_ok(result));
		brood_result_free(result);
	}
}

static void test_the_ported_program_tells_what_went_wrong(void **state)
{
	brood_result *result = run_example("ported-after", "/no/such/file", NULL, NULL);
	const char *text = brood_result_output(result, BROOD_STDERR, NULL);

	(void)state;
	assert_non_null(strstr(text, "stage 1: "));
	assert_non_null(strstr(text, "No such file or directory"));
	assert_int_equal(brood_result_exit_code(result, 0), 125);
	brood_result_free(result);

	result = run_example("ported-after", "/dev/zero", "10", "200");
	assert_non_null(strstr(brood_result_output(result, BROOD_STDERR, NULL), "deadline of 200 ms"));
	assert_int_equal(brood_result_exit_code(result, 0), 124);
	brood_result_free(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_the_commands_of_a_pipeline_are_stages),
		brood_test(test_a_copy_of_an_adopted_pipeline_runs_again),
		brood_test(test_an_adopted_pipeline_runs_in_a_batch),
		brood_test(test_a_negative_want_is_a_pipe_of_the_handle),
		brood_test(test_a_wanted_descriptor_is_used_and_stays_the_callers),
		brood_test(test_wanting_the_descriptors_0_and_1_is_wanting_nothing),
		brood_test(test_a_started_pipeline_is_refused_and_left_alone),
		brood_test(test_a_pipeline_without_commands_is_refused),
		brood_test(test_ignore_signals_changes_nothing_in_the_host),
		brood_test(test_success_and_status_agree_with_libpipelines_but_for_what_the_table_says),
		brood_test(test_the_ported_program_does_what_it_did_before),
		brood_test(test_the_ported_program_tells_what_went_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
