/* SPDX-License-Identifier: MIT */
/*
 * The pairs that are done. A slot is found by the pair's sum (FNV-1a), then the one after it, and so on; no pair is ever removed, a
 * pair that was taken as often as it was there stays with a count of 0. At least a quarter of the slots is free.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "joblog_done.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct done_slot {
	size_t place;           /* of the pair in the bytes, and 1; 0: free */
	uint32_t sum;
	uint32_t count;
};

static uint64_t add_to_sum(uint64_t sum, const char *text)
{
	do
		sum = (sum ^ (unsigned char)*text) * 0x100000001b3;
	while (*text++);
	return sum;
}

static uint32_t sum_of(const char *input, const char *command)
{
	uint64_t sum = add_to_sum(add_to_sum(0xcbf29ce484222325, input), command);

	return (uint32_t)(sum ^ sum >> 32);
}

static bool is_pair(const struct done *done, const struct done_slot *slot, const char *input, const char *command)
{
	const char *there = done->bytes + slot->place - 1;

	return strcmp(there, input) == 0 && strcmp(there + strlen(there) + 1, command) == 0;
}

/* Its slot, or the free one where it belongs. */
static struct done_slot *find(const struct done *done, uint32_t sum, const char *input, const char *command)
{
	size_t at = sum & (done->slot_count - 1);

	while (done->slots[at].place && !(done->slots[at].sum == sum && is_pair(done, &done->slots[at], input, command)))
		at = (at + 1) & (done->slot_count - 1);
	return &done->slots[at];
}

static int grow_slots(struct done *done)
{
	size_t count = done->slot_count ? done->slot_count * 2 : 64;
	struct done_slot *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < done->slot_count; i++) {
		size_t at = done->slots[i].sum & (count - 1);

		if (!done->slots[i].place)
			continue;
		while (slots[at].place)
			at = (at + 1) & (count - 1);
		slots[at] = done->slots[i];
	}
	free(done->slots);
	done->slots = slots;
	done->slot_count = count;
	return 0;
}

static int grow_bytes(struct done *done, size_t size)
{
	size_t room = done->room * 2 + size + 4096;
	char *bytes = realloc(done->bytes, room);

	if (!bytes)
		return -ENOMEM;
	done->bytes = bytes;
	done->room = room;
	return 0;
}

static int keep_pair(struct done *done, struct done_slot *slot, const char *input, const char *command)
{
	size_t input_size = strlen(input) + 1, command_size = strlen(command) + 1;

	if (done->room - done->used < input_size + command_size && grow_bytes(done, input_size + command_size) < 0)
		return -ENOMEM;
	slot->place = done->used + 1;
	memcpy(done->bytes + done->used, input, input_size);
	memcpy(done->bytes + done->used + input_size, command, command_size);
	done->used += input_size + command_size;
	done->pairs++;
	return 0;
}

int done_add(struct done *done, const char *input, const char *command)
{
	uint32_t sum = sum_of(input, command);
	struct done_slot *slot;

	if (done->pairs >= done->slot_count / 4 * 3 && grow_slots(done) < 0)
		return -ENOMEM;
	slot = find(done, sum, input, command);
	if (!slot->place && keep_pair(done, slot, input, command) < 0)
		return -ENOMEM;
	slot->sum = sum;
	slot->count++;
	done->lines++;
	return 0;
}

bool done_take(struct done *done, const char *input, const char *command)
{
	struct done_slot *slot;

	if (done->pairs == 0)
		return false;
	slot = find(done, sum_of(input, command), input, command);
	if (slot->count == 0)
		return false;
	slot->count--;
	return true;
}

void done_trim(struct done *done)
{
	char *bytes = done->used > 0 ? realloc(done->bytes, done->used) : NULL;

	if (!bytes)
		return;
	done->bytes = bytes;
	done->room = done->used;
}

void done_free(struct done *done)
{
	free(done->bytes);
	free(done->slots);
	*done = (struct done){ .bytes = NULL };
}
