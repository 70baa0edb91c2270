/* SPDX-License-Identifier: MIT */
/*
 * Buffers: the same bytes in every store, nothing lost when growing fails, and the memory promise. test_buffer_spill.c has those that
 * give their bytes away.
 */
#include "support/buffers.h"
#include "support/support.h"

#include "base/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void test_buffer_that_never_held_anything_is_an_empty_text(void **state)
{
	struct buffer buffer = { 0 };

	assert_string_equal(buffer_text(&buffer), "");
	assert_int_equal(buffer_memory(&buffer), 0);
	buffer_trim(&buffer);
	buffer_consume(&buffer, 0);
	buffer_done(&buffer);
	buffer_done(NULL);
}

static void test_buffer_appends_copies(void **state)
{
	struct buffer buffer = { 0 };
	char text[] = "abc";

	assert_int_equal(buffer_append(&buffer, text, 3), 0);
	text[0] = 'X';
	assert_int_equal(buffer_append(&buffer, "de", 2), 0);
	assert_int_equal(buffer_append(&buffer, NULL, 0), 0);
	assert_string_equal(buffer_text(&buffer), "abcde");
	assert_int_equal(buffer.size, 5);
	buffer_done(&buffer);
}

static void test_buffer_stays_small_up_to_its_last_byte(void **state)
{
	struct buffer buffer = { 0 };

	fill(&buffer, BUFFER_SMALL - 1);
	assert_int_equal(buffer.capacity, BUFFER_SMALL - 1);
	expect_pattern(&buffer, BUFFER_SMALL - 1);
	fill(&buffer, BUFFER_SMALL);
	assert_true(buffer.capacity >= BUFFER_SMALL);
	buffer_done(&buffer);
}

static void test_buffer_keeps_its_bytes_when_it_moves_to_pages(void **state)
{
	struct buffer buffer = { 0 };

	fill(&buffer, BUFFER_SMALL + 1);
	expect_pattern(&buffer, BUFFER_SMALL + 1);
	buffer_done(&buffer);
}

static void test_buffer_keeps_its_bytes_when_its_pages_double(void **state)
{
	struct buffer buffer = { 0 };

	fill(&buffer, 4 * MIB - 1);
	expect_pattern(&buffer, 4 * MIB - 1);
	fill(&buffer, 4 * MIB);
	expect_pattern(&buffer, 4 * MIB);
	fill(&buffer, 21 * MIB);
	expect_pattern(&buffer, 21 * MIB);
	buffer_done(&buffer);
}

static void test_buffer_appends_more_than_any_step_at_once(void **state)
{
	struct buffer buffer = { 0 };
	unsigned char *bytes = malloc(10 * MIB);

	support_pattern(bytes, 10 * MIB, 0);
	assert_int_equal(buffer_append(&buffer, bytes, 10 * MIB), 0);
	free(bytes);
	expect_pattern(&buffer, 10 * MIB);
	buffer_done(&buffer);
}

static void test_buffer_refuses_what_no_memory_holds(void **state)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 4, SIZE_MAX - (4 << 20), SIZE_MAX / 2 };
	struct buffer buffer = { 0 };

	fill(&buffer, 3);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_int_equal(buffer_append(&buffer, "", sizes[i]), -ENOMEM);
	expect_pattern(&buffer, 3);
	fill(&buffer, 5 * MIB);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_int_equal(buffer_append(&buffer, "", sizes[i]), -ENOMEM);
	expect_pattern(&buffer, 5 * MIB);
	buffer_done(&buffer);
}

static void test_buffer_consume_moves_the_rest_to_the_front(void **state)
{
	struct buffer buffer = { 0 };

	assert_int_equal(buffer_append(&buffer, "one\ntwo", 7), 0);
	buffer_consume(&buffer, 4);
	assert_string_equal(buffer_text(&buffer), "two");
	buffer_consume(&buffer, 3);
	assert_string_equal(buffer_text(&buffer), "");
	assert_int_equal(buffer_append(&buffer, "x", 1), 0);
	assert_string_equal(buffer_text(&buffer), "x");
	buffer_done(&buffer);
}

static void test_trim_shrinks_a_small_buffer_to_its_bytes(void **state)
{
	struct buffer buffer = { 0 };

	fill(&buffer, 100);
	buffer_trim(&buffer);
	assert_int_equal(buffer.capacity, 100);
	expect_pattern(&buffer, 100);
	buffer_done(&buffer);
}

static void test_trim_leaves_a_small_buffer_that_is_mostly_used(void **state)
{
	struct buffer buffer = { 0 };

	fill(&buffer, BUFFER_SMALL - 100);
	buffer_trim(&buffer);
	assert_int_equal(buffer.capacity, BUFFER_SMALL - 1);
	buffer_done(&buffer);
}

static void test_trim_gives_back_unused_pages(void **state)
{
	struct buffer buffer = { 0 };

	skip_unless_mapped();
	fill(&buffer, 5 * MIB + 10);
	assert_int_equal(buffer.capacity + 1, 8 * MIB);
	buffer_trim(&buffer);
	assert_true(buffer.capacity < 5 * MIB + 10 + (size_t)sysconf(_SC_PAGESIZE));
	expect_pattern(&buffer, 5 * MIB + 10);
	buffer_done(&buffer);
}

/* Contents that end with a page: the NUL needs one more. */
static void test_trim_keeps_the_place_of_the_nul(void **state)
{
	struct buffer buffer = { 0 };

	fill(&buffer, 5 * MIB);
	buffer_trim(&buffer);
	assert_true(buffer.capacity >= 5 * MIB);
	expect_pattern(&buffer, 5 * MIB);
	buffer_done(&buffer);
}

