/* SPDX-License-Identifier: MIT */
/*
 * A growing, NULL-terminated list of owned strings. An all-zero list is empty; strv_list never returns NULL.
 */
#ifndef BROOD_BASE_STRV_H
#define BROOD_BASE_STRV_H

#include <stddef.h>

struct strv {
	char **list;            /* NULL-terminated once anything was pushed */
	size_t count;
	size_t capacity;
};

/* Append a copy, or the string itself (freed on failure). 0 or -ENOMEM; strv_push_take(NULL) is -ENOMEM. */
int strv_push(struct strv *strv, const char *text);
int strv_push_take(struct strv *strv, char *text_take);

/* Append copies of a NULL-terminated list. 0, or -ENOMEM with none appended. */
int strv_append(struct strv *strv, const char *const list[]);

/* The strings, NULL-terminated, owned by the list. */
char *const *strv_list(const struct strv *strv);

void strv_done(struct strv *strv);

#endif
