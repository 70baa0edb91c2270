/* SPDX-License-Identifier: MIT */
/*
 * Verbs that move bytes: write some, copy some, count some. Everything that is about lines is in lines.c.
 */
#include "child.h"
#include "pattern.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK 65536

static char block[1 << 20];

static void check_block_size(const struct words *words, uint64_t size)
{
	if (size == 0 || size > sizeof(block))
		bad_word(words, words->next[-1], "a size from 1 to 1M");
}

static void verb_print(struct words *words)
{
	put_text(1, word(words));
}

/* In one write, so that lines of several children into one file stay whole. */
static void verb_echo(struct words *words)
{
	const char *text = word(words);
	size_t size = strlen(text);

	if (size >= sizeof(block))
		bad_word(words, "TEXT", "short enough");
	memcpy(block, text, size);
	block[size] = '\n';
	put(1, block, size + 1);
}

static void verb_err(struct words *words)
{
	put_text(2, word(words));
}

static void verb_print_hex(struct words *words)
{
	const char *at = word(words);
	unsigned int byte;

	for (; *at; at += 2) {
		unsigned char out;

		if (!at[1] || sscanf(at, "%2x", &byte) != 1)
			bad_word(words, at, "two hex digits");
		out = (unsigned char)byte;
		put(1, &out, 1);
	}
}

static void verb_ready(struct words *words)
{
	(void)words;
	put_text(1, "ready\n");
}

static void copy(struct words *words, int from, int to)
{
	size_t n;

	while ((n = take(words, from, block, BLOCK)) > 0)
		put(to, block, n);
}

static void verb_cat(struct words *words)
{
	copy(words, 0, 1);
}

static void verb_cat_slow(struct words *words)
{
	uint64_t size = word_size(words);
	int64_t ms;
	size_t n;

	check_block_size(words, size);
	ms = word_number(words);
	while ((n = take(words, 0, block, size)) > 0) {
		put(1, block, n);
		sleep_ms(ms);
	}
}

static void verb_cat_file(struct words *words)
{
	const char *path = word(words);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		give_up(words, path);
	copy(words, fd, 1);
	close(fd);
}

static void verb_read_fd(struct words *words)
{
	copy(words, word_fd(words), 1);
}

static void verb_write_fd(struct words *words)
{
	int fd = word_fd(words);

	put_text(fd, word(words));
}

static void verb_tee_err(struct words *words)
{
	size_t n;

	while ((n = take(words, 0, block, BLOCK)) > 0) {
		put(1, block, n);
		put(2, block, n);
	}
}

static void verb_upper(struct words *words)
{
	size_t n;

	while ((n = take(words, 0, block, BLOCK)) > 0) {
		for (size_t i = 0; i < n; i++)
			block[i] = (char)toupper((unsigned char)block[i]);
		put(1, block, n);
	}
}

/* Counts go beyond 4 GiB, so they are 64 bits wide everywhere. */
static void verb_count(struct words *words)
{
	uint64_t count = 0;
	size_t n;

	while ((n = take(words, 0, block, sizeof(block))) > 0)
		count += n;
	putf(1, "%llu\n", (unsigned long long)count);
}

static void verb_checksum(struct words *words)
{
	uint64_t sum = FNV_START;
	size_t n;

	while ((n = take(words, 0, block, BLOCK)) > 0)
		sum = fnv1a(sum, block, n);
	putf(1, "%016llx\n", (unsigned long long)sum);
}

static void verb_discard(struct words *words)
{
	while (take(words, 0, block, sizeof(block)) > 0)
		;
}

static void verb_eat(struct words *words)
{
	uint64_t left = word_size(words);

	while (left > 0) {
		size_t n = take(words, 0, block, left < BLOCK ? left : BLOCK);

		if (n == 0)
			return;
		left -= n;
	}
}

static void flood(struct words *words, int fd)
{
	uint64_t left = word_size(words);
	uint64_t size = word_optional_size(words, BLOCK);

	check_block_size(words, size);
	memset(block, 'x', size);
	while (left > 0) {
		size_t n = left < size ? left : size;

		put(fd, block, n);
		left -= n;
	}
}

static void verb_flood(struct words *words)
{
	flood(words, 1);
}

static void verb_flood_err(struct words *words)
{
	flood(words, 2);
}

static void verb_flood_forever(struct words *words)
{
	(void)words;
	for (size_t i = 0; i < BLOCK; i += 2)
		memcpy(block + i, "y\n", 2);
	for (;;)
		put(1, block, BLOCK);
}

