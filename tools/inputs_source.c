/* SPDX-License-Identifier: MIT */
/*
 * One source of lines. A block is read when no whole line is left of the one before; a line longer than the room there is doubles it, and no byte
 * is searched twice. Bytes are bytes: a carriage return stays.
 *
 * What cannot be read is an error with the file's name, and so is a regular file that has become shorter: jobs that were promised would be
 * missing. One poll(2) says "ready", and the read takes it: should somebody else who shares the pipe be quicker, the read waits for what comes next.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "inputs_source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024 };

static int fail(const struct source *source, int error, char **ret_why)
{
	if (asprintf(ret_why, "%s: %s", source->name, strerror(-error)) < 0)
		*ret_why = NULL;
	return error;
}

/* ---- opening ---- */

static int open_path(struct source *source, const char *path)
{
	if (asprintf(&source->name, "'%s'", path) < 0) {
		source->name = NULL;
		return -ENOMEM;
	}
	source->own = true;
	/* O_NONBLOCK, on an open file of our own: a FIFO that nobody writes to yet must not hold up the start. */
	source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return source->fd < 0 ? -errno : 0;
}

static int open_stdin(struct source *source)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);

	source->name = strdup("standard input");
	if (!source->name)
		return -ENOMEM;
	source->fd = STDIN_FILENO;
	if (flags < 0)
		return -errno;
	return (flags & O_ACCMODE) == O_WRONLY ? -EBADF : 0;
}

/* A folder can be opened and not read; it is refused before a job of another file has run. */
static int look_at(struct source *source)
{
	struct stat st;

	if (fstat(source->fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return 0;
	source->first = lseek(source->fd, 0, SEEK_CUR);
	source->size = st.st_size;
	source->regular = source->first >= 0;
	return 0;
}

int source_open(struct source *source, const char *path, bool null_separated, char **ret_why)
{
	int r;

	*source = (struct source){ .fd = -1, .number = 1, .separator = null_separated ? '\0' : '\n' };
	*ret_why = NULL;
	r = strcmp(path, "-") == 0 ? open_stdin(source) : open_path(source, path);
	if (r == 0)
		r = look_at(source);
	return r < 0 && source->name ? fail(source, r, ret_why) : r;
}

/* ---- reading ---- */

/* Is there something to read, or the end? FIFOs that had no writer yet say no here, where read(2) would say "end". */
static int is_ready(const struct source *source)
{
	struct pollfd pollfd = { .fd = source->fd, .events = POLLIN };
	int r;

	if (source->regular)
		return 0;
	r = poll(&pollfd, 1, 0);
	if (r < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (r == 0)
		return -EAGAIN;
	return pollfd.revents & POLLNVAL ? -EBADF : 0;
}

/* Room for a block behind what is there. */
static int make_room(struct source *source)
{
	size_t used = source->end - source->start;
	char *bytes;

	if (source->start > 0) {
		assert(source->bytes);
		memmove(source->bytes, source->bytes + source->start, used);
		source->seen -= source->start;
		source->start = 0;
		source->end = used;
	}
	if (source->room - used >= BLOCK)
		return 0;
	bytes = realloc(source->bytes, source->room * 2 + BLOCK);
	if (!bytes)
		return -ENOMEM;
	source->bytes = bytes;
	source->room = source->room * 2 + BLOCK;
	return 0;
}

static int check_whole(const struct source *source, char **ret_why)
{
	struct stat st;

	if (!source->regular || fstat(source->fd, &st) < 0 || st.st_size >= source->size)
		return 0;
	if (asprintf(ret_why, "%s: became shorter while it was read", source->name) < 0)
		*ret_why = NULL;
	return -EIO;
}

/* 0: there are more bytes, or it has ended. */
static int fill(struct source *source, size_t *budget, char **ret_why)
{
	ssize_t got;
	int r;

	if (*budget < BLOCK)
		return -EAGAIN;
	r = is_ready(source);
	if (r == 0)
		r = make_room(source);
	if (r < 0)
		return r == -EAGAIN ? r : fail(source, r, ret_why);
	do
		got = read(source->fd, source->bytes + source->end, BLOCK);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? -EAGAIN : fail(source, -errno, ret_why);
	*budget -= BLOCK;
	source->end += (size_t)got;
	source->ended = got == 0;
	return source->ended ? check_whole(source, ret_why) : 0;
}

/* A program's argument cannot hold a NUL. Found as soon as it is read: what comes from /dev/zero has no end of line. */
static int refuse_nul(const struct source *source, char **ret_why)
{
	if (asprintf(ret_why, "%s, line %" PRIu64 ": a NUL byte (-0 reads inputs that end in one)", source->name, source->number) < 0)
		*ret_why = NULL;
	return -EINVAL;
}

/* 1 and the line; 0 when what was read holds no whole one. */
static int take_line(struct source *source, char **ret_line, char **ret_why)
{
	char *from = source->bytes + source->seen, *line = source->bytes + source->start;
	char *separator = source->end > source->seen ? memchr(from, source->separator, source->end - source->seen) : NULL;
	char *to = separator ? separator : source->bytes + source->end;
	size_t size;

	if (source->start == source->end)
		return 0;
	if (source->separator != '\0' && to > from && memchr(from, '\0', (size_t)(to - from)))
		return refuse_nul(source, ret_why);
	source->seen = (size_t)(to - source->bytes);
	if (!separator && !source->ended)
		return 0;

	size = (size_t)(to - line);
	*ret_line = malloc(size + 1);
	if (!*ret_line)
		return fail(source, -ENOMEM, ret_why);
	memcpy(*ret_line, line, size);
	(*ret_line)[size] = '\0';
	source->seen += separator != NULL;
	source->start = source->seen;
	source->number++;
	return 1;
}

static void drop_bytes(struct source *source)
{
	free(source->bytes);
	source->bytes = NULL;
	source->room = source->start = source->seen = source->end = 0;
}

int source_next(struct source *source, size_t *budget, char **ret_line, char **ret_why)
{
	int r;

	*ret_why = NULL;
	for (;;) {
		r = source->bytes ? take_line(source, ret_line, ret_why) : 0;
		if (r == 0 && source->ended)
			drop_bytes(source);
		if (r != 0 || source->ended)
			return r;
		r = fill(source, budget, ret_why);
		if (r < 0)
			return r;
	}
}

/* ---- counting ---- */

static uint64_t count_bytes(const char *bytes, size_t size, char wanted)
{
	const char *end = bytes + size;
	uint64_t count = 0;

	while (bytes < end && (bytes = memchr(bytes, wanted, (size_t)(end - bytes)))) {
		count++;
		bytes++;
	}
	return count;
}

bool source_count(const struct source *source, uint64_t *budget, uint64_t *ret_count)
{
	char *block = source->regular ? malloc(BLOCK) : NULL, last = source->separator;
	off_t at = source->first;
	uint64_t count = 0;
	ssize_t got = -1;

	while (block && *budget >= BLOCK) {
		got = pread(source->fd, block, BLOCK, at);
		if (got <= 0)
			break;
		count += count_bytes(block, (size_t)got, source->separator);
		last = block[got - 1];
		at += got;
		*budget -= (uint64_t)got;
	}
	free(block);
	*ret_count = count + (last != source->separator);
	return got == 0;
}

void source_done(struct source *source)
{
	if (source->own && source->fd >= 0)
		close(source->fd);
	free(source->bytes);
	free(source->name);
	*source = (struct source){ .fd = -1 };
}
