/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lib/libpipeline, command by command: each part of a pipecmd is honoured when brood runs it as a stage, and stopping reaches what it runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <brood.h>
#include <brood/libpipeline.h>

#include "support/libpipeline.h"
#include "support/support.h"

/* ---- what a pipecmd runs; these know no cmocka ---- */

static void upper(void *data)
{
	int c;

	(void)data;
	while ((c = getchar()) != EOF)
		putchar(c >= 'a' && c <= 'z' ? c - 32 : c);
}

static void say_freed(void *data)
{
	(void)data;
	printf(" freed in the child");
}

static void print_and_leave(void *data)
{
	(void)data;
	printf("data");
	exit(0);
}

static void set_variable(void *data)
{
	setenv("HOOK", data, 1);
}

/* ---- as a stage ---- */

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

/* As of every function stage. After one that returns libpipeline flushes by itself, and does not look (1.5.7). */
static void test_a_function_that_exits_and_cannot_write_its_output_is_no_success(void **state)
{
	brood_command *cmd = brood_command_pipecmd(pipecmd_new_function("f", print_and_leave, NULL, NULL));
	brood_result *result = NULL;

	(void)state;
	skip_unless(access("/dev/full", W_OK) == 0, "no /dev/full");
	brood_command_redirect_path(cmd, BROOD_STDOUT, "/dev/full", O_WRONLY, 0);
	assert_int_equal(brood_run(cmd, &result), 0);
	assert_int_equal(brood_result_exit_code(result, 0), 1);
	brood_result_free(result);
	brood_command_free(cmd);
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
	pipecmd *cleared = pipecmd_new("sort"), *both = pipecmd_new_sequence("s", pipecmd_new("a"), pipecmd_new("b"), (pipecmd *)NULL);
	char program[200] = "", name[200];

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
	pipecmd_chdir(both, "/usr");
	assert_named(both, "'<sequence>'");
	/* As much of a long one as there is room for. */
	memset(program, 'p', sizeof program - 1);
	snprintf(name, sizeof name, "'<%.127s>'", program);
	assert_named(pipecmd_new(program), name);
}

/* ---- stopped ---- */

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

/* The sequence ends between the fork of its command and that command's first step, made certain. */
static pid_t part;

static void kill_the_sequence(void)
{
	const pid_t parent = getppid();

	if (parent == part)
		return;
	kill(parent, SIGKILL);
	while (getppid() == parent)
		support_sleep_ms(1);
}

static void killed_while_it_forks(void *data)
{
	brood_command *cmd = brood_command_pipecmd(pipecmd_new_sequence("s", child_cmd("print", "and on"), (pipecmd *)NULL));
	brood_result *result;

	(void)data;
	part = getpid();
	assert_int_equal(pthread_atfork(NULL, NULL, kill_the_sequence), 0);
	brood_command_set_linger_ms(cmd, SOON_MS);
	result = run_captured(cmd);
	assert_int_equal(brood_result_signal(result, 0), SIGKILL);
	assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), "");
	assert_false(brood_result_held(result));
	brood_result_free(result);
}

static void test_a_sequence_that_is_killed_while_it_forks_leaves_no_command_behind(void **state)
{
	(void)state;
	skip_unless(prctl(PR_GET_DUMPABLE) >= 0, "there is no prctl");
	support_assert_in_fork(killed_while_it_forks, NULL);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_process_runs_among_other_stages),
		brood_test(test_a_function_runs_and_what_it_printed_is_flushed),
		brood_test(test_a_function_that_exits_and_cannot_write_its_output_is_no_success),
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
		brood_test(test_a_stopped_sequence_takes_its_command_along),
		brood_test(test_a_sequence_that_is_killed_while_it_forks_leaves_no_command_behind),
		brood_test(test_a_deadline_ends_a_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
