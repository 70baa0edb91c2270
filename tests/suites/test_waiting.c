/* SPDX-License-Identifier: MIT */
/* Waiting and reaping: every end told exactly, once, by the handle, whatever the host does with SIGCHLD, threads and forks. */
#include <brood.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/engine.h"
#include "support/running.h"

/* linux/pidfd.h of Linux 6.15. */
#define PIDFD_GET_INFO_64 _IOWR(0xff, 11, char[64])

static const brood_result *end_of(brood_process *process)
{
	assert_int_equal(brood_process_wait(process, 60000), 0);
	return brood_process_result(process);
}

/* ---- 60, 61, 66, 67 ---- */

static void test_exit_codes_are_exact(void **state)
{
	const int codes[] = { 0, 1, 2, 126, 127, 128, 137, 143, 255 };

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		brood_command *cmd = child("exit");
		brood_process *process;

		brood_command_argf(cmd, "%d", codes[i]);
		process = start(cmd);
		assert_int_equal(brood_result_how(end_of(process), 0), BROOD_EXITED);
		assert_int_equal(brood_result_exit_code(end_of(process), 0), codes[i]);
		assert_int_equal(brood_result_signal(end_of(process), 0), 0);
		brood_process_free(process);
	}
}

static void test_a_signal_is_told_apart_from_128_and_its_number(void **state)
{
	const int signals[] = { SIGHUP, SIGKILL, SIGSEGV, SIGTERM, SIGRTMIN };

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		brood_command *cmd = child("kill");
		brood_process *process;

		brood_command_argf(cmd, "%d", signals[i]);
		process = start(cmd);
		assert_int_equal(brood_result_how(end_of(process), 0), BROOD_SIGNALLED);
		assert_int_equal(brood_result_signal(end_of(process), 0), signals[i]);
		assert_int_equal(brood_result_exit_code(end_of(process), 0), -1);
		assert_int_equal(brood_result_cause(end_of(process), 0), BROOD_BY_ITSELF);
		brood_process_free(process);
	}
}

static void test_waiting_again_gives_the_same_answer(void **state)
{
	char go[256];
	brood_process *process = start(child("wait-for-file", support_path(go, sizeof go, "go"), "exit", "4"));

	assert_int_equal(brood_process_poll(process), 0);
	assert_int_equal(brood_result_how(brood_process_result(process), 0), BROOD_RUNNING);
	support_write_text(go, "");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(brood_process_wait(process, -1), 0);
		assert_int_equal(brood_process_poll(process), 1);
		assert_int_equal(brood_process_dispatch(process), 1);
		assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 4);
	}
	brood_process_free(process);
}

static void test_a_stopped_child_has_not_ended(void **state)
{
	brood_command *cmd = child("ready", "stop-self", "exit", "6");
	brood_process *process;
	const char *line;
	char path[64], *stat;
	pid_t pid;

	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	pid = brood_process_pid(process, 0);
	assert_int_equal(brood_process_next_line(process, 1, -1, &line, NULL), 1);
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	do {
		support_sleep_ms(1);
		stat = support_read_file(path, NULL);
		skip_unless(stat, "there is no /proc here");
		line = strstr(stat, ") T") ? "stopped" : "";
		free(stat);
	} while (strcmp(line, "stopped") != 0);
	assert_int_equal(brood_process_poll(process), 0);
	assert_int_equal(brood_process_wait(process, 20), -ETIMEDOUT);
	assert_int_equal(brood_process_signal(process, SIGCONT), 0);
	assert_int_equal(brood_result_exit_code(end_of(process), 0), 6);
	brood_process_free(process);
}

static void test_many_failed_starts_lose_no_later_exit(void **state)
{
	for (int i = 0; i < 50; i++) {
		brood_command *bad = brood_command_newl("/nonexistent/program", NULL);
		brood_process *process;

		assert_int_equal(brood_start(bad, &process), -ENOENT);
		assert_int_equal(brood_process_wait(process, -1), 0);
		assert_int_equal(brood_process_stop(process, 0), BROOD_STOPPED_CHILDREN);
		brood_process_free(process);
		brood_command_free(bad);
		process = start(child("exit", "9"));
		assert_int_equal(brood_result_exit_code(end_of(process), 0), 9);
		brood_process_free(process);
	}
}

/* ---- 62 ---- */

static void *kill_soon(void *process)
{
	support_sleep_ms(5);
	assert_int_equal(brood_process_kill(process), 0);
	return NULL;
}

static void *terminate_often(void *process)
{
	for (int i = 0; i < 200; i++)
		assert_int_equal(brood_process_terminate(process), 0);
	return NULL;
}

