/* SPDX-License-Identifier: MIT */
/*
 * Turning a parallel assignment of descriptors into an order of single steps.
 *
 * The wanted moves form a graph: each number is the target of at most one move and may be the source of many. A target
 * that nobody reads any more can be overwritten at once; doing so may free the number it came from, and so on along the
 * chain. When no such target is left, only cycles remain (stdout and stderr swapped), and each of them is opened by
 * saving one number to a temporary one.
 *
 * The child carries this out in a table of its own, whose entries above the highest source it has closed before. So
 * every number that is not wanted may be overwritten: whatever lies there would be closed anyway.
 *
 * It promises that nothing but 0, 1, 2, the targets and the reserved number stays open, in as few close_range calls as
 * can do it, and makes no system call itself.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/fdplan.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	STDIO_LAST = 2,
	NOT_FOUND = -1,
	WANTS_MAX = INT_MAX / 4,
	TAKEN = 1,
	OURS = 2
};

struct move {
	int from;
	int to;
	int before;             /* the move whose target is our source, or NOT_FOUND */
	int readers;            /* moves not yet done that read our target */
	bool done;
};

/* What lives while a plan is made. Everything lies in the plan's one block, behind what the plan keeps. */
struct work {
	struct fdplan *plan;
	struct move *moves;     /* sorted by target */
	int count;
	unsigned char *taken;   /* numbers from 3 on that are a source, a target or reserved: TAKEN, and OURS where exec closes it */
	size_t taken_size;
	size_t next_free;       /* below this all of them are taken */
	int temporary;          /* or -1 */
};

static void emit(struct work *work, enum fd_op_kind kind, int from, int to)
{
	work->plan->ops[work->plan->op_count++] = (struct fd_op){ .kind = kind, .from = from, .to = to };
}

/* ---- numbers nobody needs ---- */

static void number_take(struct work *work, int number)
{
	if (number > STDIO_LAST && (size_t)(number - STDIO_LAST - 1) < work->taken_size)
		work->taken[number - STDIO_LAST - 1] |= TAKEN;
}

/* Sources are low numbers, found free an instant ago: one beyond the map is just closed like any other. */
static void number_ours(struct work *work, int number)
{
	if (number > STDIO_LAST && (size_t)(number - STDIO_LAST - 1) < work->taken_size)
		work->taken[number - STDIO_LAST - 1] |= OURS;
}

static bool number_is_ours(const struct work *work, unsigned int number)
{
	const size_t place = number - STDIO_LAST - 1;

	return place < work->taken_size && (work->taken[place] & OURS);
}

/* The smallest one left. The map has room for every source, target and report and for two more, so there always is one. */
static int number_free(struct work *work)
{
	while (work->next_free < work->taken_size && work->taken[work->next_free])
		work->next_free++;
	assert(work->next_free < work->taken_size);
	work->taken[work->next_free] = TAKEN;
	return (int)work->next_free + STDIO_LAST + 1;
}

/* ---- who reads whom ---- */

static int move_by_target(const void *a, const void *b)
{
	const struct move *x = a;
	const struct move *y = b;

	return (x->to > y->to) - (x->to < y->to);
}

static int move_find(const struct work *work, int to)
{
	int low = 0;
	int high = work->count;

	while (low < high) {
		int middle = low + (high - low) / 2;

		if (work->moves[middle].to < to)
			low = middle + 1;
		else
			high = middle;
	}
	return low < work->count && work->moves[low].to == to ? low : NOT_FOUND;
}

static int moves_fill(struct work *work, const struct fd_want *wanted)
{
	for (int i = 0; i < work->count; i++) {
		if (wanted[i].from < 0 || wanted[i].to < 0)
			return -EINVAL;
		work->moves[i] = (struct move){ .from = wanted[i].from, .to = wanted[i].to };
		number_take(work, wanted[i].from);
		number_take(work, wanted[i].to);
		if (wanted[i].ours)
			number_ours(work, wanted[i].from);
	}
	qsort(work->moves, (size_t)work->count, sizeof *work->moves, move_by_target);
	for (int i = 1; i < work->count; i++) {
		if (work->moves[i - 1].to == work->moves[i].to)
			return -EINVAL;
	}
	return 0;
}

static void moves_link(struct work *work)
{
	for (int i = 0; i < work->count; i++) {
		struct move *move = &work->moves[i];

		move->before = move_find(work, move->from);
		if (move->before != NOT_FOUND && move->before != i)
			work->moves[move->before].readers++;
	}
}

/* ---- the order of the steps ---- */

/*
 * The report comes out of the way first, while every number that a move could need is still what it was. Left where a
 * wanted descriptor goes, it would be overwritten, and a failed exec would write its errno into the user's file.
 */
static void place_report(struct work *work, int report)
{
	work->plan->reserved = report;
	if (report < 0)
		return;
	number_take(work, report);
	if (move_find(work, report) == NOT_FOUND)
		return;
	work->plan->reserved = number_free(work);
	emit(work, FD_OP_DUP_CLOEXEC, report, work->plan->reserved);
}

/* Do this move if nobody needs what it overwrites, then the ones that were only waiting for it. */
static void follow(struct work *work, int i)
{
	while (i != NOT_FOUND) {
		struct move *move = &work->moves[i];

		if (move->done || move->readers > 0)
			return;
		move->done = true;
		if (move->from == move->to) {
			emit(work, FD_OP_KEEP, move->from, move->to);
			return;
		}
		emit(work, FD_OP_DUP, move->from, move->to);
		i = move->before;
		if (i != NOT_FOUND)
			work->moves[i].readers--;
	}
}

