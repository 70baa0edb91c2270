/* SPDX-License-Identifier: MIT */
/* Buffers: the same bytes in every store, nothing lost when growing fails, and the memory promise. */
#include "support/support.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

/* The pattern's bytes up to `size` in all, put there as a reader does. */
static void fill(struct buffer *buffer, size_t size)
{
	size_t room;
	char *at;

	while (buffer->size < size) {
		assert_int_equal(buffer_room(buffer, &at, &room), 0);
		assert_true(room > 0);
		if (room > size - buffer->size)
			room = size - buffer->size;
		support_pattern((unsigned char *)at, room, buffer->size);
		buffer_commit(buffer, room);
	}
}

static void expect_pattern(const struct buffer *buffer, size_t size)
{
	unsigned char expected[4096];
	const char *text = buffer_text(buffer);

	assert_int_equal(buffer->size, size);
	for (size_t at = 0; at < size; at += sizeof(expected)) {
		size_t piece = size - at < sizeof(expected) ? size - at : sizeof(expected);

		support_pattern(expected, piece, at);
		if (memcmp(text + at, expected, piece) != 0)
			fail_msg("bytes from %zu on differ", at);
	}
	assert_int_equal(text[size], '\0');
}

/* The plain POSIX build keeps everything in malloc. */
static void skip_unless_mapped(void)
{
	struct buffer buffer = { 0 };
	int r = buffer_spill(&buffer);

	buffer_done(&buffer);
	skip_unless(r != -ENOTSUP, "this build has no mappings and no memfds");
}

/* valgrind stands between the test and the kernel: limits and refused calls hit it first. */
static void skip_under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	skip_unless(!preload || !strstr(preload, "vgpreload"), "valgrind itself would be hit");
}

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

static void test_spill_keeps_the_bytes_of_each_store(void **state)
{
	static const size_t sizes[] = { 0, 5, BUFFER_SMALL - 1, BUFFER_SMALL, 4 * MIB - 1, 4 * MIB, 9 * MIB + 3, 12 * MIB };

	skip_unless_mapped();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buffer buffer = { 0 };

		fill(&buffer, sizes[i]);
		assert_int_equal(buffer_spill(&buffer), 0);
		assert_int_equal(buffer.store, BUFFER_MEMFD);
		expect_pattern(&buffer, sizes[i]);
		buffer_done(&buffer);
	}
}

static void test_spilled_buffer_accounts_for_nothing(void **state)
{
	struct buffer buffer = { 0 };

	skip_unless_mapped();
	fill(&buffer, MIB);
	assert_true(buffer_memory(&buffer) >= MIB);
	assert_int_equal(buffer_spill(&buffer), 0);
	assert_int_equal(buffer_memory(&buffer), 0);
	buffer_done(&buffer);
}

static void test_spilled_memfd_is_not_inheritable(void **state)
{
	struct buffer buffer = { 0 };

	skip_unless_mapped();
	assert_int_equal(buffer_spill(&buffer), 0);
	assert_true(buffer.memfd > 2);
	assert_int_equal(fcntl(buffer.memfd, F_GETFD), FD_CLOEXEC);
	buffer_done(&buffer);
}

static void test_spilling_again_changes_nothing(void **state)
{
	struct buffer buffer = { 0 };
	const char *before;

	skip_unless_mapped();
	fill(&buffer, 7);
	assert_int_equal(buffer_spill(&buffer), 0);
	before = buffer_text(&buffer);
	assert_int_equal(buffer_spill(&buffer), 0);
	assert_ptr_equal(buffer_text(&buffer), before);
	expect_pattern(&buffer, 7);
	buffer_done(&buffer);
}

static void test_spilled_buffer_grows(void **state)
{
	struct buffer buffer = { 0 };

	skip_unless_mapped();
	fill(&buffer, 100);
	assert_int_equal(buffer_spill(&buffer), 0);
	fill(&buffer, 13 * MIB);
	expect_pattern(&buffer, 13 * MIB);
	buffer_done(&buffer);
}

