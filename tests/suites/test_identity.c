/* SPDX-License-Identifier: MIT */
/*
 * Who a child is: ids, groups, sessions, limits, containment; and that none of it reaches back into the host. What needs root,
 * or a cgroup that may be written, is skipped by name where there is none.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "suites/engines.h"

enum { NOBODY = 65534 };

static const char *const needs_root = "only root can become somebody else";
static const char *const needs_linux = "the posix build has no such thing";

static int parent_of_function(void *data)
{
	(void)data;
	return getppid();
}

/* ---- 39: ids ---- */

static brood_command *as_nobody(brood_command *cmd, const gid_t *groups, size_t count)
{
	brood_command_set_user(cmd, NOBODY, NOBODY, groups, count);
	return cmd;
}

static void assert_ids(const char *text, const char *groups)
{
	char expected[256];

	snprintf(expected, sizeof expected, "uid 65534 65534 65534\ngid 65534 65534 65534\n%s\n", groups);
	if (strncmp(text, expected, strlen(expected)) != 0)
		fail_msg("not dropped as asked:\n%s", text);
	assert_int_equal(support_field(text, "capinh", 16), 0);
	assert_int_equal(support_field(text, "capprm", 16), 0);
	assert_int_equal(support_field(text, "capeff", 16), 0);
	assert_int_equal(support_field(text, "capamb", 16), 0);
}

static void dropped(void)
{
	const gid_t groups[] = { 4001, 4002 };
	char *text;

	skip_unless(getuid() == 0, needs_root);
	text = said(as_nobody(child_does("ids"), groups, 2));
	assert_ids(text, "groups 4001 4002");
	free(text);
	text = said(as_nobody(child_does("ids"), NULL, 0));
	assert_ids(text, "groups");
	free(text);
	/* Every stage of a chain. */
	text = said(as_nobody(brood_pipe(child_does("ids"), child_does("cat", "ids")), NULL, 0));
	assert_ids(text, "groups");
	assert_ids(strstr(text + 1, "uid "), "groups");
	free(text);
}

static void test_ids_and_groups_are_dropped_and_no_capability_is_left(void **state)
{
	(void)state;
	on_every_engine(dropped);
}

/* Ambient and inheritable capabilities, and securebits under which a change of uid drops nothing. */
static void stubborn_capabilities(void *data)
{
	struct {
		uint32_t version;
		int pid;
	} header = { 0x20080522, 0 };
	struct {
		uint32_t effective, permitted, inheritable;
	} caps[2];
	char *text;

	(void)data;
	skip_unless(getuid() == 0, needs_root);
	skip_unless(BROOD_LINUX_FAST_PATH, needs_linux);
	assert_int_equal(syscall(SYS_capget, &header, caps), 0);
	caps[0].inheritable = caps[0].permitted;
	assert_int_equal(syscall(SYS_capset, &header, caps), 0);
	for (int cap = 0; cap < 32; cap++)
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	/* SECBIT_KEEP_CAPS, SECBIT_NO_SETUID_FIXUP */
	skip_unless(prctl(PR_SET_SECUREBITS, 1 << 4 | 1 << 2) == 0, "securebits cannot be set here");
	text = said(as_nobody(child_does("ids"), NULL, 0));
	assert_ids(text, "groups");
	free(text);
}

static void test_ambient_capabilities_and_securebits_keep_nothing_alive(void **state)
{
	(void)state;
	in_fork_on_every_engine(stubborn_capabilities, NULL);
}

/* Another user's directory: the program is there, and is not his to run. */
static void out_of_reach(void)
{
	char directory[4096], path[4200];

	skip_unless(getuid() == 0, needs_root);
	support_path(directory, sizeof directory, "closed");
	assert_int_equal(mkdir(directory, 0700), 0);
	snprintf(path, sizeof path, "%s/program", directory);
	assert_int_equal(symlink(support_child(), path), 0);
	assert_exits(brood_command_newl(path, "exit", "0", NULL), 0);
	assert_start_fails(as_nobody(brood_command_newl(path, "exit", "0", NULL), NULL, 0), -EACCES, "exec");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void test_a_program_is_run_with_the_rights_of_the_other_user(void **state)
{
	(void)state;
	on_every_engine(out_of_reach);
}

/* Capabilities are dropped on the way to another user only: as root a child may still go where root may. */
static void still_root(void)
{
	static const char expected[] = "uid 0 0 0\ngid 65534 65534 65534\ngroups 4001\n";
	const gid_t groups[] = { 4001 };
	brood_command *cmd = child_does("ids");
	char closed[4096];
	char *text;

	skip_unless(getuid() == 0, needs_root);
	support_path(closed, sizeof closed, "nobody-s");
	assert_int_equal(mkdir(closed, 0700), 0);
	assert_int_equal(chown(closed, NOBODY, 0), 0);
	brood_command_set_user(cmd, 0, NOBODY, groups, 1);
	brood_command_chdir(cmd, closed);
	text = said(cmd);
	if (strncmp(text, expected, strlen(expected)) != 0)
		fail_msg("not as asked:\n%s", text);
	free(text);
	assert_int_equal(rmdir(closed), 0);
}

static void test_root_that_changes_its_groups_keeps_what_root_may(void **state)
{
	(void)state;
	on_every_engine(still_root);
}

/* The program would leave a file. */
static void may_not_drop(void *data)
{
	const char *path = data;
	brood_command *cmd = child_does("touch", path);

	skip_unless(getuid() == 0, needs_root);
	assert_int_equal(syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY), 0);
	assert_int_equal(syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY), 0);
	brood_command_set_user(cmd, 1, 1, NULL, 0);
	assert_start_fails(cmd, -EPERM, "setgroups");
	assert_int_equal(access(path, F_OK), -1);
}

