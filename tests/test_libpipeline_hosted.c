/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lib/libpipeline, what a later libpipeline may describe in a way that is not known: the whole runs hosted, in a child of its own, which
 * ends as the pipeline did, takes its commands along and tells how each of them ended.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <brood.h>
#include <brood/libpipeline.h>

#include "support/libpipeline.h"
#include "support/later_libpipeline.h"
#include "support/support.h"

static void test_what_is_not_shown_runs_hosted_as_one_stage(void **state)
{
	pipeline *p = from_file(pipeline_new_commands(child_cmd("upper"), pipecmd_new_passthrough(), (pipecmd *)NULL), "text");
	char out[4096], *text;
	brood_command *cmd;
	brood_result *result;

	(void)state;
	pipeline_want_outfile(p, support_path(out, sizeof out, "out"));
	cmd = later_command(p);
	for (int i = 0; i < 2; i++) {
		result = run_captured(brood_command_copy(cmd));
		assert_int_equal(brood_result_stages(result), 1);
		assert_true(brood_result_ok(result));
		text = support_read_file(out, NULL);
		assert_string_equal(text, "TEXT");
		free(text);
		unlink(out);
		brood_result_free(result);
	}
	text = brood_command_format(cmd);
	assert_non_null(strstr(text, "child | cat>"));
	free(text);
	brood_command_free(cmd);
}

static void test_a_hosted_pipeline_is_captured_and_ends_as_it_does(void **state)
{
	brood_result *result;
	brood_command *cmd;

	(void)state;
	assert_gives(later_command(from_file(pipeline_new_commands(child_cmd("upper", "exit", "3"), (pipecmd *)NULL), "x")), "X", 3);
	assert_gives(later_command(from_file(pipeline_new_commands(child_cmd("exit", "3"), child_cmd("print", "y"), (pipecmd *)NULL), "x")),
	             "y", 127);
	cmd = later_command(from_file(pipeline_new_commands(child_cmd("kill", "USR1"), (pipecmd *)NULL), "x"));
	brood_command_setenv(cmd, "PIPELINE_QUIET", "1");
	result = run_captured(cmd);
	assert_int_equal(brood_result_signal(result, 0), SIGUSR1);
	assert_int_equal(brood_result_shell_status(result), 128 + SIGUSR1);
	brood_result_free(result);
}

