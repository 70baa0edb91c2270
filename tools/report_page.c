/* SPDX-License-Identifier: MIT */
/*
 * The top of the report: what ran, when, how it ended, the tiles with the sums, and the table of what failed. And its end.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "report_parts.h"

#include <brood.h>
#include <inttypes.h>
#include <string.h>

enum { FAILURES_SHOWN = 500, COMMAND_SHOWN = 4000, TEXT_SHOWN = 300 };

/* ---- the head ---- */

/* A page that can load and run nothing, whatever got into it. */
static void head(FILE *out, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>", out);
	html_text(out, title, TEXT_SHOWN);
	fputs(": report</title>\n<style>\n", out);
	fputs(report_style, out);
	fputs("</style>\n</head>\n<body>\n", out);
}

/* What bars are filled with that are not plain; once for the whole page. Not display:none, which would take the patterns away with it. */
static void patterns(FILE *out)
{
	fputs("<svg width=\"0\" height=\"0\" style=\"position:absolute;width:0\" aria-hidden=\"true\"><defs>"
	      "<pattern id=\"striped\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
	      "<rect width=\"5\" height=\"5\"/><path d=\"M0 0V5\"/></pattern>"
	      "<pattern id=\"dotted\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\"><rect width=\"4\" height=\"4\"/>"
	      "<circle cx=\"2\" cy=\"2\" r=\"1.1\"/></pattern></defs></svg>\n", out);
}

static uint64_t not_run(const struct totals *totals, const struct report_facts *facts)
{
	uint64_t known = totals->jobs + facts->skipped;

	return totals->never + (facts->given > known ? facts->given - known : 0);
}

static void badge(FILE *out, const struct totals *totals, const struct report_facts *facts)
{
	if (totals->failed > 0)
		fputs("<b class=\"x\">\xe2\x9c\x97 failed</b>", out);
	else if (not_run(totals, facts) > 0 || facts->ending)
		fputs("<b class=\"y\">\xe2\x96\xa0 incomplete</b>", out);
	else
		fputs("<b class=\"ok\">\xe2\x9c\x93 ok</b>", out);
}

/* "2026-11-20T12:00:00.123456Z" as "2026-11-20 12:00:00 UTC". */
static void when(FILE *out, const struct totals *totals)
{
	char took[UNITS_TEXT];

	if (totals->start_ns == 0) {
		fputs("Nothing was started", out);
		return;
	}
	fputs("Started ", out);
	if (strlen(totals->started) > 19 && totals->started[10] == 'T')
		fprintf(out, "%.10s %.8s UTC, took ", totals->started, totals->started + 11);
	fputs(units_duration_text(totals->end_ns - totals->start_ns, took), out);
}

static void headline(FILE *out, const struct totals *totals, const struct report_facts *facts)
{
	fputs("<header>\n<h1>", out);
	html_text(out, facts->title ? facts->title : "brood", TEXT_SHOWN);
	badge(out, totals, facts);
	fputs("</h1>\n", out);
	if (facts->command) {
		fputs("<pre><code>", out);
		html_text(out, facts->command, COMMAND_SHOWN);
		fputs("</code></pre>\n", out);
	}
	fputs("<p class=\"dim\">", out);
	when(out, totals);
	if (facts->ending) {
		fputs(" \xc2\xb7 <b class=\"x\">", out);
		html_text(out, facts->ending, TEXT_SHOWN);
		fputs("</b>", out);
	}
	fputs("</p>\n</header>\n", out);
}

/* ---- tiles ---- */

static void tile_count(FILE *out, const char *name, uint64_t count, const char *class)
{
	fprintf(out, "<div><dt>%s</dt><dd class=\"%s\">", name, count ? class : "none");
	html_count(out, count);
	fputs("</dd></div>\n", out);
}

static void tile_text(FILE *out, const char *name, const char *text)
{
	fprintf(out, "<div><dt>%s</dt><dd>%s</dd></div>\n", name, text);
}

/* Processor time over wall time, in tenths. */
static void tile_busy(FILE *out, const struct totals *totals)
{
	int64_t took_ns = totals->end_ns - totals->start_ns;
	int64_t tenths = took_ns > 0 ? (int64_t)((double)totals->cpu_ns / (double)took_ns * 10 + 0.5) : 0;

	fprintf(out, "<div><dt>processors busy</dt><dd>%" PRId64 ".%" PRId64 "</dd></div>\n", tenths / 10, tenths % 10);
}

static void tile_slowest(FILE *out, const struct totals *totals)
{
	char took[UNITS_TEXT];

	if (totals->longest_id == 0)
		fputs("<div><dt>slowest job</dt><dd class=\"none\">\xe2\x80\x93</dd></div>\n", out);
	else
		fprintf(out, "<div><dt>slowest job</dt><dd><a href=\"#job-%" PRIu64 "\">%s</a></dd></div>\n", totals->longest_id,
			units_duration_text(totals->longest_ns, took));
}

