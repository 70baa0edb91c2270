/* SPDX-License-Identifier: MIT */
/*
 * Starting programs, and every way in which that fails: which error comes back, what it says, and that nothing is left
 * behind. The programs are the helper and files that the tests make. Each test runs on every engine.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "suites/engines.h"
#include "suites/files.h"

/* ---- 1 to 3: what is not there or cannot be run ---- */

static void missing_programs(void)
{
	assert_start_fails(brood_command_newl("/nonexistent/program", "x", NULL), -ENOENT, "exec '/nonexistent/program'");
	assert_start_fails(brood_command_newl("no-such-program-anywhere", NULL), -ENOENT, "exec 'no-such-program-anywhere'");
	assert_start_fails(brood_command_newl("./no-such-program", NULL), -ENOENT, "exec './no-such-program'");
}

static void test_a_missing_program_is_enoent_and_names_it(void **state)
{
	(void)state;
	on_every_engine(missing_programs);
}

static void unusable_programs(void)
{
	assert_start_fails(brood_command_newl(path_of("plain"), NULL), -EACCES, "plain");
	assert_start_fails(brood_command_newl(path_of("directory"), NULL), -EACCES, "directory");
	assert_start_fails(brood_command_newl(path_of("plain/program"), NULL), -ENOTDIR, "plain/program");
}

static void test_what_is_not_executable_is_eacces_and_a_path_through_a_file_enotdir(void **state)
{
	(void)state;
	make_file("plain", "text", 0644);
	make_directory("directory");
	on_every_engine(unusable_programs);
}

/* ---- 4: directory ---- */

static void missing_directories(void)
{
	brood_command *cmd = child_does("cwd");

	brood_command_chdir(cmd, "/nonexistent/directory");
	assert_start_fails(cmd, -ENOENT, "chdir '/nonexistent/directory'");

	cmd = child_does("cwd");
	brood_command_chdir(cmd, "/dev/null");
	assert_start_fails(cmd, -ENOTDIR, "chdir '/dev/null'");

	cmd = child_does("cwd");
	brood_command_fchdir(cmd, 987);
	assert_start_fails(cmd, -EBADF, "chdir 'descriptor 987'");
}

static void test_a_bad_directory_is_named_with_the_step(void **state)
{
	(void)state;
	on_every_engine(missing_directories);
}

/* ---- 5 to 8: nothing is left ---- */

static void a_thousand_failures(void)
{
	const int rounds = under_valgrind() ? 25 : engine_now() <= ENGINE_CLONE ? 1000 : 250;

	for (int i = 0; i < rounds; i++) {
		brood_command *cmd = brood_command_newl("/nonexistent/program", NULL);
		brood_process *process = NULL;

		brood_command_redirect_pipe(cmd, 0);
		brood_command_capture(cmd, 1, 0);
		brood_command_redirect_pipe(cmd, 2);
		assert_int_equal(brood_start(cmd, &process), -ENOENT);
		brood_process_free(process);
		brood_command_free(cmd);
	}
	assert_no_child_is_left();
}

static void test_a_thousand_failed_starts_leave_no_descriptor_and_no_child(void **state)
{
	const size_t before = support_fd_count();

	(void)state;
	on_every_engine(a_thousand_failures);
	assert_int_equal(support_fd_count(), before);
}

/* Closes what it opened, and is the only one to do so: EBADF, or another file under its number, is somebody else's close. */
static _Atomic int opener_runs;

static void *open_and_close(void *wrong)
{
	while (atomic_load(&opener_runs)) {
		struct stat before, after;
		int fd[4];

		for (int i = 0; i < 4; i++)
			fd[i] = open(i % 2 ? "/dev/null" : "/", O_RDONLY | O_CLOEXEC);
		for (int i = 0; i < 4; i++) {
			if (fstat(fd[i], &before) < 0 || stat(i % 2 ? "/dev/null" : "/", &after) < 0 ||
			    before.st_ino != after.st_ino || before.st_dev != after.st_dev)
				atomic_fetch_add((_Atomic int *)wrong, 1);
			if (close(fd[i]) < 0)
				atomic_fetch_add((_Atomic int *)wrong, 1);
		}
	}
	return NULL;
}

