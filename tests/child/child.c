/* SPDX-License-Identifier: MIT */
/*
 * The test child: one program whose arguments are verbs, run in sequence. `child echo hello exit 3` prints
 * a line and exits with 3. Tests get every child from here, so none depends on the tools of the host.
 *
 * This file owns the words of the command line and whole writing; the verbs are in the files beside it, by concept.
 */
#include "child.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct verb *const tables[] = { stream_verbs, line_verbs, state_verbs, act_verbs, tree_verbs };

void put(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			_exit(EXIT_WRITE);
		at += n;
		size -= (size_t)n;
	}
}

void put_text(int fd, const char *text)
{
	put(fd, text, strlen(text));
}

void putf(int fd, const char *format, ...)
{
	char text[8192];
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (n < 0 || (size_t)n >= sizeof(text))
		_exit(EXIT_FAILED);
	put(fd, text, (size_t)n);
}

size_t take(const struct words *words, int fd, void *bytes, size_t size)
{
	ssize_t n;

	do
		n = read(fd, bytes, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		give_up(words, "read");
	return (size_t)n;
}

void sleep_ms(int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

void write_pidfile(const struct words *words, const char *path)
{
	char temporary[4096];
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		give_up(words, temporary);
	putf(fd, "%ld\n", (long)getpid());
	close(fd);
	if (rename(temporary, path) < 0)
		give_up(words, path);
}

void give_up(const struct words *words, const char *what)
{
	dprintf(2, "child: %s: %s: %s\n", words->verb, what, strerror(errno));
	_exit(EXIT_FAILED);
}

void bad_word(const struct words *words, const char *text, const char *wanted)
{
	dprintf(2, "child: %s: '%s' is not %s\n", words->verb, text ? text : "(nothing)", wanted);
	_exit(EXIT_WORDS);
}

char *word(struct words *words)
{
	if (!*words->next)
		bad_word(words, NULL, "enough: an argument is missing");
	return *words->next++;
}

int64_t word_number(struct words *words)
{
	char *text = word(words);
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || end == text || *end)
		bad_word(words, text, "a number");
	return value;
}

int word_fd(struct words *words)
{
	int64_t value = word_number(words);

	if (value < 0 || value > 1 << 30)
		bad_word(words, words->next[-1], "a descriptor");
	return (int)value;
}

uint64_t word_size(struct words *words)
{
	char *text = word(words);
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text)
		bad_word(words, text, "a size");
	if (*end == 'K')
		value <<= 10, end++;
	else if (*end == 'M')
		value <<= 20, end++;
	else if (*end == 'G')
		value <<= 30, end++;
	if (*end)
		bad_word(words, text, "a size");
	return value;
}

static const struct {
	const char *name;
	int number;
} signal_names[] = {
	{ "HUP", SIGHUP }, { "INT", SIGINT }, { "QUIT", SIGQUIT }, { "ILL", SIGILL }, { "TRAP", SIGTRAP },
	{ "ABRT", SIGABRT }, { "BUS", SIGBUS }, { "FPE", SIGFPE }, { "KILL", SIGKILL }, { "USR1", SIGUSR1 },
	{ "SEGV", SIGSEGV }, { "USR2", SIGUSR2 }, { "PIPE", SIGPIPE }, { "ALRM", SIGALRM }, { "TERM", SIGTERM },
	{ "CHLD", SIGCHLD }, { "CONT", SIGCONT }, { "STOP", SIGSTOP }, { "TSTP", SIGTSTP }, { "TTIN", SIGTTIN },
	{ "TTOU", SIGTTOU }, { "URG", SIGURG }, { "XCPU", SIGXCPU }, { "XFSZ", SIGXFSZ }, { "VTALRM", SIGVTALRM },
	{ "PROF", SIGPROF }, { "WINCH", SIGWINCH }, { "IO", SIGIO }, { "SYS", SIGSYS },
};

int word_signal(struct words *words)
{
	char *text = word(words);
	const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
	char *end;
	long number;

	for (size_t i = 0; i < sizeof(signal_names) / sizeof(signal_names[0]); i++)
		if (strcmp(name, signal_names[i].name) == 0)
			return signal_names[i].number;
	number = strtol(text, &end, 10);
	if (end == text || *end || number < 1 || number > 64)
		bad_word(words, text, "a signal");
	return (int)number;
}

static int digit_follows(const struct words *words)
{
	return *words->next && isdigit((unsigned char)**words->next);
}

int64_t word_optional_number(struct words *words, int64_t otherwise)
{
	return digit_follows(words) ? word_number(words) : otherwise;
}

uint64_t word_optional_size(struct words *words, uint64_t otherwise)
{
	return digit_follows(words) ? word_size(words) : otherwise;
}

const char *word_optional_path(struct words *words)
{
	if (*words->next && (**words->next == '/' || **words->next == '.'))
		return word(words);
	return NULL;
}

static const struct verb *verb_find(const char *name)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct verb *verb = tables[t]; verb->name; verb++)
			if (strcmp(verb->name, name) == 0)
				return verb;
	return NULL;
}

static void help(void)
{
	put_text(1, "usage: child VERB [ARGUMENT...] [VERB...]: verbs are run in sequence, then exit 0\n\n");
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct verb *verb = tables[t]; verb->name; verb++)
			putf(1, "  %s%s%s\n\t%s\n", verb->name, *verb->arguments ? " " : "", verb->arguments, verb->help);
	put_text(1, "\nSIZE takes K, M, G. SIG is a name or a number. Exit 99: bad words; 98: a write failed; 97: other\n");
}

void words_run(struct words *words)
{
	while (*words->next) {
		const struct verb *verb;

		words->verb = *words->next++;
		verb = verb_find(words->verb);
		if (!verb)
			bad_word(words, words->verb, "a verb; see --help");
		verb->run(words);
	}
}

int main(int argc, char **argv)
{
	struct words words = { .argv0 = argv[0], .next = argv + (argc > 0), .verb = "" };

	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		help();
	else
		words_run(&words);
	_exit(0);
}
