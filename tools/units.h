/* SPDX-License-Identifier: MIT */
/*
 * Numbers with units as people write them on a command line: 1.5s, 200ms, 2m; 64K, 1.5G. One parser for all of them, pure.
 *
 * A refusal returns -EINVAL (no number, a unit that is not known, a sign) or -ERANGE, and *ret_why is words that go behind the value:
 * "unknown unit 'x' (ms, s, m, h, d)". They are good until this thread's next refusal. What is filled stays untouched by a refusal.
 * Computed in whole numbers, exactly, and nothing depends on the locale.
 */
#ifndef BROOD_TOOLS_UNITS_H
#define BROOD_TOOLS_UNITS_H

#include <stddef.h>
#include <stdint.h>

/*
 * A duration in milliseconds: decimal, with a fraction or an exponent, and ms, s, m, h or d; without a unit seconds, as timeout(1) has it.
 * Rounded up, so that what is more than nothing is never 0. "inf" and what is too large to count are INT64_MAX.
 */
int units_duration_ms(const char *text, int64_t *ret_ms, const char **ret_why);

/*
 * Bytes, decimal as above: K, M, G, T (also KiB ...) are powers of 1024, KB, MB, ... of 1000, in small letters too; B or nothing is bytes. Rounded
 * up. Larger than UINT64_MAX is -ERANGE.
 */
int units_size(const char *text, uint64_t *ret_bytes, const char **ret_why);

/* A whole number from least to most, digits alone; -ERANGE outside. */
int units_count(const char *text, uint64_t least, uint64_t most, uint64_t *ret_count, const char **ret_why);

/* A signal: TERM, SIGTERM, term, 15, RTMIN+1. 0 is none. */
int units_signal(const char *text, int *ret_signal, const char **ret_why);

/* For people, short: "1.53 s", "12 ms", "3 m 20 s"; "64 KiB", "1.5 GiB". */
enum { UNITS_TEXT = 32 };
const char *units_duration_text(int64_t ns, char text[UNITS_TEXT]);
const char *units_size_text(uint64_t bytes, char text[UNITS_TEXT]);

/* "SIGTERM"; "signal 35" where it has no name. */
const char *units_signal_text(int signal, char text[UNITS_TEXT]);

#endif
