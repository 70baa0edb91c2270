/* SPDX-License-Identifier: MIT */
/*
 * A host that lives as life.c has it, and is killed at a moment of chance. Its children were asked to die with it: they come down to us, and are
 * gone in a bounded time. $TMPDIR is empty.
 *
 * A cgroup cannot be removed by the dead. It stays, empty, until the next contained start below the same cgroup: this is looked at too.
 */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress/kill.h"
#include "stress/life.h"
#include "stress/stress.h"

enum { GONE_MS = 10000, KILL_WITHIN_NS = 12000000, CGROUPS_MOST = 8 };

struct sweep {
	unsigned long count, orphans, cgroups;
	int64_t slowest_ns;
};

/* ---- cgroups ---- */

static char cgroup_places[CGROUPS_MOST][PATH_MOST];
static size_t cgroup_place_count;

/* Where a cgroup of ours lies below, in the usual mounts. */
static void find_cgroup_places(void)
{
	static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	char line[PATH_MOST], place[PATH_MOST / 2] = "";
	FILE *file = fopen("/proc/self/cgroup", "re");

	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "0::%255[^\n]", place) == 1)
			break;
	if (file)
		fclose(file);
	for (size_t i = 0; place[0] && i < sizeof mounts / sizeof mounts[0]; i++)
		snprintf(cgroup_places[cgroup_place_count++], PATH_MOST, "%s%s", mounts[i], strcmp(place, "/") == 0 ? "" : place);
}

static bool has_member(const char *cgroup)
{
	char path[2 * PATH_MOST], line[64];
	bool has = false;
	FILE *file;

	snprintf(path, sizeof path, "%s/cgroup.events", cgroup);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		has |= strcmp(line, "populated 1\n") == 0;
	if (file)
		fclose(file);
	return has;
}

/* Its cgroups, and how many of them have a member. */
static unsigned long look_at_cgroups(pid_t pid, unsigned long *ret_populated)
{
	unsigned long count = 0;
	char pattern[PATH_MOST + 32];
	glob_t found;

	for (size_t i = 0; i < cgroup_place_count; i++) {
		snprintf(pattern, sizeof pattern, "%s/brood-%ld-*", cgroup_places[i], (long)pid);
		if (glob(pattern, 0, NULL, &found) != 0)
			continue;
		count += found.gl_pathc;
		for (size_t j = 0; j < found.gl_pathc; j++)
			*ret_populated += has_member(found.gl_pathv[j]);
		globfree(&found);
	}
	return count;
}

static unsigned long cgroups_of(pid_t pid)
{
	return look_at_cgroups(pid, &(unsigned long){ 0 });
}

/* Newer kernels count a member until its last switch off the processor, which may come after it was reaped. */
static void wait_for_empty_cgroups(const pid_t *dead, size_t count)
{
	const int64_t until = stress_now_ns() + GONE_MS * INT64_C(1000000);
	unsigned long populated;

	for (;;) {
		populated = 0;
		for (size_t i = 0; i < count; i++)
			look_at_cgroups(dead[i], &populated);
		if (populated == 0 || stress_now_ns() > until)
			break;
		stress_sleep_ns(1000000);
	}
	if (populated > 0)
		stress_wrong("contained: %lu cgroups of dead hosts have a member", populated);
}

/* ---- one kill ---- */

/* The rungs of the ladder that can die with their parent. */
static void choose_engine(void)
{
	static const char *const engines[] = { "clone3", "clone3", "clone", "fork" };

	setenv("BROOD_ENGINE", engines[stress_draw(4)], 1);
}

static void look_at_what_is_left(struct sweep *sweep, const char *what)
{
	unsigned long orphans = 0;
	int64_t ns = 0;

	if (!stress_reap_all(GONE_MS, &orphans, &ns))
		stress_wrong("%s: a child is left", what);
	if (stress_entries(stress_folder()) != 0)
		stress_wrong("%s: %ld files are left", what, stress_entries(stress_folder()));
	sweep->orphans += orphans;
	if (ns > sweep->slowest_ns)
		sweep->slowest_ns = ns;
}

static void kill_a_host(struct sweep *sweep, struct life *life)
{
	pid_t pid;
	int status = 0;

	life->steps = 0;
	pid = stress_fork();
	if (pid == 0) {
		choose_engine();
		life_go_on(life);
	}
	stress_sleep_ns((int64_t)stress_draw(KILL_WITHIN_NS));
	kill(pid, SIGKILL);
	if (!stress_reap(pid, GONE_MS, &status))
		stress_wrong("a host does not die");
	else if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		stress_wrong("a host ended by itself: %s", life->wrong[0] ? life->wrong : "no words");
	look_at_what_is_left(sweep, life_name(life->kind));
	sweep->cgroups += cgroups_of(pid);
	sweep->count++;
	kills++;
}

