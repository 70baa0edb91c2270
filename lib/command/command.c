/* SPDX-License-Identifier: MIT */
/*
 * A command as a whole: made, copied, freed; its words, its mistakes, and the settings that belong to the chain. What is stored in
 * each stage is in redirect.c, env.c and identity.c.
 *
 * Nothing here makes a system call but through malloc. A setter that finds the command mistaken leaves it alone: it will
 * never be started, and the first mistake is the one to tell.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "command/description.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* ---- mistakes ---- */

/* printf into fresh memory. NULL for want of it, or, with *ret_unprintable set, when the text cannot be printed. */
static char *print_text(const char *format, va_list arguments, bool *ret_unprintable) __attribute__((format(printf, 1, 0)));

static char *print_text(const char *format, va_list arguments, bool *ret_unprintable)
{
	va_list again;
	char *text = NULL;
	int size;

	va_copy(again, arguments);
	size = vsnprintf(NULL, 0, format, again);
	va_end(again);
	*ret_unprintable = size < 0;
	if (size >= 0)
		text = malloc((size_t)size + 1);
	if (text)
		vsnprintf(text, (size_t)size + 1, format, arguments);
	return text;
}

/* A sentence repeats names that somebody else chose: it stays one line and steers no terminal. */
static char *one_line(const char *text)
{
	size_t size = strlen(text);
	char *line;

	line = malloc(TEXT_ESCAPE_ROOM(size));
	if (line)
		text_escape(line, TEXT_ESCAPE_ROOM(size), text, size);
	return line;
}

void command_mistake(brood_command *cmd, const char *format, ...)
{
	va_list arguments;
	bool unprintable;
	char *text;

	if (!command_is_open(cmd))
		return;
	cmd->error = -EINVAL;
	va_start(arguments, format);
	text = print_text(format, arguments, &unprintable);
	va_end(arguments);
	cmd->message = text ? one_line(text) : NULL;
	free(text);
}

void command_no_memory(brood_command *cmd)
{
	if (command_is_open(cmd))
		cmd->error = -ENOMEM;
}

bool command_is_open(const brood_command *cmd)
{
	return cmd && cmd->error == 0;
}

const char *brood_command_error(const brood_command *cmd)
{
	if (!cmd || cmd->error == 0)
		return NULL;
	if (cmd->message)
		return cmd->message;
	return cmd->error == -ENOMEM ? "not enough memory to describe the command" : "a mistake, and no memory to say which";
}

/* ---- making one ---- */

brood_command *command_new_stage(enum stage_kind kind)
{
	brood_command *cmd;

	cmd = calloc(1, sizeof(*cmd));
	if (!cmd)
		return NULL;
	cmd->stages = calloc(1, sizeof(*cmd->stages));
	if (!cmd->stages) {
		free(cmd);
		return NULL;
	}
	cmd->stages[0].kind = kind;
	cmd->stages[0].cwd_fd = -1;
	cmd->stage_count = 1;
	cmd->timeout_ms = -1;
	cmd->grace_ms = GRACE_DEFAULT_MS;
	cmd->linger_ms = LINGER_DEFAULT_MS;
	cmd->stop_signal = SIGTERM;
	cmd->overflow = BROOD_DRAIN;
	cmd->terminal_fd = -1;
	return cmd;
}

/* CVE-2021-4034's lesson: a program that is started with no argv[0] reads its environment as arguments. */
static void check_program(brood_command *cmd)
{
	const struct strv *argv = &cmd->stages[0].argv;

	if (argv->count == 0)
		command_mistake(cmd, "command: there is no program: the argument list is empty");
	else if (!strv_list(argv)[0][0])
		command_mistake(cmd, "command: the program's name is empty");
}

brood_command *brood_command_new(const char *const argv[])
{
	brood_command *cmd;

	cmd = command_new_stage(STAGE_EXEC);
	if (!cmd)
		return NULL;
	if (argv && argv[0] && strv_append(&cmd->stages[0].argv, argv) < 0) {
		brood_command_free(cmd);
		return NULL;
	}
	check_program(cmd);
	return cmd;
}

brood_command *brood_command_newl(const char *program, ...)
{
	brood_command *cmd;
	va_list arguments;
	int r = 0;

	cmd = command_new_stage(STAGE_EXEC);
	if (!cmd)
		return NULL;
	va_start(arguments, program);
	for (const char *word = program; word && r >= 0; word = va_arg(arguments, const char *))
		r = strv_push(&cmd->stages[0].argv, word);
	va_end(arguments);
	if (r < 0) {
		brood_command_free(cmd);
		return NULL;
	}
	check_program(cmd);
	return cmd;
}

