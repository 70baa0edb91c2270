/* SPDX-License-Identifier: MIT */
/*
 * A cgroup of our own: where it lies, that it is made and goes away without a trace. What needs a writable cgroup2 mount is
 * skipped where there is none. test_cgroup_signal.c tests what becomes of its members.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mount.h>
#endif

#include "support/cgroups.h"
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

/* ---- made and removed ---- */

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
	struct cgroup second = { .fd = -1, .kill_fd = -1 };
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

/* ---- what the killed left ---- */

/* Below the same parent, with the same namespace in its name, unless another is given. */
static void beside(const struct cgroup *cgroup, long pid, unsigned long space, char *ret, size_t size)
{
	const char *name = strrchr(cgroup->path, '/') + 1;
	unsigned long own;
	unsigned int number;
	long self;

	assert_int_equal(sscanf(name, "brood-%ld-%lu-%u", &self, &own, &number), 3);
	snprintf(ret, size, "%.*sbrood-%ld-%lu-7", (int)(name - cgroup->path), cgroup->path, pid, space ? space : own);
}

static pid_t gone_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* The first one in a process: a part of its own. */
static void make_and_remove(void *data)
{
	struct cgroup cgroup = make_or_skip();

	(void)data;
	assert_removed(&cgroup);
}

static void test_an_empty_one_of_a_process_that_is_gone_is_removed(void **state)
{
	struct cgroup cgroup = make_or_skip();
	char path[PATH_MAX];

	(void)state;
	beside(&cgroup, gone_pid(), 0, path, sizeof path);
	assert_int_equal(mkdir(path, 0755), 0);
	support_assert_in_fork(make_and_remove, NULL);
	assert_int_equal(rmdir(path), -1);
	assert_int_equal(errno, ENOENT);
	assert_removed(&cgroup);
}

static void test_an_empty_one_of_a_living_process_stays(void **state)
{
	struct cgroup cgroup = make_or_skip();

	(void)state;
	support_assert_in_fork(make_and_remove, NULL);
	assert_int_equal(access(cgroup.path, F_OK), 0);
	assert_removed(&cgroup);
}

/* There the pid may be that of a process that lives. */
static void test_one_of_another_pid_namespace_stays(void **state)
{
	struct cgroup cgroup = make_or_skip();
	char path[PATH_MAX];

	(void)state;
	beside(&cgroup, gone_pid(), 1, path, sizeof path);
	assert_int_equal(mkdir(path, 0755), 0);
	support_assert_in_fork(make_and_remove, NULL);
	assert_int_equal(rmdir(path), 0);
	assert_removed(&cgroup);
}

/* Somebody else's: a longer name, no number, a pid that nobody can have. */
static void test_one_whose_name_is_not_ours_stays(void **state)
{
	struct cgroup cgroup = make_or_skip();
	char path[PATH_MAX], other[3][PATH_MAX + 64];

	(void)state;
	beside(&cgroup, gone_pid(), 0, path, sizeof path);
	snprintf(other[0], sizeof other[0], "%s-old", path);
	snprintf(other[1], sizeof other[1], "%s/../brood-test-%ld", cgroup.path, (long)getpid());
	snprintf(other[2], sizeof other[2], "%s/../brood-0-%ld-2", cgroup.path, (long)getpid());
	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		assert_int_equal(mkdir(other[i], 0755), 0);
	support_assert_in_fork(make_and_remove, NULL);
	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		assert_int_equal(rmdir(other[i]), 0);
	assert_removed(&cgroup);
}

#ifdef __linux__

/* What lies over the mount is no cgroup2, whatever mountinfo says of the one below. */
static void with_a_covered_mount(void *data)
{
	struct failure failure = { .stage = 0 };
	struct cgroup cgroup = make_or_skip();
	struct cgroup second = { .fd = -1, .kill_fd = -1 };
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
		brood_test(test_a_cgroup_that_was_removed_by_somebody_else_is_empty),
		brood_test(test_forgetting_leaves_the_cgroup_there),
		brood_test(test_removal_right_after_the_last_member_was_reaped_succeeds),
		brood_test(test_an_empty_one_of_a_process_that_is_gone_is_removed),
		brood_test(test_an_empty_one_of_a_living_process_stays),
		brood_test(test_one_of_another_pid_namespace_stays),
		brood_test(test_one_whose_name_is_not_ours_stays),
#ifdef __linux__
		brood_test(test_a_mount_that_is_covered_is_not_taken_for_a_cgroup),
#endif
	};

	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
