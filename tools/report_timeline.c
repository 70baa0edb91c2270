/* SPDX-License-Identifier: MIT */
/*
 * The time line: a row for each job, a bar for each of its stages, in parts of PART jobs. A part is folded up but for the first, has an axis over its own
 * time, and a table with what the bars say: on paper, to a screen reader and on a telephone there are no tooltips.
 *
 * Places are percentages: a part fills the window, whatever its width. Only rows have a height in pixels, so that the labels, which
 * are HTML for the sake of their ellipsis, stay beside their bars.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "report_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PART = 200, STAGE_COLOURS = 6, LABEL_SHOWN = 29, NAME_SHOWN = 40, INPUT_SHOWN = 160 };

struct part {
	const struct report *report;
	struct job jobs[PART];
	size_t count;
	size_t index;           /* of the first, in the order of starts */
	struct axis axis;
	uint64_t failed;
	unsigned height;        /* of the first row, which most others have as well */
	bool is_lone;           /* one chain alone: a row for each stage, there is room */
};

/* ---- looks ---- */

static const char *look_class(enum look look)
{
	return look == LOOK_FAILED ? "x" : look == LOOK_STOPPED ? "y" : "n";
}

/* A mark in text, for where there is no bar to be striped. */
static const char *look_mark(enum look look)
{
	return look == LOOK_OK ? "" : look == LOOK_FAILED ? "\xe2\x9c\x97" : look == LOOK_STOPPED ? "\xe2\x96\xa0" : "\xe2\x80\x93";
}

static unsigned bar_height(size_t stages)
{
	return stages <= 1 ? 12 : stages == 2 ? 8 : stages == 3 ? 6 : 5;
}

static unsigned row_height(size_t stages)
{
	unsigned height = (unsigned)stages * (bar_height(stages) + 1) + 7;

	return height > 22 ? height : 22;
}

/* ---- bars ---- */

static bool never_ran(const struct stage *stage)
{
	return !json_object_get(stage->json, "start_ns");
}

/* "openssl: exit 0, 12 ms, 1.1 ms CPU, 5.6 MiB" */
static void stage_words(FILE *out, const struct stage *stage)
{
	char text[UNITS_TEXT];

	html_text(out, stage->name, NAME_SHOWN);
	stage_result(stage, text, sizeof(text));
	fprintf(out, ": %s", text);
	if (never_ran(stage))
		return;
	fprintf(out, ", %s", units_duration_text(stage->end_ns - stage->start_ns, text));
	if (!json_object_get(stage->json, "usage"))
		return;
	fprintf(out, ", %s CPU", units_duration_text(stage->cpu_ns, text));
	fprintf(out, ", %s", units_size_text((uint64_t)stage->memory, text));
}

/* Three thousandths of a window are a few pixels; what is shorter says its width itself, where the browser can: 2 pixels at least. */
static void put_width(FILE *out, const struct axis *axis, const struct stage *stage)
{
	int64_t length_ns = stage->end_ns - stage->start_ns;
	char width[PERCENT_TEXT];

	axis_share(axis, length_ns, width);
	if (length_ns > (axis->end_ns - axis->start_ns) / 1000 * 3)
		fprintf(out, "width=\"%s%%\"", width);
	else
		fprintf(out, "width=\"2\" style=\"width:max(2px,%s%%)\"", width);
}

static void put_bar(FILE *out, const struct part *part, const struct job *job, size_t index, unsigned y, unsigned height)
{
	struct stage stage = job_stage(job, index);
	const char colour[2] = { (char)('a' + index % STAGE_COLOURS), '\0' };
	char text[PERCENT_TEXT];

	fprintf(out, "<rect class=\"%s\" x=\"%s%%\" y=\"%u\" height=\"%u\" ", stage.look == LOOK_OK ? colour : look_class(stage.look),
		axis_percent(&part->axis, stage.start_ns, text), y, height);
	put_width(out, &part->axis, &stage);
	fputs("><title>", out);
	stage_words(out, &stage);
	fputs("</title></rect>", out);
}

