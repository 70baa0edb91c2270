/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "whole.h"

struct spill {
	int fd;                 /* -1: no block was put yet */
	uint32_t next;          /* the first block that was never used */
	uint32_t *unused;       /* blocks that were released */
	size_t unused_count;
	size_t unused_room;     /* always enough for all that are in use */
};

struct spill *spill_new(void)
{
	struct spill *spill = calloc(1, sizeof *spill);

	if (spill)
		spill->fd = -1;
	return spill;
}

/* ---- the file ---- */

/* Where O_TMPFILE is not known, by the system or by the file system, a name is there for a moment. */
static int open_nameless(const char *folder)
{
	char path[4096];
	int fd;

#ifdef O_TMPFILE
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (fd >= 0)
		return fd;
#endif
	if ((size_t)snprintf(path, sizeof path, "%s/brood-XXXXXX", folder) >= sizeof path)
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

/* Whoever started us with 0, 1 or 2 closed must not find this file there. */
static int above_stdio(int fd)
{
	int high, r;

	if (fd < 0 || fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	r = high < 0 ? -errno : high;
	close(fd);
	return r;
}

static int need_file(struct spill *spill)
{
	const char *folder = getenv("TMPDIR");
	int fd = -ENOENT;

	if (spill->fd >= 0)
		return 0;
	if (folder && *folder)
		fd = above_stdio(open_nameless(folder));
	if (fd < 0)
		fd = above_stdio(open_nameless("/tmp"));
	if (fd < 0)
		return fd;
	spill->fd = fd;
	return 0;
}

static off_t place_of(uint32_t block)
{
	return (off_t)block * SPILL_BLOCK;
}

/* ---- blocks ---- */

/* Giving a block back must not fail for want of memory: its place in the list is there before it is taken. */
static int need_room(struct spill *spill)
{
	const size_t room = spill->unused_room ? 2 * spill->unused_room : 64;
	uint32_t *grown;

	if (spill->next < spill->unused_room)
		return 0;
	if (spill->next == UINT32_MAX)
		return -ENOSPC;
	grown = realloc(spill->unused, room * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	spill->unused = grown;
	spill->unused_room = room;
	return 0;
}

int spill_put(struct spill *spill, const char *bytes, size_t size, uint32_t *ret_block)
{
	uint32_t block;
	int r = need_file(spill);

	if (r == 0 && spill->unused_count == 0)
		r = need_room(spill);
	if (r < 0)
		return r;
	block = spill->unused_count > 0 ? spill->unused[--spill->unused_count] : spill->next++;
	r = write_whole_at(spill->fd, bytes, size, place_of(block));
	if (r < 0) {
		spill_release(spill, block);
		return r;
	}
	*ret_block = block;
	return 0;
}

int spill_get(struct spill *spill, uint32_t block, char *ret_bytes, size_t size)
{
	return read_whole_at(spill->fd, ret_bytes, size, place_of(block));
}

void spill_release(struct spill *spill, uint32_t block)
{
	spill->unused[spill->unused_count++] = block;
	if (spill->unused_count == spill->next) {
		spill->next = 0;
		spill->unused_count = 0;
		/* A disk that is full again keeps what it has: nothing is lost but space. */
		if (ftruncate(spill->fd, 0) == 0)
			return;
	}
#ifdef FALLOC_FL_PUNCH_HOLE
	fallocate(spill->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, place_of(block), SPILL_BLOCK);
#endif
}

void spill_free(struct spill *spill_take)
{
	if (!spill_take)
		return;
	if (spill_take->fd >= 0)
		close(spill_take->fd);
	free(spill_take->unused);
	free(spill_take);
}