brood_command *brood_command_function(const char *name, brood_function *function, void *data)
{
	return brood_command_function_owned(name, function, data, NULL, NULL);
}

brood_command *brood_command_function_owned(const char *name, brood_function *function, void *data_take,
                                            void *(*copy)(const void *data), void (*release)(void *data))
{
	brood_command *cmd;

	cmd = command_new_stage(STAGE_FUNCTION);
	if (!cmd) {
		if (release && data_take)
			release(data_take);
		return NULL;
	}
	cmd->stages[0].function = function;
	cmd->stages[0].data = data_take;
	cmd->stages[0].copy_data = copy;
	cmd->stages[0].release_data = release;
	cmd->stages[0].name = strdup(name ? name : "");
	if (!cmd->stages[0].name) {
		brood_command_free(cmd);
		return NULL;
	}
	if (!name)
		command_mistake(cmd, "function: the name is NULL");
	else if (!function)
		command_mistake(cmd, "function: '%s' is NULL: there is nothing to call", name);
	return cmd;
}

brood_command *brood_command_mistaken(const char *words)
{
	brood_command *cmd;

	cmd = command_new_stage(STAGE_EXEC);
	if (cmd)
		command_mistake(cmd, "%s", words && *words ? words : "command: mistaken, and no words for it");
	return cmd;
}

/*
 * Give a copy ids of its own: in brood_pipe(a, copy of a) the two must not share a file only because one was copied from the
 * other. All are moved by the same distance, so entries that shared one still do.
 */
static void renew_ids(brood_command *cmd)
{
	uint64_t lowest = UINT64_MAX, highest = 0, fresh;

	for (size_t i = 0; i < cmd->stage_count; i++)
		for (size_t j = 0; j < cmd->stages[i].direction_count; j++) {
			uint64_t id = cmd->stages[i].directions[j].id;

			lowest = id < lowest ? id : lowest;
			highest = id > highest ? id : highest;
		}
	if (highest == 0)
		return;

	fresh = direction_ids(highest - lowest + 1);
	for (size_t i = 0; i < cmd->stage_count; i++)
		for (size_t j = 0; j < cmd->stages[i].direction_count; j++)
			cmd->stages[i].directions[j].id += fresh - lowest;
}

brood_command *brood_command_copy(const brood_command *cmd)
{
	brood_command *copy;

	if (!cmd)
		return NULL;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *cmd;
	copy->stages = calloc(cmd->stage_count, sizeof(*copy->stages));
	copy->stage_count = 0;
	copy->name = cmd->name ? strdup(cmd->name) : NULL;
	copy->message = cmd->message ? strdup(cmd->message) : NULL;
	if (!copy->stages || (cmd->name && !copy->name) || (cmd->message && !copy->message))
		goto no_memory;

	for (; copy->stage_count < cmd->stage_count; copy->stage_count++)
		if (stage_copy(&cmd->stages[copy->stage_count], &copy->stages[copy->stage_count]) < 0)
			goto no_memory;
	renew_ids(copy);
	return copy;
no_memory:
	brood_command_free(copy);
	return NULL;
}

size_t brood_command_stages(const brood_command *cmd)
{
	return cmd ? cmd->stage_count : 0;
}

const char *const *brood_command_argv(const brood_command *cmd, size_t stage)
{
	if (!cmd || stage >= cmd->stage_count || cmd->stages[stage].kind != STAGE_EXEC)
		return NULL;
	return (const char *const *)strv_list(&cmd->stages[stage].argv);
}

void brood_command_free(brood_command *cmd)
{
	if (!cmd)
		return;
	for (size_t i = 0; i < cmd->stage_count; i++)
		stage_done(&cmd->stages[i]);
	free(cmd->stages);
	free(cmd->name);
	free(cmd->message);
	free(cmd);
}

/* ---- words: of one program, never of a chain ---- */

/* The only stage, or NULL after a mistake that says what `setter` cannot be used on. */
static struct stage *only_stage(brood_command *cmd, const char *setter)
{
	if (!command_is_open(cmd))
		return NULL;
	if (cmd->stage_count == 1)
		return &cmd->stages[0];
	command_mistake(cmd, "%s: this is a chain of %zu stages: use it on a stage before brood_pipe", setter, cmd->stage_count);
	return NULL;
}

static struct stage *only_program(brood_command *cmd, const char *setter)
{
	struct stage *stage = only_stage(cmd, setter);

	if (!stage || stage->kind == STAGE_EXEC)
		return stage;
	command_mistake(cmd, "%s: '%s' is not a program that takes words", setter, stage_name(stage));
	return NULL;
}