/* The one writer that survives its reader: it says on stderr which error ended it. */
static void verb_flood_until_error(struct words *words)
{
	uint64_t count = 0;
	ssize_t n;

	(void)words;
	signal(SIGPIPE, SIG_IGN);
	memset(block, 'x', BLOCK);
	while ((n = write(1, block, BLOCK)) >= 0 || errno == EINTR)
		count += n > 0 ? (uint64_t)n : 0;
	dprintf(2, "%s after %llu\n", strerror(errno), (unsigned long long)count);
}

static void verb_pattern(struct words *words)
{
	uint64_t size = word_size(words);

	for (uint64_t at = 0; at < size;) {
		size_t n = 0;

		while (n < BLOCK && at < size)
			block[n++] = (char)pattern_byte(at++);
		put(1, block, n);
	}
}

static void verb_check_pattern(struct words *words)
{
	uint64_t size = word_optional_size(words, UINT64_MAX);
	uint64_t at = 0;
	size_t n;

	while ((n = take(words, 0, block, BLOCK)) > 0)
		for (size_t i = 0; i < n; i++, at++)
			if ((unsigned char)block[i] != pattern_byte(at)) {
				dprintf(2, "child: the pattern is broken at byte %llu\n", (unsigned long long)at);
				_exit(1);
			}
	if (size != UINT64_MAX && at != size) {
		dprintf(2, "child: %llu bytes came instead of %llu\n", (unsigned long long)at, (unsigned long long)size);
		_exit(1);
	}
}

/* Fails with ENXIO where stdout is a socket instead of a real pipe. */
static void verb_open_dev_stdout(struct words *words)
{
	const char *text = word(words);
	int fd = open("/dev/stdout", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		give_up(words, "/dev/stdout");
	put_text(fd, text);
	close(fd);
}

static void verb_accept(struct words *words)
{
	int listening = word_fd(words);
	const char *text = word(words);
	int fd;

	do
		fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		give_up(words, "accept");
	put_text(fd, text);
	close(fd);
}

const struct verb stream_verbs[] = {
	{ "print", "TEXT", "write TEXT to stdout, without a newline", verb_print },
	{ "echo", "TEXT", "write TEXT and a newline to stdout", verb_echo },
	{ "err", "TEXT", "write TEXT to stderr, without a newline", verb_err },
	{ "print-hex", "HEX", "write the bytes given as hex digits to stdout", verb_print_hex },
	{ "ready", "", "write \"ready\" and a newline to stdout: the event a test waits for", verb_ready },
	{ "cat", "", "copy stdin to stdout until end of file", verb_cat },
	{ "cat-slow", "SIZE MS", "copy stdin to stdout, at most SIZE bytes at a time, then sleep MS, until end of file",
		verb_cat_slow },
	{ "cat-file", "FILE", "write what is in FILE to stdout", verb_cat_file },
	{ "read-fd", "N", "copy descriptor N to stdout until end of file", verb_read_fd },
	{ "write-fd", "N TEXT", "write TEXT to descriptor N", verb_write_fd },
	{ "tee-err", "", "copy stdin to stdout and to stderr", verb_tee_err },
	{ "upper", "", "copy stdin to stdout in capitals", verb_upper },
	{ "count", "", "read stdin to its end, write the number of bytes as a line", verb_count },
	{ "checksum", "", "read stdin to its end, write its FNV-1a 64 sum in hex as a line", verb_checksum },
	{ "discard", "", "read stdin to its end and write nothing", verb_discard },
	{ "eat", "SIZE", "read SIZE bytes of stdin (fewer at end of file) and write nothing", verb_eat },
	{ "flood", "SIZE [BLOCK]", "write SIZE times 'x' to stdout, BLOCK (64K, up to 1M) at a time", verb_flood },
	{ "flood-err", "SIZE [BLOCK]", "the same to stderr", verb_flood_err },
	{ "flood-forever", "", "write lines of 'y' to stdout until SIGPIPE or exit 98", verb_flood_forever },
	{ "flood-until-error", "", "ignore SIGPIPE and write to stdout until an error, told on stderr; go on",
		verb_flood_until_error },
	{ "pattern", "SIZE", "write SIZE bytes of a fixed pattern of all bytes 0 to 255 to stdout", verb_pattern },
	{ "check-pattern", "[SIZE]", "read stdin to its end; exit 1 unless it is that pattern (and SIZE long)",
		verb_check_pattern },
	{ "open-dev-stdout", "TEXT", "open /dev/stdout again and write TEXT there", verb_open_dev_stdout },
	{ "accept", "N TEXT", "accept one connection on the listening socket N, write TEXT to it, close it", verb_accept },
	{ NULL, NULL, NULL, NULL },
};
