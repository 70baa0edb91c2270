/* SPDX-License-Identifier: MIT */
/*
 * What a brood_command is made of. Only lib/command writes these; lib/spawn and lib/process read them.
 *
 * A command is a list of stages (one, until brood_pipe joins two lists) and the settings of the chain. A setter that
 * reaches every stage is stored in each of them, so that a stage is complete by itself.
 */
#ifndef BROOD_COMMAND_DESCRIPTION_H
#define BROOD_COMMAND_DESCRIPTION_H

#include <brood/command.h>

#include "base/blob.h"
#include "base/strv.h"

/* ---- where a child's descriptor goes ---- */

enum direction_kind {
	DIRECTION_INHERIT,      /* the caller's descriptor of the same number (only stored for child_fd > 2) */
	DIRECTION_NULL,
	DIRECTION_PATH,
	DIRECTION_FD,
	DIRECTION_MERGE,
	DIRECTION_PIPE,
	DIRECTION_FEED,
	DIRECTION_CAPTURE
};

struct direction {
	enum direction_kind kind;
	int child_fd;
	uint64_t id;            /* never 0; entries of several stages with the same id share one open file or one pipe */
	bool shared;            /* set on this chain: each stage that did not direct child_fd itself has it, with one id (not 0 and 1) */
	int fd;                 /* FD: the caller's; MERGE: the same stage's other descriptor; else -1 */
	char *path;             /* PATH */
	int flags;
	mode_t mode;
	size_t limit;           /* CAPTURE */
	struct blob *blob;      /* FEED */
};

/* ---- the environment: changes in order ---- */

enum env_change { ENV_SET, ENV_UNSET, ENV_CLEAR };

struct env_op {
	enum env_change change;
	char *text;             /* SET: "NAME=value"; UNSET: "NAME"; CLEAR: NULL */
};

/* ---- what the child is ---- */

struct rlimit_op {
	int resource;
	uint64_t soft;
	uint64_t hard;
};

#define KEEP_ALL_IGNORED UINT64_MAX

struct identity {
	bool new_group;
	bool new_session;
	bool die_with_parent;
	bool contained;
	bool no_new_privs;
	bool set_umask;
	bool set_user;
	mode_t umask;
	int nice;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t group_count;
	struct rlimit_op *limits;
	size_t limit_count;
	int *cpus;
	size_t cpu_count;       /* 0: not set */
	uint64_t keep_ignored;  /* bit signal-1, or KEEP_ALL_IGNORED */
};

/* ---- a stage ---- */

enum stage_kind { STAGE_EXEC, STAGE_FUNCTION, STAGE_THEN };

struct stage {
	enum stage_kind kind;
	struct strv argv;       /* EXEC */
	char *program;          /* EXEC: the file, when it is not argv[0] */
	char *name;             /* what stage_name says: always set for FUNCTION and THEN, else a label or NULL */
	brood_function *function;
	void *data;
	void *(*copy_data)(const void *data);   /* FUNCTION: the data belongs to the stage; or NULL */
	void (*release_data)(void *data);
	brood_command *first;   /* THEN */
	brood_command *second;
	struct env_op *env;
	size_t env_count;
	char *cwd;              /* or NULL */
	int cwd_fd;             /* or -1 */
	struct direction *directions;
	size_t direction_count;
	struct identity identity;
	bool unchecked;
};

/* ---- the chain ---- */

enum { GRACE_DEFAULT_MS = 2000, LINGER_DEFAULT_MS = 1000 };

struct brood_command {
	struct stage *stages;
	size_t stage_count;
	int64_t timeout_ms;     /* -1: none */
	int64_t grace_ms;
	int64_t linger_ms;
	int stop_signal;
	enum brood_overflow overflow;
	brood_output_function *on_output;       /* or NULL: what is captured is kept */
	void *on_output_data;   /* the caller's */
	int terminal_fd;        /* the caller's, or -1 */
	bool timeout_set, grace_set, linger_set, stop_signal_set, overflow_set;
	char *name;             /* or NULL */
	int error;              /* 0, -EINVAL or -ENOMEM: the first mistake */
	char *message;          /* about it, or NULL for want of memory */
};

/* The direction of a stage's child_fd, or NULL when it has none. */
const struct direction *stage_direction(const struct stage *stage, int child_fd);

/*
 * The short name of a stage for results and logs: the name that the command had before it became part of a chain, else argv[0],
 * the function's name, or "first && second". Never NULL; "" at worst.
 */
const char *stage_name(const struct stage *stage);

/* ---- inside lib/command only ---- */

/* The first mistake sticks: -EINVAL with a printf-style sentence. Both take NULL and leave an earlier mistake alone. */
void command_mistake(brood_command *cmd, const char *format, ...) __attribute__((format(printf, 2, 3)));
void command_no_memory(brood_command *cmd);

/* May a setter go on? Not on NULL and not after a mistake: what it would change is never started. */
bool command_is_open(const brood_command *cmd);

/* One empty stage of this kind; NULL for want of memory. */
brood_command *command_new_stage(enum stage_kind kind);

/* Destructor and deep copy. The copy keeps the ids; 0, or -ENOMEM with *ret empty. */
void stage_done(struct stage *stage);
int stage_copy(const struct stage *stage, struct stage *ret);

void direction_done(struct direction *direction);

/* The mistake of a direction on an end that brood_pipe needs: child_fd 0 of the first stage, 1 of the last. */
void redirect_mistake_piped(brood_command *cmd, const struct direction *there, const char *neighbour);

/* As many fresh ids as asked for, in a row: the first one. */
uint64_t direction_ids(uint64_t count);

/* The list, moved to where one more element fits behind `count` of them; NULL for want of memory, the list is as it was. */
void *list_grow(void *list, size_t count, size_t element_size);

/* A copy of `count` elements, never NULL but for want of memory. */
void *list_copy(const void *list, size_t count, size_t element_size);

#endif
