/* SPDX-License-Identifier: MIT */
/*
 * How a chain ended: three questions, three answers. Could it be run: what start or run returned. How did each stage end:
 * brood_result_how and its kin. Is that success: brood_result_ok.
 *
 * Stages count from 0 in calls and from 1 in sentences. Every function takes NULL and stages that do not exist, and answers
 * as for a chain that was never started. A result belongs to one thread at a time, as its handle does: a description is made when it is asked for.
 */
#ifndef BROOD_RESULT_H
#define BROOD_RESULT_H

#include <brood/base.h>
#include <sys/resource.h>

BROOD_BEGIN

/* How a stage ended. */
enum brood_how {
	BROOD_NOT_STARTED,      /* never ran, or its exec failed */
	BROOD_RUNNING,          /* not ended yet */
	BROOD_EXITED,           /* by itself, with brood_result_exit_code */
	BROOD_SIGNALLED,        /* by brood_result_signal */
	BROOD_LOST              /* it is gone and nobody can say how: its status was stolen, or SIGKILL did not end it */
};

/* Who ended it. */
enum brood_cause {
	BROOD_BY_ITSELF,        /* it ended by itself, or by a signal that did not come from this handle */
	BROOD_BY_STOP,          /* brood_process_signal, _terminate, _kill, _stop, _free */
	BROOD_BY_DEADLINE,      /* the command's timeout was spent */
	BROOD_BY_OVERFLOW,      /* a capture passed its limit, with BROOD_STOP */
	BROOD_BY_FAILURE,       /* another stage could not be started: the chain was undone */
	BROOD_BY_CANCEL         /* its future was cancelled, or its batch stopped on a failure */
};

/*
 * Success: the chain was started whole, the last stage exited 0, every other stage exited 0 or died of SIGPIPE (brood_command_set_unchecked
 * takes a stage out of the count), no budget was spent, and no output was cut.
 */
BROOD_API bool brood_result_ok(const brood_result *result);

BROOD_API size_t brood_result_stages(const brood_result *result);
BROOD_API enum brood_how brood_result_how(const brood_result *result, size_t stage);

/* The exit code 0 to 255; -1 unless it exited. */
BROOD_API int brood_result_exit_code(const brood_result *result, size_t stage);

/* The signal it died of; 0 unless it was signalled. */
BROOD_API int brood_result_signal(const brood_result *result, size_t stage);
BROOD_API enum brood_cause brood_result_cause(const brood_result *result, size_t stage);

/* 0 when it was never started. */
BROOD_API pid_t brood_result_pid(const brood_result *result, size_t stage);

/* What it used, as wait4(2) tells. Where nobody can say, *ret_usage is zeroed: -ENODATA (not ended, or lost), -EINVAL (no such stage). */
BROOD_API int brood_result_usage(const brood_result *result, size_t stage, struct rusage *ret_usage);

/*
 * When it was started and when its end was seen, in nanoseconds of CLOCK_MONOTONIC; either pointer may be NULL. 0 stands for "not yet" or
 * "never". -EINVAL when there is no such stage.
 */
BROOD_API int brood_result_times(const brood_result *result, size_t stage, int64_t *ret_start_ns, int64_t *ret_end_ns);

/*
 * What was captured from the chain's child_fd (stdout of the last stage; of others, what the whole chain shares, or else the last
 * stage's own). Never NULL, always followed by a NUL that *ret_size (may be NULL) does not count. Valid until the next call on the handle, or
 * until the result is freed.
 */
BROOD_API const char *brood_result_output(const brood_result *result, int child_fd, size_t *ret_size);

/* The same for one stage's own. */
BROOD_API const char *brood_result_stage_output(const brood_result *result, size_t stage, int child_fd, size_t *ret_size);

/* Bytes that went through child_fd, kept or not: written for an input, read for an output. */
BROOD_API uint64_t brood_result_bytes(const brood_result *result, int child_fd);
BROOD_API uint64_t brood_result_stage_bytes(const brood_result *result, size_t stage, int child_fd);

/* Output was cut: by a capture's limit, or because somebody held the pipe past the linger. */
BROOD_API bool brood_result_truncated(const brood_result *result, int child_fd);

/* Somebody held a pipe open after every stage had ended. */
BROOD_API bool brood_result_held(const brood_result *result);

/* Who that was, as far as /proc shows: *ret_count pids, which live as long as the result. NULL when nobody is known. */
BROOD_API const pid_t *brood_result_holders(const brood_result *result, size_t *ret_count);

/* The errno (positive) why it could not be started, 0 when it could; brood_result_describe says it in words. */
BROOD_API int brood_result_errno(const brood_result *result);

/*
 * One line for people, without a newline: "stage 2: exec 'md5smu': No such file or directory", "stage 1 'sleep': killed by
 * SIGTERM, deadline of 100 ms". Never NULL; valid as long as the result, until the next call on its handle.
 */
BROOD_API const char *brood_result_describe(const brood_result *result);

/*
 * What a shell with `pipefail` would give: 0 for success, else the code or 128 + signal of the last stage that failed. 124 for a spent
 * budget, 126 and 127 for a program that cannot be run or found, 125 where no stage is to blame: any other failure to
 * start, cut output, a chain that still runs.
 */
BROOD_API int brood_result_shell_status(const brood_result *result);

/* The whole result as one JSON object in UTF-8; the caller frees it with free(3). NULL for want of memory. */
BROOD_API char *brood_result_json(const brood_result *result);

/* Free a result that brood_run gave out. NULL is fine. A handle's or a future's own must not be freed. */
BROOD_API void brood_result_free(brood_result *result);

BROOD_END

#endif
