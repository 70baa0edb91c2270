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

/* The controlling terminal; NULL when there is none. */
struct terminal *terminal_new(void);

/* We are in its foreground group now. */
bool terminal_is_ours(const struct terminal *terminal);

/* For brood_command_set_terminal. */
int terminal_fd(const struct terminal *terminal);

/* The group has the terminal (it took it at its start). */
void terminal_given(struct terminal *terminal);
/* Give it (again), with the modes it had left. */
void terminal_give(struct terminal *terminal, pid_t group);
/* Take it back, and the modes of before. `keep_modes`: the chain ended well, what it did to the terminal (stty) was meant. */
void terminal_take_back(struct terminal *terminal, bool keep_modes);

void terminal_free(struct terminal *terminal_take);

#endif
