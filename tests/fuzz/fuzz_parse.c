/* SPDX-License-Identifier: MIT */
/*
 * A command line, up to a NUL. It is refused with a column that lies in it, or it gives the words that a reader gives which knows nothing but quotes,
 * blanks and bars; and then no byte of it stood where a shell would act on it. What was read is written and read again: the same
 * words, or those after `env`, which keeps a shell from taking a program for a builtin of its own.
 */
#include "fuzz/fuzz.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <brood/command.h>

/* ---- the model ------------------------------------------------------------------------------------------------ */

/* Each word stands as 'w', its bytes, NUL; the end of a stage as 's'. */
struct words {
	char *bytes;
	size_t size;
	bool open;
};

static void begin_word(struct words *words)
{
	if (!words->open)
		words->bytes[words->size++] = 'w';
	words->open = true;
}

static void put(struct words *words, char c)
{
	begin_word(words);
	words->bytes[words->size++] = c;
}

static void end_word(struct words *words)
{
	if (!words->open)
		return;
	words->bytes[words->size++] = '\0';
	words->open = false;
}

static void end_stage(struct words *words)
{
	end_word(words);
	words->bytes[words->size++] = 's';
}

static const char *read_quoted(struct words *words, const char *at)
{
	char quote = *at++;

	begin_word(words);
	for (; *at != quote; at++) {
		FUZZ_CHECK(*at);
		FUZZ_CHECK(quote == '\'' || (*at != '$' && *at != '`'));
		if (quote == '"' && *at == '\\' && at[1] && strchr("$`\"\\", at[1]))
			at++;
		put(words, *at);
	}
	return at;
}

/* Only for lines that were accepted. */
static void read_line(struct words *words, const char *line)
{
	for (const char *at = line; *at; at++) {
		switch (*at) {
		case ' ':
		case '\t':
			end_word(words);
			break;
		case '|':
			end_stage(words);
			break;
		case '\'':
		case '"':
			at = read_quoted(words, at);
			break;
		case '\\':
			FUZZ_CHECK(at[1] && at[1] != '\n');
			put(words, *++at);
			break;
		default:
			FUZZ_CHECK(!strchr("&;<>()$`*?[\n", *at));
			FUZZ_CHECK(words->open || (*at != '#' && *at != '~'));
			put(words, *at);
		}
	}
	end_stage(words);
}

/* ---- what was read -------------------------------------------------------------------------------------------- */

/* The same bytes from a command. With past_env, without the first word of a stage where that is env and `like` has none there. */
static bool same_words(const brood_command *cmd, const struct words *like, bool past_env)
{
	size_t at = 0;

	for (size_t i = 0; i < brood_command_stages(cmd); i++) {
		const char *const *argv = brood_command_argv(cmd, i);

		FUZZ_CHECK(argv && argv[0] && argv[0][0]);
		if (past_env && strcmp(argv[0], "env") == 0 && strcmp(like->bytes + at + 1, "env") != 0)
			argv++;
		for (; *argv; argv++) {
			if (at == like->size || like->bytes[at] != 'w' || strcmp(like->bytes + at + 1, *argv) != 0)
				return false;
			at += strlen(*argv) + 2;
		}
		if (at == like->size || like->bytes[at] != 's')
			return false;
		at++;
	}
	return at == like->size;
}

static void check_written(const brood_command *cmd, const struct words *words)
{
	char *text = brood_command_format(cmd), *again;
	brood_command *second = NULL;

	FUZZ_CHECK(text);
	FUZZ_CHECK(brood_command_parse(text, &second) == 0);
	FUZZ_CHECK(same_words(second, words, true));
	again = brood_command_format(second);
	FUZZ_CHECK(again && strcmp(text, again) == 0);
	free(again);
	free(text);
	brood_command_free(second);
}

static void check_refused(const brood_command *cmd, const char *line)
{
	const char *error = brood_command_error(cmd);
	unsigned long column = 0;

	FUZZ_CHECK(error && sscanf(error, "parse: column %lu: ", &column) == 1);
	FUZZ_CHECK(column >= 1 && column <= strlen(line) + 1);
	FUZZ_CHECK(strlen(strstr(error, ": ") + 2) > strlen("column 1: "));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* At the most each byte is a word of its own. */
	struct words words = { .bytes = malloc(3 * size + 8) };
	char *line = malloc(size + 1);
	brood_command *cmd = NULL;
	int r;

	FUZZ_CHECK(line && words.bytes);
	memcpy(line, data, size);
	line[size] = '\0';
	r = brood_command_parse(line, &cmd);
	FUZZ_CHECK(cmd && (r == 0 || r == -EINVAL));
	if (r < 0) {
		check_refused(cmd, line);
	} else {
		FUZZ_CHECK(!brood_command_error(cmd));
		read_line(&words, line);
		FUZZ_CHECK(same_words(cmd, &words, false));
		check_written(cmd, &words);
	}
	brood_command_free(cmd);
	free(words.bytes);
	free(line);
	return 0;
}
