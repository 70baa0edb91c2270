/* SPDX-License-Identifier: MIT */
/*
 * The fault sweep as a program.
 *
 *	faults                          the quick part, as tests: one for each scenario
 *	faults --all [-j N]             the whole, and its table in Markdown on stdout
 *	faults --all -s NAME            of this scenario
 *	faults --all -k KIND            of this kind (once, lasting, memory, short, close, kernel, nofile, nproc, pids)
 *	faults -s NAME -p POINT         one point as a failure names it: host:openat:EMFILE:3, or :3+ for "from the third on"
 *	faults --list                   the scenarios
 */
#include "faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/support.h"
#include "sweep.h"

enum { SCENARIOS_MOST = 200, WORKERS_MOST = 16 };

static const struct scenario *scenarios[SCENARIOS_MOST];
static size_t scenario_count;
static struct tally *tallies;           /* shared by the workers */
static char directory[200];

static void gather(const struct scenario *const *groups)
{
	for (; *groups; groups++)
		for (const struct scenario *at = *groups; at->name && scenario_count < SCENARIOS_MOST; at++)
			scenarios[scenario_count++] = at;
}

static const struct scenario *find_scenario(const char *name)
{
	for (size_t i = 0; i < scenario_count; i++)
		if (strcmp(scenarios[i]->name, name) == 0)
			return scenarios[i];
	return NULL;
}

/* ---- a directory for each worker ---- */

static bool make_directory(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(directory, sizeof directory, "%s/brood-faults-XXXXXX", base && *base ? base : "/tmp");
	return mkdtemp(directory) && chmod(directory, 0755) == 0;
}

/* For another user too: RLIMIT_NPROC is tried as one. */
static void become_worker(unsigned number)
{
	char path[256];
	mode_t mask = umask(0);

	snprintf(path, sizeof path, "%s/%u", directory, number);
	mkdir(path, 0777);
	umask(mask);
	inject_worker(path);
}

static void remove_directory(void)
{
	char words[300];

	snprintf(words, sizeof words, "rm -rf '%s'", directory);
	if (directory[0] && system(words) != 0)
		fprintf(stderr, "%s is left\n", directory);
}

static bool begin(void)
{
	const char *why = NULL;

	if (!inject_init(&why)) {
		fprintf(stderr, "faults: %s\n", why);
		return false;
	}
	if (!make_directory()) {
		fprintf(stderr, "faults: no directory for the scenarios: %s\n", strerror(errno));
		return false;
	}
	return true;
}

/* ---- the quick part: each scenario is a test ---- */

static char first_failure[WORDS * 2];

static void keep_failure(const struct scenario *scenario, const char *what, const char *why)
{
	const size_t used = strlen(first_failure);

	snprintf(first_failure + used, sizeof first_failure - used, "\n  -s '%s' -p '%s': %s", scenario->name, what, why);
}

static void test_one_scenario(void **state)
{
	const struct scenario *scenario = *state;
	struct tally tally = { .calls = 0 };

	first_failure[0] = '\0';
	sweep_quickly(scenario, &tally, keep_failure);
	if (tally.failed)
		fail_msg("%lu of its points did not survive:%s", tally.failed, first_failure);
	if (tally.skipped[0])
		support_skip(tally.skipped);
}

static int run_quickly(void)
{
	static struct CMUnitTest tests[SCENARIOS_MOST];
	int failed;

	for (size_t i = 0; i < scenario_count; i++)
		tests[i] = (struct CMUnitTest){
			.name = scenarios[i]->name,
			.test_func = test_one_scenario,
			.initial_state = (void *)(uintptr_t)scenarios[i],
		};
	/* The suite is run again with other ones; here each scenario has its own. */
	if (getenv("BROOD_ENGINE") || getenv("BROOD_POLLER")) {
		fprintf(stderr, "faults: engines and pollers are chosen by the scenarios\n");
		return 77;
	}
	if (!begin())
		return 77;
	become_worker(0);
	failed = _cmocka_run_group_tests("faults", tests, scenario_count, NULL, NULL);
	remove_directory();
	return failed;
}

/* ---- the whole ---- */

