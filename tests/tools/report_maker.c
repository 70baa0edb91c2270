/* SPDX-License-Identifier: MIT */
/*
 * A report of a made-up run, for tests/checks/report-browser.sh and for looking at it: report_maker FILE [JOBS [STAGES]]. A few jobs of every kind that
 * the page knows come first, one of them with an input that would break a page that trusts it.
 */
#include "records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static int fail(const char *what, int r)
{
	fprintf(stderr, "report_maker: %s: %s\n", what, strerror(-r));
	return 1;
}

static json_t *stage_of(json_t *record, size_t index)
{
	return json_array_get(json_object_get(record, "stages"), index);
}

/* Ended by a deadline: the last stage by SIGTERM, the others by SIGPIPE, as is right. */
static json_t *timed_out(uint64_t number, size_t stages)
{
	json_t *record = made_up_record(number, "slow.csv", stages, MADE_UP_START + 5000000, 240000000, 0);
	json_t *stage = stage_of(record, stages - 1);

	json_object_set_new(record, "cause", json_string("deadline"));
	json_object_set_new(record, "status", json_integer(124));
	json_object_set_new(record, "description", json_string("stage 1 'md5sum': killed by SIGTERM, deadline of 200 ms"));
	json_object_set_new(stage, "how", json_string("signalled"));
	json_object_set_new(stage, "signal", json_integer(15));
	json_object_set_new(stage, "cause", json_string("deadline"));
	return record;
}

static json_t *not_started(uint64_t number, size_t stages, const char *cause)
{
	json_t *record = made_up_record(number, "later.csv", stages, 0, 0, 0);

	json_object_set_new(record, "cause", json_string(cause));
	json_object_set_new(record, "status", json_integer(127));
	json_object_set_new(record, "description", json_string("stage 1: exec 'gzpi': No such file or directory"));
	for (size_t i = 0; i < stages; i++) {
		json_object_set_new(stage_of(record, i), "how", json_string("not started"));
		json_object_del(stage_of(record, i), "start_ns");
		json_object_del(stage_of(record, i), "end_ns");
		json_object_del(stage_of(record, i), "usage");
	}
	return record;
}

static int add(struct report *report, json_t *record)
{
	int r = report_add(report, record);

	json_decref(record);
	return r;
}

static int add_kinds(struct report *report, uint64_t number, size_t stages)
{
	static const char hostile[] = "\"><script>alert(1)</script>\xe2\x80\xae txt.exe\x1b[31m \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d";
	int r = add(report, timed_out(number, stages));

	if (r == 0)
		r = add(report, made_up_record(number + 1, hostile, stages, MADE_UP_START + 30000000, 40000000, 0));
	if (r == 0)
		r = add(report, made_up_record(number + 2, "short", stages, MADE_UP_START + 60000000, 1000, 1));
	if (r == 0)
		r = add(report, not_started(number + 3, stages, "failure"));
	return r == 0 ? add(report, not_started(number + 4, stages, "cancel")) : r;
}

int main(int argc, char **argv)
{
	size_t jobs = argc > 2 ? strtoul(argv[2], NULL, 10) : 60, stages = argc > 3 ? strtoul(argv[3], NULL, 10) : 3;
	const struct report_facts facts = {
		.title = "brood map",
		.command = "brood map -j4 'gzip -c {} | openssl enc -aes-256-ctr -pass env:PW | md5sum' ::: archive/2026/*/*.csv",
	};
	struct made_up_run run = { .done = 0 };
	struct report *report = NULL;
	int r;

	if (argc < 2 || stages == 0)
		return 2;
	r = report_new(argv[1], &report);
	if (r < 0)
		return fail(argv[1], r);
	for (size_t i = 0; r == 0 && i < jobs; i++)
		r = add(report, made_up_next(&run, stages, 4));
	if (r == 0)
		r = add_kinds(report, jobs + 1, stages);
	if (r < 0) {
		report_drop(report);
		return fail("report_add", r);
	}
	r = report_finish(report, &facts);
	return r < 0 ? fail(argv[1], r) : 0;
}
