/* SPDX-License-Identifier: MIT */
/*
 * Which files a program's name may stand for: a pure decision. The child tries them in order.
 */
#ifndef BROOD_SPAWN_LOOKUP_H
#define BROOD_SPAWN_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A name with a slash is the only candidate. One without is joined to each part of `path` (NULL: the system's default, confstr(_CS_PATH)); empty and
 * "." parts are skipped. Where `base` is given (the caller's directory, when the child will change its own), candidates that do not
 * begin with a slash are made absolute with it.
 *
 * Returns a NULL-terminated list in one block that free(3) frees, *ret_count its length (0: PATH has no usable part); NULL for want of
 * memory. With neither a search nor a base the name itself is in it.
 */
char **lookup_candidates(const char *program, const char *path, const char *base, size_t *ret_count);

/* True when some candidate would be relative: the caller then needs a base if the child changes its directory. */
bool lookup_needs_base(const char *program, const char *path);

/*
 * What an exec failure of one candidate means for the search: true to go on with the next one. *found, 0 at first, keeps the error to report in
 * the end: the one that stopped the search, else EACCES once seen, else ENOENT, else the first. Calls nothing: it runs in the child.
 */
bool lookup_goes_on(int error, int *found);

#endif
