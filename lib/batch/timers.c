/* SPDX-License-Identifier: MIT */
/*
 * The heap of timers: heap[i] is due no later than heap[2i] and heap[2i + 1].
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "batch/timers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

enum { FIRST_ROOM = 16 };

int timers_reserve(struct timers *timers, size_t count)
{
	size_t room = timers->room ? timers->room : FIRST_ROOM;
	struct timer **heap;

	if (count <= timers->room)
		return 0;
	while (room < count)
		room *= 2;
	heap = realloc(timers->heap, (room + 1) * sizeof *heap);
	if (!heap)
		return -ENOMEM;
	timers->heap = heap;
	timers->room = room;
	return 0;
}

static void put(struct timers *timers, size_t place, struct timer *timer)
{
	timers->heap[place] = timer;
	timer->place = place;
}

static void rise(struct timers *timers, struct timer *timer)
{
	size_t place = timer->place;

	for (; place > 1 && timers->heap[place / 2]->when_ns > timer->when_ns; place /= 2)
		put(timers, place, timers->heap[place / 2]);
	put(timers, place, timer);
}

static void sink(struct timers *timers, struct timer *timer)
{
	size_t place = timer->place;

	for (size_t below = 2 * place; below <= timers->count; below = 2 * place) {
		if (below < timers->count && timers->heap[below + 1]->when_ns < timers->heap[below]->when_ns)
			below++;
		if (timers->heap[below]->when_ns >= timer->when_ns)
			break;
		put(timers, place, timers->heap[below]);
		place = below;
	}
	put(timers, place, timer);
}

/* The last one takes the free place. */
static void drop(struct timers *timers, struct timer *timer)
{
	struct timer *last = timers->heap[timers->count--];

	if (last != timer) {
		put(timers, timer->place, last);
		rise(timers, last);
		sink(timers, last);
	}
	timer->place = 0;
}

void timers_set(struct timers *timers, struct timer *timer, int64_t when_ns)
{
	if (when_ns == DEADLINE_NEVER) {
		if (timer->place)
			drop(timers, timer);
		return;
	}
	if (timer->place && timer->when_ns == when_ns)
		return;
	timer->when_ns = when_ns;
	if (!timer->place) {
		assert(timers->count < timers->room);
		put(timers, ++timers->count, timer);
	}
	rise(timers, timer);
	sink(timers, timer);
}

int64_t timers_next_ns(const struct timers *timers)
{
	return timers->count > 0 ? timers->heap[1]->when_ns : DEADLINE_NEVER;
}

struct timer *timers_take_due(struct timers *timers, int64_t now_ns)
{
	struct timer *first;

	if (timers->count == 0 || !deadline_passed(timers->heap[1]->when_ns, now_ns))
		return NULL;
	first = timers->heap[1];
	drop(timers, first);
	return first;
}

void timers_done(struct timers *timers)
{
	free(timers->heap);
	*timers = (struct timers){ 0 };
}
