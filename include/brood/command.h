/* SPDX-License-Identifier: MIT */
/*
 * What to run. A command is a description: making one makes no system call, it copies what it is given, and it
 * can be started any number of times, from any thread, as long as nobody changes it meanwhile.
 *
 * A chain is a command too. brood_pipe and brood_then take two commands and give one, so every call here
 * works on both; what a setter does on a chain is said at each, and in one table in brood_command(3).
 *
 * Setters return nothing. The first mistake sticks to the command: whatever starts it returns that error
 * (-EINVAL or -ENOMEM), and brood_command_error says it in words.
 *
 * Unless told otherwise a child has the caller's descriptors 0, 1 and 2 and no other, the caller's
 * environment without duplicates, directory, group and limits, no signal blocked, and every signal at its
 * default, the ones that the caller ignores included.
 */
#ifndef BROOD_COMMAND_H
#define BROOD_COMMAND_H

#include <brood/base.h>

BROOD_BEGIN

/* ---- making one ------------------------------------------------------------------------------------ */

/*
 * A command that runs argv[0] with the arguments argv (NULL ends the list). A name without a slash is looked up
 * on the PATH that the child will see, skipping empty and "." parts; one with a slash is relative to the
 * caller's directory, whatever brood_command_chdir says.
 *
 * Returns NULL for want of memory. A NULL or empty argv, or an empty argv[0], makes a command that fails to start
 * with -EINVAL (CVE-2021-4034 is what an empty argument list does to others). Free it with brood_command_free.
 */
BROOD_API brood_command *brood_command_new(const char *const argv[]);

/* The same with the arguments in the call: brood_command_newl("openssl", "md5", NULL). */
BROOD_API brood_command *brood_command_newl(const char *program, ...) BROOD_SENTINEL;

/*
 * Read a command line: words, 'single' and "double" quotes, backslash, and | between stages. Nothing is expanded and no
 * shell runs. Outside quotes, & ; < > ( ) $ ` * ? [ # ~ ! { } and newlines that a shell would act on are
 * refused, as are unbalanced quotes, empty stages and NAME=value before a program; in double quotes, $ and `. What a shell
 * would leave alone is an ordinary word here too: `find . ! -name x`, {} and a#b.
 *
 * Always fills *ret_cmd, but for -ENOMEM: after -EINVAL it holds a command that cannot be started, whose
 * brood_command_error says what is wrong and at which column (bytes, from 1). After -ENOMEM it is NULL. Free it either way.
 */
BROOD_API int brood_command_parse(const char *line, brood_command **ret_cmd);

/*
 * A C function as a stage: it runs in a forked child of its own, reads its stdin, writes its stdout, and what it
 * returns (0 to 255) is the stage's exit code. `name` shows in results and logs. `data` is the caller's and must
 * live until the function has been started; the child works on a copy of the caller's memory.
 *
 * What the host had buffered in stdio is not written again by the child; what the function printed is flushed. The
 * child leaves by _exit: no atexit handler of the host runs. In a threaded host the function must keep to what
 * fork(2) allows: locks that another thread held stay held. fflush(NULL) or exit(3) in the function reach the copies of the host's other
 * FILEs and its atexit handlers: return, or call _exit.
 */
BROOD_API brood_command *brood_command_function(const char *name, brood_function *function, void *data);

/*
 * The same with data that belong to the command: brood_command_free frees them by `release`, brood_command_copy copies them by `copy`,
 * which returns NULL for want of memory. Either may be NULL: then there is nothing to free; then copies share the data, which live
 * until the command they were given to is freed. Neither is called for NULL data. When this returns NULL the data have been freed.
 * For libraries that make commands of their own.
 */
BROOD_API brood_command *brood_command_function_owned(const char *name, brood_function *function, void *data_take,
                                                      void *(*copy)(const void *data), void (*release)(void *data));

/*
 * A command that cannot be started: -EINVAL, and brood_command_error says these words, as after a setter's mistake. For libraries that make
 * commands of their own and cannot make this one. NULL for want of memory.
 */
BROOD_API brood_command *brood_command_mistaken(const char *words);

/*
 * left | right, either of them a command or a chain. Takes both over: they must not be used or freed any more. NULL
 * on either side frees the other and gives NULL, so that a want of memory passes through. A mistake in either
 * sticks to the chain. When both set a timeout, the shorter counts; of the other settings of a chain the
 * left's, where it has any, else the right's. A name that was set on one command stays the name of its stage; the chain has none
 * until one is set on it. A direction of the left's stdout or the right's stdin, which the pipe is to take, is -EINVAL, and
 * so is the same command on both sides.
 */
