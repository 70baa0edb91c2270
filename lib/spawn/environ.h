/* SPDX-License-Identifier: MIT */
/*
 * What environment results from the caller's and the changes of a command: a pure decision.
 */
#ifndef BROOD_SPAWN_ENVIRON_H
#define BROOD_SPAWN_ENVIRON_H

#include "command/description.h"

/*
 * base (may be NULL) with the changes in order; the last one of a name wins and stands once, in the place where the name came first. Entries
 * of base without '=' pass as they are. Everything is copied into one block that free(3) frees; NULL for want of memory.
 * Costs one pass with a hash table on the stack for ordinary environments (start is measured in microseconds).
 */
char **environ_build(char *const *base, const struct env_op *ops, size_t count);

/* The value of a name in such a list, or NULL. */
const char *environ_get(char *const *list, const char *name);

#endif
