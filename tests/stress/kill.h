/* SPDX-License-Identifier: MIT */
/* The parts of the kill sweep. */
#ifndef STRESS_KILL_H
#define STRESS_KILL_H

/* kill_host.c: a host, killed whenever it may be. */
void kill_hosts(void);
void kill_run_commands(void);

/* kill_call.c: a host, killed at the n-th system call of its own or of a child that has not executed its program yet. */
void kill_at_calls(void);

/* kill_stage.c: a child, killed whenever it may be, while its host works with it. */
void kill_stages(void);

/* kill_map.c: brood map, killed and resumed. */
void kill_maps(void);

/* How many kills there were, in all parts. */
extern unsigned long kills;

#endif
