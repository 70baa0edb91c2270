/* SPDX-License-Identifier: MIT */
/* What the suites about starting share: files, directories and programs in the directory of the test. */
#ifndef SUITES_FILES_H
#define SUITES_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/support.h"

#include <brood.h>

/* The path of `name`; eight calls later its place is used again. */
static inline const char *path_of(const char *name)
{
	static char path[8][4096];
	static unsigned int at;

	return support_path(path[at++ % 8], sizeof path[0], name);
}

static inline void make_directory(const char *name)
{
	assert_int_equal(mkdir(path_of(name), 0755), 0);
}

static inline void make_file(const char *name, const char *text, mode_t mode)
{
	support_write_text(path_of(name), text);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

/* A program that is the helper under another name. */
static inline void link_child(const char *name)
{
	assert_int_equal(symlink(support_child(), path_of(name)), 0);
}

static inline void link_child_once(const char *name)
{
	if (access(path_of(name), F_OK) < 0)
		link_child(name);
}

/* A command of the program in argv[0] with PATH set to directories of the test, "a:b" for instance. */
static inline brood_command *with_path(brood_command *cmd, const char *names)
{
	char value[8192] = "";
	char copy[256];

	snprintf(copy, sizeof copy, "%s", names);
	for (char *save, *name = strtok_r(copy, ":", &save); name; name = strtok_r(NULL, ":", &save)) {
		if (value[0])
			strcat(value, ":");
		strcat(value, path_of(name));
	}
	brood_command_setenv(cmd, "PATH", value);
	return cmd;
}

/* Make it with this text, put its path into the buffer of 4096 bytes, and return that. */
static inline char *made(char *buffer, const char *name, const char *text)
{
	support_path(buffer, 4096, name);
	support_write_text(buffer, text);
	return buffer;
}

static inline void assert_file(const char *path, const char *expected)
{
	char *text = support_read_file(path, NULL);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

#endif
