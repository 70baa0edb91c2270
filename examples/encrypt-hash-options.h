/* SPDX-License-Identifier: MIT */
/* What a run of encrypt-hash is asked to do: the command line, and the password. */
#ifndef ENCRYPT_HASH_OPTIONS_H
#define ENCRYPT_HASH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PASSWORD "BROOD_PASSWORD"
#define PASSWORD_MAX 1024               /* as much as openssl takes */

struct options {
	const char *cipher, *digest;
	size_t at_once;                 /* 0: one a processor */
	int64_t timeout_ms;             /* for one file; -1: no limit */
	bool json, compare, quiet;
	int password_fd;                /* -1: none */
	char password[PASSWORD_MAX];
	char **files;                   /* at least one; "-" is standard input */
	size_t count;
};

/*
 * Read the command line over the defaults that *want holds. 0, 1 when the program is to end well at once (--help), -EINVAL after saying
 * why. The strings stay argv's.
 */
int options_take(struct options *want, int argc, char **argv);

/* Take the password, or say why there is none: 0, -errno. It leaves our own environment: only `openssl enc` is to have it. */
int options_take_password(struct options *want);

/* How many of the files are standard input. */
size_t options_count_stdin(const struct options *want);

/* An error on stderr: "encrypt-hash: SUBJECT: WHY". */
void complain(const char *subject, const char *why);

#endif
