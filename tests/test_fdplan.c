/* SPDX-License-Identifier: MIT */
/*
 * The order in which descriptors move: single cases to be read, and random ones against a model of a descriptor table.
 *
 * The model is an array from number to what lies there. A plan is carried out as the child would, and every step that the
 * kernel would refuse fails the test. In the end the table is compared with the specification, which is one line: each target
 * has what its source had, 0 to 2 and the reserved one are there, nothing else is.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/support.h"

#include "spawn/fdplan.h"

/* ---- the model ---- */

enum { TABLE_SIZE = 4096, WANTS_MAX = 1000, CLOSED = 0 };

struct table {
	int label[TABLE_SIZE];          /* what is open there, or CLOSED */
	bool cloexec[TABLE_SIZE];
};

/* A host with everything open, each number with a label of its own, close-on-exec as the library's are. */
static void table_full(struct table *table)
{
	for (int i = 0; i < TABLE_SIZE; i++) {
		table->label[i] = i + 1;
		table->cloexec[i] = i > 2;
	}
}

static void table_close(struct table *table, unsigned int first, unsigned int last)
{
	assert_true(first <= last);
	for (unsigned int i = first; i <= last && i < TABLE_SIZE; i++)
		table->label[i] = CLOSED;
}

static void table_step(struct table *table, const struct fd_op *op)
{
	assert_in_range(op->from, 0, TABLE_SIZE - 1);
	assert_in_range(op->to, 0, TABLE_SIZE - 1);
	assert_int_not_equal(table->label[op->from], CLOSED);
	if (op->kind == FD_OP_KEEP) {
		assert_int_equal(op->from, op->to);
		table->cloexec[op->to] = false;
		return;
	}
	assert_int_not_equal(op->from, op->to);
	table->label[op->to] = table->label[op->from];
	table->cloexec[op->to] = op->kind == FD_OP_DUP_CLOEXEC;
}

static void table_run(struct table *table, const struct fdplan *plan)
{
	table_close(table, plan->first_unwanted, UINT_MAX);
	for (size_t i = 0; i < plan->op_count; i++)
		table_step(table, &plan->ops[i]);
}

static void table_gaps(struct table *table, const struct fdplan *plan)
{
	for (size_t i = 0; i < plan->gap_count; i++) {
		assert_true(plan->gaps[i].first > 2);
		assert_true(i == 0 || plan->gaps[i].first > plan->gaps[i - 1].last);
		table_close(table, plan->gaps[i].first, plan->gaps[i].last);
	}
}

/* ---- the specification ---- */

struct wish {
	struct fd_want wants[WANTS_MAX];
	size_t count;
	int report;
};

static const struct fd_want *wish_for(const struct wish *wish, int number)
{
	for (size_t i = 0; i < wish->count; i++) {
		if (wish->wants[i].to == number)
			return &wish->wants[i];
	}
	return NULL;
}

static bool is_source(const struct wish *wish, int number)
{
	for (size_t i = 0; i < wish->count; i++) {
		if (wish->wants[i].from == number)
			return true;
	}
	return number == wish->report;
}

static bool is_kept(const struct wish *wish, const struct fdplan *plan, int number)
{
	return number <= 2 || number == plan->reserved || wish_for(wish, number);
}

/* Runs of open numbers between kept ones, when everything that can be open is: no fewer close_range calls can do it. */
static size_t fewest_gaps(const struct table *table, const struct wish *wish, const struct fdplan *plan)
{
	size_t gaps = 0;
	bool counted = false;

	for (int i = 3; i < TABLE_SIZE; i++) {
		if (is_kept(wish, plan, i)) {
			counted = false;
		} else if (table->label[i] != CLOSED && !counted) {
			gaps++;
			counted = true;
		}
	}
	return gaps;
}

static void check_result(const struct table *before, const struct table *after, const struct wish *wish,
                         const struct fdplan *plan)
{
	for (int i = 0; i < TABLE_SIZE; i++) {
		const struct fd_want *want = wish_for(wish, i);

		if (want) {
			assert_int_equal(after->label[i], before->label[want->from]);
			assert_false(after->cloexec[i]);
		} else if (i == plan->reserved) {
			assert_int_equal(after->label[i], before->label[wish->report]);
			assert_true(after->cloexec[i]);
		} else if (i <= 2) {
			assert_int_equal(after->label[i], before->label[i]);
		} else {
			assert_int_equal(after->label[i], CLOSED);
		}
	}
}

