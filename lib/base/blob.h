/* SPDX-License-Identifier: MIT */
/*
 * Bytes that are copied once and then shared: what a command feeds, its copies and every process started from it use one and the same. The count is
 * atomic, so that two threads may start copies of one command.
 */
#ifndef BROOD_BASE_BLOB_H
#define BROOD_BASE_BLOB_H

#include <stddef.h>

struct blob {
	int references;
	size_t size;
	size_t mapped;          /* of the mapping it lies in; 0: malloc */
	char bytes[];
};

/* A copy with one reference; NULL for want of memory. */
struct blob *blob_new(const void *bytes, size_t size);

/* One more reference to it; returns it. NULL is fine. */
struct blob *blob_ref(struct blob *blob);

/* Drop one; the bytes are wiped with the last. NULL is fine. */
void blob_unref(struct blob *blob);

#endif
