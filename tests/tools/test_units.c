/* SPDX-License-Identifier: MIT */
/* Numbers with units: what is read exactly, what is refused and in which words, and what people are shown. */
#include "support/support.h"

#include "units.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void expect_ms(const char *text, int64_t expected)
{
	int64_t ms = -7;
	const char *why = "";

	if (units_duration_ms(text, &ms, &why) != 0 || ms != expected)
		fail_msg("'%s' is %lld ms, not %lld (%s)", text, (long long)ms, (long long)expected, why);
}

static void refuse_duration(const char *text, const char *words)
{
	int64_t ms = -7;
	const char *why = NULL;

	if (units_duration_ms(text, &ms, &why) != -EINVAL)
		fail_msg("'%s' was taken", text);
	assert_string_equal(why, words);
	assert_int_equal(ms, -7);
}

static void expect_size(const char *text, uint64_t expected)
{
	uint64_t bytes = 7;
	const char *why = "";

	if (units_size(text, &bytes, &why) != 0 || bytes != expected)
		fail_msg("'%s' is %llu bytes, not %llu (%s)", text, (unsigned long long)bytes, (unsigned long long)expected, why);
}

static void refuse_size(const char *text, int error, const char *words)
{
	uint64_t bytes = 7;
	const char *why = NULL;

	if (units_size(text, &bytes, &why) != error)
		fail_msg("'%s' was taken, or refused in another way", text);
	assert_string_equal(why, words);
	assert_int_equal(bytes, 7);
}

#define NOT_A_TIME "not a time (as 5, 1.5s, 200ms, 2m)"
#define NOT_A_SIZE "not a size (as 4096, 64K, 1.5G)"

/* ---- durations ------------------------------------------------------------------------------------------------ */

static void test_a_duration_without_a_unit_is_seconds(void **state)
{
	expect_ms("5", 5000);
	expect_ms("0", 0);
	expect_ms("007", 7000);
}

static void test_a_duration_takes_each_unit(void **state)
{
	expect_ms("200ms", 200);
	expect_ms("2s", 2000);
	expect_ms("2m", 120000);
	expect_ms("2h", 7200000);
	expect_ms("2d", 172800000);
}

static void test_a_duration_takes_a_fraction_and_an_exponent(void **state)
{
	expect_ms("1.5", 1500);
	expect_ms(".5", 500);
	expect_ms("5.", 5000);
	expect_ms("0.1", 100);
	expect_ms("1e3ms", 1000);
	expect_ms("1E+3ms", 1000);
	expect_ms("12.5e-1s", 1250);
	expect_ms("0.00015e4", 1500);
	expect_ms("1.5d", 129600000);
}

static void test_a_duration_is_rounded_up(void **state)
{
	expect_ms("0.0001ms", 1);
	expect_ms("1.0001ms", 2);
	expect_ms("1e-400", 1);
	expect_ms("1e-99999999999999999999999999", 1);
	expect_ms("0.0000000000000000000000000000000000000000000000001h", 1);
	expect_ms("0.000", 0);
	expect_ms("0e99999999999999999999", 0);
}

static void test_a_duration_is_exact_up_to_the_last_millisecond(void **state)
{
	expect_ms("9007199254740993ms", 9007199254740993);
	expect_ms("9223372036854775807ms", INT64_MAX);
	expect_ms("9223372036854775.806", INT64_MAX - 1);
	expect_ms("9223372036854775.8061", INT64_MAX);
	expect_ms("922337203685477580.6e-2s", INT64_MAX - 1);
	/* 0.7 is not a number that a double holds: 0.7 * 86400000 would be rounded up to one more. */
	expect_ms("0.7d", 60480000);
}

static void test_a_duration_too_large_to_count_is_without_end(void **state)
{
	expect_ms("9223372036854775808ms", INT64_MAX);
	expect_ms("18446744073709551616ms", INT64_MAX);
	expect_ms("99999999999999999999d", INT64_MAX);
	expect_ms("1e400", INT64_MAX);
	expect_ms("1e99999999999999999999999999", INT64_MAX);
	expect_ms("inf", INT64_MAX);
	expect_ms("INF", INT64_MAX);
	expect_ms("infinity", INT64_MAX);
}

static void test_a_duration_that_is_no_number_is_refused(void **state)
{
	refuse_duration("", NOT_A_TIME);
	refuse_duration("s", NOT_A_TIME);
	refuse_duration(".", NOT_A_TIME);
	refuse_duration("nan", NOT_A_TIME);
	refuse_duration("five", NOT_A_TIME);
	refuse_duration(" 1", NOT_A_TIME);
}

