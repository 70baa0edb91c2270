/* SPDX-License-Identifier: MIT */
/* The parts of the load. */
#ifndef STRESS_LOAD_H
#define STRESS_LOAD_H

void load_live_children(void);          /* load_live.c */
void load_starts(void);                 /* load_starts.c */
void load_long_chain(void);             /* load_bytes.c */
void load_many_bytes(void);
void load_digests(void);
void load_map(void);                    /* load_map.c */

#endif
