/* SPDX-License-Identifier: MIT */
/*
 * A cgroup of our own: where it lies, who is in it, that signals reach those who left by setsid and double forks, and that it
 * goes away. What needs a writable cgroup2 mount is skipped where there is none.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mount.h>
#include <sys/syscall.h>
#endif

#include "support/support.h"

#include "spawn/cgroup.h"

/* ---- where it lies ---- */

static void assert_directory(const char *line, const char *place, const char *expected)
{
	char *path = cgroup_directory(line, place);

	if (expected) {
		assert_non_null(path);
		assert_string_equal(path, expected);
	} else {
		assert_null(path);
		assert_int_equal(errno, 0);
	}
	free(path);
}

static void test_our_place_is_below_the_mount(void **state)
{
	const char *line = "31 23 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

	(void)state;
	assert_directory(line, "/", "/sys/fs/cgroup");
	assert_directory(line, "/user.slice/user-1000.slice", "/sys/fs/cgroup/user.slice/user-1000.slice");
}

static void test_a_hybrid_hierarchy_s_mount_is_found_and_v1_is_not(void **state)
{
	(void)state;
	assert_directory("40 30 0:35 / /sys/fs/cgroup/unified rw - cgroup2 cgroup rw\n", "/a", "/sys/fs/cgroup/unified/a");
	assert_directory("41 30 0:36 / /sys/fs/cgroup/cpu rw - cgroup cgroup2 rw,cpu\n", "/a", NULL);
	assert_directory("42 30 0:37 / /tmp/cgroup2 rw master:1 - tmpfs cgroup2 rw\n", "/a", NULL);
}

static void test_optional_fields_of_mountinfo_may_be_none_or_many(void **state)
{
	(void)state;
	assert_directory("1 2 0:3 / /cg rw - cgroup2 none rw", "/a", "/cg/a");
	assert_directory("1 2 0:3 / /cg rw shared:1 master:2 propagate_from:3 unbindable - cgroup2 none rw", "/a", "/cg/a");
}

static void test_escaped_characters_in_the_mount_point_are_read(void **state)
{
	(void)state;
	assert_directory("1 2 0:3 / /my\\040cg\\011\\012\\134x rw - cgroup2 none rw", "/a", "/my cg\t\n\\x/a");
	assert_directory("1 2 0:3 / /odd\\04 rw - cgroup2 none rw", "/", "/odd\\04");
}

static void test_a_mount_of_a_part_of_the_hierarchy_shows_what_is_below_it(void **state)
{
	const char *line = "1 2 0:3 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw";

	(void)state;
	assert_directory(line, "/docker/abc", "/sys/fs/cgroup");
	assert_directory(line, "/docker/abc/x", "/sys/fs/cgroup/x");
	assert_directory(line, "/docker/abcd", NULL);
	assert_directory(line, "/docker", NULL);
	assert_directory(line, "/", NULL);
}

static void test_places_outside_a_cgroup_namespace_lead_nowhere(void **state)
{
	(void)state;
	assert_directory("1 2 0:3 /.. /cg rw - cgroup2 none rw", "/", NULL);
	assert_directory("1 2 0:3 /.. /cg rw - cgroup2 none rw", "/../x", "/cg/x");
	assert_directory("1 2 0:3 /.. /cg rw - cgroup2 none rw", "/../../x", NULL);
	assert_directory("1 2 0:3 / /cg rw - cgroup2 none rw", "/../x", NULL);
	assert_directory("1 2 0:3 / /cg rw - cgroup2 none rw", "/..x/a..", "/cg/..x/a..");
}

static void test_lines_cut_short_are_not_understood(void **state)
{
	(void)state;
	assert_directory("", "/", NULL);
	assert_directory("\n", "/", NULL);
	assert_directory("1 2 0:3 /", "/", NULL);
	assert_directory("1 2 0:3 / /cg rw", "/", NULL);
	assert_directory("1 2 0:3 / /cg rw -", "/", NULL);
}

/* ---- members ---- */

/* A cgroup, or the test is skipped. */
static struct cgroup make_or_skip(void)
{
	struct cgroup cgroup = { .path = NULL, .fd = -1 };
	struct failure failure = { .stage = 0 };
	int r = cgroup_make(&cgroup, &failure);