static void test_spilled_buffer_trims_its_file_and_grows_again(void **state)
{
	struct buffer buffer = { 0 };
	struct stat stat;

	skip_unless_mapped();
	fill(&buffer, 5 * MIB);
	assert_int_equal(buffer_spill(&buffer), 0);
	buffer_trim(&buffer);
	assert_int_equal(fstat(buffer.memfd, &stat), 0);
	assert_int_equal(stat.st_size, 5 * MIB + (size_t)sysconf(_SC_PAGESIZE));
	expect_pattern(&buffer, 5 * MIB);
	fill(&buffer, 9 * MIB);
	expect_pattern(&buffer, 9 * MIB);
	buffer_done(&buffer);
}

#ifdef SYS_memfd_create

static void spill_without_memfds(void *data)
{
	struct buffer buffer = { 0 };

	fill(&buffer, 5 * MIB);
	support_deny_syscall(SYS_memfd_create, ENOSYS);
	assert_int_equal(buffer_spill(&buffer), -ENOSYS);
	assert_true(buffer_memory(&buffer) > 0);
	expect_pattern(&buffer, 5 * MIB);
	buffer_done(&buffer);
}

static void test_spill_that_fails_leaves_the_bytes(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
	support_assert_in_fork(spill_without_memfds, NULL);
}

/* Linux before 6.3 says EINVAL to MFD_NOEXEC_SEAL (8). */
static void spill_on_an_older_kernel(void *data)
{
	struct buffer buffer = { 0 };

	fill(&buffer, 100);
	support_deny_syscall_when(SYS_memfd_create, 1, 8, 8, EINVAL);
	assert_int_equal(buffer_spill(&buffer), 0);
	expect_pattern(&buffer, 100);
	buffer_done(&buffer);
}

static void test_spill_works_without_the_noexec_seal(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
	support_assert_in_fork(spill_on_an_older_kernel, NULL);
}

/* Memory ends at the third piece of 4 MiB, when two have already left the pages. */
static void spill_out_of_memory(void *data)
{
	struct buffer buffer = { 0 };

	fill(&buffer, 15 * MIB);
	support_deny_syscall_when(SYS_fallocate, 2, UINT64_MAX, 8 * MIB, ENOSPC);
	assert_int_equal(buffer_spill(&buffer), -ENOSPC);
	assert_int_equal(buffer.store, BUFFER_PAGES);
	expect_pattern(&buffer, 15 * MIB);
	fill(&buffer, 17 * MIB);
	expect_pattern(&buffer, 17 * MIB);
	buffer_done(&buffer);
}

static void test_spill_that_fails_half_way_puts_the_bytes_back(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
	support_assert_in_fork(spill_out_of_memory, NULL);
}

/* Without an allocation first this would be SIGBUS at the write. */
static void spilled_growth_refused(void *data)
{
	struct buffer buffer = { 0 };
	size_t room;
	char *at;

	fill(&buffer, 100);
	assert_int_equal(buffer_spill(&buffer), 0);
	fill(&buffer, 4 * MIB - 1);
	support_deny_syscall(SYS_fallocate, ENOSPC);
	assert_int_equal(buffer_room(&buffer, &at, &room), -ENOSPC);
	assert_int_equal(buffer_append(&buffer, "x", 1), -ENOSPC);
	expect_pattern(&buffer, 4 * MIB - 1);
	buffer_done(&buffer);
}

static void test_spilled_buffer_that_cannot_grow_keeps_its_bytes(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
	support_assert_in_fork(spilled_growth_refused, NULL);
}

static void spill_under_a_file_limit(void *data)
{
	const struct rlimit limit = { MIB, MIB };
	struct buffer buffer = { 0 };

	fill(&buffer, 100);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(buffer_spill(&buffer), -EFBIG);
	expect_pattern(&buffer, 100);
	buffer_done(&buffer);
}

static void test_spill_past_the_file_limit_does_not_kill_the_host(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
	support_assert_in_fork(spill_under_a_file_limit, NULL);
}

