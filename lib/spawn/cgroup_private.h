/* SPDX-License-Identifier: MIT */
/* What cgroup.c and cgroup_signal.c share, and nobody else needs. */
#ifndef BROOD_SPAWN_CGROUP_PRIVATE_H
#define BROOD_SPAWN_CGROUP_PRIVATE_H

/* Sub-cgroups below each other that are looked into. */
enum { CGROUP_DEPTH_MAX = 64 };

/* Call fn for each directory in `dir`. 0, -errno, or the first answer of fn that is not 0. */
int cgroup_each_below(int dir, int (*fn)(int dir, const char *name, void *data), void *data);

/* A moment's rest before the next look at a cgroup whose members are about to be gone. */
void cgroup_pause(void);

#endif
