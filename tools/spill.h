/* SPDX-License-Identifier: MIT */
/*
 * One file without a name in $TMPDIR, in blocks: where output waits that is too much for memory. One descriptor, however many jobs wait; a block
 * that was read gives its space back at once, and the file goes with us, however we end.
 *
 * The file is made when the first block is put.
 */
#ifndef BROOD_TOOLS_SPILL_H
#define BROOD_TOOLS_SPILL_H

#include <stddef.h>
#include <stdint.h>

enum { SPILL_BLOCK = 65536 };

struct spill;

/* NULL for want of memory. */
struct spill *spill_new(void);

/* Keep up to SPILL_BLOCK bytes. 0 and *ret_block, or -errno: -ENOSPC, or what making the file said. */
int spill_put(struct spill *spill, const char *bytes, size_t size, uint32_t *ret_block);

/* Read them back: as many as were put. 0 or -errno. */
int spill_get(struct spill *spill, uint32_t block, char *ret_bytes, size_t size);

/* The block is not needed any more. */
void spill_release(struct spill *spill, uint32_t block);

void spill_free(struct spill *spill_take);

#endif