static void check_numbers(const struct wish *wish, const struct fdplan *plan)
{
	bool temporary = false;
	int used = -1;

	assert_true(wish->report < 0 ? plan->reserved == -1 : plan->reserved > 2);
	assert_null(wish_for(wish, plan->reserved));
	for (size_t i = 0; i < plan->op_count; i++) {
		int to = plan->ops[i].to;

		if (to == plan->reserved || wish_for(wish, to))
			continue;
		assert_int_equal(plan->ops[i].kind, FD_OP_DUP_CLOEXEC);
		assert_true(to > 2 && !is_source(wish, to));
		assert_true(!temporary || used == to);
		temporary = true;
		used = to;
	}
}

static void check_wish(const struct wish *wish)
{
	static struct table before;
	static struct table after;
	struct fdplan plan;

	table_full(&before);
	after = before;
	assert_int_equal(fdplan_make(wish->wants, wish->count, wish->report, &plan), 0);
	check_numbers(wish, &plan);
	table_run(&after, &plan);
	assert_int_equal(plan.gap_count, fewest_gaps(&after, wish, &plan));
	table_gaps(&after, &plan);
	check_result(&before, &after, wish, &plan);
	fdplan_done(&plan);
}

/* ---- cases to be read ---- */

#define WANTS(...) (const struct fd_want[]){ __VA_ARGS__ }, sizeof((const struct fd_want[]){ __VA_ARGS__ }) / sizeof(struct fd_want)

/* The plan as text: "<6 5>9 7>3 !4" closes from 6 up first, then duplicates, then closes 4; "=" keeps, "c" is close-on-exec. */
static void assert_plan(const struct fd_want *wants, size_t count, int report, int reserved, const char *expected)
{
	struct fdplan plan;
	char text[512];
	size_t at;

	assert_int_equal(fdplan_make(wants, count, report, &plan), 0);
	at = (size_t)snprintf(text, sizeof text, "<%u", plan.first_unwanted);
	for (size_t i = 0; i < plan.op_count; i++) {
		const struct fd_op *op = &plan.ops[i];

		if (op->kind == FD_OP_KEEP)
			at += (size_t)snprintf(text + at, sizeof text - at, " =%d", op->to);
		else
			at += (size_t)snprintf(text + at, sizeof text - at, " %d>%d%s", op->from, op->to,
			                       op->kind == FD_OP_DUP_CLOEXEC ? "c" : "");
	}
	for (size_t i = 0; i < plan.gap_count; i++) {
		at += (size_t)snprintf(text + at, sizeof text - at, " !%u", plan.gaps[i].first);
		if (plan.gaps[i].last == UINT_MAX)
			at += (size_t)snprintf(text + at, sizeof text - at, "-");
		else if (plan.gaps[i].last != plan.gaps[i].first)
			at += (size_t)snprintf(text + at, sizeof text - at, "-%u", plan.gaps[i].last);
	}
	assert_int_equal(plan.reserved, reserved);
	fdplan_done(&plan);
	assert_string_equal(text, expected);
}

static void test_nothing_wanted_closes_everything_above_stdio_at_once(void **state)
{
	(void)state;
	assert_plan(NULL, 0, -1, -1, "<3");
}

static void test_only_a_report_stays_where_it_is(void **state)
{
	(void)state;
	assert_plan(NULL, 0, 3, 3, "<4");
	assert_plan(NULL, 0, 9, 9, "<10 !3-8");
}

static void test_a_pipe_at_low_numbers_needs_one_move_and_one_close(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 4, .to = 1 }), -1, -1, "<5 4>1 !3-");
}

static void test_stdout_and_stderr_swap_through_a_temporary(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 1, .to = 2 }, { .from = 2, .to = 1 }), -1, -1, "<3 1>3c 2>1 3>2 !3-");
}

static void test_a_rotation_of_stdio_uses_one_temporary(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 1, .to = 0 }, { .from = 2, .to = 1 }, { .from = 0, .to = 2 }), -1, -1, "<3 0>3c 1>0 2>1 3>2 !3-");
}

static void test_two_cycles_share_the_temporary(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 1, .to = 0 }, { .from = 0, .to = 1 }, { .from = 4, .to = 3 }, { .from = 3, .to = 4 }), -1, -1, "<5 0>5c 1>0 5>1 3>5c 4>3 5>4 !5-");
}

static void test_five_to_nine_and_three_to_seven_at_once(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 5, .to = 9 }, { .from = 3, .to = 7 }), -1, -1, "<6 3>7 5>9 !3-6");
}

static void test_a_chain_moves_its_end_first(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 3, .to = 4 }, { .from = 4, .to = 5 }), -1, -1, "<5 4>5 3>4 !3");
}

