/* SPDX-License-Identifier: MIT */
/*
 * A chain whose words have holes. Read once: each word is cut into pieces, text or hole, and a job's words are put together from them. What fills
 * a hole is never looked at again, so no input can add a word, a stage or a hole.
 *
 * {/} and {//} are what basename(1) and dirname(1) print: slashes at the end do not count, so that a list of folders ("a/b/") has names. {.} takes
 * the last dot of the last component and what follows it, but no dot at its front: ".bashrc" has no extension, nor has "..", nor
 * has a folder that is written with its slash.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "template.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"

enum piece_kind { PIECE_TEXT, PIECE_INPUT, PIECE_STEM, PIECE_NAME, PIECE_FOLDER, PIECE_NUMBER, PIECE_KINDS };

static const struct {
	const char *text;
	enum piece_kind kind;
} holes[] = {
	{ "{}", PIECE_INPUT },
	{ "{.}", PIECE_STEM },
	{ "{/}", PIECE_NAME },
	{ "{//}", PIECE_FOLDER },
	{ "{#}", PIECE_NUMBER },
};

struct slice {
	const char *bytes;
	size_t size;
};

struct piece {
	enum piece_kind kind;
	struct slice text;      /* of PIECE_TEXT: in the words of the source */
};

struct word {
	const struct piece *pieces;
	size_t count;           /* at least one */
};

struct stage {
	const struct word *words;
	size_t count;
};

struct template {
	brood_command *source;  /* keeps the words that pieces point into */
	char *text;
	struct stage *stages;
	size_t stage_count;
	struct word *words;     /* of all stages, one behind the other; so are the pieces */
	struct piece *pieces;
	size_t piece_count;
	bool has_holes;
	bool has_number;
};

/* ---- reading: words into pieces ---- */

/* The hole that begins here: its length, 0 for none. */
static size_t hole_at(const char *text, enum piece_kind *ret_kind)
{
	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		size_t size = strlen(holes[i].text);

		if (strncmp(text, holes[i].text, size) == 0) {
			*ret_kind = holes[i].kind;
			return size;
		}
	}
	return 0;
}

/* How much text there is before the next hole or the end. */
static size_t text_size(const char *text)
{
	enum piece_kind kind;
	size_t size = 0;

	while (text[size] && hole_at(text + size, &kind) == 0)
		size++;
	return size;
}

static void add_piece(struct template *template, enum piece_kind kind, const char *bytes, size_t size)
{
	template->pieces[template->piece_count++] = (struct piece){ .kind = kind, .text = { bytes, size } };
	template->has_holes |= kind != PIECE_TEXT;
	template->has_number |= kind == PIECE_NUMBER;
}

static void read_word(struct template *template, const char *text, struct word *ret_word)
{
	size_t before = template->piece_count;

	ret_word->pieces = template->pieces + before;
	do {
		enum piece_kind kind = PIECE_TEXT;
		size_t size = hole_at(text, &kind);

		if (size == 0)
			size = text_size(text);
		add_piece(template, kind, text, size);
		text += size;
	} while (*text);
	ret_word->count = template->piece_count - before;
}

/* Room for the most pieces that there can be, a byte each, and for the word that may be added. */
static int make_room(struct template *template)
{
	size_t words = 1, pieces = 1;

	for (size_t i = 0; i < template->stage_count; i++) {
		const char *const *argv = brood_command_argv(template->source, i);

		if (!argv)
			return -EINVAL;
		for (; *argv; argv++, words++)
			pieces += strlen(*argv) + 1;
	}
	template->stages = calloc(template->stage_count, sizeof(*template->stages));
	template->words = calloc(words, sizeof(*template->words));
	template->pieces = calloc(pieces, sizeof(*template->pieces));
	template->text = brood_command_format(template->source);
	return template->stages && template->words && template->pieces && template->text ? 0 : -ENOMEM;
}

static void read_stages(struct template *template)
{
	struct word *word = template->words;

	for (size_t i = 0; i < template->stage_count; i++) {
		template->stages[i].words = word;
		for (const char *const *argv = brood_command_argv(template->source, i); *argv; argv++)
			read_word(template, *argv, word++);
		template->stages[i].count = (size_t)(word - template->stages[i].words);
	}
	if (template->has_holes || template->stage_count > 1)
		return;
	read_word(template, "{}", word);
	template->stages[0].count++;
}

