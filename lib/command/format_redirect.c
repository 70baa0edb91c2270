/* SPDX-License-Identifier: MIT */
/* What format.h promises: an order for redirections, and spare descriptors where there is none. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "command/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* ---- spans ---- */

/* What the shell can do once for several stages. A merge is each stage's own; pipes to a handle do not show. */
static bool is_spanning(const struct direction *direction)
{
	return direction->kind == DIRECTION_NULL || direction->kind == DIRECTION_PATH || direction->kind == DIRECTION_FD;
}

static struct span *span_find(const struct redirections *redirections, uint64_t id)
{
	for (size_t i = 0; i < redirections->span_count; i++)
		if (redirections->spans[i].direction->id == id)
			return &redirections->spans[i];
	return NULL;
}

static int span_add(struct redirections *redirections, const struct direction *direction, size_t stage)
{
	struct span *list, *span = span_find(redirections, direction->id);

	if (span) {
		span->last = stage;
		return 0;
	}
	list = list_grow(redirections->spans, redirections->span_count, sizeof(*list));
	if (!list)
		return -ENOMEM;
	redirections->spans = list;
	list[redirections->span_count++] = (struct span){ direction, stage, stage };
	return 0;
}

static void drop_single_stages(struct redirections *redirections)
{
	size_t kept = 0;

	for (size_t i = 0; i < redirections->span_count; i++)
		if (redirections->spans[i].first < redirections->spans[i].last)
			redirections->spans[kept++] = redirections->spans[i];
	redirections->span_count = kept;
}

/*
 * Braces nest, spans may cross: the stages 1 and 2 were a chain with a file for 2, all of 1 to 3 got one for 3, but the first
 * stage has a 3 of its own. The larger chain's span may cover such a stage, whose own redirection is nearer.
 */
static bool uncross(struct redirections *redirections, struct span *left, struct span *right)
{
	bool own = true;

	if (!(left->first < right->first && right->first <= left->last && left->last < right->last))
		return false;
	for (size_t i = left->first; i < right->first; i++)
		own = own && stage_direction(&redirections->cmd->stages[i], right->direction->child_fd);
	if (own)
		right->first = left->first;
	else
		left->last = right->last;
	return true;
}

static void uncross_all(struct redirections *redirections)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < redirections->span_count; i++)
			for (size_t j = 0; j < redirections->span_count; j++)
				again = uncross(redirections, &redirections->spans[i], &redirections->spans[j]) || again;
	}
}

int redirections_init(struct redirections *redirections, const brood_command *cmd)
{
	memset(redirections, 0, sizeof(*redirections));
	redirections->cmd = cmd;
	for (size_t i = 0; i < cmd->stage_count; i++)
		for (size_t j = 0; j < cmd->stages[i].direction_count; j++)
			if (is_spanning(&cmd->stages[i].directions[j]) &&
			    span_add(redirections, &cmd->stages[i].directions[j], i) < 0)
				return -ENOMEM;
	drop_single_stages(redirections);
	uncross_all(redirections);
	return 0;
}

void redirections_done(struct redirections *redirections)
{
	free(redirections->spans);
	free(redirections->saved);
	memset(redirections, 0, sizeof(*redirections));
}

/* ---- spare descriptors ---- */

static bool is_used(const struct redirections *redirections, int fd)
{
	const brood_command *cmd = redirections->cmd;

	for (size_t i = 0; i < cmd->stage_count; i++)
		for (size_t j = 0; j < cmd->stages[i].direction_count; j++)
			if (cmd->stages[i].directions[j].child_fd == fd || cmd->stages[i].directions[j].fd == fd)
				return true;
	for (size_t i = 0; i < redirections->saved_count; i++)
		if (redirections->saved[i].spare == fd)
			return true;
	return false;
}

/* The spare that keeps the caller's `source`, or -1 for want of memory. */
static int spare_for(struct redirections *redirections, int source)
{
	struct saved *list;
	int spare = 3;

	for (size_t i = 0; i < redirections->saved_count; i++)
		if (redirections->saved[i].source == source)
			return redirections->saved[i].spare;
	while (is_used(redirections, spare))
		spare++;
	list = list_grow(redirections->saved, redirections->saved_count, sizeof(*list));
	if (!list)
		return -1;
	redirections->saved = list;
	list[redirections->saved_count++] = (struct saved){ source, spare };
	return spare;
}

/* ---- one place: a stage or a span ---- */

struct step {
	const struct direction *direction;
	int source;             /* the caller's descriptor that it copies, or -1 */
	int spare;              /* where that is to be found instead, or -1 */
	bool done;
};

/* Inside stages first to last, is the caller's fd something else than that number? Because of a pipe or of a span around them. */
static bool is_hidden(const struct redirections *redirections, int fd, size_t first, size_t last, const struct span *self)
{
	if ((fd == 0 && first > 0) || (fd == 1 && last + 1 < redirections->cmd->stage_count))
		return true;
	for (size_t i = 0; i < redirections->span_count; i++) {
		const struct span *span = &redirections->spans[i];

		if (span != self && span->first <= first && span->last >= last && span->direction->child_fd == fd)
			return true;
	}
	return false;
}