/* With the error 0 the call does nothing and says that all is well: found out by looking. */
struct half {
	const char *path;
	long call;
	const char *words;
	int error;
};

static void may_drop_half(void *data)
{
	const struct half *half = data;
	const gid_t group = 4001;

	skip_unless(getuid() == 0, needs_root);
	support_deny_syscall(half->call, half->error);
	assert_start_fails(as_nobody(child_does("touch", half->path), &group, 1), half->error ? -half->error : -EPERM, half->words);
	assert_int_equal(access(half->path, F_OK), -1);
}

static void test_a_program_whose_ids_cannot_be_dropped_never_runs(void **state)
{
	char path[4096];

	(void)state;
	support_path(path, sizeof path, "ran");
	in_fork_on_every_engine(may_not_drop, path);
	skip_unless(BROOD_LINUX_FAST_PATH, needs_linux);
	for (int error = 0; error <= EAGAIN; error += EAGAIN) {
		struct half half = { path, SYS_setresuid, "setuid '65534'", error };

		in_fork_on_every_engine(may_drop_half, &half);
		half = (struct half){ path, SYS_setresgid, "setgid '65534'", error };
		in_fork_on_every_engine(may_drop_half, &half);
		half = (struct half){ path, SYS_setgroups, "setgroups", error };
		in_fork_on_every_engine(may_drop_half, &half);
	}
}

/* ---- 98: the host ---- */

static void host_stays(void *data)
{
	struct host_state before;
	brood_command *cmd = child_does("exit", "0");

	(void)data;
	host_snapshot(&before);
	brood_command_set_umask(cmd, 0111);
	brood_command_set_nice(cmd, 3);
	brood_command_set_rlimit(cmd, RLIMIT_NOFILE, 100, 100);
	brood_command_set_rlimit(cmd, RLIMIT_CORE, 0, 0);
	brood_command_set_new_session(cmd, true);
	brood_command_chdir(cmd, "/");
	if (getuid() == 0)
		as_nobody(cmd, NULL, 0);
	if (BROOD_LINUX_FAST_PATH) {
		brood_command_set_no_new_privs(cmd, true);
		brood_command_set_die_with_parent(cmd, true);
		brood_command_set_affinity(cmd, (const int[]){ sched_getcpu() }, 1);
	}
	assert_exits(cmd, 0);
	assert_exits(brood_command_function("f", parent_of_function, NULL), getpid() & 0xff);
	if (getuid() == 0)
		assert_start_fails(as_nobody(brood_command_newl("/nonexistent/program", NULL), NULL, 0), -ENOENT, "exec");
	host_assert_unchanged(&before);
	host_state_done(&before);
}

static void test_no_start_changes_ids_limits_dumpable_flag_or_robust_list_of_the_host(void **state)
{
	(void)state;
	skip_under_valgrind();          /* it keeps a limit of descriptors, and lets nobody set it twice */
	in_fork_on_every_engine(host_stays, NULL);
}

/* ---- 40: limits ---- */

static void limits(void)
{
	brood_command *cmd = child_does("umask", "rlimit", "NOFILE", "nice");
	char expected[128];

	brood_command_set_umask(cmd, 0027);
	brood_command_set_rlimit(cmd, RLIMIT_NOFILE, 30, 40);
	brood_command_set_nice(cmd, 5);
	snprintf(expected, sizeof expected, "0027\n30 40\n%d\n", getpriority(PRIO_PROCESS, 0) + 5);
	assert_says(cmd, expected);

	cmd = child_does("rlimit", "CORE");
	brood_command_set_rlimit(cmd, RLIMIT_CORE, 0, UINT64_MAX);
	if (getuid() == 0)
		assert_says(cmd, "0 unlimited\n");
	else
		brood_command_free(cmd);

	cmd = child_does("exit", "0");
	brood_command_set_rlimit(cmd, RLIMIT_NOFILE, 40, 30);
	assert_start_fails(cmd, -EINVAL, "");
}

static void test_umask_nice_and_limits_are_set_in_the_child(void **state)
{
	(void)state;
	skip_under_valgrind();          /* it keeps a limit of descriptors, and lets no child set it */
	on_every_engine(limits);
}

