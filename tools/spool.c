/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The output of most jobs is a line or two. */
enum { FIRST_ROOM = 256, FIRST_PIECES = 4 };

void spool_init(struct spool *spool, struct spill *spill, size_t memory_most)
{
	*spool = (struct spool){ .spill = spill, .memory_most = memory_most };
}

/* ---- pieces ---- */

static int need_pieces(struct spool *spool, size_t count)
{
	struct spool_piece *grown;
	size_t room = spool->room ? spool->room : FIRST_PIECES;

	if (spool->first > 0 && spool->last + count > spool->room) {
		memmove(spool->pieces, spool->pieces + spool->first, (spool->last - spool->first) * sizeof *spool->pieces);
		spool->last -= spool->first;
		spool->first = 0;
	}
	if (spool->last + count <= spool->room)
		return 0;
	while (room < spool->last + count)
		room *= 2;
	grown = realloc(spool->pieces, room * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	spool->pieces = grown;
	spool->room = room;
	return 0;
}

/* The tail becomes a piece in memory as it is: nothing is copied. */
static int tail_to_memory(struct spool *spool)
{
	int r;

	if (spool->tail_size == 0)
		return 0;
	r = need_pieces(spool, 1);
	if (r < 0)
		return r;
	spool->pieces[spool->last++] = (struct spool_piece){ .bytes = spool->tail, .size = (uint32_t)spool->tail_size };
	spool->memory += spool->tail_size;
	spool->tail = NULL;
	spool->tail_size = spool->tail_room = 0;
	return 0;
}

static int tail_to_file(struct spool *spool)
{
	const size_t begun = spool->first == spool->last ? spool->taken : 0;
	struct spool_piece piece = { .size = (uint32_t)(spool->tail_size - begun) };
	int r = need_pieces(spool, 1);

	if (r == 0)
		r = spill_put(spool->spill, spool->tail + begun, piece.size, &piece.block);
	if (r < 0)
		return r;
	spool->pieces[spool->last++] = piece;
	spool->tail_size = 0;
	if (begun > 0)
		spool->taken = 0;
	return 0;
}

/* ---- putting ---- */

static int need_tail(struct spool *spool, size_t size)
{
	size_t room = spool->tail_room ? spool->tail_room : FIRST_ROOM;
	char *grown;

	while (room < size)
		room *= 2;
	if (room <= spool->tail_room)
		return 0;
	grown = realloc(spool->tail, room);
	if (!grown)
		return -ENOMEM;
	spool->tail = grown;
	spool->tail_room = room;
	return 0;
}

static int make_way(struct spool *spool)
{
	if (spool->tail_size < SPOOL_PIECE)
		return 0;
	return spool->memory + spool->tail_size < spool->memory_most ? tail_to_memory(spool) : tail_to_file(spool);
}

int spool_put(struct spool *spool, const char *bytes, size_t size)
{
	while (size > 0 && spool->error == 0) {
		size_t part;

		spool->error = make_way(spool);
		part = SPOOL_PIECE - spool->tail_size < size ? SPOOL_PIECE - spool->tail_size : size;
		if (spool->error == 0)
			spool->error = need_tail(spool, spool->tail_size + part);
		if (spool->error < 0)
			break;
		memcpy(spool->tail + spool->tail_size, bytes, part);
		spool->tail_size += part;
		spool->size += part;
		bytes += part;
		size -= part;
	}
	return spool->error;
}

/* ---- pouring ---- */

static bool fits_tail(const struct spool *into, const struct spool *from)
{
	return from->first == from->last && from->tail_size <= SPOOL_PIECE - into->tail_size;
}

static int move_pieces(struct spool *into, struct spool *from)
{
	const size_t count = from->last - from->first;
	int r = tail_to_memory(into);

	if (r == 0)
		r = need_pieces(into, count);
	if (r < 0)
		return r;
	if (count > 0)
		memcpy(into->pieces + into->last, from->pieces + from->first, count * sizeof *from->pieces);
	into->last += count;
	into->memory += from->memory;
	into->size += from->size;
	free(into->tail);
	into->tail = from->tail;
	into->tail_size = from->tail_size;
	into->tail_room = from->tail_room;
	from->tail = NULL;
	from->tail_size = from->tail_room = 0;
	from->first = from->last = 0;
	from->memory = 0;
	from->size = 0;
	return 0;
}

int spool_pour(struct spool *into, struct spool *from)
{
	const int error = from->error;

	assert(from->taken == 0);
	if (from->size > 0 && into->error == 0 && fits_tail(into, from))
		spool_put(into, from->tail, from->tail_size);
	else if (from->size > 0 && into->error == 0)
		into->error = move_pieces(into, from);
	spool_clear(from);
	from->error = error;
	return into->error;
}

/* ---- taking ---- */

/* Read back once, not once for each write that a pipe takes. */
static int load(struct spool *spool, struct spool_piece *piece)
{
	char *bytes = malloc(piece->size);
	int r;

	if (!bytes)
		return -ENOMEM;
	r = spill_get(spool->spill, piece->block, bytes, piece->size);
	if (r < 0) {
		free(bytes);
		return r;
	}
	spill_release(spool->spill, piece->block);
	piece->bytes = bytes;
	spool->memory += piece->size;
	return 0;
}

ptrdiff_t spool_peek(struct spool *spool, const char **ret_bytes)
{
	struct spool_piece *piece;
	int r;

	if (spool->size == 0)
		return 0;
	if (spool->first == spool->last) {
		*ret_bytes = spool->tail + spool->taken;
		return (ptrdiff_t)(spool->tail_size - spool->taken);
	}
	piece = &spool->pieces[spool->first];
	r = piece->bytes ? 0 : load(spool, piece);
	if (r < 0)
		return r;
	*ret_bytes = piece->bytes + spool->taken;
	return (ptrdiff_t)(piece->size - spool->taken);
}

void spool_drop(struct spool *spool, size_t size)
{
	spool->taken += size;
	spool->size -= size;
	if (spool->first == spool->last) {
		assert(spool->taken <= spool->tail_size);
		if (spool->taken == spool->tail_size)
			spool->taken = spool->tail_size = 0;
		return;
	}
	assert(spool->taken <= spool->pieces[spool->first].size);
	if (spool->taken < spool->pieces[spool->first].size)
		return;
	spool->memory -= spool->pieces[spool->first].size;
	free(spool->pieces[spool->first].bytes);
	spool->taken = 0;
	if (++spool->first == spool->last)
		spool->first = spool->last = 0;
}

/* ---- the end ---- */

void spool_clear(struct spool *spool)
{
	for (; spool->first < spool->last; spool->first++) {
		struct spool_piece *piece = &spool->pieces[spool->first];

		if (!piece->bytes)
			spill_release(spool->spill, piece->block);
		free(piece->bytes);
	}
	spool->first = spool->last = 0;
	spool->tail_size = spool->taken = spool->memory = 0;
	spool->size = 0;
	spool->error = 0;
}

void spool_done(struct spool *spool)
{
	spool_clear(spool);
	free(spool->pieces);
	free(spool->tail);
	spool->pieces = NULL;
	spool->tail = NULL;
	spool->room = spool->tail_room = 0;
}
