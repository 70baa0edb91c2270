/* SPDX-License-Identifier: MIT */
/*
 * Words and numbers in the report. Texts come from file names and from children: nothing of them is ever HTML, and nothing of them turns the
 * direction of the page around. Numbers are written without printf's %f, which would put a comma into attributes under some locales.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "report_parts.h"

#include <inttypes.h>

#include "utf8.h"

/* ---- texts ---- */

static size_t count_characters(const char *text)
{
	size_t count = 0;

	for (size_t length; *text; text += length, count++)
		utf8_point(text, &length);
	return count;
}

static void put_unseen(FILE *out, int32_t point)
{
	if (point == '\n')
		fputs("\\n", out);
	else if (point == '\t')
		fputs("\\t", out);
	else if (point < 0x80)
		fprintf(out, "\\x%02x", (unsigned)point);
	else
		fprintf(out, "\\u%04x", (unsigned)point);
}

static void put_character(FILE *out, const char *bytes, size_t length, int32_t point)
{
	if (point < 0)
		fputs("\xef\xbf\xbd", out);
	else if (utf8_is_unseen(point))
		put_unseen(out, point);
	else if (point == '<')
		fputs("&lt;", out);
	else if (point == '>')
		fputs("&gt;", out);
	else if (point == '&')
		fputs("&amp;", out);
	else if (point == '"')
		fputs("&quot;", out);
	else if (point == '\'')
		fputs("&#39;", out);
	else
		fwrite(bytes, 1, length, out);
}

void html_text(FILE *out, const char *text, size_t most)
{
	size_t count = count_characters(text), length;
	size_t head = count > most ? most / 2 : count;
	size_t tail = count > most ? count - (most - most / 2 - 1) : count;

	for (size_t i = 0; *text; text += length, i++) {
		int32_t point = utf8_point(text, &length);

		if (i == head && i < tail)
			fputs("\xe2\x80\xa6", out);
		if (i < head || i >= tail)
			put_character(out, text, length, point);
	}
}

void html_count(FILE *out, uint64_t count)
{
	if (count >= 1000) {
		html_count(out, count / 1000);
		fprintf(out, "\xe2\x80\xaf%03" PRIu64, count % 1000);
	} else {
		fprintf(out, "%" PRIu64, count);
	}
}

/* ---- places ---- */

static const char *hundredths(int64_t n, char text[PERCENT_TEXT])
{
	if (n % 100 == 0)
		snprintf(text, PERCENT_TEXT, "%" PRId64, n / 100);
	else if (n % 10 == 0)
		snprintf(text, PERCENT_TEXT, "%" PRId64 ".%" PRId64, n / 100, n / 10 % 10);
	else
		snprintf(text, PERCENT_TEXT, "%" PRId64 ".%02" PRId64, n / 100, n % 100);
	return text;
}

const char *share_percent(int64_t part, int64_t whole, char text[PERCENT_TEXT])
{
	return hundredths(whole > 0 ? (int64_t)((double)part / (double)whole * 10000 + 0.5) : 0, text);
}

enum { MARGIN = 50, INSIDE = 10000 - 2 * MARGIN };      /* hundredths of a per cent */

const char *axis_percent(const struct axis *axis, int64_t ns, char text[PERCENT_TEXT])
{
	double span = (double)(axis->end_ns - axis->start_ns);
	double place = span > 0 ? (double)(ns - axis->start_ns) / span : 0;

	return hundredths(MARGIN + (int64_t)(place * INSIDE + 0.5), text);
}

const char *axis_share(const struct axis *axis, int64_t length_ns, char text[PERCENT_TEXT])
{
	double span = (double)(axis->end_ns - axis->start_ns);

	return hundredths(span > 0 ? (int64_t)((double)length_ns / span * INSIDE + 0.5) : 0, text);
}

const char *axis_moment(const struct axis *axis, int64_t ns, char text[UNITS_TEXT])
{
	if (ns <= axis->begin_ns) {
		snprintf(text, UNITS_TEXT, "0");
		return text;
	}
	return units_duration_text(ns - axis->begin_ns, text);
}

/* ---- the marks of an axis ---- */

#define SECOND INT64_C(1000000000)

enum { MARKS = 8 };

