/* SPDX-License-Identifier: MIT */
/*
 * A command as shell text: stages and what is around them. `nice`, `env` and the words make a program; directory and umask take a
 * subshell, which redirections are kept out of, because brood opens paths from the caller's directory.
 *
 * `env` and `nice` run programs and no braces, so what is set on a && b is written at each program inside.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "command/format.h"

#include <stdlib.h>
#include <string.h>

/* A stage inside its && stages, innermost first. */
struct scope {
	const struct scope *up;
	const struct stage *stage;
};

static void put_chain(struct shell_text *text, const brood_command *cmd, const struct scope *up);

/* ---- environment: what is left of all changes, outermost first ---- */

struct changes {
	const struct env_op **list;
	size_t count;
	bool clear;
};

static size_t count_changes(const struct scope *scope)
{
	size_t count = 0;

	for (; scope; scope = scope->up)
		count += scope->stage->env_count;
	return count;
}

static bool same_name(const char *a, const char *b)
{
	size_t size = strcspn(a, "=");

	return size == strcspn(b, "=") && memcmp(a, b, size) == 0;
}

static void apply_change(struct changes *changes, const struct env_op *op)
{
	size_t i = 0;

	if (op->change == ENV_CLEAR) {
		changes->clear = true;
		changes->count = 0;
		return;
	}
	while (i < changes->count && !same_name(changes->list[i]->text, op->text))
		i++;
	changes->list[i] = op;
	if (i == changes->count)
		changes->count++;
}

static void collect_changes(struct changes *changes, const struct scope *scope)
{
	if (!scope)
		return;
	collect_changes(changes, scope->up);
	for (size_t i = 0; i < scope->stage->env_count; i++)
		apply_change(changes, &scope->stage->env[i]);
}

static void put_changes(struct shell_text *text, const struct changes *changes, const char *program)
{
	const char *operand = program;

	if (changes->clear)
		shell_put(text, " -i");
	for (size_t i = 0; i < changes->count && !changes->clear; i++)
		if (changes->list[i]->change == ENV_UNSET) {
			shell_put(text, " -u ");
			shell_put_word(text, changes->list[i]->text);
		}
	for (size_t i = changes->count; i > 0; i--)
		if (changes->list[i - 1]->change == ENV_SET)
			operand = changes->list[i - 1]->text;
	if (*operand == '-')
		shell_put(text, " --");
	for (size_t i = 0; i < changes->count; i++)
		if (changes->list[i]->change == ENV_SET) {
			shell_put(text, " ");
			shell_put_assignment(text, changes->list[i]->text);
		}
}

/* ---- a program ---- */

/* The file that runs, or the function's name in angle brackets (for free(3); NULL for want of memory). */
static char *program_of(const struct stage *stage)
{
	const char *file = stage->program ? stage->program : stage->argv.count > 0 ? strv_list(&stage->argv)[0] : "";
	struct shell_text name = { 0 };

	if (stage->kind != STAGE_FUNCTION)
		return strdup(file);
	shell_put(&name, "<");
	shell_put(&name, stage_name(stage));
	shell_put(&name, ">");
	return shell_take(&name);
}

/* Every echo agrees on plain words; they differ in options and backslashes. */
static bool is_plain_echo(const struct stage *stage)
{
	char *const *words = strv_list(&stage->argv);

	for (size_t i = 1; i < stage->argv.count; i++)
		if (strchr(words[i], '\\') || (i == 1 && words[i][0] == '-'))
			return false;
	return true;
}

/* `env` stops a shell from taking the word for its own. A quoted keyword is none, but a quoted builtin still is one. */
static bool needs_env(const struct stage *stage, const char *program)
{
	if (stage->kind != STAGE_EXEC || !shell_is_builtin(program))
		return false;
	return strcmp(program, "echo") != 0 || !is_plain_echo(stage);
}

static bool has_directory(const struct stage *stage)
{
	return stage->cwd || stage->cwd_fd >= 0;
}

/* A file with a slash is relative to the caller's directory, which a `cd` right before leaves in OLDPWD. */
static void put_program(struct shell_text *text, const struct stage *stage, const char *program)
{
	if (stage->kind == STAGE_EXEC && *program != '/' && strchr(program, '/') && has_directory(stage)) {
		shell_put(text, "\"$OLDPWD\"/");
		shell_put_word(text, program);
	} else if (shell_is_keyword(program)) {
		shell_put_quoted(text, program);
	} else {
		shell_put_word(text, program);
	}
}

static long long nice_of(const struct scope *scope)
{
	long long nice = 0;

	for (; scope; scope = scope->up)
		nice += scope->stage->identity.nice;
	return nice;
}

