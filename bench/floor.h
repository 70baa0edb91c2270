/* SPDX-License-Identifier: MIT */
/*
 * What the two files of the floor share: one child started with bare calls, and its pipe.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include "measure.h"

#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

enum { FLOOR_STACK = 16 << 10 };

struct start {
	char *const *argv;
	int in, out;            /* -1: inherited */
	unsigned unshare_from;  /* 0: the descriptor table is copied by the clone */
	volatile int error;
	int pidfd;
};

/* What the child of a clone runs, with a struct start. */
int floor_child(void *data);

/* The child's pidfd. */
int floor_begin(struct start *start);

/* Its exit code, or -1. */
int floor_reap(int pidfd);

/* size 0: as the kernel makes it */
void floor_pipe(int ends[2], int size);

/* To the end of file, into memory of malloc. */
void floor_drain(int fd, struct output *ret);

void floor_many(struct many *many);
size_t floor_bounded(char *const argv[], size_t count, size_t width);
size_t floor_lanes(char *const argv[], size_t count, size_t width);
size_t floor_threads(char *const argv[], size_t count, size_t width);
void floor_among(char *const sleeper[], size_t count, char *const argv[], long times, double *ret_us);
void floor_chains(char *const *const stages[2], size_t count, const char *bytes, size_t size, char (*ret_texts)[TEXT_MAX]);

#endif
