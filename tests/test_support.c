/* SPDX-License-Identifier: MIT */
/*
 * The tests' own ground: forked parts tell failures apart, denials and storms do what they say, files and processes are looked
 * at rightly. test_support_frame.c tests the frame around every test.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "support/framed.h"
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- forked parts ---- */

static void do_nothing(void *data)
{
}

static void assert_wrong(void *data)
{
	assert_int_equal(1, 2);
}

static void assert_wrong_without_stdio(void *data)
{
	close(0);
	close(1);
	close(2);
	assert_string_equal("left", "right");
}

static void fail_without_stderr(void *data)
{
	close(2);
	fail_msg("the number was %d", 4711);
}

static void leak_a_descriptor(void *data)
{
	assert_true(open("/dev/null", O_RDONLY) >= 0);
}

static void leak_a_child(void *data)
{
	support_host_child("sleep-forever", NULL);
}

static void exit_with(void *data)
{
	_exit(*(int *)data);
}

static void die_of_kill(void *data)
{
	raise(SIGKILL);
}

static void part_skips(void *data)
{
	skip_unless(0, "this part never can");
}

static void print_a_line(void *data)
{
	fputs("printed in a part\n", stderr);
}

static void make_the_host_hostile(void *data)
{
	signal(SIGCHLD, SIG_IGN);
	umask(0777);
	close(0);
	assert_int_equal(chdir("/"), 0);
}

static void test_a_part_that_goes_well_is_0(void **state)
{
	assert_int_equal(support_in_fork(do_nothing, NULL), 0);
	assert_int_equal(support_in_fork(make_the_host_hostile, NULL), 0);
}

static void test_a_failed_assertion_in_a_part_is_told(void **state)
{
	char text[2048];

	assert_int_equal(support_in_fork_capture(assert_wrong, NULL, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "0x1 != 0x2"));
	assert_non_null(strstr(text, __FILE__));
}

static void test_a_failed_assertion_is_told_although_stderr_is_closed(void **state)
{
	char text[2048];

	assert_int_equal(support_in_fork_capture(assert_wrong_without_stdio, NULL, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "right"));
	assert_int_equal(support_in_fork_capture(fail_without_stderr, NULL, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "the number was 4711"));
}

static void test_a_part_must_not_leave_a_descriptor_or_a_child(void **state)
{
	char text[2048];

	assert_int_equal(support_in_fork_capture(leak_a_descriptor, NULL, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "is new: /dev/null (inheritable)"));
	assert_int_equal(support_in_fork_capture(leak_a_child, NULL, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "was left: '"));
}

static void test_the_end_of_a_part_is_told_exactly(void **state)
{
	char text[64];

	assert_int_equal(support_in_fork(exit_with, (int[]){ 42 }), 42);
	assert_int_equal(support_in_fork(exit_with, (int[]){ 0 }), 0);
	assert_int_equal(support_in_fork(die_of_kill, NULL), 128 + SIGKILL);
	assert_int_equal(support_in_fork_capture(print_a_line, NULL, text, sizeof(text)), 0);
	assert_string_equal(text, "printed in a part\n");
}

static void skips_in_a_part(void **state)
{
	support_assert_in_fork(part_skips, NULL);
	fail_msg("the test went on");
}

static void test_a_part_can_skip_its_test(void **state)
{
	char text[4096];

	assert_int_equal(run_framed(skips_in_a_part, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "this part never can"));
	assert_non_null(strstr(text, "SKIPPED"));
}

/* ---- denials ---- */

