/* SPDX-License-Identifier: MIT */
/*
 * A command line, read as a shell reads words, quotes and |, and no further. What a shell would expand, redirect or run
 * otherwise is refused with its column, so that no line means one thing here and another there. Columns count bytes from 1.
 *
 * One pass over the line. Each helper reads one thing at `at` and moves on; the first refusal is kept and ends the pass.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "command/description.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parse {
	const char *line;
	const char *at;
	char *word;                     /* as large as the line, so it never grows */
	size_t word_size;
	const char *word_start;         /* NULL between words */
	bool plain;                     /* nothing in this word was quoted so far */
	const char *brace;              /* an unquoted { of this word, or NULL */
	bool brace_list;                /* and a comma or .. came after it */
	struct strv words;              /* of this stage */
	const char *bar;                /* the | before this stage, or NULL */
	brood_command *chain;           /* the stages before this one */
	brood_command *refusal;         /* a command with the mistake, or NULL */
};

/* ---- refusing: each returns -EINVAL, or -ENOMEM when there is no place for the sentence ---- */

static int refuse(struct parse *parse, const char *where, const char *what)
{
	parse->refusal = command_new_stage(STAGE_EXEC);
	if (!parse->refusal)
		return -ENOMEM;
	command_mistake(parse->refusal, "parse: column %zu: %s", (size_t)(where - parse->line) + 1, what);
	return -EINVAL;
}

static int refuse_character(struct parse *parse, const char *where, const char *why)
{
	parse->refusal = command_new_stage(STAGE_EXEC);
	if (!parse->refusal)
		return -ENOMEM;
	command_mistake(parse->refusal, "parse: column %zu: '%c' %s", (size_t)(where - parse->line) + 1, *where, why);
	return -EINVAL;
}

/* ---- characters that a shell acts on ---- */

/* Unquoted, anywhere. */
static const char *shell_meaning(char c)
{
	switch (c) {
	case '&':
		return "would run the command in the background or join two: quote it, or use brood_then";
	case ';':
		return "would separate two commands: quote it, or use brood_then";
	case '<':
	case '>':
		return "would redirect: quote it, or use brood_command_redirect_path and its kin";
	case '(':
	case ')':
		return "would make a subshell: quote it, or use brood_command_arg";
	case '$':
	case '`':
		return "would be expanded by a shell: quote it or use brood_command_arg";
	case '*':
	case '?':
	case '[':
		return "would be matched against file names by a shell: quote it or use brood_command_arg";
	default:
		return NULL;
	}
}

/* Unquoted, as the first character of a word. */
static const char *meaning_at_start(char c)
{
	switch (c) {
	case '#':
		return "would start a comment: quote it or use brood_command_arg";
	case '~':
		return "would be expanded to a home directory by a shell: quote it or use brood_command_arg";
	default:
		return NULL;
	}
}

static bool is_name(const char *word, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		bool letter = (word[i] >= 'a' && word[i] <= 'z') || (word[i] >= 'A' && word[i] <= 'Z') || word[i] == '_';

		if (!letter && (i == 0 || word[i] < '0' || word[i] > '9'))
			return false;
	}
	return size > 0;
}

/*
 * {a,b} and {1..9} are lists to bash, while {} and {a} are words to every shell. So is {},{} but not {},a}, which bash makes two
 * words of: whatever has {, then a comma or .., then }, is refused.
 */
static int watch_braces(struct parse *parse, char c)
{
	if (c == '{') {
		if (!parse->brace || !parse->brace_list) {
			parse->brace = parse->at;
			parse->brace_list = false;
		}
	} else if (parse->brace && (c == ',' || (c == '.' && parse->at[1] == '.'))) {
		parse->brace_list = true;
	} else if (c == '}' && parse->brace_list) {
		return refuse_character(parse, parse->brace, "opens a list that some shells expand: quote it");
	}
	return 0;
}

/* ---- words ---- */

static void begin_word(struct parse *parse)
{
	if (parse->word_start)
		return;
	parse->word_start = parse->at;
	parse->word_size = 0;
	parse->plain = true;
	parse->brace = NULL;
	parse->brace_list = false;
}

static void put(struct parse *parse, char c)
{
	parse->word[parse->word_size++] = c;
}

static int end_word(struct parse *parse)
{
	if (!parse->word_start)
		return 0;
	if (parse->words.count == 0) {
		if (parse->word_size == 0)
			return refuse(parse, parse->word_start, "the program's name is empty");
		if (parse->plain && parse->word_size == 1 && strchr("!{}", parse->word[0]))
			return refuse_character(parse, parse->word_start, "as the first word belongs to the shell's language: quote it");
	}
	parse->word[parse->word_size] = '\0';
	parse->word_start = NULL;
	return strv_push(&parse->words, parse->word);
}

/* 'text': every byte stands for itself. */
static int read_single(struct parse *parse)
{
	const char *quote = parse->at, *end = strchr(quote + 1, '\'');

	if (!end)
		return refuse_character(parse, quote, "opens a quotation that is not closed");
	begin_word(parse);
	parse->plain = false;
	for (const char *c = quote + 1; c < end; c++)
		put(parse, *c);
	parse->at = end + 1;
	return 0;
}

