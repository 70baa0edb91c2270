/* SPDX-License-Identifier: MIT */
/*
 * A started chain: its children, its pipes, its deadline.
 *
 * Every call on a handle first moves what is captured and fed, reaps whoever has ended, and acts on a budget that is
 * spent. Nothing happens between calls: a program that has a loop of its own polls brood_process_fd.
 * No call prints, exits, starts a thread, or touches children that are not its own.
 */
#ifndef BROOD_PROCESS_H
#define BROOD_PROCESS_H

#include <brood/base.h>

BROOD_BEGIN

/* ---- starting ------------------------------------------------------------------------------------------ */

/*
 * Start every stage. Returns 0 with a running chain, or a negative errno when a stage could not be started: then the stages
 * before it have been stopped (stop signal, grace, SIGKILL) and reaped, and the later ones were never started.
 *
 * Always fills *ret_process, but for -ENOMEM (NULL): after a failure it holds the result, which says stage, step, errno
 * and subject. Free it with brood_process_free. The command stays the caller's and may be freed or started again.
 * A NULL cmd is -ENOMEM: it stands for a constructor that ran out of memory.
 */
BROOD_API int brood_start(const brood_command *cmd, brood_process **ret_process);

/*
 * Start, feed, drain, wait for the end, hand out the result (always, but for -ENOMEM). Returns 0 when the chain could be run,
 * however it ended: brood_result_ok says whether that was success. Blocks for as long as the chain runs: give
 * the command a timeout. Pipes made by brood_command_redirect_pipe are drained into the result; stdin gets EOF.
 * A NULL cmd is -ENOMEM, as in brood_start.
 */
BROOD_API int brood_run(const brood_command *cmd, brood_result **ret_result);

/* ---- waiting ---------------------------------------------------------------------------------------------- */

/* 1 once every stage has ended, 0 while one runs, a negative errno. Never blocks. */
BROOD_API int brood_process_poll(brood_process *process);

/*
 * Wait up to timeout_ms for the whole chain to end.
 *
 * Returns 0 once every stage's end is known and what was in the captured pipes has been read; -ETIMEDOUT while one still
 * runs: the children are left alone. Calling again after success is cheap and gives the same answer.
 * A grandchild that holds a pipe open does not delay this call: what it writes later is kept by a later call.
 * A stage that writes to a brood_command_redirect_pipe that nobody reads blocks, and so never ends: read it, or communicate.
 */
BROOD_API int brood_process_wait(brood_process *process, int64_t timeout_ms);

/*
 * Write `size` bytes of input to the chain's stdin (a brood_command_redirect_pipe) and close it, read every pipe that the handle
 * still owns into the result, and wait for the end, the linger included.
 *
 * The input is copied by the first call. Returns 0 when all is done; -ETIMEDOUT with nothing lost: go on with (NULL, 0).
 * -EINVAL for other input then, for input beside brood_command_feed, or where stdin is no pipe of this handle. A child that
 * does not read its input is no error.
 */
BROOD_API int brood_process_communicate(brood_process *process, const void *input, size_t size, int64_t timeout_ms);

/* ---- streaming: the ends of brood_command_redirect_pipe ------------------------------------------------------ */

/*
 * Write all of it to the chain's stdin. Returns 0; -ETIMEDOUT when some is left (*ret_written, which may be NULL, says how
 * much went out); -EPIPE when nobody reads any more (no SIGPIPE is ever left for the host); -EBADF when stdin is not a pipe of
 * this handle or was closed.
 */
BROOD_API int brood_process_write(brood_process *process, const void *bytes, size_t size, int64_t timeout_ms,
                                  size_t *ret_written);

/*
 * Read what there is, at most `size` bytes, waiting for at least one. Returns how many, 0 at the end, -ETIMEDOUT, -EBADF when
 * child_fd is not a pipe of this handle. Reading after the children have ended works.
 */
BROOD_API ssize_t brood_process_read(brood_process *process, int child_fd, int64_t timeout_ms, void *ret_bytes, size_t size);

/* The same for the stage with this index (from 0), where a stage in the middle has a pipe of its own. */
BROOD_API ssize_t brood_process_read_stage(brood_process *process, size_t stage, int child_fd, int64_t timeout_ms,
                                           void *ret_bytes, size_t size);