static void failures_beside_an_opener(void)
{
	const int rounds = under_valgrind() ? 20 : 200;
	_Atomic int wrong = 0;
	pthread_t thread;

	atomic_store(&opener_runs, 1);
	assert_int_equal(pthread_create(&thread, NULL, open_and_close, &wrong), 0);
	for (int i = 0; i < rounds; i++) {
		brood_command *cmd = i % 2 ? brood_command_newl("/nonexistent/program", NULL) : child_does("exit", "0");
		brood_process *process = NULL;

		brood_command_redirect_pipe(cmd, 0);
		brood_command_capture(cmd, 1, 0);
		assert_int_equal(brood_start(cmd, &process), i % 2 ? -ENOENT : 0);
		brood_process_free(process);
		brood_command_free(cmd);
	}
	atomic_store(&opener_runs, 0);
	pthread_join(thread, NULL);
	assert_int_equal(wrong, 0);
}

static void test_a_start_closes_no_descriptor_of_another_thread(void **state)
{
	(void)state;
	on_every_engine(failures_beside_an_opener);
}

static void maps_over_everything(void)
{
	const char *path = path_of("target");
	brood_command *cmd = brood_command_newl("/nonexistent/program", NULL);
	char *text;
	size_t size;

	for (int fd = 3; fd < 60; fd++)
		brood_command_redirect_path(cmd, fd, path, O_WRONLY | O_CREAT, 0600);
	assert_start_fails(cmd, -ENOENT, "exec '/nonexistent/program'");
	text = support_read_file(path, &size);
	assert_int_equal(size, 0);
	free(text);
}

static void test_the_report_of_a_failure_never_lands_in_a_redirected_file(void **state)
{
	(void)state;
	on_every_engine(maps_over_everything);
}

/* ---- 9: no words ---- */

static void nothing_to_run(void *data)
{
	const char *const empty[] = { NULL };
	const char *const no_name[] = { "", "x", NULL };
	brood_command *cmd;

	(void)data;
	/* Were a child made first, this would be what comes back. */
	support_deny_syscall(SYS_clone3, EMLINK);
	support_deny_syscall(SYS_clone, EMLINK);
	assert_start_fails(brood_command_new(empty), -EINVAL, NULL);
	assert_start_fails(brood_command_new(no_name), -EINVAL, NULL);
	assert_start_fails(brood_command_new(NULL), -EINVAL, NULL);
	assert_start_fails(brood_command_newl(NULL, NULL), -EINVAL, NULL);
	assert_start_fails(brood_command_newl("", NULL), -EINVAL, NULL);
	assert_start_fails(brood_command_function("f", NULL, NULL), -EINVAL, NULL);
	cmd = child_does("exit", "0");
	brood_command_set_program(cmd, "");
	assert_start_fails(cmd, -EINVAL, NULL);
}

static void test_nothing_to_run_is_einval_before_any_child_is_made(void **state)
{
	(void)state;
	in_fork_on_every_engine(nothing_to_run, NULL);
}

/* ---- 13, 14: scripts, and files that are being written ---- */

static void scripts(void)
{
	assert_says(brood_command_newl(path_of("with"), "a b", "", "c", NULL), "3:a b\n");
	assert_says(brood_command_newl(path_of("without"), "a b", "", "c", NULL), "3:a b\n");
	assert_says(with_path(brood_command_newl("without", "x", NULL), "."), "1:x\n");
	assert_start_fails(brood_command_newl(path_of("lost"), NULL), -ENOENT, "lost");
}

