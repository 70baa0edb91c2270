/* SPDX-License-Identifier: MIT */
/*
 * One record as the report reads it: members that are missing or of another kind are empty or 0, never a failure.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "report_parts.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

static const char *word(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static bool is_word(const json_t *json, const char *key, const char *text)
{
	return strcmp(word(json, key), text) == 0;
}

static int64_t number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

/* ---- a stage ---- */

/* A stage that wrote to one that had read enough is no failure, as the library sees it too. */
static enum look ended_look(const json_t *stage, bool is_last)
{
	if (is_word(stage, "how", "exited"))
		return number(stage, "exit_code") == 0 ? LOOK_OK : LOOK_FAILED;
	if (is_word(stage, "how", "signalled") && number(stage, "signal") == SIGPIPE && !is_last)
		return LOOK_OK;
	return LOOK_FAILED;
}

static enum look stage_look(const json_t *stage, bool is_last)
{
	enum look look;

	if (is_word(stage, "how", "not started"))
		return LOOK_NEVER;
	look = ended_look(stage, is_last);
	if (look == LOOK_FAILED && !is_word(stage, "cause", "itself"))
		return LOOK_STOPPED;
	return look == LOOK_FAILED && json_is_true(json_object_get(stage, "unchecked")) ? LOOK_OK : look;
}

static int64_t cpu_ns(const json_t *usage)
{
	double seconds = json_number_value(json_object_get(usage, "user_seconds")) +
			 json_number_value(json_object_get(usage, "system_seconds"));

	return seconds > 0 && seconds < 1e9 ? (int64_t)(seconds * 1e9) : 0;
}

static bool never_was(const json_t *stage)
{
	return number(stage, "start_ns") <= 0;
}

/* The one whose start failed; the others were not started on its account. */
static bool is_to_blame(const json_t *record, size_t index)
{
	const json_t *stage = json_object_get(json_object_get(record, "failure"), "stage");

	return json_is_integer(stage) && json_integer_value(stage) == (json_int_t)index;
}

struct stage job_stage(const struct job *job, size_t index)
{
	const json_t *json = json_array_get(json_object_get(job->record, "stages"), index);
	const json_t *usage = json_object_get(json, "usage");
	struct stage stage = { .json = json, .name = word(json, "name"), .start_ns = job->start_ns, .cpu_ns = cpu_ns(usage) };

	stage.look = stage_look(json, index + 1 == job->stage_count);
	if (stage.look == LOOK_NEVER && is_to_blame(job->record, index))
		stage.look = LOOK_FAILED;
	stage.memory = number(usage, "max_rss_kib") * 1024;
	if (!never_was(json))
		stage.start_ns = number(json, "start_ns");
	stage.end_ns = number(json, "end_ns");
	if (stage.end_ns < stage.start_ns)
		stage.end_ns = stage.start_ns;
	return stage;
}

static void signal_text(int64_t signal, char *text, size_t room)
{
#ifdef HAVE_SIGABBREV_NP
	const char *name = signal > 0 && signal < NSIG ? sigabbrev_np((int)signal) : NULL;

	if (name) {
		snprintf(text, room, "SIG%s", name);
		return;
	}
#endif
	snprintf(text, room, "signal %" PRId64, signal);
}

static const char *stopped_word(const char *cause)
{
	static const char *const words[][2] = {
		{ "deadline", "timed out" }, { "overflow", "too much output" }, { "cancel", "cancelled" }, { "stop", "stopped" },
		{ "failure", "undone" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(cause, words[i][0]) == 0)
			return words[i][1];
	return NULL;
}

void stage_result(const struct stage *stage, char *text, size_t room)
{
	const char *stopped = stage->look == LOOK_STOPPED ? stopped_word(word(stage->json, "cause")) : NULL;

	if (stage->look == LOOK_NEVER)
		snprintf(text, room, "not started");
	else if (stopped)
		snprintf(text, room, "%s", stopped);
	else if (is_word(stage->json, "how", "not started"))
		snprintf(text, room, "cannot start");
	else if (is_word(stage->json, "how", "signalled"))
		signal_text(number(stage->json, "signal"), text, room);
	else if (is_word(stage->json, "how", "exited"))
		snprintf(text, room, "exit %" PRId64, number(stage->json, "exit_code"));
	else
		snprintf(text, room, "lost");
}

/* ---- a job ---- */

static enum look job_look(const json_t *record, bool started)
{
	if (json_is_true(json_object_get(record, "ok")))
		return LOOK_OK;
	if (!started && is_word(record, "cause", "cancel"))
		return LOOK_NEVER;
	return stopped_word(word(record, "cause")) && !is_word(record, "cause", "failure") ? LOOK_STOPPED : LOOK_FAILED;
}

static void add_stages(struct job *job)
{
	for (size_t i = 0; i < job->stage_count; i++) {
		struct stage stage = job_stage(job, i);

		if (stage.end_ns > job->end_ns)
			job->end_ns = stage.end_ns;
		job->cpu_ns += stage.cpu_ns;
		if (stage.memory > job->memory)
			job->memory = stage.memory;
	}
}

void job_read(struct job *job, json_t *record_take, int64_t otherwise_ns)
{
	const json_t *stages = json_object_get(record_take, "stages");
	int64_t first_ns = 0;
	const json_t *stage;
	size_t i;

	json_array_foreach(stages, i, stage)
		if (!never_was(stage) && (first_ns == 0 || number(stage, "start_ns") < first_ns))
			first_ns = number(stage, "start_ns");
	*job = (struct job){ .record = record_take, .number = number(record_take, "job"), .stage_count = json_array_size(stages) };
	job->input = word(record_take, "input");
	job->command = word(record_take, "command");
	job->description = word(record_take, "description");
	job->was_started = first_ns != 0;
	job->look = job_look(record_take, job->was_started);
	job->start_ns = job->end_ns = first_ns ? first_ns : otherwise_ns;
	job->bytes_out = number(record_take, "bytes_out");
	job->tries = number(record_take, "tries");
	add_stages(job);
}

void job_done(struct job *job)
{
	json_decref(job->record);
	job->record = NULL;
}

/* The stage that a shell would name: the last that failed. */
static bool blamed(const struct job *job, struct stage *ret_stage)
{
	for (size_t i = job->stage_count; i > 0; i--) {
		*ret_stage = job_stage(job, i - 1);
		if (ret_stage->look == LOOK_FAILED)
			return true;
	}
	return false;
}

void job_result(const struct job *job, char *text, size_t room)
{
	struct stage stage;

	if (job->look == LOOK_OK)
		snprintf(text, room, "ok");
	else if (job->look == LOOK_NEVER)
		snprintf(text, room, "not run");
	else if (job->look == LOOK_STOPPED)
		snprintf(text, room, "%s", stopped_word(word(job->record, "cause")));
	else if (is_word(job->record, "cause", "failure") || json_object_get(job->record, "failure"))
		snprintf(text, room, "cannot start");
	else if (blamed(job, &stage))
		stage_result(&stage, text, room);
	else
		snprintf(text, room, json_is_true(json_object_get(job->record, "held")) ? "output held" : "output cut");
}
