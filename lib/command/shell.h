/* SPDX-License-Identifier: MIT */
/*
 * Text in the language of the POSIX shell, put together piece by piece. Want of memory is remembered, so that only the end asks.
 */
#ifndef BROOD_COMMAND_SHELL_H
#define BROOD_COMMAND_SHELL_H

#include <stdbool.h>
#include <stddef.h>

struct shell_text {
	char *data;             /* ends in a NUL once anything was put */
	size_t size;
	size_t capacity;
	bool failed;
};

/* As it is. */
void shell_put(struct shell_text *text, const char *piece);
void shell_put_number(struct shell_text *text, long long number);

/* As one word that the shell gives back byte by byte: in single quotes where it needs them. */
void shell_put_word(struct shell_text *text, const char *word);

/* The same, always in quotes: a quoted keyword is an ordinary word. */
void shell_put_quoted(struct shell_text *text, const char *word);

/* "NAME=value" as one word, quoted behind the = where that is enough. */
void shell_put_assignment(struct shell_text *text, const char *assignment);

/* Would a shell take this first word for its own language or for a builtin that may behave in another way than the program? */
bool shell_is_keyword(const char *word);
bool shell_is_builtin(const char *word);

/* The text, for free(3); NULL when memory was short. The struct is empty afterwards. */
char *shell_take(struct shell_text *text);

void shell_done(struct shell_text *text);

#endif
