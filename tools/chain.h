/* SPDX-License-Identifier: MIT */
/*
 * From operands to a chain: one quoted line, or words with '|' between the stages; and the settings that run and map have in common.
 */
#ifndef BROOD_TOOLS_CHAIN_H
#define BROOD_TOOLS_CHAIN_H

#include <brood.h>
#include <stddef.h>

#include "options.h"

struct chain_settings {
	int64_t timeout_ms;     /* 0 or INT64_MAX: none, as timeout(1) has it */
	int64_t grace_ms;       /* -1: the library's */
	int64_t linger_ms;      /* -1: the library's; INT64_MAX: until end of file */
	int signal;             /* 0: SIGTERM */
	const char *directory;
	struct option_list environment; /* NAME=value; NAME alone takes it away */
	bool contain;
};

/*
 * The rows of the options that fill these, for the tables of run and map: their offsets are from the start of the settings, which must begin with
 * a struct chain_settings.
 */
#define CHAIN_ROWS_TIME \
	{ "Time (5, 1.5s, 200ms, 2m, 1h, 1d)", 't', "timeout", "TIME", OPTION_DURATION_MS, offsetof(struct chain_settings, timeout_ms), \
	  .help = "stop it after TIME (0: never)" }, \
	{ NULL, 'k', "grace", "TIME", OPTION_DURATION_MS, offsetof(struct chain_settings, grace_ms), \
	  .help = "from the stop signal to SIGKILL (2s)" }, \
	{ NULL, 0, "linger", "TIME", OPTION_DURATION_MS, offsetof(struct chain_settings, linger_ms), \
	  .help = "read on while a grandchild holds the output (1s)" }, \
	{ NULL, 's', "signal", "SIGNAL", OPTION_SIGNAL, offsetof(struct chain_settings, signal), \
	  .help = "the stop signal: a name or a number (TERM)" }
#define CHAIN_ROWS_PLACE \
	{ "Surroundings", 'C', "directory", "DIR", OPTION_TEXT, offsetof(struct chain_settings, directory), \
	  .help = "run it in DIR" }, \
	{ NULL, 'E', "env", "NAME=VALUE", OPTION_LIST, offsetof(struct chain_settings, environment), \
	  .help = "set a variable; NAME alone: unset; may be repeated" }, \
	{ NULL, 0, "contain", NULL, OPTION_FLAG, offsetof(struct chain_settings, contain), \
	  .help = "in a cgroup: stopping reaches all that it started" }

/*
 * One operand is a line for brood_command_parse; several, or any behind --, are words, and those that are exactly | stand between stages.
 * 0 and a command that can be started, or -errno and *ret_why (to be freed; NULL for want of memory) says what is wrong and where.
 */
int chain_read(const struct operands *operands, brood_command **ret_cmd, char **ret_why);

/* After a program was not found: where the words look like a line that does not stand alone, say so. */
void chain_explain(const struct operands *operands);

/*
 * Put the settings on a chain. 0, or -errno and *ret_why (to be freed; NULL for want of memory). The signals that we ignore stay ignored, as with
 * nohup(1), and where the system can, SIGKILL to us ends the chain.
 */
int chain_apply(const struct chain_settings *settings, brood_command *cmd, char **ret_why);

/*
 * What a shell would need, to be freed; NULL for want of memory. Standard error and terminals are for people: there it is written so that no word steers
 * the terminal or breaks the line (utf8_show).
 */
char *chain_text(const brood_command *cmd, int fd);

/*
 * The words alone, as records have them: a variable that --env sets may be a secret, and is in none of them. To be freed; NULL for want of memory.
 */
char *chain_words(const brood_command *cmd);

/*
 * What a shell would need, one stage a line, for -v and --dry-run; on standard error with "+ " in front, as a shell's -x has it. 0, or -errno of
 * the write.
 */
int chain_print(const brood_command *cmd, int fd);

#endif
