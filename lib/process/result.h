/* SPDX-License-Identifier: MIT */
/*
 * What a result is made of. lib/process fills it while the chain runs; the public calls read it.
 */
#ifndef BROOD_PROCESS_RESULT_H
#define BROOD_PROCESS_RESULT_H

#include <brood/result.h>

#include "base/buffer.h"
#include "base/failure.h"

struct brood_command;

/* The end of one stage. */
struct stage_end {
	char *name;
	pid_t pid;
	enum brood_how how;
	enum brood_cause cause;
	int code;               /* exit code or signal */
	bool unchecked;
	bool has_usage;
	int64_t start_ns;
	int64_t end_ns;
	struct rusage usage;
};

#define STREAM_SHARED SIZE_MAX  /* of every stage: one pipe */

/* What went through one pipe that the handle held. */
struct stream {
	size_t stage;           /* the first that has it, or STREAM_SHARED */
	size_t last_stage;
	int child_fd;
	bool input;
	bool over_limit;        /* cut by its limit, or by want of memory */
	bool abandoned;         /* cut because somebody held the pipe past the linger */
	size_t limit;           /* 0: none */
	uint64_t bytes;
	struct buffer buffer;
};

struct brood_result {
	char *name;             /* of the chain, or NULL */
	struct failure failure;
	bool over_budget;
	int64_t timeout_ms;
	bool held;
	bool held_is_fine;      /* the caller set the linger */
	pid_t *holders;
	size_t holder_count;
	struct stream *streams;
	size_t stream_count;
	char *described;        /* by brood_result_describe, made when asked for */
	size_t stage_count;
	struct stage_end stages[];
};

/* An empty result with the names of the command's stages; NULL for want of memory. */
brood_result *result_new(const struct brood_command *cmd);

/* The stage, or NULL when there is none. */
const struct stage_end *result_stage(const brood_result *result, size_t stage);

/* Why it is no success, in the order in which people want to hear it. VERDICT_OK is success. Pure. */
enum verdict {
	VERDICT_OK,
	VERDICT_NOT_STARTED,
	VERDICT_DEADLINE,
	VERDICT_STAGE,          /* *ret_stage failed */
	VERDICT_RUNNING,        /* *ret_stage runs */
	VERDICT_HELD,
	VERDICT_TRUNCATED
};
enum verdict result_verdict(const brood_result *result, size_t *ret_stage);

/* Drop what describe has cached: the result has changed. */
void result_changed(brood_result *result);

#endif