static void test_source_and_target_the_same_only_loses_its_flag(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 5, .to = 5 }), -1, -1, "<6 =5 !3-4");
	assert_plan(WANTS({ .from = 1, .to = 1 }), -1, -1, "<3 =1");
}

static void test_one_source_may_have_several_targets(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 3, .to = 1 }, { .from = 3, .to = 2 }, { .from = 3, .to = 3 }), -1, -1, "<4 3>1 3>2 =3");
}

static void test_an_inherited_stdio_can_be_a_source_and_stays(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 1, .to = 5 }), -1, -1, "<3 1>5");
}

static void test_a_report_in_the_way_of_a_target_moves_first(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 3, .to = 4 }), 4, 5, "<5 4>5c 3>4 !3");
	assert_plan(WANTS({ .from = 4, .to = 4 }), 4, 3, "<5 4>3c =4");
}

static void test_a_report_in_the_way_of_a_cycle_leaves_it_its_temporary(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 1, .to = 2 }, { .from = 2, .to = 1 }, { .from = 3, .to = 5 }), 5, 4, "<6 5>4c 3>5 1>6c 2>1 6>2 !3 !6-");
}

static void test_a_target_far_above_needs_no_closing_below_it(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 3, .to = 1000 }, { .from = 3, .to = 2000 }, { .from = 3, .to = 3 }), -1, -1, "<4 3>1000 3>2000 =3");
}

static void test_the_last_numbers_there_are_work(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = INT_MAX, .to = 0 }), -1, -1, "<2147483648 2147483647>0 !3-");
	assert_plan(WANTS({ .from = 3, .to = INT_MAX }), -1, -1, "<4 3>2147483647 !3-2147483646");
}

static void test_a_target_given_twice_and_negative_numbers_are_refused(void **state)
{
	struct fdplan plan = { .reserved = 42 };

	(void)state;
	assert_int_equal(fdplan_make(WANTS({ .from = 3, .to = 1 }, { .from = 4, .to = 2 }, { .from = 5, .to = 1 }), -1, &plan), -EINVAL);
	assert_int_equal(fdplan_make(WANTS({ .from = -1, .to = 1 }), -1, &plan), -EINVAL);
	assert_int_equal(fdplan_make(WANTS({ .from = 3, .to = -1 }), -1, &plan), -EINVAL);
	assert_int_equal(fdplan_make(WANTS({ .from = 3, .to = 1 }), -2, &plan), -EINVAL);
	assert_int_equal(plan.reserved, 42);
}

static void test_an_empty_plan_can_be_freed(void **state)
{
	struct fdplan plan = { .reserved = -1 };

	(void)state;
	fdplan_done(&plan);
	fdplan_done(&plan);
}

/* ---- random cases ---- */

static uint64_t random_state;

static unsigned int random_below(unsigned int limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned int)((random_state * 0x2545f4914f6cdd1du) >> 33) % limit;
}

static void random_start(void)
{
	const char *seed = getenv("BROOD_TEST_SEED");

	random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
	if (random_state == 0)
		random_state = 1;
	print_message("BROOD_TEST_SEED=%llu\n", (unsigned long long)random_state);
}

/* `count` wants with different targets below `targets` and sources below `sources`. */
static void random_wish(struct wish *wish, size_t count, unsigned int sources, unsigned int targets)
{
	static bool used[TABLE_SIZE];

	memset(used, 0, sizeof used);
	wish->count = count < targets ? count : targets;
	for (size_t i = 0; i < wish->count; i++) {
		int to = (int)random_below(targets);

		while (used[to])
			to = (to + 1) % (int)targets;
		used[to] = true;
		wish->wants[i] = (struct fd_want){ .from = (int)random_below(sources), .to = to };
	}
	wish->report = random_below(3) == 0 ? -1 : 3 + (int)random_below(sources);
}

/* The numbers below `limit` among themselves: nothing but cycles. */
static void random_permutation(struct wish *wish, unsigned int limit)
{
	wish->count = limit;
	for (unsigned int i = 0; i < limit; i++) {
		unsigned int j = random_below(i + 1);

		wish->wants[i] = (struct fd_want){ .from = (int)i, .to = (int)i };
		wish->wants[i].from = wish->wants[j].from;
		wish->wants[j].from = (int)i;
	}
	wish->report = random_below(2) ? -1 : 3 + (int)random_below(limit);
}

static void test_ten_thousand_random_plans_do_what_is_specified(void **state)
{
	static struct wish wish;

	(void)state;
	random_start();
	for (int i = 0; i < 10000; i++) {
		if (i % 5 == 0)
			random_permutation(&wish, 1 + random_below(10));
		else
			random_wish(&wish, random_below(13), 3 + random_below(40), 1 + random_below(40));
		check_wish(&wish);
	}
}

