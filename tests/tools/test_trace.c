/* SPDX-License-Identifier: MIT */
/* The Chrome trace format: read back as JSON, looked at as a viewer would. */
#include "support/support.h"

#include "trace.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "records.h"

/* ---- words for these tests ---- */

static const char *trace_path(void)
{
	static char path[256];

	return support_path(path, sizeof(path), "trace.json");
}

static void add(struct trace *trace, json_t *record_take)
{
	assert_int_equal(trace_add(trace, record_take), 0);
	json_decref(record_take);
}

static json_t *read_trace(void)
{
	json_error_t error;
	json_t *events = json_load_file(trace_path(), 0, &error);

	if (!json_is_array(events))
		fail_msg("the trace is no array: %s, line %d", error.text, error.line);
	return events;
}

static bool is_phase(const json_t *event, const char *phase)
{
	const char *got = json_string_value(json_object_get(event, "ph"));

	return got && strcmp(got, phase) == 0;
}

static size_t count_phase(const json_t *events, const char *phase)
{
	size_t count = 0, i;
	json_t *event;

	json_array_foreach(events, i, event)
		count += is_phase(event, phase);
	return count;
}

static json_int_t whole(const json_t *event, const char *key)
{
	assert_true(json_is_integer(json_object_get(event, key)));
	return json_integer_value(json_object_get(event, key));
}

/* One made-up run of so many jobs of three stages, on four lanes. */
static json_t *trace_of_run(size_t jobs, size_t at_once)
{
	struct made_up_run made = { .done = 0 };
	struct trace *trace = NULL;

	assert_int_equal(trace_new(trace_path(), &trace), 0);
	for (size_t i = 0; i < jobs; i++)
		add(trace, made_up_next(&made, 3, at_once));
	assert_int_equal(trace_finish(trace), 0);
	return read_trace();
}

/* ---- events ---- */

static void test_every_stage_is_one_complete_event(void **state)
{
	json_t *events = trace_of_run(50, 4), *event;
	size_t i;

	assert_int_equal(count_phase(events, "X"), 150);
	json_array_foreach(events, i, event) {
		if (!is_phase(event, "X"))
			continue;
		assert_true(json_is_string(json_object_get(event, "name")));
		assert_true(json_is_number(json_object_get(event, "ts")));
		assert_true(json_number_value(json_object_get(event, "dur")) > 0);
		assert_true(whole(event, "pid") >= 1 && whole(event, "tid") >= 1 && whole(event, "tid") <= 3);
		assert_non_null(json_object_get(json_object_get(event, "args"), "command"));
		assert_non_null(json_object_get(json_object_get(event, "args"), "exit_code"));
		assert_non_null(json_object_get(json_object_get(event, "args"), "cause"));
		assert_non_null(json_object_get(json_object_get(event, "args"), "user_seconds"));
		assert_non_null(json_object_get(json_object_get(event, "args"), "max_rss_kib"));
	}
	json_decref(events);
}

static bool overlap(const json_t *a, const json_t *b)
{
	double from_a = json_number_value(json_object_get(a, "ts")), to_a = from_a + json_number_value(json_object_get(a, "dur"));
	double from_b = json_number_value(json_object_get(b, "ts")), to_b = from_b + json_number_value(json_object_get(b, "dur"));

	if (whole(a, "pid") != whole(b, "pid") || whole(a, "tid") != whole(b, "tid"))
		return false;
	return from_a < to_b - 1e-3 && from_b < to_a - 1e-3;
}

static void test_nothing_overlaps_in_a_lane(void **state)
{
	json_t *events = trace_of_run(200, 4);

	for (size_t i = 0; i < json_array_size(events); i++)
		for (size_t k = i + 1; k < json_array_size(events); k++)
			if (is_phase(json_array_get(events, i), "X") && is_phase(json_array_get(events, k), "X"))
				assert_false(overlap(json_array_get(events, i), json_array_get(events, k)));
	json_decref(events);
}

static void test_lanes_are_no_more_than_ran_side_by_side(void **state)
{
	json_t *events = trace_of_run(300, 4), *event;
	json_int_t most = 0;
	size_t i;

	json_array_foreach(events, i, event)
		most = whole(event, "pid") > most ? whole(event, "pid") : most;
	assert_int_equal(most, 4);
	json_decref(events);
}