static void test_trimmed_buffers_grow_again(void **state)
{
	struct buffer buffer = { 0 };

	fill(&buffer, 100);
	buffer_trim(&buffer);
	fill(&buffer, 5 * MIB);
	buffer_trim(&buffer);
	fill(&buffer, 13 * MIB);
	expect_pattern(&buffer, 13 * MIB);
	buffer_done(&buffer);
}

static void test_trim_of_consumed_pages_leaves_a_text(void **state)
{
	struct buffer buffer = { 0 };

	fill(&buffer, 5 * MIB);
	buffer_consume(&buffer, 5 * MIB);
	buffer_trim(&buffer);
	assert_string_equal(buffer_text(&buffer), "");
	fill(&buffer, MIB);
	expect_pattern(&buffer, MIB);
	buffer_done(&buffer);
}

#ifdef SYS_mremap

static void pages_refused(void *data)
{
	struct buffer buffer = { 0 };
	size_t room;
	char *at;

	fill(&buffer, 4 * MIB - 1);
	support_deny_syscall(SYS_mremap, ENOMEM);
	assert_int_equal(buffer_room(&buffer, &at, &room), -ENOMEM);
	assert_int_equal(buffer_append(&buffer, "xy", 2), -ENOMEM);
	expect_pattern(&buffer, 4 * MIB - 1);
	buffer_done(&buffer);
}

static void test_buffer_that_cannot_grow_keeps_its_bytes(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
	support_assert_in_fork(pages_refused, NULL);
}

/* A limit on addresses with room for 4 MiB more, but not for twice as many. */
static void doubling_refused(void *data)
{
	struct buffer buffer = { 0 };

	fill(&buffer, 8 * MIB - 1);
	assert_int_equal(buffer.capacity + 1, 8 * MIB);
	support_deny_syscall_when(SYS_mremap, 2, UINT64_MAX, 16 * MIB, ENOMEM);
	fill(&buffer, 9 * MIB);
	assert_int_equal(buffer.capacity + 1, 12 * MIB);
	expect_pattern(&buffer, 9 * MIB);
	buffer_done(&buffer);
}

static void test_buffer_grows_by_less_where_doubling_is_refused(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
	support_assert_in_fork(doubling_refused, NULL);
}

#endif

#ifndef BROOD_SANITIZED

/* The real thing: the kernel refuses the first mapping. */
static void first_pages_refused(void *data)
{
	const struct rlimit limit = { MIB, MIB };
	struct buffer buffer = { 0 };
	size_t room;
	char *at;

	fill(&buffer, BUFFER_SMALL - 1);
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	assert_int_equal(buffer_room(&buffer, &at, &room), -ENOMEM);
	expect_pattern(&buffer, BUFFER_SMALL - 1);
	buffer_done(&buffer);
}

static void test_small_buffer_that_gets_no_pages_keeps_its_bytes(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
	support_assert_in_fork(first_pages_refused, NULL);
}

#endif

static void grow_and_measure(void *data)
{
	size_t before = status_bytes("VmRSS");
	struct buffer buffer = { 0 };

	fill(&buffer, OUTPUT);
	assert_in_range(status_bytes("VmHWM") - before, 0, ALLOWED);
	buffer_done(&buffer);
}

static void test_buffer_takes_its_output_and_4_mib_at_most(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
#ifdef __SANITIZE_THREAD__
	support_skip("ThreadSanitizer takes as much again for itself");
#endif
	support_assert_in_fork(grow_and_measure, NULL);
}

static void test_memory_follows_what_was_written(void **state)
{
	struct buffer buffer = { 0 };

	fill(&buffer, 10);
	assert_in_range(buffer_memory(&buffer), 10, 4096);
	fill(&buffer, 5 * MIB);
	assert_in_range(buffer_memory(&buffer), 5 * MIB, 6 * MIB);
	buffer_done(&buffer);
	assert_int_equal(buffer_memory(&buffer), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_buffer_that_never_held_anything_is_an_empty_text),
		brood_test(test_buffer_appends_copies),
		brood_test(test_buffer_stays_small_up_to_its_last_byte),
		brood_test(test_buffer_keeps_its_bytes_when_it_moves_to_pages),
		brood_test(test_buffer_keeps_its_bytes_when_its_pages_double),
		brood_test(test_buffer_appends_more_than_any_step_at_once),
		brood_test(test_buffer_refuses_what_no_memory_holds),
		brood_test(test_buffer_consume_moves_the_rest_to_the_front),
		brood_test(test_trim_shrinks_a_small_buffer_to_its_bytes),
		brood_test(test_trim_leaves_a_small_buffer_that_is_mostly_used),
		brood_test(test_trim_gives_back_unused_pages),
		brood_test(test_trim_keeps_the_place_of_the_nul),
		brood_test(test_trimmed_buffers_grow_again),
		brood_test(test_trim_of_consumed_pages_leaves_a_text),
#ifdef SYS_mremap
		brood_test(test_buffer_that_cannot_grow_keeps_its_bytes),
		brood_test(test_buffer_grows_by_less_where_doubling_is_refused),
#endif
#ifndef BROOD_SANITIZED
		brood_test(test_small_buffer_that_gets_no_pages_keeps_its_bytes),
#endif
		brood_test(test_buffer_takes_its_output_and_4_mib_at_most),
		brood_test(test_memory_follows_what_was_written),
	};

	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