	if (r == -ENOTSUP || r == -EACCES || r == -EPERM || r == -EROFS || r == -ENOENT) {
		assert_int_equal(failure.step, STEP_CGROUP);
		assert_int_equal(failure.error, -r);
		failure_done(&failure);
		support_skip("no cgroup2 mount that we may write to");
	}
	assert_int_equal(r, 0);
	return cgroup;
}

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

static void join(const struct cgroup *cgroup)
{
	int fd = cgroup_procs_fd(cgroup);

	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(99);
	close(fd);
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

static void assert_removed(struct cgroup *cgroup)
{
	char *path = strdup(cgroup->path);
	struct stat st;

	assert_int_equal(cgroup_remove(cgroup), 0);
	assert_null(cgroup->path);
	assert_int_equal(cgroup->fd, -1);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(errno, ENOENT);
	free(path);
}

static void test_a_new_cgroup_is_empty_and_goes_without_a_trace(void **state)
{
	struct cgroup cgroup = make_or_skip();
	char name[64];

	(void)state;
	snprintf(name, sizeof name, "/brood-%ld-", (long)getpid());
	assert_non_null(strstr(cgroup.path, name));
	assert_int_equal(fcntl(cgroup.fd, F_GETFD), FD_CLOEXEC);
	assert_true(cgroup.fd > 2);
	assert_int_equal(cgroup_populated(&cgroup), 0);
	assert_int_equal(cgroup_signal(&cgroup, SIGTERM), -ESRCH);
	assert_int_equal(cgroup_signal(&cgroup, SIGKILL), -ESRCH);
	assert_int_equal(cgroup_signal(&cgroup, -1), -EINVAL);
	assert_int_equal(cgroup_signal(&cgroup, 1000), -EINVAL);
	assert_removed(&cgroup);
	assert_int_equal(cgroup_remove(&cgroup), 0);
}

static void test_a_name_that_is_taken_is_stepped_over(void **state)
{
	struct cgroup cgroup = make_or_skip();
	struct failure failure = { .stage = 0 };
	struct cgroup second = { .fd = -1 };
	char path[PATH_MAX];
	char *dash = strrchr(cgroup.path, '-');

	(void)state;
	snprintf(path, sizeof path, "%.*s-%lu", (int)(dash - cgroup.path), cgroup.path, strtoul(dash + 1, NULL, 10) + 1);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(cgroup_make(&second, &failure), 0);
	assert_string_not_equal(second.path, path);
	assert_int_equal(rmdir(path), 0);
	assert_removed(&second);
	assert_removed(&cgroup);
}

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
	struct cgroup below = { .fd = -1 };
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
	struct cgroup again = { .fd = dup(cgroup.fd) };
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

static void test_members_that_fork_at_every_signal_are_ended_by_kill(void **state)
{
	struct cgroup cgroup = make_with_pidfds_or_skip();
	struct members members;

	(void)state;
	start_member(&members, &cgroup, replace_on_term);
	assert_int_equal(cgroup_signal(&cgroup, SIGTERM), 0);
	assert_int_equal(cgroup_signal(&cgroup, SIGKILL), 0);
	wait_until_gone(&members);
	wait_until_empty(&cgroup);
	assert_removed(&cgroup);
}

static void test_a_cgroup_that_was_removed_by_somebody_else_is_empty(void **state)
{
	struct cgroup cgroup = make_or_skip();

	(void)state;
	assert_int_equal(rmdir(cgroup.path), 0);
	assert_int_equal(cgroup_populated(&cgroup), 0);
	assert_int_equal(cgroup_signal(&cgroup, SIGTERM), -ESRCH);
	assert_int_equal(cgroup_remove(&cgroup), 0);
}

static void test_forgetting_leaves_the_cgroup_there(void **state)
{
	struct cgroup cgroup = make_or_skip();
	char *path = strdup(cgroup.path);

	(void)state;
	cgroup_forget(&cgroup);
	assert_null(cgroup.path);
	assert_int_equal(cgroup.fd, -1);
	assert_int_equal(rmdir(path), 0);
	free(path);
}

static void test_removal_right_after_the_last_member_was_reaped_succeeds(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct cgroup cgroup = make_or_skip();
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			join(&cgroup);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_removed(&cgroup);
	}
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

/*
 * In mounts of its own cgroup.kill is covered by a file of /proc that cannot be written: what is left is as on a kernel
 * before 5.14.
 */
static void without_cgroup_kill(void *data)
{
	struct members members[2];
	struct cgroup cgroup;
	char kill_path[PATH_MAX];

	(void)data;
	skip_unless(unshare(CLONE_NEWNS) == 0, "no mount namespace of our own");
	skip_unless(mount("none", "/", "none", MS_REC | MS_PRIVATE, "") == 0, "no private mounts");
	cgroup = make_with_pidfds_or_skip();
	snprintf(kill_path, sizeof kill_path, "%s/cgroup.kill", cgroup.path);
	if (access(kill_path, F_OK) == 0)
		assert_int_equal(mount("/proc/version", kill_path, "none", MS_BIND, ""), 0);
	start_member(&members[0], &cgroup, daemonize);
	start_member(&members[1], &cgroup, ignore_term);
	assert_int_equal(cgroup_signal(&cgroup, SIGKILL), 0);
	wait_until_gone(&members[0]);
	wait_until_gone(&members[1]);
	wait_until_empty(&cgroup);
	umount2(kill_path, MNT_DETACH);
	assert_removed(&cgroup);
}

static void test_without_cgroup_kill_members_are_killed_one_by_one(void **state)
{
	(void)state;
	support_assert_in_fork(without_cgroup_kill, NULL);
}

/* What lies over the mount is no cgroup2, whatever mountinfo says of the one below. */
static void with_a_covered_mount(void *data)
{
	struct failure failure = { .stage = 0 };
	struct cgroup cgroup = make_or_skip();
	struct cgroup second = { .fd = -1 };
	char *slash;

	(void)data;
	skip_unless(unshare(CLONE_NEWNS) == 0, "no mount namespace of our own");
	skip_unless(mount("none", "/", "none", MS_REC | MS_PRIVATE, "") == 0, "no private mounts");
	slash = strrchr(cgroup.path, '/');
	*slash = '\0';
	skip_unless(mount("tmpfs", cgroup.path, "tmpfs", 0, "") == 0, "no tmpfs");
	*slash = '/';
	assert_int_equal(cgroup_make(&second, &failure), -ENOTSUP);
	assert_int_equal(failure.step, STEP_CGROUP);
	assert_non_null(failure.subject);
	failure_done(&failure);
	/* Its descriptor leads below the cover. */
	assert_int_equal(cgroup_remove(&cgroup), 0);
}

static void test_a_mount_that_is_covered_is_not_taken_for_a_cgroup(void **state)
{
	(void)state;
	support_assert_in_fork(with_a_covered_mount, NULL);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_our_place_is_below_the_mount),
		brood_test(test_a_hybrid_hierarchy_s_mount_is_found_and_v1_is_not),
		brood_test(test_optional_fields_of_mountinfo_may_be_none_or_many),
		brood_test(test_escaped_characters_in_the_mount_point_are_read),
		brood_test(test_a_mount_of_a_part_of_the_hierarchy_shows_what_is_below_it),
		brood_test(test_places_outside_a_cgroup_namespace_lead_nowhere),
		brood_test(test_lines_cut_short_are_not_understood),
		brood_test(test_a_new_cgroup_is_empty_and_goes_without_a_trace),
		brood_test(test_a_name_that_is_taken_is_stepped_over),
		brood_test(test_a_member_that_left_by_setsid_and_double_fork_is_killed),
		brood_test(test_a_member_that_left_by_setsid_and_double_fork_gets_sigterm),
		brood_test(test_members_of_sub_cgroups_get_the_signal_and_their_cgroups_go),
		brood_test(test_each_member_gets_a_signal_once),
		brood_test(test_many_members_all_get_the_signal),
		brood_test(test_a_member_that_ignores_sigterm_stays_and_the_cgroup_with_it),
		brood_test(test_members_that_fork_at_every_signal_are_ended_by_kill),
		brood_test(test_a_cgroup_that_was_removed_by_somebody_else_is_empty),
		brood_test(test_forgetting_leaves_the_cgroup_there),
		brood_test(test_removal_right_after_the_last_member_was_reaped_succeeds),
		brood_test(test_signalling_works_with_hardly_a_descriptor_left),
#ifdef __linux__
		brood_test(test_without_pidfds_only_sigkill_is_supported),
		brood_test(test_without_cgroup_kill_members_are_killed_one_by_one),
		brood_test(test_a_mount_that_is_covered_is_not_taken_for_a_cgroup),
#endif
	};

	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