static void test_every_permutation_of_stdio_with_every_report_works(void **state)
{
	static struct wish wish;

	(void)state;
	wish.count = 3;
	for (int i = 0; i < 27 * 7; i++) {
		int from[3] = { i % 3, i / 3 % 3, i / 9 % 3 };

		for (int to = 0; to < 3; to++)
			wish.wants[to] = (struct fd_want){ .from = from[to], .to = to };
		wish.report = i / 27 == 0 ? -1 : 2 + i / 27;
		check_wish(&wish);
	}
}

static void test_plans_of_a_thousand_moves_work(void **state)
{
	static struct wish wish;

	(void)state;
	random_start();
	random_wish(&wish, WANTS_MAX, 1500, 1500);
	check_wish(&wish);
	random_permutation(&wish, WANTS_MAX);
	check_wish(&wish);
}

/* ---- what the exec closes ---- */

static void test_a_gap_of_our_own_descriptors_is_left_to_the_exec(void **state)
{
	(void)state;
	assert_plan(WANTS({ .from = 4, .to = 1, .ours = true }, { .from = 3, .to = 0, .ours = true }), -1, -1, "<5 3>0 4>1");
	/* Number 3 is somebody else's. */
	assert_plan(WANTS({ .from = 4, .to = 1, .ours = true }), -1, -1, "<5 4>1 !3-");
}

/* Only what is ours is close-on-exec, and then comes the exec. */
static void check_until_exec(const struct wish *wish)
{
	static struct table before;
	static struct table after;
	struct fdplan plan;

	table_full(&before);
	memset(before.cloexec, 0, sizeof before.cloexec);
	for (size_t i = 0; i < wish->count; i++)
		if (wish->wants[i].ours)
			before.cloexec[wish->wants[i].from] = true;
	after = before;
	assert_int_equal(fdplan_make(wish->wants, wish->count, wish->report, &plan), 0);
	table_run(&after, &plan);
	table_gaps(&after, &plan);
	for (int i = 3; i < TABLE_SIZE; i++)
		if (after.cloexec[i] && i != plan.reserved)
			after.label[i] = CLOSED;
	if (plan.reserved >= 0)
		after.cloexec[plan.reserved] = true;
	check_result(&before, &after, wish, &plan);
	fdplan_done(&plan);
}

static void test_after_the_exec_nothing_else_is_open_whoever_owns_the_sources(void **state)
{
	static struct wish wish;

	(void)state;
	random_start();
	for (int i = 0; i < 10000; i++) {
		random_wish(&wish, random_below(13), 3 + random_below(20), 1 + random_below(20));
		for (size_t k = 0; k < wish.count; k++)
			wish.wants[k].ours = wish.wants[k].from > 2 && random_below(4) > 0;
		check_until_exec(&wish);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_nothing_wanted_closes_everything_above_stdio_at_once),
		brood_test(test_only_a_report_stays_where_it_is),
		brood_test(test_a_pipe_at_low_numbers_needs_one_move_and_one_close),
		brood_test(test_stdout_and_stderr_swap_through_a_temporary),
		brood_test(test_a_rotation_of_stdio_uses_one_temporary),
		brood_test(test_two_cycles_share_the_temporary),
		brood_test(test_five_to_nine_and_three_to_seven_at_once),
		brood_test(test_a_chain_moves_its_end_first),
		brood_test(test_source_and_target_the_same_only_loses_its_flag),
		brood_test(test_one_source_may_have_several_targets),
		brood_test(test_an_inherited_stdio_can_be_a_source_and_stays),
		brood_test(test_a_report_in_the_way_of_a_target_moves_first),
		brood_test(test_a_report_in_the_way_of_a_cycle_leaves_it_its_temporary),
		brood_test(test_a_target_far_above_needs_no_closing_below_it),
		brood_test(test_the_last_numbers_there_are_work),
		brood_test(test_a_target_given_twice_and_negative_numbers_are_refused),
		brood_test(test_an_empty_plan_can_be_freed),
		brood_test(test_ten_thousand_random_plans_do_what_is_specified),
		brood_test(test_every_permutation_of_stdio_with_every_report_works),
		brood_test(test_plans_of_a_thousand_moves_work),
		brood_test(test_a_gap_of_our_own_descriptors_is_left_to_the_exec),
		brood_test(test_after_the_exec_nothing_else_is_open_whoever_owns_the_sources),
	};

	return cmocka_run_group_tests_name("fdplan", tests, NULL, NULL);
}
