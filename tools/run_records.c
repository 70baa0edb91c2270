/* SPDX-License-Identifier: MIT */
/*
 * One record, written to up to three places. One that fails keeps none of the others from being written; the first error counts.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "run_records.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"
#include "jsontext.h"
#include "openfile.h"
#include "record.h"
#include "report.h"
#include "say.h"
#include "trace.h"
#include "whole.h"

struct run_records {
	const struct run_settings *settings;
	int json_fd;            /* -1: none */
	struct report *report;
	struct trace *trace;
};

static int failed(const char *option, const char *path, int r)
{
	say("%s: '%s': %s", option, path, strerror(-r));
	return r;
}

static int open_json(struct run_records *records, const char *path)
{
	if (!path)
		return 0;
	if (*path == '\0')
		records->json_fd = STDERR_FILENO;
	else
		records->json_fd = openfile(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, 0666);
	return records->json_fd < 0 ? failed("--json", path, records->json_fd) : 0;
}

int run_records_new(const struct run_settings *settings, struct run_records **ret_records)
{
	struct run_records *records = calloc(1, sizeof *records);
	int r;

	if (!records) {
		say("out of memory");
		return -ENOMEM;
	}
	records->settings = settings;
	records->json_fd = -1;
	r = open_json(records, settings->json);
	if (r == 0 && settings->report) {
		r = report_new(settings->report, &records->report);
		if (r < 0)
			failed("--report", settings->report, r);
	}
	if (r == 0 && settings->trace) {
		r = trace_new(settings->trace, &records->trace);
		if (r < 0)
			failed("--trace", settings->trace, r);
	}
	if (r == 0) {
		*ret_records = records;
		records = NULL;
	}
	run_records_free(records);
	return r;
}

static int write_json(int fd, const json_t *record)
{
	char *text = jsontext_new(record, JSON_COMPACT | RECORD_REALS);
	size_t size = text ? strlen(text) : 0;
	int r = -ENOMEM;

	if (text) {
		text[size] = '\n';
		r = write_whole(fd, text, size + 1);
	}
	free(text);
	return r;
}

static int write_report(struct run_records *records, const json_t *record, const char *command)
{
	const struct report_facts facts = { .title = "brood run", .command = command };
	int r;

	if (!records->report)
		return 0;
	report_add(records->report, record);
	r = report_finish(records->report, &facts);
	records->report = NULL;
	return r < 0 ? failed("--report", records->settings->report, r) : 0;
}

static int write_trace(struct run_records *records, const json_t *record)
{
	int r;

	if (!records->trace)
		return 0;
	trace_add(records->trace, record);
	r = trace_finish(records->trace);
	records->trace = NULL;
	return r < 0 ? failed("--trace", records->settings->trace, r) : 0;
}

/* The record's status is what a shell sees of us: a chain that was cut by --limit-output is 125 there as here. */
static json_t *make_record(const char *command, const brood_result *result, int status)
{
	const struct job_facts facts = { .command = command, .tries = 1, .result = result };
	json_t *record = command ? record_new(&facts) : NULL;

	if (record && json_object_set_new(record, "status", json_integer(status)) < 0) {
		json_decref(record);
		return NULL;
	}
	return record;
}

int run_records_write(struct run_records *records, const brood_command *cmd, const brood_result *result, int status)
{
	char *command = NULL;
	json_t *record = NULL;
	int r = 0, s;

	if (records->json_fd < 0 && !records->report && !records->trace)
		return 0;
	command = chain_words(cmd);
	record = make_record(command, result, status);
	if (!record) {
		say("out of memory");
		r = -ENOMEM;
		goto out;
	}
	if (records->json_fd >= 0)
		r = write_json(records->json_fd, record);
	if (r < 0)
		failed("--json", records->settings->json, r);
	s = write_report(records, record, command);
	if (r == 0)
		r = s;
	s = write_trace(records, record);
	if (r == 0)
		r = s;
out:
	json_decref(record);
	free(command);
	return r;
}

void run_records_free(struct run_records *records_take)
{
	if (!records_take)
		return;
	if (records_take->json_fd > STDERR_FILENO)
		close(records_take->json_fd);
	report_drop(records_take->report);
	trace_finish(records_take->trace);
	free(records_take);
}
