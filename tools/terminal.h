/* SPDX-License-Identifier: MIT */
/*
 * The terminal as a job of a shell sees it: the chain is given the foreground, and we take it back when the chain ends or stops.
 *
 * A terminal that was left in a strange mode by a program that was killed is set back, as shells do.
 */
#ifndef BROOD_TOOLS_TERMINAL_H
#define BROOD_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

struct terminal;

/* The controlling terminal; NULL when there is none. Its modes are remembered now. */
struct terminal *terminal_new(void);

/* Our group is in its foreground now, or a chain that was started by one of our group is (`brood run a | brood run b`). */
bool terminal_is_ours(const struct terminal *terminal);

/* For brood_command_set_terminal. */
int terminal_fd(const struct terminal *terminal);

/* The group has the terminal (it took it at its start). */
void terminal_given(struct terminal *terminal, pid_t group);
/* Give it (again), with the modes that the group had when it was last taken back. */
void terminal_give(struct terminal *terminal, pid_t group);
/* The chain has it, by one of the two above. */
bool terminal_is_given(const struct terminal *terminal);
/* After somebody continued us: while we were stopped a shell may have taken it for itself. Then it is not given any more. */
void terminal_look_again(struct terminal *terminal);
/*
 * Take it back, and the modes of before. `keep_modes`: the chain ended well, what it did to the terminal (stty) was meant. Nothing happens when it
 * is not given, or when another chain of our job has it by now.
 */
void terminal_take_back(struct terminal *terminal, bool keep_modes);

void terminal_free(struct terminal *terminal_take);

#endif
