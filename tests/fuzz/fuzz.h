/* SPDX-License-Identifier: MIT */
/*
 * What a fuzz target is made of: fuzz_NAME.c defines LLVMFuzzerTestOneInput, says by FUZZ_CHECK what must hold for any input, and has a few
 * inputs to begin with in corpus/NAME/. It returns 0, leaves nothing behind, and gives the same answer for the same input.
 *
 * `make check` links it with driver.c and runs what is in the corpus and many small changes of that. `make fuzz` links the same file with
 * libFuzzer, which looks for inputs that reach new code.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* May be defined beside it: called once, before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Unlike assert, it is there in every build. */
#define FUZZ_CHECK(condition)                                                                                       \
	do {                                                                                                        \
		if (!(condition)) {                                                                                 \
			fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #condition);         \
			abort();                                                                                    \
		}                                                                                                   \
	} while (0)

#endif
