/* SPDX-License-Identifier: MIT */
/* Deadlines: pure arithmetic that saturates and rounds up. */
#include "support/support.h"

#include "base/clock.h"

#include <limits.h>

#define MS INT64_C(1000000)

static void test_clock_does_not_go_back(void **state)
{
	int64_t before = clock_now_ns();

	support_sleep_ms(2);
	assert_true(clock_now_ns() - before >= 2 * MS);
}

static void test_timeouts_are_valid_from_minus_one_up(void **state)
{
	assert_true(timeout_valid(-1));
	assert_true(timeout_valid(0));
	assert_true(timeout_valid(INT64_MAX));
	assert_false(timeout_valid(-2));
	assert_false(timeout_valid(INT64_MIN));
}

static void test_deadline_is_the_timeout_after_now(void **state)
{
	assert_true(deadline_after(5, 0) == 5);
	assert_true(deadline_after(5, 3) == 5 + 3 * MS);
}

static void test_deadline_of_minus_one_is_never(void **state)
{
	assert_true(deadline_after(123, -1) == DEADLINE_NEVER);
}

static void test_deadline_too_large_to_count_is_never(void **state)
{
	assert_true(deadline_after(0, INT64_MAX) == DEADLINE_NEVER);
	assert_true(deadline_after(0, INT64_MAX / MS + 1) == DEADLINE_NEVER);
	assert_true(deadline_after(INT64_MAX - MS, 2) == DEADLINE_NEVER);
}

static void test_largest_timeout_that_counts_is_kept(void **state)
{
	assert_true(deadline_after(0, INT64_MAX / MS) == INT64_MAX / MS * MS);
}

static void test_deadline_has_passed_when_the_clock_reaches_it(void **state)
{
	assert_false(deadline_passed(100, 99));
	assert_true(deadline_passed(100, 100));
	assert_true(deadline_passed(100, 101));
}

static void test_never_does_not_pass(void **state)
{
	assert_false(deadline_passed(DEADLINE_NEVER, INT64_MAX));
}

static void test_earlier_of_two_deadlines_wins(void **state)
{
	assert_true(deadline_min(1, 2) == 1);
	assert_true(deadline_min(2, 1) == 1);
	assert_true(deadline_min(DEADLINE_NEVER, 7) == 7);
}

static void test_time_left_is_exact_in_nanoseconds(void **state)
{
	struct timespec left;

	assert_ptr_equal(deadline_left(5 * INT64_C(1000000000) + 42, 2 * INT64_C(1000000000), &left), &left);
	assert_int_equal(left.tv_sec, 3);
	assert_int_equal(left.tv_nsec, 42);
}

static void test_time_left_of_never_is_no_timeout(void **state)
{
	struct timespec left;

	assert_null(deadline_left(DEADLINE_NEVER, 0, &left));
	assert_int_equal(deadline_left_ms(DEADLINE_NEVER, 0), -1);
}

static void test_time_left_of_the_past_is_zero(void **state)
{
	struct timespec left;

	assert_non_null(deadline_left(1, 2, &left));
	assert_int_equal(left.tv_sec, 0);
	assert_int_equal(left.tv_nsec, 0);
	assert_int_equal(deadline_left_ms(1, 2), 0);
	assert_int_equal(deadline_left_ms(INT64_MIN, INT64_MAX), 0);
}

static void test_milliseconds_left_are_rounded_up(void **state)
{
	assert_int_equal(deadline_left_ms(1, 0), 1);
	assert_int_equal(deadline_left_ms(MS, 0), 1);
	assert_int_equal(deadline_left_ms(MS + 1, 0), 2);
}

static void test_milliseconds_left_stop_at_int_max(void **state)
{
	assert_int_equal(deadline_left_ms(DEADLINE_NEVER - 1, 0), INT_MAX);
	assert_int_equal(deadline_left_ms(INT_MAX * MS, 0), INT_MAX);
	assert_int_equal(deadline_left_ms(INT_MAX * MS - MS, 0), INT_MAX - 1);
}

static void test_time_left_from_a_negative_clock_does_not_wrap(void **state)
{
	struct timespec left;

	assert_int_equal(deadline_left_ms(DEADLINE_NEVER - 1, INT64_MIN), INT_MAX);
	assert_non_null(deadline_left(DEADLINE_NEVER - 1, INT64_MIN, &left));
	assert_true(left.tv_sec > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_clock_does_not_go_back),
		brood_test(test_timeouts_are_valid_from_minus_one_up),
		brood_test(test_deadline_is_the_timeout_after_now),
		brood_test(test_deadline_of_minus_one_is_never),
		brood_test(test_deadline_too_large_to_count_is_never),
		brood_test(test_largest_timeout_that_counts_is_kept),
		brood_test(test_deadline_has_passed_when_the_clock_reaches_it),
		brood_test(test_never_does_not_pass),
		brood_test(test_earlier_of_two_deadlines_wins),
		brood_test(test_time_left_is_exact_in_nanoseconds),
		brood_test(test_time_left_of_never_is_no_timeout),
		brood_test(test_time_left_of_the_past_is_zero),
		brood_test(test_milliseconds_left_are_rounded_up),
		brood_test(test_milliseconds_left_stop_at_int_max),
		brood_test(test_time_left_from_a_negative_clock_does_not_wrap),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
