/* SPDX-License-Identifier: MIT */
/*
 * The order of the sweep: a first pass without a fault tells which calls come, on which side and how often. Then, for each of them and each error
 * that it may give, the first occurrence, the second, and so on until the fault no longer fires.
 *
 * How often a process waits depends on the scheduler, so a fault that does not fire below the count of the first pass is no reason to stop. Only
 * faults that fired are counted as points.
 */
#include "sweep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	MOST_OCCURRENCES = 60,          /* of a system call; loops are the same after that */
	FEW_OCCURRENCES = 12,
	MOST_ALLOCATIONS = 1500,
	ROOM_NOFILE = 12,
	ROOM_NPROC = 6,
	ROOM_PIDS = 6
};

const char *const kind_words[KINDS] = {
	[KIND_ONCE] = "one system call fails once",
	[KIND_LASTING] = "a system call fails from then on",
	[KIND_MEMORY] = "an allocation fails, once or from then on",
	[KIND_SHORT] = "a read or write moves one byte",
	[KIND_CLOSE] = "close says it failed",
	[KIND_KERNEL] = "a kernel or filter without some calls",
	[KIND_NOFILE] = "RLIMIT_NOFILE at used + 0 to 12",
	[KIND_NPROC] = "RLIMIT_NPROC at used + 0 to 6",
	[KIND_PIDS] = "pids.max at used + 0 to 6",
};

/* ---- one point ---- */

static enum kind kind_of(const struct setting *setting)
{
	if (setting->kernel)
		return KIND_KERNEL;
	if (setting->limit)
		return setting->limit == LIMIT_NOFILE ? KIND_NOFILE : setting->limit == LIMIT_NPROC ? KIND_NPROC : KIND_PIDS;
	switch (calls[setting->point.call].nr) {
	case FAKE_MALLOC:
		return KIND_MEMORY;
	case FAKE_CLOSE:
		return KIND_CLOSE;
	case FAKE_READ:
	case FAKE_WRITE:
	case FAKE_PUT:
		return KIND_SHORT;
	default:
		return setting->point.lasting ? KIND_LASTING : KIND_ONCE;
	}
}

/*
 * What was refused is what is told, or nothing is. There are cases in which another error says the same: a search through PATH tells ENOENT or EACCES
 * of several, and a program that is missing is told though another stage could not begin; who writes to a child that could not begin hears EPIPE;
 * ENOTSUP stands for "not here"; stdio remembers that a read failed, not always why; what was said to be there already may be told as missing.
 */
static bool is_the_right_error(const struct scenario *scenario, const struct setting *setting, const struct run *run)
{
	const struct point *point = &setting->point;
	const int told = -run->error;

	if (!run->told || told == 0 || setting->limit || told == point->error)
		return true;
	switch (told) {
	case EACCES:
		return point->side == SIDE_CHILD && calls[point->call].nr == SYS_execve;
	case ENOENT:
		return point->side == SIDE_CHILD || point->error == EEXIST;
	case EPIPE:
		return point->side == SIDE_CHILD;
	case ENOTSUP:
		return (scenario->flags & NEEDS_PIDFD) || ((scenario->flags & NEEDS_CGROUP) && point->error == ENOENT);
	case EIO:
		return (scenario->main || (scenario->flags & NEEDS_CGROUP)) && calls[point->call].nr == SYS_read;
	default:
		return false;
	}
}

static const char *setting_words(const struct setting *setting)
{
	static const char *const limits[] = { "", "RLIMIT_NOFILE", "RLIMIT_NPROC", "pids.max" };
	static char words[200];

	if (setting->kernel)
		snprintf(words, sizeof words, "kernel:%s", setting->kernel->name);
	else if (setting->limit)
		snprintf(words, sizeof words, "%s:%u", limits[setting->limit], setting->room);
	else
		snprintf(words, sizeof words, "%s", point_words(&setting->point));
	return words;
}

/* Run it and count it. True when the fault fired. */
static bool try(const struct scenario *scenario, const struct setting *setting, struct tally *tally, sweep_failed *failed)
{
	struct run run;
	enum kind kind;

	inject_run(scenario, setting, &run);
	if (run.verdict == NOT_FIRED)
		return false;
	if (run.verdict == SKIPPED) {
		snprintf(tally->skipped, sizeof tally->skipped, "%.150s", run.words);
		return false;
	}
	/* What a kernel lacks is no reason to fail, but where a scenario says so: there is another way. */
	if (run.verdict == SURVIVED &&
	    (setting->kernel ? !run.well && !(scenario->flags & NEEDS_PIDFD) : !is_the_right_error(scenario, setting, &run))) {
		char told[WORDS / 2];

		snprintf(told, sizeof told, "%.1000s", run.words);
		run.verdict = FAILED;
		snprintf(run.words, sizeof run.words, "told %s: %s", errno_name(-run.error), told);
	}
	kind = kind_of(setting);
	tally->points[kind]++;
	if (run.verdict == FAILED) {
		tally->failed++;
		failed(scenario, setting_words(setting), run.words);
		return true;
	}
	tally->survived[kind]++;
	tally->well += run.well;
	tally->told += run.told;
	return true;
}

/* ---- the first pass ---- */

static bool is_no_cgroup(int error)
{
	return error == ENOTSUP || error == EACCES || error == EPERM || error == EROFS || error == ENOENT;
}

