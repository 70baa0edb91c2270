/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lib/libpipeline: what libpipeline describes, run by brood. Each part of a pipecmd and of a pipeline is honoured, the host is left alone
 * whatever goes wrong in the child, and where libpipeline's own value and ours differ, the table below says why.
 *
 * libpipeline itself starts something in forked parts only. Links the shared libraries, as a program would.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <brood.h>
#include <brood/libpipeline.h>

#include "support/support.h"

enum { SOON_MS = 30000 };

/* 32 and 33: a make that uses posix_spawn hands them on ignored, and libc, which the plain POSIX engine asks, lets nobody change that. */
#define LIBC_SIGNALS ((int64_t)3 << 31)

/* The test child as a pipecmd, a verb and its words behind. */
#define child_cmd(...) pipecmd_new_args(support_child(), __VA_ARGS__, (char *)NULL)

static brood_result *run_captured(brood_command *cmd_take)
{
	brood_result *result = NULL;

	brood_command_capture(cmd_take, BROOD_STDOUT, 0);
	brood_command_set_timeout_ms(cmd_take, SOON_MS);
	if (brood_run(cmd_take, &result) != 0)
		fail_msg("%s", brood_result_describe(result));
	brood_command_free(cmd_take);
	return result;
}

/* Run it, and compare what it wrote and how its last stage ended. */
static void assert_gives(brood_command *cmd_take, const char *output, int code)
{
	brood_result *result = run_captured(cmd_take);
	size_t last = brood_result_stages(result) - 1;

	assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), output);
	assert_int_equal(brood_result_how(result, last), BROOD_EXITED);
	assert_int_equal(brood_result_exit_code(result, last), code);
	brood_result_free(result);
}

/* ---- what a pipecmd runs; these know no cmocka ---- */

static void print_text(void *data)
{
	printf("%s", (const char *)data);
}

static void upper(void *data)
{
	int c;

	(void)data;
	while ((c = getchar()) != EOF)
		putchar(c >= 'a' && c <= 'z' ? c - 32 : c);
}

static void leave_with_7(void *data)
{
	(void)data;
	printf("seven");
	exit(7);
}

static void say_freed(void *data)
{
	(void)data;
	printf(" freed in the child");
}

static void set_variable(void *data)
{
	setenv("HOOK", data, 1);
}

/* ---- a pipecmd as a stage ---- */

static void test_a_process_runs_among_other_stages(void **state)
{
	(void)state;
	assert_gives(brood_pipe(brood_command_newl(support_child(), "print", "b\na\n", NULL),
	                        brood_command_pipecmd(pipecmd_new_args("sort", "-r", (char *)NULL))),
	             "b\na\n", 0);
	assert_gives(brood_command_pipecmd(child_cmd("exit", "3")), "", 3);
}

static void test_a_function_runs_and_what_it_printed_is_flushed(void **state)
{
	char text[] = "data";

	(void)state;
	assert_gives(brood_command_pipecmd(pipecmd_new_function("f", print_text, NULL, text)), "data", 0);
	assert_gives(brood_pipe(brood_command_newl(support_child(), "echo", "abc", NULL),
	                        brood_command_pipecmd(pipecmd_new_function("upper", upper, NULL, NULL))),
	             "ABC\n", 0);
	assert_gives(brood_command_pipecmd(pipecmd_new_function("f", leave_with_7, NULL, NULL)), "seven", 7);
}

static void test_the_free_function_of_data_runs_in_the_child_alone(void **state)
{
	char text[] = "data";

	(void)state;
	assert_gives(brood_command_pipecmd(pipecmd_new_function("f", print_text, say_freed, text)), "data freed in the child", 0);
	assert_string_equal(text, "data");
}

static void test_a_sequence_stops_at_the_first_failure(void **state)
{
	char text[] = "function ";

	(void)state;
	assert_gives(brood_command_pipecmd(pipecmd_new_sequence("s", child_cmd("print", "one "), pipecmd_new_function("f", print_text, NULL, text),
	                                                        child_cmd("print", "three"), (pipecmd *)NULL)),
	             "one function three", 0);
	assert_gives(brood_command_pipecmd(pipecmd_new_sequence("s", child_cmd("print", "one", "exit", "4"), child_cmd("print", "two"),
	                                                        (pipecmd *)NULL)),
	             "one", 4);
}

