/* SPDX-License-Identifier: MIT */
/*
 * What a host does until somebody kills it: the ways to use the library, each short, each of children that are to die with the host. It belongs
 * in a process of its own: whoever forks it has not called the library before, so that BROOD_ENGINE still counts.
 */
#ifndef STRESS_LIFE_H
#define STRESS_LIFE_H

#include <stddef.h>

/* Shared with who watches. */
struct life {
	_Atomic unsigned long steps;    /* begun */
	_Atomic unsigned kind;          /* of the last one */
	char wrong[400];                /* what the host found to be wrong, "" while nothing is */
};

/* In shared memory. */
struct life *life_new(void);

/* How many ways there are, and their names. */
size_t life_kinds(void);
const char *life_name(size_t kind);
size_t life_kind(const char *name);

/* One way, once. */
void life_once(struct life *life, size_t kind);

/* One after the other by chance, until the end. */
_Noreturn void life_go_on(struct life *life);

#endif