/* What went wrong stands beside the bars, on the side where there is room. */
static void put_result(FILE *out, const struct part *part, enum look look, const char *words, int64_t start_ns, int64_t end_ns, unsigned y)
{
	int64_t span_ns = part->axis.end_ns - part->axis.start_ns;
	bool is_left = end_ns - part->axis.start_ns > span_ns / 5 * 4 && start_ns - part->axis.start_ns > span_ns / 5;
	bool is_inside = !is_left && end_ns - part->axis.start_ns > span_ns / 10 * 9;
	char x[PERCENT_TEXT];

	axis_percent(&part->axis, is_left ? start_ns : end_ns, x);
	fprintf(out, "<text class=\"w%s%s\" x=\"%s%%\" dx=\"%d\" y=\"%u\">%s</text>", look_class(look), is_left || is_inside ? " left" : "", x,
		is_left || is_inside ? -6 : 6, y, words);
}

static void put_job_result(FILE *out, const struct part *part, const struct job *job, unsigned y)
{
	char words[UNITS_TEXT];

	if (job->look != LOOK_FAILED && job->look != LOOK_STOPPED)
		return;
	job_result(job, words, sizeof(words));
	put_result(out, part, job->look, words, job->start_ns, job->end_ns, y);
}

static void put_row(FILE *out, const struct part *part, const struct job *job, unsigned top)
{
	unsigned height = row_height(job->stage_count), step = bar_height(job->stage_count) + 1;
	unsigned y = top + (height - (unsigned)job->stage_count * step + 1) / 2;

	if (job->stage_count > 0)
		fprintf(out, "<a href=\"#job-%" PRIu64 "\" tabindex=\"-1\">", job->id);
	for (size_t i = 0; i < job->stage_count; i++)
		put_bar(out, part, job, i, y + (unsigned)i * step, step - 1);
	if (job->stage_count > 0)
		fputs("</a>", out);
	put_job_result(out, part, job, top + height / 2 + 4);
	fputc('\n', out);
}

/* Every second row stands on the page's own ground: one path for all. */
static void put_zebra(FILE *out, const struct part *part)
{
	unsigned top = 0;

	fputs("<path class=\"zebra\" d=\"", out);
	for (size_t i = 0; i < part->count; i++) {
		unsigned height = row_height(part->jobs[i].stage_count);

		if (i % 2 == 1)
			fprintf(out, "M0 %uh9999v%uH0z", top, height);
		top += height;
	}
	fputs("\"/>\n", out);
}

static void put_bars(FILE *out, const struct part *part)
{
	unsigned top = 0;

	for (size_t i = 0; i < part->count; i++)
		top += row_height(part->jobs[i].stage_count);
	fprintf(out, "<svg height=\"%u\" role=\"group\" aria-label=\"Time line\"><desc>A bar for every stage of every job; the table below says the same.</desc>\n", top);
	put_zebra(out, part);
	axis_lines(out, &part->axis);
	top = 0;
	for (size_t i = 0; i < part->count; i++) {
		put_row(out, part, &part->jobs[i], top);
		top += row_height(part->jobs[i].stage_count);
	}
	fputs("</svg>\n", out);
}

/* ---- labels ---- */

static void put_label(FILE *out, const struct part *part, const struct job *job)
{
	unsigned height = row_height(job->stage_count);

	fprintf(out, "<a id=\"bar-%" PRIu64 "\" href=\"#job-%" PRIu64 "\"", job->id, job->id);
	if (height != part->height)
		fprintf(out, " style=\"--h:%upx\"", height);
	if (job->look != LOOK_OK)
		fprintf(out, " class=\"%s\"", look_class(job->look));
	fputs("><span>", out);
	if (job->look != LOOK_OK)
		fprintf(out, "<b>%s</b>", look_mark(job->look));
	if (job->number > 0)
		fprintf(out, "%" PRId64, job->number);
	fputs("</span><code>", out);
	html_text(out, *job->input || job->number > 0 ? job->input : job->command, LABEL_SHOWN);
	fputs("</code></a>\n", out);
}

