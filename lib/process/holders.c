/* SPDX-License-Identifier: MIT */
/*
 * Who holds a pipe whose writers should all be gone? /proc tells, as far as it may be read: one pass over all descriptors of all processes, made
 * only when captures are given up.
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

enum { HOLDERS_MAX = 64 };

/* What /proc shows of a pipe: "pipe:[NUMBER]". */
static bool is_held_here(const brood_process *process, const char *target)
{
	for (size_t i = 0; i < process->channel_count; i++) {
		const struct channel *channel = &process->channels[i];
		struct stat ours;
		char name[40];

		if (channel->kind != CHANNEL_CAPTURE || channel->watch.fd < 0 || fstat(channel->watch.fd, &ours) < 0)
			continue;
		snprintf(name, sizeof name, "pipe:[%llu]", (unsigned long long)ours.st_ino);
		if (strcmp(name, target) == 0)
			return true;
	}
	return false;
}

/*
 * The link's own permissions tell how it is open; our end of the same pipe only reads. What it leads to is read and not visited: stat on a file of a
 * file server that is gone never comes back.
 */
static bool holds(const brood_process *process, const char *pid)
{
	char path[300];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		struct stat link;
		char target[64];
		ssize_t size;

		snprintf(path, sizeof path, "/proc/%.20s/fd/%.20s", pid, entry->d_name);
		size = readlink(path, target, sizeof target - 1);
		target[size > 0 ? size : 0] = '\0';
		found = is_held_here(process, target) && lstat(path, &link) == 0 && (link.st_mode & S_IWUSR);
	}
	if (dir)
		closedir(dir);
	return found;
}

void find_holders(brood_process *process)
{
	brood_result *result = process->result;
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		return;
	free(result->holders);
	result->holder_count = 0;
	result->holders = calloc(HOLDERS_MAX, sizeof *result->holders);
	while (result->holders && result->holder_count < HOLDERS_MAX && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]) && holds(process, entry->d_name))
			result->holders[result->holder_count++] = (pid_t)atol(entry->d_name);
	closedir(proc);
	if (result->holder_count == 0) {
		free(result->holders);
		result->holders = NULL;
	}
}
