/* SPDX-License-Identifier: MIT */
/*
 * From operands to a chain, and the settings that run and map have in common.
 *
 * What is wrong with the operands is told in words that name the place: the column of a line, the number of a stage. Nothing is started here, but
 * for one probe in the life of the program: whether this system can end a child with its parent.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "chain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memfile.h"
#include "say.h"
#include "utf8.h"
#include "whole.h"

static int mistake(char **ret_why, const char *format, ...) BROOD_PRINTF(2, 3);

static int mistake(char **ret_why, const char *format, ...)
{
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = vasprintf(ret_why, format, arguments);
	va_end(arguments);
	if (r < 0) {
		*ret_why = NULL;
		return -ENOMEM;
	}
	return -EINVAL;
}

static int no_memory(char **ret_why)
{
	*ret_why = NULL;
	return -ENOMEM;
}

/* ---- operands ---- */

static int check_chain(brood_command *cmd_take, brood_command **ret_cmd, char **ret_why)
{
	int r;

	if (!cmd_take)
		return no_memory(ret_why);
	if (!brood_command_error(cmd_take)) {
		*ret_cmd = cmd_take;
		return 0;
	}
	r = mistake(ret_why, "%s", brood_command_error(cmd_take));
	brood_command_free(cmd_take);
	return r;
}

/* The library speaks to programmers: which function would do it, and that it was a parser that refused. Neither helps who types a command. */
static int refuse_line(const char *words, char **ret_why)
{
	static const char *const advice[] = { ", or use brood_", " or use brood_", ": use brood_" };
	const char *instead = strstr(words, "quote it") ? ", or run sh -c '...'" : strstr(words, "NAME=value") ? ": -E sets a variable" : "";
	size_t length;

	if (strncmp(words, "parse: ", 7) == 0)
		words += 7;
	length = strlen(words);
	for (size_t i = 0; i < sizeof advice / sizeof *advice; i++) {
		const char *end = strstr(words, advice[i]);

		if (end && (size_t)(end - words) < length)
			length = (size_t)(end - words);
	}
	return mistake(ret_why, "%.*s%s", (int)length, words, instead);
}

static int read_line(const char *line, brood_command **ret_cmd, char **ret_why)
{
	brood_command *cmd = NULL;
	int r;

	if (brood_command_parse(line, &cmd) == 0)
		return check_chain(cmd, ret_cmd, ret_why);
	r = cmd ? refuse_line(brood_command_error(cmd), ret_why) : no_memory(ret_why);
	brood_command_free(cmd);
	return r;
}

static brood_command *stage_of(char **words, size_t count)
{
	const char **argv = calloc(count + 1, sizeof *argv);
	brood_command *cmd = NULL;

	if (argv) {
		for (size_t i = 0; i < count; i++)
			argv[i] = words[i];
		cmd = brood_command_new(argv);
	}
	free(argv);
	return cmd;
}

/* How many words there are before the next | or the end. */
static size_t stage_length(const struct operands *operands, size_t from)
{
	size_t end = from;

	while (end < operands->count && strcmp(operands->words[end], "|") != 0)
		end++;
	return end - from;
}

static int read_words(const struct operands *operands, brood_command **ret_cmd, char **ret_why)
{
	brood_command *chain = NULL;
	size_t stage = 1, at = 0;

	for (;; stage++, at++) {
		const size_t length = stage_length(operands, at);
		brood_command *cmd;

		if (length == 0 || operands->words[at][0] == '\0') {
			brood_command_free(chain);
			return mistake(ret_why, length == 0 ? "stage %zu has no words" : "stage %zu: the name of its program is empty", stage);
		}
		cmd = stage_of(operands->words + at, length);
		chain = stage == 1 ? cmd : brood_pipe(chain, cmd);
		at += length;
		if (!chain || at >= operands->count)
			return check_chain(chain, ret_cmd, ret_why);
	}
}

int chain_read(const struct operands *operands, brood_command **ret_cmd, char **ret_why)
{
	if (operands->count == 0)
		return mistake(ret_why, "no command was given");
	if (operands->count == 1 && !operands->after_dashes)
		return read_line(operands->words[0], ret_cmd, ret_why);
	return read_words(operands, ret_cmd, ret_why);
}

/* `brood run 'sleep 5' -t 1`: what was meant as a line has become the name of a program, for it does not stand alone. */
void chain_explain(const struct operands *operands)
{
	if (operands->count > 1 && !operands->after_dashes && strpbrk(operands->words[0], " \t"))
		say("'%s' was taken for the name of a program: a command line in one word stands alone, with the options before it", operands->words[0]);
}

/* ---- settings ---- */