static void test_scripts_run_with_their_interpreter_or_else_by_the_shell(void **state)
{
	(void)state;
	skip_under_valgrind();          /* there a child dies of an execve that was taken for one that succeeds */
	make_file("with", "#!/bin/sh\necho \"$#:$1\"\n", 0755);
	make_file("without", "echo \"$#:$1\"\n", 0755);
	make_file("lost", "#!/nonexistent/interpreter\n", 0755);
	on_every_engine(scripts);
}

static int is_busy(const char *path)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl(path, path, "exit", "0", (char *)NULL);
		_exit(errno == ETXTBSY ? 77 : 0);
	}
	return support_reap(pid) == 77;
}

struct writer {
	int fd;
	int watch;      /* inotify's, on the same file */
};

/* An exec that is refused has opened the file all the same, and closes it. */
static void *close_once_refused(void *data)
{
	const struct writer *writer = data;

	poll(&(struct pollfd){ .fd = writer->watch, .events = POLLIN }, 1, SOON_MS);
	close(writer->fd);
	return NULL;
}

/* 0 and exit 5, or -ETXTBSY. */
static int run_while_written(const char *path)
{
	struct writer writer = { .fd = open(path, O_WRONLY | O_CLOEXEC), .watch = inotify_init1(IN_CLOEXEC) };
	brood_command *cmd = brood_command_newl(path, "exit", "5", NULL);
	brood_result *result = NULL;
	pthread_t thread;
	int r;

	assert_true(writer.fd >= 0);
	assert_true(inotify_add_watch(writer.watch, path, IN_CLOSE_NOWRITE) >= 0);
	assert_int_equal(pthread_create(&thread, NULL, close_once_refused, &writer), 0);
	r = brood_run(cmd, &result);
	pthread_join(thread, NULL);
	close(writer.watch);
	if (r == 0)
		assert_int_equal(brood_result_exit_code(result, 0), 5);
	brood_result_free(result);
	brood_command_free(cmd);
	return r;
}

static void busy_files(void)
{
	const char *path = path_of("busy");
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r, tries = 0;

	assert_true(fd >= 0);
	skip_unless(is_busy(path), "this kernel runs files that are open for writing");
	assert_start_fails(brood_command_newl(path, "exit", "0", NULL), -ETXTBSY, "busy");
	close(fd);
	/* A writer that is kept from its close for longer than a start's patience shows nothing. */
	do
		r = run_while_written(path);
	while (r == -ETXTBSY && ++tries < 50);
	assert_int_equal(r, 0);
}

static void test_a_file_that_is_being_written_is_tried_again_for_a_moment(void **state)
{
	char *bytes;
	size_t size;

	(void)state;
	skip_under_valgrind();          /* there a child dies of an execve that was taken for one that succeeds */
	bytes = support_read_file(support_child(), &size);
	assert_non_null(bytes);
	support_write_file(path_of("busy"), bytes, size);
	free(bytes);
	assert_int_equal(chmod(path_of("busy"), 0755), 0);
	on_every_engine(busy_files);
}

/* How long a start tries a file that is busy. */
enum { PATIENCE_MS = 120 };

/*
 * A child that was forked has all of our descriptors until its exec, another thread's writer among them. Kept from its exec for longer than a
 * start's patience, it lets this one fail: that must have been patient, and is tried again.
 */
static int run_though_busy(const brood_command *cmd, brood_result **ret_result)
{
	const int64_t until = support_now_ms() + SOON_MS;

	for (;;) {
		const int64_t before = support_now_ms();
		int r = brood_run(cmd, ret_result);

		if (r != -ETXTBSY || support_now_ms() - before < PATIENCE_MS || support_now_ms() >= until)
			return r;
		brood_result_free(*ret_result);
	}
}

/* Write a program and run it at once, beside others that do the same: a child between clone and exec holds no writer. */
static void *write_and_run(void *data)
{
	intptr_t wrong = 0;

	for (int i = 0; i < 20; i++) {
		char path[4096], text[4096];
		int fd;
		brood_command *cmd;
		brood_result *result = NULL;

		snprintf(path, sizeof path, "%s-%d", (const char *)data, i);
		snprintf(text, sizeof text, "#!%s getenv\n", support_child());
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
		wrong += fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0;
		cmd = brood_command_newl(path, NULL);
		brood_command_redirect_null(cmd, 1);
		wrong += run_though_busy(cmd, &result) != 0 || !brood_result_ok(result);
		brood_result_free(result);
		brood_command_free(cmd);
		unlink(path);
	}
	return (void *)wrong;
}

