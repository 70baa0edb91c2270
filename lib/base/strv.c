/* SPDX-License-Identifier: MIT */
/* A growing, NULL-terminated list of owned strings: argv, envp, the paths where a program may lie. */
#include "base/strv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 8 };

/* Room for `more` strings and the NULL behind them. 0 or -ENOMEM: nothing has changed. */
static int reserve(struct strv *strv, size_t more)
{
	size_t needed, capacity, bytes;
	char **list;

	if (__builtin_add_overflow(strv->count, more, &needed) || __builtin_add_overflow(needed, 1, &needed))
		return -ENOMEM;
	if (needed <= strv->capacity)
		return 0;

	capacity = strv->capacity ? strv->capacity : FIRST_CAPACITY;
	while (capacity < needed)
		if (__builtin_mul_overflow(capacity, 2, &capacity))
			return -ENOMEM;
	if (__builtin_mul_overflow(capacity, sizeof(*list), &bytes))
		return -ENOMEM;

	list = realloc(strv->list, bytes);
	if (!list)
		return -ENOMEM;
	list[strv->count] = NULL;
	strv->list = list;
	strv->capacity = capacity;
	return 0;
}

static void drop_from(struct strv *strv, size_t count)
{
	while (strv->count > count)
		free(strv->list[--strv->count]);
	if (strv->list)
		strv->list[count] = NULL;
}

int strv_push_take(struct strv *strv, char *text_take)
{
	int r;

	if (!text_take)
		return -ENOMEM;
	r = reserve(strv, 1);
	if (r < 0) {
		free(text_take);
		return r;
	}
	strv->list[strv->count++] = text_take;
	strv->list[strv->count] = NULL;
	return 0;
}

int strv_push(struct strv *strv, const char *text)
{
	return strv_push_take(strv, strdup(text));
}

int strv_append(struct strv *strv, const char *const list[])
{
	size_t before = strv->count;
	int r;

	for (size_t i = 0; list[i]; i++) {
		r = strv_push(strv, list[i]);
		if (r < 0) {
			drop_from(strv, before);
			return r;
		}
	}
	return 0;
}

char *const *strv_list(const struct strv *strv)
{
	static char *const empty[] = { NULL };

	return strv->list ? strv->list : empty;
}

void strv_done(struct strv *strv)
{
	if (!strv)
		return;
	drop_from(strv, 0);
	free(strv->list);
	*strv = (struct strv){ 0 };
}
