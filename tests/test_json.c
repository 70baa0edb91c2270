/* SPDX-License-Identifier: MIT */
/* The JSON writer: commas, escapes, bytes that are no text, numbers under any locale. */
#include "support/support.h"

#include "base/json.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sheet {
	struct json json;
	char *text;
	size_t size;
};

static struct json *sheet_open(struct sheet *sheet)
{
	*sheet = (struct sheet){ 0 };
	sheet->json.out = open_memstream(&sheet->text, &sheet->size);
	assert_non_null(sheet->json.out);
	return &sheet->json;
}

static void sheet_expect(struct sheet *sheet, const char *text)
{
	assert_int_equal(fclose(sheet->json.out), 0);
	assert_string_equal(sheet->text, text);
	free(sheet->text);
}

static void expect_bytes(const char *bytes, size_t size, const char *text)
{
	struct sheet sheet;

	json_put_bytes(sheet_open(&sheet), NULL, bytes, size);
	sheet_expect(&sheet, text);
}

static void expect_double(double number, const char *text)
{
	struct sheet sheet;

	json_put_double(sheet_open(&sheet), NULL, number);
	sheet_expect(&sheet, text);
}

static void test_json_puts_commas_between_and_nowhere_else(void **state)
{
	struct sheet sheet;
	struct json *json = sheet_open(&sheet);

	json_put_object(json, NULL);
	json_put_array(json, "empty");
	json_put_array_end(json);
	json_put_array(json, "list");
	json_put_int(json, NULL, 1);
	json_put_object(json, NULL);
	json_put_object_end(json);
	json_put_bool(json, NULL, true);
	json_put_array_end(json);
	json_put_object(json, "inner");
	json_put_null(json, "a");
	json_put_bool(json, "b", false);
	json_put_object_end(json);
	json_put_string(json, "last", "z");
	json_put_object_end(json);
	sheet_expect(&sheet, "{\"empty\":[],\"list\":[1,{},true],\"inner\":{\"a\":null,\"b\":false},\"last\":\"z\"}");
}

static void test_json_null_string_is_null(void **state)
{
	struct sheet sheet;

	json_put_string(sheet_open(&sheet), NULL, NULL);
	sheet_expect(&sheet, "null");
}

static void test_json_escapes_quotes_backslashes_and_controls(void **state)
{
	expect_bytes("\"\\\b\f\n\r\t", 7, "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
	expect_bytes("\x01\x1f\x7f", 3, "\"\\u0001\\u001f\\u007f\"");
}

static void test_json_bytes_may_hold_a_nul(void **state)
{
	expect_bytes("a\0b", 3, "\"a\\u0000b\"");
}

static void test_json_no_bytes_are_an_empty_string(void **state)
{
	expect_bytes(NULL, 0, "\"\"");
}

static void test_json_leaves_utf8_as_it_is(void **state)
{
	expect_bytes("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80/", 10, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80/\"");
}

static void test_json_replaces_what_is_not_utf8(void **state)
{
	expect_bytes("a\xff" "b", 3, "\"a\xef\xbf\xbd" "b\"");
	expect_bytes("\xe2\x82", 2, "\"\xef\xbf\xbd\"");
	expect_bytes("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	expect_bytes("\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void test_json_keys_are_escaped_too(void **state)
{
	struct sheet sheet;
	struct json *json = sheet_open(&sheet);

	json_put_object(json, NULL);
	json_put_int(json, "a\"\xff", 0);
	json_put_object_end(json);
	sheet_expect(&sheet, "{\"a\\\"\xef\xbf\xbd\":0}");
}

static void test_json_integers_reach_their_bounds(void **state)
{
	struct sheet sheet;
	struct json *json = sheet_open(&sheet);

	json_put_array(json, NULL);
	json_put_int(json, NULL, INT64_MIN);
	json_put_int(json, NULL, INT64_MAX);
	json_put_uint(json, NULL, UINT64_MAX);
	json_put_array_end(json);
	sheet_expect(&sheet, "[-9223372036854775808,9223372036854775807,18446744073709551615]");
}

static void test_json_doubles_are_short(void **state)
{
	expect_double(0.1, "0.1");
	expect_double(1.5, "1.5");
	expect_double(-3, "-3");
	expect_double(1e300, "1e+300");
}

static void test_json_doubles_read_back_the_same(void **state)
{
	const double numbers[] = { 0.1 + 0.2, 1.0 / 3, DBL_MAX, DBL_MIN, DBL_TRUE_MIN, 123456789.123456789 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sheet sheet;

		json_put_double(sheet_open(&sheet), NULL, numbers[i]);
		assert_int_equal(fclose(sheet.json.out), 0);
		assert_true(strtod(sheet.text, NULL) == numbers[i]);
		free(sheet.text);
	}
}

static void test_json_knows_no_minus_zero(void **state)
{
	expect_double(-0.0, "0");
}

static void test_json_writes_null_for_what_is_no_number(void **state)
{
	expect_double(NAN, "null");
	expect_double(INFINITY, "null");
	expect_double(-INFINITY, "null");
}

static void numbers_with_a_comma(void *data)
{
	const char *const names[] = { "de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "ru_RU.UTF-8", "pt_BR.UTF-8", "nl_NL.UTF-8" };
	const char *found = NULL;

	for (size_t i = 0; !found && i < sizeof(names) / sizeof(names[0]); i++)
		found = setlocale(LC_ALL, names[i]);
	skip_unless(found && strcmp(localeconv()->decimal_point, ",") == 0, "no locale here writes a decimal comma");
	expect_double(1.5, "1.5");
	expect_double(1234567.25, "1234567.25");
	expect_double(2.5e-9, "2.5e-09");
}

static void test_json_numbers_do_not_follow_the_locale(void **state)
{
	support_assert_in_fork(numbers_with_a_comma, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_json_puts_commas_between_and_nowhere_else),
		brood_test(test_json_null_string_is_null),
		brood_test(test_json_escapes_quotes_backslashes_and_controls),
		brood_test(test_json_bytes_may_hold_a_nul),
		brood_test(test_json_no_bytes_are_an_empty_string),
		brood_test(test_json_leaves_utf8_as_it_is),
		brood_test(test_json_replaces_what_is_not_utf8),
		brood_test(test_json_keys_are_escaped_too),
		brood_test(test_json_integers_reach_their_bounds),
		brood_test(test_json_doubles_are_short),
		brood_test(test_json_doubles_read_back_the_same),
		brood_test(test_json_knows_no_minus_zero),
		brood_test(test_json_writes_null_for_what_is_no_number),
		brood_test(test_json_numbers_do_not_follow_the_locale),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
