/* SPDX-License-Identifier: MIT */
/*
 * From a program's name and a PATH to the files that the child will try, one after another.
 *
 * Nothing here looks at the disk: whether a file is there and may be executed is what exec itself says, in the child, at
 * the moment when it matters. Parts of PATH that mean the current directory are never searched, however they are spelled:
 * a host that works in somebody else's directory would run what lies there under the name of a common tool.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/lookup.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spawn/sys.h"

/* ---- the parts of a PATH ---- */

enum { SYSTEM_PATH_MAX = 256 };

static const char *path_or_default(const char *path, char system_path[SYSTEM_PATH_MAX])
{
	size_t size;

	if (path)
		return path;
	size = confstr(_CS_PATH, system_path, SYSTEM_PATH_MAX);
	return size > 0 && size <= SYSTEM_PATH_MAX ? system_path : "/bin:/usr/bin";
}

/* "", ".", "./", "././": the current directory. */
static bool part_is_here(const char *part, size_t size)
{
	if (size > 0 && part[0] == '/')
		return false;
	for (size_t i = 0; i < size; i++) {
		if (part[i] != '.' && part[i] != '/')
			return false;
		if (part[i] == '.' && i + 1 < size && part[i + 1] == '.')
			return false;
	}
	return true;
}

/* The next part to search, its size in *ret_size; *path moves behind it. NULL at the end. */
static const char *part_next(const char **path, size_t *ret_size)
{
	while (*path) {
		const char *part = *path;
		const char *colon = strchr(part, ':');

		*ret_size = colon ? (size_t)(colon - part) : strlen(part);
		*path = colon ? colon + 1 : NULL;
		if (!part_is_here(part, *ret_size))
			return part;
	}
	return NULL;
}

/* ---- building the list ---- */

/*
 * Gone through twice, with the same code: first nothing is written and only sizes are counted, then the block is filled.
 * A PATH of a megabyte has half a million parts, so there is no other limit than memory.
 */
struct candidates {
	const char *program;
	size_t program_size;
	const char *base;       /* without its last slashes; NULL where none is wanted */
	size_t base_size;
	char **list;            /* NULL while counting */
	char *at;
	size_t count;
	size_t bytes;
	bool too_large;
};

static void put(struct candidates *all, const char *bytes, size_t size)
{
	if (all->list) {
		memcpy(all->at, bytes, size);
		all->at += size;
	} else if (__builtin_add_overflow(all->bytes, size, &all->bytes)) {
		all->too_large = true;
	}
}

static void put_directory(struct candidates *all, const char *directory, size_t size)
{
	put(all, directory, size);
	if (size == 0 || directory[size - 1] != '/')
		put(all, "/", 1);
}

/* One file: [base/][part/]program. `part` is NULL for a program with a slash. */
static void candidate(struct candidates *all, const char *part, size_t part_size)
{
	const char *start = part ? part : all->program;

	if (all->list)
		all->list[all->count] = all->at;
	if (all->base && start[0] != '/')
		put_directory(all, all->base, all->base_size);
	if (part)
		put_directory(all, part, part_size);
	put(all, all->program, all->program_size + 1);
	all->count++;
}

/* An empty name is no search: it would find each directory itself. exec says what is wrong with it. */
static bool is_searched(const char *program)
{
	return program[0] != '\0' && !strchr(program, '/');
}

static void go_through(struct candidates *all, const char *path)
{
	const char *part;
	size_t size;

	if (!is_searched(all->program)) {
		candidate(all, NULL, 0);
		return;
	}
	while ((part = part_next(&path, &size)))
		candidate(all, part, size);
}

static char **block_new(const struct candidates *all)
{
	size_t size;

	if (all->too_large || __builtin_mul_overflow(all->count + 1, sizeof(char *), &size) ||
	    __builtin_add_overflow(size, all->bytes, &size))
		return NULL;
	return malloc(size);
}

char **lookup_candidates(const char *program, const char *path, const char *base, size_t *ret_count)
{
	struct candidates all = { .program = program, .program_size = strlen(program) };
	char system_path[SYSTEM_PATH_MAX];
	char **list;

	path = path_or_default(path, system_path);
	if (base && program[0] != '\0') {
		all.base = base;
		all.base_size = strlen(base);
	}
	go_through(&all, path);
	list = block_new(&all);
	if (!list)
		return NULL;
	all.list = list;
	all.at = (char *)(list + all.count + 1);
	all.count = 0;
	go_through(&all, path);
	list[all.count] = NULL;
	*ret_count = all.count;
	return list;
}

bool lookup_needs_base(const char *program, const char *path)
{
	char system_path[SYSTEM_PATH_MAX];
	const char *part;
	size_t size;

	if (!is_searched(program))
		return program[0] != '\0' && program[0] != '/';
	path = path_or_default(path, system_path);
	while ((part = part_next(&path, &size))) {
		if (part[0] != '/')
			return true;
	}
	return false;
}

/* ---- in the child, between two tries ---- */

/*
 * Runs in memory shared with the host, so it calls nothing. These errors speak of one place and not of the program: a
 * file server that is gone, a PATH part that is a file, a loop of links, a name too long for that place.
 */
CHILD_SIDE static bool error_is_of_this_place(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES || error == ESTALE || error == ENODEV ||
	       error == ETIMEDOUT || error == ELOOP || error == ENAMETOOLONG;
}

/*
 * What is told in the end: the error that stopped the search; else EACCES if something was there and could not be run; else
 * ENOENT, because "not found" is what happened even where one PATH part was a file; else the first one seen, so that a
 * single candidate keeps its own error.
 */
CHILD_SIDE bool lookup_goes_on(int error, int *found)
{
	if (!error_is_of_this_place(error)) {
		*found = error;
		return false;
	}
	if (*found == 0 || error == EACCES || (error == ENOENT && *found != EACCES))
		*found = error;
	return true;
}
