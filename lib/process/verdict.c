/* SPDX-License-Identifier: MIT */
/*
 * Was it success? Pure decisions over what is known of a chain.
 *
 * The rule: the last stage exited 0, every other one exited 0 or died of SIGPIPE (`yes | head -1` is no failure), unchecked stages do not count, no
 * budget was spent, nothing was cut.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/result.h"

#include <errno.h>
#include <signal.h>

static bool stage_succeeded(const struct stage_end *end, bool last)
{
	if (end->unchecked)
		return true;
	if (end->how == BROOD_EXITED)
		return end->code == 0;
	return !last && end->how == BROOD_SIGNALLED && end->code == SIGPIPE;
}

static bool still_running(const brood_result *result, size_t *ret_stage)
{
	for (size_t i = 0; i < result->stage_count; i++)
		if (result->stages[i].how == BROOD_RUNNING) {
			*ret_stage = i;
			return true;
		}
	return false;
}

/* The stage to blame: the last one first, then the rightmost. */
static bool find_failed(const brood_result *result, size_t *ret_stage)
{
	for (size_t i = result->stage_count; i-- > 0;)
		if (!stage_succeeded(&result->stages[i], i + 1 == result->stage_count)) {
			*ret_stage = i;
			return true;
		}
	return false;
}

static bool any_over_limit(const brood_result *result)
{
	for (size_t i = 0; i < result->stream_count; i++)
		if (result->streams[i].over_limit)
			return true;
	return false;
}

enum verdict result_verdict(const brood_result *result, size_t *ret_stage)
{
	*ret_stage = 0;
	if (!result || result->stage_count == 0)
		return VERDICT_NOT_STARTED;
	if (result->failure.error) {
		*ret_stage = result->failure.stage == FAILURE_NO_STAGE ? 0 : result->failure.stage;
		return VERDICT_NOT_STARTED;
	}
	if (result->over_budget)
		return VERDICT_DEADLINE;
	if (still_running(result, ret_stage))
		return VERDICT_RUNNING;
	if (find_failed(result, ret_stage))
		return VERDICT_STAGE;
	if (result->held && !result->held_is_fine)
		return VERDICT_HELD;
	if (any_over_limit(result))
		return VERDICT_TRUNCATED;
	return VERDICT_OK;
}

bool brood_result_ok(const brood_result *result)
{
	size_t stage;

	return result_verdict(result, &stage) == VERDICT_OK;
}

static int stage_status(const struct stage_end *end)
{
	switch (end->how) {
	case BROOD_EXITED:
		return end->code;
	case BROOD_SIGNALLED:
		return 128 + end->code;
	default:
		return 125;
	}
}

/* 127 and 126 are for the program alone: a directory or a user that does not exist is brood's own failure. */
static int failure_status(const struct failure *failure)
{
	if (failure->step != STEP_EXEC)
		return 125;
	return failure->error == ENOENT || failure->error == ENOTDIR ? 127 : 126;
}

int brood_result_shell_status(const brood_result *result)
{
	size_t stage;

	switch (result_verdict(result, &stage)) {
	case VERDICT_OK:
		return 0;
	case VERDICT_NOT_STARTED:
		return result ? failure_status(&result->failure) : 125;
	case VERDICT_DEADLINE:
		return 124;
	case VERDICT_STAGE:
		return stage_status(&result->stages[stage]);
	default:
		return 125;
	}
}
