/* SPDX-License-Identifier: MIT */
/*
 * What every header of brood uses: visibility, the opaque types, and the rules that hold for every call.
 *
 * Errors. Calls that can fail return 0 or more, or a negative errno. Constructors return NULL for want of
 * memory alone. A bad argument is -EINVAL.
 *
 * Time. A call that can block takes int64_t timeout_ms: -1 waits without limit, 0 looks once and returns, any
 * other negative number is -EINVAL, a number too large to count means "without limit". A call whose own
 * time is up returns -ETIMEDOUT. Clocks are monotonic; nothing returns early.
 *
 * Threads. Two threads may use two handles with no lock between them. One handle belongs to one thread at a
 * time; only brood_process_signal, _terminate and _kill may come from any thread while another one waits.
 * No call here is async-signal-safe, and none may be cancelled by pthread_cancel.
 *
 * Fork. In a child that the host forked, freeing an inherited handle closes its descriptors and frees its
 * memory; it signals nobody and waits for nobody. What was known at the fork can be looked at; calls that would wait for
 * or signal the children are -ECHILD.
 */
#ifndef BROOD_BASE_H
#define BROOD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#if defined(__GNUC__)
#define BROOD_API __attribute__((__visibility__("default")))
#define BROOD_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#define BROOD_SENTINEL __attribute__((__sentinel__))
#else
#define BROOD_API
#define BROOD_PRINTF(text, first)
#define BROOD_SENTINEL
#endif

#ifdef __cplusplus
#define BROOD_BEGIN extern "C" {
#define BROOD_END }
#else
#define BROOD_BEGIN
#define BROOD_END
#endif

BROOD_BEGIN

/* What to run: a command, a C function, or a chain of them. Described once, started any number of times. */
typedef struct brood_command brood_command;

/* One started chain: its children, its pipes, its deadline. */
typedef struct brood_process brood_process;

/* How a chain ended. */
typedef struct brood_result brood_result;

/* Many chains, at most so many at a time. */
typedef struct brood_batch brood_batch;

/* One chain of a batch: waiting, running or ended. */
typedef struct brood_future brood_future;

/* A C function that runs in a child of its own; what it returns is the child's exit code (0 to 255). */
typedef int brood_function(void *data);

/* Descriptors by their usual names. Any other child descriptor is written as its number. */
enum {
	BROOD_STDIN = 0,
	BROOD_STDOUT = 1,
	BROOD_STDERR = 2
};

/* The version of the library that runs, as "1.2.3"; BROOD_VERSION is that of the headers. */
#define BROOD_VERSION "0.1.0"
BROOD_API const char *brood_version(void);

BROOD_END

#endif
