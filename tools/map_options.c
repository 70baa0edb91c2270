/* SPDX-License-Identifier: MIT */
/* The options of `brood map`. tools/completion/ lists them too, and a check compares. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "map_options.h"

#include <errno.h>
#include <limits.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "say.h"
#include "units.h"

/* More than that many at once is a mistyped number on any machine: the kernel has no more process ids (PID_MAX_LIMIT is 4 Mi). */
#define JOBS_MOST (UINT64_C(1) << 22)

#define FIELD(name) offsetof(struct map_settings, name)

static const struct option_row rows[] = {
	{ "Jobs", 'j', "jobs", "N", OPTION_COUNT, FIELD(jobs), .help = "so many at a time (0: one a processor)" },
	{ NULL, 0, "retries", "N", OPTION_COUNT, FIELD(retries), .help = "try a job that failed up to N times more" },
	{ NULL, 0, "retry-delay", "TIME", OPTION_DURATION_MS, FIELD(retry_delay_ms), .help = "before a retry, doubled each time (0)" },
	{ NULL, 0, "fail-fast", NULL, OPTION_FLAG, FIELD(fail_fast), .help = "stop everything at the first failure" },
	{ "Inputs", 'a', "arg-file", "FILE", OPTION_LIST, FIELD(arg_files), .help = "a line each from FILE (-: stdin); may be repeated" },
	{ NULL, '0', "null", NULL, OPTION_FLAG, FIELD(null_separated), .help = "inputs end in a NUL byte, as from find -print0" },
	{ NULL, 0, "shuffle", "[=SEED]", OPTION_TEXT, FIELD(shuffle_seed), .help = "in a random order; the same for the same SEED" },
	CHAIN_ROWS_TIME,
	CHAIN_ROWS_PLACE,
	{ "Output", 0, "group", NULL, OPTION_CHOICE, FIELD(mode), .help = "a job's output in one piece (default)", .choice = OUTPUT_GROUP },
	{ NULL, 0, "line-buffer", NULL, OPTION_CHOICE, FIELD(mode), .help = "whole lines, as they come", .choice = OUTPUT_LINES },
	{ NULL, 'u', "ungroup", NULL, OPTION_CHOICE, FIELD(mode), .help = "straight through, mixed as it may be", .choice = OUTPUT_UNGROUPED },
	{ NULL, 'o', "keep-order", NULL, OPTION_FLAG, FIELD(keep_order), .help = "in the order of the inputs" },
	{ NULL, 0, "tag", NULL, OPTION_FLAG, FIELD(tag), .help = "the input and a tab before each line" },
	{ NULL, 0, "results", "DIR", OPTION_TEXT, FIELD(results), .help = "keep each job's output in a folder of DIR too" },
	{ NULL, 0, "bar", "[=WHEN]", OPTION_WHEN, FIELD(bar), .help = "show progress: auto, always, never" },
	{ NULL, 'q', "quiet", NULL, OPTION_FLAG, FIELD(quiet), .help = "say nothing about jobs that failed" },
	{ NULL, 'v', "verbose", NULL, OPTION_FLAG, FIELD(verbose), .help = "show each job's command" },
	{ NULL, 'n', "dry-run", NULL, OPTION_FLAG, FIELD(dry_run), .help = "show what would be run, and run nothing" },
	{ "Records", 0, "log", "FILE.jsonl", OPTION_TEXT, FIELD(log), .help = "a line of JSON for each job that ended" },
	{ NULL, 0, "resume", NULL, OPTION_FLAG, FIELD(resume), .help = "leave out what --log says has succeeded" },
	{ NULL, 0, "report", "FILE.html", OPTION_TEXT, FIELD(report), .help = "a web page with a time line of every job" },
	{ NULL, 0, "trace", "FILE.json", OPTION_TEXT, FIELD(trace), .help = "the same for trace viewers" },
};

const struct verb map_verb = {
	.name = "brood map",
	.usage = "brood map [OPTION...] 'COMMAND [ARG...] [| COMMAND...]' [::: INPUT...]\n"
	         "brood map [OPTION...] [--] COMMAND [ARG...] ['|' ...] [::: INPUT...]\n",
	.about = "Run a command or a chain of them for each input, many at a time. In its words\n"
	         "{} is the input, {.} without extension, {/} last part, {//} folder, {#} number.\n"
	         "Exits with 0; 123: a job failed, 125: brood failed, 128+n: ended by signal n.\n",
	.examples = "ls *.c | brood map 'wc -l {}'\n"
	            "brood map -j4 -t 10s --retries 2 'gzip -c {} | openssl md5' ::: a b c\n"
	            "find . -name '*.png' -print0 | brood map -0 --log jobs.jsonl --resume optipng\n",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
};

void map_settings_default(struct map_settings *settings)
{
	*settings = (struct map_settings){
		.chain = { .grace_ms = -1, .linger_ms = -1 },
		.mode = OUTPUT_GROUP,
		.bar = WHEN_AUTO,
	};
}

static int contradiction(const char *one, const char *other)
{
	say("%s and %s contradict each other", one, other);
	return -EINVAL;
}

static int check_output(const struct map_settings *settings)
{
	if (settings->quiet && settings->verbose)
		return contradiction("--quiet", "--verbose");
	if (settings->mode != OUTPUT_UNGROUPED)
		return 0;
	if (settings->tag)
		return contradiction("--tag", "--ungroup");
	if (settings->keep_order)
		return contradiction("--keep-order", "--ungroup");
	if (settings->results)
		return contradiction("--results", "--ungroup");
	return 0;
}

static int check_count(const char *option, uint64_t count, uint64_t most)
{
	if (count <= most)
		return 0;
	say("%s: '%llu': more than %llu", option, (unsigned long long)count, (unsigned long long)most);
	return -EINVAL;
}

/* Any order will do that differs from run to run; the clock is good enough where the kernel gives nothing. */
static uint64_t draw_seed(void)
{
	uint64_t seed;
	struct timespec now;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
		return seed;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 32;
}

static int read_seed(struct map_settings *settings)
{
	const char *why;

	settings->shuffle = settings->shuffle_seed != NULL;
	if (!settings->shuffle)
		return 0;
	if (!*settings->shuffle_seed) {
		settings->seed = draw_seed();
		return 0;
	}
	if (units_count(settings->shuffle_seed, 0, UINT64_MAX, &settings->seed, &why) < 0) {
		say("--shuffle: '%s': %s", settings->shuffle_seed, why);
		return -EINVAL;
	}
	return 0;
}

int map_settings_check(struct map_settings *settings)
{
	int r;

	if (settings->resume && !settings->log) {
		say("--resume needs --log: only a log knows what has succeeded");
		return -EINVAL;
	}
	r = check_output(settings);
	if (r < 0)
		return r;
	r = check_count("--jobs", settings->jobs, JOBS_MOST);
	if (r < 0)
		return r;
	r = check_count("--retries", settings->retries, UINT_MAX);
	if (r < 0)
		return r;
	return read_seed(settings);
}