static void print_failure(const struct scenario *scenario, const char *what, const char *why)
{
	char line[WORDS + 400];
	int size = snprintf(line, sizeof line, "FAILED -s '%s' -p '%s': %s\n", scenario->name, what, why);

	if (write(STDERR_FILENO, line, (size_t)size) < 0)
		_exit(2);
}

static unsigned long sum(const unsigned long list[KINDS])
{
	unsigned long all = 0;

	for (int i = 0; i < KINDS; i++)
		all += list[i];
	return all;
}

static void print_scenarios(void)
{
	printf("| scenario | calls | points | survived | as without a fault | told an error |\n|---|---:|---:|---:|---:|---:|\n");
	for (size_t i = 0; i < scenario_count; i++) {
		const struct tally *tally = &tallies[i];

		if (sum(tally->points) == 0 && !tally->skipped[0] && !tally->failed)
			continue;
		printf("| %s | %u | %lu | %lu | %lu | %lu |\n", scenarios[i]->name, tally->calls, sum(tally->points), sum(tally->survived), tally->well,
		       tally->told);
	}
}

static bool print_kinds(void)
{
	unsigned long points = 0, survived = 0, failed = 0;

	printf("\n| what fails | points | survived |\n|---|---:|---:|\n");
	for (int kind = 0; kind < KINDS; kind++) {
		unsigned long tried = 0, lived = 0;

		for (size_t i = 0; i < scenario_count; i++) {
			tried += tallies[i].points[kind];
			lived += tallies[i].survived[kind];
		}
		if (tried > 0)
			printf("| %s | %lu | %lu |\n", kind_words[kind], tried, lived);
		points += tried;
		survived += lived;
	}
	printf("| **all** | **%lu** | **%lu** |\n", points, survived);
	for (size_t i = 0; i < scenario_count; i++)
		failed += tallies[i].failed;
	return points > 0 && failed == 0;
}

static void print_notes(void)
{
	printf("\n");
	for (size_t i = 0; i < scenario_count; i++) {
		if (tallies[i].skipped[0])
			printf("Skipped, all or some, of %s: %s.\n", scenarios[i]->name, tallies[i].skipped);
		if (tallies[i].capped)
			printf("Of %s, %u faults were not tried beyond so many occurrences.\n", scenarios[i]->name, tallies[i].capped);
	}
}

/* Scenarios are dealt out one by one, so that the workers end at about the same time. */
static void work(unsigned worker, const char *only, unsigned kinds, _Atomic size_t *next)
{
	become_worker(worker);
	for (size_t i; (i = (*next)++) < scenario_count;)
		if (!only || strcmp(only, scenarios[i]->name) == 0) {
			sweep_all(scenarios[i], kinds, &tallies[i], print_failure);
			fprintf(stderr, "%s: %lu points, %d.%03d s\n", scenarios[i]->name, sum(tallies[i].points), tallies[i].milliseconds / 1000,
			        tallies[i].milliseconds % 1000);
		}
	exit(0);
}

static int run_all(unsigned workers, const char *only, unsigned kinds)
{
	const size_t size = sizeof *tallies * SCENARIOS_MOST + sizeof(size_t);
	_Atomic size_t *next;
	bool good = true;
	int status;

	if (!begin())
		return 77;
	tallies = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tallies == MAP_FAILED)
		return 2;
	next = (_Atomic size_t *)(void *)(tallies + SCENARIOS_MOST);
	fflush(NULL);
	for (unsigned i = 0; i < workers; i++)
		if (fork() == 0)
			work(i, only, kinds, next);
	while (wait(&status) > 0)
		good &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
	remove_directory();
	print_scenarios();
	good &= print_kinds();
	print_notes();
	return good ? 0 : 1;
}

/* ---- one point ---- */

