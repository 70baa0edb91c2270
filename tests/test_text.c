/* SPDX-License-Identifier: MIT */
/* What is UTF-8, and what may be shown. */
#include "support/support.h"

#include "base/text.h"

#include <string.h>

static void expect_point(const char *bytes, size_t size, int32_t point, size_t length)
{
	size_t got;

	assert_int_equal(utf8_next(bytes, size, &got), point);
	assert_int_equal(got, length);
}

static void expect_escaped(const char *bytes, size_t size, const char *text)
{
	char escaped[256];

	assert_true(TEXT_ESCAPE_ROOM(size) <= sizeof(escaped));
	assert_int_equal(text_escape(escaped, TEXT_ESCAPE_ROOM(size), bytes, size), strlen(text));
	assert_string_equal(escaped, text);
}

static void test_utf8_reads_each_length_at_its_bounds(void **state)
{
	expect_point("\0", 1, 0, 1);
	expect_point("\x7f", 1, 0x7f, 1);
	expect_point("\xc2\x80", 2, 0x80, 2);
	expect_point("\xdf\xbf", 2, 0x7ff, 2);
	expect_point("\xe0\xa0\x80", 3, 0x800, 3);
	expect_point("\xef\xbf\xbf", 3, 0xffff, 3);
	expect_point("\xf0\x90\x80\x80", 4, 0x10000, 4);
	expect_point("\xf4\x8f\xbf\xbf", 4, 0x10ffff, 4);
}

static void test_utf8_refuses_overlongs(void **state)
{
	expect_point("\xc0\x80", 2, -1, 1);
	expect_point("\xc1\xbf", 2, -1, 1);
	expect_point("\xe0\x9f\xbf", 3, -1, 1);
	expect_point("\xf0\x8f\xbf\xbf", 4, -1, 1);
}

static void test_utf8_refuses_surrogates(void **state)
{
	expect_point("\xed\x9f\xbf", 3, 0xd7ff, 3);
	expect_point("\xed\xa0\x80", 3, -1, 1);
	expect_point("\xed\xbf\xbf", 3, -1, 1);
	expect_point("\xee\x80\x80", 3, 0xe000, 3);
}

static void test_utf8_refuses_what_is_above_the_last_code_point(void **state)
{
	expect_point("\xf4\x90\x80\x80", 4, -1, 1);
	expect_point("\xf5\x80\x80\x80", 4, -1, 1);
	expect_point("\xff", 1, -1, 1);
}

static void test_utf8_refuses_a_continuation_on_its_own(void **state)
{
	expect_point("\x80", 1, -1, 1);
	expect_point("\xbf", 1, -1, 1);
}

static void test_utf8_takes_a_cut_sequence_as_one(void **state)
{
	expect_point("\xe2\x82", 2, -1, 2);
	expect_point("\xf0\x9f\x98", 3, -1, 3);
	expect_point("\xe2\x82!", 3, -1, 2);
	expect_point("\xc3", 1, -1, 1);
}

static void test_escape_leaves_letters_of_any_script(void **state)
{
	expect_escaped("md5 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \\", 17, "md5 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \\");
}

static void test_escape_writes_controls_out(void **state)
{
	expect_escaped("a\nb\rc\td\x1b[0m\x7f", 12, "a\\nb\\rc\\td\\x1b[0m\\x7f");
}

static void test_escape_writes_a_nul_out(void **state)
{
	expect_escaped("a\0b", 3, "a\\x00b");
}

static void test_escape_writes_controls_beyond_ascii_out(void **state)
{
	expect_escaped("\xc2\x9b", 2, "\\xc2\\x9b");
	expect_escaped("\xe2\x80\xa8", 3, "\\xe2\\x80\\xa8");
	expect_escaped("\xe2\x80\xae", 3, "\\xe2\\x80\\xae");
	expect_escaped("\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6");
	expect_escaped("\xc2\xa0", 2, "\xc2\xa0");
}

static void test_escape_writes_what_is_not_utf8_out(void **state)
{
	expect_escaped("x\xff\xc3", 3, "x\\xff\\xc3");
}

static void test_escape_stops_before_what_does_not_fit_whole(void **state)
{
	char text[5];

	assert_int_equal(text_escape(text, sizeof(text), "abc\xc3\xa9", 5), 3);
	assert_string_equal(text, "abc");
	assert_int_equal(text_escape(text, sizeof(text), "a\x1b", 2), 1);
	assert_string_equal(text, "a");
	assert_int_equal(text_escape(text, sizeof(text), "abcd", 4), 4);
	assert_string_equal(text, "abcd");
}

static void test_escape_into_one_byte_is_the_nul(void **state)
{
	char text[1] = { 'x' };

	assert_int_equal(text_escape(text, 1, "abc", 3), 0);
	assert_int_equal(text[0], '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_utf8_reads_each_length_at_its_bounds),
		brood_test(test_utf8_refuses_overlongs),
		brood_test(test_utf8_refuses_surrogates),
		brood_test(test_utf8_refuses_what_is_above_the_last_code_point),
		brood_test(test_utf8_refuses_a_continuation_on_its_own),
		brood_test(test_utf8_takes_a_cut_sequence_as_one),
		brood_test(test_escape_leaves_letters_of_any_script),
		brood_test(test_escape_writes_controls_out),
		brood_test(test_escape_writes_a_nul_out),
		brood_test(test_escape_writes_controls_beyond_ascii_out),
		brood_test(test_escape_writes_what_is_not_utf8_out),
		brood_test(test_escape_stops_before_what_does_not_fit_whole),
		brood_test(test_escape_into_one_byte_is_the_nul),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
