/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lib/libpipeline, pipelines that have file names: the names come across exactly, whatever bytes they have, the commands are stages all the
 * same, and files, bytes and statuses are those of libpipeline's own run.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <brood.h>
#include <brood/libpipeline.h>

#include "support/libpipeline.h"
#include "support/support.h"

/* ---- file names ---- */

static void make_directory(const char *name, char *path, size_t size)
{
	assert_int_equal(mkdir(support_path(path, size, name), 0700), 0);
}

/* What libpipeline does with these two files, in a process of its own, and what brood does: bytes and statuses. */
struct two {
	const char *in, *out;
};

static pipeline *describe(const struct two *two)
{
	pipeline *p = pipeline_new_commands(child_cmd("upper"), pipecmd_new_args("sh", "-c", "cat; exit 3", (char *)NULL),
	                                    pipecmd_new_args("sh", "-c", "cat; echo end; kill -USR1 $$", (char *)NULL), pipecmd_new("cat"), (pipecmd *)NULL);

	pipeline_want_infile(p, two->in);
	pipeline_want_outfile(p, two->out);
	return p;
}

static void by_libpipeline(void *data)
{
	pipeline *p = describe(data);
	int *statuses = NULL, count = 0;

	setenv("PIPELINE_QUIET", "1", 1);
	pipeline_start(p);
	assert_int_equal(pipeline_wait_all(p, &statuses, &count), 127);
	assert_int_equal(count, 4);
	assert_true(statuses[0] == 0 && statuses[1] == 3 << 8 && statuses[2] == SIGUSR1 && statuses[3] == 0);
	free(statuses);
	pipeline_free(p);
}

static void assert_both_do_alike(const char *in, const char *out)
{
	struct two two = { .in = in, .out = out };
	brood_result *result = NULL;
	int statuses[4] = { 0 };
	char *theirs, *ours;
	struct stat info[2];
	brood_command *cmd;
	size_t size[2];

	support_assert_in_fork(by_libpipeline, &two);
	theirs = support_read_file(out, &size[0]);
	assert_int_equal(stat(out, &info[0]), 0);
	unlink(out);

	cmd = brood_command_pipeline(describe(&two));
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_int_equal(brood_result_stages(result), 4);
	ours = support_read_file(out, &size[1]);
	assert_int_equal(stat(out, &info[1]), 0);
	assert_int_equal(size[0], size[1]);
	assert_memory_equal(ours, theirs, size[0]);
	assert_int_equal(info[0].st_mode, info[1].st_mode);
	assert_int_equal(brood_pipeline_statuses(result, statuses, 4), 4);
	assert_true(statuses[0] == 0 && statuses[1] == 3 << 8 && statuses[2] == SIGUSR1 && statuses[3] == 0);
	assert_int_equal(brood_result_exit_code(result, 1), 3);
	assert_int_equal(brood_result_signal(result, 2), SIGUSR1);
	unlink(out);
	free(theirs);
	free(ours);
	brood_result_free(result);
	brood_command_free(cmd);
}

static void test_whatever_bytes_a_name_has_the_file_is_the_one(void **state)
{
	static const char *const names[] = {
		"plain", "with some  spaces ", "new\nline\n", "]", "}, output: {", "x}, output: {0, NULL}]\n", ", NULL}, output: {7, y}]",
		" [input: {0, a}, output: {0, b}]\n", "%s%n%d", "\xc3\xbc\xe4\xb8\xad\xf0\x9f\x90\xa3", "\xff\xfe\x01\x7f", "a", "b", "-1", "0", "3", "NULL, NULL",
	};
	char in[4096], out[4096], name[256];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(name, sizeof name, "in%s", names[i]);
		support_write_text(support_path(in, sizeof in, name), "some text\n");
		snprintf(name, sizeof name, "out%s", names[i]);
		assert_both_do_alike(in, support_path(out, sizeof out, name));
	}
}

static void stand_in_the_directory(void *data)
{
	static const char *const names[] = { "a", "b", "-1", "0", "3", "NULL ", "0, NULL", "-1, NULL}, output: {-1, NULL}]\n", "x}, output: {0, b" };

	(void)data;
	assert_int_equal(chdir(support_tempdir()), 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
			/* Each with each other; where a fork takes that long, each with the next one. */
			if (i == k || (under_valgrind() && k != (i + 1) % (sizeof names / sizeof *names)))
				continue;
			support_write_text(names[i], "some text\n");
			assert_both_do_alike(names[i], names[k]);
			unlink(names[i]);
		}
}

static void test_a_relative_name_that_looks_like_what_is_asked_is_a_name(void **state)
{
	(void)state;
	support_assert_in_fork(stand_in_the_directory, NULL);
}

