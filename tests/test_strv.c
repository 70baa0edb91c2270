/* SPDX-License-Identifier: MIT */
/* String lists: owned, NULL-terminated at every moment, whole or unchanged. */
#include "support/support.h"

#include "base/strv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

static void test_empty_list_is_a_null(void **state)
{
	struct strv strv = { 0 };

	assert_non_null(strv_list(&strv));
	assert_null(strv_list(&strv)[0]);
	strv_done(&strv);
}

static void test_push_keeps_a_copy(void **state)
{
	struct strv strv = { 0 };
	char text[] = "one";

	assert_int_equal(strv_push(&strv, text), 0);
	text[0] = 'X';
	assert_string_equal(strv_list(&strv)[0], "one");
	assert_null(strv_list(&strv)[1]);
	strv_done(&strv);
}

static void test_push_take_keeps_the_string_itself(void **state)
{
	struct strv strv = { 0 };
	char *text = strdup("mine");

	assert_int_equal(strv_push_take(&strv, text), 0);
	assert_ptr_equal(strv_list(&strv)[0], text);
	strv_done(&strv);
}

static void test_push_take_of_null_is_enomem(void **state)
{
	struct strv strv = { 0 };

	assert_int_equal(strv_push_take(&strv, NULL), -ENOMEM);
	assert_int_equal(strv.count, 0);
	strv_done(&strv);
}

static void test_list_ends_in_null_at_every_length(void **state)
{
	struct strv strv = { 0 };
	char text[16];

	for (size_t i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%zu", i);
		assert_int_equal(strv_push(&strv, text), 0);
		assert_int_equal(strv.count, i + 1);
		assert_string_equal(strv_list(&strv)[i], text);
		assert_null(strv_list(&strv)[i + 1]);
	}
	assert_string_equal(strv_list(&strv)[0], "0");
	strv_done(&strv);
}

static void test_append_copies_a_list_in_order(void **state)
{
	const char *const words[] = { "b", "", "d", NULL };
	struct strv strv = { 0 };

	assert_int_equal(strv_push(&strv, "a"), 0);
	assert_int_equal(strv_append(&strv, words), 0);
	assert_int_equal(strv.count, 4);
	assert_string_equal(strv_list(&strv)[0], "a");
	assert_string_equal(strv_list(&strv)[1], "b");
	assert_string_equal(strv_list(&strv)[2], "");
	assert_string_equal(strv_list(&strv)[3], "d");
	assert_null(strv_list(&strv)[4]);
	strv_done(&strv);
}

static void test_append_of_an_empty_list_changes_nothing(void **state)
{
	const char *const words[] = { NULL };
	struct strv strv = { 0 };

	assert_int_equal(strv_append(&strv, words), 0);
	assert_int_equal(strv.count, 0);
	assert_null(strv_list(&strv)[0]);
	strv_done(&strv);
}

#ifndef BROOD_SANITIZED
/* The first word fits into what malloc has, the second one would need new memory. A brk that failed returns a low address. */
static void append_without_memory(void *data)
{
	const char *const words[] = { "fits", data, NULL };
	struct strv strv = { 0 };

	assert_int_equal(strv_push(&strv, "before"), 0);
	support_deny_syscall(SYS_mmap, ENOMEM);
	support_deny_syscall(SYS_brk, 0);
	assert_int_equal(strv_append(&strv, words), -ENOMEM);
	assert_int_equal(strv.count, 1);
	assert_string_equal(strv_list(&strv)[0], "before");
	assert_null(strv_list(&strv)[1]);
	strv_done(&strv);
}

static void test_append_without_memory_appends_none(void **state)
{
	size_t size = 64 << 20;
	char *large;

	skip_under_valgrind();
	large = malloc(size + 1);
	assert_non_null(large);
	memset(large, 'x', size);
	large[size] = '\0';
	support_assert_in_fork(append_without_memory, large);
	free(large);
}
#endif

static void test_done_leaves_an_empty_list(void **state)
{
	struct strv strv = { 0 };

	assert_int_equal(strv_push(&strv, "x"), 0);
	strv_done(&strv);
	assert_int_equal(strv.count, 0);
	assert_null(strv_list(&strv)[0]);
	assert_int_equal(strv_push(&strv, "again"), 0);
	strv_done(&strv);
	strv_done(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_empty_list_is_a_null),
		brood_test(test_push_keeps_a_copy),
		brood_test(test_push_take_keeps_the_string_itself),
		brood_test(test_push_take_of_null_is_enomem),
		brood_test(test_list_ends_in_null_at_every_length),
		brood_test(test_append_copies_a_list_in_order),
		brood_test(test_append_of_an_empty_list_changes_nothing),
#ifndef BROOD_SANITIZED
		brood_test(test_append_without_memory_appends_none),
#endif
		brood_test(test_done_leaves_an_empty_list),
	};

	return cmocka_run_group_tests_name("strv", tests, NULL, NULL);
}
