/* SPDX-License-Identifier: MIT */
/*
 * Which descriptors move where in the child: a pure decision, made by the parent, carried out by the child.
 *
 * The moves are one parallel assignment: each child descriptor gets what its source was before any of them moved. A child that
 * swaps stdout and stderr needs a temporary number; one whose source is already in place only needs its close-on-exec flag
 * cleared. What stays open in the end is 0, 1, 2, the wanted ones, and the reserved one until exec.
 */
#ifndef BROOD_SPAWN_FDPLAN_H
#define BROOD_SPAWN_FDPLAN_H

#include <stdbool.h>
#include <stddef.h>

struct fd_want {
	int from;               /* the parent's */
	int to;                 /* the child's; each at most once */
	bool ours;              /* `from` is close-on-exec and the child will exec: it need not be closed */
};

enum fd_op_kind {
	FD_OP_DUP,              /* dup3(from, to, 0); from != to */
	FD_OP_DUP_CLOEXEC,      /* dup3(from, to, O_CLOEXEC): a temporary, or the reserved one */
	FD_OP_KEEP              /* fcntl(to, F_SETFD, 0): in place already */
};

struct fd_op {
	enum fd_op_kind kind;
	int from;
	int to;
};

struct fd_range {
	unsigned int first;
	unsigned int last;      /* UINT_MAX: to the end */
};

struct fdplan {
	unsigned int first_unwanted;    /* no source lies here or above: the child's first call is close_range(this, ~0) */
	struct fd_op *ops;              /* then these, in order */
	size_t op_count;
	struct fd_range *gaps;          /* then close these; none when the first call did it all */
	size_t gap_count;
	int reserved;                   /* where the report descriptor is from then on, or -1 */
};

/*
 * `report` is the descriptor by which the child tells how far it came, to be kept (close-on-exec) at a number that no wanted descriptor
 * needs, or -1. 0, -ENOMEM, -EINVAL for a `to` given twice or a negative number. fdplan_done frees it.
 */
int fdplan_make(const struct fd_want *wanted, size_t count, int report, struct fdplan *ret);
void fdplan_done(struct fdplan *plan);

#endif