/*
 * The next line without its newline: 1 and *ret_line (followed by a NUL; bytes may be NUL too, *ret_size counts), valid until
 * the next call on the handle; 0 at the end. A last line without a newline counts. -ETIMEDOUT keeps what has come of the
 * line. A line has no limit but memory (-ENOMEM): use brood_process_read for children that are not trusted.
 */
BROOD_API int brood_process_next_line(brood_process *process, int child_fd, int64_t timeout_ms, const char **ret_line,
                                      size_t *ret_size);

/* Close the handle's end: EOF for a child's stdin, SIGPIPE for its writes. 0, or -EBADF when there is none. */
BROOD_API int brood_process_close(brood_process *process, int child_fd);

/*
 * Move the handle's end out of it: the caller owns the descriptor (blocking, close-on-exec), for example to direct the next
 * command to it. Returns it, or -EBADF when there is none, -EBUSY when bytes of it have been read ahead by next_line.
 */
BROOD_API int brood_process_parent_fd(brood_process *process, int child_fd);

/* After a brood_output_function said "enough": its bytes flow again. 0 also when they flowed anyway. */
BROOD_API int brood_process_resume(brood_process *process);

/* ---- stopping ---------------------------------------------------------------------------------------------- */

/* What brood_process_stop reached. */
enum brood_stopped {
	BROOD_STOPPED_CHILDREN = 1,     /* the children of the chain */
	BROOD_STOPPED_GROUP = 2,        /* and everybody in its process group */
	BROOD_STOPPED_ALL = 3           /* and everything that ever came out of it (cgroup) */
};

/*
 * Send the signal to the whole chain: its group or cgroup where it has one, else every stage that still runs. 0, also when all
 * have ended already; never a stranger, whatever happens to pids. From any thread, but not
 * while another one frees the handle. The stop signal and SIGCONT for
 * stopped children: _terminate; SIGKILL: _kill. 0 only asks whether somebody is there: then -ESRCH when all have ended and been reaped.
 */
BROOD_API int brood_process_signal(brood_process *process, int signal);
BROOD_API int brood_process_terminate(brood_process *process);
BROOD_API int brood_process_kill(brood_process *process);

/*
 * The stop signal, grace_ms for the chain to end (0: SIGKILL at once; -1: as long as it takes), SIGKILL, reaped; stopped children too.
 * Returns what was reached (enum brood_stopped), or a negative errno. Always ends: a child that SIGKILL does not end within a bounded time
 * (uninterruptible sleep) is given up as BROOD_LOST. Of a contained chain it is asked whether its cgroup is empty: where that cannot be asked (-EMFILE)
 * the children have ended, and the error says that nobody knows of the rest.
 */
BROOD_API int brood_process_stop(brood_process *process, int64_t grace_ms);

/* ---- looking -------------------------------------------------------------------------------------------------- */

/* The process id of a stage (from 0), also after its end; 0 when it was never started or there is no such stage (kill(2) takes 0 for the caller's own
 * group: ask brood_process_signal instead). */
BROOD_API pid_t brood_process_pid(const brood_process *process, size_t stage);
BROOD_API size_t brood_process_stages(const brood_process *process);

/*
 * The result as it stands: outputs and stages fill as calls on the handle run. Lives until brood_process_free. Never NULL for a
 * handle.
 */
BROOD_API const brood_result *brood_process_result(const brood_process *process);

/* ---- an event loop of your own ------------------------------------------------------------------------------ */

/*
 * One descriptor to poll for reading: readable whenever brood_process_dispatch has something to do, the budget, the grace and the
 * linger included. It is the handle's: do not read or close it. A negative errno: -ENOTSUP where the system has no such thing.
 */
BROOD_API int brood_process_fd(brood_process *process);

/* Do what there is to do without blocking: 1 once the chain has ended and is drained, 0 before, a negative errno. */
BROOD_API int brood_process_dispatch(brood_process *process);

/* ---- the end ---------------------------------------------------------------------------------------------------- */

/*
 * Leave the children running on purpose: the handle is freed, nobody will reap them but the host itself or, after it, init.
 * What was captured is gone, and pipes of the handle are closed.
 */
BROOD_API void brood_process_detach(brood_process *process_take);

/* Free a handle. Children that still run are stopped with the command's grace and reaped. NULL is fine. */
BROOD_API void brood_process_free(brood_process *process_take);

BROOD_END

#endif
