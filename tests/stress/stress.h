/* SPDX-License-Identifier: MIT */
/*
 * What the stress programs share: parts that are run one after the other, chance that can be repeated, what went wrong, a folder, and the last
 * lines, which are a Markdown table for doc/TRUST.md.
 *
 *	kill [--all] [WORD...]          the quick amounts, or the whole; only parts whose name has one of the words
 *	BROOD_STRESS_SEED=N             the same draws again
 *
 * The program is the subreaper of all that it starts: whoever loses its parent comes down to it, so "nobody is left" is what waitpid(2) says.
 */
#ifndef STRESS_STRESS_H
#define STRESS_STRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct part {
	const char *name;       /* a sentence, as a test's name */
	void (*run)(void);
};

int stress_main(int argc, char **argv, const char *name, const struct part *parts, size_t count);

/* --all: the amounts that doc/TRUST.md tells of. */
extern bool stress_whole;

/* One of two amounts. */
static inline unsigned long stress_amount(unsigned long quick, unsigned long whole)
{
	return stress_whole ? whole : quick;
}

/* A number below `most`. What a process draws does not move its parent's draws. */
uint64_t stress_draw(uint64_t most);

/* The part has failed; it goes on. The first ones are shown, all are counted. */
__attribute__((format(printf, 1, 2))) void stress_wrong(const char *format, ...);

/* The part cannot be run here: say why, then return from it. */
__attribute__((format(printf, 1, 2))) void stress_skip(const char *format, ...);

/* A line of the table: what was done, and what came of it. */
__attribute__((format(printf, 2, 3))) void stress_row(const char *what, const char *format, ...);

/* A folder of the program's own, which is $TMPDIR for all that it starts; its path has no blanks. */
const char *stress_folder(void);

/* Into a place of PATH_MOST bytes: a path in that folder. */
enum { PATH_MOST = 512 };
char *stress_path(char path[PATH_MOST], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How many entries a folder has; -1 where it is not there. */
long stress_entries(const char *folder);
void stress_remove(const char *path);

/* Children end with their host here. Where not (the plain POSIX engine), parts that count on it cannot be run. */
bool stress_can_bind(void);

/* The test child, and the command or NULL. */
const char *stress_child(void);
const char *stress_command(void);

int64_t stress_now_ns(void);
void stress_sleep_ns(int64_t ns);

/* ---- processes ---- */

/*
 * Reap our child and all that came down to us, until nobody is left or ms have passed. *ret_orphans (may be NULL) counts those that came down;
 * *ret_ns (may be NULL) is how long it took. False when somebody was left: they have been killed then.
 */
bool stress_reap_all(int64_t ms, unsigned long *ret_orphans, int64_t *ret_ns);

/* Wait for one child of ours; false when ms have passed. Others stay to be reaped. */
bool stress_reap(pid_t pid, int64_t ms, int *ret_status);

/* fork, with what belongs to us alone put right in the child, which ends with us. */
pid_t stress_fork(void);

/* Open descriptors of this process, and its resident memory in bytes. */
long stress_descriptors(void);
long stress_resident(void);

#endif
