/* SPDX-License-Identifier: MIT */
/* lib/base/blob.c: bytes copied once and shared by count. */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/blob.h"
#include "support/support.h"

static void test_a_blob_is_a_copy(void **state)
{
	char bytes[] = "bytes";
	struct blob *blob = blob_new(bytes, 5);

	bytes[0] = 'X';
	assert_int_equal(blob->size, 5);
	assert_memory_equal(blob->bytes, "bytes", 5);
	blob_unref(blob);
}

static void test_an_empty_blob_is_a_blob(void **state)
{
	struct blob *blob = blob_new(NULL, 0);

	assert_non_null(blob);
	assert_int_equal(blob->size, 0);
	blob_unref(blob);
}

static void test_large_ones_arrive_whole(void **state)
{
	const size_t size = (9 << 20) + 5;
	unsigned char *bytes = malloc(size);
	struct blob *blob;

	support_pattern(bytes, size, 0);
	blob = blob_new(bytes, size);
	assert_int_equal(support_checksum(blob->bytes, size), support_checksum(bytes, size));
	blob_unref(blob);
	free(bytes);
}

static void test_the_last_reference_frees_it(void **state)
{
	struct blob *blob = blob_new("x", 1);

	assert_ptr_equal(blob_ref(blob), blob);
	blob_unref(blob);
	assert_int_equal(blob->bytes[0], 'x');
	blob_unref(blob);
}

/* ---- what free is given ---- */

static const struct blob *watched;
static bool was_wiped;

void __real_free(void *memory);
void __wrap_free(void *memory);

void __wrap_free(void *memory)
{
	if (memory && memory == watched)
		was_wiped = memcmp(watched->bytes, (const char[14]){ 0 }, 14) == 0;
	__real_free(memory);
}

static void test_the_last_reference_wipes_it(void **state)
{
	struct blob *blob = blob_new("s3cret marker\n", 14);

	watched = blob_ref(blob);
	blob_unref(blob);
	assert_memory_equal(blob->bytes, "s3cret marker\n", 14);
	blob_unref(blob);
	watched = NULL;
	assert_true(was_wiped);
}

static void *take_and_drop(void *blob)
{
	for (int i = 0; i < 10000; i++)
		blob_unref(blob_ref(blob));
	return NULL;
}

static void test_threads_may_share_one(void **state)
{
	struct blob *blob = blob_new("x", 1);
	pthread_t thread[3];

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, take_and_drop, blob), 0);
	for (size_t i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(blob->references, 1);
	blob_unref(blob);
}

static void test_too_much_and_nothing(void **state)
{
	assert_null(blob_new("x", (size_t)-1));
	assert_null(blob_ref(NULL));
	blob_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_blob_is_a_copy),
		brood_test(test_an_empty_blob_is_a_blob),
		brood_test(test_large_ones_arrive_whole),
		brood_test(test_the_last_reference_frees_it),
		brood_test(test_the_last_reference_wipes_it),
		brood_test(test_threads_may_share_one),
		brood_test(test_too_much_and_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