static void test_a_passthrough_passes_every_byte(void **state)
{
	brood_command *cmd = brood_pipe(brood_command_newl(support_child(), "pattern", "300K", NULL),
	                                brood_pipe(brood_command_pipecmd(pipecmd_new_passthrough()),
	                                           brood_command_newl(support_child(), "check-pattern", "300K", NULL)));

	(void)state;
	assert_gives(cmd, "", 0);
}

static void test_environment_changes_come_in_order_after_the_stages_own(void **state)
{
	pipecmd *one = child_cmd("getenv", "A", "getenv", "B", "getenv", "C");
	pipecmd *two = child_cmd("env");
	brood_command *cmd;

	(void)state;
	pipecmd_setenv(one, "A", "from the pipecmd");
	pipecmd_setenv(one, "B", "gone");
	pipecmd_unsetenv(one, "B");
	cmd = brood_command_pipecmd(one);
	brood_command_setenv(cmd, "A", "from the command");
	brood_command_setenv(cmd, "C", "from the command");
	assert_gives(cmd, "from the pipecmd\n(unset)\nfrom the command\n", 0);

	pipecmd_clearenv(two);
	pipecmd_setenv(two, "ONLY", "this");
	assert_gives(brood_command_pipecmd(two), "ONLY=this", 0);
}

static void test_a_directory_is_entered_by_path_and_by_descriptor(void **state)
{
	pipecmd *by_path = child_cmd("cwd"), *by_fd = child_cmd("cwd", "fds");
	int fd = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	brood_result *result;
	brood_command *cmd;

	(void)state;
	pipecmd_chdir(by_path, "/usr");
	assert_gives(brood_command_pipecmd(by_path), "/usr\n", 0);

	pipecmd_fchdir(by_fd, fd);
	cmd = brood_command_pipecmd(by_fd);
	result = run_captured(brood_command_copy(cmd));
	assert_int_equal(strncmp(brood_result_output(result, BROOD_STDOUT, NULL), "/usr\n0 ", 7), 0);
	assert_null(strstr(brood_result_output(result, BROOD_STDOUT, NULL), "\n3 "));
	brood_result_free(result);

	/* Closed meanwhile: a failure to start, in words, and not a child that dies. */
	close(fd);
	assert_int_equal(brood_run(cmd, &result), -EBADF);
	brood_result_free(result);
	brood_command_free(cmd);
}

static void test_a_directory_descriptor_inside_a_sequence_can_be_passed_on(void **state)
{
	pipecmd *inner = child_cmd("cwd");
	int fd = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	brood_command *cmd;

	(void)state;
	pipecmd_fchdir(inner, fd);
	cmd = brood_command_pipecmd(pipecmd_new_sequence("s", inner, (pipecmd *)NULL));
	brood_command_redirect_inherit(cmd, fd);
	assert_gives(cmd, "/usr\n", 0);
	close(fd);
}

static void test_nice_value_and_discarded_stderr_are_honoured(void **state)
{
	pipecmd *one = child_cmd("nice"), *two = child_cmd("err", "not to be seen");
	char expect[16];
	brood_command *cmd;
	brood_result *result = NULL;

	(void)state;
	pipecmd_nice(one, 3);
	snprintf(expect, sizeof expect, "%d\n", getpriority(PRIO_PROCESS, 0) + 3);
	assert_gives(brood_command_pipecmd(one), expect, 0);

	pipecmd_discard_err(two, 1);
	cmd = brood_command_pipecmd(two);
	brood_command_capture(cmd, BROOD_STDERR, 0);
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_string_equal(brood_result_output(result, BROOD_STDERR, NULL), "");
	assert_true(brood_result_ok(result));
	brood_result_free(result);
	brood_command_free(cmd);
}

static void test_a_pre_exec_hook_runs_before_program_and_function(void **state)
{
	pipecmd *program = child_cmd("getenv", "HOOK");
	char value[] = "hooked";

	(void)state;
	pipecmd_pre_exec(program, set_variable, NULL, value);
	assert_gives(brood_command_pipecmd(program), "hooked\n", 0);
	assert_null(getenv("HOOK"));
}