static void test_a_duration_with_a_sign_is_refused(void **state)
{
	refuse_duration("-1", NOT_A_TIME);
	refuse_duration("+1", NOT_A_TIME);
	refuse_duration("-inf", NOT_A_TIME);
}

static void test_a_duration_with_two_marks_or_a_blank_is_refused(void **state)
{
	refuse_duration("1.5.2", NOT_A_TIME);
	refuse_duration("1,5", NOT_A_TIME);
	refuse_duration("1 s", NOT_A_TIME);
	refuse_duration("1s ", "unknown unit 's ' (ms, s, m, h, d)");
}

static void test_an_unknown_unit_is_named_with_those_that_are_known(void **state)
{
	refuse_duration("1x", "unknown unit 'x' (ms, s, m, h, d)");
	refuse_duration("0x10", "unknown unit 'x10' (ms, s, m, h, d)");
	refuse_duration("1e", "unknown unit 'e' (ms, s, m, h, d)");
	refuse_duration("1e+", "unknown unit 'e+' (ms, s, m, h, d)");
	refuse_duration("1S", "unknown unit 'S' (ms, s, m, h, d)");
	refuse_duration("1infs", "unknown unit 'infs' (ms, s, m, h, d)");
}

static void test_a_long_unknown_unit_is_cut(void **state)
{
	refuse_duration("1abcdefghijklmnopqrstuvwxyz", "unknown unit 'abcdefghijklmnopqrst...' (ms, s, m, h, d)");
}

static void test_a_number_of_a_million_digits_is_read(void **state)
{
	size_t size = 1 << 20;
	char *text = malloc(size + 32);

	assert_non_null(text);
	memset(text, '0', size);
	text[1] = '.';
	strcpy(text + size, "5e1048575ms");
	expect_ms(text, 5);
	memset(text, '9', size);
	strcpy(text + size, "e-1048575ms");
	expect_ms(text, 10);
	free(text);
}

static void test_a_locale_with_a_decimal_comma_changes_nothing(void **state)
{
	static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8" };
	char *old = strdup(setlocale(LC_ALL, NULL));
	bool found = false;

	for (size_t i = 0; !found && i < sizeof(names) / sizeof(names[0]); i++)
		found = setlocale(LC_ALL, names[i]) != NULL;
	if (found) {
		expect_ms("1.5", 1500);
		refuse_duration("1,5", NOT_A_TIME);
	}
	setlocale(LC_ALL, old);
	free(old);
	skip_unless(found, "no locale with a decimal comma is installed");
}

/* ---- sizes ---------------------------------------------------------------------------------------------------- */

static void test_a_size_without_a_unit_is_bytes(void **state)
{
	expect_size("10", 10);
	expect_size("10B", 10);
	expect_size("0", 0);
	expect_size("1e3", 1000);
}

static void test_a_size_takes_powers_of_1024_and_of_1000(void **state)
{
	expect_size("64K", 65536);
	expect_size("1KiB", 1024);
	expect_size("1KB", 1000);
	expect_size("1M", 1 << 20);
	expect_size("1MB", 1000000);
	expect_size("1.5G", 1610612736);
	expect_size("1.5GB", 1500000000);
	expect_size("2T", INT64_C(2) << 40);
	expect_size("2TB", INT64_C(2000000000000));
}

static void test_a_size_takes_small_letters(void **state)
{
	expect_size("64k", 65536);
	expect_size("1kib", 1024);
	expect_size("1mb", 1000000);
}

static void test_a_size_is_rounded_up(void **state)
{
	expect_size("1.5", 2);
	expect_size("0.0001K", 1);
}

static void test_a_size_is_exact_up_to_the_last_byte(void **state)
{
	expect_size("18446744073709551615", UINT64_MAX);
	expect_size("16777215.99999999999909050529822707176208496093750T", UINT64_MAX);
	expect_size("9223372036854775809", UINT64_C(9223372036854775809));
}

static void test_a_size_beyond_64_bits_is_out_of_range(void **state)
{
	refuse_size("18446744073709551616", -ERANGE, "too large");
	refuse_size("18446744073709551615.1", -ERANGE, "too large");
	refuse_size("16777216T", -ERANGE, "too large");
	refuse_size("1e20", -ERANGE, "too large");
	refuse_size("1e999999999999999999999", -ERANGE, "too large");
}

