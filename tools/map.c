/* SPDX-License-Identifier: MIT */
/*
 * brood map: a command or a chain for each input, many at a time. Here everything is opened before anything is started, so that what cannot be
 * written is told now and not after an hour's work; and closed in the end, whatever happened between.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "map.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "say.h"
#include "verbs.h"
#include "wake.h"

int64_t map_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void map_cancel(struct map *map)
{
	map->stopping = true;
	brood_batch_cancel(map->batch);
}

void map_break(struct map *map, const char *format, ...)
{
	va_list arguments;

	map->broken = map->stopping = true;
	va_start(arguments, format);
	say_list(format, arguments);
	va_end(arguments);
}

/* ---- operands ---- */

struct words {
	struct operands command;
	char **inputs;          /* NULL: there is no ::: */
	size_t input_count;
};

static bool separates(const char *word)
{
	return strcmp(word, ":::") == 0;
}

static int split_operands(const struct operands *operands, struct words *ret_words)
{
	size_t at = 0;

	while (at < operands->count && !separates(operands->words[at]))
		at++;
	*ret_words = (struct words){ .command = *operands };
	ret_words->command.count = at;
	if (at == operands->count)
		return 0;
	ret_words->inputs = operands->words + at + 1;
	ret_words->input_count = operands->count - at - 1;
	for (size_t i = 0; i < ret_words->input_count; i++)
		if (separates(ret_words->inputs[i])) {
			say("a second ::: has no meaning; an input that is these characters can come from standard input");
			return -EINVAL;
		}
	return 0;
}

/* ---- opening ---- */

/* For what returned an error and words that may be missing for want of memory. */
static int said(int r, char *why_take)
{
	if (r < 0)
		say("%s", why_take ? why_take : strerror(-r));
	free(why_take);
	return r;
}

static int said_of(int r, const char *option, const char *path)
{
	if (r < 0)
		say("%s: '%s': %s", option, path, strerror(-r));
	return r;
}

static int open_inputs(struct map *map, const struct words *words)
{
	const struct map_settings *settings = map->settings;
	const struct inputs_settings wanted = {
		.words = words->inputs,
		.word_count = words->input_count,
		.files = settings->arg_files.items,
		.file_count = settings->arg_files.count,
		.null_separated = settings->null_separated,
		.shuffle = settings->shuffle,
		.seed = settings->seed,
	};
	char *why = NULL;
	int r = template_new(&words->command, &map->template, &why);

	if (r == 0)
		r = inputs_new(&wanted, &map->inputs, &why);
	return said(r, why);
}

/* A mistake that all jobs have in common is one mistake, told before anything is started. */
static int try_settings(const struct map *map)
{
	brood_command *cmd = NULL;
	char *why = NULL;
	int r = map_command(map, "x", 1, &cmd, &why);

	brood_command_free(cmd);
	return said(r, why);
}

static int open_output(struct map *map)
{
	const struct map_settings *settings = map->settings;
	const struct output_settings wanted = {
		.mode = settings->mode,
		.tag = settings->tag,
		.keep_order = settings->keep_order,
		.at_once = map->at_once,
		.results = settings->results,
		.resume = settings->resume,
		.before = bar_clear,
		.data = map->bar,
	};
	char *why = NULL;
	int r = output_new(&wanted, &map->output, &why);

	return said(r, why);
}

static int open_records(struct map *map)
{
	const struct map_settings *settings = map->settings;
	char *why = NULL;
	int r = 0;

	if (settings->log)
		r = joblog_new(settings->log, settings->resume, &map->log, &why);
	if (r < 0)
		return said(r, why);
	if (settings->report)
		r = said_of(report_new(settings->report, &map->report), "--report", settings->report);
	if (r == 0 && settings->trace)
		r = said_of(trace_new(settings->trace, &map->trace), "--trace", settings->trace);
	if (r == 0 && map->log && joblog_was_torn(map->log))
		say("--log: '%s': the last line was not whole and was cut off", settings->log);
	return r;
}

/* ---- the batch ---- */

/* Those that we may use: a container or taskset may allow fewer than there are. */
static size_t processors(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef CPU_COUNT
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) == 0)
		count = CPU_COUNT(&set);
#endif
	return count > 0 ? (size_t)count : 1;
}

/* Each job has two pipes, two files of results and a descriptor for each of its stages, and a chain's pipes while it is started. */
static void raise_descriptors(struct map *map, size_t stages)
{
	const rlim_t each = 4 + 3 * (rlim_t)stages, others = 64, wanted = map->at_once * each + others;
	struct rlimit raised;

	if (getrlimit(RLIMIT_NOFILE, &map->descriptors) < 0 || map->descriptors.rlim_cur >= wanted)
		return;
	raised = map->descriptors;
	raised.rlim_cur = raised.rlim_max;
	map->descriptors_raised = raised.rlim_cur > map->descriptors.rlim_cur && setrlimit(RLIMIT_NOFILE, &raised) == 0;
}

