/* SPDX-License-Identifier: MIT */
/*
 * The Chrome trace format, for the viewers that read it: a complete event ("X") for every stage of every job, on lanes so that nothing
 * overlaps that ran side by side. Written as jobs end; valid JSON after trace_finish, and readable for viewers before.
 */
#ifndef BROOD_TOOLS_TRACE_H
#define BROOD_TOOLS_TRACE_H

#include <jansson.h>

struct trace;

/* Creates or empties the file. 0, or -errno. */
int trace_new(const char *path, struct trace **ret_trace);
/* 0, or -errno; the first error sticks. */
int trace_add(struct trace *trace, const json_t *record);
/* 0, or -errno, the first there was. Frees the trace; NULL is 0. */
int trace_finish(struct trace *trace_take);

#endif
