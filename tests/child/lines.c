/* SPDX-License-Identifier: MIT */
/*
 * Verbs about lines: whole ones, slow ones, very long ones, ones that end without a newline or have a NUL inside.
 */
#include "child.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void verb_lines(struct words *words)
{
	int64_t count = word_number(words);
	int64_t ms = word_optional_number(words, 0);

	for (int64_t i = 1; i <= count; i++) {
		putf(1, "line %lld\n", (long long)i);
		if (ms > 0)
			sleep_ms(ms);
	}
}

static void verb_interleave(struct words *words)
{
	int64_t count = word_number(words);

	for (int64_t i = 1; i <= count; i++) {
		putf(1, "out %lld\n", (long long)i);
		putf(2, "err %lld\n", (long long)i);
	}
}

static void verb_last_line_no_newline(struct words *words)
{
	put_text(1, "a whole line\n");
	put_text(1, word(words));
}

static void verb_long_line(struct words *words)
{
	uint64_t left = word_size(words);
	char part[4096];

	memset(part, 'l', sizeof(part));
	while (left > 0) {
		size_t n = left < sizeof(part) ? left : sizeof(part);

		put(1, part, n);
		left -= n;
	}
	put(1, "\n", 1);
}

static void verb_nul_line(struct words *words)
{
	(void)words;
	put(1, "before\0after\n", 13);
}

/*
 * Byte by byte, so that what follows the last line wanted stays in the pipe for the next verb.
 * Returns the length without the newline, -1 at end of file.
 */
static ssize_t take_line(struct words *words, char *line, size_t size)
{
	size_t n = 0;

	for (;;) {
		char c;

		if (take(words, 0, &c, 1) == 0)
			return n > 0 ? (ssize_t)n : -1;
		if (c == '\n')
			return (ssize_t)n;
		if (n + 1 >= size) {
			errno = E2BIG;
			give_up(words, "a line");
		}
		line[n++] = c;
		line[n] = '\0';
	}
}

static void verb_head(struct words *words)
{
	int64_t count = word_number(words);
	char line[65536];

	while (count-- > 0) {
		ssize_t n = take_line(words, line, sizeof(line));

		if (n < 0)
			return;
		put(1, line, (size_t)n);
		put(1, "\n", 1);
	}
}

static void verb_qa(struct words *words)
{
	char line[4096] = "";
	ssize_t n;

	while ((n = take_line(words, line, sizeof(line))) >= 0) {
		if (n > 9 && memcmp(line, "question ", 9) == 0)
			putf(1, "answer %s\n", line + 9);
		else
			put_text(1, "what?\n");
	}
}

const struct verb line_verbs[] = {
	{ "lines", "N [MS]", "write the lines \"line 1\" to \"line N\" to stdout, one write each, MS after each",
		verb_lines },
	{ "interleave", "N", "write \"out i\" to stdout and \"err i\" to stderr in turn, i from 1 to N", verb_interleave },
	{ "last-line-no-newline", "TEXT", "write \"a whole line\" with a newline, then TEXT without one",
		verb_last_line_no_newline },
	{ "long-line", "SIZE", "write one line of SIZE times 'l'", verb_long_line },
	{ "nul-line", "", "write the line \"before\", NUL, \"after\"", verb_nul_line },
	{ "head", "N", "copy N lines of stdin to stdout, reading not a byte more", verb_head },
	{ "qa", "", "answer each line \"question X\" of stdin with \"answer X\", others with \"what?\", until end of file",
		verb_qa },
	{ NULL, NULL, NULL, NULL },
};
