/* SPDX-License-Identifier: MIT */
/*
 * The jobs of a map, one by one. What is asked of all runs, whatever failed: no byte that nobody wrote, no torn line, no record that calls a job
 * ok whose bytes are missing, no job that is gone without a word.
 */
#include "jobs.h"

#include <stdlib.h>
#include <string.h>

static size_t size_of(const struct job *job)
{
	return job->size ? job->size : strlen(job->out);
}

static bool is_whole(const struct job *job)
{
	return job->found == size_of(job);
}

/* What can go on only with our own output: brood has said that it cannot write, or cannot say so either. */
static bool output_was_lost(const struct seen *seen)
{
	return seen->ended->unheard || seen_says(seen, "standard output: ") || seen_says(seen, "standard error: ");
}

/* ---- bytes ---- */

static size_t in_common(const struct job *job, const char *bytes, size_t size)
{
	const size_t most = size_of(job) < size ? size_of(job) : size;
	size_t same = 0;

	while (same < most && job->out[same] == bytes[same])
		same++;
	return same;
}

/* The job whose block begins here; NULL. */
static struct job *job_at(struct job *jobs, size_t count, const char *bytes, size_t size)
{
	struct job *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < count; i++) {
		const size_t same = jobs[i].found ? 0 : in_common(&jobs[i], bytes, size);

		if (same > most) {
			most = same;
			best = &jobs[i];
		}
	}
	if (best)
		best->found = most;
	return best;
}

/* "job 7 'a.c': exited 1". By the input: shuffled ones have other numbers. */
static bool is_told(const struct seen *seen, const struct job *job)
{
	char words[200];

	snprintf(words, sizeof words, " '%s': ", job->input);
	return seen_says(seen, words);
}

void jobs_output(struct seen *seen, struct job *jobs, size_t count, bool in_order)
{
	const struct job *before = NULL;

	if (!seen->out || !seen->err)
		return;
	for (size_t at = 0; at < seen->out_size;) {
		const struct job *job = job_at(jobs, count, seen->out + at, seen->out_size - at);

		if (!job) {
			wrong("standard output has what no job wrote, at %zu: '%.60s'", at, seen->out + at);
			return;
		}
		if (in_order && before && job < before)
			wrong("job %zu comes behind job %zu", (size_t)(job - jobs) + 1, (size_t)(before - jobs) + 1);
		before = job;
		at += job->found;
	}
	for (size_t i = 0; i < count; i++) {
		jobs[i].told = is_told(seen, &jobs[i]);
		if (is_whole(&jobs[i]))
			continue;
		seen_miss(seen, "job %zu has written %zu bytes of %zu", i + 1, jobs[i].found, size_of(&jobs[i]));
		if (jobs[i].found && !jobs[i].told && !output_was_lost(seen))
			wrong("the output of job %zu is cut and nobody says so", i + 1);
	}
}

/* ---- the log ---- */

static void take_record(struct job *jobs, size_t count, const char *line, size_t size)
{
	json_t *record = json_loadb(line, size, 0, NULL);
	const json_int_t number = json_integer_value(json_object_get(record, "job"));
	const char *input = json_string_value(json_object_get(record, "input"));
	const json_t *ok = json_object_get(record, "ok");
	struct job *job = number > 0 && (size_t)number <= count ? &jobs[number - 1] : NULL;

	if (!job || !input || strcmp(input, job->input) != 0 || !json_is_boolean(ok)) {
		wrong("a line is no record of a job: '%.*s'", (int)(size < 200 ? size : 200), line);
	} else {
		job->records++;
		job->ok = json_is_true(ok);
		job->tries = json_integer_value(json_object_get(record, "tries"));
		if (job->records > 1)
			wrong("job %d has two records", (int)number);
	}
	json_decref(record);
}

const char jobs_torn[] = "{\"job\":2,\"inp";

static void take_lines(struct job *jobs, size_t count, const char *text)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1)
		take_record(jobs, count, text, (size_t)(end - text));
	if (*text && strcmp(text, jobs_torn) != 0)
		wrong("the last line of the log is torn: '%.100s'", text);
}

/* Those that the log did not take are on standard error. */
static void take_rescued(struct job *jobs, size_t count, const char *text)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1)
		if (*text == '{')
			take_record(jobs, count, text, (size_t)(end - text));
}

