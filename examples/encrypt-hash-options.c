/* SPDX-License-Identifier: MIT */
/*
 * The options of encrypt-hash, and where its password comes from. Plain C: nothing here knows of brood.
 *
 * What makes no sense is refused before anything runs, in words that begin with what was given.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "encrypt-hash-options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

void complain(const char *subject, const char *why)
{
	fprintf(stderr, "encrypt-hash: %s: %s\n", subject, why);
}

/* ---- the command line ---------------------------------------------------------------------------------------- */

static void usage(FILE *out)
{
	fputs("usage: encrypt-hash [options] [FILE...]\n"
	      "Encrypts each FILE (standard input without one, or for -) and prints the digest\n"
	      "of what came out, as \"DIGEST  FILE\", in the order in which they end.\n"
	      "\n"
	      "  -c, --cipher NAME    cipher for openssl enc (aes-256-ctr)\n"
	      "  -d, --digest NAME    digest command of openssl (md5)\n"
	      "  -j, --jobs N         so many at a time (0, the default: one a processor)\n"
	      "  -t, --timeout TIME   stop a file that takes longer: 500ms, 2.5s, 1m, 1h\n"
	      "      --password-fd N  read the password from descriptor N, up to a newline\n"
	      "      --json           a line of JSON a file: file, digest, ok, error, seconds\n"
	      "      --compare        side by side, then one after another: the time saved\n"
	      "  -q, --quiet          results and errors only\n"
	      "  -h, --help           this text\n"
	      "\n"
	      "The password comes from --password-fd or the environment's BROOD_PASSWORD;\n"
	      "without either a random one is made, for this once. Exit status: 0 all is well,\n"
	      "1 a file failed, 2 wrong usage, 130 or 143 stopped by Ctrl-C or SIGTERM.\n", out);
}

static int misused(const char *subject, const char *why)
{
	complain(subject, why);
	fputs("Try encrypt-hash --help.\n", stderr);
	return -EINVAL;
}

/* "500ms", "2.5s", "1m", "1h"; without a unit, seconds. */
static int parse_time(const char *text, int64_t *ret_ms)
{
	static const struct { const char *unit; double ms; } units[] = {
		{ "", 1e3 }, { "ms", 1 }, { "s", 1e3 }, { "m", 6e4 }, { "h", 3.6e6 },
	};
	char *end;
	double value = strtod(text, &end);

	if (end == text || !strchr("0123456789.", text[0]) || !(value > 0))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		value *= units[i].ms;
		*ret_ms = value < 1 ? 1 : value > 1e15 ? (int64_t)1e15 : (int64_t)value;
		return 0;
	}
	return -EINVAL;
}

static int parse_number(const char *text, long max, long *ret_number)
{
	char *end;

	errno = 0;
	long number = strtol(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || number > max)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

/* A name becomes a word of openssl's command line: let it be one that cannot be mistaken for -a, -p or the like. */
static bool is_algorithm(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	return strlen(name) > 1 && name[0] != '-' && strspn(name, letters) == strlen(name);
}

/* Take one option: 0, 1 when the program is to end well at once, -EINVAL after saying why. */
static int take_option(struct options *want, int option, const char *value)
{
	long number;

	switch (option) {
	case 'c':
		want->cipher = value;
		return is_algorithm(value) ? 0 : misused(value, "not the name of a cipher");
	case 'd':
		want->digest = value;
		return is_algorithm(value) ? 0 : misused(value, "not the name of a digest");
	case 'j':
		if (parse_number(value, 100000, &number) < 0)
			return misused(value, "not a number of jobs");
		want->at_once = (size_t)number;
		return 0;
	case 't':
		return parse_time(value, &want->timeout_ms) < 0 ? misused(value, "not a time such as 500ms, 2.5s, 1m or 1h") : 0;
	case 'P':
		if (parse_number(value, 1 << 30, &number) < 0)
			return misused(value, "not the number of a descriptor");
		want->password_fd = (int)number;
		return 0;
	case 'J':
		want->json = true;
		return 0;
	case 'C':
		want->compare = true;
		return 0;
	case 'q':
		want->quiet = true;
		return 0;
	case 'h':
		usage(stdout);
		return 1;
	default:
		fputs("Try encrypt-hash --help.\n", stderr);
		return -EINVAL;
	}
}

size_t options_count_stdin(const struct options *want)
{
	size_t count = 0;

	for (size_t i = 0; i < want->count; i++)
		count += strcmp(want->files[i], "-") == 0;
	return count;
}

int options_take(struct options *want, int argc, char **argv)
{
	static const struct option names[] = {
		{ "cipher", required_argument, NULL, 'c' },       { "digest", required_argument, NULL, 'd' },
		{ "jobs", required_argument, NULL, 'j' },         { "timeout", required_argument, NULL, 't' },
		{ "password-fd", required_argument, NULL, 'P' },  { "json", no_argument, NULL, 'J' },
		{ "compare", no_argument, NULL, 'C' },            { "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },               { NULL, 0, NULL, 0 },
	};
	static char dash[] = "-", *only_stdin[] = { dash };
	int option, r;

	while ((option = getopt_long(argc, argv, "c:d:j:t:qh", names, NULL)) != -1) {
		r = take_option(want, option, optarg);
		if (r != 0)
			return r;
	}
	want->files = optind < argc ? argv + optind : only_stdin;
	want->count = optind < argc ? (size_t)(argc - optind) : 1;

	size_t stdins = options_count_stdin(want);
	if (stdins > 1)
		return misused("-", "standard input can be read once only");
	if (stdins > 0 && want->compare)
		return misused("--compare", "reads everything twice, and standard input can be read once only: name files");
	if (stdins > 0 && want->password_fd == STDIN_FILENO)
		return misused("--password-fd 0", "standard input is what is to be encrypted");
	return 0;
}

/* ---- the password --------------------------------------------------------------------------------------------- */

/* One line from a descriptor, byte by byte: what follows the newline is somebody else's. */
static int read_password(struct options *want)
{
	size_t size = 0;

	for (;;) {
		char c;
		ssize_t n = read(want->password_fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fprintf(stderr, "encrypt-hash: --password-fd %d: %s\n", want->password_fd, strerror(errno));
			return -errno;
		}
		if (n == 0 || c == '\n')
			break;
		if (c == '\0' || size == sizeof(want->password) - 1)
			return misused("--password-fd", c ? "the password is longer than 1023 bytes" : "the password has a NUL in it");
		want->password[size++] = c;
	}
	return size > 0 ? 0 : misused("--password-fd", "the password is empty");
}

static int invent_password(struct options *want)
{
	unsigned char bytes[32];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		complain("no password given, and no random one to be had", strerror(errno));
		return -EIO;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(want->password + 2 * i, 3, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof(bytes));
	if (!want->quiet)
		fputs("encrypt-hash: no password given (" PASSWORD ", --password-fd): a random one is used, for this once\n", stderr);
	return 0;
}

/* From descriptor, environment or chance. */
int options_take_password(struct options *want)
{
	const char *given = getenv(PASSWORD);
	int r = 0;

	if (want->password_fd >= 0)
		r = read_password(want);
	else if (!given)
		r = invent_password(want);
	else if (!given[0])
		r = misused(PASSWORD, "the password is empty");
	else if (strlen(given) >= sizeof(want->password))
		r = misused(PASSWORD, "the password is longer than 1023 bytes");
	else
		memcpy(want->password, given, strlen(given) + 1);
	unsetenv(PASSWORD);
	return r;
}
