/* SPDX-License-Identifier: MIT */
/*
 * How it went: the line at the end, the exit status, and what the report says of it.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "map.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "say.h"
#include "units.h"

uint64_t map_total(const struct map *map)
{
	uint64_t total = 0;

	return inputs_total(map->inputs, &total) ? total : 0;
}

const char *map_signal_name(int signal)
{
	return signal == SIGINT ? "SIGINT" : signal == SIGHUP ? "SIGHUP" : "SIGTERM";
}

const char *map_ending(const struct map *map)
{
	if (map->interrupted)
		return map->interrupted == SIGINT ? "interrupted by SIGINT" : map->interrupted == SIGHUP ? "interrupted by SIGHUP" : "interrupted by SIGTERM";
	if (map->reader_gone)
		return "ended when nobody read the output any more";
	if (map->broken)
		return "ended by a failure of brood itself";
	return map->settings->fail_fast && map->counts.failed > 0 ? "ended at the first failure" : NULL;
}

int map_status(const struct map *map)
{
	if (map->interrupted)
		return STATUS_SIGNALLED + map->interrupted;
	if (map->broken)
		return STATUS_BROOD_FAILED;
	return map->counts.failed > 0 ? STATUS_SOME_FAILED : 0;
}

/* As any filter ends whose reader has had enough; and a shell ends a loop of ours at Ctrl-C when it sees that we died of it. */
int map_signal(const struct map *map)
{
	if (map->interrupted == SIGINT)
		return SIGINT;
	return map->reader_gone ? SIGPIPE : 0;
}

/* ---- the line ---- */

struct text {
	char bytes[256];
	size_t size;
};

static void put(struct text *text, const char *format, ...) BROOD_PRINTF(2, 3);

static void put(struct text *text, const char *format, ...)
{
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(text->bytes + text->size, sizeof text->bytes - text->size, format, arguments);
	va_end(arguments);
	if (size > 0)
		text->size += (size_t)size;
	if (text->size >= sizeof text->bytes)
		text->size = sizeof text->bytes - 1;
}

static void put_count(struct text *text, uint64_t count, const char *what)
{
	if (count > 0)
		put(text, ", %" PRIu64 " %s", count, what);
}

/* Those that waited for a place, and those whose inputs were never read: how many these are is not always known. */
static void put_unstarted(struct text *text, const struct map *map, uint64_t total)
{
	const struct map_counts *counts = &map->counts;
	const uint64_t unread = total > counts->taken ? total - counts->taken : 0;

	put_count(text, counts->unstarted + unread, "not started");
	if (total == 0 && !map->inputs_ended)
		put(text, ", the rest not started");
}

static bool is_wanted(const struct map *map)
{
	if (map->interrupted || map->bar)
		return true;
	return !map->settings->quiet && (map->counts.failed > 0 || map->broken);
}

static void say_how_to_go_on(const struct map *map)
{
	const struct map_counts *counts = &map->counts;

	if (map->interrupted && map->settings->log && counts->ok + counts->skipped > 0)
		say("to go on where this ended: the same command with --resume");
}

void map_summary(const struct map *map)
{
	const struct map_counts *counts = &map->counts;
	const uint64_t known = map_total(map), total = known > counts->taken ? known : counts->taken;
	char duration[UNITS_TEXT];
	struct text text = { .size = 0 };

	if (map->reader_gone || !is_wanted(map))
		return;
	put(&text, "%" PRIu64 " %s: %" PRIu64 " ok", total, total == 1 ? "job" : "jobs", counts->ok);
	put_count(&text, counts->failed, "failed");
	put_count(&text, counts->stopped, "stopped");
	put_unstarted(&text, map, known);
	put_count(&text, counts->skipped, "done before");
	say("%s; %s", text.bytes, units_duration_text(map_now_ns() - map->begun_ns, duration));
	say_how_to_go_on(map);
}
