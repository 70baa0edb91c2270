/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the bridge share. It is a library of its own: of brood it uses the public headers only. */
#ifndef BROOD_LIBPIPELINE_BRIDGE_H
#define BROOD_LIBPIPELINE_BRIDGE_H

#include <brood/libpipeline.h>
#include <stdatomic.h>

/* Where a pipeline's stdin or stdout goes. */
enum end_kind {
	END_PLAIN,              /* where the stage's goes */
	END_PIPE,               /* the program wants the other end */
	END_FD,
	END_FILE,
	END_UNKNOWN             /* this libpipeline does not show it, or in a way that is not known */
};

struct end {
	enum end_kind kind;
	int fd;                 /* of END_FD */
	char *name;             /* of END_FILE, else NULL */
};

/*
 * What was taken from libpipeline's user: one of the two. The copies of a command share it and nobody changes it, so no copy is ever
 * made in the host: libpipeline's own (pipecmd_dup) would exit the host for want of memory.
 */
struct adopted {
	atomic_size_t users;
	pipecmd *cmd;
	int cwd_fd;             /* of pipecmd_fchdir, or -1 */
	bool sequence;          /* libpipeline forks again in the child */
	pipeline *pipeline;
	struct end in, out;     /* without names: libpipeline has them */
	int status_fd;          /* where the hosting child tells its commands' statuses, or -1 */
};

/* One user. NULL for want of memory; what it was to hold has been freed then. */
struct adopted *adopted_new(pipecmd *cmd_take, pipeline *pipeline_take);

/* One user more, one less: brood_command_function_owned's copy and release. */
void *adopted_copy(const void *adopted);
void adopted_release(void *adopted);

/*
 * In the child: from here on exit(3) flushes stdout and stderr and leaves by _exit, before any handler of the host has run.
 * Where that cannot be arranged the child ends at once, with 255.
 */
void leave_without_handlers(void);

/* The pipecmd's name for results and logs: no argument and no environment is in it. Never NULL; writes at most `size` bytes. */
const char *name_of(const char *dump, char *name, size_t size);

/* The descriptor of pipecmd_fchdir, from "(cd <fd 7> && ", or -1. A directory of that name looks like one: its start asks for a descriptor 7. */
int directory_fd(const char *dump);

/* What pipecmd_dump and pipeline_dump print. The caller frees it; NULL for want of memory. */
char *dump_pipecmd(pipecmd *cmd);
char *dump_pipeline(pipeline *p);

/* What a pipeline keeps to itself. */
struct answer {
	bool started;
	struct end in, out;
};

/*
 * Ask it, in a child that spoils its own copy. 0 and an answer for answer_done; or -ENOMEM; or another negative errno, with the reason
 * in words.
 */
int ask_pipeline(pipeline *p, struct answer *ret, char *why, size_t why_size);
void answer_done(struct answer *answer);

/* The pipeline as one stage, run by libpipeline in a child. Takes it over; NULL for want of memory. */
brood_command *hosted_new(pipeline *pipeline_take, const struct end *in, const struct end *out);

/* What the hosting child told of its commands, as brood_pipeline_statuses hands it back. -ENOENT when no hosting child was the only stage. */
int hosted_statuses(const brood_result *result, int *ret_statuses, size_t size);

#endif
