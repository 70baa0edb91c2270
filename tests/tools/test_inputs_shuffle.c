/* SPDX-License-Identifier: MIT */
/* Another order: the same one for a seed, and none of them favoured. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "support/support.h"

#include <string.h>

#include "inputs_shuffle.h"

/* The first `count` letters in the order of this seed. */
static void order_of(uint64_t seed, size_t count, char *ret_order)
{
	char letters[] = "abcdefgh", *items[8];

	for (size_t i = 0; i < count; i++)
		items[i] = &letters[i];
	shuffle(items, count, seed);
	for (size_t i = 0; i < count; i++)
		ret_order[i] = *items[i];
	ret_order[count] = '\0';
}

/* Computed by another program from the description of the generator. */
static void test_a_seed_gives_the_same_order_for_ever(void **state)
{
	char order[9];

	order_of(0, 8, order);
	assert_string_equal(order, "cfadegbh");
	order_of(42, 8, order);
	assert_string_equal(order, "dbgceahf");
}

/* 6000 seeds, 6 orders, 1000 of each expected: five standard deviations are 144. */
static void test_every_order_is_as_likely(void **state)
{
	static const char *const orders[] = { "abc", "acb", "bac", "bca", "cab", "cba" };
	int seen[6] = { 0 };

	for (uint64_t seed = 0; seed < 6000; seed++) {
		char order[4];

		order_of(seed, 3, order);
		for (int i = 0; i < 6; i++)
			seen[i] += strcmp(order, orders[i]) == 0;
	}
	for (int i = 0; i < 6; i++)
		assert_in_range(seen[i], 1000 - 144, 1000 + 144);
}

static void test_nothing_and_one_have_one_order(void **state)
{
	char order[9];

	order_of(7, 0, order);
	assert_string_equal(order, "");
	order_of(7, 1, order);
	assert_string_equal(order, "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_seed_gives_the_same_order_for_ever),
		brood_test(test_every_order_is_as_likely),
		brood_test(test_nothing_and_one_have_one_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
