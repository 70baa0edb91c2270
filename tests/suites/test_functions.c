/* SPDX-License-Identifier: MIT */
/*
 * C functions as stages, and `first && second` as one stage: what they see of the host, what is flushed and what is not, how
 * they end, and who is reached by a signal.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites/engines.h"

/* ---- functions that stages run; they know no cmocka ---- */

static int give_back(void *data)
{
	return (int)(intptr_t)data;
}

static int print_and_succeed(void *data)
{
	printf("%s", (const char *)data);
	return 0;
}

static int read_a_line(void *data)
{
	char line[100];

	(void)data;
	if (!fgets(line, sizeof line, stdin))
		return 3;
	printf("<%s>", line);
	return 0;
}

static int in_capitals(void *data)
{
	int c;

	(void)data;
	while ((c = getchar()) != EOF)
		putchar(c >= 'a' && c <= 'z' ? c - 32 : c);
	return 0;
}

static int print_for_ever(void *data)
{
	(void)data;
	for (;;)
		puts("and on");
	return 0;
}

static int raise_it(void *data)
{
	raise((int)(intptr_t)data);
	return 0;
}

static int fill_and_succeed(void *data)
{
	for (int i = 0; i < (int)(intptr_t)data; i++)
		putchar('x');
	return 0;
}

static brood_command *function(brood_function *f, intptr_t data)
{
	return brood_command_function("f", f, (void *)data);
}

static brood_command *printer(const char *text)
{
	return brood_command_function("printer", print_and_succeed, (void *)(uintptr_t)text);
}

/* ---- 97: stdio ---- */

static void buffered_output(void *data)
{
	char path[4096];
	char *text;
	int fd;

	(void)data;
	support_path(path, sizeof path, "out");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	fflush(stdout);
	dup2(fd, 1);
	close(fd);
	setvbuf(stdout, NULL, _IOFBF, 4096);
	printf("host ");
	assert_exits(printer("function "), 0);
	assert_exits(brood_then(printer("one "), printer("two ")), 0);
	printf("again");
	fflush(stdout);
	text = support_read_file(path, NULL);
	assert_string_equal(text, "function one two host again");
	free(text);
}

static void test_what_the_host_had_buffered_is_written_once_and_by_the_host(void **state)
{
	(void)state;
	in_fork_on_every_engine(buffered_output, NULL);
}

static void read_ahead(void *data)
{
	char path[4096], line[100];
	brood_command *cmd;
	int fd;

	(void)data;
	support_path(path, sizeof path, "in");
	support_write_text(path, "first\nsecond\nthird\n");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	dup2(fd, 0);
	close(fd);
	assert_non_null(fgets(line, sizeof line, stdin));
	assert_string_equal(line, "first\n");
	cmd = function(read_a_line, 0);
	brood_command_feed(cmd, "fed\n", 4);
	assert_says(cmd, "<fed\n>");
	/* An end of file that the host met is not the function's. */
	while (fgets(line, sizeof line, stdin))
		;
	cmd = function(read_a_line, 0);
	brood_command_feed(cmd, "fed\n", 4);
	assert_says(cmd, "<fed\n>");
}

static void test_what_the_host_had_read_ahead_is_not_read_by_a_function(void **state)
{
	(void)state;
	in_fork_on_every_engine(read_ahead, NULL);
}

static void flushed(void)
{
	brood_command *cmd;

	assert_says(printer("without a newline"), "without a newline");
	assert_says(brood_pipe(printer("through"), brood_pipe(child_does("cat"), function(in_capitals, 0))), "THROUGH");
	cmd = brood_pipe(function(print_for_ever, 0), child_does("head", "2"));
	assert_says(cmd, "and on\nand on\n");
	cmd = function(fill_and_succeed, 1 << 20);
	{
		size_t size;
		char *text = said_bytes(cmd, &size);

		assert_int_equal(size, 1 << 20);
		free(text);
	}
}

static void test_what_a_function_prints_is_flushed_and_a_dead_reader_ends_it(void **state)
{
	(void)state;
	on_every_engine(flushed);
}

static void full_disk(void)
{
	static const int sizes[] = { 1, 100, 4096, 4097, 8192, 65536, 100000 };

	skip_unless(access("/dev/full", W_OK) == 0, "no /dev/full");
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		brood_command *cmd = function(fill_and_succeed, sizes[i]);

		brood_command_redirect_path(cmd, 1, "/dev/full", O_WRONLY, 0);
		assert_exits(cmd, 1);
	}
}

static void test_a_function_whose_output_cannot_be_written_is_no_success(void **state)
{
	(void)state;
	on_every_engine(full_disk);
}

