/* SPDX-License-Identifier: MIT */
/*
 * Which descriptors somebody meant for the commands: those that are open above 2, and not close-on-exec, when the program begins.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "inherited.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* More than anybody hands on with a purpose: each of them costs every start a little. */
enum { INHERITED_MOST = 256, PROBED_MOST = 1024 };

static int numbers[INHERITED_MOST];
static size_t count;

static void remember(int fd)
{
	const int flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFD) : -1;

	/* The listing's own descriptor is close-on-exec. */
	if (flags >= 0 && !(flags & FD_CLOEXEC))
		numbers[count++] = fd;
}

/* A number of the listing; -1 for "." and "..". */
static int number_of(const char *name)
{
	return *name >= '0' && *name <= '9' ? (int)strtol(name, NULL, 10) : -1;
}

/* A listing has its own descriptor; a /proc that is an empty folder has not. */
static bool remember_listed(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	bool whole = false;

	errno = 0;
	while (folder && count < INHERITED_MOST && (entry = readdir(folder))) {
		const int fd = number_of(entry->d_name);

		whole |= fd == dirfd(folder);
		remember(fd);
	}
	whole &= errno == 0;
	if (folder)
		closedir(folder);
	return whole;
}

/* No /proc, or no memory or descriptor for a listing: a command that misses a descriptor would not say why. */
static void remember_probed(void)
{
	count = 0;
	for (int fd = STDERR_FILENO + 1; fd < PROBED_MOST && count < INHERITED_MOST; fd++)
		remember(fd);
}

void inherited_remember(void)
{
	if (!remember_listed())
		remember_probed();
}

void inherited_direct(brood_command *cmd)
{
	for (size_t i = 0; i < count; i++)
		brood_command_redirect_fd(cmd, numbers[i], numbers[i]);
}
