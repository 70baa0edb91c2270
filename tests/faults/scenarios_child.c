/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of what a child is told to be: environment, directory, limits, ids.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scenario.h"

static void finish(brood_command *cmd, const char *expected)
{
	brood_result *result;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, expected);
		done_well();
	}
	brood_result_free(result);
}

static void environment(void)
{
	brood_command *cmd = child("getenv", "BROOD_A", "getenv", "BROOD_B", "getenv", "HOME");

	brood_command_setenv(cmd, "BROOD_A", "first");
	brood_command_setenv(cmd, "BROOD_A", "second");
	brood_command_unsetenv(cmd, "HOME");
	finish(cmd, "second\n(unset)\n(unset)\n");
}

static void directory(void)
{
	brood_command *cmd = child("cwd");

	brood_command_chdir(cmd, "/usr");
	finish(cmd, "/usr\n");
}

static int usr_fd = -1;

static void open_usr(void)
{
	usr_fd = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void directory_by_fd(void)
{
	brood_command *cmd = child("cwd");

	brood_command_fchdir(cmd, usr_fd);
	finish(cmd, "/usr\n");
}

/* Looked up in the second part of PATH; a relative part needs the host's directory. */
static void search_path(void)
{
	brood_command *cmd = brood_command_newl("child", "print", "found", NULL);
	char path[600];
	const char *slash = strrchr(child_path(), '/');

	snprintf(path, sizeof path, "/no/such/place:relative:%.*s", (int)(slash - child_path()), child_path());
	brood_command_setenv(cmd, "PATH", path);
	brood_command_chdir(cmd, "/usr");
	finish(cmd, "found");
}

/* Somebody may run the sweep with a nice value of its own. */
static int own_nice;

static void look_at_nice(void)
{
	own_nice = getpriority(PRIO_PROCESS, 0);
}

static void limits(void)
{
	brood_command *cmd = child("umask", "nice", "rlimit", "CORE", "affinity");
	const int cpus[] = { 0 };
	char expected[64];

	brood_command_set_umask(cmd, 027);
	brood_command_set_nice(cmd, 3);
	brood_command_set_rlimit(cmd, RLIMIT_CORE, 0, 0);
	brood_command_set_affinity(cmd, cpus, 1);
	snprintf(expected, sizeof expected, "0027\n%d\n0 0\n0\n", own_nice + 3);
	finish(cmd, expected);
}

static void bound(void)
{
	brood_command *cmd = child("pdeathsig", "no-new-privs");

	brood_command_set_die_with_parent(cmd, true);
	brood_command_set_no_new_privs(cmd, true);
	finish(cmd, "9\n1\n");
}

static void another_user(void)
{
	brood_command *cmd = child("print", "dropped");

	brood_command_set_user(cmd, 65534, 65534, NULL, 0);
	finish(cmd, "dropped");
}

/* The host ignores two signals; one of them stays so. */
static void ignore_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
}

#define LIBC_OWN (3ULL << 31)

static void ignored_signals(void)
{
	brood_command *cmd = child("signals");
	unsigned long long ignored = 0;
	brood_result *result;

	brood_command_keep_ignored(cmd, SIGUSR2);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		/* libc keeps 32 and 33 to itself: where only libc can be asked, make's own habit of ignoring them is handed on. */
		must(sscanf(brood_result_output(result, BROOD_STDOUT, NULL), "ignored %llx", &ignored) == 1);
		must((ignored & ~LIBC_OWN) == 0x800);
		done_well();
	}
	brood_result_free(result);
}

/* A script without #! is run by the shell. */
static void make_script(void)
{
	file_make("script", "echo from the script\n");
	/* Its mode is changed by the scenario's own process, once. */
	if (chmod(file_path("script"), 0755) < 0)
		wrong("chmod");
}

static void a_script(void)
{
	finish(brood_command_newl(file_path("script"), NULL), "from the script\n");
}

const struct scenario child_scenarios[] = {
	{ .name = "environment", .run = environment },
	{ .name = "directory by path", .run = directory },
	{ .name = "directory by descriptor", .run = directory_by_fd, .prepare = open_usr },
	{ .name = "directory, by fork", .run = directory, .engine = "fork" },
	{ .name = "PATH", .run = search_path },
	{ .name = "umask, nice, limits, processors", .run = limits, .prepare = look_at_nice, .flags = NEEDS_LINUX },
	{ .name = "umask, nice, limits, by fork", .run = limits, .prepare = look_at_nice, .engine = "fork", .flags = NEEDS_LINUX },
	{ .name = "bound to its parent", .run = bound, .flags = NEEDS_LINUX },
	{ .name = "another user", .run = another_user, .flags = NEEDS_ROOT },
	{ .name = "ignored signals", .run = ignored_signals, .prepare = ignore_signals },
	{ .name = "ignored signals, by fork", .run = ignored_signals, .prepare = ignore_signals, .engine = "fork" },
	{ .name = "a script without #!", .run = a_script, .prepare = make_script },
	{ .name = NULL },
};
