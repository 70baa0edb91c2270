/* SPDX-License-Identifier: MIT */
/*
 * All inputs, one behind the other: the words, then each file in the order given. With --shuffle they are collected first, and handed out once the
 * last one is there.
 *
 * One call reads so much and no more: a line without an end, or a shuffle of what never ends, would otherwise keep its caller from
 * seeing Ctrl-C. The first error sticks: what comes behind a file that failed is not given as if nothing had happened.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inputs_source.h"
#include "inputs_shuffle.h"

enum {
	READ_AT_ONCE = 1 << 20,         /* bytes, in one call */
	COUNT_AT_MOST = 64 << 20        /* a second reading, beforehand, of more than this would be felt */
};

struct inputs {
	char **words;
	size_t word_count, word_next;
	struct source *sources;
	size_t source_count, source_next;
	uint64_t given;                 /* taken from words and lines so far */
	bool ended;
	bool counted;                   /* the files, once */
	bool total_known;
	uint64_t total;
	bool shuffle;
	uint64_t seed;
	char **hat;                     /* what is shuffled */
	size_t hat_count, hat_room, hat_next;
	int error;
	char *why;
};

/* ---- opening ---- */

/* Read twice, it would be empty the second time, and fewer jobs would run than the command line seems to say. */
static int check_stdin_once(const struct inputs_settings *settings, char **ret_why)
{
	size_t count = 0;

	for (size_t i = 0; i < settings->file_count; i++)
		count += strcmp(settings->files[i], "-") == 0;
	if (count <= 1)
		return 0;
	*ret_why = strdup("standard input can be read only once");
	return -EINVAL;
}

static int open_files(struct inputs *inputs, const struct inputs_settings *settings, char **ret_why)
{
	static const char *stdin_alone[] = { "-" };
	bool alone = !settings->words && settings->file_count == 0;
	const char **files = alone ? stdin_alone : settings->files;
	size_t count = alone ? 1 : settings->file_count;
	int r = 0;

	inputs->sources = calloc(count + 1, sizeof(*inputs->sources));
	if (!inputs->sources)
		return -ENOMEM;
	while (r == 0 && inputs->source_count < count) {
		r = source_open(&inputs->sources[inputs->source_count], files[inputs->source_count], settings->null_separated, ret_why);
		inputs->source_count++;
	}
	return r;
}

int inputs_new(const struct inputs_settings *settings, struct inputs **ret_inputs, char **ret_why)
{
	struct inputs *inputs = NULL;
	int r;

	*ret_inputs = NULL;
	*ret_why = NULL;
	r = check_stdin_once(settings, ret_why);
	if (r < 0)
		return r;
	inputs = calloc(1, sizeof(*inputs));
	if (!inputs)
		return -ENOMEM;
	inputs->words = settings->words;
	inputs->word_count = settings->words ? settings->word_count : 0;
	inputs->shuffle = settings->shuffle;
	inputs->seed = settings->seed;
	r = open_files(inputs, settings, ret_why);
	if (r < 0)
		goto out;
	*ret_inputs = inputs;
	inputs = NULL;
out:
	inputs_free(inputs);
	return r;
}

/* ---- one by one ---- */

static int next_word(struct inputs *inputs, char **ret_input)
{
	*ret_input = strdup(inputs->words[inputs->word_next]);
	if (!*ret_input)
		return -ENOMEM;
	inputs->word_next++;
	return 1;
}

static int next_line(struct inputs *inputs, size_t *budget, char **ret_input)
{
	int r = 0;

	while (inputs->source_next < inputs->source_count) {
		r = source_next(&inputs->sources[inputs->source_next], budget, ret_input, &inputs->why);
		if (r != 0)
			return r;
		inputs->source_next++;
	}
	return 0;
}

/* In the order in which they come. */
static int next_given(struct inputs *inputs, size_t *budget, char **ret_input)
{
	int r;

	if (inputs->ended)
		return 0;
	r = inputs->word_next < inputs->word_count ? next_word(inputs, ret_input) : next_line(inputs, budget, ret_input);
	inputs->given += r == 1;
	inputs->ended = r == 0;
	return r;
}

/* ---- shuffled ---- */

static int put_into_hat(struct inputs *inputs, char *input_take)
{
	if (inputs->hat_count == inputs->hat_room) {
		size_t room = inputs->hat_room * 2 + 64;
		char **hat = reallocarray(inputs->hat, room, sizeof(*hat));

		if (!hat) {
			free(input_take);
			return -ENOMEM;
		}
		inputs->hat = hat;
		inputs->hat_room = room;
	}
	inputs->hat[inputs->hat_count++] = input_take;
	return 0;
}

/* 0 once all of them are there. */
static int fill_hat(struct inputs *inputs, size_t *budget)
{
	char *input;
	int r;

	while ((r = next_given(inputs, budget, &input)) == 1) {
		r = put_into_hat(inputs, input);
		if (r < 0)
			return r;
	}
	if (r == 0)
		shuffle(inputs->hat, inputs->hat_count, inputs->seed);
	return r;
}

static int next_shuffled(struct inputs *inputs, size_t *budget, char **ret_input)
{
	int r = inputs->ended ? 0 : fill_hat(inputs, budget);

	if (r < 0 || inputs->hat_next == inputs->hat_count)
		return r;
	*ret_input = inputs->hat[inputs->hat_next];
	inputs->hat[inputs->hat_next++] = NULL;
	return 1;
}

int inputs_next(struct inputs *inputs, char **ret_input)
{
	size_t budget = READ_AT_ONCE;
	int r;

	*ret_input = NULL;
	if (inputs->error < 0)
		return inputs->error;
	r = inputs->shuffle ? next_shuffled(inputs, &budget, ret_input) : next_given(inputs, &budget, ret_input);
	if (r < 0 && r != -EAGAIN)
		inputs->error = r;
	return r;
}

int inputs_fd(const struct inputs *inputs)
{
	return inputs->source_next < inputs->source_count ? inputs->sources[inputs->source_next].fd : -1;
}

const char *inputs_why(const struct inputs *inputs)
{
	return inputs->why ? inputs->why : strerror(-inputs->error);
}

/* ---- how many ---- */

static void count_files(struct inputs *inputs)
{
	uint64_t budget = COUNT_AT_MOST, count;

	inputs->counted = true;
	inputs->total = inputs->word_count;
	for (size_t i = 0; i < inputs->source_count; i++) {
		if (!source_count(&inputs->sources[i], &budget, &count))
			return;
		inputs->total += count;
	}
	inputs->total_known = true;
}

bool inputs_total(struct inputs *inputs, uint64_t *ret_total)
{
	if (inputs->ended)
		*ret_total = inputs->given;
	if (inputs->ended)
		return true;
	if (!inputs->counted)
		count_files(inputs);
	if (inputs->total_known)
		*ret_total = inputs->total;
	return inputs->total_known;
}

void inputs_free(struct inputs *inputs_take)
{
	if (!inputs_take)
		return;
	for (size_t i = 0; i < inputs_take->source_count; i++)
		source_done(&inputs_take->sources[i]);
	for (size_t i = 0; i < inputs_take->hat_count; i++)
		free(inputs_take->hat[i]);
	free(inputs_take->sources);
	free(inputs_take->hat);
	free(inputs_take->why);
	free(inputs_take);
}