static void wait_against(void *(*ender)(void *), int signal, bool with_pipe, bool with_group)
{
	brood_command *cmd = child("sleep-forever");
	brood_process *process;
	pthread_t thread;

	if (with_pipe)
		brood_command_capture(cmd, 1, 0);
	brood_command_set_new_group(cmd, with_group);
	process = start(cmd);
	assert_int_equal(pthread_create(&thread, NULL, ender, process), 0);
	assert_int_equal(brood_result_signal(end_of(process), 0), signal);
	assert_int_equal(brood_result_cause(end_of(process), 0), BROOD_BY_STOP);
	pthread_join(thread, NULL);
	brood_process_free(process);
}

static void test_wait_in_one_thread_and_kill_in_another_agree(void **state)
{
	for (int i = 0; i < 4; i++)
		wait_against(kill_soon, SIGKILL, i & 1, i & 2);
}

static void test_terminate_in_another_thread_while_the_child_is_reaped_is_harmless(void **state)
{
	for (int i = 0; i < 40; i++)
		wait_against(terminate_often, SIGTERM, i & 1, i & 2);
}

/* ---- 63 ---- */

static void test_a_handle_freed_early_is_stopped_and_reaped(void **state)
{
	brood_command *cmd = brood_pipe(child("flood-forever"), child("cat"));
	brood_process *process;
	pid_t pid[2];

	brood_command_redirect_pipe(cmd, 1);
	process = start(cmd);
	for (size_t i = 0; i < 2; i++)
		pid[i] = brood_process_pid(process, i);
	brood_process_free(process);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pid[i], NULL, WNOHANG), -1);
		assert_int_equal(errno, ECHILD);
	}
}

static void test_free_ends_a_child_that_ignores_the_stop_signal(void **state)
{
	brood_command *cmd = child("ignore-term", "sleep-forever");
	brood_process *process;
	const char *line;

	brood_command_redirect_pipe(cmd, 1);
	brood_command_set_grace_ms(cmd, 20);
	process = start(cmd);
	assert_int_equal(brood_process_next_line(process, 1, -1, &line, NULL), 1);
	brood_process_free(process);
}

static void test_a_detached_child_runs_on(void **state)
{
	char go[256];
	brood_command *cmd = child("wait-for-file", support_path(go, sizeof go, "go"), "exit", "8");
	brood_process *process;
	pid_t pid;
	int status;

	brood_command_capture(cmd, 2, 0);
	process = start(cmd);
	pid = brood_process_pid(process, 0);
	brood_process_detach(process);
	assert_true(support_alive(pid));
	support_write_text(go, "");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 8);
}

static void test_null_is_fine_where_there_is_nothing(void **state)
{
	brood_process *process;
	brood_result *result;

	brood_process_free(NULL);
	brood_process_detach(NULL);
	assert_int_equal(brood_process_poll(NULL), -EINVAL);
	assert_int_equal(brood_process_wait(NULL, 0), -EINVAL);
	assert_int_equal(brood_process_kill(NULL), -EINVAL);
	assert_int_equal(brood_process_stop(NULL, 0), -EINVAL);
	assert_int_equal(brood_process_fd(NULL), -EINVAL);
	assert_int_equal(brood_process_dispatch(NULL), -EINVAL);
	assert_int_equal(brood_process_pid(NULL, 0), 0);
	assert_int_equal(brood_process_stages(NULL), 0);
	assert_null(brood_process_result(NULL));
	assert_int_equal(brood_start(NULL, NULL), -EINVAL);
	assert_int_equal(brood_start(NULL, &process), -ENOMEM);
	assert_null(process);
	assert_int_equal(brood_run(NULL, &result), -ENOMEM);
	assert_null(result);
}

/* ---- fork ---- */

static void use_an_inherited_handle(void *data)
{
	brood_process *process = data;
	const char *line;
	char byte;

	assert_int_equal(brood_process_poll(process), -ECHILD);
	assert_int_equal(brood_process_wait(process, 0), -ECHILD);
	assert_int_equal(brood_process_communicate(process, NULL, 0, 0), -ECHILD);
	assert_int_equal(brood_process_write(process, "x", 1, 0, NULL), -ECHILD);
	assert_int_equal(brood_process_read(process, 1, 0, &byte, 1), -ECHILD);
	assert_int_equal(brood_process_next_line(process, 1, 0, &line, NULL), -ECHILD);
	assert_int_equal(brood_process_close(process, 0), -ECHILD);
	assert_int_equal(brood_process_parent_fd(process, 1), -ECHILD);
	assert_int_equal(brood_process_signal(process, 0), -ECHILD);
	assert_int_equal(brood_process_terminate(process), -ECHILD);
	assert_int_equal(brood_process_kill(process), -ECHILD);
	assert_int_equal(brood_process_stop(process, 0), -ECHILD);
	assert_int_equal(brood_process_dispatch(process), -ECHILD);
	assert_int_equal(brood_process_fd(process), -ECHILD);
	brood_process_free(process);
}

