/* SPDX-License-Identifier: MIT */
/*
 * The process under test: from its fork to its exit, and the page it shares with its supervisor.
 */
#ifndef FAULTS_STAND_H
#define FAULTS_STAND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "inject.h"

/* Shared between the two. The process writes, the supervisor reads when it has ended. */
struct report {
	_Atomic int listener;   /* the process's own number of it; -1: not yet, -2: it cannot be had */
	_Atomic int skipped;
	bool well;
	bool told;
	bool ended;             /* the scenario returned */
	int error;
	char told_words[WORDS / 2];
	char wrong_words[WORDS / 2];
};

/* Where our own text and libc's lie, each range below one 4 GiB bound. */
struct text_range {
	uint32_t high, first, last;
};

enum { RANGES_MOST = 16 };

struct text_ranges {
	struct text_range list[RANGES_MOST];
	unsigned count;
};

/* What went wrong first is what is told. */
__attribute__((format(printf, 2, 3))) void report_wrong(struct report *report, const char *format, ...);

/* The process: set up, filter, scenario, look at what it left. Does not return. */
_Noreturn void stand_run(struct report *report, const struct scenario *scenario, const struct setting *setting, const struct text_ranges *ranges,
                         const char *directory, const char *pids_cgroup);

/* In the supervisor: what the scenario says of a program that has ended. */
void stand_judge(struct report *report, const struct scenario *scenario, const struct ended *ended, const char *directory);

/* ---- filter.c ---- */

/* The listener's number, or -errno. */
int filter_install(const struct text_ranges *ranges);
bool ranges_find(struct text_ranges *ret);

/* ---- ask.c: allocations, closes and sizes as questions to the supervisor ---- */

/* The error to fail with, or 0. */
int ask(enum fake question);

/* Which of them are worth asking: hundreds of allocations that nobody refuses take longer than all else. */
enum { ASK_NONE = 0, ASK_ALL = -1 };
void ask_about(int question);

/* From now on they are asked. */
void ask_arm(bool on);
/* Allocations that were not freed since the process began. */
long ask_live(void);

#endif