BROOD_API brood_command *brood_pipe(brood_command *left_take, brood_command *right_take);

/*
 * first && second as one stage: the second runs if the first succeeded, both with the stage's stdin, stdout and
 * stderr. Takes both over, and NULL passes through as in brood_pipe. The stage is a forked child that runs the
 * two one after the other; its status is that of the last one that ran. Either side may itself be a chain; what
 * captures, feeds or opens a pipe on a side is -EINVAL: set that on the result.
 */
BROOD_API brood_command *brood_then(brood_command *first_take, brood_command *second_take);

/* A deep copy, mistakes included; NULL for want of memory or of a command. */
BROOD_API brood_command *brood_command_copy(const brood_command *cmd);

/* Free a command; what was started from it runs on. NULL is fine. */
BROOD_API void brood_command_free(brood_command *cmd);

/*
 * The command as text that a POSIX shell reads back to the same effect where a shell can express it: words quoted,
 * environment and directory as `cd` and `env`, redirections, | and &&. A function shows as its name in
 * angle brackets, quoted. The caller frees it with free(3). NULL for want of memory or of a command.
 *
 * Left out: what leads to the handle or the result (pipes, feeds, captures), times and stop signal, names, groups and sessions, limits,
 * ids, signals, processors. Where the program executed is not argv[0] the program is shown. Descriptors above 9 are written
 * as they are, though not every shell reads them. `env -u` and /dev/fd are beyond POSIX but everywhere.
 */
BROOD_API char *brood_command_format(const brood_command *cmd);

/* How many stages it has; 0 for NULL. */
BROOD_API size_t brood_command_stages(const brood_command *cmd);

/*
 * The words of a stage (from 0), ended by NULL: the command's own, until it is changed or freed. NULL for a function, for brood_then and
 * where there is no such stage.
 */
BROOD_API const char *const *brood_command_argv(const brood_command *cmd, size_t stage);

/* The first mistake in words, NULL when there is none. Lives as long as the command and is not changed. */
BROOD_API const char *brood_command_error(const brood_command *cmd);

/* ---- words and environment ---------------------------------------------------------------------------- */

/* Append an argument. On a chain: -EINVAL. */
BROOD_API void brood_command_arg(brood_command *cmd, const char *argument);
BROOD_API void brood_command_argf(brood_command *cmd, const char *format, ...) BROOD_PRINTF(2, 3);

/* Execute this file instead of argv[0], which the program still sees as its name. On a chain: -EINVAL. */
BROOD_API void brood_command_set_program(brood_command *cmd, const char *program);

/*
 * The child's environment, changed in the order of the calls: the last one wins. A name is not empty and has no '='.
 * _clearenv forgets what the caller's environment and earlier calls gave. No name ever reaches the child twice, not
 * even when the caller's own environment has it twice (CVE-2016-2381). On a chain: every stage.
 */
BROOD_API void brood_command_setenv(brood_command *cmd, const char *name, const char *value);
BROOD_API void brood_command_unsetenv(brood_command *cmd, const char *name);
BROOD_API void brood_command_clearenv(brood_command *cmd);

/* The child's working directory, by path or by descriptor (which must be open when the command is started). The last
 * call wins. On a chain: every stage. */
BROOD_API void brood_command_chdir(brood_command *cmd, const char *path);
BROOD_API void brood_command_fchdir(brood_command *cmd, int fd);

/* ---- descriptors ---------------------------------------------------------------------------------------
 *
 * Each child descriptor is directed once; a second, different direction is -EINVAL, but for _redirect_inherit, which
 * takes an earlier one back. child_fd is any number from 0. On a chain, 0 means the first stage's, 1 the last's; any
 * other is directed in every stage that does not direct it itself, all of them sharing one open file or one pipe.
 */

/* To or from /dev/null. */
BROOD_API void brood_command_redirect_null(brood_command *cmd, int child_fd);

/*
 * To or from a file that the parent opens at each start, relative to the caller's directory. `flags` and `mode` are open(2)'s
 * (0 is O_RDONLY), O_CLOEXEC and O_NOCTTY come with it. The open never waits: a FIFO that nobody reads is -ENXIO.
 */