static void free_an_inherited_handle(bool with_fd)
{
	brood_command *cmd = child("cat");
	brood_process *process;

	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	brood_command_capture(cmd, 2, 0);
	brood_command_set_new_group(cmd, true);
	process = start(cmd);
	if (with_fd)
		brood_process_fd(process);
	support_assert_in_fork(use_an_inherited_handle, process);
	/* Nobody was signalled, nothing was closed for us, and the set still tells of everything. */
	assert_int_equal(brood_process_poll(process), 0);
	assert_int_equal(brood_process_communicate(process, "still there", 11, -1), 0);
	assert_string_equal(brood_result_output(brood_process_result(process), 1, NULL), "still there");
	assert_true(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
}

static void test_a_child_of_fork_that_frees_an_inherited_handle_harms_nobody(void **state)
{
	free_an_inherited_handle(false);
	free_an_inherited_handle(true);
}

/* ---- 64, 65 ---- */

static bool kernel_keeps_statuses;

static void expect_the_truth_or_lost(brood_process *process, int code)
{
	const brood_result *result = end_of(process);

	if (kernel_keeps_statuses) {
		assert_int_equal(brood_result_how(result, 0), BROOD_EXITED);
		assert_int_equal(brood_result_exit_code(result, 0), code);
	} else {
		assert_int_equal(brood_result_how(result, 0), BROOD_LOST);
		assert_int_equal(brood_result_exit_code(result, 0), -1);
		assert_false(brood_result_ok(result));
	}
	brood_process_free(process);
}

static void run_while_sigchld_is_ignored(void *no_wait)
{
	struct sigaction action = { .sa_handler = no_wait ? SIG_DFL : SIG_IGN, .sa_flags = no_wait ? SA_NOCLDWAIT : 0 };
	brood_command *cmd = child("exit", "5");

	sigaction(SIGCHLD, &action, NULL);
	expect_the_truth_or_lost(start(cmd), 5);
	cmd = child("exit", "6");
	brood_command_capture(cmd, 1, 0);
	brood_command_set_new_group(cmd, true);
	expect_the_truth_or_lost(start(cmd), 6);
	expect_the_truth_or_lost(start(child("exit", "0")), 0);
}

static void steal(void *data)
{
	brood_process *process = start(child("exit", "7"));

	assert_int_equal(waitpid(-1, NULL, 0), brood_process_pid(process, 0));
	/* Neither the dead nor whoever has the number now is reached. */
	assert_int_equal(brood_process_kill(process), 0);
	expect_the_truth_or_lost(process, 7);
}

static void *reap_everybody(void *data)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
	return NULL;
}

static void steal_in_a_thread(void *data)
{
	for (int i = 0; i < 20; i++) {
		brood_process *process = start(child("sleep", "2", "exit", "7"));
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, reap_everybody, NULL), 0);
		assert_int_equal(brood_process_wait(process, -1), 0);
		assert_true(brood_result_exit_code(brood_process_result(process), 0) == 7 ||
			    brood_result_how(brood_process_result(process), 0) == BROOD_LOST);
		pthread_join(thread, NULL);
		brood_process_free(process);
	}
}

/* Learns in a fork whether this kernel and engine can tell. */
static void probe(void *data)
{
	brood_process *process = start(child("exit", "7"));
	bool known;

	waitpid(-1, NULL, 0);
	known = brood_result_exit_code(end_of(process), 0) == 7;
	brood_process_free(process);
	_exit(known ? 42 : 43);
}

static void deny_the_question(void (*fn)(void *))
{
	support_deny_ioctl(PIDFD_GET_INFO_64, ENOTTY);
	kernel_keeps_statuses = false;
	fn(NULL);
}

static void ignored_without_info(void *data)
{
	deny_the_question(run_while_sigchld_is_ignored);
}

static void stolen_without_info(void *data)
{
	deny_the_question(steal);
}

static void test_a_host_that_ignores_sigchld_hears_the_real_code_or_lost(void **state)
{
	kernel_keeps_statuses = support_in_fork(probe, NULL) == 42;
	support_assert_in_fork(run_while_sigchld_is_ignored, NULL);
	support_assert_in_fork(run_while_sigchld_is_ignored, &(int){ 1 });
}

