/* SPDX-License-Identifier: MIT */
/*
 * The kill sweep: SIGKILL for the host, for its children, for `brood run` and `brood map`, by chance and at every system call. What must hold
 * afterwards is that whoever was to end with the host has ended, that no file is left, that every line of a log is whole, and that nobody waits
 * for what will not come.
 */
#include "stress/kill.h"

#include "stress/stress.h"

unsigned long kills;

static void count_them(void)
{
	stress_row("kills in all", "%lu", kills);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "test_a_killed_host_leaves_no_child_and_no_file", kill_hosts },
		{ "test_a_killed_brood_run_leaves_no_child", kill_run_commands },
		{ "test_a_host_killed_at_any_system_call_leaves_no_child", kill_at_calls },
		{ "test_a_killed_child_is_told_and_keeps_nobody_waiting", kill_stages },
		{ "test_a_killed_map_is_resumed_to_its_end", kill_maps },
		{ "test_the_kills_are_counted", count_them },
	};

	return stress_main(argc, argv, "kill", parts, sizeof parts / sizeof parts[0]);
}