static void test_lanes_and_stages_have_names(void **state)
{
	json_t *events = trace_of_run(20, 2), *event;
	size_t lanes = 0, stages = 0, i;

	json_array_foreach(events, i, event) {
		const char *name = json_string_value(json_object_get(event, "name"));
		const char *given = json_string_value(json_object_get(json_object_get(event, "args"), "name"));

		if (!is_phase(event, "M"))
			continue;
		lanes += strcmp(name, "process_name") == 0 && strncmp(given, "lane ", 5) == 0;
		stages += strcmp(name, "thread_name") == 0 && strncmp(given, "stage ", 6) == 0;
	}
	assert_int_equal(lanes, 2);
	assert_int_equal(stages, 6);
	json_decref(events);
}

static void test_times_are_microseconds_from_the_beginning(void **state)
{
	struct trace *trace = NULL;
	struct timespec now;
	json_t *events, *event;
	double ts;

	assert_int_equal(trace_new(trace_path(), &trace), 0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	add(trace, made_up_record(1, "x", 1, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, 2500500, 1));
	assert_int_equal(trace_finish(trace), 0);
	events = read_trace();
	event = json_array_get(events, json_array_size(events) - 1);
	ts = json_number_value(json_object_get(event, "ts"));
	assert_true(ts >= 0 && ts < 60e6);
	assert_float_equal(json_number_value(json_object_get(event, "dur")), 2500.5, 0.001);
	json_decref(events);
}

static void test_job_that_never_started_is_there_with_no_length(void **state)
{
	json_t *record = made_up_record(2, "x", 2, 0, 0, 0), *stage, *events;
	struct trace *trace = NULL;
	size_t i;

	json_array_foreach(json_object_get(record, "stages"), i, stage) {
		json_object_del(stage, "start_ns");
		json_object_del(stage, "end_ns");
		json_object_del(stage, "usage");
		json_object_set_new(stage, "how", json_string("not started"));
	}
	assert_int_equal(trace_new(trace_path(), &trace), 0);
	add(trace, record);
	assert_int_equal(trace_finish(trace), 0);
	events = read_trace();
	assert_int_equal(count_phase(events, "X"), 2);
	assert_true(json_number_value(json_object_get(json_array_get(events, json_array_size(events) - 1), "dur")) == 0);
	json_decref(events);
}

/* ---- the file ---- */

static void test_trace_without_jobs_is_an_empty_array(void **state)
{
	struct trace *trace = NULL;
	json_t *events;

	assert_int_equal(trace_new(trace_path(), &trace), 0);
	assert_int_equal(trace_finish(trace), 0);
	assert_int_equal(trace_finish(NULL), 0);
	events = read_trace();
	assert_int_equal(json_array_size(events), 0);
	json_decref(events);
}

static void test_each_event_is_a_line_as_soon_as_its_job_has_ended(void **state)
{
	struct made_up_run made = { .done = 0 };
	struct trace *trace = NULL;
	size_t lines = 0;
	char *text;

	assert_int_equal(trace_new(trace_path(), &trace), 0);
	add(trace, made_up_next(&made, 1, 1));
	text = support_read_file(trace_path(), NULL);
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	free(text);
	assert_int_equal(lines, 4);     /* the lane's name and place, the stage's name, the stage */
	assert_int_equal(trace_finish(trace), 0);
}

static void test_full_device_is_told(void **state)
{
	struct trace *trace = NULL;

	assert_int_equal(trace_new("/dev/full", &trace), -ENOSPC);
	assert_null(trace);
}

static void run_into_the_limit(void *data)
{
	const struct rlimit limit = { 100, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
	json_t *record = made_up_record(1, "x", 1, MADE_UP_START, 1000, 1);
	struct trace *trace = NULL;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(trace_new(trace_path(), &trace), 0);
	assert_int_equal(trace_add(trace, record), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(trace_add(trace, record), -EFBIG);
	assert_int_equal(trace_finish(trace), -EFBIG);
	json_decref(record);
}

static void test_first_error_stays(void **state)
{
	support_tempdir();
	support_assert_in_fork(run_into_the_limit, NULL);
}

static void test_folder_that_is_not_there_is_told(void **state)
{
	struct trace *trace = NULL;
	char path[256];

	assert_int_equal(trace_new(support_path(path, sizeof(path), "no/such"), &trace), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_every_stage_is_one_complete_event),
		brood_test(test_nothing_overlaps_in_a_lane),
		brood_test(test_lanes_are_no_more_than_ran_side_by_side),
		brood_test(test_lanes_and_stages_have_names),
		brood_test(test_times_are_microseconds_from_the_beginning),
		brood_test(test_job_that_never_started_is_there_with_no_length),
		brood_test(test_trace_without_jobs_is_an_empty_array),
		brood_test(test_each_event_is_a_line_as_soon_as_its_job_has_ended),
		brood_test(test_full_device_is_told),
		brood_test(test_first_error_stays),
		brood_test(test_folder_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