/* ---- one chain alone ---- */

static void put_stage_labels(FILE *out, const struct job *job)
{
	for (size_t i = 0; i < job->stage_count; i++) {
		struct stage stage = job_stage(job, i);

		fprintf(out, "<a id=\"bar-%zu\" href=\"#stage-%zu\"", i + 1, i + 1);
		if (stage.look != LOOK_OK)
			fprintf(out, " class=\"%s\"", look_class(stage.look));
		fprintf(out, "><span><b>%s</b>%zu</span><code>", look_mark(stage.look), i + 1);
		html_text(out, stage.name, LABEL_SHOWN);
		fputs("</code></a>\n", out);
	}
}

static void put_stage_rows(FILE *out, const struct part *part, const struct job *job)
{
	unsigned height = row_height(1), size = bar_height(1);

	fprintf(out, "<svg height=\"%u\" role=\"group\" aria-label=\"Time line\"><desc>A bar for every stage; the table below says the same.</desc>\n",
		height * (unsigned)job->stage_count);
	axis_lines(out, &part->axis);
	for (size_t i = 0; i < job->stage_count; i++) {
		struct stage stage = job_stage(job, i);
		unsigned top = height * (unsigned)i;
		char text[UNITS_TEXT];

		fprintf(out, "<a href=\"#stage-%zu\" tabindex=\"-1\">", i + 1);
		put_bar(out, part, job, i, top + (height - size) / 2, size);
		fputs("</a>", out);
		stage_result(&stage, text, sizeof(text));
		if (stage.look != LOOK_OK)
			put_result(out, part, stage.look, text, stage.start_ns, stage.end_ns, top + height / 2 + 4);
		fputc('\n', out);
	}
	fputs("</svg>\n", out);
}

static void put_rows(FILE *out, const struct part *part)
{
	fputs("<div class=\"l\">\n", out);
	if (part->is_lone)
		put_stage_labels(out, &part->jobs[0]);
	for (size_t i = 0; i < part->count && !part->is_lone; i++)
		put_label(out, part, &part->jobs[i]);
	fputs("</div>\n", out);
	if (part->is_lone)
		put_stage_rows(out, part, &part->jobs[0]);
	else
		put_bars(out, part);
}

static void put_chart(FILE *out, const struct part *part)
{
	fprintf(out, "<div class=\"axis\"><div>%s</div><svg height=\"24\" aria-hidden=\"true\">", part->is_lone ? "Stage" : "Job and input");
	axis_labels(out, &part->axis, 16);
	fprintf(out, "</svg></div>\n<div class=\"rows\" style=\"--h:%upx\">", part->height);
	put_rows(out, part);
	fputs("</div>\n", out);
}

/* ---- the table ---- */

static void put_ending(FILE *out, enum look look, const char *words)
{
	if (look == LOOK_OK)
		fprintf(out, "<td>%s", words);
	else
		fprintf(out, "<td class=\"%s\">%s %s", look_class(look), look_mark(look), words);
}

static void put_job_ending(FILE *out, const struct job *job)
{
	char words[UNITS_TEXT];

	job_result(job, words, sizeof(words));
	put_ending(out, job->look, words);
	if (job->tries > 1)
		fprintf(out, ", %" PRId64 " tries", job->tries);
}

static void put_numbers(FILE *out, const struct part *part, const struct job *job)
{
	char text[UNITS_TEXT];

	fprintf(out, "<td class=\"r\">%s", axis_moment(&part->axis, job->start_ns, text));
	fprintf(out, "<td class=\"r\">%s", units_duration_text(job->end_ns - job->start_ns, text));
	fprintf(out, "<td class=\"r\">%s", units_duration_text(job->cpu_ns, text));
	fprintf(out, "<td class=\"r\">%s", units_size_text((uint64_t)job->memory, text));
	fprintf(out, "<td class=\"r\">%s", units_size_text((uint64_t)job->bytes_out, text));
}

