/* SPDX-License-Identifier: MIT */
/*
 * Shared bytes. Large ones lie on huge pages where the system has them: touching 256 MiB for the first time in 4 KiB pages costs as much as
 * feeding it to a child.
 *
 * What is fed may be a password. malloc gives the same memory out again, to whoever forgets to write to it before reading, so it is wiped first; pages
 * go back to the kernel, which does that itself.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "base/blob.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LARGE = 4 << 20 };

static struct blob *allocate(size_t size)
{
	struct blob *blob;

	if (size > (size_t)-1 / 2)
		return NULL;
	if (size < LARGE) {
		blob = malloc(sizeof *blob + size);
		if (blob)
			blob->mapped = 0;
		return blob;
	}
	blob = mmap(NULL, sizeof *blob + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (blob == MAP_FAILED)
		return NULL;
#ifdef MADV_HUGEPAGE
	madvise(blob, sizeof *blob + size, MADV_HUGEPAGE);
#endif
	blob->mapped = sizeof *blob + size;
	return blob;
}

/* Compilers leave out a memset before free, unless somebody might still look. */
static void wipe(char *bytes, size_t size)
{
	memset(bytes, 0, size);
	__asm__ volatile("" : : "r"(bytes) : "memory");
}

struct blob *blob_new(const void *bytes, size_t size)
{
	struct blob *blob = allocate(size);

	if (!blob)
		return NULL;
	blob->references = 1;
	blob->size = size;
	if (size > 0)
		memcpy(blob->bytes, bytes, size);
	return blob;
}

struct blob *blob_ref(struct blob *blob)
{
	if (blob)
		__atomic_add_fetch(&blob->references, 1, __ATOMIC_RELAXED);
	return blob;
}

void blob_unref(struct blob *blob)
{
	if (!blob || __atomic_sub_fetch(&blob->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (blob->mapped) {
		munmap(blob, blob->mapped);
		return;
	}
	wipe(blob->bytes, blob->size);
	free(blob);
}
