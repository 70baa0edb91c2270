/* SPDX-License-Identifier: MIT */
/* One long `brood map`, killed and resumed until all of it is done: maps.h says what must hold. */
#include "stress/load.h"
#include "stress/maps.h"
#include "stress/stress.h"

void load_map(void)
{
	const struct maps maps = {
		.inputs = stress_amount(400, 100000),
		.at_once = 8,
		.kill_within_ns = (int64_t)stress_amount(200, 6000) * 1000000,
		.kills_most = stress_amount(4, 40),
	};
	struct maps_told told = { .kills = 0 };
	int64_t begin = stress_now_ns();

	if (!stress_command()) {
		stress_skip("the command was not built");
		return;
	}
	maps_run(&maps, &told);
	stress_row("jobs through one `brood map --log`",
	           "%lu jobs, killed %lu times and resumed: each done and logged once as ok in %lu lines; last lines torn: %lu; jobs started again: "
	           "%lu, beside their first start: 0 (%lu found a lock of the dying one); %.0f s",
	           maps.inputs, told.kills, told.lines, told.torn, told.twice, told.waited,
	           (double)(stress_now_ns() - begin) / 1e9);
}
