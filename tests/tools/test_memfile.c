/* SPDX-License-Identifier: MIT */
/* A stream into memory. Linked with --wrap for realloc, which is how it grows. */
#include "support/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memfile.h"

enum { WORDS = 3000 };

static unsigned asked, refused;         /* the one that is: 0 for none */

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_realloc(void *memory, size_t size)
{
	return ++asked == refused ? NULL : __real_realloc(memory, size);
}

/* Thirty thousand bytes, in pieces that leave the stream's buffer one by one. */
static int write_much(unsigned nth, char **ret_text, size_t *ret_size)
{
	struct memfile file;

	asked = 0;
	refused = nth;
	*ret_text = NULL;
	assert_int_equal(memfile_open(&file), 0);
	for (int i = 0; i < WORDS; i++)
		fprintf(file.stream, "word %04d\n", i);
	return memfile_close(&file, ret_text, ret_size);
}

static void test_what_is_written_comes_out_whole(void **state)
{
	char *text, word[32];
	size_t size;

	(void)state;
	assert_int_equal(write_much(0, &text, &size), 0);
	assert_int_equal(size, WORDS * 10);
	assert_int_equal(strlen(text), size);
	snprintf(word, sizeof word, "word %04d\n", WORDS - 1);
	assert_string_equal(text + size - strlen(word), word);
	free(text);
}

static void test_nothing_written_is_an_empty_text(void **state)
{
	struct memfile file;
	char *text = NULL;
	size_t size = 1;

	(void)state;
	refused = 0;
	assert_int_equal(memfile_open(&file), 0);
	assert_int_equal(memfile_close(&file, &text, &size), 0);
	assert_string_equal(text, "");
	assert_int_equal(size, 0);
	free(text);
}

static void test_a_gap_is_an_error_though_there_is_memory_again_behind_it(void **state)
{
	unsigned nth = 1;
	size_t size;
	char *text;

	(void)state;
	while (write_much(nth, &text, &size) < 0) {
		assert_null(text);
		nth++;
	}
	refused = 0;
	assert_true(nth > 3);
	assert_int_equal(size, WORDS * 10);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_what_is_written_comes_out_whole),
		brood_test(test_nothing_written_is_an_empty_text),
		brood_test(test_a_gap_is_an_error_though_there_is_memory_again_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
