/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "jsontext.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static bool starved;

static void *watched_malloc(size_t size)
{
	void *memory = malloc(size);

	starved |= !memory;
	return memory;
}

/* What jansson has from before is malloc's too. */
static void watch(void)
{
	json_set_alloc_funcs(watched_malloc, free);
	starved = false;
}

char *jsontext_new(const json_t *json, size_t flags)
{
	char *text;

	watch();
	text = json_dumps(json, flags);
	if (!starved)
		return text;
	free(text);
	return NULL;
}

ssize_t jsontext_put(const json_t *json, char *ret_bytes, size_t room, size_t flags)
{
	size_t size;

	watch();
	size = json_dumpb(json, ret_bytes, room, flags);
	return starved || size == 0 ? -ENOMEM : (ssize_t)size;
}

int jsontext_read(const char *bytes, size_t size, size_t flags, json_t **ret_json)
{
	json_t *json;

	watch();
	json = json_loadb(bytes, size, flags, NULL);
	if (json && !starved) {
		*ret_json = json;
		return 0;
	}
	json_decref(json);
	*ret_json = NULL;
	return starved ? -ENOMEM : -EBADMSG;
}
