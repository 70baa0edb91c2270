/* SPDX-License-Identifier: MIT */
/*
 * What a scenario is made of: a function that uses the public interface and judges what comes of it by itself, whatever fails on the way.
 *
 * There are three ways out. done_well: all is as without a fault. failed_well: the library told an error in words, and says of nothing
 * that it is success. Anything else (wrong bytes called success, an error without words) is a wrong(...). A scenario frees all
 * that it made and allocates nothing by itself.
 *
 * A scenario may be a program instead: its main is called in the process under test, which ends with what it returns, and another function judges from
 * outside, as a shell does, by the status, the bytes and the files.
 */
#ifndef FAULTS_SCENARIO_H
#define FAULTS_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include <brood.h>

/* For a scenario's `flags`. */
enum {
	WARM = 1,               /* run it once before the faults: what a process learns once has been learned */
	NEEDS_ROOT = 2,
	NEEDS_PIDFD = 4,        /* what it does is -ENOTSUP without pidfds: an error there too */
	NEEDS_MEMFD = 8,
	NEEDS_CGROUP = 16,      /* a cgroup v2 below ours */
	LEAVES = 32,            /* a grandchild lives on, as it should */
	TAKES = 64,             /* run frees what prepare allocated */
	LOOPS = 128,            /* how many calls it makes depends on the machine: a few occurrences of each are enough */
	NEEDS_LINUX = 256,      /* -ENOTSUP in the plain POSIX build */
	MUCH = 512              /* too much to be moved byte by byte */
};

/* How a program ended. */
struct ended {
	pid_t pid;
	int status;             /* 128+n: it died of signal n */
	int fault;              /* the error that was put in; 0: it is of another kind */
	bool in_child;          /* into a call of a child's */
	bool unheard;           /* its standard error did not take a line: what is not told there may have been said */
};

struct scenario {
	const char *name;
	void (*run)(void);
	int (*main)(void);      /* a program, in place of run */
	void (*judge)(const struct ended *ended);       /* and what came of it, in another process, when nothing of it is left */
	void (*prepare)(void);  /* in the same process, before the faults; NULL */
	const char *engine;     /* BROOD_ENGINE, NULL: the best there is */
	const char *poller;     /* BROOD_POLLER */
	unsigned flags;
};

/* Each ends with a NULL name. */
extern const struct scenario redirect_scenarios[];
extern const struct scenario chain_scenarios[];
extern const struct scenario talk_scenarios[];
extern const struct scenario stop_scenarios[];
extern const struct scenario child_scenarios[];
extern const struct scenario batch_scenarios[];

/* ---- the ways out ---- */

void done_well(void);

/* `error` is what the library returned (negative), or 0 where a result tells of a failure; `words` are the library's. */
void failed_well(int error, const char *words);

__attribute__((format(printf, 1, 2))) void wrong(const char *format, ...);

/* wrong() unless it holds, with the text of the condition. Returns the condition. */
#define must(condition) must_be((condition), __FILE__, __LINE__, #condition)
bool must_be(bool condition, const char *file, int line, const char *text);

/* What a scenario does for itself in between is not swept. */
void aside_begin(void);
void aside_end(void);

/* ---- words for scenarios ---- */

/* The test child with these verbs; see tests/child/README.md. */
const char *child_path(void);
#define child(...) brood_command_newl(child_path(), __VA_ARGS__, NULL)

/* A file of this worker's directory, by a name of one word. Valid to the end of the process. */
const char *file_path(const char *name);
/* Write it before the faults. */
void file_make(const char *name, const char *text);
/* Does it hold exactly this? */
bool file_holds(const char *name, const char *text);

/*
 * Look at what brood_run or brood_start gave: true when it claims success, and then the caller looks at the bytes. Else the failure has been told, or
 * wrong() was. `result` may be NULL with -ENOMEM only.
 */
bool claims_success(int r, const brood_result *result);

/* A result that should be no success and is none, in words: a spent deadline, a failed stage. True when it tells that this stage ended so. */
bool tells_end(int r, const brood_result *result, size_t stage, enum brood_how how, int code, enum brood_cause cause);

/* Run a command and free it: true as claims_success. *ret_result is for brood_result_free. */
bool runs(brood_command *cmd_take, brood_result **ret_result);

/* Start and free it: true when it runs. Else it has been told and *ret_process is to be freed all the same. */
bool starts(brood_command *cmd_take, brood_process **ret_process);

/* wrong() unless the output is this. */
void output_is(const brood_result *result, int child_fd, const char *text);
void output_has_size(const brood_result *result, int child_fd, size_t size, char byte);

enum { SOON_MS = 8000, SHORT_GRACE_MS = 40 };

#endif
