/* SPDX-License-Identifier: MIT */
/* Made-up records: a run of a few lanes whose jobs take between some milliseconds and a second. */
#include "records.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

static const char *const names[] = { "gzip", "openssl", "md5sum", "sort", "awk", "wc", "tr", "cut" };

static json_t *made_up_stage(size_t index, int64_t start_ns, int64_t length_ns, int code)
{
	return json_pack("{s:s, s:s, s:i, s:s, s:i, s:I, s:I, s:{s:f, s:f, s:I}}", "name", names[index % 8], "how", "exited", "exit_code", code,
			 "cause", "itself", "pid", 4711, "start_ns", (json_int_t)start_ns, "end_ns", (json_int_t)(start_ns + length_ns), "usage",
			 "user_seconds", (double)length_ns / 2e9, "system_seconds", (double)length_ns / 8e9, "max_rss_kib",
			 (json_int_t)(3000 + index * 1000));
}

static json_t *made_up_stages(size_t stages, int64_t start_ns, int64_t length_ns, int code)
{
	json_t *array = json_array();

	for (size_t i = 0; i < stages; i++) {
		int64_t late_ns = length_ns / 40 * (int64_t)i, early_ns = length_ns / 12 * (int64_t)(stages - 1 - i);

		late_ns = late_ns > length_ns / 3 ? length_ns / 3 : late_ns;
		early_ns = early_ns > length_ns / 3 ? length_ns / 3 : early_ns;
		json_array_append_new(array, made_up_stage(i, start_ns + late_ns, length_ns - late_ns - early_ns, i + 1 == stages ? code : 0));
	}
	return array;
}

static void wall_clock(int64_t ns, char *text, size_t room)
{
	time_t seconds = 1795176000 + (time_t)((ns - MADE_UP_START) / 1000000000);
	char date[32];
	struct tm parts;

	gmtime_r(&seconds, &parts);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text, room, "%s.000000Z", date);
}

json_t *made_up_record(uint64_t number, const char *input, size_t stages, int64_t start_ns, int64_t length_ns, int ok)
{
	char command[512], description[128], started[48];
	json_t *record;

	snprintf(command, sizeof(command), "gzip -c '%s' | openssl enc -aes-256-ctr | md5sum", input);
	snprintf(description, sizeof(description), ok ? "success" : "stage %zu '%s': exited with 3", stages, names[(stages + 7) % 8]);
	wall_clock(start_ns, started, sizeof(started));
	record = json_pack("{s:I, s:s, s:s, s:s, s:f, s:i, s:b, s:i, s:s, s:s, s:i, s:i, s:o}", "job", (json_int_t)number, "input", input, "command", command,
			   "started", started, "seconds", (double)length_ns / 1e9, "tries", ok && number % 31 == 0 ? 2 : 1, "ok", ok, "status", ok ? 0 : 3,
			   "description", description, "cause", "itself", "bytes_out", 4096, "bytes_err", ok ? 0 : 60, "stages",
			   made_up_stages(stages, start_ns, length_ns, ok ? 0 : 3));
	assert(record);
	return record;
}

static uint64_t next_random(struct made_up_run *run)
{
	run->random = run->random * 6364136223846793005u + 1442695040888963407u;
	return run->random >> 33;
}

static size_t first_to_end(const struct made_up_run *run, size_t at_once)
{
	size_t first = 0;

	for (size_t i = 1; i < at_once; i++)
		if (run->lane_ns[i] < run->lane_ns[first])
			first = i;
	return first;
}

static void start_in(struct made_up_run *run, size_t lane, int64_t now_ns)
{
	int64_t length_ns = 4000000 + (int64_t)(next_random(run) % 60) * 1000000;

	if (next_random(run) % 16 == 0)
		length_ns *= 8;
	run->lane_start_ns[lane] = now_ns + 300000;
	run->lane_ns[lane] = run->lane_start_ns[lane] + length_ns;
}

json_t *made_up_next(struct made_up_run *run, size_t stages, size_t at_once)
{
	size_t lane;
	json_t *record;
	char input[64];

	if (run->done == 0)
		for (size_t i = 0; i < at_once; i++)
			start_in(run, i, MADE_UP_START + (int64_t)i * 400000);
	lane = first_to_end(run, at_once);
	run->done++;
	snprintf(input, sizeof(input), "archive/2026/%02d/measurement-%05d.csv", (int)(run->done % 12 + 1), (int)run->done);
	record = made_up_record(run->done, input, stages, run->lane_start_ns[lane], run->lane_ns[lane] - run->lane_start_ns[lane],
				next_random(run) % 23 != 0);
	start_in(run, lane, run->lane_ns[lane]);
	return record;
}