static void test_a_stolen_status_is_the_real_code_or_lost(void **state)
{
	kernel_keeps_statuses = support_in_fork(probe, NULL) == 42;
	support_assert_in_fork(steal, NULL);
	support_assert_in_fork(steal_in_a_thread, NULL);
}

static void test_where_the_kernel_cannot_tell_it_is_lost_and_never_0(void **state)
{
	support_assert_in_fork(ignored_without_info, NULL);
	support_assert_in_fork(stolen_without_info, NULL);
}

static void test_the_hosts_own_children_stay_waitable(void **state)
{
	pid_t own = support_host_child("exit", "11", NULL);
	brood_process *process = start(child("exit", "1"));
	brood_command *cmd = child("exit", "2");
	brood_result *result;

	assert_int_equal(brood_run(cmd, &result), 0);
	brood_command_free(cmd);
	brood_result_free(result);
	end_of(process);
	brood_process_free(process);
	assert_int_equal(support_reap(own), 11);
}

/* ---- what is known of an end ---- */

static void test_usage_and_times_are_known_after_the_end(void **state)
{
	brood_process *process = start(child("spin", "20"));
	struct rusage usage;
	int64_t start_ns, end_ns;

	assert_int_equal(brood_result_usage(brood_process_result(process), 0, &usage), -ENODATA);
	end_of(process);
	assert_int_equal(brood_result_usage(brood_process_result(process), 0, &usage), 0);
	assert_true(usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 + usage.ru_stime.tv_sec * 1000 +
			    usage.ru_stime.tv_usec / 1000 >= 15);
	assert_int_equal(brood_result_times(brood_process_result(process), 0, &start_ns, &end_ns), 0);
	assert_true(0 < start_ns && start_ns < end_ns);
	assert_int_equal(brood_result_usage(brood_process_result(process), 1, &usage), -EINVAL);
	brood_process_free(process);
}

/* A log function: the end of `quick` has been noticed. */
static void let_the_slow_one_end(void *go, enum brood_log_level level, const char *line)
{
	(void)level;
	if (strstr(line, "'quick', pid ") && strstr(line, ": exited "))
		support_write_text(go, "");
}

/* Who waits for the first stage alone hears of the second one when the first has ended: here that would be never. */
static void test_each_stage_ends_at_its_own_time(void **state)
{
	char go[256];
	brood_command *quick = child("exit", "0"), *cmd;
	int64_t slow_ns, quick_ns;
	brood_result *result;
	int r;

	(void)state;
	brood_command_set_name(quick, "quick");
	cmd = brood_pipe(child("wait-for-file", support_path(go, sizeof go, "go")), quick);
	brood_log_to(let_the_slow_one_end, go, BROOD_LOG_INFO);
	r = brood_run(cmd, &result);
	brood_log_to(NULL, NULL, BROOD_LOG_INFO);
	assert_int_equal(r, 0);
	assert_true(brood_result_ok(result));
	assert_int_equal(brood_result_times(result, 0, NULL, &slow_ns), 0);
	assert_int_equal(brood_result_times(result, 1, NULL, &quick_ns), 0);
	assert_true(quick_ns < slow_ns);
	brood_result_free(result);
	brood_command_free(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_exit_codes_are_exact),
		brood_test(test_a_signal_is_told_apart_from_128_and_its_number),
		brood_test(test_waiting_again_gives_the_same_answer),
		brood_test(test_a_stopped_child_has_not_ended),
		brood_test(test_many_failed_starts_lose_no_later_exit),
		brood_test(test_wait_in_one_thread_and_kill_in_another_agree),
		brood_test(test_terminate_in_another_thread_while_the_child_is_reaped_is_harmless),
		brood_test(test_a_handle_freed_early_is_stopped_and_reaped),
		brood_test(test_free_ends_a_child_that_ignores_the_stop_signal),
		brood_test(test_a_detached_child_runs_on),
		brood_test(test_null_is_fine_where_there_is_nothing),
		brood_test(test_a_child_of_fork_that_frees_an_inherited_handle_harms_nobody),
		brood_test(test_a_host_that_ignores_sigchld_hears_the_real_code_or_lost),
		brood_test(test_a_stolen_status_is_the_real_code_or_lost),
		brood_test(test_where_the_kernel_cannot_tell_it_is_lost_and_never_0),
		brood_test(test_the_hosts_own_children_stay_waitable),
		brood_test(test_usage_and_times_are_known_after_the_end),
		brood_test(test_each_stage_ends_at_its_own_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
