/* SPDX-License-Identifier: MIT */
/*
 * Where the inputs of map come from: words behind :::, files of lines, or standard input; lines or NUL-separated. One at a time, as far as they are
 * there: standard input may be a pipe that gives the next line in an hour. Memory does not grow with their number, but for --shuffle.
 *
 * An empty line is an empty input. A last line needs no newline. A NUL byte in a line is a mistake that names the line (and -0).
 */
#ifndef BROOD_TOOLS_INPUTS_H
#define BROOD_TOOLS_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inputs_settings {
	char **words;           /* behind :::, or NULL. Not copied */
	size_t word_count;
	const char **files;     /* -a, after the words; "-" is standard input. None of both: standard input */
	size_t file_count;
	bool null_separated;
	bool shuffle;           /* all of them are read first */
	uint64_t seed;          /* of --shuffle: the same seed, the same order */
};

struct inputs;

/* 0, or -errno and *ret_why (to be freed): a file that cannot be opened, by name. Files are opened now, each of them. */
int inputs_new(const struct inputs_settings *settings, struct inputs **ret_inputs, char **ret_why);

/*
 * 1 and *ret_input, the caller's to free; 0 at the end; -EAGAIN when none is there yet: poll inputs_fd for reading (poll(2), which takes
 * regular files); another -errno, again and again, and inputs_why says it.
 */
int inputs_next(struct inputs *inputs, char **ret_input);
int inputs_fd(const struct inputs *inputs);
const char *inputs_why(const struct inputs *inputs);

/*
 * How many there are altogether, as far as that can be known beforehand: true and *ret_total. Words, regular files of up to 64 MiB in all, which the
 * first call reads (their offsets stay), and anything after the end. A file that grows meanwhile makes it wrong until then: it is for people.
 */
bool inputs_total(struct inputs *inputs, uint64_t *ret_total);

void inputs_free(struct inputs *inputs_take);

#endif
