/* SPDX-License-Identifier: MIT */
/*
 * Many chains, at most so many at a time, from the caller's own thread: no helper process, no thread. The caller drives the batch by
 * waiting: brood_batch_next, brood_future_wait, or brood_batch_dispatch in a loop of its own.
 *
 * A member has stdin from /dev/null unless its command says otherwise (brood_command_redirect_fd(cmd, 0, 0) gives it the caller's), and always a
 * process group of its own: one that reads from the terminal is stopped by SIGTTIN. The output of one is never mixed with
 * another's. Ten thousand at a time is an ordinary case, given the descriptors: one each without pipes. The host raises
 * RLIMIT_NOFILE; brood_command_set_rlimit gives a child the old limit back.
 *
 * A batch and its futures belong to one thread at a time, together.
 */
#ifndef BROOD_BATCH_H
#define BROOD_BATCH_H

#include <brood/base.h>

BROOD_BEGIN

/* At most at_once chains at a time; 0 stands for the number of processors this thread may use. NULL for want of memory. */
BROOD_API brood_batch *brood_batch_new(size_t at_once);

/*
 * Hand in a chain: a copy of cmd is run when there is a place, in this call if there is one. *ret_future, unless ret_future is NULL,
 * is the caller's to free. Descriptors that cmd directs to stay the caller's, and open until it was started. Pipes made by
 * brood_command_redirect_pipe are drained into the result; stdin gets EOF. A timeout set on cmd counts from each start.
 *
 * Returns 0 also when the chain cannot be started: its future then says so, no error is lost by ignoring this return. -EAGAIN when the
 * queue limit is reached (nothing was handed in), -ENOMEM (also for a
 * NULL cmd, which a constructor without memory gave), -EINVAL for a NULL batch.
 * When no descriptor, process or memory is to be had (EMFILE, ENFILE, EAGAIN) while members run, it waits for a place; with none running it fails.
 */
BROOD_API int brood_batch_submit(brood_batch *batch, const brood_command *cmd, brood_future **ret_future);

/*
 * The next one that has ended, in the order of completion: 1 and *ret_future (the caller's to free), 0 when nothing is left,
 * -ETIMEDOUT. Each is given once; the ones that failed or were cancelled too. With a NULL ret_future it is only counted off.
 */
BROOD_API int brood_batch_next(brood_batch *batch, int64_t timeout_ms, brood_future **ret_future);

/* How many wait for a place (or for a retry), and how many run. */
BROOD_API size_t brood_batch_waiting(const brood_batch *batch);
BROOD_API size_t brood_batch_running(const brood_batch *batch);

/* ---- options: before or between submissions ------------------------------------------------------------------ */

/*
 * The first one that is not success: no more are started (they end as cancelled, later submissions too), running ones are stopped. Off by
 * default. Setting it again, either way, lets the batch go on.
 */
BROOD_API void brood_batch_set_stop_on_failure(brood_batch *batch, bool stop_on_failure);

/*
 * Run one that is not success again, up to `retries` times, after backoff_ms, doubled each time up to a minute. One that could never work
 * (a program that does not exist, a bad argument) is not tried again. -EINVAL for a negative backoff.
 */
BROOD_API int brood_batch_set_retries(brood_batch *batch, unsigned retries, int64_t backoff_ms);

/* What to do when the captured output of all members and of all futures not yet freed passes the budget. */
enum brood_beyond_budget {
	BROOD_SPILL,    /* outputs that grow beyond it go to memfds, which count as shared memory and may be swapped; ones below 32 KiB stay
	                   (the default) */
	BROOD_PAUSE     /* leave it in the pipes until futures are freed; the member that is first in line always goes on. Timeouts go on too */
};

/* A byte budget for captured output held at one time; 0, the default: none. */
BROOD_API void brood_batch_set_output_budget(brood_batch *batch, size_t bytes, enum brood_beyond_budget beyond);

/* At most so many waiting; 0, the default: no limit. brood_batch_submit is -EAGAIN beyond it. */
BROOD_API void brood_batch_set_queue_limit(brood_batch *batch, size_t waiting);

/* ---- stopping ------------------------------------------------------------------------------------------------ */

/* Cancel all that wait and all that run. They come out of brood_batch_next as cancelled. */
BROOD_API void brood_batch_cancel(brood_batch *batch);

/*
 * Send the signal to all that run, each to its whole group or cgroup, as brood_process_signal does; ones that are being stopped too. 0, or the
 * first error there was.
 */
BROOD_API int brood_batch_signal(brood_batch *batch, int signal);

/* ---- an event loop of your own --------------------------------------------------------------------------------- */

/* One descriptor to poll for reading, the batch's own; -ENOTSUP where the system has no such thing. */
BROOD_API int brood_batch_fd(brood_batch *batch);

/*
 * Do what there is to do without blocking: how many futures brood_batch_next would give at once, or a negative errno. The descriptor is readable
 * for as long as there are any.
 */
BROOD_API int brood_batch_dispatch(brood_batch *batch);

/*
 * Free the batch: what waits is cancelled, what runs is stopped, all at once and not one after another, and reaped. Futures live on.
 * NULL is fine.
 */
BROOD_API void brood_batch_free(brood_batch *batch_take);

BROOD_END

#endif
