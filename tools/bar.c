/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "bar.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	DRAW_EVERY_MS = 150,
	BAR_LEAST = 5,
	BAR_MOST = 40,
	COLUMNS_UNKNOWN = 80
};

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* How far back the rate looks: long enough to be readable, short enough to notice that the large files have begun. */
#define RATE_SECONDS 8.0

struct bar {
	int64_t begun_ns;       /* 0: nothing was shown yet */
	int64_t drawn_ns;
	int64_t rated_ns;
	uint64_t rated_done;
	double rate;
	bool on_screen;
	bool terminal;
};

/* ---- the line ---- */

enum part { PART_COUNT, PART_FAILED, PART_SKIPPED, PART_RATE, PART_TIME, PARTS };

static void put_clock(char *text, size_t size, const char *label, double seconds)
{
	const uint64_t whole = (uint64_t)(seconds + 0.5);

	if (whole >= 100 * UINT64_C(3600))
		snprintf(text, size, "%s%" PRIu64 "d", label, whole / 86400);
	else if (whole >= 3600)
		snprintf(text, size, "%s%" PRIu64 ":%02u:%02u", label, whole / 3600, (unsigned)(whole / 60 % 60), (unsigned)(whole % 60));
	else
		snprintf(text, size, "%s%u:%02u", label, (unsigned)(whole / 60), (unsigned)(whole % 60));
}

static void put_rate(char *text, size_t size, double rate)
{
	if (!(rate > 0) || rate >= 1e9)
		return;
	if (rate >= 9.95)
		snprintf(text, size, "%.0f/s", rate);
	else if (rate >= 0.995)
		snprintf(text, size, "%.1f/s", rate);
	else if (rate * 60 >= 0.05)
		snprintf(text, size, "%.1f/min", rate * 60);
	else
		snprintf(text, size, "%.1f/h", rate * 3600);
}

static void put_time(char *text, size_t size, const struct bar_counts *counts, double seconds, double rate)
{
	/* Ten thousand years and more is a number that nobody meant. */
	const double beyond = 3e11;

	if (counts->total == 0) {
		if (seconds >= 0 && seconds < beyond)
			put_clock(text, size, "", seconds);
	} else if (counts->done < counts->total && rate > 0) {
		const double left = (double)(counts->total - counts->done) / rate;

		if (left < beyond)
			put_clock(text, size, "ETA ", left);
	}
}

static void put_parts(const struct bar_counts *counts, double seconds, double rate, char parts[PARTS][64])
{
	if (counts->total > 0)
		snprintf(parts[PART_COUNT], 64, "%" PRIu64 "/%" PRIu64, counts->done, counts->total);
	else
		snprintf(parts[PART_COUNT], 64, "%" PRIu64 " done", counts->done);
	if (counts->failed > 0)
		snprintf(parts[PART_FAILED], 64, "%" PRIu64 " failed", counts->failed);
	if (counts->skipped > 0)
		snprintf(parts[PART_SKIPPED], 64, "%" PRIu64 " done before", counts->skipped);
	put_rate(parts[PART_RATE], 64, rate);
	put_time(parts[PART_TIME], 64, counts, seconds, rate);
}

/* Leave out what has no room, the least important first; without the first of them the others would say nothing. How many columns are used. */
static size_t choose_parts(char parts[PARTS][64], size_t columns)
{
	static const enum part by_importance[PARTS] = { PART_COUNT, PART_FAILED, PART_TIME, PART_RATE, PART_SKIPPED };
	size_t used = 0;

	for (size_t i = 0; i < PARTS; i++) {
		char *text = parts[by_importance[i]];
		const size_t size = strlen(text), gap = used > 0 ? 2 : 0;

		if ((i > 0 && used == 0) || size == 0 || used + gap + size > columns)
			text[0] = '\0';
		else
			used += gap + size;
	}
	return used;
}

static size_t put_bar(char *text, const struct bar_counts *counts, size_t room)
{
	const size_t width = room > BAR_MOST ? BAR_MOST : room;
	const double part = counts->done < counts->total ? (double)counts->done / (double)counts->total : 1;
	const size_t full = (size_t)(part * (double)width);

	text[0] = '[';
	memset(text + 1, '=', full);
	memset(text + 1 + full, ' ', width - full);
	if (full < width)
		text[1 + full] = '>';
	memcpy(text + 1 + width, "] ", 3);
	return width + 3;
}