BROOD_API void brood_command_redirect_path(brood_command *cmd, int child_fd, const char *path, int flags, mode_t mode);

/* To the caller's descriptor fd, which must be open when the command is started and stays the caller's. */
BROOD_API void brood_command_redirect_fd(brood_command *cmd, int child_fd, int fd);

/*
 * To where the child's own descriptor `other` goes: (cmd, BROOD_STDERR, BROOD_STDOUT) is 2>&1. A circle is -EINVAL; to swap two, use
 * brood_command_redirect_fd twice. On a chain each stage follows its own `other`: with 2>&1 the errors of all but the last stage
 * go into the pipe to the next.
 */
BROOD_API void brood_command_redirect_merge(brood_command *cmd, int child_fd, int other);

/* A pipe whose other end the handle keeps: brood_process_write, _read, _next_line, _communicate, _parent_fd. */
BROOD_API void brood_command_redirect_pipe(brood_command *cmd, int child_fd);

/*
 * The caller's descriptor of the same number (the default for 0, 1 and 2); takes an earlier direction back. On a chain it takes
 * back what was said on the chain, not what a stage directs itself. One of 0, 1 and 2 that the caller marked close-on-exec is the caller's own
 * and not inherited; brood_command_redirect_fd to the same number passes it on all the same.
 */
BROOD_API void brood_command_redirect_inherit(brood_command *cmd, int child_fd);

/*
 * stdin from memory: the bytes are copied now and written while the handle is waited for. The copy is wiped when the command, its copies and what was
 * started from it are gone. On a chain: the first stage.
 */
BROOD_API void brood_command_feed(brood_command *cmd, const void *bytes, size_t size);

/*
 * Keep what the child writes to child_fd, in the result, up to `limit` bytes; limit 0 is no limit. What is past the limit is
 * counted and told: brood_result_truncated. The bytes move while any call on the handle runs. child_fd 0 is -EINVAL.
 */
BROOD_API void brood_command_capture(brood_command *cmd, int child_fd, size_t limit);

/*
 * Bytes of a captured descriptor as they come: `size` of them, at least one, of this stage (from 0; of the first one that shares the pipe) and child
 * descriptor. Called inside whatever call moves bytes, those that stop a chain or free its handle among them; never inside brood_start and
 * brood_batch_submit. Of the same handle or batch it may only ask (brood_future_tries, brood_future_data). Return true to get more, false
 * for "enough for now": what is captured of the chain is left in its pipes, where its writers wait, until brood_process_resume or
 * brood_future_resume; inside brood_run nobody can say that. Its deadlines run on. What is in the pipes when the last stage ends, and what
 * comes within the linger, comes all the same: "enough" is not heard then.
 */
typedef bool brood_output_function(void *data, size_t stage, int child_fd, const char *bytes, size_t size);

/*
 * Hand what is captured to this function instead of keeping it: outputs in the result are empty, brood_result_bytes counts as ever, limits,
 * overflow and linger hold as ever. What brood_process_communicate drains of pipes that are not captured is kept. `data` is the caller's and
 * lives until the handle is freed, or the future has ended. A NULL function keeps again. On a chain: all captures of all stages. The
 * first byte of a batch's second try comes when brood_future_tries is 2.
 */
BROOD_API void brood_command_on_output(brood_command *cmd, brood_output_function *function, void *data);

/* What to do past the limit of a capture. */
enum brood_overflow {
	BROOD_DRAIN,    /* read on and drop: the chain ends by itself (the default) */
	BROOD_STOP      /* stop the chain; the result says BROOD_BY_OVERFLOW */
};
BROOD_API void brood_command_set_overflow(brood_command *cmd, enum brood_overflow overflow);

/* ---- time, stopping, success --------------------------------------------------------------------------
 * These belong to the whole chain.
 */

/*
 * The chain's budget from its start, in milliseconds (-1, the default: none). When it is spent the chain is stopped and the
 * result says BROOD_BY_DEADLINE. There is no thread: it acts inside calls on the handle, and brood_process_fd
 * becomes readable.
 * It bounds the linger too, whatever was set for that: one that begins when it is spent lasts 1000 ms at the most.
 */
BROOD_API void brood_command_set_timeout_ms(brood_command *cmd, int64_t timeout_ms);

