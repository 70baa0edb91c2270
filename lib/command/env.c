/* SPDX-License-Identifier: MIT */
/*
 * The environment and the directory of a command's stages. The environment is kept as a list of changes in the order of the
 * calls; what results is worked out at each start, from the caller's environment of that moment. Nothing here reads environ.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "command/description.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Append a change to one stage. 0 or -ENOMEM; the text is freed then. */
static int push_env(struct stage *stage, enum env_change change, char *text_take)
{
	struct env_op *list;

	list = list_grow(stage->env, stage->env_count, sizeof(*list));
	if (!list) {
		free(text_take);
		return -ENOMEM;
	}
	stage->env = list;
	stage->env[stage->env_count++] = (struct env_op){ .change = change, .text = text_take };
	return 0;
}

/* What came before _clearenv is forgotten, here too. */
static void forget_env(struct stage *stage)
{
	while (stage->env_count > 0)
		free(stage->env[--stage->env_count].text);
}

/* "NAME=value", or "NAME" without a value. */
static char *env_text(const char *name, const char *value)
{
	size_t name_size = strlen(name), value_size = value ? strlen(value) + 1 : 0;
	char *text;

	text = malloc(name_size + value_size + 1);
	if (!text)
		return NULL;
	memcpy(text, name, name_size + 1);
	if (value) {
		text[name_size] = '=';
		memcpy(text + name_size + 1, value, value_size);
	}
	return text;
}

static void change_every_stage(brood_command *cmd, enum env_change change, const char *name, const char *value)
{
	for (size_t i = 0; i < cmd->stage_count; i++) {
		char *text = env_text(name, value);

		if (!text || push_env(&cmd->stages[i], change, text) < 0) {
			command_no_memory(cmd);
			return;
		}
	}
}

static bool name_is_good(brood_command *cmd, const char *setter, const char *name)
{
	if (!command_is_open(cmd))
		return false;
	if (!name)
		command_mistake(cmd, "%s: the name is NULL", setter);
	else if (!*name)
		command_mistake(cmd, "%s: the name is empty", setter);
	else if (strchr(name, '='))
		command_mistake(cmd, "%s: the name '%s' contains '='", setter, name);
	return command_is_open(cmd);
}

void brood_command_setenv(brood_command *cmd, const char *name, const char *value)
{
	if (!name_is_good(cmd, "setenv", name))
		return;
	if (!value)
		command_mistake(cmd, "setenv: the value of '%s' is NULL (brood_command_unsetenv takes a name away)", name);
	else
		change_every_stage(cmd, ENV_SET, name, value);
}

void brood_command_unsetenv(brood_command *cmd, const char *name)
{
	if (name_is_good(cmd, "unsetenv", name))
		change_every_stage(cmd, ENV_UNSET, name, NULL);
}

void brood_command_clearenv(brood_command *cmd)
{
	if (!command_is_open(cmd))
		return;
	for (size_t i = 0; i < cmd->stage_count; i++) {
		forget_env(&cmd->stages[i]);
		if (push_env(&cmd->stages[i], ENV_CLEAR, NULL) < 0) {
			command_no_memory(cmd);
			return;
		}
	}
}

/* ---- directory: the last call wins ---- */

void brood_command_chdir(brood_command *cmd, const char *path)
{
	if (!command_is_open(cmd))
		return;
	if (!path || !*path) {
		command_mistake(cmd, "chdir: the path is %s", path ? "empty" : "NULL");
		return;
	}
	for (size_t i = 0; i < cmd->stage_count; i++) {
		char *copy = strdup(path);

		if (!copy) {
			command_no_memory(cmd);
			return;
		}
		free(cmd->stages[i].cwd);
		cmd->stages[i].cwd = copy;
		cmd->stages[i].cwd_fd = -1;
	}
}

void brood_command_fchdir(brood_command *cmd, int fd)
{
	if (!command_is_open(cmd))
		return;
	if (fd < 0) {
		command_mistake(cmd, "fchdir: %d is not a descriptor", fd);
		return;
	}
	for (size_t i = 0; i < cmd->stage_count; i++) {
		free(cmd->stages[i].cwd);
		cmd->stages[i].cwd = NULL;
		cmd->stages[i].cwd_fd = fd;
	}
}
