/* SPDX-License-Identifier: MIT */
/*
 * The result: what is known of a chain, during and after its life. This file makes, frees and answers questions about it; what it
 * amounts to is verdict.c's, what it sounds like describe.c's.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/description.h"

brood_result *result_new(const struct brood_command *cmd)
{
	brood_result *result = calloc(1, sizeof *result + cmd->stage_count * sizeof *result->stages);

	if (!result)
		return NULL;
	result->timeout_ms = cmd->timeout_ms;
	result->held_is_fine = cmd->linger_set;
	result->failure.stage = FAILURE_NO_STAGE;
	result->stage_count = cmd->stage_count;
	if (cmd->name) {
		result->name = strdup(cmd->name);
		if (!result->name)
			goto no_memory;
	}
	for (size_t i = 0; i < cmd->stage_count; i++) {
		result->stages[i].unchecked = cmd->stages[i].unchecked;
		result->stages[i].name = strdup(stage_name(&cmd->stages[i]));
		if (!result->stages[i].name)
			goto no_memory;
	}
	return result;

no_memory:
	brood_result_free(result);
	return NULL;
}

void brood_result_free(brood_result *result)
{
	if (!result)
		return;
	for (size_t i = 0; i < result->stage_count; i++)
		free(result->stages[i].name);
	for (size_t i = 0; i < result->stream_count; i++)
		buffer_done(&result->streams[i].buffer);
	failure_done(&result->failure);
	free(result->streams);
	free(result->holders);
	free(result->described);
	free(result->name);
	free(result);
}

void result_changed(brood_result *result)
{
	free(result->described);
	result->described = NULL;
}

const struct stage_end *result_stage(const brood_result *result, size_t stage)
{
	return result && stage < result->stage_count ? &result->stages[stage] : NULL;
}

size_t brood_result_stages(const brood_result *result)
{
	return result ? result->stage_count : 0;
}

enum brood_how brood_result_how(const brood_result *result, size_t stage)
{
	const struct stage_end *end = result_stage(result, stage);

	return end ? end->how : BROOD_NOT_STARTED;
}

int brood_result_exit_code(const brood_result *result, size_t stage)
{
	const struct stage_end *end = result_stage(result, stage);

	return end && end->how == BROOD_EXITED ? end->code : -1;
}

int brood_result_signal(const brood_result *result, size_t stage)
{
	const struct stage_end *end = result_stage(result, stage);

	return end && end->how == BROOD_SIGNALLED ? end->code : 0;
}

enum brood_cause brood_result_cause(const brood_result *result, size_t stage)
{
	const struct stage_end *end = result_stage(result, stage);

	return end ? end->cause : BROOD_BY_ITSELF;
}

pid_t brood_result_pid(const brood_result *result, size_t stage)
{
	const struct stage_end *end = result_stage(result, stage);

	return end ? end->pid : 0;
}

int brood_result_usage(const brood_result *result, size_t stage, struct rusage *ret_usage)
{
	const struct stage_end *end = result_stage(result, stage);

	if (!ret_usage)
		return -EINVAL;
	memset(ret_usage, 0, sizeof *ret_usage);
	if (!end)
		return -EINVAL;
	if (!end->has_usage)
		return -ENODATA;
	*ret_usage = end->usage;
	return 0;
}

int brood_result_times(const brood_result *result, size_t stage, int64_t *ret_start_ns, int64_t *ret_end_ns)
{
	const struct stage_end *end = result_stage(result, stage);

	if (ret_start_ns)
		*ret_start_ns = end ? end->start_ns : 0;
	if (ret_end_ns)
		*ret_end_ns = end ? end->end_ns : 0;
	return end ? 0 : -EINVAL;
}

/* ---- outputs ---- */

static const struct stream *find_stream(const brood_result *result, size_t stage, int child_fd)
{
	for (size_t i = 0; result && i < result->stream_count; i++)
		if (result->streams[i].child_fd == child_fd && result->streams[i].stage == stage)
			return &result->streams[i];
	return NULL;
}

/* Where a chain was joined to a longer one, its stages share what was said of it: the stream is each one's. */
static const struct stream *stage_stream(const brood_result *result, size_t stage, int child_fd)
{
	const struct stream *stream = find_stream(result, stage, child_fd);

	for (size_t i = 0; !stream && result && i < result->stream_count; i++) {
		const struct stream *other = &result->streams[i];

		if (other->child_fd == child_fd && other->stage < stage && stage <= other->last_stage)
			stream = other;
	}
	return stream;
}

/* The chain's own end: the first stage's input; of outputs what all stages share, or else the last stage's own. */
static const struct stream *chain_stream(const brood_result *result, int child_fd)
{
	const struct stream *stream = find_stream(result, STREAM_SHARED, child_fd);

	if (!stream && result && result->stage_count > 0)
		stream = stage_stream(result, child_fd == BROOD_STDIN ? 0 : result->stage_count - 1, child_fd);
	return stream;
}

static const char *stream_text(const struct stream *stream, size_t *ret_size)
{
	if (ret_size)
		*ret_size = stream && !stream->input ? stream->buffer.size : 0;
	return stream && !stream->input ? buffer_text(&stream->buffer) : "";
}

const char *brood_result_output(const brood_result *result, int child_fd, size_t *ret_size)
{
	return stream_text(chain_stream(result, child_fd), ret_size);
}

const char *brood_result_stage_output(const brood_result *result, size_t stage, int child_fd, size_t *ret_size)
{
	return stream_text(stage_stream(result, stage, child_fd), ret_size);
}

uint64_t brood_result_bytes(const brood_result *result, int child_fd)
{
	const struct stream *stream = chain_stream(result, child_fd);

	return stream ? stream->bytes : 0;
}

uint64_t brood_result_stage_bytes(const brood_result *result, size_t stage, int child_fd)
{
	const struct stream *stream = stage_stream(result, stage, child_fd);

	return stream ? stream->bytes : 0;
}

bool brood_result_truncated(const brood_result *result, int child_fd)
{
	const struct stream *stream = chain_stream(result, child_fd);

	return stream && (stream->over_limit || stream->abandoned);
}

bool brood_result_held(const brood_result *result)
{
	return result && result->held;
}

const pid_t *brood_result_holders(const brood_result *result, size_t *ret_count)
{
	if (ret_count)
		*ret_count = result ? result->holder_count : 0;
	return result ? result->holders : NULL;
}

int brood_result_errno(const brood_result *result)
{
	return result ? result->failure.error : 0;
}
