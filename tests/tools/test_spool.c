/* SPDX-License-Identifier: MIT */
/* Bytes that wait in memory and in the spill file: they come out as they went in, and the file costs one descriptor and no space that is not used. */
#include "support/support.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool.h"

enum { LITTLE = 1000, MUCH = 5 * SPOOL_PIECE + 777 };

static unsigned char *some_bytes(size_t size)
{
	unsigned char *bytes = malloc(size);

	assert_non_null(bytes);
	support_pattern(bytes, size, 0);
	return bytes;
}

/* Take all of it, `most` bytes at a time, and compare. */
static void expect_bytes(struct spool *spool, const unsigned char *expected, size_t size, size_t most)
{
	size_t at = 0;

	assert_int_equal(spool->size, size);
	while (at < size) {
		const char *bytes;
		const ptrdiff_t n = spool_peek(spool, &bytes);
		const size_t part = n > 0 && (size_t)n > most ? most : (size_t)n;

		assert_true(n > 0);
		assert_memory_equal(bytes, expected + at, part);
		spool_drop(spool, part);
		at += part;
	}
	assert_int_equal(spool->size, 0);
	assert_int_equal(spool_peek(spool, &(const char *){ NULL }), 0);
}

static void put(struct spool *spool, const void *bytes, size_t size)
{
	assert_int_equal(spool_put(spool, bytes, size), 0);
}

static void round_trip(size_t size, size_t memory_most, size_t put_most, size_t take_most)
{
	struct spill *spill = spill_new();
	unsigned char *bytes = some_bytes(size);
	struct spool spool;

	spool_init(&spool, spill, memory_most);
	for (size_t at = 0; at < size; at += put_most)
		put(&spool, bytes + at, size - at < put_most ? size - at : put_most);
	expect_bytes(&spool, bytes, size, take_most);
	spool_done(&spool);
	spill_free(spill);
	free(bytes);
}

static void test_what_was_put_comes_out(void **state)
{
	(void)state;
	round_trip(1, SPOOL_PIECE, 1, 1);
	round_trip(LITTLE, SPOOL_PIECE, 7, 13);
	round_trip(SPOOL_PIECE, SPOOL_PIECE, SPOOL_PIECE, SPOOL_PIECE);
	round_trip(SPOOL_PIECE + 1, SPOOL_PIECE, SPOOL_PIECE + 1, 4096);
	round_trip(MUCH, SPOOL_PIECE, 1000, 4096);
	round_trip(MUCH, SIZE_MAX, 100000, 100000);
	round_trip(MUCH, 2 * SPOOL_PIECE, MUCH, 1 << 20);
}

static void test_little_makes_no_file(void **state)
{
	struct spill *spill = spill_new();
	const size_t before = support_fd_count();
	struct spool spool;
	char byte = 'x';

	(void)state;
	spool_init(&spool, spill, SPOOL_PIECE);
	for (int i = 0; i < SPOOL_PIECE; i++)
		put(&spool, &byte, 1);
	assert_int_equal(support_fd_count(), before);
	put(&spool, &byte, 1);
	assert_int_equal(support_fd_count(), before + 1);
	spool_done(&spool);
	spill_free(spill);
}

static void share_one(void *data)
{
	struct spill *spill = spill_new();
	const size_t before = support_fd_count();
	unsigned char *bytes = some_bytes(2 * SPOOL_PIECE);
	struct spool spools[100];

	setenv("TMPDIR", data, 1);
	for (int i = 0; i < 100; i++) {
		spool_init(&spools[i], spill, SPOOL_PIECE);
		put(&spools[i], bytes, 2 * SPOOL_PIECE);
	}
	assert_int_equal(support_fd_count(), before + 1);
	/* There is no name in it. */
	assert_int_equal(rmdir(data), 0);
	for (int i = 0; i < 100; i++) {
		expect_bytes(&spools[i], bytes, 2 * SPOOL_PIECE, SPOOL_PIECE);
		spool_done(&spools[i]);
	}
	spill_free(spill);
	free(bytes);
}

static void test_a_hundred_spools_share_one_file_without_a_name(void **state)
{
	char path[4096];

	(void)state;
	assert_int_equal(mkdir(support_path(path, sizeof path, "tmp"), 0700), 0);
	support_assert_in_fork(share_one, path);
}

/* The spill file is the only file without a name that this test has open: how much disk it takes. */
static blkcnt_t blocks_of_the_file(void)
{
	blkcnt_t blocks = 0;

	for (int fd = 3; fd < 100; fd++) {
		struct stat status;

		if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 0)
			blocks += status.st_blocks;
	}
	return blocks;
}

static void test_what_was_taken_gives_its_space_back(void **state)
{
	struct spill *spill = spill_new();
	unsigned char *bytes = some_bytes(MUCH);
	struct spool kept, taken;
	blkcnt_t with_both;

	(void)state;
	spool_init(&kept, spill, SPOOL_PIECE);
	spool_init(&taken, spill, SPOOL_PIECE);
	put(&kept, bytes, MUCH);
	put(&taken, bytes, MUCH);
	with_both = blocks_of_the_file();
	expect_bytes(&taken, bytes, MUCH, SPOOL_PIECE);
	/* A file system that cannot punch holes uses the blocks again. */
	put(&taken, bytes, MUCH);
	assert_true(blocks_of_the_file() <= with_both);
	spool_clear(&taken);
	spool_clear(&kept);
	assert_int_equal(blocks_of_the_file(), 0);
	spool_done(&taken);
	spool_done(&kept);
	spill_free(spill);
	free(bytes);
}

