/* SPDX-License-Identifier: MIT */
/*
 * Bytes that wait, first in first out: in memory up to a limit, beyond it in blocks of the spill file. Putting, looking and dropping cost what the
 * bytes cost, however many there are; one spool can be poured behind another without touching them.
 */
#ifndef BROOD_TOOLS_SPOOL_H
#define BROOD_TOOLS_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spill.h"

enum { SPOOL_PIECE = SPILL_BLOCK };

struct spool_piece {
	char *bytes;            /* NULL: it lies in the block */
	uint32_t block;
	uint32_t size;
};

struct spool {
	struct spill *spill;
	size_t memory_most;
	struct spool_piece *pieces;     /* from first to last, all before the tail */
	size_t first, last, room;
	char *tail;             /* what is being filled: up to SPOOL_PIECE */
	size_t tail_size, tail_room;
	size_t taken;           /* of the first piece, or of the tail where there is none */
	size_t memory;          /* bytes of pieces in memory */
	uint64_t size;          /* all that waits */
	int error;
};

/* The spill file is shared and outlives it. Allocates nothing. */
void spool_init(struct spool *spool, struct spill *spill, size_t memory_most);

/*
 * Append. 0, or -errno (no space, no memory), which sticks: what was put before is still there, nothing more is taken, so that what comes out is never
 * a text with a hole.
 */
int spool_put(struct spool *spool, const char *bytes, size_t size);

/*
 * All of `from`, of which nothing was taken yet, comes behind what is in `into`; `from` is empty then, and keeps its error. 0, or -errno: it was
 * dropped, and that sticks to `into`.
 */
int spool_pour(struct spool *into, struct spool *from);

/* The bytes that are first in line: how many (0: none), until the next call. -errno: they cannot be read back. */
ptrdiff_t spool_peek(struct spool *spool, const char **ret_bytes);
/* So many of those that spool_peek gave are done with. */
void spool_drop(struct spool *spool, size_t size);

/* Forget what waits, and the error. */
void spool_clear(struct spool *spool);
void spool_done(struct spool *spool);

#endif
