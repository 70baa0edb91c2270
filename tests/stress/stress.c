/* SPDX-License-Identifier: MIT */
#include "stress/stress.h"

#include <ctype.h>
#include <dirent.h>
#include <brood.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef __WALL
#define __WALL 0
#endif

enum { WRONG_SHOWN = 20, ROWS_MOST = 64, ROW_ROOM = 400, REASON_ROOM = 400 };

bool stress_whole;

static unsigned long wrong_count, skipped_count;
static char skipped_why[REASON_ROOM];
static char rows[ROWS_MOST][ROW_ROOM];
static size_t row_count;
static char folder[256];
static pid_t owner;

/* ---- chance ---- */

static uint64_t state;

/* splitmix64 (Steele, Lea, Flood 2014): any seed will do. */
uint64_t stress_draw(uint64_t most)
{
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return most ? (z ^ z >> 31) % most : 0;
}

static uint64_t seed_of_this_run(void)
{
	const char *asked = getenv("BROOD_STRESS_SEED");
	struct timespec now;

	if (asked && *asked)
		return strtoull(asked, NULL, 10);
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- telling ---- */

void stress_wrong(const char *format, ...)
{
	va_list arguments;

	if (++wrong_count > WRONG_SHOWN)
		return;
	va_start(arguments, format);
	fputs("wrong: ", stdout);
	vprintf(format, arguments);
	putchar('\n');
	va_end(arguments);
	fflush(stdout);
}

void stress_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(skipped_why, sizeof skipped_why, format, arguments);
	va_end(arguments);
}

void stress_row(const char *what, const char *format, ...)
{
	va_list arguments;
	int used;

	if (row_count == ROWS_MOST)
		return;
	used = snprintf(rows[row_count], ROW_ROOM, "| %s | ", what);
	va_start(arguments, format);
	if (used > 0 && used < ROW_ROOM)
		vsnprintf(rows[row_count] + used, (size_t)(ROW_ROOM - used), format, arguments);
	va_end(arguments);
	row_count++;
}

static void show_rows(uint64_t seed, int64_t ns)
{
	printf("\n| what | found |\n|---|---|\n");
	for (size_t i = 0; i < row_count; i++)
		printf("%s |\n", rows[i]);
	printf("| seed, time | %" PRIu64 ", %.0f s |\n\n", seed, (double)ns / 1e9);
}

/* ---- time ---- */