static void linux_only(void)
{
	brood_command *cmd = child_does("no-new-privs", "affinity");
	const int cpu = sched_getcpu();
	char expected[64];

	if (!BROOD_LINUX_FAST_PATH) {
		brood_command_set_no_new_privs(cmd, true);
		assert_start_fails(cmd, -ENOTSUP, NULL);
		cmd = child_does("exit", "0");
		brood_command_set_affinity(cmd, &cpu, 1);
		assert_start_fails(cmd, -ENOTSUP, NULL);
		cmd = child_does("exit", "0");
		brood_command_set_die_with_parent(cmd, true);
		assert_start_fails(cmd, -ENOTSUP, NULL);
		return;
	}
	brood_command_set_no_new_privs(cmd, true);
	brood_command_set_affinity(cmd, &cpu, 1);
	snprintf(expected, sizeof expected, "1\n%d\n", cpu);
	assert_says(cmd, expected);
	assert_says(child_does("no-new-privs"), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) ? "1\n" : "0\n");
	cmd = child_does("exit", "0");
	brood_command_set_affinity(cmd, (const int[]){ 8000 }, 1);
	assert_start_fails(cmd, -EINVAL, "");
	cmd = child_does("pdeathsig");
	brood_command_set_die_with_parent(cmd, true);
	if (getuid() == 0)
		as_nobody(cmd, NULL, 0);
	assert_says(cmd, "9\n");
	assert_says(child_does("pdeathsig"), "0\n");
}

static void test_affinity_no_new_privs_and_death_with_the_parent_are_set_or_enotsup(void **state)
{
	(void)state;
	on_every_engine(linux_only);
}

/* ---- 41: sessions and groups ---- */

static void sessions_and_groups(void)
{
	brood_command *cmd = child_does("sid", "pgid", "pid");
	long sid, pgid, pid, first, second;
	char *text;

	brood_command_set_new_session(cmd, true);
	text = said(cmd);
	assert_int_equal(sscanf(text, "%ld %ld %ld", &sid, &pgid, &pid), 3);
	assert_int_equal(sid, pid);
	assert_int_equal(pgid, pid);
	free(text);

	cmd = child_does("sid", "pgid", "pid");
	brood_command_set_new_group(cmd, true);
	text = said(cmd);
	assert_int_equal(sscanf(text, "%ld %ld %ld", &sid, &pgid, &pid), 3);
	assert_int_equal(sid, getsid(0));
	assert_int_equal(pgid, pid);
	free(text);

	/* The first stage has said its pid and group, and has long ended, when the second says its group. */
	cmd = brood_pipe(child_does("pid", "pgid"), child_does("cat", "pgid"));
	brood_command_set_new_group(cmd, true);
	text = said(cmd);
	assert_int_equal(sscanf(text, "%ld %ld %ld", &pid, &first, &second), 3);
	assert_int_equal(pid, first);
	assert_int_equal(pid, second);
	free(text);

	text = said(child_does("pgid"));
	assert_int_equal(atol(text), getpgrp());
	free(text);
}

static void test_sessions_are_each_stage_s_own_and_a_group_is_the_whole_chain_s(void **state)
{
	(void)state;
	on_every_engine(sessions_and_groups);
}

/* ---- containment: every way in ---- */

static void contained(void)
{
	brood_command *cmd = child_does("exit", "0");
	brood_process *process = NULL;
	char *text, expected[64];
	int r;

	brood_command_set_contained(cmd, true);
	r = brood_start(cmd, &process);
	brood_process_free(process);
	brood_command_free(cmd);
	if (r == -ENOTSUP || r == -EACCES || r == -EROFS || r == -EPERM)
		support_skip("no cgroup2 mount that we may write to");
	assert_int_equal(r, 0);
	cmd = brood_pipe(child_does("cgroup"), child_does("cat"));
	brood_command_set_contained(cmd, true);
	text = said(cmd);
	snprintf(expected, sizeof expected, "brood-%ld-", (long)getpid());
	if (!strstr(text, expected))
		fail_msg("not contained:\n%s", text);
	free(text);
	assert_start_fails((cmd = brood_command_newl("/nonexistent/program", NULL), brood_command_set_contained(cmd, true), cmd),
	                   -ENOENT, "exec");

	cmd = brood_command_function("f", parent_of_function, NULL);
	brood_command_set_contained(cmd, true);
	assert_exits(cmd, getpid() & 0xff);
}

static void test_a_contained_chain_starts_inside_its_cgroup(void **state)
{
	(void)state;
	on_every_engine(contained);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_ids_and_groups_are_dropped_and_no_capability_is_left),
		brood_test(test_ambient_capabilities_and_securebits_keep_nothing_alive),
		brood_test(test_a_program_is_run_with_the_rights_of_the_other_user),
		brood_test(test_root_that_changes_its_groups_keeps_what_root_may),
		brood_test(test_a_program_whose_ids_cannot_be_dropped_never_runs),
		brood_test(test_no_start_changes_ids_limits_dumpable_flag_or_robust_list_of_the_host),
		brood_test(test_umask_nice_and_limits_are_set_in_the_child),
		brood_test(test_affinity_no_new_privs_and_death_with_the_parent_are_set_or_enotsup),
		brood_test(test_sessions_are_each_stage_s_own_and_a_group_is_the_whole_chain_s),
		brood_test(test_a_contained_chain_starts_inside_its_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
