/* SPDX-License-Identifier: MIT */
/*
 * Signals as something to poll: the handlers write to a pipe, and the loop takes them from it in the order of their coming. Signals that were
 * ignored when the program began stay ignored (nohup(1), a shell's background jobs), but for those that must be seen (SIGCHLD).
 */
#ifndef BROOD_TOOLS_WAKE_H
#define BROOD_TOOLS_WAKE_H

#include <stdbool.h>
#include <stddef.h>

/* 0, or -errno. Once in a program. SIGPIPE among the signals makes writes fail with EPIPE instead; it is not reported. */
int wake_new(const int *signals, size_t count);

/* To poll for reading. */
int wake_fd(void);

/* The next signal that came, 0 when there is none. Never blocks. */
int wake_take(void);

/* As if it had never been caught: back to the default, then sent to ourselves. Returns when that does not end us. */
void wake_die_of(int signal);

/* Stop as Ctrl-Z would have (SIGTSTP at its default, sent to ourselves); returns once somebody has continued us. */
void wake_stop_self(void);

#endif
