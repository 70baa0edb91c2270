/* SPDX-License-Identifier: MIT */
/*
 * Monotonic time and deadlines.
 *
 * Everything here but clock_now_ns is arithmetic. It saturates instead of wrapping, since a caller who asks for INT64_MAX
 * milliseconds means "without limit" and must not get a deadline in the past; and it rounds up, since nothing
 * in this library returns early.
 */
#include "base/clock.h"

#include <assert.h>
#include <limits.h>

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

int64_t clock_now_ns(void)
{
	struct timespec now;
	int r;

	r = clock_gettime(CLOCK_MONOTONIC, &now);
	assert(r == 0);
	(void)r;
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

bool timeout_valid(int64_t timeout_ms)
{
	return timeout_ms >= -1;
}

int64_t deadline_after(int64_t now_ns, int64_t timeout_ms)
{
	int64_t timeout_ns, deadline_ns;

	assert(timeout_valid(timeout_ms));
	if (timeout_ms == -1)
		return DEADLINE_NEVER;
	if (__builtin_mul_overflow(timeout_ms, (int64_t)NS_PER_MS, &timeout_ns) ||
	    __builtin_add_overflow(now_ns, timeout_ns, &deadline_ns))
		return DEADLINE_NEVER;
	return deadline_ns;
}

bool deadline_passed(int64_t deadline_ns, int64_t now_ns)
{
	return deadline_ns != DEADLINE_NEVER && now_ns >= deadline_ns;
}

int64_t deadline_min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Nanoseconds that are left until a deadline that is not "never"; 0 when it has passed. */
static int64_t left_ns(int64_t deadline_ns, int64_t now_ns)
{
	int64_t left;

	if (deadline_ns <= now_ns)
		return 0;
	if (__builtin_sub_overflow(deadline_ns, now_ns, &left))
		return INT64_MAX;
	return left;
}

/* A time_t of 32 bits holds 68 years: whoever sleeps that long wakes up, sees that the deadline is ahead and sleeps again. */
static time_t seconds_clamped(int64_t seconds)
{
	if (sizeof(time_t) < sizeof(int64_t) && seconds > INT32_MAX)
		return INT32_MAX;
	return (time_t)seconds;
}

struct timespec *deadline_left(int64_t deadline_ns, int64_t now_ns, struct timespec *ret)
{
	int64_t left;

	if (deadline_ns == DEADLINE_NEVER)
		return NULL;
	left = left_ns(deadline_ns, now_ns);
	ret->tv_sec = seconds_clamped(left / NS_PER_S);
	ret->tv_nsec = (long)(left % NS_PER_S);
	return ret;
}

int deadline_left_ms(int64_t deadline_ns, int64_t now_ns)
{
	int64_t left, left_ms;

	if (deadline_ns == DEADLINE_NEVER)
		return -1;
	left = left_ns(deadline_ns, now_ns);
	left_ms = left / NS_PER_MS + (left % NS_PER_MS != 0);
	return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}