static void programs_just_written(void)
{
	pthread_t threads[4];
	char names[4][4096];

	for (int i = 0; i < 4; i++) {
		snprintf(names[i], sizeof names[i], "%s/thread%d", support_tempdir(), i);
		assert_int_equal(pthread_create(&threads[i], NULL, write_and_run, names[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
}

static void test_threads_that_write_a_program_and_run_it_never_find_it_busy(void **state)
{
	(void)state;
	skip_under_valgrind();          /* the same child dies there */
	on_every_engine(programs_just_written);
}

/* ---- 15, 16: limits ---- */

static void too_long(void)
{
	char *long_word = malloc(200001);
	brood_command *cmd;

	assert_non_null(long_word);
	memset(long_word, 'x', 200000);
	long_word[200000] = '\0';
	assert_start_fails(child_does("args", long_word), -E2BIG, support_child());
	long_word[100000] = '\0';
	cmd = child_does("args");
	for (int i = 0; i < 100; i++)
		brood_command_arg(cmd, long_word);
	assert_start_fails(cmd, -E2BIG, "exec");
	free(long_word);
}

static void test_an_argument_list_that_is_too_long_is_e2big(void **state)
{
	(void)state;
	skip_under_valgrind();          /* there a child dies of an execve that was taken for one that succeeds */
	on_every_engine(too_long);
}

static void no_more_processes(void *data)
{
	/* A uid that has nothing else running, so that one child is allowed and a second is not. */
	const uid_t nobody = 60000 + (uid_t)getpid() % 4000;
	const struct rlimit two = { 2, 2 };
	brood_command *cmd;

	(void)data;
	skip_unless(getuid() == 0, "only root can become somebody who has no process yet");
	assert_int_equal(setrlimit(RLIMIT_NPROC, &two), 0);
	assert_int_equal(setgid(nobody), 0);
	assert_int_equal(setuid(nobody), 0);
	assert_exits(child_does("exit", "3"), 3);
	cmd = brood_pipe(child_does("sleep-forever"), child_does("cat"));
	brood_command_set_grace_ms(cmd, 0);
	assert_start_fails(cmd, -EAGAIN, "stage 2");
	/* What was learnt while there was no room is not remembered as "cannot be done here". */
	assert_exits(child_does("exit", "3"), 3);
}

static void test_without_room_for_a_process_the_chain_is_undone_with_eagain(void **state)
{
	(void)state;
#ifdef __SANITIZE_THREAD__
	support_skip("ThreadSanitizer's own thread counts as a process");
#endif
	in_fork_on_every_engine(no_more_processes, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_missing_program_is_enoent_and_names_it),
		brood_test(test_what_is_not_executable_is_eacces_and_a_path_through_a_file_enotdir),
		brood_test(test_a_bad_directory_is_named_with_the_step),
		brood_test(test_a_thousand_failed_starts_leave_no_descriptor_and_no_child),
		brood_test(test_a_start_closes_no_descriptor_of_another_thread),
		brood_test(test_the_report_of_a_failure_never_lands_in_a_redirected_file),
		brood_test(test_nothing_to_run_is_einval_before_any_child_is_made),
		brood_test(test_scripts_run_with_their_interpreter_or_else_by_the_shell),
		brood_test(test_a_file_that_is_being_written_is_tried_again_for_a_moment),
		brood_test(test_threads_that_write_a_program_and_run_it_never_find_it_busy),
		brood_test(test_an_argument_list_that_is_too_long_is_e2big),
		brood_test(test_without_room_for_a_process_the_chain_is_undone_with_eagain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
