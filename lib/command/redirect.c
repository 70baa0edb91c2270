/* SPDX-License-Identifier: MIT */
/*
 * Where a child's descriptors go. Each is directed once: the same again is fine, anything else contradicts, and the mistake names
 * both. brood_command_redirect_inherit takes a direction back.
 *
 * On a chain, 0 is the first stage's and 1 the last's. Any other number is given to each stage that does not direct it itself, with
 * one id for all of them, so that a path is opened once and a pipe is one pipe. A merge is the exception in meaning: it
 * follows each stage's own descriptor.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "command/description.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t direction_ids(uint64_t count)
{
	static atomic_uint_least64_t next = 1;

	return atomic_fetch_add_explicit(&next, count, memory_order_relaxed);
}

/* ---- in words, for mistakes ---- */

enum { WORDS_SIZE = 256 };

static const char *direction_words(const struct direction *direction, char words[WORDS_SIZE])
{
	switch (direction->kind) {
	case DIRECTION_INHERIT:
		snprintf(words, WORDS_SIZE, "to the caller's own");
		break;
	case DIRECTION_NULL:
		snprintf(words, WORDS_SIZE, "to /dev/null");
		break;
	case DIRECTION_PATH:
		snprintf(words, WORDS_SIZE, "to '%s'", direction->path);
		break;
	case DIRECTION_FD:
		snprintf(words, WORDS_SIZE, "to the caller's descriptor %d", direction->fd);
		break;
	case DIRECTION_MERGE:
		snprintf(words, WORDS_SIZE, "to where descriptor %d goes", direction->fd);
		break;
	case DIRECTION_PIPE:
		snprintf(words, WORDS_SIZE, "to a pipe");
		break;
	case DIRECTION_FEED:
		snprintf(words, WORDS_SIZE, "to %zu bytes of memory", direction->blob->size);
		break;
	case DIRECTION_CAPTURE:
		snprintf(words, WORDS_SIZE, direction->limit ? "into the result (limit %zu)" : "into the result", direction->limit);
		break;
	}
	return words;
}

static void mistake_two_directions(brood_command *cmd, const struct direction *there, const struct direction *wanted)
{
	char first[WORDS_SIZE], second[WORDS_SIZE];

	command_mistake(cmd, "redirect: descriptor %d is directed %s already and cannot go %s too", there->child_fd,
			direction_words(there, first), direction_words(wanted, second));
}

void redirect_mistake_piped(brood_command *cmd, const struct direction *there, const char *neighbour)
{
	char words[WORDS_SIZE];

	command_mistake(cmd, "pipe: descriptor %d of '%s' is directed %s already and cannot be the pipe %s", there->child_fd,
			stage_name(there->child_fd == 0 ? &cmd->stages[0] : &cmd->stages[cmd->stage_count - 1]),
			direction_words(there, words), neighbour);
}

/* ---- storing ---- */

/* Do both say the same? Whether the paths name one file by two names is not asked. */
static bool same_direction(const struct direction *a, const struct direction *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case DIRECTION_PATH:
		return strcmp(a->path, b->path) == 0 && a->flags == b->flags && a->mode == b->mode;
	case DIRECTION_FD:
	case DIRECTION_MERGE:
		return a->fd == b->fd;
	case DIRECTION_FEED:
		return a->blob->size == b->blob->size && memcmp(a->blob->bytes, b->blob->bytes, a->blob->size) == 0;
	case DIRECTION_CAPTURE:
		return a->limit == b->limit;
	case DIRECTION_INHERIT:
	case DIRECTION_NULL:
	case DIRECTION_PIPE:
		return true;
	}
	return false;
}

/* `wanted` borrows the caller's path, of which a copy is stored, and lends its blob, which is shared. */
static int store_direction(struct stage *stage, const struct direction *wanted)
{
	struct direction *list, copy = *wanted;

	copy.path = NULL;
	copy.blob = blob_ref(wanted->blob);
	if (wanted->path) {
		copy.path = strdup(wanted->path);
		if (!copy.path)
			goto no_memory;
	}
	list = list_grow(stage->directions, stage->direction_count, sizeof(*list));
	if (!list)
		goto no_memory;
	stage->directions = list;
	stage->directions[stage->direction_count++] = copy;
	return 0;
no_memory:
	direction_done(&copy);
	return -ENOMEM;
}

/*
 * Would child_fd merged to `other` come back to child_fd? A swap of 1 and 2 written as two merges does; written as two
 * brood_command_redirect_fd it is one, since those are the caller's descriptors.
 */
static bool merge_is_circle(const struct stage *stage, int child_fd, int other)
{
	for (size_t steps = 0; steps <= stage->direction_count; steps++) {
		const struct direction *next;

		if (other == child_fd)
			return true;
		next = stage_direction(stage, other);
		if (!next || next->kind != DIRECTION_MERGE)
			return false;
		other = next->fd;
	}
	return true;
}

static void direct_stage(brood_command *cmd, struct stage *stage, const struct direction *wanted)
{
	const struct direction *there = stage_direction(stage, wanted->child_fd);

	if (there && wanted->shared && !there->shared)
		return; /* the stage directs it itself */
	if (there) {
		if (!same_direction(there, wanted))
			mistake_two_directions(cmd, there, wanted);
		return;
	}
	if (wanted->kind == DIRECTION_MERGE && merge_is_circle(stage, wanted->child_fd, wanted->fd)) {
		command_mistake(cmd, "redirect: descriptor %d cannot go where %d goes, because that goes where %d goes",
				wanted->child_fd, wanted->fd, wanted->child_fd);
		return;
	}
	if (store_direction(stage, wanted) < 0)
		command_no_memory(cmd);
}

