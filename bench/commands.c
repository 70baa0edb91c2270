/* SPDX-License-Identifier: MIT */
/*
 * Commands that do a job by themselves: what a shell script has. Each is started and awaited with posix_spawn, and that is part of its time.
 *   bash            sh's own pipes, in bash
 *   brood-command   `brood run`, and `brood map -j` (the program that BROOD_COMMAND names)
 *   xargs           xargs -P
 *   parallel        GNU parallel -j
 */
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROOM = 1 << 20, WORDS_MAX = 16, PROOF_JOBS = 100 };

/* A command, its stdin and what it wrote. Its exit code comes back. */
static int run(char *const argv[], int in, struct output *ret)
{
	posix_spawn_file_actions_t actions;
	int ends[2], status;
	char *bytes = malloc(ROOM);
	size_t size = 0;
	pid_t pid;

	if (!bytes || pipe2(ends, O_CLOEXEC) < 0)
		fail("pipe2");
	posix_spawn_file_actions_init(&actions);
	if (in >= 0)
		posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	if (errno)
		fail(argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	for (ssize_t r; (r = read(ends[0], bytes + size, ROOM - size)) > 0; )
		size += (size_t)r;
	close(ends[0]);
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	*ret = (struct output){ .bytes = bytes, .size = size, .keep = bytes };
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void release(struct output *output)
{
	free(output->keep);
}

static char *brood(void)
{
	char *path = getenv("BROOD_COMMAND");

	return path ? path : (char *)(uintptr_t)"brood";
}

/* ---- chains ---- */

static char *joined(char *const *const stages[], size_t count)
{
	static char line[16 << 10];
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		for (char *const *word = stages[i]; *word && used < sizeof line; word++)
			used += (size_t)snprintf(line + used, sizeof line - used, "%s ", *word);
		if (i + 1 < count && used < sizeof line)
			used += (size_t)snprintf(line + used, sizeof line - used, "| ");
	}
	if (used >= sizeof line)
		fail("a line that is too long");
	return line;
}

static int chain_bash(char *const *const stages[], size_t count, struct output *ret)
{
	return run((char *[]){ (char *)(uintptr_t)"bash", (char *)(uintptr_t)"-c", joined(stages, count), NULL }, -1, ret);
}

static int chain_brood(char *const *const stages[], size_t count, struct output *ret)
{
	return run((char *[]){ brood(), (char *)(uintptr_t)"run", joined(stages, count), NULL }, -1, ret);
}

/* ---- so many at a time: a line a job on stdin ---- */

static int lines(size_t count)
{
	int fd = memfd_create("jobs", MFD_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(dup(fd), "w");

	if (!file)
		fail("memfd_create");
	for (size_t i = 0; i < count; i++)
		fprintf(file, "%zu\n", i);
	if (fclose(file) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		fail("memfd");
	return fd;
}

/* The words of the command before those of the job, the job's, and for brood all in one with {} behind. */
static void words_make(const char *name, size_t width, char *const job[], char *ret[WORDS_MAX])
{
	static char number[16], line[4096];
	size_t count = 0;

	snprintf(number, sizeof number, "-%c%zu", name[0] == 'x' ? 'P' : 'j', width);
	ret[count++] = name[0] == 'b' ? brood() : (char *)(uintptr_t)name;
	if (name[0] == 'b')
		ret[count++] = (char *)(uintptr_t)"map";
	ret[count++] = number;
	if (name[0] == 'x')
		ret[count++] = (char *)(uintptr_t)"-n1";
	if (name[0] == 'p')
		ret[count++] = (char *)(uintptr_t)"--will-cite";
	if (name[0] == 'b') {
		snprintf(line, sizeof line, "%s {}", joined(&job, 1));
		ret[count++] = line;
	}
	for (size_t i = 0; name[0] != 'b' && job[i]; i++)
		ret[count++] = job[i];
	ret[count] = NULL;
}

static int jobs(const char *name, char *const job[], size_t count, size_t width, size_t *ret_bytes)
{
	char *words[WORDS_MAX];
	struct output output;
	int in = lines(count), code;

	words_make(name, width, job, words);
	code = run(words, in, &output);
	close(in);
	*ret_bytes = output.size;
	release(&output);
	return code;
}

/* A hundred jobs write a hundred bytes, and one that fails is told. `gen 1 LINE` and `exit 7 LINE` do not look at the line. */
static void prove(const char *name, const char *tiny)
{
	char path[2][512];
	char *gen[] = { path[0], (char *)(uintptr_t)"1", NULL }, *exits[] = { path[1], (char *)(uintptr_t)"7", NULL };
	size_t bytes;

	snprintf(path[0], sizeof path[0], "%s/gen", tiny);
	snprintf(path[1], sizeof path[1], "%s/exit", tiny);
	if (jobs(name, gen, PROOF_JOBS, 2, &bytes) != 0 || bytes < PROOF_JOBS)
		fail("a hundred jobs did not write a hundred bytes");
	if (jobs(name, exits, 1, 2, &bytes) == 0)
		fail("exit 7 was taken for success");
}

static size_t bounded(const char *name, char *const argv[], size_t count, size_t width)
{
	size_t bytes;

	return (size_t)(jobs(name, argv, count, width, &bytes) != 0) + bytes;
}

static void prove_brood(const char *tiny)
{
	prove("brood", tiny);
}

static size_t bounded_brood(char *const argv[], size_t count, size_t width)
{
	return bounded("brood", argv, count, width);
}

static void prove_xargs(const char *tiny)
{
	prove("xargs", tiny);
}

static size_t bounded_xargs(char *const argv[], size_t count, size_t width)
{
	return bounded("xargs", argv, count, width);
}

static void prove_parallel(const char *tiny)
{
	prove("parallel", tiny);
}

static size_t bounded_parallel(char *const argv[], size_t count, size_t width)
{
	return bounded("parallel", argv, count, width);
}

const struct contender contenders[] = {
	{ .name = "bash", .chain = chain_bash, .release = release },
	{ .name = "brood-command", .chain = chain_brood, .bounded = bounded_brood, .prove = prove_brood, .release = release },
	{ .name = "xargs", .bounded = bounded_xargs, .prove = prove_xargs },
	{ .name = "parallel", .bounded = bounded_parallel, .prove = prove_parallel },
	{ .name = NULL },
};
