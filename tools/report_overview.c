/* SPDX-License-Identifier: MIT */
/*
 * The run as a whole: how many jobs ran at each moment, where some failed, and how long jobs took. Of a fixed size, however many jobs there are.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "report_parts.h"

#include <inttypes.h>

enum { BINS = 240, HEIGHT = 96, TOP = 4, FAILS = 12, MARKS_ROOM = 18, PLOT = HEIGHT - TOP - FAILS - MARKS_ROOM, FEW = 4 };

struct overview {
	struct axis axis;
	double running[BINS];   /* jobs on the average */
	uint64_t failed[BINS];
	uint64_t first_failed[BINS];
	double most;
};

/* ---- collecting ---- */

static size_t bin_of(const struct overview *overview, int64_t ns)
{
	double place = (double)(ns - overview->axis.start_ns) / (double)(overview->axis.end_ns - overview->axis.start_ns) * BINS;

	return place < 0 ? 0 : place >= BINS ? BINS - 1 : (size_t)place;
}

static void add_running(struct overview *overview, int64_t start_ns, int64_t end_ns)
{
	double width = (double)(overview->axis.end_ns - overview->axis.start_ns) / BINS;
	size_t last = bin_of(overview, end_ns);

	for (size_t i = bin_of(overview, start_ns); i <= last; i++) {
		double from = (double)overview->axis.start_ns + width * (double)i, to = from + width;
		double begin = (double)start_ns > from ? (double)start_ns : from;
		double end = (double)end_ns < to ? (double)end_ns : to;

		if (end > begin)
			overview->running[i] += (end - begin) / width;
	}
}

static void add_failure(struct overview *overview, const struct brief *brief)
{
	size_t bin = bin_of(overview, brief->end_ns);

	if (overview->failed[bin]++ == 0)
		overview->first_failed[bin] = brief->id;
}

static int collect(struct overview *overview, const struct report *report)
{
	for (size_t i = 0; i < report_count(report); i++) {
		struct brief brief;
		int r = report_brief(report, i, &brief);

		if (r < 0)
			return r;
		add_running(overview, brief.start_ns, brief.end_ns);
		if (brief.look == LOOK_FAILED || brief.look == LOOK_STOPPED)
			add_failure(overview, &brief);
	}
	for (size_t i = 0; i < BINS; i++)
		if (overview->running[i] > overview->most)
			overview->most = overview->running[i];
	return 0;
}

/* ---- the run ---- */

/* Whole numbers of a grid of BINS to 1000, so that no decimal point of a locale gets in; a svg of its own stretches it. */
static void put_area(FILE *out, const struct overview *overview, int64_t top)
{
	fprintf(out, "<svg x=\"0.5%%\" width=\"99%%\" y=\"%d\" height=\"%d\" viewBox=\"0 0 %d 1000\" preserveAspectRatio=\"none\">"
		"<path class=\"area\" d=\"M0 1000", TOP, PLOT, BINS);
	for (size_t i = 0; i < BINS; i++)
		fprintf(out, "V%d H%zu", 1000 - (int)(overview->running[i] / (double)top * 1000 + 0.5), i + 1);
	fputs("V1000Z\"/></svg>\n", out);
}

static void put_failures(FILE *out, const struct overview *overview)
{
	char x[PERCENT_TEXT], moment[UNITS_TEXT];

	fputs("<g class=\"fails\">", out);
	for (size_t i = 0; i < BINS; i++) {
		int64_t at_ns = overview->axis.start_ns + (int64_t)((double)(overview->axis.end_ns - overview->axis.start_ns) / BINS * (double)i);

		if (overview->failed[i] == 0)
			continue;
		fprintf(out, "<a href=\"#bar-%" PRIu64 "\"><rect x=\"%s%%\" y=\"%d\" width=\"4\" height=\"%d\"><title>%" PRIu64
			" failed at %s</title></rect></a>", overview->first_failed[i], axis_percent(&overview->axis, at_ns, x), TOP + PLOT + 3, FAILS - 4,
			overview->failed[i], axis_moment(&overview->axis, at_ns, moment));
	}
	fputs("</g>\n", out);
}

