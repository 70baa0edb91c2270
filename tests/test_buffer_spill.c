/* SPDX-License-Identifier: MIT */
/*
 * Buffers that give their bytes to a file in memory: the same bytes afterwards, nothing lost when a kernel or a limit refuses, and never
 * the whole output twice.
 */
#include "support/buffers.h"
#include "support/support.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

static void spill_and_measure(void *data)
{
	size_t before = status_bytes("VmRSS");
	struct buffer buffer = { 0 };

	fill(&buffer, OUTPUT);
	assert_int_equal(buffer_spill(&buffer), 0);
	assert_in_range(status_bytes("VmHWM") - before, 0, ALLOWED);
	buffer_done(&buffer);
}

static void test_spill_never_holds_the_output_twice(void **state)
{
	skip_unless_mapped();
	skip_under_valgrind();
#ifdef __SANITIZE_THREAD__
	support_skip("ThreadSanitizer takes as much again for itself");
#endif
	support_assert_in_fork(spill_and_measure, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		brood_test(test_spill_never_holds_the_output_twice),
	};

	return cmocka_run_group_tests_name("buffers that are spilled", tests, NULL, NULL);
}
