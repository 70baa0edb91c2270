/* SPDX-License-Identifier: MIT */
/* What `brood map` can be told: its settings, their defaults, and the table that fills them. */
#ifndef BROOD_TOOLS_MAP_OPTIONS_H
#define BROOD_TOOLS_MAP_OPTIONS_H

#include "chain.h"
#include "output.h"

struct map_settings {
	struct chain_settings chain;    /* first: CHAIN_ROWS count from here */
	uint64_t jobs;          /* at a time; 0: one a processor */
	struct option_list arg_files;
	bool null_separated;
	const char *shuffle_seed;       /* as typed: NULL not asked for, "" without a seed */
	bool shuffle;           /* these two are filled by map_settings_check */
	uint64_t seed;
	uint64_t retries;       /* more tries after the first; fits an unsigned */
	int64_t retry_delay_ms;
	bool fail_fast;
	enum output_mode mode;
	bool tag;
	bool keep_order;
	const char *results;    /* NULL: none; so with log, report and trace */
	const char *log;
	bool resume;
	const char *report;
	const char *trace;
	enum option_when bar;
	bool verbose;
	bool dry_run;
	bool quiet;
};

extern const struct verb map_verb;

void map_settings_default(struct map_settings *settings);

/*
 * What no single option can tell: two that contradict each other, numbers beyond use, the seed of --shuffle (drawn where none was given). 0, or
 * -EINVAL after saying what is wrong.
 */
int map_settings_check(struct map_settings *settings);

#endif