void brood_command_arg(brood_command *cmd, const char *argument)
{
	struct stage *stage = only_program(cmd, "arg");

	if (!stage)
		return;
	if (!argument)
		command_mistake(cmd, "arg: argument %zu is NULL", stage->argv.count);
	else if (strv_push(&stage->argv, argument) < 0)
		command_no_memory(cmd);
}

void brood_command_argf(brood_command *cmd, const char *format, ...)
{
	struct stage *stage = only_program(cmd, "argf");
	bool unprintable = true;
	char *text = NULL;
	va_list arguments;

	if (!stage)
		return;
	if (format) {
		va_start(arguments, format);
		text = print_text(format, arguments, &unprintable);
		va_end(arguments);
	}
	if (unprintable)
		command_mistake(cmd, "argf: argument %zu cannot be printed: its format is %s", stage->argv.count,
				format ? "not valid for its values" : "NULL");
	else if (strv_push_take(&stage->argv, text) < 0)
		command_no_memory(cmd);
}

void brood_command_set_program(brood_command *cmd, const char *program)
{
	struct stage *stage = only_program(cmd, "set_program");
	char *copy;

	if (!stage)
		return;
	if (!program || !*program) {
		command_mistake(cmd, "set_program: the file is %s", program ? "empty" : "NULL");
		return;
	}
	copy = strdup(program);
	if (!copy) {
		command_no_memory(cmd);
		return;
	}
	free(stage->program);
	stage->program = copy;
}

void brood_command_set_unchecked(brood_command *cmd, bool unchecked)
{
	struct stage *stage = only_stage(cmd, "set_unchecked");

	if (stage)
		stage->unchecked = unchecked;
}

/* ---- settings of the chain ---- */

static void set_ms(brood_command *cmd, const char *setter, int64_t ms, int64_t *setting, bool *set)
{
	if (!command_is_open(cmd))
		return;
	if (ms < -1) {
		command_mistake(cmd, "%s: %" PRId64 " ms is negative, and only -1 has a meaning", setter, ms);
		return;
	}
	*setting = ms;
	*set = true;
}

void brood_command_set_timeout_ms(brood_command *cmd, int64_t timeout_ms)
{
	if (cmd)
		set_ms(cmd, "set_timeout_ms", timeout_ms, &cmd->timeout_ms, &cmd->timeout_set);
}

void brood_command_set_grace_ms(brood_command *cmd, int64_t grace_ms)
{
	if (!command_is_open(cmd))
		return;
	/* Without SIGKILL in the end, freeing a handle and a spent budget might never come back. */
	if (grace_ms < 0)
		command_mistake(cmd, "set_grace_ms: %" PRId64 " ms is negative", grace_ms);
	else
		set_ms(cmd, "set_grace_ms", grace_ms, &cmd->grace_ms, &cmd->grace_set);
}

void brood_command_set_linger_ms(brood_command *cmd, int64_t linger_ms)
{
	if (cmd)
		set_ms(cmd, "set_linger_ms", linger_ms, &cmd->linger_ms, &cmd->linger_set);
}

void brood_command_set_stop_signal(brood_command *cmd, int signal)
{
	if (!command_is_open(cmd))
		return;
	if (signal < 1 || signal >= NSIG) {
		command_mistake(cmd, "set_stop_signal: %d is not a signal (1 to %d)", signal, NSIG - 1);
		return;
	}
	cmd->stop_signal = signal;
	cmd->stop_signal_set = true;
}

void brood_command_set_overflow(brood_command *cmd, enum brood_overflow overflow)
{
	if (!command_is_open(cmd))
		return;
	if (overflow != BROOD_DRAIN && overflow != BROOD_STOP) {
		command_mistake(cmd, "set_overflow: %d is neither BROOD_DRAIN nor BROOD_STOP", (int)overflow);
		return;
	}
	cmd->overflow = overflow;
	cmd->overflow_set = true;
}

void brood_command_on_output(brood_command *cmd, brood_output_function *function, void *data)
{
	if (!command_is_open(cmd))
		return;
	cmd->on_output = function;
	cmd->on_output_data = function ? data : NULL;
}

void brood_command_set_terminal(brood_command *cmd, int fd)
{
	if (!command_is_open(cmd))
		return;
	if (fd < -1)
		command_mistake(cmd, "set_terminal: descriptor %d is negative, and only -1 has a meaning", fd);
	else
		cmd->terminal_fd = fd;
}

void brood_command_set_name(brood_command *cmd, const char *name)
{
	char *copy;

	if (!command_is_open(cmd))
		return;
	if (!name) {
		command_mistake(cmd, "set_name: the name is NULL");
		return;
	}
	copy = strdup(name);
	if (!copy) {
		command_no_memory(cmd);
		return;
	}
	free(cmd->name);
	cmd->name = copy;
}
