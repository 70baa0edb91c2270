/* SPDX-License-Identifier: MIT */
/*
 * A result as one JSON object. Members are added over time, never renamed.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/result.h"

#include <stdlib.h>

#include "base/json.h"

static const char *const how_words[] = {
	[BROOD_NOT_STARTED] = "not started", [BROOD_RUNNING] = "running", [BROOD_EXITED] = "exited",
	[BROOD_SIGNALLED] = "signalled",     [BROOD_LOST] = "lost",
};

static const char *const cause_words[] = {
	[BROOD_BY_ITSELF] = "itself",    [BROOD_BY_STOP] = "stop",       [BROOD_BY_DEADLINE] = "deadline",
	[BROOD_BY_OVERFLOW] = "overflow", [BROOD_BY_FAILURE] = "failure", [BROOD_BY_CANCEL] = "cancel",
};

static double seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static void write_usage(struct json *json, const struct stage_end *end)
{
	if (!end->has_usage)
		return;
	json_put_object(json, "usage");
	json_put_double(json, "user_seconds", seconds(&end->usage.ru_utime));
	json_put_double(json, "system_seconds", seconds(&end->usage.ru_stime));
	json_put_int(json, "max_rss_kib", end->usage.ru_maxrss);
	json_put_int(json, "minor_faults", end->usage.ru_minflt);
	json_put_int(json, "major_faults", end->usage.ru_majflt);
	json_put_int(json, "blocks_in", end->usage.ru_inblock);
	json_put_int(json, "blocks_out", end->usage.ru_oublock);
	json_put_int(json, "voluntary_switches", end->usage.ru_nvcsw);
	json_put_int(json, "involuntary_switches", end->usage.ru_nivcsw);
	json_put_object_end(json);
}

static void write_stage(struct json *json, const struct stage_end *end)
{
	json_put_object(json, NULL);
	json_put_string(json, "name", end->name);
	json_put_string(json, "how", how_words[end->how]);
	if (end->how == BROOD_EXITED)
		json_put_int(json, "exit_code", end->code);
	if (end->how == BROOD_SIGNALLED)
		json_put_int(json, "signal", end->code);
	json_put_string(json, "cause", cause_words[end->cause]);
	if (end->pid)
		json_put_int(json, "pid", end->pid);
	if (end->unchecked)
		json_put_bool(json, "unchecked", true);
	if (end->start_ns)
		json_put_int(json, "start_ns", end->start_ns);
	if (end->end_ns)
		json_put_int(json, "end_ns", end->end_ns);
	write_usage(json, end);
	json_put_object_end(json);
}

static void write_stream(struct json *json, const struct stream *stream)
{
	json_put_object(json, NULL);
	if (stream->stage != STREAM_SHARED)
		json_put_uint(json, "stage", stream->stage);
	json_put_int(json, "descriptor", stream->child_fd);
	json_put_string(json, "direction", stream->input ? "in" : "out");
	json_put_uint(json, "bytes", stream->bytes);
	if (!stream->input) {
		json_put_bool(json, "truncated", stream->over_limit || stream->abandoned);
		json_put_bytes(json, "text", stream->buffer.size ? buffer_text(&stream->buffer) : "", stream->buffer.size);
	}
	json_put_object_end(json);
}

static void write_failure(struct json *json, const struct failure *failure)
{
	if (!failure->error)
		return;
	json_put_object(json, "failure");
	if (failure->stage != FAILURE_NO_STAGE)
		json_put_uint(json, "stage", failure->stage);
	json_put_string(json, "step", step_name(failure->step));
	json_put_int(json, "errno", failure->error);
	if (failure->subject)
		json_put_string(json, "subject", failure->subject);
	json_put_object_end(json);
}

static void write_result(struct json *json, const brood_result *result)
{
	json_put_object(json, NULL);
	if (result->name)
		json_put_string(json, "name", result->name);
	json_put_bool(json, "ok", brood_result_ok(result));
	json_put_string(json, "description", brood_result_describe(result));
	json_put_int(json, "shell_status", brood_result_shell_status(result));
	write_failure(json, &result->failure);
	if (result->over_budget)
		json_put_bool(json, "timed_out", true);
	if (result->held) {
		json_put_bool(json, "held", true);
		json_put_array(json, "holders");
		for (size_t i = 0; i < result->holder_count; i++)
			json_put_int(json, NULL, result->holders[i]);
		json_put_array_end(json);
	}
	json_put_array(json, "stages");
	for (size_t i = 0; i < result->stage_count; i++)
		write_stage(json, &result->stages[i]);
	json_put_array_end(json);
	json_put_array(json, "streams");
	for (size_t i = 0; i < result->stream_count; i++)
		write_stream(json, &result->streams[i]);
	json_put_array_end(json);
	json_put_object_end(json);
}

char *brood_result_json(const brood_result *result)
{
	struct json json = { .out = NULL };
	char *text = NULL;
	size_t size;

	json.out = open_memstream(&text, &size);
	if (!json.out)
		return NULL;
	if (result)
		write_result(&json, result);
	else
		json_put_null(&json, NULL);
	if (fclose(json.out) != 0 || json.failed) {
		free(text);
		return NULL;
	}
	return text;
}