int64_t stress_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void stress_sleep_ns(int64_t ns)
{
	struct timespec left = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* ---- files ---- */

const char *stress_folder(void)
{
	return folder;
}

char *stress_path(char path[PATH_MOST], const char *format, ...)
{
	va_list arguments;
	int used = snprintf(path, PATH_MOST, "%s/", folder);

	va_start(arguments, format);
	vsnprintf(path + used, (size_t)(PATH_MOST - used), format, arguments);
	va_end(arguments);
	return path;
}

/* ThreadSanitizer copies something into a file at each start, and who is killed then leaves it there. */
static bool is_sanitizers(const char *name)
{
#ifdef __SANITIZE_THREAD__
	return strncmp(name, "tsan.rodata.", strlen("tsan.rodata.")) == 0;
#else
	(void)name;
	return false;
#endif
}

long stress_entries(const char *path)
{
	DIR *stream = opendir(path);
	struct dirent *entry;
	long count = 0;

	if (!stream)
		return -1;
	while ((entry = readdir(stream)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && !is_sanitizers(entry->d_name);
	closedir(stream);
	return count;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void stress_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool make_folder(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(folder, sizeof folder, "%s/brood-stress-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(folder)) {
		perror(folder);
		return false;
	}
	setenv("TMPDIR", folder, 1);
	return true;
}

/* Starting a device is refused either way; the reason tells. */
bool stress_can_bind(void)
{
	brood_command *cmd = brood_command_newl("/dev/null", NULL);
	brood_process *process = NULL;
	bool can;

	brood_command_set_die_with_parent(cmd, true);
	can = brood_start(cmd, &process) != -ENOTSUP;
	brood_process_free(process);
	brood_command_free(cmd);
	return can;
}

const char *stress_child(void)
{
	const char *path = getenv("BROOD_TEST_CHILD");

	return path && *path ? path : "tests/child/child";
}

const char *stress_command(void)
{
	const char *path = getenv("BROOD_COMMAND");

	return path && *path ? path : NULL;
}

long stress_descriptors(void)
{
	/* The one that reads the folder is not counted. */
	return stress_entries("/proc/self/fd") - 1;
}

long stress_resident(void)
{
	long whole = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file && fscanf(file, "%ld %ld", &whole, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}

/* ---- processes ---- */

pid_t stress_fork(void)
{
	const pid_t parent = getpid();
	uint64_t draws = stress_draw(UINT64_MAX);
	sigset_t none;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	state = draws;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	return 0;
}

/* SIGCHLD is blocked in us: it is waited for, with an end. */
static bool wait_for_news(int64_t until_ns)
{
	const int64_t left = until_ns - stress_now_ns();
	struct timespec most = { .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
	sigset_t child;

	if (left <= 0)
		return false;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigtimedwait(&child, NULL, &most);
	return true;
}

bool stress_reap(pid_t pid, int64_t ms, int *ret_status)
{
	const int64_t until = stress_now_ns() + ms * 1000000;

	while (waitpid(pid, ret_status, WNOHANG) == 0)
		if (!wait_for_news(until))
			return false;
	return true;
}

static pid_t parent_of(const char *pid)
{
	char path[64], text[512] = "";
	long parent = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (file && fgets(text, sizeof text, file) && strrchr(text, ')'))
		(void)sscanf(strrchr(text, ')'), ") %*c %ld", &parent);
	if (file)
		fclose(file);
	return (pid_t)parent;
}

static void say_who(const char *pid)
{
	char path[64], words[256] = "";
	FILE *file;
	size_t size;

	snprintf(path, sizeof path, "/proc/%.20s/cmdline", pid);
	file = fopen(path, "re");
	size = file ? fread(words, 1, sizeof words - 1, file) : 0;
	for (size_t i = 0; i + 1 < size; i++)
		if (words[i] == '\0')
			words[i] = ' ';
	if (file)
		fclose(file);
	printf("left: %s %s\n", pid, words);
}

/* Our own children, whatever they are, now that they had their time. */
static void kill_children(bool say)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || parent_of(entry->d_name) != getpid())
			continue;
		if (say)
			say_who(entry->d_name);
		kill((pid_t)atol(entry->d_name), SIGKILL);
	}
	if (proc)
		closedir(proc);
}

static unsigned long reap_ended(bool *ret_alone)
{
	unsigned long count = 0;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
		count++;
	*ret_alone = pid < 0 && errno == ECHILD;
	return count;
}

bool stress_reap_all(int64_t ms, unsigned long *ret_orphans, int64_t *ret_ns)
{
	const int64_t begin = stress_now_ns(), until = begin + ms * 1000000;
	unsigned long count;
	bool alone, in_time = true;

	count = reap_ended(&alone);
	while (!alone) {
		if (in_time && !wait_for_news(until))
			in_time = false;
		if (!in_time) {
			kill_children(wrong_count < WRONG_SHOWN);
			stress_sleep_ns(1000000);
		}
		count += reap_ended(&alone);
	}
	if (ret_orphans)
		*ret_orphans = count;
	if (ret_ns)
		*ret_ns = stress_now_ns() - begin;
	return in_time;
}

/* ---- the program ---- */

static bool is_wanted(const struct part *part, int argc, char **argv)
{
	bool named = false;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-')
			continue;
		named = true;
		if (strstr(part->name, argv[i]))
			return true;
	}
	return !named;
}

static void clear_away(void)
{
	if (getpid() == owner && folder[0])
		stress_remove(folder);
}

static bool set_up(void)
{
	sigset_t child;

	owner = getpid();
	if (!make_folder())
		return false;
	atexit(clear_away);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	return true;
}

static unsigned long run_part(const struct part *part)
{
	const unsigned long before = wrong_count;

	printf("[ RUN      ] %s\n", part->name);
	fflush(stdout);
	skipped_why[0] = '\0';
	part->run();
	if (wrong_count > before) {
		printf("[  FAILED  ] %s: %lu wrong\n", part->name, wrong_count - before);
		return 1;
	}
	if (skipped_why[0]) {
		printf("%s\n[  SKIPPED ] %s\n", skipped_why, part->name);
		stress_row(part->name, "skipped: %s", skipped_why);
		skipped_count++;
		return 0;
	}
	printf("[       OK ] %s\n", part->name);
	return 0;
}

int stress_main(int argc, char **argv, const char *name, const struct part *parts, size_t count)
{
	const int64_t begin = stress_now_ns();
	unsigned long failed = 0, wanted = 0;
	uint64_t seed = seed_of_this_run();

	for (int i = 1; i < argc; i++)
		stress_whole |= strcmp(argv[i], "--all") == 0;
	for (size_t i = 0; i < count; i++)
		wanted += is_wanted(&parts[i], argc, argv);
	printf("BROOD_STRESS_SEED=%" PRIu64 "\n", seed);
	/* The lines of a test program, so that what counts those counts these. */
	printf("[==========] %s: Running %lu test(s).\n", name, wanted);
	if (!set_up())
		return 1;
	for (size_t i = 0; i < count; i++) {
		/* One part's draws do not depend on whether another one was run. */
		state = seed + i * UINT64_C(0x632be59bd9b4e019);
		if (is_wanted(&parts[i], argc, argv))
			failed += run_part(&parts[i]);
	}
	show_rows(seed, stress_now_ns() - begin);
	printf("[==========] %s: %lu test(s) run.\n", name, wanted);
	printf("[  PASSED  ] %lu test(s).\n", wanted - failed - skipped_count);
	if (skipped_count > 0)
		printf("[  SKIPPED ] %lu test(s).\n", skipped_count);
	if (failed > 0)
		printf("[  FAILED  ] %lu test(s), again by BROOD_STRESS_SEED=%" PRIu64 "\n", failed, seed);
	return failed > 0 ? 1 : wanted > 0 && skipped_count == wanted ? 77 : 0;
}
