/* SPDX-License-Identifier: MIT */
/*
 * A stream that writes into memory, all of it or an error. open_memstream(3) is not enough: what finds no memory is left out there, and closing it
 * goes well.
 */
#ifndef BROOD_TOOLS_MEMFILE_H
#define BROOD_TOOLS_MEMFILE_H

#include <stddef.h>
#include <stdio.h>

/* On the caller's stack, while the stream is open. */
struct memfile {
	FILE *stream;
	char *bytes;
	size_t size, room;
	int error;
};

/* 0, or -ENOMEM. */
int memfile_open(struct memfile *ret);

/* The text, to be freed, with a NUL behind it. 0, or -ENOMEM: there was no memory for a part of it. Not to be called where it could not be opened. */
int memfile_close(struct memfile *file, char **ret_text, size_t *ret_size);

#endif
