/* SPDX-License-Identifier: MIT */
/*
 * One stage: its lifetime, its deep copy, and what others ask of it. A copy shares nothing with its original but
 * what never changes, the bytes to feed, and what is the caller's, the data of a C function that brings no way to copy them.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "command/description.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *list_grow(void *list, size_t count, size_t element_size)
{
	if (count >= SIZE_MAX / element_size)
		return NULL;
	return realloc(list, (count + 1) * element_size);
}

void *list_copy(const void *list, size_t count, size_t element_size)
{
	void *copy;

	if (count >= SIZE_MAX / element_size)
		return NULL;
	/* One element more, so that no list is malloc(0), which may be NULL without want of memory. */
	copy = malloc((count + 1) * element_size);
	if (copy && count > 0)
		memcpy(copy, list, count * element_size);
	return copy;
}

/* ---- lifetime ---- */

void direction_done(struct direction *direction)
{
	free(direction->path);
	blob_unref(direction->blob);
	direction->path = NULL;
	direction->blob = NULL;
}

static void identity_done(struct identity *identity)
{
	free(identity->groups);
	free(identity->limits);
	free(identity->cpus);
}

void stage_done(struct stage *stage)
{
	strv_done(&stage->argv);
	free(stage->program);
	free(stage->name);
	if (stage->release_data && stage->data)
		stage->release_data(stage->data);
	brood_command_free(stage->first);
	brood_command_free(stage->second);
	for (size_t i = 0; i < stage->env_count; i++)
		free(stage->env[i].text);
	free(stage->env);
	free(stage->cwd);
	for (size_t i = 0; i < stage->direction_count; i++)
		direction_done(&stage->directions[i]);
	free(stage->directions);
	identity_done(&stage->identity);
	memset(stage, 0, sizeof(*stage));
	stage->cwd_fd = -1;
}

/* ---- deep copy: each part is 0, or -ENOMEM with a copy that stage_done can take ---- */

static int copy_text(const char *text, char **ret)
{
	if (!text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int copy_command(const brood_command *cmd, brood_command **ret)
{
	if (!cmd)
		return 0;
	*ret = brood_command_copy(cmd);
	return *ret ? 0 : -ENOMEM;
}

/* Without a way to copy them, the data are shared, and the stage that was given them stays the one that releases them. */
static int copy_data(const struct stage *stage, struct stage *copy)
{
	if (!stage->copy_data || !stage->data) {
		copy->data = stage->data;
		return 0;
	}
	copy->copy_data = stage->copy_data;
	copy->release_data = stage->release_data;
	copy->data = stage->copy_data(stage->data);
	return copy->data ? 0 : -ENOMEM;
}

static int copy_env(const struct stage *stage, struct stage *copy)
{
	if (stage->env_count == 0)
		return 0;
	copy->env = calloc(stage->env_count, sizeof(*copy->env));
	if (!copy->env)
		return -ENOMEM;
	for (; copy->env_count < stage->env_count; copy->env_count++) {
		const struct env_op *from = &stage->env[copy->env_count];
		struct env_op *to = &copy->env[copy->env_count];

		to->change = from->change;
		if (copy_text(from->text, &to->text) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int copy_direction(const struct direction *direction, struct direction *copy)
{
	*copy = *direction;
	copy->path = NULL;
	copy->blob = blob_ref(direction->blob);
	return copy_text(direction->path, &copy->path);
}

static int copy_directions(const struct stage *stage, struct stage *copy)
{
	if (stage->direction_count == 0)
		return 0;
	copy->directions = calloc(stage->direction_count, sizeof(*copy->directions));
	if (!copy->directions)
		return -ENOMEM;
	/* Counted before it is filled: a half-filled one is freed too. */
	while (copy->direction_count < stage->direction_count) {
		size_t i = copy->direction_count++;

		if (copy_direction(&stage->directions[i], &copy->directions[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int copy_identity(const struct identity *identity, struct identity *copy)
{
	*copy = *identity;
	copy->groups = NULL;
	copy->limits = NULL;
	copy->cpus = NULL;
	if (identity->group_count > 0) {
		copy->groups = list_copy(identity->groups, identity->group_count, sizeof(*identity->groups));
		if (!copy->groups)
			return -ENOMEM;
	}
	if (identity->limit_count > 0) {
		copy->limits = list_copy(identity->limits, identity->limit_count, sizeof(*identity->limits));
		if (!copy->limits)
			return -ENOMEM;
	}
	if (identity->cpu_count > 0) {
		copy->cpus = list_copy(identity->cpus, identity->cpu_count, sizeof(*identity->cpus));
		if (!copy->cpus)
			return -ENOMEM;
	}
	return 0;
}

int stage_copy(const struct stage *stage, struct stage *ret)
{
	struct stage copy = {
		.kind = stage->kind,
		.function = stage->function,
		.cwd_fd = stage->cwd_fd,
		.unchecked = stage->unchecked,
	};

	if (stage->argv.count > 0 && strv_append(&copy.argv, (const char *const *)strv_list(&stage->argv)) < 0)
		goto no_memory;
	if (copy_text(stage->program, &copy.program) < 0 ||
	    copy_text(stage->name, &copy.name) < 0 ||
	    copy_text(stage->cwd, &copy.cwd) < 0 ||
	    copy_data(stage, &copy) < 0 ||
	    copy_command(stage->first, &copy.first) < 0 ||
	    copy_command(stage->second, &copy.second) < 0 ||
	    copy_env(stage, &copy) < 0 ||
	    copy_directions(stage, &copy) < 0 ||
	    copy_identity(&stage->identity, &copy.identity) < 0)
		goto no_memory;

	*ret = copy;
	return 0;
no_memory:
	stage_done(&copy);
	*ret = copy;
	return -ENOMEM;
}

/* ---- what others ask ---- */

const struct direction *stage_direction(const struct stage *stage, int child_fd)
{
	for (size_t i = 0; i < stage->direction_count; i++)
		if (stage->directions[i].child_fd == child_fd)
			return &stage->directions[i];
	return NULL;
}

const char *stage_name(const struct stage *stage)
{
	if (stage->name)
		return stage->name;
	if (stage->argv.count > 0)
		return strv_list(&stage->argv)[0];
	return "";
}
