/* SPDX-License-Identifier: MIT */
/*
 * Signals as something to poll: the handlers write to a pipe, and the loop takes them from it in the order of their coming. Signals that were
 * ignored when the program began stay ignored (nohup(1), a shell's background jobs), but for those that must be seen (SIGCHLD).
 */
#ifndef BROOD_TOOLS_WAKE_H
#define BROOD_TOOLS_WAKE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * 0, or -errno. Once in a program. SIGPIPE among the signals makes writes fail with EPIPE instead; it is not reported. SIGTTIN and SIGTTOU are
 * caught once, and again when wake_take has told of them.
 */
int wake_new(const int *signals, size_t count);

/* This one is caught: it was among the signals, and was not ignored. */
bool wake_has(int signal);

/* To poll for reading. */
int wake_fd(void);

/* The next signal that came, 0 when there is none. Never blocks. */
int wake_take(void);

/* As if it had never been caught: back to the default, then sent to ourselves. Returns when that does not end us. */
void wake_die_of(int signal);

/* The same for everybody in our process group, as a key on the terminal would have: a script around us ends too. */
void wake_die_with_group(int signal);

/*
 * Stop by SIGTSTP (as Ctrl-Z would have), SIGTTIN or SIGTTOU at its default, sent to ourselves; true once somebody has continued us. False when
 * that does not stop us: the signal is ignored, or our group is an orphaned one, which nobody could continue. The SIGCONT is reported by
 * wake_take when it is among the signals.
 */
bool wake_stop_self(int signal);

/* The same for everybody in our process group: a script around us stops too. */
bool wake_stop_group(int signal);

#endif
