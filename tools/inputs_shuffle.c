/* SPDX-License-Identifier: MIT */
/*
 * Shuffling. The numbers come from SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014). The order that a seed
 * gives is a promise to whoever wrote the seed down: neither the generator nor the way it is used may change.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "inputs_shuffle.h"

static uint64_t next_number(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* 0 to bound - 1. The lowest 2^64 mod bound numbers are drawn again: with them the small remainders would come a little more often. */
static uint64_t number_below(uint64_t *state, uint64_t bound)
{
	uint64_t surplus = -bound % bound, number;

	do
		number = next_number(state);
	while (number < surplus);
	return number % bound;
}

void shuffle(char **items, size_t count, uint64_t seed)
{
	for (size_t left = count; left > 1; left--) {
		size_t chosen = number_below(&seed, left);
		char *item = items[left - 1];

		items[left - 1] = items[chosen];
		items[chosen] = item;
	}
}
