/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lib/libpipeline and the program around it: whatever goes wrong in the child, the host is left alone, also where libpipeline runs
 * pipelines of its own beside ours or nobody can be told how a child ended.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <brood.h>
#include <brood/libpipeline.h>

#include "support/libpipeline.h"
#include "support/later_libpipeline.h"
#include "support/support.h"

/* ---- what fails in the child stays in the child ---- */

static void test_an_exec_failure_is_exit_255_and_a_message(void **state)
{
	brood_command *cmd = brood_command_pipecmd(pipecmd_new("/no/such/program"));
	brood_result *result = NULL;

	(void)state;
	brood_command_capture(cmd, BROOD_STDERR, 0);
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_int_equal(brood_result_exit_code(result, 0), 255);
	assert_non_null(strstr(brood_result_output(result, BROOD_STDERR, NULL), "/no/such/program: No such file or directory"));
	assert_int_equal(brood_result_shell_status(result), 255);
	assert_false(brood_result_ok(result));
	brood_result_free(result);
	brood_command_free(cmd);
}

static char marks[4096];

static void leave_a_mark(void)
{
	int fd = open(marks, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd >= 0 && write(fd, "!", 1) == 1)
		close(fd);
}

static void run_ends(void *data)
{
	pipecmd *no_directory = child_cmd("exit", "0"), *inner = pipecmd_new("/no/such/program");
	char text[] = "printed";
	brood_command *cmd;

	(void)data;
	atexit(leave_a_mark);
	pipecmd_chdir(no_directory, "/no/such/directory");
	cmd = brood_command_pipecmd(no_directory);
	brood_command_redirect_null(cmd, BROOD_STDERR);
	assert_gives(cmd, "", 255);
	cmd = brood_command_pipecmd(pipecmd_new("/no/such/program"));
	brood_command_redirect_null(cmd, BROOD_STDERR);
	assert_gives(cmd, "", 255);
	cmd = brood_command_pipecmd(pipecmd_new_sequence("s", inner, (pipecmd *)NULL));
	brood_command_redirect_null(cmd, BROOD_STDERR);
	assert_gives(cmd, "", 255);
	assert_gives(brood_command_pipecmd(pipecmd_new_function("f", print_text, NULL, text)), "printed", 0);
	assert_gives(brood_command_pipecmd(pipecmd_new_function("f", leave_with_7, NULL, NULL)), "seven", 7);
	assert_int_equal(access(marks, F_OK), -1);
}

static void test_no_end_of_a_pipecmd_runs_the_hosts_exit_handlers(void **state)
{
	(void)state;
	support_path(marks, sizeof marks, "marks");
	support_assert_in_fork(run_ends, NULL);
}

