/* SPDX-License-Identifier: MIT */
/*
 * Descriptor plans. The first byte is the report's number, then three bytes for each wanted one: from, to, and whether it is ours. The plan is carried
 * out in a model of a host that has every number open: every step must be one that the kernel allows, each wanted descriptor must end where it
 * shall with what its source had at first, the report must be kept to the exec, 0 to 2 must stay, and nothing else may survive the exec.
 */
#include "fuzz/fuzz.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "spawn/fdplan.h"

enum { TABLE_SIZE = 1024, MOST = 300, CLOSED = 0 };

struct table {
	short label[TABLE_SIZE];        /* what is open there, or CLOSED */
	bool cloexec[TABLE_SIZE];
};

struct wish {
	struct fd_want wants[MOST];
	size_t count;
	int report;
};

/* ---- the bytes ------------------------------------------------------------------------------------------------ */

/* Small numbers meet often; a few are far from the others, and one is none at all. */
static int number_of(uint8_t byte)
{
	if (byte == 255)
		return -1;
	return byte < 240 ? byte : TABLE_SIZE - 256 + byte;
}

static void read_wish(struct wish *wish, const uint8_t *data, size_t size)
{
	wish->report = size == 0 ? -1 : data[0] == 254 ? -2 : number_of(data[0]);
	wish->count = 0;
	for (size_t at = 1; at + 3 <= size && wish->count < MOST; at += 3)
		wish->wants[wish->count++] = (struct fd_want){
			.from = number_of(data[at]), .to = number_of(data[at + 1]), .ours = data[at + 2] & 1,
		};
}

static bool is_valid(const struct wish *wish)
{
	bool seen[TABLE_SIZE] = { false };

	if (wish->report < -1)
		return false;
	for (size_t i = 0; i < wish->count; i++) {
		const struct fd_want *want = &wish->wants[i];

		if (want->from < 0 || want->to < 0 || seen[want->to])
			return false;
		seen[want->to] = true;
	}
	return true;
}

/* ---- the model of a table ------------------------------------------------------------------------------------- */

/* All that the host has is open and would be inherited, but for what is ours. */
static void table_init(struct table *table, const struct wish *wish)
{
	memset(table, 0, sizeof(*table));
	for (int i = 0; i < TABLE_SIZE; i++)
		table->label[i] = (short)(i + 1);
	for (size_t i = 0; i < wish->count; i++)
		if (wish->wants[i].ours)
			table->cloexec[wish->wants[i].from] = true;
	if (wish->report >= 0)
		table->cloexec[wish->report] = true;
}

static void table_close(struct table *table, unsigned int first, unsigned int last)
{
	FUZZ_CHECK(first <= last);
	for (unsigned int i = first; i <= last && i < TABLE_SIZE; i++)
		table->label[i] = CLOSED;
}

static void table_step(struct table *table, const struct fd_op *op)
{
	FUZZ_CHECK(op->from >= 0 && op->from < TABLE_SIZE && op->to >= 0 && op->to < TABLE_SIZE);
	FUZZ_CHECK(table->label[op->from] != CLOSED);
	/* dup3 refuses a descriptor onto itself. */
	FUZZ_CHECK((op->from == op->to) == (op->kind == FD_OP_KEEP));
	table->label[op->to] = table->label[op->from];
	table->cloexec[op->to] = op->kind == FD_OP_DUP_CLOEXEC;
}

static void table_run(struct table *table, const struct fdplan *plan)
{
	table_close(table, plan->first_unwanted, UINT_MAX);
	for (size_t i = 0; i < plan->op_count; i++)
		table_step(table, &plan->ops[i]);
	for (size_t i = 0; i < plan->gap_count; i++)
		table_close(table, plan->gaps[i].first, plan->gaps[i].last);
}

static void table_exec(struct table *table)
{
	for (int i = 0; i < TABLE_SIZE; i++)
		if (table->cloexec[i])
			table->label[i] = CLOSED;
}

/* ---- what must hold ------------------------------------------------------------------------------------------- */

static bool is_target(const struct wish *wish, int number)
{
	for (size_t i = 0; i < wish->count; i++)
		if (wish->wants[i].to == number)
			return true;
	return false;
}

static void check_report(const struct table *table, const struct wish *wish, const struct fdplan *plan)
{
	if (wish->report < 0) {
		FUZZ_CHECK(plan->reserved == -1);
		return;
	}
	FUZZ_CHECK(plan->reserved >= 0 && !is_target(wish, plan->reserved));
	FUZZ_CHECK(table->label[plan->reserved] == wish->report + 1 && table->cloexec[plan->reserved]);
}

static void check_after_exec(const struct table *table, const struct table *before, const struct wish *wish)
{
	short expected[TABLE_SIZE] = { CLOSED };

	for (int i = 0; i <= 2; i++)
		expected[i] = before->cloexec[i] ? CLOSED : (short)(i + 1);
	for (size_t i = 0; i < wish->count; i++)
		expected[wish->wants[i].to] = (short)(wish->wants[i].from + 1);
	for (int i = 0; i < TABLE_SIZE; i++)
		FUZZ_CHECK(table->label[i] == expected[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wish wish;
	struct table before, table;
	struct fdplan plan = { .reserved = 77 };
	int r;

	read_wish(&wish, data, size);
	r = fdplan_make(wish.wants, wish.count, wish.report, &plan);
	if (!is_valid(&wish)) {
		FUZZ_CHECK(r == -EINVAL && plan.reserved == 77);
		return 0;
	}
	FUZZ_CHECK(r == 0);
	table_init(&before, &wish);
	table = before;
	table_run(&table, &plan);
	check_report(&table, &wish, &plan);
	table_exec(&table);
	check_after_exec(&table, &before, &wish);
	fdplan_done(&plan);
	return 0;
}