/* Every move left is read by exactly one other: save what the first one overwrites, go round, end with the saved one. */
static void break_cycle(struct work *work, int start)
{
	int i = start;

	if (work->temporary < 0)
		work->temporary = number_free(work);
	emit(work, FD_OP_DUP_CLOEXEC, work->moves[start].to, work->temporary);
	for (;;) {
		struct move *move = &work->moves[i];

		move->done = true;
		if (move->before == start)
			break;
		emit(work, FD_OP_DUP, move->from, move->to);
		i = move->before;
	}
	emit(work, FD_OP_DUP, work->temporary, work->moves[i].to);
}

static void order_moves(struct work *work)
{
	for (int i = 0; i < work->count; i++)
		follow(work, i);
	for (int i = 0; i < work->count; i++) {
		if (!work->moves[i].done)
			break_cycle(work, i);
	}
}

/* ---- what is closed before and after ---- */

static unsigned int first_unwanted(const struct work *work, int report)
{
	int highest = report > STDIO_LAST ? report : STDIO_LAST;

	for (int i = 0; i < work->count; i++) {
		if (work->moves[i].from > highest)
			highest = work->moves[i].from;
	}
	return (unsigned int)highest + 1;
}

/* Is there nothing but descriptors of ours, which the exec closes? Ends at the first that is not. */
static bool all_ours(const struct work *work, unsigned int first, unsigned int last)
{
	for (unsigned int number = first; number <= last && number < work->plan->first_unwanted; number++)
		if (!number_is_ours(work, number))
			return false;
	return first < work->plan->first_unwanted;
}

/*
 * Close from `first` up to `last`, unless nothing can be open there: what lies above the highest source was closed by the
 * child's first call, and only the temporary number came back.
 */
static void add_gap(struct work *work, unsigned int first, unsigned int last)
{
	struct fdplan *plan = work->plan;
	unsigned int temporary = (unsigned int)work->temporary;

	if (first > last)
		return;
	if (first >= plan->first_unwanted && (work->temporary < 0 || temporary < first || temporary > last))
		return;
	if (all_ours(work, first, last))
		return;
	plan->gaps[plan->gap_count++] = (struct fd_range){ .first = first, .last = last };
}

/* Keep one more number; returns where the next gap would begin. */
static unsigned int keep(struct work *work, unsigned int next, int number)
{
	if (number <= STDIO_LAST)
		return next;
	add_gap(work, next, (unsigned int)number - 1);
	return (unsigned int)number + 1;
}

static void find_gaps(struct work *work)
{
	unsigned int next = STDIO_LAST + 1;
	int reserved = work->plan->reserved;

	for (int i = 0; i < work->count; i++) {
		if (reserved >= 0 && reserved < work->moves[i].to) {
			next = keep(work, next, reserved);
			reserved = -1;
		}
		next = keep(work, next, work->moves[i].to);
	}
	if (reserved >= 0)
		next = keep(work, next, reserved);
	add_gap(work, next, UINT_MAX);
}

/* ---- the plan ---- */

/*
 * One block: ops (a step for each move, one for each cycle of at least two, one for the report), gaps (one below each
 * number kept and one above), then the work. All are of int's alignment, so they pack without holes.
 */
static int plan_allocate(struct work *work, size_t count)
{
	size_t op_max = count + count / 2 + 1;
	size_t gap_max = count + 2;
	size_t taken_size = 2 * count + 3;
	size_t size = op_max * sizeof(struct fd_op) + gap_max * sizeof(struct fd_range) + count * sizeof(struct move);

	_Static_assert(_Alignof(struct fd_op) == _Alignof(struct fd_range), "one block");
	_Static_assert(_Alignof(struct fd_op) == _Alignof(struct move), "one block");
	work->plan->ops = malloc(size + taken_size);
	if (!work->plan->ops)
		return -ENOMEM;
	work->plan->gaps = (struct fd_range *)(work->plan->ops + op_max);
	work->moves = (struct move *)(work->plan->gaps + gap_max);
	work->taken = (unsigned char *)(work->moves + count);
	work->taken_size = taken_size;
	memset(work->taken, 0, taken_size);
	return 0;
}

int fdplan_make(const struct fd_want *wanted, size_t count, int report, struct fdplan *ret)
{
	struct fdplan plan = { .reserved = -1 };
	struct work work = { .plan = &plan, .temporary = -1 };
	int r;

	if (report < -1)
		return -EINVAL;
	if (count > WANTS_MAX || count > SIZE_MAX / 64)
		return -ENOMEM;
	r = plan_allocate(&work, count);
	if (r < 0)
		goto out;
	work.count = (int)count;
	r = moves_fill(&work, wanted);
	if (r < 0)
		goto out;
	moves_link(&work);
	plan.first_unwanted = first_unwanted(&work, report);
	place_report(&work, report);
	order_moves(&work);
	find_gaps(&work);
	*ret = plan;
	plan = (struct fdplan){ .reserved = -1 };
out:
	fdplan_done(&plan);
	return r;
}

void fdplan_done(struct fdplan *plan)
{
	free(plan->ops);
	*plan = (struct fdplan){ .reserved = -1 };
}
