/* SPDX-License-Identifier: MIT */
/*
 * Nothing is looked at by its name twice: the folder is held by a descriptor, the link by another, and what is followed is the text of that link,
 * whatever lies under the name by then.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "openfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Anybody may make a link to anything; these could have written to the file, or to the folder, without one. */
static bool is_trusted(const struct stat *link, const struct stat *folder)
{
	return link->st_uid == geteuid() || link->st_uid == 0 || link->st_uid == folder->st_uid;
}

/* /dev/stdout leads to one of these. They have no text that could be opened ("pipe:[4711]"), and nobody can put another in their place. */
static bool is_of_proc(int link)
{
	struct statfs info;

	return fstatfs(link, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

static int open_target(int folder, const char *name, int link, int flags, mode_t mode)
{
	char target[PATH_MAX];
	ssize_t size;
	int fd;

	if (is_of_proc(link)) {
		fd = openat(folder, name, flags, mode);
		return fd < 0 ? -errno : fd;
	}
	size = readlinkat(link, "", target, sizeof(target) - 1);
	if (size < 0)
		return -errno;
	target[size] = '\0';
	fd = openat(folder, target, flags, mode);
	return fd < 0 ? -errno : fd;
}

/* What is there was no file. `error` is what opening it said, for where it is no link either. */
static int follow(int folder, const char *name, int flags, mode_t mode, int error)
{
	int link = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat about_link, about_folder;
	int r;

	if (link < 0)
		return error;
	if (fstat(link, &about_link) < 0 || fstat(folder, &about_folder) < 0)
		r = -errno;
	else if (!S_ISLNK(about_link.st_mode))
		r = error;
	else if (!is_trusted(&about_link, &about_folder))
		r = -EACCES;
	else
		r = open_target(folder, name, link, flags, mode);
	close(link);
	return r;
}

static int open_in(int folder, const char *name, int flags, mode_t mode)
{
	int fd = openat(folder, name, flags | O_NOFOLLOW, mode);

	if (fd >= 0)
		return fd;
	/* ENOTDIR: a link that should have been a folder. */
	return errno == ELOOP || errno == ENOTDIR ? follow(folder, name, flags, mode, -errno) : -errno;
}

/* The path's own copy is cut in two. "" and "a/" have no name at the end, and open(2) knows what to say about them. */
static int open_copy(char *path, int flags, mode_t mode)
{
	char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	int folder, fd;

	if (*name == '\0') {
		fd = open(path, flags, mode);
		return fd < 0 ? -errno : fd;
	}
	if (slash)
		*slash = '\0';
	folder = open(!slash ? "." : slash == path ? "/" : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	fd = open_in(folder, name, flags, mode);
	close(folder);
	return fd;
}

int openfile(const char *path, int flags, mode_t mode)
{
	char *copy = strdup(path);
	int fd;

	if (!copy)
		return -ENOMEM;
	for (size_t size = strlen(copy); (flags & O_DIRECTORY) && size > 1 && copy[size - 1] == '/'; size--)
		copy[size - 1] = '\0';
	fd = open_copy(copy, flags | O_CLOEXEC, mode);
	free(copy);
	return fd;
}