static void test_a_size_that_is_no_number_is_refused(void **state)
{
	refuse_size("", -EINVAL, NOT_A_SIZE);
	refuse_size("K", -EINVAL, NOT_A_SIZE);
	refuse_size("-1", -EINVAL, NOT_A_SIZE);
	refuse_size("inf", -EINVAL, NOT_A_SIZE);
	refuse_size("1,5K", -EINVAL, NOT_A_SIZE);
	refuse_size("5q", -EINVAL, "unknown unit 'q' (K, M, G, T, KB, MB, GB, TB)");
}

/* ---- counts and signals --------------------------------------------------------------------------------------- */

static void expect_count(const char *text, uint64_t least, uint64_t most, int error, const char *words)
{
	uint64_t count = 7;
	const char *why = NULL;

	assert_int_equal(units_count(text, least, most, &count, &why), error);
	assert_string_equal(why, words);
	assert_int_equal(count, 7);
}

static void test_a_count_is_digits_alone(void **state)
{
	const char *not_whole = "not a whole number";

	expect_count("", 0, 9, -EINVAL, not_whole);
	expect_count("+5", 0, 9, -EINVAL, not_whole);
	expect_count("-5", 0, 9, -EINVAL, not_whole);
	expect_count("5.0", 0, 9, -EINVAL, not_whole);
	expect_count(" 5", 0, 9, -EINVAL, not_whole);
	expect_count("0x5", 0, 9, -EINVAL, not_whole);
}

static void test_a_count_keeps_to_its_bounds(void **state)
{
	expect_count("0", 1, 9, -ERANGE, "less than 1");
	expect_count("10", 1, 9, -ERANGE, "more than 9");
	expect_count("18446744073709551616", 0, UINT64_MAX, -ERANGE, "more than 18446744073709551615");
	expect_count("99999999999999999999999", 0, 9, -ERANGE, "more than 9");
}

static void test_a_count_reaches_its_bounds(void **state)
{
	uint64_t count;
	const char *why;

	assert_int_equal(units_count("1", 1, 9, &count, &why), 0);
	assert_int_equal(count, 1);
	assert_int_equal(units_count("0000000000000000000000009", 1, 9, &count, &why), 0);
	assert_int_equal(count, 9);
	assert_int_equal(units_count("18446744073709551615", 0, UINT64_MAX, &count, &why), 0);
	assert_true(count == UINT64_MAX);
}

static void expect_signal(const char *text, int expected)
{
	int number = -1;
	const char *why = "";

	if (units_signal(text, &number, &why) != 0 || number != expected)
		fail_msg("'%s' is signal %d, not %d (%s)", text, number, expected, why);
}

static void refuse_signal(const char *text)
{
	int number = -1;
	const char *why = NULL;

	if (units_signal(text, &number, &why) >= 0)
		fail_msg("'%s' was taken as %d", text, number);
	assert_non_null(why);
	assert_int_equal(number, -1);
}

static void test_a_signal_is_a_name_or_a_number(void **state)
{
	expect_signal("TERM", SIGTERM);
	expect_signal("SIGTERM", SIGTERM);
	expect_signal("term", SIGTERM);
	expect_signal("sigInt", SIGINT);
	expect_signal("15", 15);
	expect_signal("64", 64);
}

static void test_a_signal_is_shown_by_its_name_where_it_has_one(void **state)
{
	char text[UNITS_TEXT];

	(void)state;
	assert_string_equal(units_signal_text(SIGTERM, text), "SIGTERM");
	assert_string_equal(units_signal_text(SIGABRT, text), "SIGABRT");
	assert_string_equal(units_signal_text(63, text), "signal 63");
}

static void test_a_real_time_signal_counts_from_either_end(void **state)
{
	expect_signal("RTMIN", SIGRTMIN);
	expect_signal("RTMIN+1", SIGRTMIN + 1);
	expect_signal("SIGRTMAX-2", SIGRTMAX - 2);
	expect_signal("rtmax", SIGRTMAX);
}

