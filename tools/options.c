/* SPDX-License-Identifier: MIT */
/*
 * Tables of options. getopt_long(3) reads; what is said about a mistake is said here, for it only says "?".
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <brood/base.h>

#include "memfile.h"
#include "say.h"
#include "units.h"
#include "whole.h"

enum {
	ROWS_MOST = 64,
	/* What getopt_long returns for a long option: this and the row's number. Above every letter. */
	LONG_FIRST = 256,
	/* The column of the help words, where the options leave room for it. */
	HELP_COLUMN = 27,
	/* Longer names are near to none. */
	NEAREST_LENGTH = 63
};

/* They come with every verb, behind its own rows; no field. */
static const struct option_row common_rows[] = {
	{ "Help", 'h', "help", NULL, OPTION_FLAG, 0, .help = "show this" },
	{ NULL, 0, "version", NULL, OPTION_FLAG, 0, .help = "show the version" },
};
enum { COMMON_HELP, COMMON_VERSION, COMMON_COUNT };

static size_t all_count(const struct verb *verb)
{
	return verb->row_count + COMMON_COUNT;
}

static const struct option_row *row_at(const struct verb *verb, size_t i)
{
	return i < verb->row_count ? &verb->rows[i] : &common_rows[i - verb->row_count];
}

/* ---- the nearest name ----------------------------------------------------------------------------------------- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to put in, take out, change or swap with their neighbour (Damerau and Levenshtein; no part is touched twice). */
static size_t distance(const char *one, const char *other)
{
	size_t rows[3][NEAREST_LENGTH + 1];
	size_t one_length = strlen(one), other_length = strlen(other);
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= other_length; j++)
		last[j] = j;
	for (size_t i = 1; i <= one_length; i++) {
		now[0] = i;
		for (size_t j = 1; j <= other_length; j++) {
			now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (one[i - 1] != other[j - 1]));
			if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		size_t *free_row = before;
		before = last;
		last = now;
		now = free_row;
	}
	return last[other_length];
}

const char *options_nearest(const char *name, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	size_t length = strlen(name), fewest = NEAREST_LENGTH;

	if (length > NEAREST_LENGTH)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t other_length = strlen(names[i]);
		size_t longer = length > other_length ? length : other_length;

		if (other_length > NEAREST_LENGTH)
			continue;
		size_t far = distance(name, names[i]);
		/* One letter in three: "mpa" is map, "x" is nothing. */
		if (far * 3 <= longer && far < fewest) {
			nearest = names[i];
			fewest = far;
		}
	}
	return nearest;
}

/* ---- the table as getopt_long wants it ------------------------------------------------------------------------ */

struct tables {
	struct option longs[ROWS_MOST + 1];
	char shorts[3 * ROWS_MOST + 3];
};

static int argument_of(const struct option_row *row)
{
	if (row->kind == OPTION_FLAG || row->kind == OPTION_CHOICE)
		return no_argument;
	return row->kind == OPTION_WHEN || row->value[0] == '[' ? optional_argument : required_argument;
}

static void tables_init(struct tables *tables, const struct verb *verb)
{
	/* "+": stop at the first operand. ":": a missing value is told from an unknown option. */
	char *letters = stpcpy(tables->shorts, "+:");
	size_t count = all_count(verb);

	assert(count <= ROWS_MOST);
	for (size_t i = 0; i < count; i++) {
		const struct option_row *row = row_at(verb, i);

		tables->longs[i] = (struct option){ .name = row->name, .has_arg = argument_of(row), .val = LONG_FIRST + (int)i };
		if (!row->letter)
			continue;
		*letters++ = (char)row->letter;
		for (int colons = argument_of(row); colons > 0; colons--)
			*letters++ = ':';
	}
	*letters = '\0';
	tables->longs[count] = (struct option){ 0 };
}

/* What getopt_long found. */
static const struct option_row *row_found(const struct verb *verb, int found)
{
	if (found >= LONG_FIRST)
		return row_at(verb, (size_t)(found - LONG_FIRST));
	for (size_t i = 0; i < all_count(verb); i++)
		if (row_at(verb, i)->letter == found)
			return row_at(verb, i);
	return NULL;
}

/* ---- mistakes ------------------------------------------------------------------------------------------------- */

/* An option as the user wrote it, for what is said about it: "--timeo" of "--timeo=5x", "-t" of "-vt5x". */
struct written {
	const char *word;       /* the word of argv that it stands in */
	char letter[3];
	const char *text;
	int length;
};

static void written_as(struct written *written, const char *word, int letter)
{
	written->word = word;
	if (strncmp(word, "--", 2) == 0) {
		written->text = word;
		written->length = (int)strcspn(word, "=");
		return;
	}
	written->letter[0] = '-';
	written->letter[1] = (char)letter;
	written->letter[2] = '\0';
	written->text = written->letter;
	written->length = 2;
}

