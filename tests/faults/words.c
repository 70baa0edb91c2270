/* SPDX-License-Identifier: MIT */
/*
 * What scenarios share: judging what the library says, with the same rules for all of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"
#include "support/support.h"

const char *child_path(void)
{
	return support_child();
}

/* What a failed start must tell: the errno that it returned, and where it happened. */
static void judge_failed_start(int r, const brood_result *result)
{
	if (!result) {
		must(r == -ENOMEM);
		failed_well(r, "no memory for the result");
		return;
	}
	must(!brood_result_ok(result));
	if (brood_result_errno(result) == -r || brood_result_errno(result) == 0)
		failed_well(r, brood_result_describe(result));
	else
		wrong("returned %d, but the result says %d: %s", -r, brood_result_errno(result), brood_result_describe(result));
}

bool claims_success(int r, const brood_result *result)
{
	if (r < 0) {
		judge_failed_start(r, result);
		return false;
	}
	if (!must(result != NULL))
		return false;
	if (!brood_result_ok(result)) {
		failed_well(-brood_result_errno(result), brood_result_describe(result));
		return false;
	}
	return true;
}

bool tells_end(int r, const brood_result *result, size_t stage, enum brood_how how, int code, enum brood_cause cause)
{
	if (r < 0) {
		judge_failed_start(r, result);
		return false;
	}
	if (!must(result != NULL) || !must(!brood_result_ok(result)))
		return false;
	if (brood_result_how(result, stage) == how && brood_result_cause(result, stage) == cause &&
	    (how == BROOD_EXITED ? brood_result_exit_code(result, stage) : brood_result_signal(result, stage)) == code)
		return true;
	failed_well(-brood_result_errno(result), brood_result_describe(result));
	return false;
}

bool runs(brood_command *cmd_take, brood_result **ret_result)
{
	int r;

	*ret_result = NULL;
	r = brood_run(cmd_take, ret_result);
	brood_command_free(cmd_take);
	return claims_success(r, *ret_result);
}

bool starts(brood_command *cmd_take, brood_process **ret_process)
{
	int r;

	*ret_process = NULL;
	r = brood_start(cmd_take, ret_process);
	brood_command_free(cmd_take);
	if (r == 0)
		return must(*ret_process != NULL);
	judge_failed_start(r, *ret_process ? brood_process_result(*ret_process) : NULL);
	return false;
}

void output_is(const brood_result *result, int child_fd, const char *text)
{
	size_t size = 0;
	const char *bytes = brood_result_output(result, child_fd, &size);

	if (size != strlen(text) || memcmp(bytes, text, size) != 0)
		wrong("success, but descriptor %d gave '%.60s' in place of '%.60s'", child_fd, bytes, text);
}

void output_has_size(const brood_result *result, int child_fd, size_t size, char byte)
{
	size_t found = 0;
	const char *bytes = brood_result_output(result, child_fd, &found);

	if (found != size)
		wrong("success, but descriptor %d gave %zu bytes in place of %zu", child_fd, found, size);
	for (size_t i = 0; byte && i < found; i++)
		if (bytes[i] != byte) {
			wrong("success, but byte %zu is wrong", i);
			return;
		}
}
