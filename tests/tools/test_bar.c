/* SPDX-License-Identifier: MIT */
/* The line of the bar: what it says, and that it fits, whatever the numbers and the terminal are. */
#include "support/support.h"

#include <math.h>
#include <string.h>

#include "bar.h"

static void expect_line(const struct bar_counts *counts, double seconds, double rate, unsigned columns, const char *expected)
{
	char text[BAR_TEXT];

	bar_line(counts, seconds, rate, columns, text);
	assert_string_equal(text, expected);
}

static void test_all_of_it_where_there_is_room(void **state)
{
	const struct bar_counts counts = { .done = 123, .failed = 3, .total = 1000 };

	(void)state;
	expect_line(&counts, 3, 45, 60, "[==>                    ] 123/1000  3 failed  45/s  ETA 0:19");
}

static void test_no_failures_are_not_worth_a_word(void **state)
{
	const struct bar_counts counts = { .done = 1, .total = 2 };

	(void)state;
	expect_line(&counts, 1, 1, 30, "[===>   ] 1/2  1.0/s  ETA 0:01");
}

static void test_without_a_total_there_is_no_bar(void **state)
{
	const struct bar_counts counts = { .done = 123, .failed = 1 };

	(void)state;
	expect_line(&counts, 61, 2, 80, "123 done  1 failed  2.0/s  1:01");
}

static void test_the_end_is_full_and_has_nothing_left(void **state)
{
	const struct bar_counts counts = { .done = 10, .total = 10 };

	(void)state;
	expect_line(&counts, 1, 10, 30, "[================] 10/10  10/s");
}

static void test_jobs_of_an_earlier_run_are_told(void **state)
{
	const struct bar_counts counts = { .done = 1, .total = 2, .skipped = 7 };

	(void)state;
	expect_line(&counts, 1, 0, 40, "[=========>         ] 1/2  7 done before");
}

static void test_what_is_narrow_keeps_what_counts(void **state)
{
	const struct bar_counts counts = { .done = 5, .failed = 2, .total = 10 };

	(void)state;
	expect_line(&counts, 1, 1, 16, "5/10  2 failed");
	expect_line(&counts, 1, 1, 6, "5/10");
	expect_line(&counts, 1, 1, 3, "");
	expect_line(&counts, 1, 1, 0, "");
}

static void test_long_times_have_hours_and_days(void **state)
{
	const struct bar_counts counts = { .done = 0, .total = 7322 }, many = { .done = 0, .total = 864000 };

	(void)state;
	expect_line(&counts, 1, 1, 30, "0/7322  1.0/s  ETA 2:02:02");
	expect_line(&many, 1, 1, 24, "0/864000  1.0/s  ETA 10d");
}

static void test_slow_rates_are_by_the_minute_and_hour(void **state)
{
	const struct bar_counts counts = { .done = 3 };

	(void)state;
	expect_line(&counts, 0, 0.1, 30, "3 done  6.0/min  0:00");
	expect_line(&counts, 0, 0.0005, 30, "3 done  1.8/h  0:00");
}

static void test_every_width_fits_whatever_the_numbers(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 99, 1000, UINT32_MAX, UINT64_MAX };
	static const double reals[] = { 0, -1, 1e-300, 0.5, 45, 1e18, 1e308, INFINITY, NAN };
	const size_t count = sizeof numbers / sizeof numbers[0], real_count = sizeof reals / sizeof reals[0];

	(void)state;
	for (unsigned columns = 0; columns <= 200; columns++)
		for (size_t i = 0; i < count * count; i++)
			for (size_t k = 0; k < real_count; k++) {
				const struct bar_counts counts = {
					.done = numbers[i % count],
					.failed = numbers[i % count],
					.total = numbers[i / count],
					.skipped = numbers[i / count],
				};
				char text[BAR_TEXT];

				bar_line(&counts, reals[k], reals[real_count - 1 - k], columns, text);
				assert_true(strlen(text) <= columns);
				bar_line(&counts, reals[k], reals[k], columns, text);
				assert_true(strlen(text) <= columns);
			}
	bar_line(&(struct bar_counts){ .done = UINT64_MAX, .total = 1 }, 1, 1, UINT32_MAX, (char[BAR_TEXT]){ "" });
}

static void test_no_bar_takes_every_call(void **state)
{
	struct bar *bar = bar_new(WHEN_NEVER);

	(void)state;
	assert_null(bar);
	bar_show(bar, &(struct bar_counts){ .done = 1 }, 1);
	bar_clear(bar);
	assert_int_equal(bar_timeout_ms(bar, 1), -1);
	bar_free(bar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_all_of_it_where_there_is_room),
		brood_test(test_no_failures_are_not_worth_a_word),
		brood_test(test_without_a_total_there_is_no_bar),
		brood_test(test_the_end_is_full_and_has_nothing_left),
		brood_test(test_jobs_of_an_earlier_run_are_told),
		brood_test(test_what_is_narrow_keeps_what_counts),
		brood_test(test_long_times_have_hours_and_days),
		brood_test(test_slow_rates_are_by_the_minute_and_hour),
		brood_test(test_every_width_fits_whatever_the_numbers),
		brood_test(test_no_bar_takes_every_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
