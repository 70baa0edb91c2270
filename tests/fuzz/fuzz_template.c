/* SPDX-License-Identifier: MIT */
/*
 * A template and an input, with a newline between them: whatever they hold, the chain has as many stages and words as the template, and where the
 * template has none but {} the input arrives as it is. The first byte says whether the template is a line or words behind --, with 0x1f between.
 */
#include "fuzz/fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "template.h"

enum { MOST_WORDS = 16 };

static size_t word_count(const brood_command *cmd, size_t stage)
{
	const char *const *argv = brood_command_argv(cmd, stage);
	size_t count = 0;

	while (argv[count])
		count++;
	return count;
}

/* Nothing that is filled in changes the shape. */
static void check_same_shape(const brood_command *one, const brood_command *other)
{
	FUZZ_CHECK(brood_command_stages(one) == brood_command_stages(other));
	for (size_t i = 0; i < brood_command_stages(one); i++)
		FUZZ_CHECK(word_count(one, i) == word_count(other, i));
}

static void check_filled(const struct template *template, const char *input)
{
	brood_command *plain = template_command(template, "x", 1), *cmd = template_command(template, input, UINT64_MAX);

	/* NULL is for want of memory. */
	FUZZ_CHECK(plain && cmd);
	check_same_shape(plain, cmd);
	brood_command_free(plain);
	brood_command_free(cmd);
}

/* Between two bars, so that nothing is cut at the ends. */
static void check_exact(const char *input)
{
	const char *words[] = { "p", "|{}|", "{}" };
	struct operands operands = { .words = (char **)words, .count = 3, .after_dashes = true };
	struct template *template;
	size_t size = strlen(input);
	brood_command *cmd;
	const char *word;
	char *why;

	FUZZ_CHECK(template_new(&operands, &template, &why) == 0);
	cmd = template_command(template, input, 1);
	word = brood_command_argv(cmd, 0)[1];
	FUZZ_CHECK(strlen(word) == size + 2 && word[0] == '|' && memcmp(word + 1, input, size) == 0 && word[size + 1] == '|');
	FUZZ_CHECK(strcmp(brood_command_argv(cmd, 0)[2], input) == 0);
	brood_command_free(cmd);
	template_free(template);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *words[MOST_WORDS], *newline, *why = NULL;
	struct operands operands = { .words = words };
	struct template *template;

	if (!text || size == 0)
		goto out;
	memcpy(text, data, size);
	text[size] = '\0';
	newline = strchr(text, '\n');
	if (!newline)
		goto out;
	*newline = '\0';
	operands.after_dashes = text[0] & 1;
	if (operands.after_dashes)
		for (char *word = strtok(text + 1, "\x1f"); word && operands.count < MOST_WORDS; word = strtok(NULL, "\x1f"))
			words[operands.count++] = word;
	else if (text[0])
		words[operands.count++] = text + 1;

	check_exact(newline + 1);
	if (operands.count > 0 && template_new(&operands, &template, &why) == 0) {
		check_filled(template, newline + 1);
		template_free(template);
	}
	free(why);
out:
	free(text);
	return 0;
}
