/* SPDX-License-Identifier: MIT */
/*
 * The heap of timers, without any child.
 */
#include "support/support.h"

#include "base/clock.h"
#include "batch/timers.h"

#include <stdbool.h>
#include <stdlib.h>

static void test_timers_come_out_in_the_order_of_their_times(void **state)
{
	static const int64_t times[] = { 50, 10, 40, 10, 30, 20, 60, 5 };
	struct timer timer[8] = { { 0 } };
	struct timers timers = { 0 };
	int64_t last = 0;

	(void)state;
	assert_int_equal(timers_reserve(&timers, 8), 0);
	for (int i = 0; i < 8; i++)
		timers_set(&timers, &timer[i], times[i]);
	assert_int_equal(timers_next_ns(&timers), 5);
	for (int i = 0; i < 8; i++) {
		struct timer *first = timers_take_due(&timers, 1000);

		assert_non_null(first);
		assert_true(first->when_ns >= last);
		last = first->when_ns;
	}
	assert_null(timers_take_due(&timers, 1000));
	assert_true(timers_next_ns(&timers) == DEADLINE_NEVER);
	timers_done(&timers);
}

static void test_only_what_is_due_is_taken(void **state)
{
	struct timer early = { 0 }, late = { 0 };
	struct timers timers = { 0 };

	(void)state;
	assert_null(timers_take_due(&timers, 1));
	assert_int_equal(timers_reserve(&timers, 2), 0);
	timers_set(&timers, &late, 20);
	timers_set(&timers, &early, 10);
	assert_null(timers_take_due(&timers, 9));
	assert_ptr_equal(timers_take_due(&timers, 10), &early);
	assert_null(timers_take_due(&timers, 19));
	assert_int_equal(timers_next_ns(&timers), 20);
	timers_done(&timers);
}

static void test_a_timer_may_be_moved_and_cleared(void **state)
{
	struct timer a = { 0 }, b = { 0 }, c = { 0 };
	struct timers timers = { 0 };

	(void)state;
	assert_int_equal(timers_reserve(&timers, 3), 0);
	timers_set(&timers, &a, 10);
	timers_set(&timers, &b, 20);
	timers_set(&timers, &c, 30);
	timers_set(&timers, &c, 5);
	timers_set(&timers, &a, 25);
	assert_ptr_equal(timers_take_due(&timers, 100), &c);
	timers_set(&timers, &b, DEADLINE_NEVER);
	timers_set(&timers, &b, DEADLINE_NEVER);
	assert_ptr_equal(timers_take_due(&timers, 100), &a);
	assert_null(timers_take_due(&timers, 100));
	timers_done(&timers);
}

static bool is_heap(const struct timers *timers)
{
	for (size_t i = 1; i <= timers->count; i++)
		if (timers->heap[i]->place != i || (i > 1 && timers->heap[i / 2]->when_ns > timers->heap[i]->when_ns))
			return false;
	return true;
}

static void test_a_heap_stays_a_heap_whatever_is_set_and_cleared(void **state)
{
	enum { TIMERS = 200, CHANGES = 20000 };
	struct timer timer[TIMERS] = { { 0 } };
	struct timers timers = { 0 };
	unsigned random = 1;

	(void)state;
	assert_int_equal(timers_reserve(&timers, TIMERS), 0);
	for (int i = 0; i < CHANGES; i++) {
		random = random * 1103515245 + 12345;
		timers_set(&timers, &timer[random / 65536 % TIMERS], random % 5 == 0 ? DEADLINE_NEVER : (int64_t)(random >> 8) % 1000);
		if (i % 100 == 0)
			assert_true(is_heap(&timers));
	}
	assert_true(is_heap(&timers));
	timers_done(&timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_timers_come_out_in_the_order_of_their_times),
		brood_test(test_only_what_is_due_is_taken),
		brood_test(test_a_timer_may_be_moved_and_cleared),
		brood_test(test_a_heap_stays_a_heap_whatever_is_set_and_cleared),
	};

	return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
