/* SPDX-License-Identifier: MIT */
/*
 * What the command says to its user: whole lines on standard error, "brood map: text", each by one write. A line that is on display (the
 * progress bar) is taken away first.
 */
#ifndef BROOD_TOOLS_SAY_H
#define BROOD_TOOLS_SAY_H

#include <brood/base.h>
#include <stdarg.h>

/* The exit statuses of the command itself; those of chains are brood_result_shell_status. */
enum {
	STATUS_SOME_FAILED = 123,       /* map: as xargs(1) */
	STATUS_TIMED_OUT = 124,         /* as timeout(1) */
	STATUS_BROOD_FAILED = 125,
	STATUS_SIGNALLED = 128          /* and the signal's number */
};

/* Who speaks: "brood", "brood run". */
void say_as(const char *name);

/* One line, without its newline. Control characters in it are written as \xNN: names of files come from anywhere. */
void say(const char *format, ...) BROOD_PRINTF(1, 2);

/* The same of a list of arguments, for who has a format himself. Without memory for it the line is cut, and said. */
void say_list(const char *format, va_list list) BROOD_PRINTF(1, 0);

/* The same; returns STATUS_BROOD_FAILED, for `return say_failure(...)`. */
int say_failure(const char *format, ...) BROOD_PRINTF(1, 2);

/* Called before a line is written to standard error, NULL: nothing is. */
void say_before(void (*clear)(void *data), void *data);

/* Colour and such may be used on this descriptor: a terminal, TERM is not dumb, NO_COLOR is not set. */
bool say_has_colour(int fd);

#endif
