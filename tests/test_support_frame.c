/* SPDX-License-Identifier: MIT */
/*
 * The frame around every test notices what it promises to notice: each misdeed below is told, and a clean test passes. A frame
 * that sees nothing would make every other test worthless.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "support/framed.h"
#include "support/support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- tests that misbehave: run as a group in a forked process, never here ---- */

static void leaks_a_descriptor(void **state)
{
	assert_true(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
}

static void closes_a_descriptor(void **state)
{
	close(0);
}

static void makes_stdout_nonblocking(void **state)
{
	int fd = 1;

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void replaces_stdin(void **state)
{
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	dup2(fd[0], 0);
	close(fd[0]);
	close(fd[1]);
}

static void leaves_a_running_child(void **state)
{
	support_host_child("sleep-forever", NULL);
}

static void leaves_a_zombie(void **state)
{
	siginfo_t info;
	pid_t pid = support_host_child("exit", "3", NULL);

	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
}

static void leaves_a_child_without_a_signal(void **state)
{
	/* As clone makes them for CLONE_VFORK engines that want no SIGCHLD: waitpid without __WALL is blind to these. */
	if (syscall(SYS_clone, 0, NULL, NULL, NULL, NULL) == 0) {
		sleep(100);
		_exit(0);
	}
}

static void ignores_a_signal(void **state)
{
	signal(SIGUSR2, SIG_IGN);
}

static void catches_sigchld(void **state)
{
	signal(SIGCHLD, exit);
}

static void blocks_a_signal(void **state)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void leaves_a_pending_signal(void **state)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGPIPE);
}

static void arms_a_timer(void **state)
{
	struct itimerval timer = { .it_value.tv_sec = 1000 };

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void changes_directory(void **state)
{
	assert_int_equal(chdir("/proc"), 0);
}

static void changes_umask(void **state)
{
	umask(0123);
}

static void changes_environment(void **state)
{
	setenv("BROOD_TEST_SCRATCH", "1", 1);
}

static void lowers_a_limit(void **state)
{
	struct rlimit limit = { 100, 100 };

	setrlimit(RLIMIT_NOFILE, &limit);
}

static void clears_dumpable(void **state)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void *wait_long(void *data)
{
	sleep(100);
	return data;
}

static void leaves_a_thread(void **state)
{
	pthread_t thread;

	pthread_create(&thread, NULL, wait_long, NULL);
}

static void fails_in_a_stray_fork(void **state)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		fail_msg("in the stray child");
	assert_int_equal(support_reap(pid), 0);
}

static void is_clean(void **state)
{
	pid_t pid = support_host_child("exit", "0", NULL);
	sighandler_t old = signal(SIGTERM, SIG_IGN);
	pthread_t thread;

	signal(SIGTERM, old);
	assert_int_equal(support_reap(pid), 0);
	assert_int_equal(pthread_create(&thread, NULL, (void *(*)(void *))strdup, (char[]){ "" }), 0);
	assert_int_equal(pthread_join(thread, (void **)&state), 0);
	free(state);
}

static void frame_notices(void (*misdeed)(void **state), const char *told)
{
	char text[8192];
	int status = run_framed(misdeed, text, sizeof(text));

	if (status == 0 || !strstr(text, told))
		fail_msg("status %d, and nothing says '%s':\n%s", status, told, text);
}

#define NOTICES(name, misdeed, told)						\
	static void test_the_frame_notices_##name(void **state)			\
	{									\
		frame_notices(misdeed, told);					\
	}

NOTICES(a_leaked_descriptor, leaks_a_descriptor, " is new: /dev/null")
NOTICES(a_closed_descriptor, closes_a_descriptor, "descriptor 0 was closed")
NOTICES(a_nonblocking_descriptor, makes_stdout_nonblocking, "(O_NONBLOCK)")
NOTICES(a_replaced_descriptor, replaces_stdin, "and is pipe:[")
NOTICES(a_running_child, leaves_a_running_child, "was left: '")
NOTICES(a_zombie, leaves_a_zombie, "was left: 'child', state Z")
NOTICES(a_child_without_a_signal, leaves_a_child_without_a_signal, "was left: '")
NOTICES(an_ignored_signal, ignores_a_signal, "disposition of signal 12")
NOTICES(a_sigchld_handler, catches_sigchld, "disposition of signal 17")
NOTICES(a_blocked_signal, blocks_a_signal, "signal 28 (Window changed) is blocked")
NOTICES(a_pending_signal, leaves_a_pending_signal, "signal 13 (Broken pipe) is pending")
NOTICES(an_armed_timer, arms_a_timer, "interval timer 0 changed")
NOTICES(another_directory, changes_directory, "the working directory is /proc, was ")
NOTICES(another_umask, changes_umask, "the umask is 0123, was ")
NOTICES(another_environment, changes_environment, "the environment has other contents")
NOTICES(a_cleared_dumpable_flag, clears_dumpable, "the dumpable flag is 0, was 1")
NOTICES(a_failure_in_a_stray_fork, fails_in_a_stray_fork, "forked by a test failed an assertion")

static void test_the_frame_notices_a_thread(void **state)
{
#ifdef __SANITIZE_THREAD__
	support_skip("ThreadSanitizer has a thread of its own, so they are not counted");
#endif
	frame_notices(leaves_a_thread, "the number of threads is 2, was 1");
}

static void test_the_frame_notices_another_limit(void **state)
{
	skip_under_valgrind();          /* limits are its own to keep */
	frame_notices(lowers_a_limit, "RLIMIT_NOFILE changed: soft 100 hard 100");
}

static void test_the_frame_accepts_a_clean_test(void **state)
{
	char text[8192];

	if (run_framed(is_clean, text, sizeof(text)) != 0)
		fail_msg("%s", text);
}

static void test_state_belongs_to_the_test(void **state)
{
	assert_null(*state);
	*state = state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_the_frame_notices_a_leaked_descriptor),
		brood_test(test_the_frame_notices_a_closed_descriptor),
		brood_test(test_the_frame_notices_a_nonblocking_descriptor),
		brood_test(test_the_frame_notices_a_replaced_descriptor),
		brood_test(test_the_frame_notices_a_running_child),
		brood_test(test_the_frame_notices_a_zombie),
		brood_test(test_the_frame_notices_a_child_without_a_signal),
		brood_test(test_the_frame_notices_an_ignored_signal),
		brood_test(test_the_frame_notices_a_sigchld_handler),
		brood_test(test_the_frame_notices_a_blocked_signal),
		brood_test(test_the_frame_notices_a_pending_signal),
		brood_test(test_the_frame_notices_an_armed_timer),
		brood_test(test_the_frame_notices_another_directory),
		brood_test(test_the_frame_notices_another_umask),
		brood_test(test_the_frame_notices_another_environment),
		brood_test(test_the_frame_notices_another_limit),
		brood_test(test_the_frame_notices_a_cleared_dumpable_flag),
		brood_test(test_the_frame_notices_a_thread),
		brood_test(test_the_frame_notices_a_failure_in_a_stray_fork),
		brood_test(test_the_frame_accepts_a_clean_test),
		brood_test(test_state_belongs_to_the_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