int template_new(const struct operands *operands, struct template **ret_template, char **ret_why)
{
	struct template *template = calloc(1, sizeof(*template));
	int r;

	*ret_template = NULL;
	*ret_why = NULL;
	if (!template)
		return -ENOMEM;
	r = chain_read(operands, &template->source, ret_why);
	if (r < 0)
		goto out;
	template->stage_count = brood_command_stages(template->source);
	r = make_room(template);
	if (r < 0)
		goto out;
	read_stages(template);
	if (!template->has_holes && template->stage_count > 1) {
		*ret_why = strdup("a chain needs {} (or {.} {/} {//} {#}) where the input is to go");
		r = -EINVAL;
		goto out;
	}
	*ret_template = template;
	template = NULL;
out:
	template_free(template);
	return r;
}

/* ---- filling in ---- */

static size_t cut_slashes(const char *bytes, size_t size)
{
	while (size > 1 && bytes[size - 1] == '/')
		size--;
	return size;
}

/* Where the last component begins. */
static size_t last_component(const char *bytes, size_t size)
{
	while (size > 0 && bytes[size - 1] != '/')
		size--;
	return size;
}

static struct slice stem_of(const char *input, size_t size)
{
	size_t first = last_component(input, size), dot = size;

	while (first < size && input[first] == '.')
		first++;
	while (dot > first && input[dot - 1] != '.')
		dot--;
	return (struct slice){ input, dot > first ? dot - 1 : size };
}

static struct slice name_of(const char *input, size_t size)
{
	size_t whole = cut_slashes(input, size), first;

	if (whole == 1 && input[0] == '/')
		return (struct slice){ "/", 1 };
	first = last_component(input, whole);
	return (struct slice){ input + first, whole - first };
}

static struct slice folder_of(const char *input, size_t size)
{
	size_t first = last_component(input, cut_slashes(input, size));

	if (first == 0)
		return (struct slice){ ".", 1 };
	return (struct slice){ input, cut_slashes(input, first) };
}

static struct slice piece_value(const struct piece *piece, const struct slice values[PIECE_KINDS])
{
	struct slice value = piece->kind == PIECE_TEXT ? piece->text : values[piece->kind];

	assert(value.bytes);
	return value;
}

/* A word of one piece that ends where its string ends needs no copy; the command makes its own. */
static const char *word_as_it_is(const struct word *word, const struct slice values[PIECE_KINDS])
{
	struct slice value = piece_value(&word->pieces[0], values);

	return word->count == 1 && value.bytes[value.size] == '\0' ? value.bytes : NULL;
}

static size_t word_size(const struct word *word, const struct slice values[PIECE_KINDS])
{
	size_t size = 1;

	for (size_t i = 0; i < word->count; i++)
		size += piece_value(&word->pieces[i], values).size;
	return size;
}

static char *word_fill(const struct word *word, const struct slice values[PIECE_KINDS], char *at)
{
	for (size_t i = 0; i < word->count; i++) {
		struct slice value = piece_value(&word->pieces[i], values);

		memcpy(at, value.bytes, value.size);
		at += value.size;
	}
	*at++ = '\0';
	return at;
}

/* One allocation: the pointers, and behind them the words that have to be put together. */
static brood_command *stage_command(const struct stage *stage, const struct slice values[PIECE_KINDS])
{
	size_t size = (stage->count + 1) * sizeof(char *);
	brood_command *cmd;
	const char **argv;
	char *at;

	for (size_t i = 0; i < stage->count; i++)
		size += word_as_it_is(&stage->words[i], values) ? 0 : word_size(&stage->words[i], values);
	argv = malloc(size);
	if (!argv)
		return NULL;
	at = (char *)(argv + stage->count + 1);
	for (size_t i = 0; i < stage->count; i++) {
		argv[i] = word_as_it_is(&stage->words[i], values);
		if (!argv[i]) {
			argv[i] = at;
			at = word_fill(&stage->words[i], values, at);
		}
	}
	argv[stage->count] = NULL;
	cmd = brood_command_new(argv);
	free(argv);
	return cmd;
}

brood_command *template_command(const struct template *template, const char *input, uint64_t number)
{
	char digits[24] = "";
	size_t size = strlen(input);
	const struct slice values[PIECE_KINDS] = {
		[PIECE_INPUT] = { input, size },
		[PIECE_STEM] = stem_of(input, size),
		[PIECE_NAME] = name_of(input, size),
		[PIECE_FOLDER] = folder_of(input, size),
		[PIECE_NUMBER] = { digits, template->has_number ? (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number) : 0 },
	};
	brood_command *chain = stage_command(&template->stages[0], values);

	for (size_t i = 1; chain && i < template->stage_count; i++)
		chain = brood_pipe(chain, stage_command(&template->stages[i], values));
	return chain;
}

const char *template_text(const struct template *template)
{
	return template->text;
}

void template_free(struct template *template_take)
{
	if (!template_take)
		return;
	brood_command_free(template_take->source);
	free(template_take->text);
	free(template_take->stages);
	free(template_take->words);
	free(template_take->pieces);
	free(template_take);
}