/* The stages that child_fd means: [*ret_first, *ret_end). */
static void stages_of(const brood_command *cmd, int child_fd, size_t *ret_first, size_t *ret_end)
{
	*ret_first = child_fd == BROOD_STDOUT ? cmd->stage_count - 1 : 0;
	*ret_end = child_fd == BROOD_STDIN ? 1 : cmd->stage_count;
}

static bool is_shared(const brood_command *cmd, int child_fd)
{
	return cmd->stage_count > 1 && child_fd != BROOD_STDIN && child_fd != BROOD_STDOUT;
}

static void direct(brood_command *cmd, struct direction wanted)
{
	size_t i, end;

	wanted.id = direction_ids(1);
	wanted.shared = is_shared(cmd, wanted.child_fd);
	stages_of(cmd, wanted.child_fd, &i, &end);
	for (; i < end && command_is_open(cmd); i++)
		direct_stage(cmd, &cmd->stages[i], &wanted);
}

/* The guard of every setter below. */
static bool may_direct(brood_command *cmd, int child_fd)
{
	if (command_is_open(cmd) && child_fd < 0)
		command_mistake(cmd, "redirect: the child's descriptor %d is negative", child_fd);
	return command_is_open(cmd);
}

/* ---- what a caller may say ---- */

void brood_command_redirect_null(brood_command *cmd, int child_fd)
{
	if (may_direct(cmd, child_fd))
		direct(cmd, (struct direction){ .kind = DIRECTION_NULL, .child_fd = child_fd, .fd = -1 });
}

void brood_command_redirect_path(brood_command *cmd, int child_fd, const char *path, int flags, mode_t mode)
{
	char *borrowed = (char *)(uintptr_t)path;

	if (!may_direct(cmd, child_fd))
		return;
	if (!path || !*path)
		command_mistake(cmd, "redirect: the path for descriptor %d is %s", child_fd, path ? "empty" : "NULL");
	else if (flags < 0 || (flags & O_ACCMODE) > O_RDWR)
		command_mistake(cmd, "redirect: the flags %#x for '%s' are not open's", (unsigned)flags, path);
	else
		direct(cmd, (struct direction){ .kind = DIRECTION_PATH, .child_fd = child_fd, .fd = -1, .path = borrowed,
						.flags = flags, .mode = mode });
}

void brood_command_redirect_fd(brood_command *cmd, int child_fd, int fd)
{
	if (!may_direct(cmd, child_fd))
		return;
	if (fd < 0)
		command_mistake(cmd, "redirect: descriptor %d cannot go to the caller's %d, which is negative", child_fd, fd);
	else
		direct(cmd, (struct direction){ .kind = DIRECTION_FD, .child_fd = child_fd, .fd = fd });
}

void brood_command_redirect_merge(brood_command *cmd, int child_fd, int other)
{
	if (!may_direct(cmd, child_fd))
		return;
	if (other < 0)
		command_mistake(cmd, "redirect: descriptor %d cannot go where %d goes, which is negative", child_fd, other);
	else if (other == child_fd)
		command_mistake(cmd, "redirect: descriptor %d cannot be merged into itself", child_fd);
	else
		direct(cmd, (struct direction){ .kind = DIRECTION_MERGE, .child_fd = child_fd, .fd = other });
}

void brood_command_redirect_pipe(brood_command *cmd, int child_fd)
{
	if (may_direct(cmd, child_fd))
		direct(cmd, (struct direction){ .kind = DIRECTION_PIPE, .child_fd = child_fd, .fd = -1 });
}

void brood_command_feed(brood_command *cmd, const void *bytes, size_t size)
{
	struct blob *blob;

	if (!command_is_open(cmd))
		return;
	if (!bytes && size > 0) {
		command_mistake(cmd, "feed: %zu bytes are promised and the pointer is NULL", size);
		return;
	}
	blob = blob_new(bytes, size);
	if (!blob) {
		command_no_memory(cmd);
		return;
	}
	direct(cmd, (struct direction){ .kind = DIRECTION_FEED, .child_fd = BROOD_STDIN, .fd = -1, .blob = blob });
	blob_unref(blob);
}

void brood_command_capture(brood_command *cmd, int child_fd, size_t limit)
{
	if (!may_direct(cmd, child_fd))
		return;
	if (child_fd == BROOD_STDIN)
		command_mistake(cmd, "capture: descriptor 0 is what the child reads; only what it writes can be kept");
	else
		direct(cmd, (struct direction){ .kind = DIRECTION_CAPTURE, .child_fd = child_fd, .fd = -1, .limit = limit });
}

/* ---- taking back ---- */

static void take_back(struct stage *stage, int child_fd, bool shared_only)
{
	for (size_t i = 0; i < stage->direction_count; i++) {
		struct direction *there = &stage->directions[i];

		if (there->child_fd != child_fd || (shared_only && !there->shared))
			continue;
		direction_done(there);
		memmove(there, there + 1, (stage->direction_count - i - 1) * sizeof(*there));
		stage->direction_count--;
		return;
	}
}

/*
 * On a chain this takes back what was said on the chain: what a stage directs itself stays, as with every other direction. Above
 * 2 nothing is passed unless it is named, so there "inherit" is a direction of its own.
 */
void brood_command_redirect_inherit(brood_command *cmd, int child_fd)
{
	size_t i, end;

	if (!may_direct(cmd, child_fd))
		return;
	stages_of(cmd, child_fd, &i, &end);
	for (; i < end; i++)
		take_back(&cmd->stages[i], child_fd, is_shared(cmd, child_fd));
	if (child_fd > BROOD_STDERR)
		direct(cmd, (struct direction){ .kind = DIRECTION_INHERIT, .child_fd = child_fd, .fd = -1 });
}
