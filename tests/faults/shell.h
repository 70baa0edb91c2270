/* SPDX-License-Identifier: MIT */
/*
 * What a shell is to the command: it makes a folder, gives descriptors and words, and looks at the status, the bytes and the files afterwards.
 *
 * The rule for every scenario: either all is as without a fault (done_well), or the status is not 0 and a line of brood's says what failed
 * (failed_well). An exit with 0 and anything missing, a failure without a word, bytes that nobody wrote, a torn record, a file left behind: each is a
 * wrong(...).
 */
#ifndef FAULTS_SHELL_H
#define FAULTS_SHELL_H

#include <jansson.h>

#include "scenario.h"

extern const struct scenario run_scenarios[];
extern const struct scenario map_scenarios[];

/* tools/main.c */
int brood_command_main(int argc, char **argv);

/* ---- before, and in the process that becomes the command ---- */

/* A folder of its own to be in, with tmp for $TMPDIR; standard output and standard error are files there. For `prepare`, or called first in one. */
void shell_enter(void);
/* The same with a pipe for standard output, which takes up to 64 KiB. */
void shell_enter_piped(void);
/* A file there. */
void shell_file(const char *name, const char *text);
void shell_bytes(const char *name, const char *bytes, size_t size);
/* The file is open for reading as this descriptor, and meant for commands. */
void shell_open(const char *name, int fd);

/* Call main with these words behind "brood"; NULL ends them. Its status. A descriptor that it leaves open is a wrong(). */
__attribute__((sentinel)) int shell_run(const char *word, ...);

/* ---- afterwards, in the supervisor ---- */

struct seen {
	const struct ended *ended;
	char *out, *err;
	size_t out_size;
	char miss[400];         /* what first was not as without a fault */
};

/* Read what there is. */
void seen_begin(struct seen *ret, const struct ended *ended);

/* It is not as without a fault, in words; the first one counts. */
__attribute__((format(printf, 2, 3))) void seen_miss(struct seen *seen, const char *format, ...);

/* These miss what differs: the status; all of standard output, whose beginning it must be in any case; standard error, by a pattern of fnmatch(3). */
void seen_status(struct seen *seen, int status);
void seen_output(struct seen *seen, const char *bytes, size_t size);
void seen_errors(struct seen *seen, const char *pattern);

/* A file of the folder, to be freed, with a NUL behind it; NULL when it is not there. */
char *seen_file(const char *name, size_t *ret_size);

/* It is one line, or missed when it is not there or empty; a torn one is wrong() unless `may_tear`. To be json_decref'd; NULL. */
json_t *seen_json(struct seen *seen, const char *name, bool may_tear);

/* The page is whole and has this text; or it was never made, and the older one is as it was: then missed. */
void seen_report(struct seen *seen, const char *name, const char *older, const char *text);
/* The trace is whole and has so many stages; a torn one is missed. */
void seen_trace(struct seen *seen, const char *name, size_t events);

/* Standard error has this in one of brood's own lines. */
bool seen_says(const struct seen *seen, const char *text);

/* The verdict. `files` are all that may lie in the folder (patterns, NULL ends them) beside its two outputs and tmp, which is empty. */
void seen_end(struct seen *seen, const char *const *files);

#endif
