/* SPDX-License-Identifier: MIT */
/*
 * Which descriptors somebody meant for the commands: those that are open above 2, and not close-on-exec, when the program begins.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "inherited.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* More than anybody hands on with a purpose: each of them costs every start a little. */
enum { INHERITED_MOST = 256 };

static int numbers[INHERITED_MOST];
static size_t count;

/* A number of the listing; -1 for "." and "..". */
static int number_of(const char *name)
{
	return *name >= '0' && *name <= '9' ? (int)strtol(name, NULL, 10) : -1;
}

void inherited_remember(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (folder && count < INHERITED_MOST && (entry = readdir(folder))) {
		const int fd = number_of(entry->d_name);

		/* The listing's own descriptor is close-on-exec. */
		if (fd > STDERR_FILENO && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			numbers[count++] = fd;
	}
	if (folder)
		closedir(folder);
}

void inherited_direct(brood_command *cmd)
{
	for (size_t i = 0; i < count; i++)
		brood_command_redirect_fd(cmd, numbers[i], numbers[i]);
}
