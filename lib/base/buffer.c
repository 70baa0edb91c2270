/* SPDX-License-Identifier: MIT */
/*
 * A growing run of bytes.
 *
 * One invariant: the store behind `data` is capacity + 1 bytes long, in each of its three forms, so that the NUL of buffer_text always has
 * its place. Every growth leaves the contents as they were when it fails.
 *
 * The memory promise (the output and at most 4 MiB) shapes the rest. Pages are reserved twice as many as needed but cost
 * nothing until written. A memfd's pages must be allocated before use, or a write when memory is out is SIGBUS in the host instead of an
 * error; so it grows in steps of 4 MiB, and spilling moves piece by piece and gives back each piece at once.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "base/buffer.h"

#include "base/fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(MREMAP_MAYMOVE) && defined(HAVE_MEMFD_CREATE) && defined(BROOD_LINUX_FAST_PATH)
#if BROOD_LINUX_FAST_PATH
#define BUFFER_REMAPS 1
#endif
#endif

/* Linux 6.3; older ones say EINVAL. Headers may be older than the kernel. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum { HUGE_PAGE = 2 << 20 };

/* `size` rounded up to a multiple of `unit` (a power of two). Callers keep `size` below PTRDIFF_MAX. */
static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) & ~(unit - 1);
}

static size_t store_size(const struct buffer *buffer)
{
	return buffer->data ? buffer->capacity + 1 : 0;
}

static void store_set(struct buffer *buffer, char *data, size_t size, enum buffer_store store)
{
	buffer->data = data;
	buffer->capacity = size - 1;
	buffer->store = store;
}

static int heap_resize(struct buffer *buffer, size_t size)
{
	char *data = realloc(buffer->data, size);

	if (!data)
		return -ENOMEM;
	store_set(buffer, data, size, BUFFER_HEAP);
	return 0;
}

#ifdef BUFFER_REMAPS

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static int remap(struct buffer *buffer, size_t size)
{
	void *data = mremap(buffer->data, store_size(buffer), size, MREMAP_MAYMOVE);

	if (data == MAP_FAILED)
		return -errno;
	store_set(buffer, data, size, buffer->store);
	return 0;
}

/* ---- pages ------------------------------------------------------------------------------------------------------ */

/* From the small malloc to pages: the only time that contents are copied, and those are 64 KiB at the most. */
static int pages_enter(struct buffer *buffer, size_t size)
{
	char *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (data == MAP_FAILED)
		return -ENOMEM;
#ifdef MADV_HUGEPAGE
	madvise(data, size, MADV_HUGEPAGE);
#endif
	if (buffer->size)
		memcpy(data, buffer->data, buffer->size);
	free(buffer->data);
	store_set(buffer, data, size, BUFFER_PAGES);
	return 0;
}

/* Twice as many; where that is refused (RLIMIT_AS, strict overcommit) what is needed may still be there. */
static int pages_grow(struct buffer *buffer, size_t size)
{
	size_t twice = 2 * store_size(buffer);

	if (twice > size && remap(buffer, twice) == 0)
		return 0;
	return remap(buffer, size) < 0 ? -ENOMEM : 0;
}

/* ---- memfd ------------------------------------------------------------------------------------------------------ */

static int memfd_new(void)
{
	int fd = memfd_create("brood-output", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("brood-output", MFD_CLOEXEC);
	return fd < 0 ? -errno : fd_raise(fd);
}

/* A host under RLIMIT_FSIZE would be killed by SIGXFSZ where the file passes it. */
static int memfd_may_be(size_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur)
		return -EFBIG;
	return 0;
}

/*
 * Allocate [from, to) for good. A signal undoes the call that it interrupts (EINTR), so under a fast timer a large
 * piece might never be done: pieces are halved until they fit between two signals.
 */
