/* SPDX-License-Identifier: MIT */
/*
 * One scenario run in a process of its own, with one fault put into it.
 *
 * The process installs a seccomp filter when it is all set up (so nothing of the loader's or of the set-up is hit), which hands each system call
 * made by our own text and libc's to a supervisor, its parent; SECCOMP_RET_USER_NOTIF. The supervisor lets it go on, or answers with
 * an errno in its place. What a child executes lies elsewhere in memory, and its calls are not handed over at all.
 */
#ifndef FAULTS_INJECT_H
#define FAULTS_INJECT_H

#include <stdbool.h>
#include <sys/types.h>

#include "errnos.h"
#include "scenario.h"

enum { CALLS_MOST = 192, WORDS = 2048 };

/* Which call fails, and how. An error of 0: none does. */
struct point {
	enum side side;
	int call;               /* index in calls[] */
	int error;
	unsigned nth;           /* from 1 */
	bool lasting;           /* and all after it */
};

/* What is taken away from the process before it begins. */
enum limit { LIMIT_NONE, LIMIT_NOFILE, LIMIT_NPROC, LIMIT_PIDS };

struct setting {
	struct point point;
	const struct kernel *kernel;    /* NULL: the one that runs here */
	enum limit limit;
	unsigned room;                  /* what the limit leaves beyond what is used already */
};

enum verdict {
	SURVIVED,
	NOT_FIRED,              /* it survived, but the call never came */
	SKIPPED,
	FAILED
};

struct run {
	enum verdict verdict;
	bool well;              /* all was as without a fault */
	bool told;              /* an error was told */
	int error;              /* the first one, negative */
	unsigned count[SIDES][CALLS_MOST];
	long unknown;           /* a system call that calls[] does not know; -1 */
	char words[WORDS];      /* why it failed or was skipped, or what was told */
};

/* Once in a program, before the first run. False with the reason in *ret_why where this system does not let us. */
bool inject_init(const char **ret_why);

/* Once in each process that runs scenarios: a directory for them. */
void inject_worker(const char *directory);

/* Run it. Returns when nothing of it is left. */
void inject_run(const struct scenario *scenario, const struct setting *setting, struct run *ret);

/* "host openat EMFILE 3" or "child dup3 EBUSY 1+". In a static place. */
const char *point_words(const struct point *point);

#endif