static int open_batch(struct map *map)
{
	const struct map_settings *settings = map->settings;
	brood_command *probe = template_command(map->template, "x", 1);
	const size_t stages = brood_command_stages(probe);

	brood_command_free(probe);
	map->batch = brood_batch_new(map->at_once);
	if (!map->batch) {
		say("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	brood_batch_set_retries(map->batch, (unsigned)settings->retries, settings->retry_delay_ms);
	brood_batch_set_stop_on_failure(map->batch, settings->fail_fast);
	raise_descriptors(map, stages);
	return 0;
}

/*
 * A write that passes a limit on the size of files is to fail and be told, not to end us with a log that lacks what runs: SIGXFSZ, like SIGPIPE, is
 * caught for that alone.
 */
static int open_signals(struct map *map)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGPIPE, SIGXFSZ };
	struct sigaction before;
	int r;

	map->sigpipe_ignored = sigaction(SIGPIPE, NULL, &before) == 0 && before.sa_handler == SIG_IGN;
	r = wake_new(signals, sizeof(signals) / sizeof(signals[0]));
	if (r < 0)
		say("signals: %s", strerror(-r));
	return r;
}

static int open_all(struct map *map)
{
	int r = try_settings(map);

	if (r == 0)
		r = open_signals(map);
	if (r == 0)
		r = open_records(map);
	if (r == 0) {
		map->bar = bar_new(map->settings->bar);
		say_before(bar_clear, map->bar);
		r = open_output(map);
	}
	if (r == 0)
		r = open_batch(map);
	return r;
}

/* ---- closing ---- */

/* What could not be written in the end is the same as what could not be written before. */
static void close_records(struct map *map)
{
	const struct map_settings *settings = map->settings;
	const struct report_facts facts = {
		.title = "brood map",
		.command = map->template ? template_text(map->template) : NULL,
		.given = map->inputs ? map_total(map) : 0,
		.skipped = map->counts.skipped,
		.ending = map_ending(map),
	};
	int r;

	r = joblog_finish(map->log);
	if (r < 0)
		map_break(map, "--log: '%s': %s", settings->log, strerror(-r));
	r = map->report ? report_finish(map->report, &facts) : 0;
	if (r < 0)
		map_break(map, "--report: '%s': %s", settings->report, strerror(-r));
	r = trace_finish(map->trace);
	if (r < 0)
		map_break(map, "--trace: '%s': %s", settings->trace, strerror(-r));
	map->log = NULL;
	map->report = NULL;
	map->trace = NULL;
}

static void close_all(struct map *map)
{
	say_before(NULL, NULL);
	bar_free(map->bar);
	brood_batch_free(map->batch);
	output_free(map->output);
	inputs_free(map->inputs);
	template_free(map->template);
}

/* ---- the verb ---- */

static int map_run(struct map *map)
{
	int r = open_all(map);

	if (r < 0) {
		report_drop(map->report);
		map->report = NULL;
		joblog_finish(map->log);
		trace_finish(map->trace);
		return STATUS_BROOD_FAILED;
	}
	map->begun_ns = map_now_ns();
	map_loop(map);
	close_records(map);
	map_summary(map);
	return map_status(map);
}

static int map_with(const struct map_settings *settings, const struct operands *operands)
{
	struct map map = { .settings = settings, .at_once = settings->jobs ? (size_t)settings->jobs : processors() };
	struct words words;
	int status = STATUS_BROOD_FAILED;
	int signal;

	if (split_operands(operands, &words) == 0 && open_inputs(&map, &words) == 0) {
		if (settings->dry_run) {
			map_dry_run(&map);
			status = map_status(&map);
		} else {
			status = map_run(&map);
			if (map.counts.failed > 0 && map.counts.failed == map.counts.not_found && !settings->quiet)
				chain_explain(&words.command);
		}
	}
	signal = map_signal(&map);
	close_all(&map);
	if (signal)
		wake_die_of(signal);
	return status;
}

int map_main(int argc, char **argv)
{
	struct map_settings settings;
	struct operands operands;
	int r, status;

	say_as(map_verb.name);
	map_settings_default(&settings);
	r = options_read(&map_verb, argc, argv, &settings, &operands);
	if (r == 0)
		r = map_settings_check(&settings);
	status = r == 0 ? map_with(&settings, &operands) : r < 0 ? STATUS_BROOD_FAILED : 0;
	options_done(&map_verb, &settings);
	return status;
}