static int memfd_allocate(int fd, size_t from, size_t to)
{
	size_t step = BUFFER_MAPPED;

	while (from < to) {
		size_t piece = to - from < step ? to - from : step;

		if (fallocate(fd, 0, (off_t)from, (off_t)piece) == 0)
			from += piece;
		else if (errno != EINTR)
			return -errno;
		else if (step > page_size())
			step /= 2;
	}
	return 0;
}

/* Where this fails the pages stay with the memfd until it is closed; growing finds them there. */
static void memfd_cut(int fd, size_t size)
{
	int r;

	do
		r = ftruncate(fd, (off_t)size);
	while (r < 0 && errno == EINTR);
}

static int memfd_grow(struct buffer *buffer, size_t size)
{
	size_t before = store_size(buffer);
	int r;

	r = memfd_may_be(size);
	if (r < 0)
		return r;
	r = memfd_allocate(buffer->memfd, before, size);
	if (r == 0)
		r = remap(buffer, size);
	if (r < 0)
		memfd_cut(buffer->memfd, before);
	return r;
}

/*
 * Into the mapping piece by piece; what has been copied is given back at once, or both copies would be held at one time. Pieces are
 * huge pages: less of one is not really given back.
 */
static int pieces_move(const struct buffer *buffer, char *map, int fd, size_t *ret_moved)
{
	size_t piece;
	int r;

	for (size_t at = 0; at < buffer->size; at += piece) {
		piece = buffer->size - at < HUGE_PAGE ? buffer->size - at : HUGE_PAGE;
		r = memfd_allocate(fd, at, at + piece);
		if (r < 0)
			return r;
		memcpy(map + at, buffer->data + at, piece);
		if (buffer->store == BUFFER_PAGES)
			madvise(buffer->data + at, piece, MADV_DONTNEED);
		*ret_moved = at + piece;
	}
	return 0;
}

/* Memory ended half-way: the pieces go back where they were. */
static void pieces_return(const struct buffer *buffer, const char *map, int fd, size_t moved)
{
	size_t piece;

	for (size_t at = 0; at < moved; at += piece) {
		piece = moved - at < HUGE_PAGE ? moved - at : HUGE_PAGE;
		memcpy(buffer->data + at, map + at, piece);
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)piece);
	}
}

/* A memfd of that many bytes, none of them allocated, and its mapping. */
static int memfd_map(size_t size, int *ret_fd, char **ret_map)
{
	int fd = -1, r;
	void *map;

	r = memfd_may_be(size);
	if (r < 0)
		return r;
	r = fd = memfd_new();
	if (r < 0)
		return r;
	map = ftruncate(fd, (off_t)size) < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		r = -errno;
		fd_close(&fd);
		return r;
	}
	*ret_fd = fd;
	*ret_map = map;
	return 0;
}

int buffer_spill(struct buffer *buffer)
{
	size_t size = round_up(buffer->size + 1, BUFFER_MAPPED), kept = buffer->size, moved = 0;
	char *map = NULL;
	int fd = -1, r;

	if (buffer->store == BUFFER_MEMFD)
		return 0;
	r = memfd_map(size, &fd, &map);
	if (r < 0)
		return r;
	assert(map);

	r = pieces_move(buffer, map, fd, &moved);
	if (r == 0)
		r = memfd_allocate(fd, kept, size);
	if (r < 0) {
		pieces_return(buffer, map, fd, moved);
		munmap(map, size);
		fd_close(&fd);
		return r;
	}

	buffer_done(buffer);
	store_set(buffer, map, size, BUFFER_MEMFD);
	buffer->size = kept;
	buffer->memfd = fd;
	return 0;
}

static void store_free(struct buffer *buffer)
{
	if (buffer->store == BUFFER_HEAP) {
		free(buffer->data);
		return;
	}
	munmap(buffer->data, store_size(buffer));
	if (buffer->store == BUFFER_MEMFD)
		fd_close(&buffer->memfd);
}

