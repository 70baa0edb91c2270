/* SPDX-License-Identifier: MIT */
/*
 * Another order for a list, each as likely as any other (Fisher and Yates), and the same one for the same seed, in every version and on every
 * machine.
 */
#ifndef BROOD_TOOLS_INPUTS_SHUFFLE_H
#define BROOD_TOOLS_INPUTS_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

void shuffle(char **items, size_t count, uint64_t seed);

#endif