/* The longest that a system opens, and one that it does not. */
static void test_a_name_of_four_kilobytes_is_whole(void **state)
{
	char in[4096], out[4096], path[4097], *text;
	brood_result *result = NULL;
	brood_command *cmd;
	size_t size;

	(void)state;
	support_write_text(support_path(in, sizeof in, "in"), "text");
	size = strlen(in);
	snprintf(path, sizeof path, "%s", in);
	while (size < 4095) {
		memmove(path + 1, path, size + 1);
		path[0] = '/';
		size++;
	}
	assert_both_do_alike(path, support_path(out, sizeof out, "out"));

	memmove(path + 1, path, size + 1);
	cmd = brood_command_pipeline(describe(&(struct two){ .in = path, .out = out }));
	assert_int_equal(brood_run(cmd, &result), -ENAMETOOLONG);
	brood_result_free(result);
	brood_command_free(cmd);

	/* Too long to be told, so it stays libpipeline's to refuse. */
	text = malloc(200001);
	assert_non_null(text);
	memset(text, 'x', 200000);
	text[200000] = '\0';
	cmd = brood_command_pipeline(describe(&(struct two){ .in = text, .out = out }));
	brood_command_redirect_null(cmd, BROOD_STDERR);
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_int_equal(brood_result_stages(result), 1);
	assert_int_equal(brood_result_exit_code(result, 0), 2);
	assert_int_equal(brood_pipeline_statuses(result, NULL, 0), 4);
	free(text);
	brood_result_free(result);
	brood_command_free(cmd);
}

static void test_one_end_is_a_file_and_the_other_what_was_wanted(void **state)
{
	pipeline *p = from_file(pipeline_new_commands(child_cmd("upper"), pipecmd_new_passthrough(), (pipecmd *)NULL), "text\n");
	char out[4096], *text;
	brood_process *process;
	const char *line;
	size_t size;

	(void)state;
	pipeline_want_out(p, -1);
	process = start(brood_command_pipeline(p));
	assert_int_equal(brood_process_next_line(process, BROOD_STDOUT, SOON_MS, &line, &size), 1);
	assert_string_equal(line, "TEXT");
	assert_int_equal(brood_process_wait(process, SOON_MS), 0);
	assert_int_equal(brood_result_stages(brood_process_result(process)), 2);
	brood_process_free(process);

	p = pipeline_new_commands(child_cmd("upper"), pipecmd_new_passthrough(), (pipecmd *)NULL);
	pipeline_want_in(p, -5);
	pipeline_want_outfile(p, support_path(out, sizeof out, "out"));
	process = start(brood_command_pipeline(p));
	assert_int_equal(brood_process_write(process, "fed", 3, SOON_MS, NULL), 0);
	assert_int_equal(brood_process_close(process, BROOD_STDIN), 0);
	assert_int_equal(brood_process_wait(process, SOON_MS), 0);
	assert_true(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
	text = support_read_file(out, NULL);
	assert_string_equal(text, "FED");
	free(text);
}

/* In a process of its own, because libpipeline forgets an earlier name without freeing it. */
static void set_again(void *data)
{
	pipeline *p = from_file(pipeline_new_commands(child_cmd("upper"), (pipecmd *)NULL), "text");
	char in[4096];
	int fd;

	(void)data;
	pipeline_want_in(p, 500);
	pipeline_want_infile(p, support_path(in, sizeof in, "in"));
	assert_gives(brood_command_pipeline(p), "TEXT", 0);

	p = pipeline_new_commands(child_cmd("upper"), (pipecmd *)NULL);
	fd = open(in, O_RDONLY | O_CLOEXEC);
	pipeline_want_infile(p, "/no/such/file");
	pipeline_want_in(p, fd);
	assert_gives(brood_command_pipeline(p), "TEXT", 0);
	close(fd);

	p = pipeline_new_commands(child_cmd("print", "x"), (pipecmd *)NULL);
	pipeline_want_infile(p, "/no/such/file");
	pipeline_want_outfile(p, "/no/such/file");
	pipeline_want_infile(p, NULL);
	pipeline_want_outfile(p, NULL);
	assert_gives(brood_command_pipeline(p), "x", 0);
}

/* As with libpipeline: a name takes a descriptor back, and the other way round. */
static void test_the_last_of_descriptor_and_name_counts(void **state)
{
	(void)state;
	support_assert_in_fork(set_again, NULL);
}

static void test_an_output_file_is_cut_first(void **state)
{
	pipeline *p = pipeline_new_commands(child_cmd("print", "new"), (pipecmd *)NULL);
	char out[4096], *text;
	brood_command *cmd;
	brood_result *result = NULL;

	(void)state;
	support_write_text(support_path(out, sizeof out, "out"), "what was there before");
	pipeline_want_outfile(p, out);
	cmd = brood_command_pipeline(p);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(brood_run(cmd, &result), 0);
		text = support_read_file(out, NULL);
		assert_string_equal(text, "new");
		free(text);
		brood_result_free(result);
	}
	brood_command_free(cmd);
}