/* Make the store hold `size` bytes (the NUL among them). */
static int grow_to(struct buffer *buffer, size_t size)
{
	size_t rounded = round_up(size, BUFFER_MAPPED);

	if (buffer->store == BUFFER_HEAP && size <= BUFFER_SMALL)
		return heap_resize(buffer, BUFFER_SMALL);
	switch (buffer->store) {
	case BUFFER_HEAP:
		return pages_enter(buffer, rounded);
	case BUFFER_PAGES:
		return pages_grow(buffer, rounded);
	case BUFFER_MEMFD:
		return memfd_grow(buffer, rounded);
	}
	return -EINVAL;
}

static void shrink_mapped(struct buffer *buffer)
{
	size_t size = round_up(buffer->size + 1, page_size());

	if (size >= store_size(buffer) || remap(buffer, size) < 0)
		return;
	if (buffer->store == BUFFER_MEMFD)
		memfd_cut(buffer->memfd, size);
}

#else

static void store_free(struct buffer *buffer)
{
	free(buffer->data);
}

static int grow_to(struct buffer *buffer, size_t size)
{
	size_t twice = 2 * store_size(buffer);

	if (size <= BUFFER_SMALL)
		return heap_resize(buffer, BUFFER_SMALL);
	if (twice > size && heap_resize(buffer, twice) == 0)
		return 0;
	return heap_resize(buffer, size);
}

static void shrink_mapped(struct buffer *buffer)
{
	(void)buffer;
}

int buffer_spill(struct buffer *buffer)
{
	(void)buffer;
	return -ENOTSUP;
}

#endif

/* ---- what callers use ------------------------------------------------------------------------------------------- */

/* Room for `more` bytes and the NUL. No object is larger than PTRDIFF_MAX, so that what follows cannot wrap. */
static int reserve(struct buffer *buffer, size_t more)
{
	size_t needed;

	if (more >= PTRDIFF_MAX - buffer->size)
		return -ENOMEM;
	needed = buffer->size + more + 1;
	if (needed <= store_size(buffer))
		return 0;
	return grow_to(buffer, needed);
}

int buffer_room(struct buffer *buffer, char **ret_at, size_t *ret_room)
{
	int r = reserve(buffer, BUFFER_PACKET);

	if (r < 0)
		return r;
	*ret_at = buffer->data + buffer->size;
	*ret_room = buffer->capacity - buffer->size;
	return 0;
}

void buffer_commit(struct buffer *buffer, size_t size)
{
	assert(size <= buffer->capacity - buffer->size);
	buffer->size += size;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
	int r;

	if (size == 0)
		return 0;
	r = reserve(buffer, size);
	if (r < 0)
		return r;
	memcpy(buffer->data + buffer->size, bytes, size);
	buffer->size += size;
	return 0;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
	assert(size <= buffer->size);
	if (size == 0)
		return;
	buffer->size -= size;
	memmove(buffer->data, buffer->data + size, buffer->size);
}

const char *buffer_text(const struct buffer *buffer)
{
	if (!buffer->data)
		return "";
	buffer->data[buffer->size] = '\0';
	return buffer->data;
}

void buffer_trim(struct buffer *buffer)
{
	if (!buffer->data)
		return;
	if (buffer->store != BUFFER_HEAP)
		shrink_mapped(buffer);
	else if (buffer->size < buffer->capacity / 2)
		heap_resize(buffer, buffer->size + 1);
}

/*
 * What has been written to, and not what is reserved: ten thousand buffers that hold a line each have 64 KiB of addresses
 * each, of which the kernel has given a page.
 */
size_t buffer_memory(const struct buffer *buffer)
{
	size_t used;

	if (buffer->store == BUFFER_MEMFD)
		return 0;
	if (buffer->store == BUFFER_HEAP)
		return buffer->size;
	used = round_up(buffer->size, HUGE_PAGE);
	return used < store_size(buffer) ? used : store_size(buffer);
}

void buffer_done(struct buffer *buffer)
{
	if (!buffer)
		return;
	if (buffer->data)
		store_free(buffer);
	*buffer = (struct buffer){ 0 };
}
