/* SPDX-License-Identifier: MIT */
/*
 * Hosts that reap everybody's children, fork in threads, storm themselves with signals, change their environment, or live under odd masks and
 * limits: what a child says comes whole, every end of file comes, and no end is told wrongly.
 *
 * Other suites have the rest of such hosts: closed standard descriptors and low limits (test_descriptors.c), SIGCHLD ignored (test_waiting.c,
 * test_signals_of_children.c), small stacks of threads (tests/test_clone.c), pids given away again (test_hostile_pids.c).
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <brood.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suites/engines.h"
#include "support/members.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* ---- what a host does meanwhile --------------------------------------------------------------------------------- */

struct meanwhile {
	pthread_t thread;
	atomic_int stop;
};

static bool stopped(struct meanwhile *meanwhile)
{
	return atomic_load(&meanwhile->stop);
}

static void meanwhile_begin(struct meanwhile *meanwhile, void *(*fn)(void *))
{
	atomic_init(&meanwhile->stop, 0);
	assert_int_equal(pthread_create(&meanwhile->thread, NULL, fn, meanwhile), 0);
}

static void meanwhile_end(struct meanwhile *meanwhile)
{
	atomic_store(&meanwhile->stop, 1);
	pthread_join(meanwhile->thread, NULL);
}

/* As many a server's main loop does. */
static void *reap_everybody(void *meanwhile)
{
	while (!stopped(meanwhile)) {
		if (waitpid(-1, NULL, WNOHANG) <= 0)
			usleep(100);
	}
	return NULL;
}

/* As system(3) does: between its fork and its exec the child holds every descriptor of this process. */
static void *fork_and_exec(void *meanwhile)
{
	while (!stopped(meanwhile)) {
		pid_t pid = fork();

		if (pid == 0) {
			execl(support_child(), "child", "exit", "0", (char *)NULL);
			_exit(127);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	return NULL;
}

/* ---- reaping ---------------------------------------------------------------------------------------------------- */

/* Stolen or not, it is the real code where anything is said at all. */
static void assert_code_or_lost(const brood_result *result, int code)
{
	if (brood_result_how(result, 0) == BROOD_LOST)
		assert_false(brood_result_ok(result));
	else
		assert_int_equal(brood_result_exit_code(result, 0), code);
}

static void members_of_a_reaping_host(void *data)
{
	brood_batch *batch = batch_of(6);
	struct meanwhile reaper;

	(void)data;
	meanwhile_begin(&reaper, reap_everybody);
	for (intptr_t i = 0; i < 40; i++) {
		char code[8];
		brood_command *cmd;

		snprintf(code, sizeof code, "%d", (int)i);
		cmd = captured(member("pattern", "100K", "exit", code));
		brood_command_set_name(cmd, code);
		hand_in(batch, cmd, NULL);
	}
	for (int i = 0; i < 40; i++) {
		brood_future *future = next_one(batch);
		const brood_result *result = brood_future_result(future);
		size_t size;

		assert_code_or_lost(result, atoi(brood_future_name(future)));
		brood_result_output(result, BROOD_STDOUT, &size);
		assert_int_equal(size, 100 << 10);
		assert_false(brood_result_truncated(result, BROOD_STDOUT));
		brood_future_free(future);
	}
	brood_batch_free(batch);
	meanwhile_end(&reaper);
}

static void test_a_batch_in_a_host_that_reaps_everybody_is_whole(void **state)
{
	(void)state;
	in_fork_on_every_engine(members_of_a_reaping_host, NULL);
}

/* ---- end of file ------------------------------------------------------------------------------------------------ */

/* 2, or what BROOD_TEST_SECONDS says. */
static int64_t how_long_ms(void)
{
	const char *seconds = getenv("BROOD_TEST_SECONDS");

	return seconds && *seconds ? (int64_t)(atof(seconds) * 1000) : 2000;
}

static brood_process *begin(const char *verb)
{
	brood_command *cmd = child_does(verb);
	brood_process *process = NULL;

	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	brood_command_set_grace_ms(cmd, 0);
	if (brood_start(cmd, &process) < 0) {
		brood_process_free(process);
		process = NULL;
	}
	brood_command_free(cmd);
	return process;
}

/* A byte goes in and comes out, then end of file does, though sleepers with pipes of their own were started before and after. */
static bool cat_is_heard_to_its_end(void)
{
	brood_process *cat = begin("cat"), *later = begin("sleep-forever");
	char byte = 0;
	bool well;

	well = cat && later && brood_process_write(cat, "x", 1, SOON_MS, NULL) == 0 && brood_process_close(cat, 0) == 0 &&
	       brood_process_read(cat, 1, SOON_MS, &byte, 1) == 1 && byte == 'x' && brood_process_read(cat, 1, SOON_MS, &byte, 1) == 0 &&
	       brood_process_wait(cat, SOON_MS) == 0;
	brood_process_free(cat);
	brood_process_free(later);
	return well;
}

static int64_t until_ms;

static void *start_cats_and_sleepers(void *data)
{
	intptr_t rounds = 0;

	(void)data;
	do {
		brood_process *earlier = begin("sleep-forever");
		bool well = earlier != NULL;

		for (int i = 0; well && i < 4; i++)
			well = cat_is_heard_to_its_end();
		brood_process_free(earlier);
		if (!well)
			return NULL;
		rounds++;
	} while (support_now_ms() < until_ms);
	return (void *)rounds;
}

static void cats_and_sleepers_in_8_threads(void)
{
	pthread_t threads[8];
	intptr_t ends = 0;
	int failed = 0;

	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, start_cats_and_sleepers, NULL), 0);
	for (int i = 0; i < 8; i++) {
		void *rounds;

		pthread_join(threads[i], &rounds);
		failed += !rounds;
		ends += 4 * (intptr_t)rounds;
	}
	print_message("          %ld ends of file\n", (long)ends);
	assert_int_equal(failed, 0);
}

