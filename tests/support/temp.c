/* SPDX-License-Identifier: MIT */
/*
 * The test's directory and small files in it. The one static path is the directory of the test that runs now.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "temp.h"

#include "check.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[4096];

const char *support_tempdir(void)
{
	const char *base = getenv("TMPDIR");
	char path[4096];

	if (*directory)
		return directory;
	if (!base || *base != '/')
		base = "/tmp";
	if (snprintf(path, sizeof(path), "%s/brood-test-XXXXXX", base) >= (int)sizeof(path))
		fail_msg("TMPDIR is too long");
	if (!mkdtemp(path))
		fail_msg("mkdtemp %s: %s", path, strerror(errno));
	strcpy(directory, path);
	return directory;
}

char *support_path(char *buffer, size_t size, const char *name)
{
	int n = snprintf(buffer, size, "%s/%s", support_tempdir(), name);

	if (n < 0 || (size_t)n >= size)
		fail_msg("the buffer is too small for the path of %s", name);
	return buffer;
}

void support_write_file(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	support_write_all(fd, bytes, size);
	close(fd);
}

void support_write_text(const char *path, const char *text)
{
	support_write_file(path, text, strlen(text));
}

char *support_read_file(const char *path, size_t *ret_size)
{
	char *text;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	text = support_read_all(fd, ret_size);
	close(fd);
	return text;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	if (remove(path) < 0)
		print_error("cannot remove %s: %s\n", path, strerror(errno));
	return 0;
}

/* A directory that the test made unreadable is opened up first, or what is in it would stay. */
static int open_up(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)at;
	if ((type == FTW_D || type == FTW_DNR) && (st->st_mode & 0700) != 0700)
		chmod(path, 0700);
	return 0;
}

void support_tempdir_remove(void)
{
	if (!*directory)
		return;
	nftw(directory, open_up, 16, FTW_PHYS);
	nftw(directory, remove_entry, 16, FTW_PHYS | FTW_DEPTH);
	*directory = '\0';
}

void support_tempdir_forget(void)
{
	*directory = '\0';
}