static void put_run(FILE *out, const struct overview *overview)
{
	/* Where one job follows another the clocks of the two may overlap by some microseconds: they are not two at once. */
	int64_t top = (int64_t)(overview->most + 0.95);

	top = top > 0 ? top : 1;
	fprintf(out, "<figure>\n<figcaption>Jobs running over time, up to %" PRId64 "; red marks: jobs that failed</figcaption>\n"
		"<svg height=\"%d\" role=\"group\" aria-label=\"Jobs running over time\"><desc>An area for the number of jobs that ran at each moment, and below it "
		"a mark, which is a link, where jobs failed.</desc>\n", top, HEIGHT);
	axis_lines(out, &overview->axis);
	put_area(out, overview, top);
	fprintf(out, "<line class=\"base\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>\n", TOP + PLOT, TOP + PLOT);
	put_failures(out, overview);
	axis_labels(out, &overview->axis, HEIGHT - 5);
	fputs("</svg>\n</figure>\n", out);
}

/* ---- how long jobs took ---- */

enum { BARS = 30 };

/* From the shortest to the longest, evenly on a logarithmic scale: bins of totals, some to a bar. */
static size_t gather(const struct totals *totals, uint64_t bars[BARS])
{
	size_t first = DURATION_BINS, last = 0, each, used = 0;

	for (size_t i = 0; i < DURATION_BINS; i++) {
		if (totals->durations[i] == 0)
			continue;
		first = first < i ? first : i;
		last = i;
	}
	if (first > last)
		return 0;
	each = (last - first) / BARS + 1;
	for (size_t i = first; i <= last; i++) {
		bars[(i - first) / each] += totals->durations[i];
		used = (i - first) / each + 1;
	}
	return used;
}

static void put_bars(FILE *out, const uint64_t bars[BARS], size_t used)
{
	uint64_t most = 1;

	for (size_t i = 0; i < used; i++)
		most = bars[i] > most ? bars[i] : most;
	fprintf(out, "<svg y=\"%d\" height=\"%d\" viewBox=\"0 0 %zu 1000\" preserveAspectRatio=\"none\"><path class=\"bins\" d=\"", TOP, PLOT + FAILS, used * 10);
	for (size_t i = 0; i < used; i++) {
		uint64_t height = bars[i] * 1000 / most;

		if (bars[i] > 0)
			fprintf(out, "M%zu 1000v-%" PRIu64 "h9V1000z", i * 10, height > 20 ? height : 20);
	}
	fputs("\"/></svg>\n", out);
}

static void put_durations(FILE *out, const struct totals *totals)
{
	uint64_t bars[BARS] = { 0 };
	size_t used = gather(totals, bars);
	char a[UNITS_TEXT], b[UNITS_TEXT];

	fprintf(out, "<figure>\n<figcaption>Durations: half up to %s, ", units_duration_text(totals_quantile(totals, 50), a));
	fprintf(out, "95 %% up to %s</figcaption>\n", units_duration_text(totals_quantile(totals, 95), b));
	fprintf(out, "<svg height=\"%d\" role=\"img\" aria-label=\"How long jobs took\"><desc>Bars for how many jobs took how long, on a logarithmic scale from %s "
		"to %s.</desc>\n", HEIGHT, units_duration_text(totals->shortest_ns, a), units_duration_text(totals->longest_ns, b));
	put_bars(out, bars, used);
	fprintf(out, "<line class=\"base\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>\n", TOP + PLOT + FAILS, TOP + PLOT + FAILS);
	fprintf(out, "<g class=\"marks\"><text class=\"first\" y=\"%d\">%s</text><text class=\"last\" x=\"100%%\" y=\"%d\">%s</text></g></svg>\n</figure>\n",
		HEIGHT - 5, a, HEIGHT - 5, b);
}

/* Of one job or two the time line shows more than this would. */
int page_overview(FILE *out, const struct report *report)
{
	const struct totals *totals = report_totals(report);
	struct overview overview = { .axis = { totals->start_ns, totals->start_ns, totals->end_ns } };
	int r;

	if (report_count(report) < FEW || totals->end_ns <= totals->start_ns)
		return 0;
	r = collect(&overview, report);
	if (r < 0)
		return r;
	fputs("<section aria-labelledby=\"run\">\n<h2 id=\"run\">The run</h2>\n<div class=\"whole\">\n", out);
	put_run(out, &overview);
	put_durations(out, totals);
	fputs("</div>\n</section>\n", out);
	return 0;
}
