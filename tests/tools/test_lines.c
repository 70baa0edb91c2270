/* SPDX-License-Identifier: MIT */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#include "lines.h"

/* The pieces go in as they are, what comes out is one text. */
static char *tagged(const char *tag, bool end, const char *const *pieces)
{
	struct lines lines = { .tag = tag, .tag_size = tag ? strlen(tag) : 0 };
	struct spill *spill = spill_new();
	struct spool spool;
	const char *bytes;
	char *text;

	spool_init(&spool, spill, SPOOL_PIECE);
	for (; *pieces; pieces++)
		lines_put(&lines, &spool, *pieces, strlen(*pieces));
	if (end)
		lines_end(&lines, &spool);
	/* No NUL follows the bytes, and AddressSanitizer asks strndup for one. */
	text = calloc(1, spool.size + 1);
	assert_non_null(text);
	if (spool_peek(&spool, &bytes) > 0)
		memcpy(text, bytes, spool.size);
	spool_done(&spool);
	spill_free(spill);
	return text;
}

#define expect_tagged(expected, tag, end, ...)							\
	do {											\
		char *text_here = tagged(tag, end, (const char *const[]){ __VA_ARGS__, NULL });	\
												\
		assert_string_equal(text_here, expected);					\
		free(text_here);								\
	} while (0)

static void test_each_line_gets_its_tag_however_the_pieces_fall(void **state)
{
	(void)state;
	expect_tagged("t\tone\nt\ttwo\n", "t\t", false, "one\ntwo\n");
	expect_tagged("t\tone\nt\ttwo\n", "t\t", false, "on", "e", "\n", "tw", "o\n");
	expect_tagged("t\t\nt\t\n", "t\t", false, "\n", "\n");
	expect_tagged("", "t\t", true, "");
}

static void test_a_last_line_is_ended_where_that_is_asked_for(void **state)
{
	(void)state;
	expect_tagged("t\tone\nt\ttwo\n", "t\t", true, "one\ntwo");
	expect_tagged("t\tone\n", "t\t", true, "one\n");
	expect_tagged("one\n", NULL, true, "one");
	expect_tagged("one", NULL, false, "one");
}

static void test_without_a_tag_bytes_are_as_they_were(void **state)
{
	(void)state;
	expect_tagged("a\nb", NULL, false, "a", "\nb");
}

static void test_whole_lines_end_at_the_last_newline(void **state)
{
	(void)state;
	assert_int_equal(lines_whole("", 0), 0);
	assert_int_equal(lines_whole("abc", 3), 0);
	assert_int_equal(lines_whole("a\nbc", 4), 2);
	assert_int_equal(lines_whole("a\nb\n", 4), 4);
	assert_int_equal(lines_whole("\n", 1), 1);
}

static void test_a_tag_is_one_field_of_one_line(void **state)
{
	char *tag;

	(void)state;
	tag = lines_tag("a b");
	assert_string_equal(tag, "a b\t");
	free(tag);
	tag = lines_tag("a\tb\nc\033[2J\177");
	assert_string_equal(tag, "a\\x09b\\x0ac\\x1b[2J\\x7f\t");
	free(tag);
	/* A terminal takes U+009B for the beginning of a sequence too, and U+202E turns what follows round. */
	tag = lines_tag("\xc2\x9b" "2J\xe2\x80\xae\xff\xc3\xa9");
	assert_string_equal(tag, "\\xc2\\x9b2J\\xe2\\x80\\xae\\xff\xc3\xa9\t");
	free(tag);
	tag = lines_tag("");
	assert_string_equal(tag, "\t");
	free(tag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_each_line_gets_its_tag_however_the_pieces_fall),
		brood_test(test_a_last_line_is_ended_where_that_is_asked_for),
		brood_test(test_without_a_tag_bytes_are_as_they_were),
		brood_test(test_whole_lines_end_at_the_last_newline),
		brood_test(test_a_tag_is_one_field_of_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
