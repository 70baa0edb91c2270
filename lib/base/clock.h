/* SPDX-License-Identifier: MIT */
/*
 * Monotonic time and deadlines.
 *
 * A deadline is an absolute time in nanoseconds of CLOCK_MONOTONIC, or DEADLINE_NEVER. Arithmetic saturates: a
 * timeout that is too large to count is "never". The functions that take `now_ns` are pure.
 */
#ifndef BROOD_BASE_CLOCK_H
#define BROOD_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define DEADLINE_NEVER INT64_MAX

int64_t clock_now_ns(void);

/* -1, 0 and more are timeouts; any other negative number is a mistake. */
bool timeout_valid(int64_t timeout_ms);

/* The time `timeout_ms` after now_ns; -1 and overflow give DEADLINE_NEVER. */
int64_t deadline_after(int64_t now_ns, int64_t timeout_ms);

bool deadline_passed(int64_t deadline_ns, int64_t now_ns);

/* The earlier of two. */
int64_t deadline_min(int64_t a, int64_t b);

/*
 * What is left until the deadline as a timeout for ppoll: fills *ret and returns it, or NULL for DEADLINE_NEVER. A deadline
 * in the past gives zero.
 */
struct timespec *deadline_left(int64_t deadline_ns, int64_t now_ns, struct timespec *ret);

/* The same in whole milliseconds for epoll_wait, rounded up so that nothing returns early; -1 for never; at most INT_MAX. */
int deadline_left_ms(int64_t deadline_ns, int64_t now_ns);

#endif