static bool first_pass(const struct scenario *scenario, unsigned count[SIDES][CALLS_MOST], struct tally *tally, sweep_failed *failed)
{
	memset(count, 0, sizeof(unsigned[SIDES][CALLS_MOST]));
	for (int pass = 0; pass < 2; pass++) {
		const struct setting nothing = { .limit = LIMIT_NONE };
		struct run run;

		inject_run(scenario, &nothing, &run);
		if (run.verdict == SKIPPED) {
			snprintf(tally->skipped, sizeof tally->skipped, "%.150s", run.words);
			return false;
		}
		if (run.verdict == SURVIVED && (scenario->flags & NEEDS_CGROUP) && is_no_cgroup(-run.error)) {
			snprintf(tally->skipped, sizeof tally->skipped, "no cgroup2 mount that we may write to");
			return false;
		}
		if (run.verdict == SURVIVED && !run.well)
			run.verdict = FAILED;
		if (run.unknown >= 0) {
			run.verdict = FAILED;
			snprintf(run.words, sizeof run.words, "system call %ld is not in the table of errnos.c", run.unknown);
		}
		if (run.verdict == FAILED) {
			tally->failed++;
			failed(scenario, "no fault", run.words);
			return false;
		}
		for (int side = 0; side < SIDES; side++)
			for (size_t i = 0; i < CALLS_MOST; i++)
				if (run.count[side][i] > count[side][i])
					count[side][i] = run.count[side][i];
	}
	for (int side = 0; side < SIDES; side++)
		for (size_t i = 0; i < CALLS_MOST; i++)
			tally->calls += count[side][i] > 0;
	if (tally->calls == 0) {
		tally->failed++;
		failed(scenario, "no fault", "no system call came by: the filter sees nothing");
	}
	return tally->calls > 0;
}

/* ---- the sweep ---- */

static void sweep_error(const struct scenario *scenario, struct point point, unsigned count, struct tally *tally, sweep_failed *failed)
{
	/* From then on byte by byte: once is much already. */
	const unsigned most = point.error == SHORT && point.lasting     ? !(scenario->flags & MUCH)
	                      : scenario->flags & LOOPS               ? FEW_OCCURRENCES
	                      : calls[point.call].nr == FAKE_MALLOC   ? MOST_ALLOCATIONS
	                                                              : MOST_OCCURRENCES;
	unsigned missed = 0;

	for (point.nth = 1; point.nth <= most && missed < 2; point.nth++) {
		const struct setting setting = { .point = point };

		if (try(scenario, &setting, tally, failed))
			missed = 0;
		else if (point.nth > count)
			return;
		else
			missed++;
	}
	tally->capped += point.nth > most && point.error != SHORT;
}

static void sweep_call(const struct scenario *scenario, enum side side, int call, unsigned count, struct tally *tally, sweep_failed *failed)
{
	for (const int *error = calls[call].once; *error; error++)
		sweep_error(scenario, (struct point){ .side = side, .call = call, .error = *error }, count, tally, failed);
	for (const int *error = calls[call].lasting; *error; error++)
		sweep_error(scenario, (struct point){ .side = side, .call = call, .error = *error, .lasting = true }, count, tally, failed);
}

static bool call_is_wanted(int call, unsigned kinds)
{
	const struct setting once = { .point = { .call = call } };
	const enum kind kind = kind_of(&once);

	return kinds & (1U << kind | (kind == KIND_ONCE ? 1U << KIND_LASTING : 0));
}

static void sweep_kernels(const struct scenario *scenario, struct tally *tally, sweep_failed *failed)
{
	for (const struct kernel *kernel = kernels; kernel->name; kernel++) {
		const struct setting setting = { .kernel = kernel };

		if (((scenario->flags & NEEDS_PIDFD) && (kernel->lacks & LACKS_PIDFD)) ||
		    ((scenario->flags & NEEDS_MEMFD) && (kernel->lacks & LACKS_MEMFD)))
			continue;
		try(scenario, &setting, tally, failed);
	}
}

static void sweep_limit(const struct scenario *scenario, enum limit limit, unsigned most, struct tally *tally, sweep_failed *failed)
{
	if (limit != LIMIT_NOFILE && (scenario->flags & (NEEDS_ROOT | NEEDS_CGROUP)))
		return;
	for (unsigned room = 0; room <= most; room++) {
		const struct setting setting = { .limit = limit, .room = room };

		try(scenario, &setting, tally, failed);
	}
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sweep_all(const struct scenario *scenario, unsigned kinds, struct tally *tally, sweep_failed *failed)
{
	unsigned count[SIDES][CALLS_MOST];
	const int64_t began = now_ms();

	if (!first_pass(scenario, count, tally, failed))
		return;
	for (int side = 0; side < SIDES; side++)
		for (int call = 0; calls[call].name; call++)
			if (count[side][call] > 0 && call_is_wanted(call, kinds))
				sweep_call(scenario, (enum side)side, call, count[side][call], tally, failed);
	if (kinds & 1U << KIND_KERNEL)
		sweep_kernels(scenario, tally, failed);
	if (kinds & 1U << KIND_NOFILE)
		sweep_limit(scenario, LIMIT_NOFILE, ROOM_NOFILE, tally, failed);
	if (kinds & 1U << KIND_NPROC)
		sweep_limit(scenario, LIMIT_NPROC, ROOM_NPROC, tally, failed);
	if (kinds & 1U << KIND_PIDS)
		sweep_limit(scenario, LIMIT_PIDS, ROOM_PIDS, tally, failed);
	tally->milliseconds = (int)(now_ms() - began);
}

void sweep_quickly(const struct scenario *scenario, struct tally *tally, sweep_failed *failed)
{
	unsigned count[SIDES][CALLS_MOST];

	if (!first_pass(scenario, count, tally, failed))
		return;
	for (int side = 0; side < SIDES; side++)
		for (int call = 0; calls[call].name; call++) {
			const int *errors = calls[call].once;
			const struct setting setting = { .point = { .side = (enum side)side, .call = call, .error = *errors, .nth = 1 } };

			if (count[side][call] > 0 && *errors)
				try(scenario, &setting, tally, failed);
		}
}
