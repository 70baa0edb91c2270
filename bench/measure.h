/* SPDX-License-Identifier: MIT */
/*
 * What a contender can be asked to do, and what measure.c and its jobs, which ask, lend it.
 *
 * A contender does the whole of each job and nothing else: it describes the child, starts it, moves its bytes, reaps it and gives back all that
 * it took. Clocks, repetition, and the check of every status and byte are not its own. What goes wrong ends the program (`fail`): a
 * wrong figure is worse than none.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one of several chains wrote, with its NUL. */
enum { TEXT_MAX = 128 };

/* What was captured. It is looked at after the clock has stopped, then given to `release`. */
struct output {
	const char *bytes;
	size_t size;
	void *keep;             /* the contender's own */
	size_t keep_size;
};

/* Many children at once: child i sleeps until due_ns and ends with many_code(i). */
struct many {
	const char *sleep;      /* the child */
	size_t count;
	int64_t due_ns;

	/* filled as many_started and many_reaped are called */
	int64_t begin_ns, started_ns, reaped_ns;
	int64_t memory;         /* bytes, all children together */
	long descriptors;       /* the same */
	int64_t memory_before;
	long descriptors_before;
};

/* What a contender does not offer is NULL. Those that run one child return its exit code. */
struct contender {
	const char *name;

	/* stdin, stdout and stderr inherited */
	int (*spawn)(char *const argv[]);

	/* whether several threads may call `spawn` at once */
	bool threads;

	/* stdin from /dev/null, stdout captured */
	int (*redirected)(char *const argv[], struct output *ret);

	/* stdout captured, the rest inherited */
	int (*capture)(char *const argv[], struct output *ret);

	/* the bytes to stdin and stdout captured at the same time */
	int (*feed)(char *const argv[], const char *bytes, size_t size, struct output *ret);

	/* stages[0] | stages[1] | ..., the last one's stdout captured; the first code that is not 0, else 0 */
	int (*chain)(char *const *const stages[], size_t count, struct output *ret);

	/* `count` times stages[0] | stages[1], all of them at once, the bytes to each; every status is 0, or it fails */
	void (*chains)(char *const *const stages[2], size_t count, const char *bytes, size_t size, char (*ret_texts)[TEXT_MAX]);

	/* start, wait so long: how much later than that the wait gave up, in nanoseconds. The child is ended and reaped afterwards. */
	int64_t (*overshoot_wait)(char *const argv[], int64_t timeout_ms);

	/* run with a budget, the child ended and reaped when it is spent: how much later than the budget that was, from before the start */
	int64_t (*overshoot_run)(char *const argv[], int64_t timeout_ms);

	/* start, wait with some far deadline until it has ended; the exit code */
	int (*wait)(char *const argv[], int64_t timeout_ms);

	/* start all, many_started, reap all and check each code, many_reaped */
	void (*many)(struct many *many);

	/* while `count` others sleep, so many times: start one, wait for whichever ends, reap it; microseconds of each. Then end the sleepers. */
	void (*among)(char *const sleeper[], size_t count, char *const argv[], long times, double *ret_us);

	/* run so many, at most `width` at a time; how many did not end with 0 */
	size_t (*bounded)(char *const argv[], size_t count, size_t width);

	/* what is to be shown before anything is timed, beside that a 7 comes back as 7 */
	void (*prove)(const char *tiny);

	void (*release)(struct output *output);
};

/* The contenders of this program, ended by one without a name. */
extern const struct contender contenders[];

extern char **environ;

int64_t now_ns(void);
_Noreturn void fail(const char *what);

/* Child i's words: valid until the next call with the same `many`. */
struct many_words {
	char due[24];
	char code[4];
	char *argv[5];
};
char *const *many_argv(const struct many *many, size_t i, struct many_words *words);
int many_code(size_t i);
void many_started(struct many *many);
void many_reaped(struct many *many);

/* A text of a chain: without its newline, and short enough. */
void text_copy(char ret[TEXT_MAX], const char *bytes, size_t size);

/* The byte at this place of what bench/tiny/gen writes: no two neighbouring 256-byte runs are alike, and it repeats after 64 KiB. */
static inline char pattern(uint64_t at)
{
	at &= 0xffff;
	return (char)(at * 7 + (at >> 8));
}

#endif
