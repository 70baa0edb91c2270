/* SPDX-License-Identifier: MIT */
/*
 * The environment of a child: the caller's entries, then a command's changes in order, each name once.
 *
 * Two entries of one name are how a filter is passed by (the checker reads the first, the program the last), so none
 * ever reaches a child, not even when the caller's own environment has them. Entries that are no NAME=value at all pass as
 * they are: they are somebody's, and no name of theirs could be compared.
 *
 * Every start comes through here, so an ordinary environment costs one pass, a table on the stack and one malloc.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/environ.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	ENTRIES_ON_STACK = 128, /* threads may have 16 KiB */
	SLOTS_ON_STACK = 256    /* a power of two, at least twice the entries */
};

/* One that was unset keeps its name, so that a later value comes to the same place. */
struct entry {
	const char *text;       /* begins with the name */
	size_t size;            /* of the text, with its NUL; 0: unset */
	size_t name_size;
};

struct table {
	struct entry *entries;
	size_t count;
	size_t capacity;
	uint32_t *slots;        /* open addressing: index + 1 into entries, 0 for free */
	size_t slot_mask;
	void *heap;             /* holds both where the stack was too small, else NULL */
};

/* ---- the table ---- */

/* FNV-1a over words of eight bytes and a rest: names are short, and the multiplication is what costs. */
static uint32_t name_hash(const char *name, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325u ^ size;
	uint64_t word;

	for (; size >= sizeof word; name += sizeof word, size -= sizeof word) {
		memcpy(&word, name, sizeof word);
		hash = (hash ^ word) * 0x100000001b3u;
		hash ^= hash >> 29;
	}
	for (; size > 0; name++, size--)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
	return (uint32_t)(hash ^ hash >> 32);
}

/* The place of a name: its entry, or a new one, unset, behind the others. */
static struct entry *table_entry(struct table *table, const char *name, size_t size)
{
	size_t slot = name_hash(name, size) & table->slot_mask;
	struct entry *entry;

	for (; table->slots[slot] != 0; slot = (slot + 1) & table->slot_mask) {
		entry = &table->entries[table->slots[slot] - 1];
		if (entry->name_size == size && memcmp(entry->text, name, size) == 0)
			return entry;
	}
	assert(table->count < table->capacity);
	entry = &table->entries[table->count++];
	*entry = (struct entry){ .text = name, .name_size = size };
	table->slots[slot] = (uint32_t)table->count;
	return entry;
}

static void table_set(struct table *table, const char *text)
{
	const char *equals = strchr(text, '=');
	struct entry *entry;

	if (equals && equals != text) {
		entry = table_entry(table, text, (size_t)(equals - text));
		entry->size = (size_t)(equals - text) + strlen(equals) + 1;
	} else {
		assert(table->count < table->capacity);
		entry = &table->entries[table->count++];
		entry->size = strlen(text) + 1;
	}
	entry->text = text;
}

static void table_change(struct table *table, const struct env_op *op)
{
	if (op->change == ENV_UNSET)
		table_entry(table, op->text, strlen(op->text))->size = 0;
	else
		table_set(table, op->text);
}

/*
 * Room for `capacity` entries: what the caller has on its stack, else the heap. The slots are no more than this
 * environment needs, since they have to be cleared. -1 for want of memory.
 */
static int table_init(struct table *table, size_t capacity, struct entry *entries, uint32_t *slots)
{
	size_t slot_count = 16;

	while (slot_count < 2 * capacity)
		slot_count *= 2;
	if (capacity > UINT32_MAX / 4)
		return -1;
	if (capacity > ENTRIES_ON_STACK) {
		table->heap = malloc(capacity * sizeof *entries + slot_count * sizeof *slots);
		if (!table->heap)
			return -1;
		entries = table->heap;
		slots = (uint32_t *)(entries + capacity);
	}
	memset(slots, 0, slot_count * sizeof *slots);
	table->entries = entries;
	table->capacity = capacity;
	table->slots = slots;
	table->slot_mask = slot_count - 1;
	return 0;
}

/* Everything set, in order, copied into one block: the pointers, then the texts. */
static char **table_block(const struct table *table)
{
	size_t count = 0;
	size_t bytes = 0;
	char **list;
	char *at;

	for (size_t i = 0; i < table->count; i++) {
		count += table->entries[i].size > 0;
		bytes += table->entries[i].size;
	}
	list = malloc((count + 1) * sizeof *list + bytes);
	if (!list)
		return NULL;
	at = (char *)(list + count + 1);
	list[count] = NULL;
	count = 0;
	for (size_t i = 0; i < table->count; i++) {
		const struct entry *entry = &table->entries[i];

		if (entry->size == 0)
			continue;
		/* A thread that calls setenv meanwhile may cost an entry its end, never the block. */
		memcpy(at, entry->text, entry->size);
		at[entry->size - 1] = '\0';
		list[count++] = at;
		at += entry->size;
	}
	return list;
}

/* ---- the environment ---- */

/* What stands before the last CLEAR is forgotten, so it need not be looked at. */
static size_t first_relevant(const struct env_op *ops, size_t count, bool *ret_cleared)
{
	*ret_cleared = false;
	for (size_t i = count; i > 0; i--) {
		if (ops[i - 1].change == ENV_CLEAR) {
			*ret_cleared = true;
			return i;
		}
	}
	return 0;
}

char **environ_build(char *const *base, const struct env_op *ops, size_t count)
{
	struct entry entries[ENTRIES_ON_STACK];
	uint32_t slots[SLOTS_ON_STACK];
	struct table table = { .count = 0 };
	size_t base_count = 0;
	bool cleared;
	size_t first = first_relevant(ops, count, &cleared);
	char **list;

	while (base && !cleared && base[base_count])
		base_count++;
	if (table_init(&table, base_count + count - first, entries, slots) < 0)
		return NULL;
	/* A thread that calls unsetenv meanwhile moves the end to the front. */
	for (size_t i = 0; i < base_count; i++) {
		const char *text = *(char *const volatile *)&base[i];

		if (!text)
			break;
		table_set(&table, text);
	}
	for (size_t i = first; i < count; i++)
		table_change(&table, &ops[i]);
	list = table_block(&table);
	free(table.heap);
	return list;
}

const char *environ_get(char *const *list, const char *name)
{
	size_t size = strlen(name);

	for (; list && *list; list++) {
		if (strncmp(*list, name, size) == 0 && (*list)[size] == '=')
			return *list + size + 1;
	}
	return NULL;
}
