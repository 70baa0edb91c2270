/* SPDX-License-Identifier: MIT */
/*
 * JSON to text and back where one allocation fails: all of it or an error. Linked with --wrap for malloc, through which jansson's pass as long as a
 * text is made or read.
 */
#include "support/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jsontext.h"

static const char line[] = "{\"job\":1,\"input\":\"a name that is long enough to need room of its own\",\"ok\":true,\"stages\":[{\"name\":\"wc\"},{\"name\":\"tr\"}]}";

static unsigned asked, refused;         /* the one that is: 0 for none */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
	return ++asked == refused ? NULL : __real_malloc(size);
}

static void refuse(unsigned nth)
{
	asked = 0;
	refused = nth;
}

static json_t *read_line(void)
{
	json_t *json = NULL;

	refuse(0);
	assert_int_equal(jsontext_read(line, strlen(line), 0, &json), 0);
	return json;
}

static void test_a_text_that_is_read_lacks_nothing_or_is_not_read(void **state)
{
	json_t *whole = read_line(), *json;
	unsigned nth = 1;

	(void)state;
	for (;; nth++) {
		int r;

		refuse(nth);
		r = jsontext_read(line, strlen(line), 0, &json);
		refuse(0);
		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_null(json);
	}
	assert_true(nth > 10);
	assert_true(json_equal(json, whole));
	json_decref(json);
	json_decref(whole);
}

static void test_a_text_that_is_made_lacks_nothing_or_is_not_made(void **state)
{
	json_t *json = read_line();
	unsigned nth = 0;
	char *text;

	(void)state;
	do {
		refuse(++nth);
		text = jsontext_new(json, JSON_COMPACT);
	} while (!text);
	refuse(0);
	assert_true(nth > 3);
	assert_string_equal(text, line);
	free(text);
	json_decref(json);
}

static void test_a_text_is_put_whole_or_not_at_all(void **state)
{
	json_t *json = read_line();
	char bytes[sizeof line];
	unsigned nth = 0;
	ssize_t size;

	(void)state;
	do {
		refuse(++nth);
		size = jsontext_put(json, bytes, sizeof bytes, JSON_COMPACT);
	} while (size == -ENOMEM);
	refuse(0);
	assert_true(nth > 1);
	assert_int_equal(size, strlen(line));
	assert_memory_equal(bytes, line, strlen(line));
	assert_int_equal(jsontext_put(json, bytes, 5, JSON_COMPACT), strlen(line));
	json_decref(json);
}

static void test_what_is_no_json_is_not_taken_for_want_of_memory(void **state)
{
	json_t *json = NULL;

	(void)state;
	refuse(0);
	assert_int_equal(jsontext_read(line, strlen(line) - 1, 0, &json), -EBADMSG);
	assert_null(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_text_that_is_read_lacks_nothing_or_is_not_read),
		brood_test(test_a_text_that_is_made_lacks_nothing_or_is_not_made),
		brood_test(test_a_text_is_put_whole_or_not_at_all),
		brood_test(test_what_is_no_json_is_not_taken_for_want_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
