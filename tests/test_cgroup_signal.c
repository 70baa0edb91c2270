/* SPDX-License-Identifier: MIT */
/*
 * Signals for the members of a cgroup: they reach those who left by setsid and double forks, each one once, with hardly a
 * descriptor left and on kernels that lack pidfds or cgroup.kill. What needs a writable cgroup2 mount is skipped where there
 * is none.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "support/cgroups.h"
#include "support/support.h"

#include "base/fd.h"
#include "spawn/cgroup.h"

/* ---- members ---- */

/* Before a kernel 5.3, and under tools that do not know the call, only SIGKILL reaches a cgroup. */
static struct cgroup make_with_pidfds_or_skip(void)
{
#ifdef __linux__
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	skip_unless(fd >= 0, "no pidfds");
	close(fd);
#else
	support_skip("no pidfds");
#endif
	return make_or_skip();
}

/* What a member does once it is in: it never returns. */
typedef void member(int alive);

static void say_ready_and_pause(int alive)
{
	if (write(alive, "r", 1) != 1)
		_exit(99);
	alarm(120);
	for (;;)
		pause();
}

/* Leaves its session and its parent: the classic daemon. */
static void daemonize(int alive)
{
	if (fork() != 0)
		_exit(0);
	setsid();
	if (fork() != 0)
		_exit(0);
	say_ready_and_pause(alive);
}

static void ignore_term(int alive)
{
	signal(SIGTERM, SIG_IGN);
	say_ready_and_pause(alive);
}

/* Ends with the number of SIGTERMs it got until 200 ms after the first. */
static void count_terms(int alive)
{
	struct timespec soon = { .tv_nsec = 200000000 };
	int terms = 0;
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	if (write(alive, "r", 1) != 1)
		_exit(99);
	alarm(120);
	if (sigwaitinfo(&term, NULL) == SIGTERM)
		terms++;
	while (sigtimedwait(&term, NULL, &soon) == SIGTERM)
		terms++;
	_exit(terms);
}

/* Forks a replacement at each SIGTERM, then dies of it. */
static void replace(int signal)
{
	(void)signal;
	if (fork() != 0)
		_exit(0);
	alarm(120);
}

static void replace_on_term(int alive)
{
	signal(SIGTERM, replace);
	say_ready_and_pause(alive);
}

/* Members hold the write end; its end of file is the event that all of them are gone. */
struct members {
	int alive[2];
	pid_t first;
};

static void start_member(struct members *members, const struct cgroup *cgroup, member *act)
{
	char ready;

	assert_int_equal(pipe2(members->alive, O_CLOEXEC), 0);
	members->first = fork();
	assert_true(members->first >= 0);
	if (members->first == 0) {
		close(members->alive[0]);
		join(cgroup);
		act(members->alive[1]);
	}
	close(members->alive[1]);
	assert_int_equal(read(members->alive[0], &ready, 1), 1);
}

static void wait_until_gone(struct members *members)
{
	struct pollfd end = { .fd = members->alive[0], .events = POLLIN };
	char byte;

	assert_int_equal(poll(&end, 1, 30000), 1);
	assert_int_equal(read(members->alive[0], &byte, 1), 0);
	close(members->alive[0]);
	waitpid(members->first, NULL, 0);
}

static void wait_until_empty(const struct cgroup *cgroup)
{
	int64_t end = support_now_ms() + 30000;

	while (cgroup_populated(cgroup) > 0) {
		assert_true(support_now_ms() < end);
		support_sleep_ms(1);
	}
}

/* ---- signals ---- */

static void test_a_member_that_left_by_setsid_and_double_fork_is_killed(void **state)
{
	struct cgroup cgroup = make_or_skip();
	struct members members;

	(void)state;
	start_member(&members, &cgroup, daemonize);
	assert_int_equal(cgroup_populated(&cgroup), 1);
	assert_int_equal(cgroup_signal(&cgroup, SIGKILL), 0);
	wait_until_gone(&members);
	wait_until_empty(&cgroup);
	assert_removed(&cgroup);
}

static void test_a_member_that_left_by_setsid_and_double_fork_gets_sigterm(void **state)
{
	struct cgroup cgroup = make_with_pidfds_or_skip();
	struct members members;

	(void)state;
	start_member(&members, &cgroup, daemonize);
	assert_int_equal(cgroup_signal(&cgroup, SIGTERM), 0);
	wait_until_gone(&members);
	wait_until_empty(&cgroup);
	assert_removed(&cgroup);
}