static void spilled_growth_under_a_file_limit(void *data)
{
	const struct rlimit limit = { 6 * MIB, 6 * MIB };
	struct buffer buffer = { 0 };
	size_t room;
	char *at;

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(buffer_spill(&buffer), 0);
	fill(&buffer, 4 * MIB - 1);
	assert_int_equal(buffer_room(&buffer, &at, &room), -EFBIG);
	expect_pattern(&buffer, 4 * MIB - 1);
	buffer_done(&buffer);
}

static void test_spilled_growth_past_the_file_limit_is_an_error(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
	support_assert_in_fork(spilled_growth_under_a_file_limit, NULL);
}

static void test_spill_is_done_under_a_storm_of_signals(void **state)
{
	struct buffer buffer = { 0 };
	int r;

	skip_unless_mapped();
	fill(&buffer, 9 * MIB);
	support_storm_start(SIGUSR1, 100);
	r = buffer_spill(&buffer);
	support_storm_stop();
	assert_int_equal(r, 0);
	expect_pattern(&buffer, 9 * MIB);
	buffer_done(&buffer);
}

#endif

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

/* A line of /proc/self/status in bytes. */
static size_t status_bytes(const char *name)
{
	char text[8192];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int64_t kib;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':'))
		*colon = ' ';
	kib = support_field(text, name, 10);
	skip_unless(kib > 0, "/proc does not tell how much memory is used");
	return (size_t)kib << 10;
}

/* 4 MiB is the promise; the kernel counts with up to half a MiB of delay. */
enum { OUTPUT = 65 << 20, ALLOWED = OUTPUT + (4 << 20) + (512 << 10) };

static void grow_and_measure(void *data)
{
	size_t before = status_bytes("VmRSS");
	struct buffer buffer = { 0 };

	fill(&buffer, OUTPUT);
	assert_in_range(status_bytes("VmHWM") - before, 0, ALLOWED);
	buffer_done(&buffer);
}

static void spill_and_measure(void *data)
{
	size_t before = status_bytes("VmRSS");
	struct buffer buffer = { 0 };

	fill(&buffer, OUTPUT);
	assert_int_equal(buffer_spill(&buffer), 0);
	assert_in_range(status_bytes("VmHWM") - before, 0, ALLOWED);
	buffer_done(&buffer);
}

static void test_buffer_takes_its_output_and_4_mib_at_most(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
	support_assert_in_fork(grow_and_measure, NULL);
}

static void test_spill_never_holds_the_output_twice(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
	support_assert_in_fork(spill_and_measure, NULL);
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
		brood_test(test_spill_keeps_the_bytes_of_each_store),
		brood_test(test_spilled_buffer_accounts_for_nothing),
		brood_test(test_spilled_memfd_is_not_inheritable),
		brood_test(test_spilling_again_changes_nothing),
		brood_test(test_spilled_buffer_grows),
		brood_test(test_spilled_buffer_trims_its_file_and_grows_again),
#ifdef SYS_memfd_create
		brood_test(test_spill_that_fails_leaves_the_bytes),
		brood_test(test_spill_works_without_the_noexec_seal),
		brood_test(test_spill_that_fails_half_way_puts_the_bytes_back),
		brood_test(test_spilled_buffer_that_cannot_grow_keeps_its_bytes),
		brood_test(test_spill_past_the_file_limit_does_not_kill_the_host),
		brood_test(test_spilled_growth_past_the_file_limit_is_an_error),
		brood_test(test_spill_is_done_under_a_storm_of_signals),
#endif
#ifdef SYS_mremap
		brood_test(test_buffer_that_cannot_grow_keeps_its_bytes),
		brood_test(test_buffer_grows_by_less_where_doubling_is_refused),
#endif
#ifndef BROOD_SANITIZED
		brood_test(test_small_buffer_that_gets_no_pages_keeps_its_bytes),
#endif
		brood_test(test_buffer_takes_its_output_and_4_mib_at_most),
		brood_test(test_spill_never_holds_the_output_twice),
		brood_test(test_memory_follows_what_was_written),
	};

	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