void bar_line(const struct bar_counts *counts, double seconds, double rate, unsigned columns, char text[BAR_TEXT])
{
	char parts[PARTS][64] = { "" };
	size_t used, size = 0;

	put_parts(counts, seconds, rate, parts);
	used = choose_parts(parts, columns);
	if (counts->total > 0 && used > 0 && used + 3 + BAR_LEAST <= columns)
		size = put_bar(text, counts, columns - used - 3);
	text[size] = '\0';
	for (size_t i = 0; i < PARTS; i++)
		if (parts[i][0])
			size += (size_t)snprintf(text + size, BAR_TEXT - size, "%s%s", i > 0 ? "  " : "", parts[i]);
}

/* ---- the terminal ---- */

struct bar *bar_new(enum option_when when)
{
	const bool terminal = isatty(STDERR_FILENO) == 1;
	const char *kind = getenv("TERM");
	struct bar *bar;

	if (when == WHEN_NEVER || (when == WHEN_AUTO && (!terminal || (kind && strcmp(kind, "dumb") == 0))))
		return NULL;
	bar = calloc(1, sizeof *bar);
	if (bar)
		bar->terminal = terminal;
	return bar;
}

/* One less than there are: a character in the last column makes some terminals go to the next line. */
static unsigned columns_now(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return COLUMNS_UNKNOWN - 1;
	return size.ws_col - 1u;
}

/*
 * A terminal that was stopped by Ctrl-S would block us, and so would a pipe that nobody reads; and in the background (after Ctrl-Z and bg) the line
 * belongs to whoever types there.
 */
static bool may_draw(const struct bar *bar)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	const pid_t foreground = bar->terminal ? tcgetpgrp(STDERR_FILENO) : -1;

	if (foreground > 0 && foreground != getpgrp())
		return false;
	return poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT);
}

static void put_out(const char *text, size_t size)
{
	/* A bar that does not arrive is no loss. */
	if (write(STDERR_FILENO, text, size) < 0)
		return;
}

/* A mean in which what was seen RATE_SECONDS ago counts little; at first the plain mean of all. */
static void take_rate(struct bar *bar, uint64_t done, int64_t now_ns)
{
	const double all = (double)(now_ns - bar->begun_ns) / (double)NS_PER_S;
	const double since = (double)(now_ns - bar->rated_ns) / (double)NS_PER_S;
	const double window = all < RATE_SECONDS ? all : RATE_SECONDS;

	if (since <= 0 || window <= 0)
		return;
	bar->rate += ((double)(done - bar->rated_done) / since - bar->rate) * (since < window ? since / window : 1);
	bar->rated_ns = now_ns;
	bar->rated_done = done;
}

void bar_show(struct bar *bar, const struct bar_counts *counts, int64_t now_ns)
{
	char line[BAR_TEXT], text[BAR_TEXT + 16];
	int size;

	if (!bar || bar_timeout_ms(bar, now_ns) > 0)
		return;
	if (bar->begun_ns == 0)
		bar->begun_ns = bar->rated_ns = now_ns;
	bar->drawn_ns = now_ns;
	take_rate(bar, counts->done, now_ns);
	if (!may_draw(bar))
		return;
	bar_line(counts, (double)(now_ns - bar->begun_ns) / (double)NS_PER_S, bar->rate, columns_now(), line);
	size = snprintf(text, sizeof text, "\r%s\033[K", line);
	put_out(text, (size_t)size);
	bar->on_screen = true;
}

void bar_clear(void *data)
{
	struct bar *bar = data;

	if (!bar || !bar->on_screen)
		return;
	put_out("\r\033[K", 4);
	bar->on_screen = false;
}

int bar_timeout_ms(const struct bar *bar, int64_t now_ns)
{
	int64_t left_ns;

	if (!bar)
		return -1;
	left_ns = bar->drawn_ns + DRAW_EVERY_MS * NS_PER_MS - now_ns;
	if (bar->drawn_ns == 0 || left_ns <= 0)
		return 0;
	return (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

void bar_free(struct bar *bar_take)
{
	bar_clear(bar_take);
	free(bar_take);
}
