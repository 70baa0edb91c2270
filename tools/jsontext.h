/* SPDX-License-Identifier: MIT */
/*
 * JSON to text and back, all of it or an error.
 *
 * jansson goes on when memory runs out in the middle: a string that is read lacks a letter, an object that is written lacks the name of a member, and
 * nothing is said. So its allocations are watched while it works.
 */
#ifndef BROOD_TOOLS_JSONTEXT_H
#define BROOD_TOOLS_JSONTEXT_H

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

/* To be freed; NULL for want of memory. */
char *jsontext_new(const json_t *json, size_t flags);

/* Into this room, without a NUL: its size, or -ENOMEM. When that is more than the room what is there is no text. */
ssize_t jsontext_put(const json_t *json, char *ret_bytes, size_t room, size_t flags);

/* 0, -EBADMSG: it is no JSON, or -ENOMEM. */
int jsontext_read(const char *bytes, size_t size, size_t flags, json_t **ret_json);

#endif