static void test_the_child_has_no_descriptor_but_its_own(void **state)
{
	int fd = open("/dev/null", O_RDONLY);   /* inheritable, as libpipeline leaves its own */
	brood_result *result = run_captured(brood_command_pipecmd(child_cmd("fds")));
	const char *text = brood_result_output(result, BROOD_STDOUT, NULL);

	(void)state;
	assert_non_null(strstr(text, "\n2 "));
	assert_int_equal(strtol(strstr(text, "\n2 ") + 1, NULL, 10), 2);
	assert_null(strchr(strstr(text, "\n2 ") + 1, '\n')[1] ? "more than 0, 1 and 2" : NULL);
	brood_result_free(result);
	close(fd);
}

static void test_signals_are_at_their_defaults(void **state)
{
	brood_result *result = run_captured(brood_command_pipecmd(child_cmd("signals")));
	const char *text = brood_result_output(result, BROOD_STDOUT, NULL);

	(void)state;
	assert_int_equal(support_field(text, "ignored", 16) & ~LIBC_SIGNALS, 0);
	assert_int_equal(support_field(text, "blocked", 16), 0);
	brood_result_free(result);
}

static void test_a_copy_outlives_its_original(void **state)
{
	char text[] = "again ";
	brood_command *cmd = brood_command_pipecmd(pipecmd_new_function("f", print_text, NULL, text));
	brood_command *copy = brood_command_copy(cmd);

	(void)state;
	brood_command_free(cmd);
	cmd = brood_command_copy(copy);
	assert_gives(copy, "again ", 0);
	assert_gives(cmd, "again ", 0);
}

static void test_null_gives_null(void **state)
{
	(void)state;
	assert_null(brood_command_pipecmd(NULL));
	assert_null(brood_command_pipeline(NULL));
}

static void assert_named(pipecmd *cmd_take, const char *name)
{
	brood_command *cmd = brood_command_pipecmd(cmd_take);
	char *text = brood_command_format(cmd);

	assert_string_equal(text, name);
	free(text);
	brood_command_free(cmd);
}

static void test_its_name_tells_no_argument_and_no_environment(void **state)
{
	pipecmd *in_directory = pipecmd_new_args("sort", (char *)NULL), *secret = pipecmd_new_args("sort", "-n", (char *)NULL);
	pipecmd *cleared = pipecmd_new("sort");

	(void)state;
	assert_named(pipecmd_new_args("/bin/sort", "pass:secret", (char *)NULL), "'</bin/sort>'");
	assert_named(pipecmd_new_passthrough(), "'<cat>'");
	assert_named(pipecmd_new_sequence("s", pipecmd_new_args("a", "secret", (char *)NULL), (pipecmd *)NULL), "'<sequence>'");
	pipecmd_chdir(in_directory, "/usr");
	assert_named(in_directory, "'<sort>'");
	pipecmd_setenv(secret, "PW", "correct horse");
	assert_named(secret, "'<pipecmd>'");
	pipecmd_clearenv(cleared);
	assert_named(cleared, "'<pipecmd>'");
}

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

static brood_process *start(brood_command *cmd_take)
{
	brood_process *process = NULL;

	if (brood_start(cmd_take, &process) != 0)
		fail_msg("%s", brood_result_describe(brood_process_result(process)));
	brood_command_free(cmd_take);
	return process;
}

static void test_a_stopped_sequence_takes_its_command_along(void **state)
{
	char path[4096];
	brood_process *process;
	pid_t pid;

	(void)state;
	support_path(path, sizeof path, "pid");
	process = start(brood_command_pipecmd(pipecmd_new_sequence("s", child_cmd("ignore", "TERM", "pidfile", path, "sleep-forever"), (pipecmd *)NULL)));
	pid = support_read_pidfile(path);
	assert_true(brood_process_stop(process, 2000) > 0);
	assert_true(support_wait_gone(pid, SOON_MS));
	brood_process_free(process);
}