static void test_members_of_sub_cgroups_get_the_signal_and_their_cgroups_go(void **state)
{
	struct cgroup cgroup = make_with_pidfds_or_skip();
	struct cgroup below = { .fd = -1, .kill_fd = -1 };
	struct members members;

	(void)state;
	assert_int_equal(mkdirat(cgroup.fd, "a", 0755), 0);
	assert_int_equal(mkdirat(cgroup.fd, "a/b", 0755), 0);
	assert_int_equal(mkdirat(cgroup.fd, "c", 0755), 0);
	below.fd = openat(cgroup.fd, "a/b", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(below.fd >= 0);
	start_member(&members, &below, say_ready_and_pause);
	cgroup_forget(&below);
	assert_int_equal(cgroup_populated(&cgroup), 1);
	assert_int_equal(cgroup_signal(&cgroup, SIGTERM), 0);
	wait_until_gone(&members);
	wait_until_empty(&cgroup);
	assert_removed(&cgroup);
}

/* A chain's own program may make one; the kernel lists no processes in there but in the cgroup above it. */
static void test_a_threaded_sub_cgroup_keeps_nobody_from_the_signal(void **state)
{
	struct cgroup cgroup = make_with_pidfds_or_skip();
	struct members members;
	char byte;
	int fd;

	(void)state;
	assert_int_equal(mkdirat(cgroup.fd, "threads", 0755), 0);
	fd = openat(cgroup.fd, "threads/cgroup.type", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "threaded", 8) != 8) {
		fd_close(&fd);
		assert_removed(&cgroup);
		support_skip("no threaded cgroups here");
	}
	fd_close(&fd);
	fd = openat(cgroup.fd, "threads/cgroup.procs", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, &byte, 1) < 0 && errno == EOPNOTSUPP);
	fd_close(&fd);
	start_member(&members, &cgroup, daemonize);
	assert_int_equal(cgroup_signal(&cgroup, SIGTERM), 0);
	wait_until_gone(&members);
	wait_until_empty(&cgroup);
	assert_removed(&cgroup);
}

static void test_each_member_gets_a_signal_once(void **state)
{
	struct cgroup cgroup = make_with_pidfds_or_skip();
	struct members members;
	int status;

	(void)state;
	start_member(&members, &cgroup, count_terms);
	assert_int_equal(cgroup_signal(&cgroup, SIGTERM), 0);
	assert_int_equal(waitpid(members.first, &status, 0), members.first);
	close(members.alive[0]);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	wait_until_empty(&cgroup);
	assert_removed(&cgroup);
}

static void test_many_members_all_get_the_signal(void **state)
{
	enum { MANY = 300 };    /* more than are held at one time */
	struct cgroup cgroup = make_with_pidfds_or_skip();
	static struct members members[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++)
		start_member(&members[i], &cgroup, say_ready_and_pause);
	assert_int_equal(cgroup_signal(&cgroup, SIGTERM), 0);
	for (int i = 0; i < MANY; i++)
		wait_until_gone(&members[i]);
	wait_until_empty(&cgroup);
	assert_removed(&cgroup);
}

static void test_a_member_that_ignores_sigterm_stays_and_the_cgroup_with_it(void **state)
{
	struct cgroup cgroup = make_with_pidfds_or_skip();
	struct cgroup again = { .fd = dup(cgroup.fd), .kill_fd = -1 };
	struct members members;
	char *path = strdup(cgroup.path);

	(void)state;
	again.path = path;
	fcntl(again.fd, F_SETFD, FD_CLOEXEC);
	start_member(&members, &cgroup, ignore_term);
	assert_int_equal(cgroup_signal(&cgroup, SIGTERM), 0);
	assert_int_equal(cgroup_remove(&cgroup), -EBUSY);
	assert_null(cgroup.path);
	assert_int_equal(cgroup_populated(&again), 1);
	assert_int_equal(cgroup_signal(&again, SIGKILL), 0);
	wait_until_gone(&members);
	wait_until_empty(&again);
	assert_removed(&again);
}

/* One SIGKILL at a member whose fork is under way. Is its end awaited in vain, then the next SIGKILL ends it: 1 is returned. */
static int kill_while_forking(int spin)
{
	struct cgroup cgroup = make_with_pidfds_or_skip();
	struct members members;
	struct pollfd end = { .events = POLLIN };
	int missed;

	start_member(&members, &cgroup, replace_on_term);
	end.fd = members.alive[0];
	assert_int_equal(kill(members.first, SIGTERM), 0);
	for (volatile int i = 0; i < spin; i++)
		continue;
	assert_int_equal(cgroup_signal(&cgroup, SIGKILL), 0);
	missed = poll(&end, 1, 10000) == 0;
	if (missed)
		cgroup_signal(&cgroup, SIGKILL);
	wait_until_gone(&members);
	wait_until_empty(&cgroup);
	assert_removed(&cgroup);
	return missed;
}

/* The kernel lets about one of 150 through one write to cgroup.kill. */
static void test_a_member_that_is_being_forked_is_killed_too(void **state)
{
	int missed = 0;

	(void)state;
	skip_under_valgrind();
	for (int i = 0; i < 2000 && missed < 2; i++)
		missed += kill_while_forking(i * 37 % 20000);
	assert_true(missed < 2);
}