static void test_a_hosted_pipelines_other_end_is_still_what_was_wanted(void **state)
{
	pipeline *p = from_file(pipeline_new_commands(child_cmd("upper"), (pipecmd *)NULL), "text\n");
	char out[4096], *text;
	brood_process *process;
	brood_result *result = NULL;
	brood_command *cmd;
	const char *line;
	size_t size;
	int fd;

	(void)state;
	pipeline_want_out(p, -1);
	process = start(later_command(p));
	assert_int_equal(brood_process_next_line(process, BROOD_STDOUT, SOON_MS, &line, &size), 1);
	assert_string_equal(line, "TEXT");
	brood_process_free(process);

	p = from_file(pipeline_new_commands(child_cmd("upper"), (pipecmd *)NULL), "text");
	fd = open(support_path(out, sizeof out, "out"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	pipeline_want_out(p, fd);
	cmd = later_command(p);
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_true(brood_result_ok(result));
	text = support_read_file(out, NULL);
	assert_string_equal(text, "TEXT");
	free(text);
	brood_result_free(result);
	brood_command_free(cmd);
	close(fd);
}

/* Hosted for its output, a file; that file as text, which the caller frees. */
static char *text_of(const char *path)
{
	char *text = support_read_file(path, NULL);

	unlink(path);
	return text;
}

static void test_a_hosted_pipelines_input_is_the_stages_own_a_pipe_or_what_was_wanted(void **state)
{
	char in[4096], out[4096], *text;
	brood_process *process;
	brood_command *cmd;
	pipeline *p;
	int fd;

	(void)state;
	support_path(out, sizeof out, "out");
	p = pipeline_new_commands(child_cmd("upper"), (pipecmd *)NULL);
	pipeline_want_outfile(p, out);
	cmd = later_command(p);
	brood_command_feed(cmd, "fed", 3);
	assert_gives(cmd, "", 0);
	text = text_of(out);
	assert_string_equal(text, "FED");
	free(text);

	p = pipeline_new_commands(child_cmd("upper"), (pipecmd *)NULL);
	pipeline_want_outfile(p, out);
	pipeline_want_in(p, -1);
	process = start(later_command(p));
	assert_int_equal(brood_process_communicate(process, "written", 7, SOON_MS), 0);
	brood_process_free(process);
	text = text_of(out);
	assert_string_equal(text, "WRITTEN");
	free(text);

	support_write_text(support_path(in, sizeof in, "in"), "read");
	fd = open(in, O_RDONLY | O_CLOEXEC);
	p = pipeline_new_commands(child_cmd("upper"), (pipecmd *)NULL);
	pipeline_want_outfile(p, out);
	pipeline_want_in(p, fd);
	assert_gives(later_command(p), "", 0);
	text = text_of(out);
	assert_string_equal(text, "READ");
	free(text);
	close(fd);
}

static void test_a_hosted_command_enters_its_directory_by_descriptor(void **state)
{
	pipeline *p = from_file(pipeline_new_commands(child_cmd("cwd", "fds"), (pipecmd *)NULL), "");
	int fd = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	brood_result *result;

	(void)state;
	pipecmd_fchdir(pipeline_get_command(p, 0), fd);
	result = run_captured(later_command(p));
	assert_int_equal(strncmp(brood_result_output(result, BROOD_STDOUT, NULL), "/usr\n0 ", 7), 0);
	assert_null(strstr(brood_result_output(result, BROOD_STDOUT, NULL), "\n3 "));
	brood_result_free(result);
	close(fd);
}

static void test_a_file_that_cannot_be_opened_ends_the_hosting_child_and_not_the_host(void **state)
{
	pipeline *p = pipeline_new_commands(child_cmd("cat"), (pipecmd *)NULL);
	brood_result *result = NULL;
	brood_command *cmd;

	(void)state;
	pipeline_want_infile(p, "/no/such/file");
	cmd = later_command(p);
	brood_command_capture(cmd, BROOD_STDERR, 0);
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_int_equal(brood_result_how(result, 0), BROOD_EXITED);
	assert_false(brood_result_ok(result));
	assert_non_null(strstr(brood_result_output(result, BROOD_STDERR, NULL), "/no/such/file: No such file or directory"));
	brood_result_free(result);
	brood_command_free(cmd);
}

static void test_commands_of_a_hosted_pipeline_start_with_nothing_blocked(void **state)
{
	brood_result *result = run_captured(later_command(from_file(pipeline_new_commands(child_cmd("signals"), (pipecmd *)NULL), "")));
	const char *text = brood_result_output(result, BROOD_STDOUT, NULL);

	(void)state;
	assert_int_equal(support_field(text, "blocked", 16), 0);
	assert_int_equal(support_field(text, "ignored", 16) & ~LIBC_SIGNALS, 0);
	brood_result_free(result);
}

static brood_process *start_hosted_sleepers(pid_t ret_pids[2], const char *ignore)
{
	char path[2][4096];
	brood_process *process;
	brood_command *cmd;

	support_path(path[0], sizeof path[0], "pid0");
	support_path(path[1], sizeof path[1], "pid1");
	cmd = later_command(from_file(pipeline_new_commands(child_cmd(ignore, "TERM", "pidfile", path[0], "sleep-forever"),
	                                                             child_cmd(ignore, "TERM", "pidfile", path[1], "sleep-forever"),
	                                                             (pipecmd *)NULL), ""));
	brood_command_setenv(cmd, "PIPELINE_QUIET", "1");
	process = start(cmd);
	for (int i = 0; i < 2; i++)
		ret_pids[i] = support_read_pidfile(path[i]);
	return process;
}

static void test_a_stop_signal_reaches_every_command_of_a_hosted_pipeline(void **state)
{
	pid_t pids[2];
	brood_process *process;

	(void)state;
#ifdef __SANITIZE_THREAD__
	support_skip("ThreadSanitizer keeps a signal back while the hosting child is in waitid");
#endif
	process = start_hosted_sleepers(pids, "default");
	assert_int_equal(brood_process_terminate(process), 0);
	assert_int_equal(brood_process_wait(process, SOON_MS), 0);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGTERM);
	assert_true(support_wait_gone(pids[0], SOON_MS) && support_wait_gone(pids[1], SOON_MS));
	brood_process_free(process);
}

/* The signal comes when the hosting child has forked its command and does not listen yet. The command has half a second to do wrong. */
static struct {
	pid_t part;
	char began[4096];
} early;

static void signal_ourselves(void)
{
	if (getpid() == early.part)
		return;
	support_wait_file(early.began, 500);
	kill(getpid(), SIGTERM);
}

static void signalled_early(void *data)
{
	brood_result *result;

	(void)data;
	early.part = getpid();
	support_path(early.began, sizeof early.began, "began");
	assert_int_equal(pthread_atfork(NULL, signal_ourselves, NULL), 0);
	result = run_captured(later_command(from_file(pipeline_new_commands(child_cmd("touch", early.began), (pipecmd *)NULL), "")));
	assert_int_equal(brood_result_signal(result, 0), SIGTERM);
	assert_int_equal(access(early.began, F_OK), -1);
	brood_result_free(result);
}

static void test_no_command_of_a_hosted_pipeline_begins_before_signals_can_reach_it(void **state)
{
	(void)state;
	support_assert_in_fork(signalled_early, NULL);
}

static void test_a_stopped_sequence_of_a_hosted_pipeline_leaves_nobody_behind(void **state)
{
	char path[4096];
	brood_process *process;
	pid_t pid;

	(void)state;
#ifdef __SANITIZE_THREAD__
	support_skip("ThreadSanitizer keeps a signal back while the hosting child is in waitid");
#endif
	support_path(path, sizeof path, "pid");
	process = start(later_command(from_file(pipeline_new_commands(
		pipecmd_new_sequence("s", child_cmd("ignore", "TERM", "pidfile", path, "sleep-forever"), (pipecmd *)NULL), (pipecmd *)NULL), "")));
	pid = support_read_pidfile(path);
	assert_true(brood_process_stop(process, SOON_MS) > 0);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGTERM);
	assert_true(support_wait_gone(pid, SOON_MS));
	brood_process_free(process);
}