/* "brood map: 3 jobs: 2 ok, 1 failed; 12 ms": the number before " ok"; -1. */
static long told_ok(const struct seen *seen)
{
	const char *line = strstr(seen->err, "brood map: "), *ok = NULL;

	for (; line && !ok; line = strstr(line + 1, "brood map: ")) {
		const char *jobs = line + strlen("brood map: ") + strspn(line + strlen("brood map: "), "0123456789");

		if (strncmp(jobs, " jobs: ", 7) == 0)
			ok = jobs + 7;
	}
	return ok ? strtol(ok, NULL, 10) : -1;
}

void jobs_log(struct seen *seen, const char *name, const char *earlier, struct job *jobs, size_t count)
{
	size_t size;
	long ok = 0;
	char *text = seen_file(name, &size);

	if (text && strncmp(text, earlier, strlen(earlier)) != 0)
		wrong("what stood in the log is not there: '%.100s'", text);
	else if (text)
		take_lines(jobs, count, text + strlen(earlier));
	else
		seen_miss(seen, "there is no log");
	take_rescued(jobs, count, seen->err);
	for (size_t i = 0; i < count; i++) {
		ok += jobs[i].ok;
		if (jobs[i].records == 0 && !jobs[i].unstarted)
			seen_miss(seen, "job %zu has no record", i + 1);
		if (jobs[i].ok && !is_whole(&jobs[i]) && !output_was_lost(seen))
			wrong("job %zu is ok by its record, and its output is not there", i + 1);
		if (jobs[i].ok && jobs[i].told)
			wrong("job %zu is ok by its record, and told as failed", i + 1);
	}
	if (told_ok(seen) >= 0 && told_ok(seen) != ok && !seen->ended->unheard && !seen_says(seen, " is lost: "))
		wrong("%ld jobs are told as ok, and %ld records say so", told_ok(seen), ok);
	free(text);
}

/* ---- results ---- */

static void look_at_file(const char *path, const char *bytes, size_t size)
{
	size_t found;
	char *text = seen_file(path, &found);

	if (!text || found != size || memcmp(text, bytes, size) != 0)
		wrong("%s is not what the job wrote: %zu bytes", path, found);
	free(text);
}

static void look_at_result(struct seen *seen, const char *folder, const struct job *job, size_t number, const char *err)
{
	char path[300], own[200], *text;
	json_t *json;
	size_t size;

	snprintf(path, sizeof path, "%s/%zu-%s/stdout", folder, number, job->input);
	look_at_file(path, job->out, size_of(job));
	snprintf(path, sizeof path, "%s/%zu-%s/stderr", folder, number, job->input);
	snprintf(own, sizeof own, "%s%s\n", err, job->input);
	look_at_file(path, own, strlen(own));
	snprintf(path, sizeof path, "%s/%zu-%s/job.json", folder, number, job->input);
	text = seen_file(path, &size);
	json = text ? json_loads(text, 0, NULL) : NULL;
	free(text);
	if (!json_is_true(json_object_get(json, "ok")) && !seen_says(seen, "job.json"))
		wrong("%s is not whole or not ok", path);
	json_decref(json);
}

void jobs_results(struct seen *seen, const char *folder, const struct job *jobs, size_t count, const char *err)
{
	for (size_t i = 0; i < count; i++)
		if (jobs[i].ok)
			look_at_result(seen, folder, &jobs[i], i + 1, err);
}

/* ---- ends ---- */

static int status_of(const struct job *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (jobs[i].status)
			return 123;
	return 0;
}

void jobs_ends(struct seen *seen, const struct job *jobs, size_t count)
{
	seen_status(seen, status_of(jobs, count));
	for (size_t i = 0; i < count; i++) {
		const bool done = is_whole(&jobs[i]) && (jobs[i].records == 0 || jobs[i].ok);

		if ((jobs[i].status != 0) != jobs[i].told)
			seen_miss(seen, jobs[i].told ? "job %zu failed" : "job %zu is not told as failed", i + 1);
		/* The map went on to its end, so each job that is not done has failed, and by name. */
		if (seen->ended->status == 123 && !done && !jobs[i].told && !jobs[i].may_be_stopped && !jobs[i].unstarted && !seen->ended->unheard)
			wrong("job %zu did not come out well, and nobody says so", i + 1);
	}
}
