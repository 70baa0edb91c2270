/* SPDX-License-Identifier: MIT */
/*
 * Starts in a row, of all kinds: after so many that everything has been used once, neither a descriptor nor a byte of the heap nor a page may be
 * there more than before.
 */
#include <brood.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stress/load.h"
#include "stress/stress.h"

/* What the C library keeps for the next allocation counts as in use, and is bounded. What grew with the starts would be megabytes. */
enum { LONG_MS = 60000, SLACK = 64 * 1024 };

struct amounts {
	long descriptors, resident;
	size_t heap;            /* bytes in use; 0 where nobody can say */
};

static struct amounts amounts_now(void)
{
	struct amounts now = { .descriptors = stress_descriptors() };

#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
	now.heap = mallinfo2().uordblks;
#endif
	now.resident = stress_resident();
	return now;
}

static int nothing(void *data)
{
	(void)data;
	return 0;
}

struct kinds {
	brood_command *plain, *captured, *chain, *function, *bound, *failing;
};

static void run(const brood_command *cmd, bool well)
{
	brood_result *result = NULL;
	const int r = brood_run(cmd, &result);

	if ((r == 0 && brood_result_ok(result)) != well)
		stress_wrong("a start came to %d: %s", r, brood_result_describe(result));
	brood_result_free(result);
}

static void stop_one(const brood_command *cmd)
{
	brood_process *process = NULL;

	if (brood_start(cmd, &process) < 0 || brood_process_kill(process) < 0 || brood_process_wait(process, LONG_MS) < 0)
		stress_wrong("one that was started could not be killed");
	brood_process_free(process);
}

static void start_one(const struct kinds *kinds, unsigned long number)
{
	switch (number % 20) {
	case 3:
	case 13:
		run(kinds->captured, true);
		break;
	case 7:
		run(kinds->chain, true);
		break;
	case 9:
		run(kinds->function, true);
		break;
	case 11:
		run(kinds->failing, false);
		break;
	case 17:
		stop_one(kinds->bound);
		break;
	default:
		run(kinds->plain, true);
	}
}

static void kinds_make(struct kinds *ret)
{
	const char *child = stress_child();

	ret->plain = brood_command_newl(child, "exit", "0", NULL);
	ret->captured = brood_command_newl(child, "echo", "words", NULL);
	brood_command_capture(ret->captured, BROOD_STDOUT, 0);
	ret->chain = brood_pipe(brood_command_newl(child, "lines", "3", NULL), brood_command_newl(child, "discard", NULL));
	ret->function = brood_command_function("nothing", nothing, NULL);
	ret->bound = brood_command_newl(child, "sleep-forever", NULL);
	brood_command_set_die_with_parent(ret->bound, stress_can_bind());
	brood_command_set_new_group(ret->bound, true);
	ret->failing = brood_pipe(brood_command_newl(child, "cat", NULL), brood_command_newl("/nowhere/to/be/found", NULL));
}

static void kinds_free(struct kinds *kinds)
{
	brood_command_free(kinds->plain);
	brood_command_free(kinds->captured);
	brood_command_free(kinds->chain);
	brood_command_free(kinds->function);
	brood_command_free(kinds->bound);
	brood_command_free(kinds->failing);
}

void load_starts(void)
{
	const unsigned long wanted = stress_amount(1000, 100000), warm = stress_amount(200, 1000);
	struct amounts before, after;
	/* After a short warm-up there are pages of the program itself that were not touched yet. */
	const size_t slack = stress_amount(16, 1) * SLACK;
	const char *sanitizers = getenv("BROOD_SANITIZE");
	struct kinds kinds;
	int64_t begin;

	if (sanitizers && *sanitizers) {
		stress_skip("a sanitizer has memory of its own");
		return;
	}
	kinds_make(&kinds);
	for (unsigned long i = 0; i < warm; i++)
		start_one(&kinds, i);
	before = amounts_now();
	begin = stress_now_ns();
	for (unsigned long i = 0; i < wanted; i++)
		start_one(&kinds, i);
	after = amounts_now();
	stress_row("starts in a row",
	           "%lu in %.1f s after %lu to warm up: descriptors %+ld, bytes of the heap in use %+ld, resident memory %+ld KiB", wanted,
	           (double)(stress_now_ns() - begin) / 1e9, warm, after.descriptors - before.descriptors, (long)after.heap - (long)before.heap,
	           (after.resident - before.resident) / 1024);
	if (after.descriptors != before.descriptors || after.heap > before.heap + slack || after.resident - before.resident > (long)slack)
		stress_wrong("after %lu starts: descriptors %+ld, heap %+ld, resident %+ld", wanted, after.descriptors - before.descriptors,
		             (long)after.heap - (long)before.heap, after.resident - before.resident);
	kinds_free(&kinds);
}
