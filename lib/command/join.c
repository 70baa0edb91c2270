/* SPDX-License-Identifier: MIT */
/*
 * Two commands become one: a | b, which joins two lists of stages, and a && b, which is one stage that owns both. Either takes
 * its commands over, whatever comes of it.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "command/description.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first mistake of `from`, in its own words, which are moved. */
static void inherit_mistake(brood_command *cmd, brood_command *from)
{
	if (cmd->error != 0 || from->error == 0)
		return;
	cmd->error = from->error;
	cmd->message = from->message;
	from->message = NULL;
}

/* ---- a | b ---- */

/* The ends that become the pipe must be free: a stage that writes elsewhere would leave its reader with nothing. */
static void check_free_ends(brood_command *left, brood_command *right)
{
	const struct direction *out = stage_direction(&left->stages[left->stage_count - 1], BROOD_STDOUT);
	const struct direction *in = stage_direction(&right->stages[0], BROOD_STDIN);
	char neighbour[128];

	if (out) {
		snprintf(neighbour, sizeof(neighbour), "to '%s'", stage_name(&right->stages[0]));
		redirect_mistake_piped(left, out, neighbour);
	}
	if (in) {
		snprintf(neighbour, sizeof(neighbour), "from '%s'", stage_name(&left->stages[left->stage_count - 1]));
		redirect_mistake_piped(right, in, neighbour);
	}
}

/* What was a command's name becomes its stage's; a chain that becomes part of a longer one has no use for its own. */
static void name_becomes_label(brood_command *cmd)
{
	if (cmd->stage_count == 1 && cmd->name) {
		free(cmd->stages[0].name);
		cmd->stages[0].name = cmd->name;
	} else {
		free(cmd->name);
	}
	cmd->name = NULL;
}

/*
 * From here on, what was said on a shorter chain is these stages' own: a direction that is set on the longer one goes to the other
 * stages. The id stays, and with it the one file or pipe.
 */
static void shared_becomes_own(brood_command *cmd)
{
	for (size_t i = 0; i < cmd->stage_count; i++)
		for (size_t j = 0; j < cmd->stages[i].direction_count; j++)
			cmd->stages[i].directions[j].shared = false;
}

