/* SPDX-License-Identifier: MIT */
/*
 * An environment from a base and changes: fields that end with NUL, the first byte of each says what it is. b: an entry of the base; +: NAME=value
 * is set; -: NAME is unset; !: all is forgotten. What comes must be what a list says that is searched from its beginning each time: the last one
 * of a name wins, in the place where the name came first, and no name comes twice.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "spawn/environ.h"

enum { MOST = 1024 };

/* ---- the model ------------------------------------------------------------------------------------------------ */

struct item {
	const char *text;       /* begins with the name */
	size_t name_size;       /* 0: no NAME=value, so nothing to compare */
	bool set;
};

struct model {
	struct item items[MOST];
	size_t count;
};

static size_t name_size(const char *text)
{
	const char *equals = strchr(text, '=');

	return equals ? (size_t)(equals - text) : 0;
}

static void model_put(struct model *model, const char *text, size_t size, bool set)
{
	size_t i = size > 0 ? 0 : model->count;

	while (i < model->count && (model->items[i].name_size != size || memcmp(model->items[i].text, text, size) != 0))
		i++;
	if (i == model->count)
		model->count++;
	model->items[i] = (struct item){ .text = text, .name_size = size, .set = set };
}

static void model_change(struct model *model, const struct env_op *op)
{
	if (op->change == ENV_CLEAR)
		model->count = 0;
	else if (op->change == ENV_SET)
		model_put(model, op->text, name_size(op->text), true);
	else
		model_put(model, op->text, strlen(op->text), false);
}

static void check_list(const struct model *model, char **list)
{
	size_t at = 0;

	for (size_t i = 0; i < model->count; i++) {
		const struct item *item = &model->items[i];
		char name[4097];

		if (item->name_size > 0) {
			memcpy(name, item->text, item->name_size);
			name[item->name_size] = '\0';
			FUZZ_CHECK(!environ_get(list, name) == !item->set);
		}
		if (!item->set)
			continue;
		FUZZ_CHECK(list[at] && strcmp(list[at], item->text) == 0);
		if (item->name_size > 0)
			FUZZ_CHECK(strcmp(environ_get(list, name), item->text + item->name_size + 1) == 0);
		at++;
	}
	FUZZ_CHECK(!list[at]);
}

/* Said once more without the model: it could have the same fault. */
static void check_no_name_twice(char **list)
{
	for (size_t i = 0; list[i]; i++)
		for (size_t j = 0; j < i; j++)
			FUZZ_CHECK(name_size(list[i]) == 0 || name_size(list[i]) != name_size(list[j]) ||
			           memcmp(list[i], list[j], name_size(list[i])) != 0);
}

/* ---- the fields ----------------------------------------------------------------------------------------------- */

struct input {
	char *base[MOST + 1];
	size_t base_count;
	struct env_op ops[MOST];
	size_t count;
};

/* What lib/command would refuse is left out: changes have a name, and a name has no '='. */
static void read_field(struct input *input, char *field)
{
	char *text = field + 1;

	if (field[0] == 'b')
		input->base[input->base_count++] = text;
	else if (field[0] == '+' && name_size(text) > 0)
		input->ops[input->count++] = (struct env_op){ .change = ENV_SET, .text = text };
	else if (field[0] == '-' && *text && !strchr(text, '='))
		input->ops[input->count++] = (struct env_op){ .change = ENV_UNSET, .text = text };
	else if (field[0] == '!')
		input->ops[input->count++] = (struct env_op){ .change = ENV_CLEAR };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input input;
	static struct model model;
	char *text, **list;
	size_t fields = 0;

	if (size > 4096)
		return 0;
	text = malloc(size + 1);
	FUZZ_CHECK(text);
	memcpy(text, data, size);
	text[size] = '\0';
	input.base_count = input.count = model.count = 0;
	for (char *field = text; field < text + size && fields < MOST; field += strlen(field) + 1, fields++)
		read_field(&input, field);
	input.base[input.base_count] = NULL;

	for (size_t i = 0; i < input.base_count; i++)
		model_put(&model, input.base[i], name_size(input.base[i]), true);
	for (size_t i = 0; i < input.count; i++)
		model_change(&model, &input.ops[i]);
	list = environ_build(input.base_count > 0 ? input.base : NULL, input.ops, input.count);
	FUZZ_CHECK(list);
	check_list(&model, list);
	check_no_name_twice(list);
	free(list);
	free(text);
	return 0;
}