static void test_a_deadline_ends_a_function(void **state)
{
	brood_command *cmd = brood_command_pipecmd(pipecmd_new_passthrough());
	brood_result *result = NULL;
	int fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	brood_command_redirect_fd(cmd, BROOD_STDIN, fd[0]);
	brood_command_set_timeout_ms(cmd, 50);
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_int_equal(brood_result_cause(result, 0), BROOD_BY_DEADLINE);
	assert_int_equal(brood_result_shell_status(result), 124);
	brood_result_free(result);
	brood_command_free(cmd);
	close(fd[0]);
	close(fd[1]);
}

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

/* ---- hosted ---- */

static pipeline *from_file(pipeline *p, const char *bytes)
{
	char path[4096];

	support_write_text(support_path(path, sizeof path, "in"), bytes);
	pipeline_want_infile(p, path);
	return p;
}

static void test_file_names_run_the_pipeline_hosted_as_one_stage(void **state)
{
	pipeline *p = from_file(pipeline_new_commands(child_cmd("upper"), pipecmd_new_passthrough(), (pipecmd *)NULL), "text");
	char out[4096], *text;
	brood_command *cmd;
	brood_result *result;

	(void)state;
	pipeline_want_outfile(p, support_path(out, sizeof out, "out"));
	cmd = brood_command_pipeline(p);
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
	assert_gives(brood_command_pipeline(from_file(pipeline_new_commands(child_cmd("upper", "exit", "3"), (pipecmd *)NULL), "x")), "X", 3);
	assert_gives(brood_command_pipeline(from_file(pipeline_new_commands(child_cmd("exit", "3"), child_cmd("print", "y"), (pipecmd *)NULL), "x")),
	             "y", 127);
	cmd = brood_command_pipeline(from_file(pipeline_new_commands(child_cmd("kill", "USR1"), (pipecmd *)NULL), "x"));
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
	process = start(brood_command_pipeline(p));
	assert_int_equal(brood_process_next_line(process, BROOD_STDOUT, SOON_MS, &line, &size), 1);
	assert_string_equal(line, "TEXT");
	brood_process_free(process);

	p = from_file(pipeline_new_commands(child_cmd("upper"), (pipecmd *)NULL), "text");
	fd = open(support_path(out, sizeof out, "out"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	pipeline_want_out(p, fd);
	cmd = brood_command_pipeline(p);
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_true(brood_result_ok(result));
	text = support_read_file(out, NULL);
	assert_string_equal(text, "TEXT");
	free(text);
	brood_result_free(result);
	brood_command_free(cmd);
	close(fd);
}

static void test_a_hosted_command_enters_its_directory_by_descriptor(void **state)
{
	pipeline *p = from_file(pipeline_new_commands(child_cmd("cwd", "fds"), (pipecmd *)NULL), "");
	int fd = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	brood_result *result;

	(void)state;
	pipecmd_fchdir(pipeline_get_command(p, 0), fd);
	result = run_captured(brood_command_pipeline(p));
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
	cmd = brood_command_pipeline(p);
	brood_command_capture(cmd, BROOD_STDERR, 0);
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_int_equal(brood_result_how(result, 0), BROOD_EXITED);
	assert_false(brood_result_ok(result));
	assert_non_null(strstr(brood_result_output(result, BROOD_STDERR, NULL), "/no/such/file: No such file or directory"));
	brood_result_free(result);
	brood_command_free(cmd);
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

static void test_commands_of_a_hosted_pipeline_start_with_nothing_blocked(void **state)
{
	brood_result *result = run_captured(brood_command_pipeline(from_file(pipeline_new_commands(child_cmd("signals"), (pipecmd *)NULL), "")));
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
	cmd = brood_command_pipeline(from_file(pipeline_new_commands(child_cmd(ignore, "TERM", "pidfile", path[0], "sleep-forever"),
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
	brood_process *process = start_hosted_sleepers(pids, "default");

	(void)state;
	assert_int_equal(brood_process_terminate(process), 0);
	assert_int_equal(brood_process_wait(process, SOON_MS), 0);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGTERM);
	assert_true(support_wait_gone(pids[0], SOON_MS) && support_wait_gone(pids[1], SOON_MS));
	brood_process_free(process);
}

static void test_a_stopped_sequence_of_a_hosted_pipeline_leaves_nobody_behind(void **state)
{
	char path[4096];
	brood_process *process;
	pid_t pid;

	(void)state;
	support_path(path, sizeof path, "pid");
	process = start(brood_command_pipeline(from_file(pipeline_new_commands(
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

/* ---- the host ---- */

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
	cmds[2] = brood_command_pipeline(p);
	host_assert_unchanged(&before);
	p = pipeline_new_commands(child_cmd("cat"), (pipecmd *)NULL);
	pipeline_want_infile(p, "/no/such/file");
	cmds[3] = brood_command_pipeline(p);
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
		brood_test(test_a_process_runs_among_other_stages),
		brood_test(test_a_function_runs_and_what_it_printed_is_flushed),
		brood_test(test_the_free_function_of_data_runs_in_the_child_alone),
		brood_test(test_a_sequence_stops_at_the_first_failure),
		brood_test(test_a_passthrough_passes_every_byte),
		brood_test(test_environment_changes_come_in_order_after_the_stages_own),
		brood_test(test_a_directory_is_entered_by_path_and_by_descriptor),
		brood_test(test_a_directory_descriptor_inside_a_sequence_can_be_passed_on),
		brood_test(test_nice_value_and_discarded_stderr_are_honoured),
		brood_test(test_a_pre_exec_hook_runs_before_program_and_function),
		brood_test(test_the_child_has_no_descriptor_but_its_own),
		brood_test(test_signals_are_at_their_defaults),
		brood_test(test_a_copy_outlives_its_original),
		brood_test(test_null_gives_null),
		brood_test(test_its_name_tells_no_argument_and_no_environment),
		brood_test(test_an_exec_failure_is_exit_255_and_a_message),
		brood_test(test_no_end_of_a_pipecmd_runs_the_hosts_exit_handlers),
		brood_test(test_what_the_host_had_buffered_is_written_once),
		brood_test(test_a_stopped_sequence_takes_its_command_along),
		brood_test(test_a_deadline_ends_a_function),
		brood_test(test_the_commands_of_a_pipeline_are_stages),
		brood_test(test_a_copy_of_an_adopted_pipeline_runs_again),
		brood_test(test_an_adopted_pipeline_runs_in_a_batch),
		brood_test(test_a_negative_want_is_a_pipe_of_the_handle),
		brood_test(test_a_wanted_descriptor_is_used_and_stays_the_callers),
		brood_test(test_wanting_the_descriptors_0_and_1_is_wanting_nothing),
		brood_test(test_a_started_pipeline_is_refused_and_left_alone),
		brood_test(test_a_pipeline_without_commands_is_refused),
		brood_test(test_ignore_signals_changes_nothing_in_the_host),
		brood_test(test_file_names_run_the_pipeline_hosted_as_one_stage),
		brood_test(test_a_hosted_pipeline_is_captured_and_ends_as_it_does),
		brood_test(test_a_hosted_pipelines_other_end_is_still_what_was_wanted),
		brood_test(test_a_hosted_command_enters_its_directory_by_descriptor),
		brood_test(test_a_file_that_cannot_be_opened_ends_the_hosting_child_and_not_the_host),
		brood_test(test_a_file_name_that_imitates_a_dump_is_a_file_name),
		brood_test(test_commands_of_a_hosted_pipeline_start_with_nothing_blocked),
		brood_test(test_a_stop_signal_reaches_every_command_of_a_hosted_pipeline),
		brood_test(test_a_stopped_sequence_of_a_hosted_pipeline_leaves_nobody_behind),
		brood_test(test_a_killed_hosting_child_takes_its_commands_along),
		brood_test(test_neither_call_and_no_run_changes_the_host),
		brood_test(test_an_adopted_pipeline_runs_beside_one_that_libpipeline_runs),
		brood_test(test_a_host_that_ignores_sigchld_can_adopt_a_pipeline),
		brood_test(test_success_and_status_agree_with_libpipelines_but_for_what_the_table_says),
		brood_test(test_the_ported_program_does_what_it_did_before),
		brood_test(test_the_ported_program_tells_what_went_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
