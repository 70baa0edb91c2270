/* SPDX-License-Identifier: MIT */
#include "stress/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress/stress.h"

enum { GONE_MS = 10000, END_MS = 900000, LONG_JOB = 100 * 1024 };

struct run {
	const struct maps *maps;
	struct maps_told *told;
	unsigned char *ok;      /* lines that say so, of each input */
	size_t known;           /* bytes of the log that are whole lines, as far as it was looked at */
	uint64_t sum;           /* of those */
	bool torn;              /* the last line, when it was looked at */
};

static uint64_t add_to_sum(uint64_t sum, const char *bytes, size_t size)
{
	while (size--)
		sum = (sum ^ (unsigned char)*bytes++) * UINT64_C(0x100000001b3);
	return sum;
}

/* To be freed; NULL where it is not there. A NUL follows. */
static char *read_file(const char *path, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *bytes = NULL;
	size_t used = 0;
	ssize_t n;

	if (fd >= 0 && fstat(fd, &st) == 0)
		bytes = malloc((size_t)st.st_size + 1);
	while (bytes && used < (size_t)st.st_size && (n = read(fd, bytes + used, (size_t)st.st_size - used)) > 0)
		used += (size_t)n;
	if (bytes)
		bytes[used] = '\0';
	if (fd >= 0)
		close(fd);
	*ret_size = used;
	return bytes;
}

/* ---- the log ---- */

static void look_at_line(struct run *run, const char *line, size_t size)
{
	json_t *record = json_loadb(line, size, 0, NULL);
	const char *input = json_string_value(json_object_get(record, "input"));
	const json_t *ok = json_object_get(record, "ok");
	const unsigned long number = input ? strtoul(input, NULL, 10) : 0;

	if (!input || !json_is_boolean(ok) || number >= run->maps->inputs)
		stress_wrong("a line of the log is no record: %.*s", (int)(size < 200 ? size : 200), line);
	else if (json_is_true(ok) && run->ok[number] < UINT8_MAX)
		run->ok[number]++;
	run->told->lines++;
	json_decref(record);
}

/* What was known is there still, the rest is whole lines and perhaps a torn one. */
static void look_at_log(struct run *run)
{
	char path[PATH_MOST], *bytes, *end;
	size_t size;

	bytes = read_file(stress_path(path, "set/log"), &size);
	if (size < run->known || add_to_sum(UINT64_C(0xcbf29ce484222325), bytes ? bytes : "", run->known) != run->sum) {
		stress_wrong("lines of the log are lost or changed: %zu bytes were known, %zu are there", run->known, size);
		free(bytes);
		return;
	}
	while (run->known < size && (end = memchr(bytes + run->known, '\n', size - run->known))) {
		const size_t line = (size_t)(end - bytes) - run->known;

		look_at_line(run, bytes + run->known, line);
		run->sum = add_to_sum(run->sum, bytes + run->known, line + 1);
		run->known += line + 1;
	}
	run->torn = run->known < size;
	run->told->torn += run->torn;
	free(bytes);
}

/* ---- in the end ---- */

static void look_at_results(const struct run *run, unsigned long number)
{
	const bool is_long = number % 16 == 0;
	char path[PATH_MOST], line[32], *bytes;
	size_t size, line_size = (size_t)snprintf(line, sizeof line, "%lu\n", number);

	bytes = read_file(stress_path(path, "set/results/%lu-%lu/stdout", number + 1, number), &size);
	if (size != line_size + (is_long ? LONG_JOB : 0) || memcmp(bytes + size - line_size, line, line_size) != 0)
		stress_wrong("--results of input %lu is not whole: %zu bytes", number, size);
	free(bytes);
	bytes = read_file(stress_path(path, "set/results/%lu-%lu/job.json", number + 1, number), &size);
	if (size < 3 || bytes[0] != '{' || bytes[size - 2] != '}')
		stress_wrong("job.json of input %lu is not whole: %zu bytes", number, size);
	free(bytes);
}

static void look_at_job(struct run *run, unsigned long number)
{
	char path[PATH_MOST], *marks;
	size_t size;

	marks = read_file(stress_path(path, "set/effects/%lu", number), &size);
	if (run->ok[number] != 1)
		stress_wrong("input %lu has %d lines that say ok", number, run->ok[number]);
	if (!marks || !strchr(marks, 'e'))
		stress_wrong("input %lu is not done: its marks are '%s'", number, marks ? marks : "");
	run->told->waited += marks && strchr(marks, 'w');
	run->told->twice += marks && strchr(marks, 's') != strrchr(marks, 's');
	free(marks);
	if (run->maps->results)
		look_at_results(run, number);
}

static void look_at_end(struct run *run)
{
	char path[PATH_MOST];

	for (unsigned long i = 0; i < run->maps->inputs; i++)
		look_at_job(run, i);
	if (access(stress_path(path, "set/effects/overlap"), F_OK) == 0)
		stress_wrong("a job ran while its earlier start still did");
}

