/* SPDX-License-Identifier: MIT */
/*
 * What the files of the test child share: the words of its command line, and writing whole.
 *
 * A verb is a function that takes its own arguments from the words and returns when it is done; the next
 * word is the next verb. Nothing is read from the environment unless a verb is there to print it, and no stdio
 * is used: every byte goes out by write(2), in order, before the verb returns.
 *
 * Exit codes that no test should ask for: 99 a mistake in the words, 98 a failed write, 97 any other failure.
 */
#ifndef CHILD_H
#define CHILD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { EXIT_FAILED = 97, EXIT_WRITE = 98, EXIT_WORDS = 99 };

/* "Forever" ends after ten minutes, so that a test that lost its child does not leave it to the host. */
#define FOREVER_MS 600000

/* The words of the command line; `next` points to the first that is not used yet, NULL at the end. */
struct words {
	char *argv0;
	char **next;
	const char *verb;	/* the one that runs now, for messages */
};

struct verb {
	const char *name;
	const char *arguments;	/* as --help shows them */
	const char *help;
	void (*run)(struct words *words);
};

/* Ended by an entry without a name. */
extern const struct verb stream_verbs[];
extern const struct verb line_verbs[];
extern const struct verb state_verbs[];
extern const struct verb act_verbs[];
extern const struct verb tree_verbs[];

/* Run the verbs that are left, in order. Returns when there is none. */
void words_run(struct words *words);

/* The next word; EXIT_WORDS when there is none or when it is not what its name says. Nothing is copied. */
char *word(struct words *words);
int64_t word_number(struct words *words);
int word_fd(struct words *words);
uint64_t word_size(struct words *words);	/* 512, 64K, 3M, 5G */
int word_signal(struct words *words);		/* 15, TERM, SIGTERM */

/*
 * An optional word is taken when it begins as no verb does: a number with a digit, a path with '/' or '.'.
 */
int64_t word_optional_number(struct words *words, int64_t otherwise);
uint64_t word_optional_size(struct words *words, uint64_t otherwise);
const char *word_optional_path(struct words *words);

/* Say on stderr what failed and with which errno, and exit with EXIT_FAILED. */
__attribute__((noreturn)) void give_up(const struct words *words, const char *what);

/* Say on stderr that a word is not what was wanted, and exit with EXIT_WORDS. */
__attribute__((noreturn)) void bad_word(const struct words *words, const char *text, const char *wanted);

/* Write all of it or exit with EXIT_WRITE. */
void put(int fd, const void *bytes, size_t size);
void put_text(int fd, const char *text);
__attribute__((format(printf, 2, 3))) void putf(int fd, const char *format, ...);

/* read(2) again after EINTR; gives up on any other error. 0 is end of file. */
size_t take(const struct words *words, int fd, void *bytes, size_t size);

/* All of this time passes, whatever signals come. */
void sleep_ms(int64_t ms);

/* Put this process' pid into the file; whoever sees the file sees a whole pid in it. */
void write_pidfile(const struct words *words, const char *path);

#endif
