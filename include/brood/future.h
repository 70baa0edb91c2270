/* SPDX-License-Identifier: MIT */
/*
 * One chain of a batch, from its submission to its result.
 *
 * A future is counted. brood_batch_submit and brood_batch_next hand out the same object, each with a reference of its own;
 * freeing one while the chain runs leaves the chain running. A future outlives its batch. It belongs to its batch's thread.
 */
#ifndef BROOD_FUTURE_H
#define BROOD_FUTURE_H

#include <brood/base.h>

BROOD_BEGIN

/*
 * Wait up to timeout_ms for this one, driving the whole batch meanwhile. 0 once it has ended, well or badly; -ECANCELED when it
 * was cancelled; -ETIMEDOUT while it waits or runs.
 */
BROOD_API int brood_future_wait(brood_future *future, int64_t timeout_ms);

/* True once brood_future_wait would return at once. Looks, does not drive the batch. */
BROOD_API bool brood_future_ready(const brood_future *future);

/*
 * Waiting: it is never started. Running: its children are stopped as brood_process_stop does, while the batch is driven; its result
 * says BROOD_BY_CANCEL. 0, or -EALREADY when it has ended or was cancelled before.
 */
BROOD_API int brood_future_cancel(brood_future *future);

/*
 * The result, also of one that could not be started or was cancelled (its stages BROOD_NOT_STARTED then); NULL before the end. Lives as
 * long as the future. Of several tries it is the last one's.
 */
BROOD_API const brood_result *brood_future_result(const brood_future *future);

/* 0, or why it has no result of its own: the negative errno of a failed start, -ECANCELED; -EINPROGRESS before the end. */
BROOD_API int brood_future_error(const brood_future *future);

/* The command's name, or its words. Lives as long as the future. */
BROOD_API const char *brood_future_name(const brood_future *future);

/* How often it was started: 0 while it waits, 2 after one retry. */
BROOD_API unsigned brood_future_tries(const brood_future *future);

/*
 * A pointer of the caller's, to find the job again when brood_batch_next gives its future: set it on what brood_batch_submit handed out. NULL at
 * first. The library neither reads nor frees what it points to.
 */
BROOD_API void brood_future_set_data(brood_future *future, void *data);
BROOD_API void *brood_future_data(const brood_future *future);

/* After a brood_output_function said "enough": the member's bytes flow again. 0 also when it has ended, or they flowed anyway. */
BROOD_API int brood_future_resume(brood_future *future);

/* Drop this reference. NULL is fine. */
BROOD_API void brood_future_free(brood_future *future_take);

BROOD_END

#endif