/* ---- what the next start finds ---- */

/* A host that contains something and ends well; it is gone with what it made. How many cgroups of dead hosts are there then? */
static unsigned long cgroups_after_another_host(struct life *life, const pid_t *dead, size_t count)
{
	unsigned long left = 0;
	pid_t pid = stress_fork();

	if (pid == 0) {
		life_once(life, life_kind("contained"));
		_exit(0);
	}
	stress_reap(pid, GONE_MS, &(int){ 0 });
	stress_reap_all(GONE_MS, NULL, NULL);
	for (size_t i = 0; i < count; i++)
		left += cgroups_of(dead[i]);
	return left + cgroups_of(pid);
}

/* Killed while somebody sits in a cgroup of theirs. */
static void kill_containing_hosts(struct life *life)
{
	enum { HOSTS = 20 };
	pid_t dead[HOSTS];
	unsigned long left = 0, later;

	for (size_t i = 0; i < HOSTS; i++) {
		dead[i] = stress_fork();
		if (dead[i] == 0)
			for (;;)
				life_once(life, life_kind("contained"));
		stress_sleep_ns(3000000 + (int64_t)stress_draw(2000000));
		kill(dead[i], SIGKILL);
		kills++;
		stress_reap(dead[i], GONE_MS, &(int){ 0 });
		if (!stress_reap_all(GONE_MS, NULL, NULL))
			stress_wrong("contained: a child is left");
	}
	wait_for_empty_cgroups(dead, HOSTS);
	for (size_t i = 0; i < HOSTS; i++)
		left += cgroups_of(dead[i]);
	later = cgroups_after_another_host(life, dead, HOSTS);
	stress_row("cgroups of killed hosts", "%d hosts killed while they contained a child left %lu empty cgroups; after the next contained start %lu",
	           HOSTS, left, later);
	if (later > 0)
		stress_wrong("%lu cgroups are left after the next contained start", later);
}

void kill_hosts(void)
{
	const unsigned long wanted = stress_amount(150, 5000);
	struct sweep sweep = { .count = 0 };
	struct life *life = life_new();

	if (!stress_can_bind()) {
		stress_skip("children do not end with their host under the plain POSIX engine");
		return;
	}
	find_cgroup_places();
	while (sweep.count < wanted)
		kill_a_host(&sweep, life);
	stress_row("hosts killed at a moment of chance",
	           "%lu kills; %lu children outlived their host, all gone after at most %.1f ms; files left: 0; empty cgroups left for the next start: %lu",
	           sweep.count, sweep.orphans, (double)sweep.slowest_ns / 1e6, sweep.cgroups);
	kill_containing_hosts(life);
}

/* ---- brood run ---- */

static void be_brood_run(void)
{
	static const char *const chains[] = { "%s sleep-forever | %s cat", "%s flood-forever | %s discard", "%s ignore-term sleep-forever | %s cat" };
	char chain[2 * PATH_MOST];
	int null = open("/dev/null", O_RDWR);

	dup2(null, 0);
	dup2(null, 1);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(chain, sizeof chain, chains[stress_draw(3)], stress_child(), stress_child());
#pragma GCC diagnostic pop
	execl(stress_command(), "brood", "run", "-t", "20s", chain, (char *)NULL);
	_exit(127);
}

void kill_run_commands(void)
{
	const unsigned long wanted = stress_amount(20, 600);
	struct sweep sweep = { .count = 0 };

	if (!stress_command()) {
		stress_skip("the command was not built");
		return;
	}
	if (!stress_can_bind()) {
		stress_skip("children do not end with `brood run` under the plain POSIX engine");
		return;
	}
	for (; sweep.count < wanted; sweep.count++, kills++) {
		pid_t pid = stress_fork();
		int status = 0;

		if (pid == 0)
			be_brood_run();
		stress_sleep_ns((int64_t)stress_draw(15000000));
		kill(pid, SIGKILL);
		if (!stress_reap(pid, GONE_MS, &status) || !WIFSIGNALED(status))
			stress_wrong("brood run ended with %d before it was killed", status);
		look_at_what_is_left(&sweep, "brood run");
	}
	stress_row("`brood run` killed at a moment of chance", "%lu kills; %lu children outlived it, all gone after at most %.1f ms", sweep.count,
	           sweep.orphans, (double)sweep.slowest_ns / 1e6);
}
