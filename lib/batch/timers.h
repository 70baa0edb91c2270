/* SPDX-License-Identifier: MIT */
/*
 * When each member wants to be looked at: a binary heap, so that ten thousand members with a deadline each cost an event no more than
 * their logarithm.
 *
 * A timer lies in what it belongs to. Room is reserved beforehand; setting a timer never fails.
 */
#ifndef BROOD_BATCH_TIMERS_H
#define BROOD_BATCH_TIMERS_H

#include <stddef.h>
#include <stdint.h>

/* All zero: not set. */
struct timer {
	int64_t when_ns;
	size_t place;           /* in the heap, from 1 */
};

/* All zero: none. */
struct timers {
	struct timer **heap;    /* heap[0] is not used */
	size_t count;
	size_t room;
};

/* Room for `count` timers in all. 0 or -ENOMEM. */
int timers_reserve(struct timers *timers, size_t count);

/* Set, move or, with DEADLINE_NEVER, clear. */
void timers_set(struct timers *timers, struct timer *timer, int64_t when_ns);

/* When the first one is due; DEADLINE_NEVER. */
int64_t timers_next_ns(const struct timers *timers);

/* The first one that is due, no longer set; NULL when none is. */
struct timer *timers_take_due(struct timers *timers, int64_t now_ns);

void timers_done(struct timers *timers);

#endif