static void put_simple(struct shell_text *text, const struct scope *scope)
{
	const struct stage *stage = scope->stage;
	struct changes changes = { 0 };
	char *program = program_of(stage);
	long long nice = nice_of(scope);

	changes.list = calloc(count_changes(scope) + 1, sizeof(*changes.list));
	if (!program || !changes.list) {
		text->failed = true;
		goto out;
	}
	collect_changes(&changes, scope);

	if (nice != 0) {
		shell_put(text, "nice -n ");
		shell_put_number(text, nice);
		shell_put(text, " ");
	}
	if (changes.count > 0 || changes.clear || (nice == 0 && needs_env(stage, program))) {
		shell_put(text, "env");
		put_changes(text, &changes, program);
		shell_put(text, " ");
	} else if (nice != 0 && *program == '-') {
		shell_put(text, "-- ");
	}
	put_program(text, stage, program);
	for (size_t i = 1; i < stage->argv.count; i++) {
		shell_put(text, " ");
		shell_put_word(text, strv_list(&stage->argv)[i]);
	}
out:
	free(program);
	free(changes.list);
}

/* ---- a stage and what is around it ---- */

static void put_then(struct shell_text *text, const struct scope *scope)
{
	shell_put(text, "{ ");
	put_chain(text, scope->stage->first, scope);
	shell_put(text, " && ");
	put_chain(text, scope->stage->second, scope);
	shell_put(text, "; }");
}

/* "./" keeps `cd` from taking "-" for something else and from searching CDPATH; -P makes ".." behind a link the kernel's. */
static void put_cd(struct shell_text *text, const struct stage *stage)
{
	shell_put(text, "cd ");
	if (!stage->cwd) {
		shell_put(text, "/dev/fd/");
		shell_put_number(text, stage->cwd_fd);
	} else {
		if (strstr(stage->cwd, ".."))
			shell_put(text, "-P ");
		if (*stage->cwd != '/')
			shell_put(text, "./");
		shell_put_word(text, stage->cwd);
	}
	shell_put(text, " && ");
}

static void put_umask(struct shell_text *text, mode_t mask)
{
	shell_put(text, "umask 0");
	for (int shift = 6; shift >= 0; shift -= 3)
		shell_put_number(text, mask >> shift & 7);
	shell_put(text, " && ");
}

static void put_stage(struct shell_text *text, const struct scope *scope)
{
	const struct stage *stage = scope->stage;
	bool subshell = has_directory(stage) || stage->identity.set_umask;

	if (subshell)
		shell_put(text, "(");
	if (has_directory(stage))
		put_cd(text, stage);
	if (stage->identity.set_umask)
		put_umask(text, stage->identity.umask);
	if (stage->kind == STAGE_THEN)
		put_then(text, scope);
	else
		put_simple(text, scope);
	if (subshell)
		shell_put(text, ")");
}

/* ---- a chain ---- */

/* Close the spans that end with this stage, the ones that began last first. */
static void close_spans(struct shell_text *text, struct redirections *redirections, size_t stage)
{
	for (size_t first = stage; redirections->span_count > 0; first--) {
		for (size_t i = 0; i < redirections->span_count; i++) {
			const struct span *span = &redirections->spans[i];

			if (span->last != stage || span->first != first)
				continue;
			shell_put(text, "; }");
			redirections_put_span(redirections, text, span);
		}
		if (first == 0)
			return;
	}
}

static void put_stages(struct shell_text *text, struct redirections *redirections, const struct scope *up)
{
	const brood_command *cmd = redirections->cmd;

	for (size_t i = 0; i < cmd->stage_count; i++) {
		struct scope scope = { .up = up, .stage = &cmd->stages[i] };

		if (i > 0)
			shell_put(text, " | ");
		for (size_t j = 0; j < redirections->span_count; j++)
			if (redirections->spans[j].first == i)
				shell_put(text, "{ ");
		put_stage(text, &scope);
		redirections_put_stage(redirections, text, i);
		close_spans(text, redirections, i);
	}
}

static void put_chain(struct shell_text *text, const brood_command *cmd, const struct scope *up)
{
	struct redirections redirections;
	struct shell_text stages = { 0 };
	char *body = NULL;

	if (redirections_init(&redirections, cmd) == 0) {
		put_stages(&stages, &redirections, up);
		body = shell_take(&stages);
	}
	if (!body) {
		text->failed = true;
	} else if (redirections.saved_count == 0) {
		shell_put(text, body);
	} else {
		shell_put(text, "{ ");
		shell_put(text, body);
		shell_put(text, "; }");
		redirections_put_saved(&redirections, text);
	}
	free(body);
	redirections_done(&redirections);
}

char *brood_command_format(const brood_command *cmd)
{
	struct shell_text text = { 0 };

	if (!cmd)
		return NULL;
	put_chain(&text, cmd, NULL);
	return shell_take(&text);
}
