/* SPDX-License-Identifier: MIT */
/*
 * The redirections of a chain as shell text. brood's directions all happen at once and speak of the caller's descriptors; a
 * shell's happen one after the other and speak of what the last one left. This finds an order, and where there is
 * none (a swap; the caller's stdout inside a pipeline) a spare descriptor that braces around the chain save it in.
 */
#ifndef BROOD_COMMAND_FORMAT_H
#define BROOD_COMMAND_FORMAT_H

#include "command/description.h"
#include "command/shell.h"

/* A direction that several stages share: braces around stages first to last carry it. */
struct span {
	const struct direction *direction;
	size_t first;
	size_t last;
};

/* The caller's descriptor `source`, kept as `spare` around the chain. */
struct saved {
	int source;
	int spare;
};

struct redirections {
	const brood_command *cmd;
	struct span *spans;
	size_t span_count;
	struct saved *saved;
	size_t saved_count;
};

/* Find the spans. 0 or -ENOMEM; redirections_done takes either. */
int redirections_init(struct redirections *redirections, const brood_command *cmd);
void redirections_done(struct redirections *redirections);

/* Each with a space before it: what one stage has of its own; what a span carries; what the braces around all of it save. */
void redirections_put_stage(struct redirections *redirections, struct shell_text *text, size_t stage);
void redirections_put_span(struct redirections *redirections, struct shell_text *text, const struct span *span);
void redirections_put_saved(const struct redirections *redirections, struct shell_text *text);

#endif
