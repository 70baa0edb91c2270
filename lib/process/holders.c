/* SPDX-License-Identifier: MIT */
/*
 * Who holds a pipe whose writers should all be gone? /proc tells, as far as it may be read: one pass over all descriptors of all processes, made
 * only when captures are given up. Where /proc has other numbers than we, nobody is named: they would be somebody else's.
 *
 * A pass costs as much as there are processes, and each held pipe may be one of a process more. So the members of a batch share what a pass has
 * found: who had the pipe open after the last stage's end is who held it.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/process.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/self.h"

enum { HOLDERS_MAX = 64, HOLDERS_FIRST = 256 };

struct holder {
	ino_t pipe;
	pid_t pid;
};

/* ---- one look at /proc ---- */

static void add(struct holders *holders, ino_t pipe, pid_t pid)
{
	if (holders->count == holders->capacity) {
		const size_t capacity = holders->capacity ? 2 * holders->capacity : HOLDERS_FIRST;
		struct holder *list = realloc(holders->list, capacity * sizeof *list);

		if (!list)
			return;
		holders->list = list;
		holders->capacity = capacity;
	}
	holders->list[holders->count++] = (struct holder){ .pipe = pipe, .pid = pid };
}

/*
 * What /proc shows of a pipe is "pipe:[NUMBER]", and the link's own permissions tell how it is open; our end of the same pipe only reads. What it
 * leads to is read and not visited: stat on a file of a file server that is gone never comes back.
 */
static void look_at_link(struct holders *holders, const char *path, pid_t pid)
{
	static const char before[] = "pipe:[";
	const size_t skipped = sizeof before - 1;
	struct stat link;
	char target[64];
	ssize_t size = readlink(path, target, sizeof target - 1);

	target[size > 0 ? size : 0] = '\0';
	if (strncmp(target, before, skipped) == 0 && lstat(path, &link) == 0 && (link.st_mode & S_IWUSR))
		add(holders, (ino_t)strtoull(target + skipped, NULL, 10), pid);
}

static void look_at_process(struct holders *holders, const char *pid)
{
	char path[300];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof path, "/proc/%.20s/fd/%.20s", pid, entry->d_name);
		look_at_link(holders, path, (pid_t)strtol(pid, NULL, 10));
	}
	if (dir)
		closedir(dir);
}

static void look(struct holders *holders)
{
	struct dirent *entry;
	DIR *proc;

	holders->looked_ns = clock_now_ns();
	holders->count = 0;
	proc = self_knows_proc() ? opendir("/proc") : NULL;
	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at_process(holders, entry->d_name);
	if (proc)
		closedir(proc);
}

/* ---- who of them holds what ---- */

static void name(brood_result *result, pid_t pid)
{
	for (size_t i = 0; i < result->holder_count; i++)
		if (result->holders[i] == pid)
			return;
	if (result->holder_count < HOLDERS_MAX)
		result->holders[result->holder_count++] = pid;
}

static void name_holders_of(brood_result *result, const struct holders *holders, int fd)
{
	struct stat ours;

	if (fstat(fd, &ours) < 0)
		return;
	for (size_t i = 0; i < holders->count; i++)
		if (holders->list[i].pipe == ours.st_ino)
			name(result, holders->list[i].pid);
}

static int64_t last_end_ns(const brood_process *process)
{
	int64_t last_ns = 0;

	for (size_t i = 0; i < process->stage_count; i++)
		if (process->result->stages[i].end_ns > last_ns)
			last_ns = process->result->stages[i].end_ns;
	return last_ns;
}

void find_holders(brood_process *process)
{
	brood_result *result = process->result;
	struct holders own = { .count = 0 };
	struct holders *holders = process->holders ? process->holders : &own;

	free(result->holders);
	result->holder_count = 0;
	result->holders = calloc(HOLDERS_MAX, sizeof *result->holders);
	if (!result->holders)
		return;
	if (holders->looked_ns <= last_end_ns(process))
		look(holders);
	for (size_t i = 0; i < process->channel_count; i++)
		if (process->channels[i].kind == CHANNEL_CAPTURE && process->channels[i].watch.fd >= 0)
			name_holders_of(result, holders, process->channels[i].watch.fd);
	if (result->holder_count == 0) {
		free(result->holders);
		result->holders = NULL;
	}
	holders_done(&own);
}

void holders_done(struct holders *holders)
{
	free(holders->list);
	*holders = (struct holders){ .count = 0 };
}