/* "text": backslash takes the meaning from $ ` " \ and is itself before anything else. */
static int read_double(struct parse *parse)
{
	const char *quote = parse->at;

	begin_word(parse);
	parse->plain = false;
	for (parse->at++; *parse->at != '"'; parse->at++) {
		char c = *parse->at;

		if (c == '\0')
			return refuse_character(parse, quote, "opens a quotation that is not closed");
		if (c == '$' || c == '`')
			return refuse_character(parse, parse->at, "would be expanded by a shell even in double quotes: use single ones");
		if (c == '\\' && parse->at[1] == '\n')
			return refuse_character(parse, parse->at, "before the end of the line would join two lines");
		if (c == '\\' && parse->at[1] != '\0' && strchr("$`\"\\", parse->at[1]))
			c = *++parse->at;
		put(parse, c);
	}
	parse->at++;
	return 0;
}

static int read_backslash(struct parse *parse)
{
	char c = parse->at[1];

	if (c == '\0')
		return refuse_character(parse, parse->at, "at the end has nothing to quote");
	if (c == '\n')
		return refuse_character(parse, parse->at, "before the end of the line would join two lines");
	begin_word(parse);
	parse->plain = false;
	put(parse, c);
	parse->at += 2;
	return 0;
}

static int read_plain(struct parse *parse)
{
	char c = *parse->at;
	const char *meaning = shell_meaning(c);
	int r;

	if (!meaning && !parse->word_start)
		meaning = meaning_at_start(c);
	if (meaning)
		return refuse_character(parse, parse->at, meaning);
	begin_word(parse);
	if (c == '=' && parse->words.count == 0 && parse->plain && is_name(parse->word, parse->word_size))
		return refuse(parse, parse->word_start, "NAME=value before a program is the shell's: use brood_command_setenv");
	r = watch_braces(parse, c);
	if (r < 0)
		return r;
	put(parse, c);
	parse->at++;
	return 0;
}

/* ---- stages ---- */

/* The words become a stage behind the others. At least one word: the caller has looked. */
static int add_stage(struct parse *parse)
{
	brood_command *stage = command_new_stage(STAGE_EXEC);

	if (!stage)
		return -ENOMEM;
	stage->stages[0].argv = parse->words;
	memset(&parse->words, 0, sizeof(parse->words));
	parse->chain = parse->chain ? brood_pipe(parse->chain, stage) : stage;
	return parse->chain ? 0 : -ENOMEM;
}

static int read_bar(struct parse *parse)
{
	int r;

	r = end_word(parse);
	if (r < 0)
		return r;
	if (parse->at[1] == '|')
		return refuse(parse, parse->at, "'||' would run the second if the first fails: that is for the caller to decide");
	if (parse->words.count == 0)
		return refuse_character(parse, parse->at, "has no command before it");
	parse->bar = parse->at++;
	return add_stage(parse);
}

static int read_end(struct parse *parse)
{
	int r;

	r = end_word(parse);
	if (r < 0)
		return r;
	if (parse->words.count > 0)
		return add_stage(parse);
	if (parse->bar)
		return refuse_character(parse, parse->bar, "has no command after it");
	return refuse(parse, parse->at, "there is no command");
}

static int read_one(struct parse *parse)
{
	int r;

	switch (*parse->at) {
	case ' ':
	case '\t':
		r = end_word(parse);
		parse->at++;
		return r;
	case '\n':
		return refuse(parse, parse->at, "a newline would end the command: quote it");
	case '\'':
		return read_single(parse);
	case '"':
		return read_double(parse);
	case '\\':
		return read_backslash(parse);
	case '|':
		return read_bar(parse);
	default:
		return read_plain(parse);
	}
}

static int read_line(struct parse *parse)
{
	int r = 0;

	while (r >= 0 && *parse->at)
		r = read_one(parse);
	return r < 0 ? r : read_end(parse);
}

/* ---- the call ---- */

int brood_command_parse(const char *line, brood_command **ret_cmd)
{
	struct parse parse = { .line = line, .at = line };
	char *word;
	int r;

	if (!ret_cmd)
		return -EINVAL;
	*ret_cmd = NULL;
	if (!line) {
		*ret_cmd = command_new_stage(STAGE_EXEC);
		command_mistake(*ret_cmd, "parse: the line is NULL");
		return *ret_cmd ? -EINVAL : -ENOMEM;
	}

	parse.word = word = malloc(strlen(line) + 1);
	r = word ? read_line(&parse) : -ENOMEM;
	if (r >= 0) {
		*ret_cmd = parse.chain;
		parse.chain = NULL;
	} else if (r == -EINVAL) {
		*ret_cmd = parse.refusal;
		parse.refusal = NULL;
	}
	brood_command_free(parse.chain);
	brood_command_free(parse.refusal);
	strv_done(&parse.words);
	free(word);
	return r;
}