static void test_members_that_fork_at_every_signal_are_ended_by_kill(void **state)
{
	struct cgroup cgroup = make_with_pidfds_or_skip();
	struct members members;

	(void)state;
	start_member(&members, &cgroup, replace_on_term);
	assert_int_equal(cgroup_signal(&cgroup, SIGTERM), 0);
	while (cgroup_signal(&cgroup, SIGKILL) != -ESRCH)
		continue;
	wait_until_gone(&members);
	wait_until_empty(&cgroup);
	assert_removed(&cgroup);
}

/* ---- tight and old systems ---- */

static void in_few_descriptors(void *data)
{
	struct cgroup cgroup = make_with_pidfds_or_skip();
	struct rlimit limit = { 0, 0 };
	struct members members[8];
	int top;

	(void)data;
	for (int i = 0; i < 8; i++)
		start_member(&members[i], &cgroup, say_ready_and_pause);
	/* Room for three more: the list and a pidfd or two at a time. */
	top = dup(2);
	close(top);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = (rlim_t)top + 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(cgroup_signal(&cgroup, SIGTERM), 0);
	for (int i = 0; i < 8; i++)
		wait_until_gone(&members[i]);
	wait_until_empty(&cgroup);
	assert_removed(&cgroup);
}

static void test_signalling_works_with_hardly_a_descriptor_left(void **state)
{
	(void)state;
	support_assert_in_fork(in_few_descriptors, NULL);
}

#ifdef __linux__

static void without_pidfds(void *data)
{
	struct cgroup cgroup = make_or_skip();
	struct members members;

	(void)data;
	start_member(&members, &cgroup, say_ready_and_pause);
	support_deny_syscall(SYS_pidfd_open, ENOSYS);
	assert_int_equal(cgroup_signal(&cgroup, SIGTERM), -ENOTSUP);
	assert_int_equal(cgroup_populated(&cgroup), 1);
	assert_int_equal(cgroup_signal(&cgroup, SIGKILL), 0);
	wait_until_gone(&members);
	wait_until_empty(&cgroup);
	assert_removed(&cgroup);
}

static void test_without_pidfds_only_sigkill_is_supported(void **state)
{
	(void)state;
	support_assert_in_fork(without_pidfds, NULL);
}

/* A kernel before 5.14. */
static void test_without_cgroup_kill_members_are_killed_one_by_one(void **state)
{
	struct cgroup cgroup = make_with_pidfds_or_skip();
	struct members members[2];

	(void)state;
	fd_close(&cgroup.kill_fd);
	start_member(&members[0], &cgroup, daemonize);
	start_member(&members[1], &cgroup, ignore_term);
	assert_int_equal(cgroup_signal(&cgroup, SIGKILL), 0);
	wait_until_gone(&members[0]);
	wait_until_gone(&members[1]);
	wait_until_empty(&cgroup);
	assert_removed(&cgroup);
}

/* Whoever holds all descriptors that there are can still end what is contained. */
static void with_no_descriptor_free(void *data)
{
	struct cgroup cgroup = make_with_pidfds_or_skip();
	struct members members;

	(void)data;
	skip_unless(cgroup.kill_fd >= 0, "no cgroup.kill");
	start_member(&members, &cgroup, daemonize);
	support_deny_syscall(SYS_openat, EMFILE);
	assert_int_equal(cgroup_populated(&cgroup), -EMFILE);
	assert_int_equal(cgroup_signal(&cgroup, SIGKILL), 0);
	wait_until_gone(&members);
	/* Nothing more can be opened here: what looks after the part could not either. */
	while (rmdir(cgroup.path) < 0 && errno == EBUSY)
		sched_yield();
	_exit(0);
}

static void test_a_cgroup_is_killed_without_a_free_descriptor(void **state)
{
	(void)state;
	skip_under_valgrind();
	support_assert_in_fork(with_no_descriptor_free, NULL);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_member_that_left_by_setsid_and_double_fork_is_killed),
		brood_test(test_a_member_that_left_by_setsid_and_double_fork_gets_sigterm),
		brood_test(test_members_of_sub_cgroups_get_the_signal_and_their_cgroups_go),
		brood_test(test_a_threaded_sub_cgroup_keeps_nobody_from_the_signal),
		brood_test(test_each_member_gets_a_signal_once),
		brood_test(test_many_members_all_get_the_signal),
		brood_test(test_a_member_that_ignores_sigterm_stays_and_the_cgroup_with_it),
		brood_test(test_members_that_fork_at_every_signal_are_ended_by_kill),
		brood_test(test_a_member_that_is_being_forked_is_killed_too),
		brood_test(test_signalling_works_with_hardly_a_descriptor_left),
#ifdef __linux__
		brood_test(test_without_pidfds_only_sigkill_is_supported),
		brood_test(test_without_cgroup_kill_members_are_killed_one_by_one),
		brood_test(test_a_cgroup_is_killed_without_a_free_descriptor),
#endif
	};

	return cmocka_run_group_tests_name("signals for a cgroup", tests, NULL, NULL);
}
