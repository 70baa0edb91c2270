/* SPDX-License-Identifier: MIT */
/* Records as a run of map leaves them, made up: for the tests of what is written from them. */
#ifndef TESTS_TOOLS_RECORDS_H
#define TESTS_TOOLS_RECORDS_H

#include <jansson.h>
#include <stdint.h>

#define MADE_UP_START INT64_C(5000000000000)    /* of the run, CLOCK_MONOTONIC */

/* One job of so many stages, from start_ns for length_ns; ok, or its last stage exited with 3. */
json_t *made_up_record(uint64_t number, const char *input, size_t stages, int64_t start_ns, int64_t length_ns, int ok);

/*
 * The next of a run with at_once lanes: the jobs come in the order of their ends, as map gives them, every 23rd or so fails. `state` is zeroed at first. The same
 * every time.
 */
struct made_up_run {
	uint64_t done;
	uint64_t random;
	int64_t lane_ns[16];
	int64_t lane_start_ns[16];
};
json_t *made_up_next(struct made_up_run *run, size_t stages, size_t at_once);

#endif