/* End tags that HTML lets one leave out are left out here: ten thousand rows of them are a megabyte. */
static void put_details(FILE *out, const struct part *part, const struct job *job)
{
	fprintf(out, "<tr id=\"job-%" PRIu64 "\"><th scope=\"row\"><a href=\"#bar-%" PRIu64 "\">", job->id, job->id);
	if (job->number > 0)
		fprintf(out, "%" PRId64, job->number);
	else
		fputs("job", out);
	fputs("</a><td><code>", out);
	html_text(out, *job->input || job->number > 0 ? job->input : job->command, INPUT_SHOWN);
	fputs("</code>", out);
	put_job_ending(out, job);
	put_numbers(out, part, job);
	fputs("<td class=\"s\">", out);
	for (size_t i = 0; i < job->stage_count; i++) {
		struct stage stage = job_stage(job, i);

		if (i > 0)
			fputs("<br>", out);
		stage_words(out, &stage);
	}
	fputc('\n', out);
}

static void put_heads(FILE *out, const char *const *heads, size_t texts, size_t count)
{
	fputs("<div class=\"part\"><table>\n<thead><tr>", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "<th scope=\"col\"%s>%s", i < texts ? "" : " class=\"r\"", heads[i]);
}

static void put_table(FILE *out, const struct part *part)
{
	static const char *const heads[] = { "Job", "Input", "Ended", "Start", "Took", "CPU", "Memory", "Output" };

	put_heads(out, heads, 3, 8);
	fputs("<th scope=\"col\">Stages</thead>\n<tbody>\n", out);
	for (size_t i = 0; i < part->count; i++)
		put_details(out, part, &part->jobs[i]);
	fputs("</tbody></table></div>\n", out);
}

static void put_stage_details(FILE *out, const struct part *part, const struct job *job, size_t index)
{
	struct stage stage = job_stage(job, index);
	char text[UNITS_TEXT];

	fprintf(out, "<tr id=\"stage-%zu\"><th scope=\"row\"><a href=\"#bar-%zu\">%zu</a><td><code>", index + 1, index + 1, index + 1);
	html_text(out, stage.name, INPUT_SHOWN);
	fputs("</code>", out);
	stage_result(&stage, text, sizeof(text));
	put_ending(out, stage.look, text);
	fprintf(out, "<td class=\"r\">%s", axis_moment(&part->axis, stage.start_ns, text));
	fprintf(out, "<td class=\"r\">%s", units_duration_text(stage.end_ns - stage.start_ns, text));
	fprintf(out, "<td class=\"r\">%s", units_duration_text(stage.cpu_ns, text));
	fprintf(out, "<td class=\"r\">%s\n", units_size_text((uint64_t)stage.memory, text));
}

static void put_stage_table(FILE *out, const struct part *part)
{
	static const char *const heads[] = { "Stage", "Name", "Ended", "Start", "Took", "CPU", "Memory" };
	const struct job *job = &part->jobs[0];

	put_heads(out, heads, 3, 7);
	fputs("</thead>\n<tbody>\n", out);
	for (size_t i = 0; i < job->stage_count; i++)
		put_stage_details(out, part, job, i);
	fputs("</tbody></table></div>\n", out);
}

/* ---- parts ---- */

static void part_done(struct part *part)
{
	for (size_t i = 0; i < part->count; i++)
		job_done(&part->jobs[i]);
	part->count = 0;
}

static void stretch(struct part *part, const struct job *job)
{
	if (job->start_ns < part->axis.start_ns)
		part->axis.start_ns = job->start_ns;
	if (job->end_ns > part->axis.end_ns)
		part->axis.end_ns = job->end_ns;
	part->failed += job->look == LOOK_FAILED || job->look == LOOK_STOPPED;
}