static void denied_calls_fail(void *data)
{
	support_deny_syscall(SYS_getppid, EPERM);
	support_deny_syscall(SYS_close_range, ENOSYS);
	errno = 0;
	assert_int_equal(syscall(SYS_getppid), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(syscall(SYS_close_range, 900, 901, 0), -1);
	assert_int_equal(errno, ENOSYS);
	assert_true(getpid() > 0);
}

static void the_later_denial_is_heard(void *data)
{
	support_deny_syscall(SYS_getppid, EPERM);
	support_deny_syscall(SYS_getppid, EMFILE);
	assert_int_equal(syscall(SYS_getppid), -1);
	assert_int_equal(errno, EMFILE);
}

static void only_that_argument_is_denied(void *data)
{
	support_deny_syscall_when(SYS_fcntl, 1, ~(uint64_t)0, F_GETFD, ENOLCK);
	assert_int_equal(fcntl(1, F_GETFD), -1);
	assert_int_equal(errno, ENOLCK);
	assert_true(fcntl(1, F_GETFL) >= 0);
}

static void the_high_half_of_an_argument_counts(void *data)
{
	uint64_t far = (uint64_t)1 << 40;

	support_deny_syscall_when(SYS_munmap, 1, far, far, ENOTUNIQ);
	assert_int_equal(syscall(SYS_munmap, 1, far), -1);
	assert_int_equal(errno, ENOTUNIQ);
	assert_int_equal(syscall(SYS_munmap, 1, 4096), -1);
	assert_int_equal(errno, EINVAL);
}

static void only_that_ioctl_is_denied(void *data)
{
	int fd[2], ready = 1;

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	support_deny_ioctl(FIONREAD, ENOTTY);
	assert_int_equal(ioctl(fd[0], FIONREAD, &ready), -1);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(ioctl(fd[0], FIONBIO, &ready), 0);
	close(fd[0]);
	close(fd[1]);
}

static void clone_with_these_flags_is_denied(void *data)
{
	pid_t pid;

	support_deny_clone_flags(CLONE_PARENT | CLONE_FILES, EPERM);
	assert_int_equal(syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(syscall(SYS_clone, CLONE_PARENT | CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL), -1);
	pid = fork();
	if (pid == 0)
		_exit(7);
	assert_int_equal(support_reap(pid), 7);
}

static void test_denied_calls_fail(void **state)
{
	support_assert_in_fork(denied_calls_fail, NULL);
}

static void test_of_two_denials_the_later_is_heard(void **state)
{
	support_assert_in_fork(the_later_denial_is_heard, NULL);
}

static void test_a_denial_can_look_at_arguments(void **state)
{
	skip_under_valgrind();          /* it answers munmap itself */
	support_assert_in_fork(only_that_argument_is_denied, NULL);
	support_assert_in_fork(the_high_half_of_an_argument_counts, NULL);
	support_assert_in_fork(only_that_ioctl_is_denied, NULL);
	support_assert_in_fork(clone_with_these_flags_is_denied, NULL);
}

static void deny_here(void **state)
{
	support_deny_syscall(SYS_getppid, EPERM);
}

static void test_a_denial_outside_a_part_is_a_mistake(void **state)
{
	char text[4096];

	assert_int_not_equal(run_framed(deny_here, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "in a forked part only"));
}

/* ---- storms ---- */

static void test_a_storm_interrupts_calls_and_leaves_nothing(void **state)
{
	struct timespec long_time = { .tv_sec = 20 };
	struct host_state before;

	host_snapshot(&before);
	support_storm_start(SIGUSR1, 200);
	assert_int_equal(nanosleep(&long_time, NULL), -1);
	assert_int_equal(errno, EINTR);
	while (nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL) == 0)
		;
	assert_true(support_storm_stop() >= 2);
	host_assert_unchanged(&before);
	host_state_done(&before);
}

static void test_a_storm_blows_when_it_has_been_started(void **state)
{
	support_storm_start(SIGUSR1, 1000);
	assert_true(support_storm_stop() >= 1);
}

static void test_a_storm_reaches_a_thread_that_blocks_the_signal(void **state)
{
	sigset_t set, old, now;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &old);
	support_storm_start(SIGUSR2, 100);
	assert_int_equal(nanosleep(&(struct timespec){ .tv_sec = 20 }, NULL), -1);
	assert_true(support_storm_stop() >= 1);
	sigpending(&now);
	assert_false(sigismember(&now, SIGUSR2));
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* ---- directory, files, processes ---- */

static void make_a_tree(void **state)
{
	char path[4096];

	support_write_text(support_path(path, sizeof(path), "file"), "text");
	assert_int_equal(mkdir(support_path(path, sizeof(path), "closed"), 0700), 0);
	support_write_text(support_path(path, sizeof(path), "closed/inner"), "text");
	assert_int_equal(symlink("/", support_path(path, sizeof(path), "link")), 0);
	assert_int_equal(chmod(support_path(path, sizeof(path), "closed"), 0), 0);
	print_message("DIRECTORY=%s\n", support_tempdir());
}

static void test_the_directory_is_removed_with_all_in_it(void **state)
{
	char text[8192];
	char *path;

	assert_int_equal(run_framed(make_a_tree, text, sizeof(text)), 0);
	path = strstr(text, "DIRECTORY=");
	assert_non_null(path);
	path += strlen("DIRECTORY=");
	path[strcspn(path, "\n")] = '\0';
	assert_int_equal(path[0], '/');
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(errno, ENOENT);
}

static void test_files_are_written_and_read_whole(void **state)
{
	char path[4096];
	char *text;
	size_t size;

	support_write_file(support_path(path, sizeof(path), "file"), "a\0b", 3);
	text = support_read_file(path, &size);
	assert_int_equal(size, 3);
	assert_memory_equal(text, "a\0b", 4);
	free(text);
	assert_null(support_read_file("/proc/none", NULL));
	assert_true(support_wait_file(path, 0));
	assert_false(support_wait_file("/proc/none", 5));
}

static void test_gone_and_alive_tell_zombies_apart(void **state)
{
	siginfo_t info;
	pid_t pid = support_host_child("sleep-forever", NULL);

	assert_true(support_alive(pid));
	assert_false(support_wait_gone(pid, 5));
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	assert_false(support_alive(pid));
	assert_false(support_wait_gone(pid, 5));
	assert_int_equal(support_reap(pid), 128 + SIGKILL);
	assert_true(support_wait_gone(pid, 0));
}

static void *reap_it(void *pid)
{
	support_reap(*(pid_t *)pid);
	return NULL;
}

/* The file of /proc is open then, and reading it fails: who looks again and again at one that somebody else reaps comes to that. */
static void test_who_is_reaped_while_being_looked_at_is_gone(void **state)
{
	for (int i = 0; i < 200; i++) {
		pthread_t reaper;
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		assert_true(pid > 0);
		assert_int_equal(pthread_create(&reaper, NULL, reap_it, &pid), 0);
		while (support_alive(pid))
			continue;
		assert_true(support_wait_gone(pid, 30000));
		pthread_join(reaper, NULL);
	}
}

/* What it has open, nobody else has: the kernel takes a while to free it, and pthread_join has returned long before. */
static void *leave_much_behind(void *unused)
{
	int fd = unshare(CLONE_FILES) == 0 ? memfd_create("much", MFD_CLOEXEC) : -1;

	if (fd >= 0)
		posix_fallocate(fd, 0, 32 << 20);
	return unused;
}

static void test_a_joined_thread_does_not_count(void **state)
{
	struct host_state before;
	pthread_t thread;

	skip_under_valgrind();          /* it has a table of descriptors of its own, and would close them */
	host_snapshot(&before);
	assert_int_equal(pthread_create(&thread, NULL, leave_much_behind, NULL), 0);
	pthread_join(thread, NULL);
	host_assert_unchanged(&before);
	host_state_done(&before);
}

static void test_descriptors_are_counted(void **state)
{
	size_t before = support_fd_count();
	int fd = dup(0);

	assert_int_equal(support_fd_count(), before + (fd >= 0));
	close(fd);
	assert_int_equal(support_fd_count(), before);
}

static void test_fields_are_found_by_their_whole_name(void **state)
{
	const char *text = "ignored 10\nblocked ff\ncap 3\n";

	assert_int_equal(support_field(text, "ignored", 16), 16);
	assert_int_equal(support_field(text, "blocked", 16), 255);
	assert_int_equal(support_field(text, "block", 16), -1);
	assert_int_equal(support_field(text, "cap", 10), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_part_that_goes_well_is_0),
		brood_test(test_a_failed_assertion_in_a_part_is_told),
		brood_test(test_a_failed_assertion_is_told_although_stderr_is_closed),
		brood_test(test_a_part_must_not_leave_a_descriptor_or_a_child),
		brood_test(test_the_end_of_a_part_is_told_exactly),
		brood_test(test_a_part_can_skip_its_test),
		brood_test(test_denied_calls_fail),
		brood_test(test_of_two_denials_the_later_is_heard),
		brood_test(test_a_denial_can_look_at_arguments),
		brood_test(test_a_denial_outside_a_part_is_a_mistake),
		brood_test(test_a_storm_interrupts_calls_and_leaves_nothing),
		brood_test(test_a_storm_blows_when_it_has_been_started),
		brood_test(test_a_storm_reaches_a_thread_that_blocks_the_signal),
		brood_test(test_the_directory_is_removed_with_all_in_it),
		brood_test(test_files_are_written_and_read_whole),
		brood_test(test_gone_and_alive_tell_zombies_apart),
		brood_test(test_who_is_reaped_while_being_looked_at_is_gone),
		brood_test(test_a_joined_thread_does_not_count),
		brood_test(test_descriptors_are_counted),
		brood_test(test_fields_are_found_by_their_whole_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