static int set_variable(brood_command *cmd, const char *item, char **ret_why)
{
	const char *equals = strchr(item, '=');
	char *name;

	if (equals == item || item[0] == '\0')
		return mistake(ret_why, "--env: '%s': the name of the variable is missing", item);
	if (!equals) {
		brood_command_unsetenv(cmd, item);
		return 0;
	}
	name = strndup(item, (size_t)(equals - item));
	if (!name)
		return no_memory(ret_why);
	brood_command_setenv(cmd, name, equals + 1);
	free(name);
	return 0;
}

static void set_times(const struct chain_settings *settings, brood_command *cmd)
{
	if (settings->timeout_ms > 0 && settings->timeout_ms != INT64_MAX)
		brood_command_set_timeout_ms(cmd, settings->timeout_ms);
	if (settings->grace_ms >= 0)
		brood_command_set_grace_ms(cmd, settings->grace_ms);
	if (settings->linger_ms >= 0)
		brood_command_set_linger_ms(cmd, settings->linger_ms == INT64_MAX ? -1 : settings->linger_ms);
	if (settings->signal)
		brood_command_set_stop_signal(cmd, settings->signal);
}

/*
 * Whether a library can do this is known to the library alone: the same program may run with one that was built for plain POSIX, where such a
 * start is refused. A device is no program, so the probe ends before it runs anything.
 */
static int probe(void)
{
	brood_command *cmd = brood_command_newl("/dev/null", NULL);
	brood_process *process = NULL;
	int r;

	brood_command_set_die_with_parent(cmd, true);
	r = brood_start(cmd, &process);
	brood_process_free(process);
	brood_command_free(cmd);
	return r == -ENOTSUP ? 0 : r == -EACCES ? 1 : -1;
}

/* A probe that was hindered (no process, no memory) tells nothing and is made again. Where the second is too, the start itself will say why. */
static bool can_die_with_parent(void)
{
	static int answer = -1;

	if (answer < 0)
		answer = probe();
	if (answer < 0)
		answer = probe();
	return answer != 0;
}

int chain_apply(const struct chain_settings *settings, brood_command *cmd, char **ret_why)
{
	set_times(settings, cmd);
	if (settings->directory)
		brood_command_chdir(cmd, settings->directory);
	for (size_t i = 0; i < settings->environment.count; i++) {
		int r = set_variable(cmd, settings->environment.items[i], ret_why);

		if (r < 0)
			return r;
	}
	if (settings->contain)
		brood_command_set_contained(cmd, true);
	brood_command_keep_ignored(cmd, 0);
	/* A SIGKILL that hits us leaves no chain behind that nobody holds to its time. */
	if (can_die_with_parent())
		brood_command_set_die_with_parent(cmd, true);
	return brood_command_error(cmd) ? mistake(ret_why, "%s", brood_command_error(cmd)) : 0;
}

/* ---- showing ---- */

/* Where the next stage begins in a formatted chain, NULL when there is none: behind a | that neither quotes nor a backslash hide. */
static const char *next_stage(const char *text)
{
	bool quoted = false;

	for (; *text; text++) {
		if (*text == '\'')
			quoted = !quoted;
		else if (*text == '\\' && !quoted && text[1])
			text++;
		else if (!quoted && strncmp(text, " | ", 3) == 0)
			return text + 3;
	}
	return NULL;
}

/* What is written out stands in quotes, where a backslash is nothing but a backslash. */
char *chain_text(const brood_command *cmd, int fd)
{
	char *text = brood_command_format(cmd), *shown;
	size_t room;

	if (!text || (fd != STDERR_FILENO && !isatty(fd)))
		return text;
	room = UTF8_SHOW_ROOM(strlen(text));
	shown = malloc(room + 1);
	if (shown)
		shown[utf8_show(shown, room, text)] = '\0';
	free(text);
	return shown;
}

char *chain_words(const brood_command *cmd)
{
	const size_t stages = brood_command_stages(cmd);
	brood_command *bare = NULL;
	char *text;

	for (size_t i = 0; i < stages; i++) {
		brood_command *stage = brood_command_new(brood_command_argv(cmd, i));

		bare = i == 0 ? stage : brood_pipe(bare, stage);
	}
	text = brood_command_format(bare);
	brood_command_free(bare);
	return text;
}

int chain_print(const brood_command *cmd, int fd)
{
	const char *mark = fd == STDERR_FILENO ? "+ " : "";
	char *text = chain_text(cmd, fd), *lines = NULL;
	struct memfile out;
	size_t size = 0;
	int r = text ? memfile_open(&out) : -ENOMEM;

	if (r < 0)
		goto out;
	for (const char *stage = text, *next; stage; stage = next) {
		next = next_stage(stage);
		fprintf(out.stream, "%s%.*s\n", mark, next ? (int)(next - stage - 1) : (int)strlen(stage), stage);
	}
	r = memfile_close(&out, &lines, &size);
	if (r == 0)
		r = write_whole(fd, lines, size);
out:
	free(lines);
	free(text);
	return r;
}