static void tiles(FILE *out, const struct totals *totals, const struct report_facts *facts)
{
	char text[UNITS_TEXT];

	fputs("<dl>\n", out);
	tile_count(out, "jobs", facts->given ? facts->given : totals->jobs + facts->skipped, "");
	tile_count(out, "ok", totals->ok, "");
	tile_count(out, "failed", totals->failed, "x");
	tile_count(out, "not run", not_run(totals, facts), "y");
	tile_count(out, "skipped", facts->skipped, "");
	tile_count(out, "retried", totals->retried, "y");
	tile_text(out, "processor time", units_duration_text(totals->cpu_ns, text));
	tile_busy(out, totals);
	tile_text(out, "peak memory of a stage", units_size_text((uint64_t)totals->memory, text));
	tile_text(out, "to stdout", units_size_text(totals->bytes_out, text));
	tile_text(out, "to stderr", units_size_text(totals->bytes_err, text));
	tile_slowest(out, totals);
	fputs("</dl>\n", out);
}

/* For one chain alone: why it is no success, and six tiles. What it wrote to our own standard output nobody has counted. */
static void lone_tiles(FILE *out, const struct totals *totals, const struct job *job)
{
	char text[UNITS_TEXT];

	if (job->look != LOOK_OK) {
		fputs("<p class=\"x\">", out);
		html_text(out, job->description, TEXT_SHOWN);
		fputs("</p>\n", out);
	}
	fputs("<dl>\n", out);
	job_result(job, text, sizeof(text));
	tile_text(out, "ended", text);
	tile_text(out, "took", units_duration_text(job->end_ns - job->start_ns, text));
	tile_count(out, "stages", job->stage_count, "");
	tile_text(out, "processor time", units_duration_text(totals->cpu_ns, text));
	tile_busy(out, totals);
	tile_text(out, "peak memory of a stage", units_size_text((uint64_t)totals->memory, text));
	fputs("</dl>\n", out);
}

int page_begin(FILE *out, const struct report *report, const struct report_facts *facts)
{
	const struct totals *totals = report_totals(report);
	struct job job;
	int r = 0;

	head(out, facts->title ? facts->title : "brood");
	patterns(out);
	headline(out, totals, facts);
	fputs("<main>\n", out);
	if (!report_is_lone(report)) {
		tiles(out, totals, facts);
		return 0;
	}
	r = report_job(report, 0, &job);
	if (r < 0)
		return r;
	lone_tiles(out, totals, &job);
	job_done(&job);
	return 0;
}

/* ---- what failed ---- */

static void failure_row(FILE *out, const struct job *job)
{
	char text[UNITS_TEXT];

	job_result(job, text, sizeof(text));
	fprintf(out, "<tr><th scope=\"row\"><a href=\"#bar-%" PRIu64 "\">", job->id);
	if (job->number > 0)
		fprintf(out, "%" PRId64, job->number);
	else
		fputs("job", out);
	fprintf(out, "</a></th><td class=\"%s\">%s %s</td>", job->look == LOOK_STOPPED ? "y" : "x", job->look == LOOK_STOPPED ? "\xe2\x96\xa0" : "\xe2\x9c\x97",
		text);
	fprintf(out, "<td class=\"r\">%" PRId64 "</td><td><code>", (int64_t)json_integer_value(json_object_get(job->record, "status")));
	html_text(out, job->input, 120);
	fputs("</code></td><td>", out);
	html_text(out, job->description, TEXT_SHOWN);
	fputs("</td><td><code>", out);
	html_text(out, job->command, TEXT_SHOWN);
	fputs("</code></td></tr>\n", out);
}

static int failure_rows(FILE *out, const struct report *report)
{
	size_t shown = 0;

	for (size_t i = 0; i < report_count(report) && shown < FAILURES_SHOWN; i++) {
		struct brief brief;
		struct job job;
		int r = report_brief(report, i, &brief);

		if (r < 0)
			return r;
		if (brief.look == LOOK_OK || brief.look == LOOK_NEVER)
			continue;
		r = report_job(report, i, &job);
		if (r < 0)
			return r;
		failure_row(out, &job);
		job_done(&job);
		shown++;
	}
	return 0;
}

int page_failures(FILE *out, const struct report *report)
{
	uint64_t failed = report_totals(report)->failed;
	int r;

	if (failed == 0 || report_is_lone(report))
		return 0;
	fputs("<section aria-labelledby=\"failed\">\n<h2 id=\"failed\">Failed jobs</h2>\n"
	      "<div class=\"box\" tabindex=\"0\" role=\"region\" aria-labelledby=\"failed\"><table>\n<thead><tr><th scope=\"col\">Job</th>"
	      "<th scope=\"col\">Ended</th><th scope=\"col\" class=\"r\">Status</th><th scope=\"col\">Input</th><th scope=\"col\">Why</th>"
	      "<th scope=\"col\">Command</th></tr></thead>\n<tbody>\n", out);
	r = failure_rows(out, report);
	fputs("</tbody>\n</table></div>\n", out);
	if (failed > FAILURES_SHOWN) {
		fputs("<p class=\"dim\">and ", out);
		html_count(out, failed - FAILURES_SHOWN);
		fputs(" more, in the time line</p>\n", out);
	}
	fputs("</section>\n", out);
	return r;
}

void page_end(FILE *out)
{
	fputs("</main>\n<footer>brood ", out);
	html_text(out, brood_version(), 40);
	fputs("</footer>\n</body>\n</html>\n", out);
}
