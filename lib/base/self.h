/* SPDX-License-Identifier: MIT */
/*
 * Who are we? Asked at every call on a handle, because a child of fork must not touch its parent's children. And does /proc number processes as
 * we do?
 */
#ifndef BROOD_BASE_SELF_H
#define BROOD_BASE_SELF_H

#include <stdbool.h>
#include <sys/types.h>

/* As getpid(2), without the system call where the answer can be kept in memory that fork empties. */
pid_t self_pid(void);

/*
 * Is /proc/NUMBER the process that we know by this number? Not in a pid namespace whose /proc is still the one that was mounted outside: there each
 * process has two numbers, and ours may be anybody's over there. False where there is no /proc.
 */
bool self_knows_proc(void);

#endif
