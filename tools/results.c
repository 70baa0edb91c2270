/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "results.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openfile.h"
#include "whole.h"

/* Of the input, in the name of a folder: NAME_MAX is 255, and people look at it. */
enum { INPUT_MOST = 100 };

struct results {
	int fd;
};

/* ---- the folder of all ---- */

/* 1, 0 or -errno. */
static int is_empty(int folder)
{
	const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	int empty = 1;

	if (!stream) {
		const int r = -errno;

		if (fd >= 0)
			close(fd);
		return r;
	}
	while (empty && (entry = readdir(stream)))
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	closedir(stream);
	return empty;
}

/* The folder that the user named may be a link: that is theirs to say, but nobody else's. */
static int open_folder(const char *path)
{
	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return -errno;
	return openfile(path, O_RDONLY | O_DIRECTORY, 0);
}

static int why(char **ret_why, int error, const char *path, const char *text)
{
	if (asprintf(ret_why, "--results: '%s': %s", path, text) < 0) {
		*ret_why = NULL;
		return -ENOMEM;
	}
	return error;
}

int results_new(const char *path, bool resume, struct results **ret_results, char **ret_why)
{
	struct results *results = NULL;
	const int fd = open_folder(path);
	int r;

	if (fd < 0)
		return why(ret_why, fd, path, strerror(-fd));
	r = resume ? 1 : is_empty(fd);
	if (r == 0) {
		r = why(ret_why, -ENOTEMPTY, path, "there is something in it already; an empty or a new one is needed, or --resume");
	} else if (r < 0) {
		r = why(ret_why, r, path, strerror(-r));
	} else if (!(results = malloc(sizeof *results))) {
		*ret_why = NULL;
		r = -ENOMEM;
	} else {
		results->fd = fd;
		*ret_results = results;
		return 0;
	}
	close(fd);
	return r;
}

void results_free(struct results *results_take)
{
	if (!results_take)
		return;
	close(results_take->fd);
	free(results_take);
}

/* ---- names ---- */

static bool is_awkward(unsigned char byte)
{
	return byte < 0x20 || byte == 0x7f || byte == '/' || byte == '%';
}

static bool continues_a_character(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

const char *results_name(uint64_t number, const char *input, char name[RESULTS_NAME])
{
	size_t size = (size_t)snprintf(name, RESULTS_NAME, "%" PRIu64 "-", number);
	const size_t most = size + INPUT_MOST;
	const unsigned char *at = (const unsigned char *)input;

	for (; *at; at++) {
		if (size + (is_awkward(*at) ? 3 : 1) > most)
			break;
		if (is_awkward(*at))
			size += (size_t)snprintf(name + size, RESULTS_NAME - size, "%%%02X", *at);
		else
			name[size++] = (char)*at;
	}
	/* Cut within a character: what there is of it goes too. Four bytes are the longest there are; other bytes are no text anyway. */
	for (int i = 0; i < 4 && continues_a_character(*at) && (unsigned char)name[size - 1] >= 0x80; i++) {
		const bool first = (unsigned char)name[size - 1] >= 0xc0;

		size--;
		if (first)
			break;
	}
	name[size] = '\0';
	return name;
}

/* ---- a job's ---- */

int results_open(const struct results *results, uint64_t number, const char *input)
{
	char name[RESULTS_NAME];
	int fd;

	results_name(number, input, name);
	if (mkdirat(results->fd, name, 0777) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(results->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int results_file(int folder, const char *name)
{
	int fd;

	if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	return fd < 0 ? -errno : fd;
}

int results_write(const struct results *results, uint64_t number, const char *input, const char *name, const char *bytes, size_t size)
{
	const int folder = results_open(results, number, input);
	int fd, r;

	if (folder < 0)
		return folder;
	fd = results_file(folder, name);
	r = fd < 0 ? fd : write_whole(fd, bytes, size);
	if (fd >= 0 && close(fd) < 0 && r == 0)
		r = -errno;
	close(folder);
	return r;
}
