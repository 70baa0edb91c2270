/* SPDX-License-Identifier: MIT */
/*
 * Why a chain could not be started: which stage, at which step, with which errno, on what.
 */
#ifndef BROOD_BASE_FAILURE_H
#define BROOD_BASE_FAILURE_H

#include <stddef.h>
#include <stdint.h>

/* The steps of a start, in the order in which they happen. The child reports one of these as a number. */
enum step {
	STEP_NONE,              /* no failure */
	STEP_COMMAND,           /* the description itself is wrong */
	STEP_MEMORY,
	STEP_OPEN,              /* a redirection to a path */
	STEP_PIPE,
	STEP_DESCRIPTOR,        /* a caller's descriptor that is not open, or a dup2 */
	STEP_CGROUP,
	STEP_FORK,              /* clone, clone3, fork, pidfd_open */
	STEP_SIGNALS,
	STEP_CLOSE,             /* close_range */
	STEP_SESSION,
	STEP_GROUP,
	STEP_TERMINAL,          /* the foreground group of a terminal */
	STEP_CHDIR,
	STEP_UMASK,
	STEP_NICE,
	STEP_RLIMIT,
	STEP_AFFINITY,
	STEP_SETGROUPS,
	STEP_SETGID,
	STEP_SETUID,
	STEP_CAPABILITIES,
	STEP_NO_NEW_PRIVS,
	STEP_PARENT,            /* die-with-parent, or the parent is gone */
	STEP_EXEC,
	STEP_UNSUPPORTED,       /* asked for something that this system does not have */
	STEP_COUNT
};

#define FAILURE_NO_STAGE SIZE_MAX

struct failure {
	size_t stage;           /* from 0, or FAILURE_NO_STAGE */
	enum step step;
	int error;              /* positive errno; 0 stands for no failure */
	char *subject;          /* the program, path, directory, number ...; NULL where memory was short or nothing fits */
};

/* Fill an empty failure (a first one is never overwritten); subject is copied, NULL is fine. Returns -error. */
int failure_set(struct failure *failure, size_t stage, enum step step, int error, const char *subject);

/* As above with a printf-style subject. */
int failure_setf(struct failure *failure, size_t stage, enum step step, int error, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* The word for a step: "exec", "chdir" ... */
const char *step_name(enum step step);

/* "stage 2: exec 'md5smu': No such file or directory". The caller frees it; NULL for want of memory. */
char *failure_text(const struct failure *failure);

void failure_done(struct failure *failure);

#endif