static void test_every_end_of_file_comes_to_8_threads_of_cats_and_sleepers(void **state)
{
	(void)state;
	until_ms = support_now_ms() + how_long_ms();
	cats_and_sleepers_in_8_threads();
}

static void cats_beside_a_host_that_forks(void)
{
	struct meanwhile forker;
	bool well = true;

	meanwhile_begin(&forker, fork_and_exec);
	for (int i = 0; well && i < 30; i++)
		well = cat_is_heard_to_its_end();
	meanwhile_end(&forker);
	assert_true(well);
}

static void test_every_end_of_file_comes_though_a_thread_of_the_host_forks(void **state)
{
	(void)state;
	on_every_engine(cats_beside_a_host_that_forks);
}

/* ---- signals ---------------------------------------------------------------------------------------------------- */

static void batch_in_a_storm(void)
{
	brood_batch *batch = batch_of(4);

	support_storm_start(SIGUSR1, 150);
	brood_batch_set_retries(batch, 1, 5);
	for (int i = 0; i < 16; i++) {
		brood_command *cmd = captured(brood_pipe(member("flood", "200K"), member("count")));

		hand_in(batch, i % 4 == 3 ? member("sleep", "3", "exit", "1") : cmd, NULL);
		if (i % 4 == 3)
			brood_command_free(cmd);
	}
	for (int i = 0; i < 16; i++) {
		brood_future *future = next_one(batch);
		const brood_result *result = brood_future_result(future);

		if (brood_result_stages(result) == 1)
			assert_int_equal(brood_result_exit_code(result, 0), 1);
		else
			assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), "204800\n");
		brood_future_free(future);
	}
	brood_batch_free(batch);
	assert_true(support_storm_stop() > 0);
}

static void test_a_storm_of_signals_shortens_nothing_in_a_batch(void **state)
{
	(void)state;
	on_every_engine(batch_in_a_storm);
}

/* ---- masks and limits ------------------------------------------------------------------------------------------- */

