/* SPDX-License-Identifier: MIT */
/* `brood map --log --results`, a few inputs and many kills: maps.h says what must hold. */
#include "stress/kill.h"
#include "stress/maps.h"
#include "stress/stress.h"

void kill_maps(void)
{
	const unsigned long wanted = stress_amount(25, 1500);
	const struct maps maps = {
		.inputs = 48,
		.at_once = 4,
		.job_us = 2000,
		.results = true,
		.kill_within_ns = 30000000,
		.kills_most = 20,
	};
	struct maps_told told = { .kills = 0 };
	unsigned long sets = 0;

	if (!stress_command()) {
		stress_skip("the command was not built");
		return;
	}
	for (; told.kills < wanted; sets++)
		maps_run(&maps, &told);
	kills += told.kills;
	stress_row("`brood map --log --results` killed and resumed",
	           "%lu kills over %lu runs of %lu inputs: lines lost 0, each input one line that says ok; last lines torn and cut off by --resume: %lu; "
	           "%lu jobs outlived it, gone after at most %.1f ms; jobs started again: %lu, beside their first start: 0 (%lu found a "
	           "lock of the dying one); resumed too early (the log still in use): %lu",
	           told.kills, sets, maps.inputs, told.torn, told.orphans, (double)told.slowest_ns / 1e6, told.twice,
	           told.waited, told.busy);
}
