/* SPDX-License-Identifier: MIT */
/*
 * Load: many children at once, many one after the other, many stages, many bytes, many jobs. What must hold is what holds for one.
 */
#include "stress/load.h"

#include "stress/stress.h"

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "test_many_live_children_are_each_reaped_with_their_own_status", load_live_children },
		{ "test_many_starts_leave_no_descriptor_and_no_memory", load_starts },
		{ "test_a_long_chain_carries_every_byte", load_long_chain },
		{ "test_many_bytes_pass_a_chain", load_many_bytes },
		{ "test_many_digest_chains_equal_serial_ones", load_digests },
		{ "test_the_many_jobs_of_a_killed_map_are_each_done_and_logged", load_map },
	};

	return stress_main(argc, argv, "load", parts, sizeof parts / sizeof parts[0]);
}
