/* SPDX-License-Identifier: MIT */
/*
 * The folder of --results: a folder NUMBER-INPUT for each job with the files stdout, stderr and job.json. Whoever else may write below it gains
 * nothing: a link or a device that was put in the way is never followed or opened, files are always new ones.
 */
#ifndef BROOD_TOOLS_RESULTS_H
#define BROOD_TOOLS_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct results;

/* Make the folder (0777 less the umask). 0, or -errno and *ret_why (to be freed): -ENOTEMPTY without `resume`. */
int results_new(const char *path, bool resume, struct results **ret_results, char **ret_why);

/* Make the folder of a job, or find it there. A descriptor, or -errno. */
int results_open(const struct results *results, uint64_t number, const char *input);

/* A new, empty file in it, in place of an older one. A descriptor, or -errno. */
int results_file(int folder, const char *name);

/* A whole file. 0, or -errno. */
int results_write(const struct results *results, uint64_t number, const char *input, const char *name, const char *bytes, size_t size);

/*
 * NUMBER-INPUT: '/', '%' and control characters as %XX, cut to about a hundred bytes, between characters.
 */
enum { RESULTS_NAME = 160 };
const char *results_name(uint64_t number, const char *input, char name[RESULTS_NAME]);

void results_free(struct results *results_take);

#endif
