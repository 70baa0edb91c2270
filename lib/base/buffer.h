/* SPDX-License-Identifier: MIT */
/*
 * A growing run of bytes that is read into: what captures and line readers keep.
 *
 * Small contents live in one 64 KiB malloc. At the first time that is full the bytes move to an anonymous mapping of 4 MiB on huge
 * pages (MADV_HUGEPAGE), which is doubled by mremap and so never copied: the memory in use is the output and at most 4 MiB, never
 * twice the output. On request (a byte budget is spent) the bytes move to a memfd mapping and grow there.
 * Where mremap or memfds are missing, realloc does the same slower.
 *
 * An all-zero buffer is an empty one. Not thread-safe.
 */
#ifndef BROOD_BASE_BUFFER_H
#define BROOD_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

enum { BUFFER_SMALL = 64 << 10, BUFFER_MAPPED = 4 << 20 };

/* The largest packet of a pipe whose writer set O_DIRECT (`dd oflag=direct`): of one that a read has no room for, the rest is gone. */
enum { BUFFER_PACKET = 4096 };

enum buffer_store { BUFFER_HEAP, BUFFER_PAGES, BUFFER_MEMFD };

struct buffer {
	char *data;
	size_t size;            /* bytes kept */
	size_t capacity;        /* bytes that fit, one more for the NUL is always there */
	enum buffer_store store;
	int memfd;              /* with BUFFER_MEMFD, else 0 and unused */
};

/*
 * Room for at least BUFFER_PACKET more bytes: *ret_at is where to put it, *ret_room how many fit without growing again. 0, -ENOMEM (or the errno of a
 * memfd that cannot grow): the contents stay as they were.
 */
int buffer_room(struct buffer *buffer, char **ret_at, size_t *ret_room);

/* `size` bytes have been put there. */
void buffer_commit(struct buffer *buffer, size_t size);

/* Append a copy. 0, or -ENOMEM or the memfd's errno (nothing appended). */
int buffer_append(struct buffer *buffer, const void *bytes, size_t size);

/* Drop the first `size` bytes; the rest moves to the front. */
void buffer_consume(struct buffer *buffer, size_t size);

/* The contents followed by a NUL; never NULL (a static empty string for a buffer that never held anything). */
const char *buffer_text(const struct buffer *buffer);

/* Give back what growing over-allocated, once no more is coming. Never fails. */
void buffer_trim(struct buffer *buffer);

/*
 * Move the contents to a memfd. 0, or -errno with the contents where they were: -EFBIG where RLIMIT_FSIZE is smaller (passing it would kill the
 * host by SIGXFSZ), -ENOTSUP where there are no memfds. Done already: 0. At no time is more than 4 MiB held twice.
 */
int buffer_spill(struct buffer *buffer);

/* Bytes of ordinary memory that the contents take, in whole huge pages once they are large; 0 when spilled. */
size_t buffer_memory(const struct buffer *buffer);

/* Free the contents; the buffer is empty again. */
void buffer_done(struct buffer *buffer);

#endif