/* 1, 2 or 5 and zeros below a minute, then what clocks have. */
static int64_t step_for(int64_t span_ns)
{
	static const int64_t clock[] = { 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200 };
	int64_t step_ns = 1000;

	for (unsigned i = 0; step_ns < SECOND; i++) {
		if (span_ns / step_ns <= MARKS)
			return step_ns;
		step_ns = i % 3 == 1 ? step_ns / 2 * 5 : step_ns * 2;
	}
	for (size_t i = 0; i < sizeof(clock) / sizeof(clock[0]); i++)
		if (span_ns / (clock[i] * SECOND) <= MARKS)
			return clock[i] * SECOND;
	step_ns = 86400 * SECOND;
	while (span_ns / step_ns > MARKS)
		step_ns *= 2;
	return step_ns;
}

/* As many decimals as the step has, in milliseconds for what is over within a second. */
static void decimal(FILE *out, int64_t ns, int64_t step_ns, int64_t unit_ns, const char *unit)
{
	char digits[16];
	int count = 0;

	fprintf(out, "%" PRId64, ns / unit_ns);
	snprintf(digits, sizeof(digits), "%09" PRId64, ns % unit_ns * (SECOND / unit_ns));
	for (int64_t rest_ns = unit_ns; rest_ns > step_ns; rest_ns /= 10)
		count++;
	if (count > 0)
		fprintf(out, ".%.*s", count, digits);
	fprintf(out, " %s", unit);
}

/* "1 h 05 m", "2 m 30 s", "45 s": what is nothing at the front is left out, and what all marks have as nothing at the end. */
static void clock_label(FILE *out, int64_t seconds, int64_t step)
{
	const char *gap = "";

	if (seconds >= 3600) {
		fprintf(out, "%" PRId64 " h", seconds / 3600);
		gap = " ";
	}
	if (seconds >= 60 && (step < 3600 || seconds < 3600)) {
		fprintf(out, "%s%" PRId64 " m", gap, seconds / 60 % 60);
		gap = " ";
	}
	if (step < 60)
		fprintf(out, "%s%02" PRId64 " s", gap, seconds % 60);
}

static void label(FILE *out, int64_t ns, int64_t step_ns, int64_t end_ns)
{
	if (ns == 0)
		fputc('0', out);
	else if (end_ns < SECOND)
		decimal(out, ns, step_ns, SECOND / 1000, "ms");
	else if (end_ns < 100 * SECOND || step_ns < SECOND)
		decimal(out, ns, step_ns, SECOND, "s");
	else
		clock_label(out, ns / SECOND, step_ns / SECOND);
}

static int64_t first_mark(const struct axis *axis, int64_t step_ns)
{
	int64_t from_ns = axis->start_ns - axis->begin_ns;

	return axis->begin_ns + (from_ns + step_ns - 1) / step_ns * step_ns;
}

void axis_lines(FILE *out, const struct axis *axis)
{
	int64_t step_ns = step_for(axis->end_ns - axis->start_ns);
	char x[PERCENT_TEXT];

	fputs("<g class=\"grid\">", out);
	for (int64_t at_ns = first_mark(axis, step_ns); at_ns <= axis->end_ns; at_ns += step_ns) {
		axis_percent(axis, at_ns, x);
		fprintf(out, "<line x1=\"%s%%\" x2=\"%s%%\" y2=\"100%%\"/>", x, x);
	}
	fputs("</g>\n", out);
}

/* The first and the last one would hang over the edge if they stood centred there. */
static const char *anchor(const struct axis *axis, int64_t ns)
{
	double place = (double)(ns - axis->start_ns) / (double)(axis->end_ns - axis->start_ns + 1);

	return place < 0.03 ? " class=\"first\"" : place > 0.96 ? " class=\"last\"" : "";
}

void axis_labels(FILE *out, const struct axis *axis, int y)
{
	int64_t step_ns = step_for(axis->end_ns - axis->start_ns);
	char x[PERCENT_TEXT];

	fputs("<g class=\"marks\">", out);
	for (int64_t at_ns = first_mark(axis, step_ns); at_ns <= axis->end_ns; at_ns += step_ns) {
		fprintf(out, "<text x=\"%s%%\" y=\"%d\"%s>", axis_percent(axis, at_ns, x), y, anchor(axis, at_ns));
		label(out, at_ns - axis->begin_ns, step_ns, axis->end_ns - axis->begin_ns);
		fputs("</text>", out);
	}
	fputs("</g>\n", out);
}