static void buffered(void *data)
{
	char path[4096], other[4096], text[] = "function\n";
	brood_command *cmd;
	FILE *stream;
	char *all;
	int fd;

	(void)data;
	stream = fopen(support_path(other, sizeof other, "other"), "we");
	assert_non_null(stream);
	fprintf(stream, "once");
	fflush(stdout);
	fd = open(support_path(path, sizeof path, "out"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_int_equal(dup2(fd, 1), 1);
	close(fd);
	setvbuf(stdout, NULL, _IOFBF, 4096);
	printf("host ");
	assert_gives(brood_command_pipecmd(pipecmd_new_function("f", print_text, NULL, text)), "function\n", 0);
	assert_gives(brood_command_pipecmd(pipecmd_new_sequence("s", child_cmd("print", "one"), (pipecmd *)NULL)), "one", 0);
	cmd = brood_command_pipecmd(pipecmd_new("/no/such/program"));
	brood_command_redirect_null(cmd, BROOD_STDERR);
	assert_gives(cmd, "", 255);
	fflush(stdout);
	fclose(stream);
	all = support_read_file(path, NULL);
	assert_string_equal(all, "host ");
	free(all);
	all = support_read_file(other, NULL);
	assert_string_equal(all, "once");
	free(all);
}

static void test_what_the_host_had_buffered_is_written_once(void **state)
{
	(void)state;
	support_assert_in_fork(buffered, NULL);
}

/* ---- its state, its children, libpipeline at work beside us ---- */

static void count_it(int signal)
{
	(void)signal;
}

static void be_left_alone(void *data)
{
	struct sigaction action = { .sa_handler = count_it, .sa_flags = SA_RESTART };
	struct host_state before = { 0 };
	brood_command *cmds[4];
	pid_t running, ended;
	pipeline *p;

	(void)data;
	sigaction(SIGCHLD, &action, NULL);
	running = support_host_child("sleep-forever", NULL);
	ended = support_host_child("exit", "9", NULL);
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)ended, &info, WEXITED | WNOWAIT), 0);
	p = pipeline_new_commands(child_cmd("upper"), pipecmd_new_sequence("s", child_cmd("cat"), (pipecmd *)NULL), (pipecmd *)NULL);
	pipecmd_setenv(pipeline_get_command(p, 0), "A", "b");
	pipecmd_chdir(pipeline_get_command(p, 0), "/usr");
	pipeline_ignore_signals(p, 1);

	host_snapshot(&before);
	cmds[0] = brood_command_pipecmd(pipecmd_new("/no/such/program"));
	host_assert_unchanged(&before);
	cmds[1] = brood_command_pipeline(p);
	host_assert_unchanged(&before);
	p = from_file(pipeline_new_commands(child_cmd("cat"), child_cmd("exit", "3"), (pipecmd *)NULL), "text");
	pipeline_ignore_signals(p, 1);
	cmds[2] = later_command(p);
	host_assert_unchanged(&before);
	p = pipeline_new_commands(child_cmd("cat"), (pipecmd *)NULL);
	pipeline_want_infile(p, "/no/such/file");
	cmds[3] = later_command(p);
	host_assert_unchanged(&before);
	for (int i = 0; i < 4; i++) {
		brood_result *result = NULL;

		brood_command_feed(cmds[i], "x", 1);
		brood_command_redirect_null(cmds[i], BROOD_STDOUT);
		brood_command_redirect_null(cmds[i], BROOD_STDERR);
		assert_int_equal(brood_run(cmds[i], &result), 0);
		brood_result_free(result);
		brood_command_free(cmds[i]);
		host_assert_unchanged(&before);
	}
	host_state_done(&before);

	/* The host's own children are the host's to reap. */
	assert_int_equal(support_reap(ended), 9);
	assert_int_equal(kill(running, SIGKILL), 0);
	assert_int_equal(support_reap(running), 128 + SIGKILL);
}

static void test_neither_call_and_no_run_changes_the_host(void **state)
{
	(void)state;
	support_assert_in_fork(be_left_alone, NULL);
}

/* Our children's statuses are stolen by its handler as everybody's are; where the kernel can tell them all the same, nothing is lost. */
static void beside_libpipeline(void *data)
{
	pipeline *p = pipeline_new_commands(child_cmd("sleep", "300"), (pipecmd *)NULL);
	brood_command *cmd;
	brood_result *result = NULL;

	(void)data;
	pipeline_start(p);
	cmd = brood_command_pipeline(pipeline_new_commands(child_cmd("print", "x"), pipecmd_new_passthrough(), (pipecmd *)NULL));
	assert_null(brood_command_error(cmd));
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), "x");
	for (size_t i = 0; i < 2; i++)
		if (brood_result_how(result, i) != BROOD_LOST)
			assert_int_equal(brood_result_exit_code(result, i), 0);
	assert_int_equal(pipeline_wait(p), 0);
	pipeline_free(p);
	brood_result_free(result);
	brood_command_free(cmd);
}

static void test_an_adopted_pipeline_runs_beside_one_that_libpipeline_runs(void **state)
{
	(void)state;
	support_assert_in_fork(beside_libpipeline, NULL);
}

/* Nobody can tell how the child that was asked ended; its answer is there all the same. */
static void ask_without_statuses(void *data)
{
	brood_result *result;

	(void)data;
	signal(SIGCHLD, SIG_IGN);
	result = run_captured(brood_command_pipeline(pipeline_new_commands(child_cmd("print", "x"), pipecmd_new_passthrough(), (pipecmd *)NULL)));
	assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), "x");
	brood_result_free(result);
}

static void test_a_host_that_ignores_sigchld_can_adopt_a_pipeline(void **state)
{
	(void)state;
	support_assert_in_fork(ask_without_statuses, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_an_exec_failure_is_exit_255_and_a_message),
		brood_test(test_no_end_of_a_pipecmd_runs_the_hosts_exit_handlers),
		brood_test(test_what_the_host_had_buffered_is_written_once),
		brood_test(test_neither_call_and_no_run_changes_the_host),
		brood_test(test_an_adopted_pipeline_runs_beside_one_that_libpipeline_runs),
		brood_test(test_a_host_that_ignores_sigchld_can_adopt_a_pipeline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