static void pour_sizes(size_t first, size_t second)
{
	struct spill *spill = spill_new();
	unsigned char *bytes = some_bytes(first + second + LITTLE);
	struct spool into, from;

	spool_init(&into, spill, SIZE_MAX);
	spool_init(&from, spill, SPOOL_PIECE);
	put(&into, bytes, first);
	put(&from, bytes + first, second);
	assert_int_equal(spool_pour(&into, &from), 0);
	assert_int_equal(from.size, 0);
	put(&into, bytes + first + second, LITTLE);
	/* What was poured out of can be used again. */
	put(&from, bytes, LITTLE);
	expect_bytes(&into, bytes, first + second + LITTLE, 4096);
	expect_bytes(&from, bytes, LITTLE, 4096);
	spool_done(&into);
	spool_done(&from);
	spill_free(spill);
	free(bytes);
}

static void test_one_is_poured_behind_another(void **state)
{
	(void)state;
	pour_sizes(0, 0);
	pour_sizes(LITTLE, LITTLE);
	pour_sizes(LITTLE, MUCH);
	pour_sizes(MUCH, LITTLE);
	pour_sizes(MUCH, MUCH);
	pour_sizes(SPOOL_PIECE, SPOOL_PIECE);
}

static void test_pouring_goes_on_behind_what_was_taken_in_part(void **state)
{
	struct spill *spill = spill_new();
	unsigned char *bytes = some_bytes(2 * MUCH);
	struct spool into, from;
	const char *first;

	(void)state;
	spool_init(&into, spill, SIZE_MAX);
	spool_init(&from, spill, SPOOL_PIECE);
	put(&into, bytes, LITTLE);
	assert_int_equal(spool_peek(&into, &first), LITTLE);
	spool_drop(&into, 10);
	put(&from, bytes + LITTLE, MUCH);
	spool_pour(&into, &from);
	expect_bytes(&into, bytes + 10, LITTLE - 10 + MUCH, 999);
	spool_done(&into);
	spool_done(&from);
	spill_free(spill);
	free(bytes);
}

static void without_space(void *data)
{
	const struct rlimit none = { SPOOL_PIECE, SPOOL_PIECE };
	struct spill *spill = spill_new();
	unsigned char *bytes = some_bytes(MUCH);
	struct spool spool;

	(void)data;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &none);
	spool_init(&spool, spill, SPOOL_PIECE);
	assert_int_equal(spool_put(&spool, (char *)bytes, MUCH), -EFBIG);
	assert_int_equal(spool_put(&spool, (char *)bytes, 1), -EFBIG);
	/* One block was written, one waits in memory; then it ends, without a hole. */
	assert_int_equal(spool.error, -EFBIG);
	expect_bytes(&spool, bytes, 2 * SPOOL_PIECE, SPOOL_PIECE);
	spool_done(&spool);
	spill_free(spill);
	free(bytes);
}

static void test_without_space_the_beginning_is_kept_and_the_error_sticks(void **state)
{
	(void)state;
	support_assert_in_fork(without_space, NULL);
}

static void without_any_folder(void *data)
{
	struct spill *spill = spill_new();
	unsigned char *bytes = some_bytes(SPOOL_PIECE + 1);
	struct spool spool;

	(void)data;
	setenv("TMPDIR", "/nonexistent", 1);
	spool_init(&spool, spill, SPOOL_PIECE);
	/* Then /tmp is taken. */
	assert_int_equal(spool_put(&spool, (char *)bytes, SPOOL_PIECE + 1), 0);
	spool_done(&spool);
	spill_free(spill);
	free(bytes);
}

static void test_a_folder_that_is_not_there_is_no_end(void **state)
{
	(void)state;
	support_assert_in_fork(without_any_folder, NULL);
}

static void test_cleared_it_can_be_used_again(void **state)
{
	struct spill *spill = spill_new();
	unsigned char *bytes = some_bytes(MUCH);
	struct spool spool;

	(void)state;
	spool_init(&spool, spill, SPOOL_PIECE);
	put(&spool, bytes + 1, MUCH - 1);
	spool_clear(&spool);
	assert_int_equal(spool.size, 0);
	put(&spool, bytes, MUCH);
	expect_bytes(&spool, bytes, MUCH, 5000);
	spool_done(&spool);
	spill_free(spill);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_what_was_put_comes_out),
		brood_test(test_little_makes_no_file),
		brood_test(test_a_hundred_spools_share_one_file_without_a_name),
		brood_test(test_what_was_taken_gives_its_space_back),
		brood_test(test_one_is_poured_behind_another),
		brood_test(test_pouring_goes_on_behind_what_was_taken_in_part),
		brood_test(test_without_space_the_beginning_is_kept_and_the_error_sticks),
		brood_test(test_a_folder_that_is_not_there_is_no_end),
		brood_test(test_cleared_it_can_be_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