/* The words behind a mistake, "; did you mean --timeout?": for a long option with one dash, and for one with a slip of the finger. */
static const char *suggestion(const struct verb *verb, const struct written *written, char *text, size_t size)
{
	const char *names[ROWS_MOST], *near;
	bool is_long = written->text == written->word;
	char name[NEAREST_LENGTH + 1];
	size_t count = all_count(verb);

	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		names[i] = row_at(verb, i)->name;
	if ((size_t)snprintf(name, sizeof(name), "%.*s", (int)strcspn(written->word, "="), written->word) >= sizeof(name))
		return text;
	near = options_nearest(name + (is_long ? 2 : 1), names, count);
	/* With one dash only the whole name: "-timeout" is meant so, "-tim" may be a -t with a mistyped value. */
	if (near && (is_long || strcmp(name + 1, near) == 0))
		snprintf(text, size, "; did you mean --%s?", near);
	return text;
}

/* "--re" may be several: name them. False when it is not. */
static bool say_ambiguous(const struct verb *verb, const struct written *written)
{
	const char *name = written->text + 2;
	size_t length = (size_t)written->length - 2, used = 0, found = 0;
	char text[1024] = "";

	for (size_t i = 0; i < all_count(verb); i++) {
		const char *full = row_at(verb, i)->name;

		if (strncmp(full, name, length) != 0)
			continue;
		found++;
		if (used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s--%s", found > 1 ? ", " : "", full);
	}
	if (found > 1)
		say("%.*s is ambiguous: %s", written->length, written->text, text);
	return found > 1;
}

static bool begins_a_name(const struct verb *verb, const struct written *written)
{
	size_t length = (size_t)written->length - 2;

	/* "--=x" would begin them all. */
	for (size_t i = 0; length > 0 && i < all_count(verb); i++)
		if (strncmp(row_at(verb, i)->name, written->text + 2, length) == 0)
			return true;
	return false;
}

static bool is_a_name(const struct verb *verb, const struct written *written)
{
	size_t length = (size_t)written->length - 2;

	for (size_t i = 0; i < all_count(verb); i++)
		if (strncmp(row_at(verb, i)->name, written->text + 2, length) == 0 && !row_at(verb, i)->name[length])
			return true;
	return false;
}

/* getopt_long says "?" for an option that nobody knows, one that may be several, and a flag that was given a value. */
static int say_unknown(const struct verb *verb, const struct written *written)
{
	char more[NEAREST_LENGTH + 32];

	if (written->text != written->word || !begins_a_name(verb, written))
		say("unknown option %.*s%s", written->length, written->text, suggestion(verb, written, more, sizeof(more)));
	else if (is_a_name(verb, written) || !say_ambiguous(verb, written))
		say("%.*s takes no value", written->length, written->text);
	return -EINVAL;
}

/* The row of getopt_long's optopt; its value's name tells what was left out. */
static int say_no_value(const struct option_row *row, const struct written *written)
{
	assert(row);
	say("%.*s needs a value: %s", written->length, written->text, row->value);
	return -EINVAL;
}

static int say_bad_value(const struct verb *verb, const struct written *written, const char *value, const char *why)
{
	char more[NEAREST_LENGTH + 32] = "";

	if (written->text != written->word)
		suggestion(verb, written, more, sizeof(more));
	say("%.*s: '%s': %s%s", written->length, written->text, value, why, more);
	return -EINVAL;
}

/* ---- values --------------------------------------------------------------------------------------------------- */

static int read_when(const char *value, enum option_when *ret, const char **ret_why)
{
	static const char *const words[] = { [WHEN_AUTO] = "auto", [WHEN_ALWAYS] = "always", [WHEN_NEVER] = "never" };

	*ret_why = "not one of auto, always, never";
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(value, words[i]) != 0)
			continue;
		*ret = (enum option_when)i;
		return 0;
	}
	return -EINVAL;
}

static int list_add(struct option_list *list, const char *value, const char **ret_why)
{
	const char **items = reallocarray(list->items, list->count + 1, sizeof(*items));

	*ret_why = "out of memory";
	if (!items)
		return -ENOMEM;
	items[list->count++] = value;
	list->items = items;
	return 0;
}