/* ---- the end of a function ---- */

static int at_exit_fd = -1;

static void at_exit(void)
{
	if (at_exit_fd >= 0 && write(at_exit_fd, "x", 1) < 0)
		_exit(99);
}

static void no_handlers_of_the_host(void *data)
{
	char path[4096];
	struct stat st;

	(void)data;
	support_path(path, sizeof path, "at-exit");
	at_exit_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	atexit(at_exit);
	assert_exits(function(give_back, 0), 0);
	assert_exits(brood_then(function(give_back, 0), function(give_back, 5)), 5);
	assert_int_equal(fstat(at_exit_fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	close(at_exit_fd);
	at_exit_fd = -1;
}

static void test_no_atexit_handler_of_the_host_runs_in_a_function(void **state)
{
	(void)state;
	in_fork_on_every_engine(no_handlers_of_the_host, NULL);
}

static void ends(void)
{
	assert_exits(function(give_back, 0), 0);
	assert_exits(function(give_back, 255), 255);
	assert_exits(function(give_back, 256 + 7), 7);
	assert_dies_of(function(raise_it, SIGKILL), SIGKILL);
	assert_dies_of(function(raise_it, SIGTERM), SIGTERM);
}

static void test_a_function_ends_with_what_it_returns_or_its_signal(void **state)
{
	(void)state;
	on_every_engine(ends);
}

/* ---- what a function is given ---- */

static int look_around(void *data)
{
	char cwd[4096];
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	if (!getcwd(cwd, sizeof cwd) || strcmp(cwd, data) != 0)
		return 1;
	if (!getenv("GIVEN") || strcmp(getenv("GIVEN"), "yes") != 0)
		return 2;
	if (umask(0) != 0123)
		return 3;
	if (sigismember(&mask, SIGTERM) || signal(SIGPIPE, SIG_DFL) != SIG_DFL || signal(SIGUSR1, SIG_DFL) != SIG_DFL)
		return 4;
	if (getpgrp() != getpid())
		return 5;
	return write(9, "nine", 4) == 4 ? 0 : 6;
}

static void given(void *data)
{
	char path[4096];
	brood_command *cmd = brood_command_function("look", look_around, (void *)(uintptr_t)support_tempdir());
	sigset_t all;
	char *text;

	(void)data;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	support_path(path, sizeof path, "nine");
	brood_command_chdir(cmd, support_tempdir());
	brood_command_setenv(cmd, "GIVEN", "yes");
	brood_command_set_umask(cmd, 0123);
	brood_command_set_new_group(cmd, true);
	brood_command_redirect_path(cmd, 9, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_exits(cmd, 0);
	text = support_read_file(path, NULL);
	assert_string_equal(text, "nine");
	free(text);
}

static void test_directory_environment_and_descriptors_of_a_function_are_as_told(void **state)
{
	(void)state;
	in_fork_on_every_engine(given, NULL);
}

static void *wait_for_end_of_file(void *fd)
{
	char byte;

	return (void *)(intptr_t)read(*(int *)fd, &byte, 1);
}

/* libc tells every thread of a change of ids by a signal of its own. */
static int use_a_thread(void *data)
{
	pthread_t thread;
	int fd[2];
	int r;

	(void)data;
	if (pipe(fd) < 0 || pthread_create(&thread, NULL, wait_for_end_of_file, &fd[0]) != 0)
		return 1;
	r = setuid(getuid());
	close(fd[1]);
	pthread_join(thread, NULL);
	close(fd[0]);
	return r < 0 ? 2 : 0;
}

/* libc sets the handlers of its own signals once in a process: a forked child that lost them would die of the next use. */
static void threads_in_both(void *data)
{
	(void)data;
	assert_int_equal(use_a_thread(NULL), 0);
	assert_exits(function(use_a_thread, 0), 0);
}

static void test_a_function_may_use_threads_as_the_host_did_before(void **state)
{
	(void)state;
	in_fork_on_every_engine(threads_in_both, NULL);
}

static void cannot_start(void)
{
	brood_command *cmd = function(give_back, 0);

	brood_command_chdir(cmd, "/nonexistent");
	assert_start_fails(cmd, -ENOENT, "chdir '/nonexistent'");
	cmd = brood_then(function(give_back, 0), function(give_back, 0));
	brood_command_chdir(cmd, "/nonexistent");
	assert_start_fails(cmd, -ENOENT, "chdir '/nonexistent'");
}

static void test_a_function_that_cannot_get_its_directory_fails_to_start(void **state)
{
	(void)state;
	on_every_engine(cannot_start);
}

/* ---- first && second ---- */

static void then_status(void)
{
	assert_says(brood_then(child_does("print", "one "), child_does("print", "two")), "one two");
	assert_exits(brood_then(child_does("exit", "3"), child_does("exit", "4")), 3);
	assert_exits(brood_then(child_does("exit", "0"), child_does("exit", "4")), 4);
	assert_dies_of(brood_then(child_does("kill", "KILL"), child_does("exit", "4")), SIGKILL);
	assert_dies_of(brood_then(child_does("exit", "0"), child_does("kill", "TERM")), SIGTERM);
	assert_exits(brood_then(brood_command_newl("/nonexistent/program", NULL), child_does("exit", "0")), 127);
	assert_exits(brood_then(child_does("exit", "0"), brood_command_newl("/etc/passwd", NULL)), 126);
	assert_says(brood_then(brood_pipe(child_does("print", "a"), child_does("upper")), printer("b")), "Ab");
	assert_says(brood_pipe(brood_then(printer("x"), brood_then(printer("y"), printer("z"))), child_does("upper")), "XYZ");
	{
		brood_command *cmd = brood_then(child_does("head", "1"), child_does("cat"));

		brood_command_feed(cmd, "one\ntwo\n", 8);
		assert_says(cmd, "one\ntwo\n");
	}
}

static void test_the_second_runs_if_the_first_succeeded_and_the_last_one_s_end_counts(void **state)
{
	(void)state;
	on_every_engine(then_status);
}

/* Beyond 0, 1 and 2 a program is given what it was told of; what the stage was told is its programs' as well. */
static void then_third_descriptor(void)
{
	brood_command *own = child_does("write-fd", "3", "into its own"), *cmd;
	char path[4096], own_path[4096];
	char *text;

	support_path(path, sizeof path, "three");
	support_path(own_path, sizeof own_path, "own");
	brood_command_redirect_path(own, 3, own_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cmd = brood_then(brood_pipe(child_does("write-fd", "3", "first "), own), child_does("write-fd", "3", "second"));
	brood_command_redirect_path(cmd, 3, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_exits(cmd, 0);
	text = support_read_file(path, NULL);
	assert_string_equal(text, "first second");
	free(text);
	text = support_read_file(own_path, NULL);
	assert_string_equal(text, "into its own");
	free(text);
}

static void test_what_the_stage_got_as_descriptor_3_its_programs_have_too(void **state)
{
	(void)state;
	on_every_engine(then_third_descriptor);
}

/* A running `helper && never`; its first line has been read. */
static brood_process *start_then(brood_command *first)
{
	brood_command *cmd = brood_then(first, child_does("echo", "never"));
	brood_process *process;
	const char *line;
	size_t size;

	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	brood_command_set_grace_ms(cmd, SOON_MS);
	assert_int_equal(brood_start(cmd, &process), 0);
	brood_command_free(cmd);
	assert_int_equal(brood_process_next_line(process, 1, SOON_MS, &line, &size), 1);
	return process;
}

static void then_signalled(void)
{
	brood_process *process = start_then(child_does("trap-term", "6", "sleep-forever"));

	assert_int_equal(brood_process_terminate(process), 0);
	assert_int_equal(brood_process_wait(process, SOON_MS), 0);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 6);
	brood_process_free(process);

	process = start_then(child_does("ready", "sleep-forever"));
	assert_true(brood_process_stop(process, SOON_MS) > 0);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGTERM);
	brood_process_free(process);
}

/* The process has taken this signal off its list. */
static void await_taken(pid_t pid, int signal)
{
	static const char pending[] = "\nShdPnd:";
	char path[64], *status, *line;
	uint64_t mask;

	snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
	do {
		support_sleep_ms(1);
		status = support_read_file(path, NULL);
		line = status ? strstr(status, pending) : NULL;
		mask = line ? strtoull(line + strlen(pending), NULL, 16) : 0;
		free(status);
	} while (mask & 1ULL << (signal - 1));
}

static void then_in_a_group(void)
{
	brood_process *process;
	brood_command *cmd;
	const char *line;
	char go[4096];
	size_t size;

	support_path(go, sizeof go, "go");
	unlink(go);
	/* Time for a second one to be seen is counted from the first one's arrival. */
	cmd = brood_then(child_does("trap", "USR1", "once\n", "ready", "wait-for-file", go, "sleep", "300", "echo", "done"),
	                 child_does("exit", "0"));
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	brood_command_set_new_group(cmd, true);
	assert_int_equal(brood_start(cmd, &process), 0);
	brood_command_free(cmd);
	assert_int_equal(brood_process_next_line(process, 1, SOON_MS, &line, &size), 1);
	assert_int_equal(brood_process_signal(process, SIGUSR1), 0);
	assert_int_equal(brood_process_next_line(process, 1, SOON_MS, &line, &size), 1);
	assert_string_equal(line, "once");
	await_taken(brood_process_pid(process, 0), SIGUSR1);
	support_write_text(go, "");
	assert_int_equal(brood_process_next_line(process, 1, SOON_MS, &line, &size), 1);
	assert_string_equal(line, "done");
	assert_int_equal(brood_process_wait(process, SOON_MS), 0);
	assert_true(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
}

static void test_a_signal_to_the_group_reaches_what_the_stage_runs_once(void **state)
{
	(void)state;
	on_every_engine(then_in_a_group);
}

/* The stage's own process stands still until the first program has ended: it is told before it can start the second. */
static void then_signalled_between(void)
{
	for (int in_group = 0; in_group < 2; in_group++) {
		char go[4096], pidfile[4096];
		brood_process *process;
		brood_command *cmd;
		const char *line;
		siginfo_t info;

		support_path(go, sizeof go, "go");
		support_path(pidfile, sizeof pidfile, "first");
		unlink(go);
		unlink(pidfile);
		cmd = brood_then(child_does("pidfile", pidfile, "ready", "wait-for-file", go), child_does("sleep-forever"));
		brood_command_redirect_pipe(cmd, BROOD_STDOUT);
		brood_command_set_new_group(cmd, in_group == 1);
		assert_int_equal(brood_start(cmd, &process), 0);
		brood_command_free(cmd);
		assert_int_equal(brood_process_next_line(process, 1, SOON_MS, &line, NULL), 1);
		assert_int_equal(kill(brood_process_pid(process, 0), SIGSTOP), 0);
		assert_int_equal(waitid(P_PID, (id_t)brood_process_pid(process, 0), &info, WSTOPPED | WEXITED | WNOWAIT), 0);
		support_write_text(go, "");
		assert_true(support_wait_gone(support_read_pidfile(pidfile), SOON_MS));
		/* It goes on with that. */
		assert_int_equal(brood_process_terminate(process), 0);
		assert_int_equal(brood_process_wait(process, SOON_MS), 0);
		assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGTERM);
		brood_process_free(process);
	}
}

static void test_a_signal_between_the_two_is_for_the_second(void **state)
{
	(void)state;
	skip_under_valgrind();          /* it swallows a SIGTERM that comes before a program's exec */
	on_every_engine(then_signalled_between);
}

static void test_a_signal_to_the_stage_reaches_what_it_runs(void **state)
{
	(void)state;
	on_every_engine(then_signalled);
}

static void then_killed(void)
{
	char path[4096];
	brood_process *process;
	pid_t pid;

	support_path(path, sizeof path, "pid");
	unlink(path);
	process = start_then(child_does("pidfile", path, "ready", "sleep-forever"));
	pid = support_read_pidfile(path);
	assert_int_equal(brood_process_kill(process), 0);
	assert_int_equal(brood_process_wait(process, SOON_MS), 0);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGKILL);
	brood_process_free(process);
	assert_true(support_wait_gone(pid, SOON_MS));
}

static void test_what_a_stage_runs_dies_with_it_when_it_is_killed_outright(void **state)
{
	(void)state;
	skip_unless(BROOD_LINUX_FAST_PATH, "the posix build has no death with the parent");
	on_every_engine(then_killed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_what_the_host_had_buffered_is_written_once_and_by_the_host),
		brood_test(test_what_the_host_had_read_ahead_is_not_read_by_a_function),
		brood_test(test_what_a_function_prints_is_flushed_and_a_dead_reader_ends_it),
		brood_test(test_a_function_whose_output_cannot_be_written_is_no_success),
		brood_test(test_no_atexit_handler_of_the_host_runs_in_a_function),
		brood_test(test_a_function_ends_with_what_it_returns_or_its_signal),
		brood_test(test_directory_environment_and_descriptors_of_a_function_are_as_told),
		brood_test(test_a_function_may_use_threads_as_the_host_did_before),
		brood_test(test_a_function_that_cannot_get_its_directory_fails_to_start),
		brood_test(test_the_second_runs_if_the_first_succeeded_and_the_last_one_s_end_counts),
		brood_test(test_a_signal_to_the_stage_reaches_what_it_runs),
		brood_test(test_a_signal_between_the_two_is_for_the_second),
		brood_test(test_what_the_stage_got_as_descriptor_3_its_programs_have_too),
		brood_test(test_a_signal_to_the_group_reaches_what_the_stage_runs_once),
		brood_test(test_what_a_stage_runs_dies_with_it_when_it_is_killed_outright),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