static void test_a_missing_input_file_is_an_error_of_the_start_and_the_output_is_untouched(void **state)
{
	char out[4096], *text;
	brood_result *result = NULL;
	brood_command *cmd;

	(void)state;
	support_write_text(support_path(out, sizeof out, "out"), "kept");
	cmd = brood_command_pipeline(describe(&(struct two){ .in = "/no/such/file", .out = out }));
	assert_null(brood_command_error(cmd));
	assert_int_equal(brood_run(cmd, &result), -ENOENT);
	assert_non_null(strstr(brood_result_describe(result), "/no/such/file"));
	text = support_read_file(out, NULL);
	assert_string_equal(text, "kept");
	free(text);
	brood_result_free(result);
	brood_command_free(cmd);
}

static void test_a_directory_for_the_output_is_an_error_of_the_start(void **state)
{
	pipeline *p = pipeline_new_commands(child_cmd("print", "x"), (pipecmd *)NULL);
	char path[4096];
	brood_result *result = NULL;
	brood_command *cmd;

	(void)state;
	make_directory("folder", path, sizeof path);
	pipeline_want_outfile(p, path);
	cmd = brood_command_pipeline(p);
	assert_int_equal(brood_run(cmd, &result), -EISDIR);
	assert_non_null(strstr(brood_result_describe(result), path));
	brood_result_free(result);
	brood_command_free(cmd);

	p = pipeline_new_commands(child_cmd("cat"), (pipecmd *)NULL);
	pipeline_want_infile(p, "");
	cmd = brood_command_pipeline(p);
	assert_true(brood_run(cmd, &result) < 0);
	brood_result_free(result);
	brood_command_free(cmd);
}

/* Opened by the host, before a command enters its directory: libpipeline does the same. */
static void stand_elsewhere(void *data)
{
	pipeline *p = pipeline_new_commands(child_cmd("upper"), (pipecmd *)NULL);

	(void)data;
	assert_int_equal(chdir(support_tempdir()), 0);
	support_write_text("in", "text");
	pipecmd_chdir(pipeline_get_command(p, 0), "/usr");
	pipeline_want_infile(p, "in");
	assert_gives(brood_command_pipeline(p), "TEXT", 0);
}

static void test_a_name_is_relative_to_the_hosts_directory(void **state)
{
	(void)state;
	support_assert_in_fork(stand_elsewhere, NULL);
}

static void test_a_direction_of_a_file_can_be_taken_back(void **state)
{
	pipeline *p = pipeline_new_commands(child_cmd("upper"), (pipecmd *)NULL);
	brood_command *cmd;

	(void)state;
	pipeline_want_infile(p, "/no/such/file");
	cmd = brood_command_pipeline(p);
	brood_command_redirect_inherit(cmd, BROOD_STDIN);
	brood_command_feed(cmd, "fed", 3);
	assert_gives(cmd, "FED", 0);
}

static void test_statuses_of_stages_that_never_ran_are_not_known(void **state)
{
	brood_command *cmd = brood_command_pipeline(describe(&(struct two){ .in = "/no/such/file", .out = "/no/such/file" }));
	int statuses[4] = { 0 };
	brood_result *result = NULL;

	(void)state;
	assert_int_equal(brood_run(cmd, &result), -ENOENT);
	assert_int_equal(brood_pipeline_statuses(result, statuses, 4), 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(statuses[i], -1);
	brood_result_free(result);
	brood_command_free(cmd);
	assert_int_equal(brood_pipeline_statuses(NULL, NULL, 0), 0);
}

/* The dump ends as if nothing had been set, and as if another descriptor had. */
static void imitate(void *data)
{
	static const char *const names[] = {
		"x}, output: {0, NULL}]\n [input: {0, NULL",
		"x}, output: {7, NULL}]\n",
		"NULL}, output: {0, NULL",
		" [input: {-1, NULL}, output: {-1, NULL}]\n",
	};
	char path[8192];

	(void)data;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		pipeline *p = pipeline_new_commands(child_cmd("upper"), (pipecmd *)NULL);

		support_write_text(support_path(path, sizeof path, names[i]), "text");
		assert_int_equal(chdir(support_tempdir()), 0);
		pipeline_want_infile(p, names[i]);
		assert_gives(brood_command_pipeline(p), "TEXT", 0);
		assert_int_equal(chdir("/"), 0);
	}
}

static void test_a_file_name_that_imitates_a_dump_is_a_file_name(void **state)
{
	(void)state;
	support_assert_in_fork(imitate, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_whatever_bytes_a_name_has_the_file_is_the_one),
		brood_test(test_a_relative_name_that_looks_like_what_is_asked_is_a_name),
		brood_test(test_a_name_of_four_kilobytes_is_whole),
		brood_test(test_one_end_is_a_file_and_the_other_what_was_wanted),
		brood_test(test_the_last_of_descriptor_and_name_counts),
		brood_test(test_an_output_file_is_cut_first),
		brood_test(test_a_missing_input_file_is_an_error_of_the_start_and_the_output_is_untouched),
		brood_test(test_a_directory_for_the_output_is_an_error_of_the_start),
		brood_test(test_a_name_is_relative_to_the_hosts_directory),
		brood_test(test_a_direction_of_a_file_can_be_taken_back),
		brood_test(test_statuses_of_stages_that_never_ran_are_not_known),
		brood_test(test_a_file_name_that_imitates_a_dump_is_a_file_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