/* Files that the library makes for itself must not be subject to it; the one that was asked for is. */
static void under_a_umask_of_0777(void *data)
{
	char path[4096];
	char *bytes = malloc(1 << 20);
	brood_command *cmd;
	struct stat made;

	(void)data;
	assert_non_null(bytes);
	memset(bytes, 'b', 1 << 20);
	umask(0777);
	cmd = child_does("count");
	brood_command_feed(cmd, bytes, 1 << 20);
	assert_says(cmd, "1048576\n");
	assert_says(child_does("umask"), "0777\n");
	cmd = child_does("umask");
	brood_command_set_umask(cmd, 022);
	assert_says(cmd, "0022\n");
	cmd = child_does("print", "written");
	brood_command_redirect_path(cmd, 1, support_path(path, sizeof path, "made"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
	assert_exits(cmd, 0);
	assert_int_equal(stat(path, &made), 0);
	assert_int_equal(made.st_mode & 0777, 0);
	assert_int_equal(made.st_size, strlen("written"));
	assert_int_equal(umask(0777), 0777);
	unlink(path);
	free(bytes);
}

static void test_a_umask_of_0777_is_no_hindrance(void **state)
{
	(void)state;
	in_fork_on_every_engine(under_a_umask_of_0777, NULL);
}

static void spill_under_a_umask_of_0777(void *data)
{
	brood_batch *batch = batch_of(2);

	(void)data;
	umask(0777);
	brood_batch_set_output_budget(batch, 64 << 10, BROOD_SPILL);
	for (int i = 0; i < 4; i++)
		hand_in(batch, captured(member("flood", "300K")), NULL);
	for (int i = 0; i < 4; i++) {
		brood_future *future = next_one(batch);
		size_t size;

		assert_true(brood_result_ok(brood_future_result(future)));
		brood_result_output(brood_future_result(future), BROOD_STDOUT, &size);
		assert_int_equal(size, 300 << 10);
		brood_future_free(future);
	}
	brood_batch_free(batch);
}

static void test_what_is_spilled_under_a_umask_of_0777_is_read_again(void **state)
{
	(void)state;
	support_assert_in_fork(spill_under_a_umask_of_0777, NULL);
}

/* A million, or as many as are allowed here. */
static int most_descriptors(void)
{
	const struct rlimit million = { 1 << 20, 1 << 20 };
	struct rlimit limit;

	if (setrlimit(RLIMIT_NOFILE, &million) == 0)
		return 1 << 20;
	getrlimit(RLIMIT_NOFILE, &limit);
	skip_unless(limit.rlim_max > 6000, "a limit of a few descriptors is all that is to be had");
	limit.rlim_cur = limit.rlim_max < 1 << 20 ? limit.rlim_max : 1 << 20;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return (int)limit.rlim_cur;
}

/* One close for each possible number would take a moment, and one that ends at some number would leave the last ones open. */
static void with_a_million_descriptors(void *without_close_range)
{
	const int last = most_descriptors() - 1;
	char *text, number[16];

	assert_int_equal(dup2(0, last), last);
	assert_int_equal(dup2(0, 5000), 5000);
	if (without_close_range)
		support_deny_syscall(SYS_close_range, ENOSYS);
	snprintf(number, sizeof number, "%d", last);
	for (int i = 0; i < 3; i++) {
		text = said(child_does("fds"));
		if (strstr(text, "5000 ") || strstr(text, number))
			fail_msg("a descriptor of the host is open:\n%s", text);
		free(text);
		text = said(child_does("rlimit", "NOFILE"));
		assert_int_equal(atoi(text), last + 1);
		free(text);
	}
	close(last);
	close(5000);
}

static void test_a_limit_of_a_million_descriptors_changes_nothing(void **state)
{
	(void)state;
	skip_under_valgrind();
	in_fork_on_every_engine(with_a_million_descriptors, NULL);
	in_fork_on_every_engine(with_a_million_descriptors, &(int){ 1 });
}

/* The kernel counts arguments against a part of it, and the child has it too. */
static void with_a_tiny_stack(void *data)
{
	const struct rlimit tiny = { 128 << 10, 128 << 10 };

	(void)data;
	assert_int_equal(setrlimit(RLIMIT_STACK, &tiny), 0);
	assert_says(brood_pipe(child_does("flood", "300K"), child_does("count")), "307200\n");
	assert_says(child_does("rlimit", "STACK"), "131072 131072\n");
	assert_start_fails(brood_command_newl("/nonexistent/program", NULL), -ENOENT, "exec");
}

static void test_a_tiny_limit_for_stacks_changes_nothing(void **state)
{
	(void)state;
	skip_under_valgrind();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	support_skip("a sanitizer's frames are larger");
#endif
	in_fork_on_every_engine(with_a_tiny_stack, NULL);
}

/* ---- environment ------------------------------------------------------------------------------------------------ */

/* Two values of one variable: the entry moves, the list does not. */
static void *change_environment(void *meanwhile)
{
	static char one[] = "BROOD_TEST_CHANGES=one", two[] = "BROOD_TEST_CHANGES=two";

	while (!stopped(meanwhile)) {
		putenv(two);
		putenv(one);
	}
	return NULL;
}

static void while_the_environment_changes(void *data)
{
	struct meanwhile changer;

	(void)data;
	putenv((char[]){ "BROOD_TEST_CHANGES=one" });
	meanwhile_begin(&changer, change_environment);
	for (int i = 0; i < 40; i++) {
		char *value = said(child_does("getenv", "BROOD_TEST_CHANGES"));

		if (strcmp(value, "one\n") != 0 && strcmp(value, "two\n") != 0)
			fail_msg("the child has '%s'", value);
		free(value);
	}
	meanwhile_end(&changer);
	unsetenv("BROOD_TEST_CHANGES");
}

static void test_a_child_has_a_value_from_before_or_after_a_change(void **state)
{
	(void)state;
#ifdef __SANITIZE_THREAD__
	support_skip("the race is the host's own, and is what is shown");
#endif
	in_fork_on_every_engine(while_the_environment_changes, NULL);
}

/* ---- all at once ------------------------------------------------------------------------------------------------- */

static void everything_at_once(void *data)
{
	struct meanwhile reaper, forker;
	sigset_t all;

	(void)data;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	umask(0777);
	meanwhile_begin(&reaper, reap_everybody);
	meanwhile_begin(&forker, fork_and_exec);
	support_storm_start(SIGUSR1, 300);
	for (int i = 0; i < 15; i++) {
		brood_command *cmd = brood_pipe(child_does("flood", "200K"), child_does("count"));
		brood_result *result;

		brood_command_capture(cmd, BROOD_STDOUT, 0);
		brood_command_set_new_group(cmd, i & 1);
		result = ran(cmd);
		assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), "204800\n");
		assert_code_or_lost(result, 0);
		brood_result_free(result);

		cmd = child_does("sleep-forever");
		brood_command_set_timeout_ms(cmd, 10);
		brood_command_set_grace_ms(cmd, 1000);
		result = ran(cmd);
		assert_int_equal(brood_result_shell_status(result), 124);
		brood_result_free(result);
	}
	assert_true(support_storm_stop() > 0);
	meanwhile_end(&forker);
	meanwhile_end(&reaper);
}

static void test_a_host_that_does_all_of_it_at_once_hears_everything(void **state)
{
	(void)state;
	in_fork_on_every_engine(everything_at_once, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_batch_in_a_host_that_reaps_everybody_is_whole),
		brood_test(test_every_end_of_file_comes_to_8_threads_of_cats_and_sleepers),
		brood_test(test_every_end_of_file_comes_though_a_thread_of_the_host_forks),
		brood_test(test_a_storm_of_signals_shortens_nothing_in_a_batch),
		brood_test(test_a_umask_of_0777_is_no_hindrance),
		brood_test(test_what_is_spilled_under_a_umask_of_0777_is_read_again),
		brood_test(test_a_limit_of_a_million_descriptors_changes_nothing),
		brood_test(test_a_tiny_limit_for_stacks_changes_nothing),
		brood_test(test_a_child_has_a_value_from_before_or_after_a_change),
		brood_test(test_a_host_that_does_all_of_it_at_once_hears_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