/*
 * How long a stopped chain has between the stop signal and SIGKILL (2000 ms; 0: SIGKILL at once). Negative is -EINVAL: a spent budget and
 * brood_process_free must end. To wait longer once, give brood_process_stop a grace of its own.
 */
BROOD_API void brood_command_set_grace_ms(brood_command *cmd, int64_t grace_ms);

/*
 * How long captured pipes are read on after every stage has ended, when somebody else (a grandchild) still holds
 * them (1000 ms). After that the output counts as truncated and is not success, unless this was called. -1: until EOF.
 */
BROOD_API void brood_command_set_linger_ms(brood_command *cmd, int64_t linger_ms);

/* The signal that asks the chain to end (SIGTERM). */
BROOD_API void brood_command_set_stop_signal(brood_command *cmd, int signal);

/* A name for results, logs and futures. Unset: the command's words. In a chain that it becomes part of, it names the stage. */
BROOD_API void brood_command_set_name(brood_command *cmd, const char *name);

/* This stage's status does not count for success. On a chain: -EINVAL. */
BROOD_API void brood_command_set_unchecked(brood_command *cmd, bool unchecked);

/* ---- what the child is, on a chain: every stage ---------------------------------------------------------- */

/*
 * If the caller ignores this signal, so does the child; every other ignored one is reset. 0 stands for every signal: then a start need not look
 * which ones the caller ignores, a sixth of what a trivial child costs.
 */
BROOD_API void brood_command_keep_ignored(brood_command *cmd, int signal);

/* A process group of its own, one for the whole chain: stop, terminate and kill then reach its grandchildren too. */
BROOD_API void brood_command_set_new_group(brood_command *cmd, bool new_group);

/*
 * The chain's group (which it gets, as by brood_command_set_new_group) becomes the foreground group of the terminal that fd refers to, before
 * the first program is executed: an interactive program works, and Ctrl-C reaches the chain alone. fd must be open at the start and the caller's
 * controlling terminal, or the start fails: -EBADF, -ENOTTY; it need not be one of the child's. The caller may be in the background itself. It
 * takes the terminal back by tcsetpgrp(3), with SIGTTOU blocked or ignored, once the chain has ended or could not be started. -1 takes the
 * setting back; other negatives are -EINVAL, and so is this on a side of brood_then.
 */
BROOD_API void brood_command_set_terminal(brood_command *cmd, int fd);

/* A session (and group) of its own for each stage: no controlling terminal. */
BROOD_API void brood_command_set_new_session(brood_command *cmd, bool new_session);

/*
 * SIGKILL to the child when the thread that started it ends (PR_SET_PDEATHSIG: the thread, not the process; start from one
 * that lives as long as the program). Linux only: elsewhere start fails with -ENOTSUP.
 */
BROOD_API void brood_command_set_die_with_parent(brood_command *cmd, bool die_with_parent);

/*
 * A cgroup of its own below the caller's (cgroup v2, where the caller may make one): stop, kill and free then reach
 * everything that ever came out of it, setsid and double forks included. Where that cannot be, start fails and says why.
 */
BROOD_API void brood_command_set_contained(brood_command *cmd, bool contained);

/* Added to the child's nice value, as nice(2). */
BROOD_API void brood_command_set_nice(brood_command *cmd, int increment);
BROOD_API void brood_command_set_umask(brood_command *cmd, mode_t mask);

/* A limit as in setrlimit(2): resource is RLIMIT_*, UINT64_MAX is RLIM_INFINITY. */
BROOD_API void brood_command_set_rlimit(brood_command *cmd, int resource, uint64_t soft, uint64_t hard);

/*
 * Run as this user and group with exactly these supplementary groups (none when count is 0). Dropped in the order
 * groups, gid, uid, then verified, and unless uid is 0 no capability stays; a failure to drop is a failure to start. Such a
 * child never shares memory with the caller, even for an instant.
 */
BROOD_API void brood_command_set_user(brood_command *cmd, uid_t uid, gid_t gid, const gid_t *groups, size_t count);

/* prctl(2) PR_SET_NO_NEW_PRIVS: no setuid program gains anything. Linux only: elsewhere -ENOTSUP at start. */
BROOD_API void brood_command_set_no_new_privs(brood_command *cmd, bool no_new_privs);

/* The processors it may run on, by number from 0. Linux only: elsewhere -ENOTSUP at start. */
BROOD_API void brood_command_set_affinity(brood_command *cmd, const int *cpus, size_t count);

BROOD_END

#endif