/* ---- one start ---- */

static void make_set(const struct maps *maps)
{
	static const char *const folders[] = { "set", "set/effects", "set/tmp" };
	char path[PATH_MOST];
	FILE *file;

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
		mkdir(stress_path(path, "%s", folders[i]), 0700);
	file = fopen(stress_path(path, "set/inputs"), "we");
	for (unsigned long i = 0; file && i < maps->inputs; i++)
		fprintf(file, "%lu\n", i);
	if (!file || fclose(file) != 0)
		stress_wrong("the inputs cannot be written");
}

/* tests/stress/job, which lies beside us. */
static void job_path(char path[PATH_MOST])
{
	const ssize_t size = readlink("/proc/self/exe", path, PATH_MOST - 8);
	char *slash;

	path[size > 0 ? size : 0] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash ? slash + 1 : path, "job");
}

_Noreturn static void be_map(const struct maps *maps)
{
	char log[PATH_MOST], inputs[PATH_MOST], effects[PATH_MOST], results[PATH_MOST], temporary[PATH_MOST], errors[PATH_MOST], job[PATH_MOST];
	char at_once[32], us[32];
	const char *argv[20] = { "brood", "map", "-j", at_once, "--resume", "--log", log, "-a", inputs };
	size_t count = 9;

	job_path(job);
	snprintf(at_once, sizeof at_once, "%u", maps->at_once);
	snprintf(us, sizeof us, "%u", maps->job_us);
	stress_path(log, "set/log");
	stress_path(inputs, "set/inputs");
	setenv("TMPDIR", stress_path(temporary, "set/tmp"), 1);
	if (maps->results) {
		argv[count++] = "--results";
		argv[count++] = stress_path(results, "set/results");
	}
	argv[count++] = "--";
	argv[count++] = job;
	argv[count++] = stress_path(effects, "set/effects");
	argv[count++] = "{}";
	argv[count++] = maps->job_us ? us : NULL;
	dup2(open("/dev/null", O_RDWR), 0);
	dup2(0, 1);
	dup2(open(stress_path(errors, "set/errors"), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
	execv(stress_command(), (char **)(uintptr_t)argv);
	_exit(127);
}

static void clear_orphans(struct run *run)
{
	unsigned long orphans = 0;
	char path[PATH_MOST];
	int64_t ns = 0;

	if (!stress_reap_all(GONE_MS, &orphans, &ns))
		stress_wrong("a job outlives its killed map");
	run->told->orphans += orphans;
	if (ns > run->told->slowest_ns)
		run->told->slowest_ns = ns;
	if (stress_entries(stress_path(path, "set/tmp")) != 0)
		stress_wrong("a file is left in $TMPDIR");
}

/* It ended by itself. True when that was the end. */
static bool judge_end(struct run *run, int status)
{
	char path[PATH_MOST], *words;
	size_t size;
	bool busy;

	if (status == 0)
		return true;
	words = read_file(stress_path(path, "set/errors"), &size);
	busy = words && strstr(words, "in use by");
	run->told->busy += busy;
	if (!busy)
		stress_wrong("brood map ended with status %d: %.300s", status, words ? words : "");
	free(words);
	return !busy;
}

/* True when it ended by itself, well. */
static bool start_and_kill(struct run *run, bool may_live)
{
	int64_t begin = stress_now_ns();
	int status = 0;
	pid_t pid = stress_fork();

	if (pid == 0)
		be_map(run->maps);
	if (!may_live) {
		stress_sleep_ns((int64_t)stress_draw((uint64_t)run->maps->kill_within_ns));
		kill(pid, SIGKILL);
	}
	if (!stress_reap(pid, END_MS, &status)) {
		stress_wrong("brood map is stuck after %.1f s", (double)(stress_now_ns() - begin) / 1e9);
		kill(pid, SIGKILL);
		stress_reap(pid, GONE_MS, &status);
		return true;
	}
	look_at_log(run);
	if (!WIFSIGNALED(status))
		return judge_end(run, status);
	run->told->kills++;
	/* Half of the time it is resumed while its jobs may still be dying. */
	if (stress_draw(2))
		clear_orphans(run);
	return false;
}

void maps_run(const struct maps *maps, struct maps_told *ret)
{
	struct run run = { .maps = maps, .told = ret, .sum = UINT64_C(0xcbf29ce484222325) };
	const unsigned long before = ret->kills;
	char path[PATH_MOST];

	run.ok = calloc(maps->inputs, 1);
	if (!run.ok)
		abort();
	make_set(maps);
	while (!start_and_kill(&run, ret->kills - before >= maps->kills_most))
		;
	clear_orphans(&run);
	look_at_end(&run);
	free(run.ok);
	stress_remove(stress_path(path, "set"));
}