/* Must `step` wait until `other` has been written? */
static bool must_wait(const struct step *step, const struct step *other)
{
	if (other->done || other == step)
		return false;
	if (other->source >= 0 && other->spare < 0 && other->source == step->direction->child_fd)
		return true; /* it would overwrite what the other copies */
	return step->direction->kind == DIRECTION_MERGE && step->direction->fd == other->direction->child_fd;
}

static struct step *next_step(struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool waits = steps[i].done;

		for (size_t j = 0; j < count && !waits; j++)
			waits = must_wait(&steps[i], &steps[j]);
		if (!waits)
			return &steps[i];
	}
	return NULL;
}

/* Everybody waits for somebody: a swap. One of the sources comes from a spare, which frees whoever would overwrite it. */
static struct step *break_circle(struct redirections *redirections, struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!steps[i].done && steps[i].source >= 0 && steps[i].spare < 0) {
			steps[i].spare = spare_for(redirections, steps[i].source);
			return steps[i].spare < 0 ? NULL : next_step(steps, count);
		}
	return NULL;
}

static void put_operator(struct shell_text *text, int child_fd, int usual_fd, const char *operator)
{
	shell_put(text, " ");
	if (child_fd != usual_fd)
		shell_put_number(text, child_fd);
	shell_put(text, operator);
}

static void put_copy(struct shell_text *text, int child_fd, int from)
{
	put_operator(text, child_fd, child_fd == 0 ? 0 : 1, child_fd == 0 ? "<&" : ">&");
	shell_put_number(text, from);
}

static void put_path(struct shell_text *text, const struct direction *direction)
{
	int access = direction->flags & O_ACCMODE, fd = direction->child_fd;

	if (access == O_RDONLY)
		put_operator(text, fd, 0, "<");
	else if (direction->flags & O_APPEND)
		put_operator(text, fd, 1, ">>");
	else if (access == O_WRONLY && (direction->flags & O_TRUNC))
		put_operator(text, fd, 1, ">");
	else
		put_operator(text, fd, 0, "<>");
	shell_put_word(text, direction->path);
}

static void put_step(struct shell_text *text, const struct step *step)
{
	const struct direction *direction = step->direction;
	int fd = direction->child_fd;

	switch (direction->kind) {
	case DIRECTION_NULL:
		put_operator(text, fd, fd <= 1 ? fd : -1, fd == 0 ? "<" : fd <= 2 ? ">" : "<>");
		shell_put(text, "/dev/null");
		break;
	case DIRECTION_PATH:
		put_path(text, direction);
		break;
	case DIRECTION_FD:
	case DIRECTION_INHERIT:
		if (step->spare >= 0)
			put_copy(text, fd, step->spare);
		else if (step->source != fd)
			put_copy(text, fd, step->source);
		break;
	case DIRECTION_MERGE:
		put_copy(text, fd, direction->fd);
		break;
	case DIRECTION_PIPE:
	case DIRECTION_FEED:
	case DIRECTION_CAPTURE:
		break;
	}
}

static void put_steps(struct redirections *redirections, struct shell_text *text, struct step *steps, size_t count)
{
	for (size_t left = count; left > 0; left--) {
		struct step *step = next_step(steps, count);

		if (!step)
			step = break_circle(redirections, steps, count);
		if (!step) {
			text->failed = true;
			return;
		}
		put_step(text, step);
		step->done = true;
	}
	/* The program has no use for the spare ones; several steps may share one. */
	for (size_t i = 0; i < count; i++) {
		bool again = steps[i].spare < 0;

		for (size_t j = 0; j < i; j++)
			again = again || steps[j].spare == steps[i].spare;
		if (!again)
			put_operator(text, steps[i].spare, 1, ">&-");
	}
}

static struct step make_step(struct redirections *redirections, struct shell_text *text, const struct direction *direction,
			     size_t first, size_t last, const struct span *self)
{
	struct step step = { .direction = direction, .source = -1, .spare = -1 };

	if (direction->kind == DIRECTION_FD)
		step.source = direction->fd;
	else if (direction->kind == DIRECTION_INHERIT)
		step.source = direction->child_fd;
	if (step.source >= 0 && is_hidden(redirections, step.source, first, last, self)) {
		step.spare = spare_for(redirections, step.source);
		text->failed = text->failed || step.spare < 0;
	}
	return step;
}

void redirections_put_stage(struct redirections *redirections, struct shell_text *text, size_t stage)
{
	const struct stage *at = &redirections->cmd->stages[stage];
	struct step *steps;
	size_t count = 0;

	steps = calloc(at->direction_count + 1, sizeof(*steps));
	if (!steps) {
		text->failed = true;
		return;
	}
	for (size_t i = 0; i < at->direction_count; i++)
		if (!span_find(redirections, at->directions[i].id))
			steps[count++] = make_step(redirections, text, &at->directions[i], stage, stage, NULL);
	put_steps(redirections, text, steps, count);
	free(steps);
}

void redirections_put_span(struct redirections *redirections, struct shell_text *text, const struct span *span)
{
	struct step step = make_step(redirections, text, span->direction, span->first, span->last, span);

	put_steps(redirections, text, &step, 1);
}

void redirections_put_saved(const struct redirections *redirections, struct shell_text *text)
{
	for (size_t i = 0; i < redirections->saved_count; i++)
		put_copy(text, redirections->saved[i].spare, redirections->saved[i].source);
}
