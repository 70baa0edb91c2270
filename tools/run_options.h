/* SPDX-License-Identifier: MIT */
/* What `brood run` can be told: its settings, their defaults, and the table that fills them. */
#ifndef BROOD_TOOLS_RUN_OPTIONS_H
#define BROOD_TOOLS_RUN_OPTIONS_H

#include "chain.h"

struct run_settings {
	struct chain_settings chain;    /* first: CHAIN_ROWS count from here */
	uint64_t limit_output;  /* bytes of standard output that may pass; 0: any */
	const char *json;       /* NULL: not asked for; "": to standard error */
	const char *report;     /* NULL: none; so with trace */
	const char *trace;
	bool verbose;
	bool dry_run;
	bool quiet;
};

extern const struct verb run_verb;

void run_settings_default(struct run_settings *settings);

/* Options that contradict each other: 0, or -EINVAL after saying which two. */
int run_settings_check(const struct run_settings *settings);

#endif
