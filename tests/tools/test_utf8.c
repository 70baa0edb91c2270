/* SPDX-License-Identifier: MIT */
/* What is UTF-8, and what is not to be shown as it stands. */
#include "support/support.h"

#include "utf8.h"

static void expect_point(const char *text, int32_t point, size_t length)
{
	size_t got;

	assert_int_equal(utf8_point(text, &got), point);
	assert_int_equal(got, length);
}

static void test_point_reads_each_length_at_its_bounds(void **state)
{
	expect_point("\x01", 1, 1);
	expect_point("\x7f", 0x7f, 1);
	expect_point("\xc2\x80", 0x80, 2);
	expect_point("\xdf\xbf", 0x7ff, 2);
	expect_point("\xe0\xa0\x80", 0x800, 3);
	expect_point("\xef\xbf\xbf", 0xffff, 3);
	expect_point("\xf0\x90\x80\x80", 0x10000, 4);
	expect_point("\xf4\x8f\xbf\xbf", 0x10ffff, 4);
}

static void test_what_is_no_utf8_is_a_byte_on_its_own(void **state)
{
	static const char *const bad[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_point(bad[i], -1, 1);
}

static void test_point_does_not_look_beyond_the_end(void **state)
{
	const char cut[] = { '\xf0', '\x9f', '\x98', '\0', '\x80' };

	expect_point(cut, -1, 1);
	expect_point(cut + 2, -1, 1);
	expect_point("\xe2\x82!", -1, 1);
}

static void test_text_is_valid_when_all_of_it_is(void **state)
{
	assert_true(utf8_is_valid(""));
	assert_true(utf8_is_valid("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
	assert_false(utf8_is_valid("a\xc3\xa9\xe9"));
	assert_false(utf8_is_valid("\xff"));
}

static void test_what_steers_or_hides_is_unseen(void **state)
{
	static const int32_t unseen[] = { 0x1b, '\n', 0x7f, 0x9b, 0x61c, 0x200b, 0x200f, 0x2028, 0x202a, 0x202e, 0x2066, 0x2069, 0xfeff, 0xfffe, 0x10ffff };
	static const int32_t seen[] = { ' ', 'a', 0xa0, 0xe9, 0x5d0, 0x2026, 0x2030, 0x20ac, 0xfffd, 0x1f600 };

	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		assert_true(utf8_is_unseen(unseen[i]));
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
		assert_false(utf8_is_unseen(seen[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_point_reads_each_length_at_its_bounds),
		brood_test(test_what_is_no_utf8_is_a_byte_on_its_own),
		brood_test(test_point_does_not_look_beyond_the_end),
		brood_test(test_text_is_valid_when_all_of_it_is),
		brood_test(test_what_steers_or_hides_is_unseen),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