/* value: NULL where it may be left out, and was. 0, or -errno and *ret_why. */
static int store(const struct option_row *row, const char *value, void *settings, const char **ret_why)
{
	void *field = (char *)settings + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_CHOICE:
		/* An enum without negative values is an unsigned int to gcc and clang. */
		*(unsigned *)field = (unsigned)row->choice;
		return 0;
	case OPTION_DURATION_MS:
		return units_duration_ms(value, field, ret_why);
	case OPTION_SIZE:
		return units_size(value, field, ret_why);
	case OPTION_COUNT:
		return units_count(value, 0, UINT64_MAX, field, ret_why);
	case OPTION_SIGNAL:
		return units_signal(value, field, ret_why);
	case OPTION_TEXT:
		*(const char **)field = value ? value : "";
		return 0;
	case OPTION_LIST:
		return list_add(field, value, ret_why);
	case OPTION_WHEN:
		return read_when(value ? value : "always", field, ret_why);
	}
	return 0;
}

/* ---- --help and --version ------------------------------------------------------------------------------------- */

static void print_indented(FILE *out, const char *first, const char *indent, const char *lines)
{
	while (*lines) {
		size_t length = strcspn(lines, "\n");

		fprintf(out, "%s%.*s\n", first, (int)length, lines);
		first = indent;
		lines += length + (lines[length] == '\n');
	}
}

static void print_row(FILE *out, const struct option_row *row)
{
	char letter[] = { '-', (char)row->letter, ',', ' ', '\0' };
	const char *value = row->value ? row->value : "";
	int width;

	if (row->group)
		fprintf(out, "%s:\n", row->group);
	width = fprintf(out, "  %4s--%s%s%s", row->letter ? letter : "", row->name, *value && *value != '[' ? "=" : "", value);
	/* What is too wide for the column has its words on the next line. */
	if (width >= HELP_COLUMN)
		width = fprintf(out, "\n") - 1;
	fprintf(out, "%*s%s\n", HELP_COLUMN - width, "", row->help);
}

static void print_help(FILE *out, const struct verb *verb)
{
	print_indented(out, "usage: ", "       ", verb->usage);
	print_indented(out, "", "", verb->about);
	fputc('\n', out);
	for (size_t i = 0; i < all_count(verb); i++)
		print_row(out, row_at(verb, i));
	fputs("Examples:\n", out);
	print_indented(out, "  ", "  ", verb->examples);
}

/* 1, or -errno after saying so: a script that keeps our help in a file on a full disk is told. */
static int answer(const struct verb *verb, bool help)
{
	struct memfile out;
	char *text = NULL;
	size_t size = 0;
	int r = memfile_open(&out);

	if (r == 0) {
		if (help)
			print_help(out.stream, verb);
		else
			fprintf(out.stream, "brood %s\n", brood_version());
		r = memfile_close(&out, &text, &size);
	}
	if (r == 0)
		r = write_whole(STDOUT_FILENO, text, size);
	free(text);
	if (r < 0)
		say("standard output: %s", strerror(-r));
	return r < 0 ? r : 1;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* What getopt_long found in `word`. 0: go on; else as options_read. */
static int take(const struct verb *verb, const char *word, int found, void *settings)
{
	const struct option_row *row = found == '?' || found == ':' ? NULL : row_found(verb, found);
	struct written written;
	const char *why;

	written_as(&written, word, row && found < LONG_FIRST ? found : optopt);
	if (found == '?')
		return say_unknown(verb, &written);
	if (found == ':')
		return say_no_value(row_found(verb, optopt), &written);
	if (row == &common_rows[COMMON_HELP] || row == &common_rows[COMMON_VERSION])
		return answer(verb, row == &common_rows[COMMON_HELP]);
	assert(row);
	if (store(row, optarg, settings, &why) < 0)
		return say_bad_value(verb, &written, optarg ? optarg : "", why);
	return 0;
}

int options_read(const struct verb *verb, int argc, char **argv, void *settings, struct operands *ret_operands)
{
	struct tables tables;
	int at, found, r;

	tables_init(&tables, verb);
	say_as(verb->name);
	*ret_operands = (struct operands){ 0 };
	opterr = 0;
	/* 0 and not 1: glibc and musl forget then what they had read of an argv before. */
	optind = 0;
	for (;;) {
		at = optind ? optind : 1;
		found = getopt_long(argc, argv, tables.shorts, tables.longs, NULL);
		if (found == -1)
			break;
		r = take(verb, argv[at], found, settings);
		if (r != 0)
			return r;
	}
	/* The word looked at last: a "--" that was the value of an option has been passed over by then. */
	ret_operands->after_dashes = at < argc && optind == at + 1 && strcmp(argv[at], "--") == 0;
	ret_operands->words = argv + optind;
	ret_operands->count = (size_t)(argc - optind);
	return 0;
}

void options_done(const struct verb *verb, void *settings)
{
	for (size_t i = 0; i < verb->row_count; i++) {
		struct option_list *list = (void *)((char *)settings + verb->rows[i].offset);

		if (verb->rows[i].kind != OPTION_LIST)
			continue;
		free(list->items);
		*list = (struct option_list){ 0 };
	}
}
