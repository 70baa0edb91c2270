/* SPDX-License-Identifier: MIT */
/*
 * The progress of map on a terminal: one line on standard error, drawn again a few times a second: done of total, a bar, failures, rate, what is left.
 * It takes itself away before anything else is written.
 */
#ifndef BROOD_TOOLS_BAR_H
#define BROOD_TOOLS_BAR_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

struct bar_counts {
	uint64_t done;          /* failed ones too */
	uint64_t failed;
	uint64_t running;
	uint64_t total;         /* 0: not known yet */
	uint64_t skipped;       /* done in an earlier run; neither in `done` nor in `total` */
};

struct bar;

/*
 * NULL when there is to be none (or no memory for it): every call takes NULL. WHEN_AUTO: where standard error is a terminal that can go back to the
 * beginning of a line.
 */
struct bar *bar_new(enum option_when when);

/* Draw if it is time to, and the terminal takes it: nothing here waits. A job in the background of its terminal draws nothing. */
void bar_show(struct bar *bar, const struct bar_counts *counts, int64_t now_ns);
/* Take it off the screen. `void *` so that it fits say_before and output_settings.before. */
void bar_clear(void *bar);
/* How long until it wants to be drawn again, for poll(2): -1 without a bar. */
int bar_timeout_ms(const struct bar *bar, int64_t now_ns);

/* The line itself, pure: at most `columns` wide, the most important kept where it is narrow. `rate` is jobs a second, 0 when not known. */
enum { BAR_TEXT = 512 };
void bar_line(const struct bar_counts *counts, double seconds, double rate, unsigned columns, char text[BAR_TEXT]);

void bar_free(struct bar *bar_take);

#endif