static int64_t shorter(int64_t a_ms, int64_t b_ms)
{
	if (a_ms < 0 || b_ms < 0)
		return a_ms < 0 ? b_ms : a_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

static void join_settings(brood_command *left, const brood_command *right)
{
	left->timeout_ms = shorter(left->timeout_ms, right->timeout_ms);
	left->timeout_set = left->timeout_set || right->timeout_set;
	if (!left->grace_set) {
		left->grace_ms = right->grace_ms;
		left->grace_set = right->grace_set;
	}
	if (!left->linger_set) {
		left->linger_ms = right->linger_ms;
		left->linger_set = right->linger_set;
	}
	if (!left->stop_signal_set) {
		left->stop_signal = right->stop_signal;
		left->stop_signal_set = right->stop_signal_set;
	}
	if (!left->overflow_set) {
		left->overflow = right->overflow;
		left->overflow_set = right->overflow_set;
	}
	if (!left->on_output) {
		left->on_output = right->on_output;
		left->on_output_data = right->on_output_data;
	}
	if (left->terminal_fd < 0)
		left->terminal_fd = right->terminal_fd;
}

/* Move the right's stages behind the left's. 0 or -ENOMEM, with both as they were. */
static int join_stages(brood_command *left, brood_command *right)
{
	struct stage *list;

	if (left->stage_count >= SIZE_MAX / sizeof(*list) - right->stage_count)
		return -ENOMEM;
	list = realloc(left->stages, (left->stage_count + right->stage_count) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	memcpy(list + left->stage_count, right->stages, right->stage_count * sizeof(*list));
	left->stages = list;
	left->stage_count += right->stage_count;
	right->stage_count = 0;
	return 0;
}

brood_command *brood_pipe(brood_command *left_take, brood_command *right_take)
{
	brood_command *left = left_take, *right = right_take;

	if (!left || !right)
		goto nothing;
	if (left == right) {
		command_mistake(left, "pipe: '%s' cannot be both sides: copy it", stage_name(&left->stages[0]));
		return left;
	}

	name_becomes_label(left);
	name_becomes_label(right);
	check_free_ends(left, right);
	shared_becomes_own(left);
	shared_becomes_own(right);
	if (join_stages(left, right) < 0)
		goto nothing;
	join_settings(left, right);
	inherit_mistake(left, right);
	brood_command_free(right);
	return left;
nothing:
	brood_command_free(left);
	brood_command_free(right);
	return NULL;
}

/* ---- a && b ---- */

static const char *const data_words[] = {
	[DIRECTION_PIPE] = "opens a pipe on",
	[DIRECTION_FEED] = "is fed on",
	[DIRECTION_CAPTURE] = "is captured on",
};

/* The two run in a child of their own, from where no byte comes back to a handle or a result. */
static void check_side(brood_command *cmd, brood_command *side)
{
	inherit_mistake(cmd, side);
	/* The first side's end would leave the terminal to a group that is gone. */
	if (side->terminal_fd >= 0)
		command_mistake(cmd, "then: '%s' is given a terminal: set that on the result of brood_then", stage_name(&side->stages[0]));
	for (size_t i = 0; i < side->stage_count; i++)
		for (size_t j = 0; j < side->stages[i].direction_count; j++) {
			const struct direction *direction = &side->stages[i].directions[j];

			if (direction->kind == DIRECTION_PIPE || direction->kind == DIRECTION_FEED ||
			    direction->kind == DIRECTION_CAPTURE)
				command_mistake(cmd, "then: '%s' %s descriptor %d: set that on the result of brood_then",
						stage_name(&side->stages[i]), data_words[direction->kind], direction->child_fd);
		}
}

/* A side's part of "first && second": its name, or its stages' with | between. Returns the size; writes unless `at` is NULL. */
static size_t put_label(const brood_command *side, char *at)
{
	size_t size = 0, count = side->name ? 1 : side->stage_count;

	for (size_t i = 0; i < count; i++) {
		const char *name = side->name ? side->name : stage_name(&side->stages[i]);
		size_t name_size = strlen(name);

		if (i > 0) {
			if (at)
				memcpy(at + size, " | ", 3);
			size += 3;
		}
		if (at)
			memcpy(at + size, name, name_size);
		size += name_size;
	}
	return size;
}

static char *then_label(const brood_command *first, const brood_command *second)
{
	size_t first_size = put_label(first, NULL), second_size = put_label(second, NULL);
	char *label;

	label = malloc(first_size + 4 + second_size + 1);
	if (!label)
		return NULL;
	put_label(first, label);
	memcpy(label + first_size, " && ", 4);
	put_label(second, label + first_size + 4);
	label[first_size + 4 + second_size] = '\0';
	return label;
}

brood_command *brood_then(brood_command *first_take, brood_command *second_take)
{
	brood_command *first = first_take, *second = second_take, *cmd = NULL;

	if (!first || !second)
		goto nothing;
	if (first == second) {
		command_mistake(first, "then: '%s' cannot be both sides: copy it", stage_name(&first->stages[0]));
		return first;
	}

	cmd = command_new_stage(STAGE_THEN);
	if (!cmd)
		goto nothing;
	cmd->stages[0].name = then_label(first, second);
	if (!cmd->stages[0].name)
		goto nothing;
	check_side(cmd, first);
	check_side(cmd, second);
	cmd->stages[0].first = first;
	cmd->stages[0].second = second;
	return cmd;
nothing:
	brood_command_free(cmd);
	brood_command_free(first);
	brood_command_free(second);
	return NULL;
}
