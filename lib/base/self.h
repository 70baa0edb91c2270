/* SPDX-License-Identifier: MIT */
/*
 * Who are we? Asked at every call on a handle, because a child of fork must not touch its parent's children.
 */
#ifndef BROOD_BASE_SELF_H
#define BROOD_BASE_SELF_H

#include <sys/types.h>

/* As getpid(2), without the system call where the answer can be kept in memory that fork empties. */
pid_t self_pid(void);

#endif