static int part_read(struct part *part)
{
	size_t all = report_count(part->report);

	part->failed = 0;
	part->axis = (struct axis){ report_totals(part->report)->start_ns, INT64_MAX, INT64_MIN };
	while (part->count < PART && part->index + part->count < all) {
		struct job *job = &part->jobs[part->count];
		int r = report_job(part->report, part->index + part->count, job);

		if (r < 0)
			return r;
		part->count++;
		stretch(part, job);
	}
	part->is_lone = report_is_lone(part->report);
	part->height = row_height(part->is_lone ? 1 : part->jobs[0].stage_count);
	return 0;
}

/* Where in the whole run this part lies. */
static void put_place(FILE *out, const struct part *part)
{
	const struct totals *totals = report_totals(part->report);
	int64_t whole_ns = totals->end_ns - totals->start_ns;
	char left[PERCENT_TEXT], width[PERCENT_TEXT];

	fprintf(out, "<span class=\"where\" aria-hidden=\"true\"><i style=\"left:%s%%;width:%s%%\"></i></span>",
		share_percent(part->axis.start_ns - totals->start_ns, whole_ns, left),
		share_percent(part->axis.end_ns - part->axis.start_ns, whole_ns, width));
}

static void put_summary(FILE *out, const struct part *part)
{
	char from[UNITS_TEXT], to[UNITS_TEXT];

	fprintf(out, "<summary><b>%zu to %zu</b><span class=\"dim\">of ", part->index + 1, part->index + part->count);
	html_count(out, report_count(part->report));
	fprintf(out, ", %s to %s</span>", axis_moment(&part->axis, part->axis.start_ns, from), axis_moment(&part->axis, part->axis.end_ns, to));
	if (part->failed > 0)
		fprintf(out, "<span class=\"x\">\xe2\x9c\x97 %" PRIu64 " failed</span>", part->failed);
	put_place(out, part);
	fputs("</summary>\n", out);
}

static void put_part(FILE *out, const struct part *part)
{
	bool is_whole = part->count == report_count(part->report);

	fputs(is_whole ? "<div>\n" : part->index == 0 ? "<details open>\n" : "<details>\n", out);
	if (!is_whole)
		put_summary(out, part);
	put_chart(out, part);
	if (part->is_lone)
		put_stage_table(out, part);
	else
		put_table(out, part);
	fputs(is_whole ? "</div>\n" : "</details>\n", out);
}

/* ---- the whole ---- */

static void put_key(FILE *out, const char *class, const char *text)
{
	fprintf(out, "<li><svg aria-hidden=\"true\"><rect class=\"%s\" x=\"1\" y=\"1\" width=\"20\" height=\"8\"/></svg>", class);
	html_text(out, text, NAME_SHOWN);
	fputs("</li>\n", out);
}

static void put_legend(FILE *out, const struct report *report)
{
	const struct totals *totals = report_totals(report);
	size_t named = report_is_lone(report) ? 0 : totals->most_stages;

	fputs("<ul class=\"key\" aria-label=\"What bars look like\">\n", out);
	for (size_t i = 0; i < named && i < STAGE_COLOURS; i++) {
		const char class[2] = { (char)('a' + i), '\0' };

		put_key(out, class, totals->stage_names[i]);
	}
	put_key(out, "x", "failed");
	put_key(out, "y", "stopped: deadline, limit, cancelled");
	put_key(out, "n", "not started");
	fputs("</ul>\n", out);
}

int page_timeline(FILE *out, const struct report *report)
{
	struct part *part;
	int r = 0;

	if (report_count(report) == 0)
		return 0;
	part = calloc(1, sizeof(*part));
	if (!part)
		return -ENOMEM;
	part->report = report;
	fputs("<section aria-labelledby=\"timeline\">\n<h2 id=\"timeline\">Time line</h2>\n", out);
	put_legend(out, report);
	for (; r == 0 && !ferror(out) && part->index < report_count(report); part->index += PART) {
		r = part_read(part);
		if (r == 0)
			put_part(out, part);
		part_done(part);
	}
	fputs("</section>\n", out);
	free(part);
	return r;
}