static void test_a_killed_hosting_child_takes_its_commands_along(void **state)
{
	pid_t pids[2];
	brood_process *process = start_hosted_sleepers(pids, "ignore");

	(void)state;
	skip_unless(prctl(PR_GET_DUMPABLE) >= 0, "there is no prctl");
	assert_true(brood_process_stop(process, 100) > 0);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGKILL);
	assert_true(support_wait_gone(pids[0], SOON_MS) && support_wait_gone(pids[1], SOON_MS));
	brood_process_free(process);
}

/* ---- what its commands did ---- */

static void test_a_hosted_run_hands_back_how_each_command_ended(void **state)
{
	pipeline *p = from_file(pipeline_new_commands(child_cmd("exit", "3"), child_cmd("kill", "USR1"), child_cmd("cat"), (pipecmd *)NULL), "x");
	brood_command *cmd = later_command(p);
	int statuses[4] = { -7, -7, -7, -7 };

	(void)state;
	brood_command_setenv(cmd, "PIPELINE_QUIET", "1");
	for (int i = 0; i < 2; i++) {
		brood_result *result = run_captured(brood_command_copy(cmd));

		assert_int_equal(brood_result_stages(result), 1);
		assert_int_equal(brood_pipeline_statuses(result, statuses, 4), 3);
		assert_int_equal(WEXITSTATUS(statuses[0]), 3);
		assert_true(WIFSIGNALED(statuses[1]) && WTERMSIG(statuses[1]) == SIGUSR1);
		assert_int_equal(statuses[2], 0);
		assert_int_equal(statuses[3], -7);
		assert_int_equal(brood_pipeline_statuses(result, NULL, 0), 3);
		brood_result_free(result);
	}
	brood_command_free(cmd);
}

static void test_statuses_of_hosted_runs_at_once_are_each_runs_own(void **state)
{
	brood_command *cmd = later_command(from_file(pipeline_new_commands(pipecmd_new_args("sh", "-c", "exit $CODE", (char *)NULL), child_cmd("cat"),
	                                                                   (pipecmd *)NULL), "x"));
	brood_process *processes[8];

	(void)state;
	for (int i = 0; i < 8; i++) {
		brood_command *copy = brood_command_copy(cmd);
		char code[4];

		snprintf(code, sizeof code, "%d", i + 1);
		brood_command_setenv(copy, "CODE", code);
		processes[i] = start(copy);
	}
	for (int i = 0; i < 8; i++) {
		int statuses[2];

		assert_int_equal(brood_process_wait(processes[i], SOON_MS), 0);
		assert_int_equal(brood_pipeline_statuses(brood_process_result(processes[i]), statuses, 2), 2);
		assert_int_equal(WEXITSTATUS(statuses[0]), i + 1);
		assert_int_equal(statuses[1], 0);
		brood_process_free(processes[i]);
	}
	brood_command_free(cmd);
}