static void test_what_is_no_signal_is_refused(void **state)
{
	static const char *const words[] = { "", "SIG", "0", "-9", "65", "TERMINATE", "RTMIN-1", "RTMIN+", "RTMIN+99", "RTMAX+1", "RTMAX-99",
	                                     "9x", "SIG9", "99999999999999999999" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		refuse_signal(words[i]);
}

static void test_every_signal_the_system_names_is_known(void **state)
{
	for (int number = 1; number < SIGRTMIN; number++) {
		const char *name = sigabbrev_np(number);

		if (name)
			expect_signal(name, number);
	}
}

/* ---- for people ----------------------------------------------------------------------------------------------- */

static void expect_duration_text(int64_t ns, const char *expected)
{
	char text[UNITS_TEXT];

	assert_string_equal(units_duration_text(ns, text), expected);
}

static void test_a_duration_is_shown_in_three_digits(void **state)
{
	expect_duration_text(0, "0 ns");
	expect_duration_text(999, "999 ns");
	expect_duration_text(1500, "1.5 us");
	expect_duration_text(12000000, "12 ms");
	expect_duration_text(12340000, "12.3 ms");
	expect_duration_text(1002000000, "1 s");
	expect_duration_text(1050000000, "1.05 s");
	expect_duration_text(1534000000, "1.53 s");
	expect_duration_text(59900000000, "59.9 s");
}

static void test_a_duration_that_rounds_up_to_the_next_unit_is_shown_in_it(void **state)
{
	expect_duration_text(999499, "999 us");
	expect_duration_text(999700, "1 ms");
	expect_duration_text(999999999, "1 s");
	expect_duration_text(9996000000, "10 s");
	expect_duration_text(59960000000, "1 m");
	expect_duration_text(3599700000000, "1 h");
	expect_duration_text(INT64_C(86399) * 1000000000, "1 d");
}

static void test_a_long_duration_is_shown_in_two_units(void **state)
{
	expect_duration_text(INT64_C(200) * 1000000000, "3 m 20 s");
	expect_duration_text(INT64_C(180) * 1000000000, "3 m");
	expect_duration_text(INT64_C(7500) * 1000000000, "2 h 5 m");
	expect_duration_text(INT64_C(180000) * 1000000000, "2 d 2 h");
	expect_duration_text(INT64_MAX, "106752 d");
}

static void expect_size_text(uint64_t bytes, const char *expected)
{
	char text[UNITS_TEXT];

	assert_string_equal(units_size_text(bytes, text), expected);
}

static void test_a_size_is_shown_in_powers_of_1024(void **state)
{
	expect_size_text(0, "0 B");
	expect_size_text(1023, "1023 B");
	expect_size_text(65536, "64 KiB");
	expect_size_text(1610612736, "1.5 GiB");
	expect_size_text((1 << 20) - 1, "1 MiB");
	expect_size_text(1047552, "1023 KiB");
	expect_size_text(UINT64_MAX, "16777216 TiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_duration_without_a_unit_is_seconds),
		brood_test(test_a_duration_takes_each_unit),
		brood_test(test_a_duration_takes_a_fraction_and_an_exponent),
		brood_test(test_a_duration_is_rounded_up),
		brood_test(test_a_duration_is_exact_up_to_the_last_millisecond),
		brood_test(test_a_duration_too_large_to_count_is_without_end),
		brood_test(test_a_duration_that_is_no_number_is_refused),
		brood_test(test_a_duration_with_a_sign_is_refused),
		brood_test(test_a_duration_with_two_marks_or_a_blank_is_refused),
		brood_test(test_an_unknown_unit_is_named_with_those_that_are_known),
		brood_test(test_a_long_unknown_unit_is_cut),
		brood_test(test_a_number_of_a_million_digits_is_read),
		brood_test(test_a_locale_with_a_decimal_comma_changes_nothing),
		brood_test(test_a_size_without_a_unit_is_bytes),
		brood_test(test_a_size_takes_powers_of_1024_and_of_1000),
		brood_test(test_a_size_takes_small_letters),
		brood_test(test_a_size_is_rounded_up),
		brood_test(test_a_size_is_exact_up_to_the_last_byte),
		brood_test(test_a_size_beyond_64_bits_is_out_of_range),
		brood_test(test_a_size_that_is_no_number_is_refused),
		brood_test(test_a_count_is_digits_alone),
		brood_test(test_a_count_keeps_to_its_bounds),
		brood_test(test_a_count_reaches_its_bounds),
		brood_test(test_a_signal_is_a_name_or_a_number),
		brood_test(test_a_signal_is_shown_by_its_name_where_it_has_one),
		brood_test(test_a_real_time_signal_counts_from_either_end),
		brood_test(test_what_is_no_signal_is_refused),
		brood_test(test_every_signal_the_system_names_is_known),
		brood_test(test_a_duration_is_shown_in_three_digits),
		brood_test(test_a_duration_that_rounds_up_to_the_next_unit_is_shown_in_it),
		brood_test(test_a_long_duration_is_shown_in_two_units),
		brood_test(test_a_size_is_shown_in_powers_of_1024),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