static bool parse_point(const char *text, struct setting *ret)
{
	char side[16], call[64], error[32], nth[16];

	if (strncmp(text, "kernel:", 7) == 0) {
		for (const struct kernel *kernel = kernels; kernel->name; kernel++)
			if (strcmp(kernel->name, text + 7) == 0)
				ret->kernel = kernel;
		return ret->kernel != NULL;
	}
	if (sscanf(text, "RLIMIT_NOFILE:%u", &ret->room) == 1)
		return (ret->limit = LIMIT_NOFILE) != LIMIT_NONE;
	if (sscanf(text, "RLIMIT_NPROC:%u", &ret->room) == 1)
		return (ret->limit = LIMIT_NPROC) != LIMIT_NONE;
	if (sscanf(text, "pids.max:%u", &ret->room) == 1)
		return (ret->limit = LIMIT_PIDS) != LIMIT_NONE;
	if (strcmp(text, "no fault") == 0)
		return true;
	if (sscanf(text, "%15[^:]:%63[^:]:%31[^:]:%15s", side, call, error, nth) != 4)
		return false;
	ret->point.side = strcmp(side, "child") == 0 ? SIDE_CHILD : SIDE_HOST;
	ret->point.call = calls_named(call, ret->point.side);
	ret->point.error = errno_number(error);
	ret->point.nth = (unsigned)atoi(nth);
	ret->point.lasting = strchr(nth, '+') != NULL;
	return ret->point.call >= 0 && ret->point.error > 0 && ret->point.nth > 0;
}

static void print_calls(const struct run *run)
{
	for (int side = 0; side < SIDES; side++)
		for (int call = 0; calls[call].name; call++)
			if (run->count[side][call])
				printf("  %s %s: %u\n", side == SIDE_HOST ? "host" : "child", calls[call].name, run->count[side][call]);
}

static int run_one(const char *name, const char *point)
{
	static const char *const verdicts[] = { "survived", "did not fire", "skipped", "FAILED" };
	const struct scenario *scenario = find_scenario(name);
	struct setting setting = { .limit = LIMIT_NONE };
	struct run run;

	if (!scenario || !parse_point(point, &setting)) {
		fprintf(stderr, "faults: there is no such scenario or point\n");
		return 2;
	}
	if (!begin())
		return 77;
	become_worker(0);
	inject_run(scenario, &setting, &run);
	printf("%s: %s%s%s %s\n", verdicts[run.verdict], run.well ? "as without a fault" : run.told ? "told " : "", run.told ? errno_name(-run.error) : "",
	       run.told ? ":" : "", run.words);
	print_calls(&run);
	remove_directory();
	return run.verdict == FAILED;
}

/* ---- words on the command line ---- */

static unsigned kind_named(const char *name)
{
	static const char *const short_names[KINDS] = { "once", "lasting", "memory", "short", "close", "kernel", "nofile", "nproc", "pids" };

	for (int i = 0; i < KINDS; i++)
		if (strcmp(name, short_names[i]) == 0)
			return 1U << i;
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: faults [--all [-j N] [-s SCENARIO] [-k KIND]] | -s SCENARIO -p POINT | --list\n");
	return 2;
}

int faults_main(int argc, char **argv, const struct scenario *const *groups)
{
	const char *only = NULL, *point = NULL;
	unsigned workers = 1, kinds = 0;
	bool all = false;

	gather(groups);
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--all") == 0) {
			all = true;
		} else if (strcmp(argv[i], "--list") == 0) {
			for (size_t s = 0; s < scenario_count; s++)
				puts(scenarios[s]->name);
			return 0;
		} else if (value && strcmp(argv[i], "-s") == 0) {
			only = argv[++i];
		} else if (value && strcmp(argv[i], "-p") == 0) {
			point = argv[++i];
		} else if (value && strcmp(argv[i], "-k") == 0) {
			kinds |= kind_named(argv[++i]);
		} else if (value && strcmp(argv[i], "-j") == 0) {
			workers = (unsigned)atoi(argv[++i]);
		} else {
			return usage();
		}
	}
	if (point)
		return only ? run_one(only, point) : usage();
	if (!all)
		return argc > 1 ? usage() : run_quickly();
	if (workers < 1 || workers > WORKERS_MOST)
		return usage();
	/* `make check-faults` asks each program for it. */
	if (only && !find_scenario(only)) {
		fprintf(stderr, "%s has no such scenario\n", argv[0]);
		return 0;
	}
	return run_all(workers, only, kinds ? kinds : (1U << KINDS) - 1);
}