static void test_a_killed_hosting_child_tells_how_many_and_no_status(void **state)
{
	pid_t pids[2];
	brood_process *process = start_hosted_sleepers(pids, "ignore");
	int statuses[2] = { 0, 0 };

	(void)state;
	assert_true(brood_process_stop(process, 0) > 0);
	assert_int_equal(brood_pipeline_statuses(brood_process_result(process), statuses, 2), 2);
	assert_int_equal(statuses[0], -1);
	assert_int_equal(statuses[1], -1);
	assert_true(support_wait_gone(pids[0], SOON_MS) && support_wait_gone(pids[1], SOON_MS));
	brood_process_free(process);
}

/* 60 is where statuses go as a rule. */
static void test_a_descriptor_that_was_wanted_is_not_written_statuses_to(void **state)
{
	pipeline *p = from_file(pipeline_new_commands(child_cmd("upper", "exit", "3"), (pipecmd *)NULL), "text");
	char out[4096], *text;
	brood_result *result = NULL;
	brood_command *cmd;
	int status = -7, fd;

	(void)state;
	fd = open(support_path(out, sizeof out, "out"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(dup3(fd, 60, O_CLOEXEC), 60);
	close(fd);
	pipeline_want_out(p, 60);
	cmd = later_command(p);
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_int_equal(brood_result_stages(result), 1);
	assert_int_equal(brood_pipeline_statuses(result, &status, 1), 1);
	assert_int_equal(WEXITSTATUS(status), 3);
	text = support_read_file(out, NULL);
	assert_string_equal(text, "TEXT");
	free(text);
	brood_result_free(result);
	brood_command_free(cmd);
	close(60);
}

/* Each number that statuses may go to is one that a command enters its directory by. */
static void test_without_a_descriptor_for_statuses_the_stages_own_end_is_told(void **state)
{
	pipeline *p = from_file(pipeline_new(), "x");
	brood_result *result;
	int statuses[2] = { -7, -7 };
	int fd = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	for (int i = 60; i < 68; i++) {
		pipecmd *command = i < 67 ? child_cmd("cat") : child_cmd("exit", "3");

		assert_int_equal(dup3(fd, i, O_CLOEXEC), i);
		pipecmd_fchdir(command, i);
		pipeline_command(p, command);
	}
	result = run_captured(later_command(p));
	assert_int_equal(brood_result_exit_code(result, 0), 3);
	assert_int_equal(brood_pipeline_statuses(result, statuses, 2), 1);
	assert_int_equal(WEXITSTATUS(statuses[0]), 3);
	assert_int_equal(statuses[1], -7);
	brood_result_free(result);
	for (int i = 60; i < 68; i++)
		close(i);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_what_is_not_shown_runs_hosted_as_one_stage),
		brood_test(test_a_hosted_pipeline_is_captured_and_ends_as_it_does),
		brood_test(test_a_hosted_pipelines_other_end_is_still_what_was_wanted),
		brood_test(test_a_hosted_pipelines_input_is_the_stages_own_a_pipe_or_what_was_wanted),
		brood_test(test_a_hosted_command_enters_its_directory_by_descriptor),
		brood_test(test_a_file_that_cannot_be_opened_ends_the_hosting_child_and_not_the_host),
		brood_test(test_commands_of_a_hosted_pipeline_start_with_nothing_blocked),
		brood_test(test_a_stop_signal_reaches_every_command_of_a_hosted_pipeline),
		brood_test(test_no_command_of_a_hosted_pipeline_begins_before_signals_can_reach_it),
		brood_test(test_a_stopped_sequence_of_a_hosted_pipeline_leaves_nobody_behind),
		brood_test(test_a_killed_hosting_child_takes_its_commands_along),
		brood_test(test_a_hosted_run_hands_back_how_each_command_ended),
		brood_test(test_statuses_of_hosted_runs_at_once_are_each_runs_own),
		brood_test(test_a_killed_hosting_child_tells_how_many_and_no_status),
		brood_test(test_a_descriptor_that_was_wanted_is_not_written_statuses_to),
		brood_test(test_without_a_descriptor_for_statuses_the_stages_own_end_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
