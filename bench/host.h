/* SPDX-License-Identifier: MIT */
/*
 * The host of the children: made as the command line says, and asked what it took.
 */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <stdint.h>

void host_pin(const char *cpu);
void host_touch(const char *mib);
void host_open_descriptors(const char *count_from);
void host_raise_limit(void);

/* A number of /proc/self/status in bytes. */
int64_t host_bytes(const char *field);
long host_descriptors(void);

/* From here on VmHWM means: since now. What it is now comes back. */
int64_t host_reset_peak(void);
double host_processor_us(void);

#endif
