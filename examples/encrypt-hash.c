/* SPDX-License-Identifier: MIT */
/*
 * Encrypt and hash: `openssl enc -CIPHER | openssl DIGEST` for each file named, several chains at a time, and a line
 * "DIGEST  FILE" for each in the order in which they end. It shows a chain as one command, a batch with a deadline for each
 * member, errors that name file, stage and reason, and stopping everything at Ctrl-C.
 *
 *	BROOD_PASSWORD=secret encrypt-hash -j 4 -t 10s lib/base/buffer.c lib/base/clock.c
 *	encrypt-hash --password-fd 3 --json report.pdf 3<passphrase
 *	encrypt-hash --compare README.md NEWS LICENSE
 *
 * The password goes to openssl in the environment of the one child that needs it: other users cannot read that, as they can
 * argv, and neither logs nor error messages hold it. The key is made from it without a salt, so that the same password and file
 * give the same digest. That is sound here because what was encrypted is hashed and dropped; do not keep such output.
 *
 * Here are the chain, the batch and what is shown; encrypt-hash-options.c reads the command line and the password.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <brood.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "encrypt-hash-options.h"

#define LONG_LIST 16                    /* from so many files on a counter is worth its line */
#define LOOK_MS 100                     /* how long a signal may go unnoticed */

enum { FAILED = 1, MISUSED = 2 };

struct tool {
	struct options want;
	char *typed;                    /* what was typed at a terminal in place of a file */
	size_t typed_size;
	bool counter;                   /* a line on the terminal is rewritten as files end */
	bool deaf;                      /* nobody takes our output any more */
};

/* One time through the list. */
struct pass {
	const char *what;
	size_t at_once;
	bool shown;                     /* its lines and errors are printed */
	size_t ended, failed;
	double seconds;
	char **digests;                 /* by the place in the list; NULL where there is none */
	int64_t counted_ms;             /* when the counter was last written */
};

static volatile sig_atomic_t caught;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the chain ------------------------------------------------------------------------------------------------ */

/*
 * A batch runs each member in a group of its own, which a terminal stops (SIGTTIN) as soon as it reads. So what is typed is
 * read here and fed.
 */
static int read_terminal(struct tool *tool)
{
	size_t room = 0;

	if (options_count_stdin(&tool->want) == 0 || !isatty(STDIN_FILENO))
		return 0;
	for (;;) {
		if (tool->typed_size == room) {
			room = room ? 2 * room : 65536;
			char *more = realloc(tool->typed, room);
			if (!more)
				return -ENOMEM;
			tool->typed = more;
		}
		ssize_t n = read(STDIN_FILENO, tool->typed + tool->typed_size, room - tool->typed_size);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		tool->typed_size += n > 0 ? (size_t)n : 0;
	}
}

/*
 * openssl enc | openssl md5 for one file. No call is checked: a mistake or a want of memory sticks to the command and comes back as
 * the failure of this one file.
 */
static brood_command *encrypt_then_hash(const struct tool *tool, const char *file)
{
	brood_command *enc = brood_command_newl("openssl", "enc", "-pbkdf2", "-nosalt", "-pass", "env:" PASSWORD, NULL);
	brood_command_argf(enc, "-%s", tool->want.cipher);
	brood_command_setenv(enc, PASSWORD, tool->want.password);
	if (strcmp(file, "-") != 0)
		brood_command_redirect_path(enc, BROOD_STDIN, file, 0, 0);
	else if (tool->typed)
		brood_command_feed(enc, tool->typed, tool->typed_size);
	else
		brood_command_redirect_fd(enc, BROOD_STDIN, STDIN_FILENO);

	brood_command *hash = brood_command_newl("openssl", tool->want.digest, "-r", NULL);
	brood_command *chain = brood_pipe(enc, hash);
	brood_command_capture(chain, BROOD_STDOUT, 4096);
	brood_command_capture(chain, BROOD_STDERR, 65536);
	brood_command_set_name(chain, file);
	brood_command_set_timeout_ms(chain, tool->want.timeout_ms);
	return chain;
}

/* The length of the digest at the start of what `openssl md5 -r` says ("DIGEST *stdin"), 0 where there is none. */
static size_t digest_length(const char *output)
{
	size_t length = strspn(output, "0123456789abcdef");

	return length >= 8 && output[length] == ' ' ? length : 0;
}

/*
 * The line of openssl's stderr that says most: its own words ("enc: Unknown cipher: foo"), else the reason out of an entry of its error
 * queue ("40C7...:error:80000015:system library:file_read:Is a directory:..."). *ret_size is 0 where it said nothing.
 */
static const char *openssl_words(const char *text, size_t *ret_size)
{
	const char *entry = strstr(text, ":error:");
	const char *line = text;

	while (*line && memmem(line, strcspn(line, "\n"), ":error:", 7))
		line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
	if (!*line && entry) {
		line = entry + 1;
		for (int colons = 0; colons < 4 && strchr(line, ':'); colons++)
			line = strchr(line, ':') + 1;
		*ret_size = strcspn(line, ":\n");
		return line;
	}
	*ret_size = strcspn(line, "\n");
	return line;
}

/*
 * Why this file failed, in words to free; NULL when it did not. `openssl enc` takes a read error for the end of the
 * file and exits 0: only its stderr tells, and a digest of half a file is worth less than none.
 */
static char *why_failed(const brood_future *future)
{
	const brood_result *result = brood_future_result(future);
	const char *said = brood_result_output(result, BROOD_STDERR, NULL);
	size_t size;
	const char *words = openssl_words(said, &size);
	char *why = NULL;
	int r;

	if (!brood_result_ok(result))
		r = asprintf(&why, "%s%s%.*s", brood_result_describe(result), size ? ": " : "", (int)size, words);
	else if (strstr(said, ":error:"))
		r = asprintf(&why, "openssl: %.*s", (int)size, words);
	else if (!digest_length(brood_result_output(result, BROOD_STDOUT, NULL)))
		r = asprintf(&why, "openssl gave no digest");
	else
		return NULL;
	return r < 0 ? NULL : why;
}

static bool was_cancelled(const brood_future *future)
{
	return brood_future_error(future) == -ECANCELED ||
	       brood_result_cause(brood_future_result(future), 0) == BROOD_BY_CANCEL;
}

/* From the start of the first stage to the end of the last. */
static double seconds_of(const brood_result *result)
{
	int64_t first = 0, last = 0;

	for (size_t i = 0; i < brood_result_stages(result); i++) {
		int64_t start = 0, end = 0;

		brood_result_times(result, i, &start, &end);
		if (start > 0 && (first == 0 || start < first))
			first = start;
		if (end > last)
			last = end;
	}
	return last > first && first > 0 ? (double)(last - first) / 1e9 : 0;
}

/* ---- what is shown ------------------------------------------------------------------------------------------- */

/* How many bytes one character of UTF-8 has here, 0 where it is none. */
static size_t utf8_length(const unsigned char *s)
{
	size_t length = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||       /* overlong; half of a UTF-16 pair */
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))         /* overlong; above the last character */
		return 0;
	return length;
}

/* Text as a JSON string. A file's name may hold any byte: what is not UTF-8 becomes U+FFFD. */
static void put_json(const char *text, size_t size)
{
	putchar('"');
	for (const unsigned char *s = (const unsigned char *)text, *end = s + size; s < end;) {
		size_t length = utf8_length(s);

		if (length == 0)
			fputs("\\ufffd", stdout);
		else if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if (*s < ' ' || *s == 0x7f)
			printf("\\u%04x", *s);
		else
			fwrite(s, 1, length, stdout);
		s += length ? length : 1;
	}
	putchar('"');
}

/* As md5sum does: a name with a newline or a backslash in it is escaped, and a backslash in front of the line says so. */
static void put_line(const char *digest, size_t size, const char *file)
{
	bool escaped = strpbrk(file, "\\\n\r") != NULL;

	printf("%s%.*s  ", escaped ? "\\" : "", (int)size, digest);
	for (const char *s = file; *s; s++) {
		if (*s == '\n' || *s == '\r' || *s == '\\')
			printf("\\%c", *s == '\n' ? 'n' : *s == '\r' ? 'r' : '\\');
		else
			putchar(*s);
	}
	putchar('\n');
}

static void put_json_line(const char *digest, size_t size, const char *file, const char *error, double seconds)
{
	fputs("{\"file\":", stdout);
	put_json(file, strlen(file));
	fputs(",\"digest\":", stdout);
	if (error)
		fputs("null", stdout);
	else
		put_json(digest, size);
	printf(",\"ok\":%s,\"error\":", error ? "false" : "true");
	if (error)
		put_json(error, strlen(error));
	else
		fputs("null", stdout);
	printf(",\"seconds\":%.6f}\n", seconds);
}

static void show(struct tool *tool, const brood_future *done, const char *error)
{
	const brood_result *result = brood_future_result(done);
	const char *output = brood_result_output(result, BROOD_STDOUT, NULL);
	const char *file = brood_future_name(done);

	if (error)
		complain(file, error);
	if (tool->want.json)
		put_json_line(output, digest_length(output), file, error, seconds_of(result));
	else if (!error)
		put_line(output, digest_length(output), file);
	if (fflush(stdout) != 0 && !tool->deaf) {
		tool->deaf = true;
		complain("standard output", strerror(errno));
	}
}

static void wipe_counter(const struct tool *tool)
{
	if (tool->counter)
		fputs("\r\033[K", stderr);
}

/* At most ten times a second: a terminal may be far away. */
static void put_counter(const struct tool *tool, struct pass *pass)
{
	int64_t now = now_ms();

	if (!tool->counter || now - pass->counted_ms < 100)
		return;
	pass->counted_ms = now;
	fprintf(stderr, "\r\033[K%s: %zu of %zu, %zu failed", pass->what, pass->ended, tool->want.count, pass->failed);
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static void take_end(struct tool *tool, struct pass *pass, const brood_future *done)
{
	if (was_cancelled(done))
		return;

	char *error = why_failed(done);
	pass->ended++;
	pass->failed += error != NULL;
	if (pass->shown) {
		wipe_counter(tool);
		show(tool, done, error);
		pass->counted_ms = 0;
	}
	free(error);
	put_counter(tool, pass);
}

/* Everything that was handed in comes out again, cancelled ones too. */
static int drive(struct tool *tool, struct pass *pass, brood_batch *batch)
{
	brood_future *done;
	bool cancelled = false;
	int r;

	while ((r = brood_batch_next(batch, LOOK_MS, &done)) != 0) {
		if (r == 1) {
			take_end(tool, pass, done);
			brood_future_free(done);
		} else if (r != -ETIMEDOUT) {
			return r;
		}
		if ((caught || tool->deaf) && !cancelled) {
			brood_batch_cancel(batch);
			cancelled = true;
		}
	}
	return 0;
}

static char *digest_of(const brood_future *future)
{
	const char *output = brood_result_output(brood_future_result(future), BROOD_STDOUT, NULL);
	char *why = future ? why_failed(future) : NULL;
	char *digest = future && !why ? strndup(output, digest_length(output)) : NULL;

	free(why);
	return digest;
}

/* All files once, at_once at a time. The digests stay with the pass. */
static int run_pass(struct tool *tool, struct pass *pass)
{
	int64_t start_ms = now_ms();
	brood_batch *batch = brood_batch_new(pass->at_once);
	brood_future **futures = calloc(tool->want.count, sizeof(*futures));
	int r = -ENOMEM;

	pass->digests = calloc(tool->want.count, sizeof(*pass->digests));
	if (!batch || !futures || !pass->digests)
		goto out;
	for (size_t i = 0; i < tool->want.count && !caught; i++) {
		brood_command *chain = encrypt_then_hash(tool, tool->want.files[i]);

		r = chain ? brood_batch_submit(batch, chain, &futures[i]) : -ENOMEM;
		brood_command_free(chain);
		if (r < 0)
			goto out;
	}
	r = drive(tool, pass, batch);
	pass->seconds = (double)(now_ms() - start_ms) / 1e3;
	for (size_t i = 0; i < tool->want.count; i++)
		pass->digests[i] = digest_of(futures[i]);
out:
	brood_batch_free(batch);
	for (size_t i = 0; futures && i < tool->want.count; i++)
		brood_future_free(futures[i]);
	free(futures);
	wipe_counter(tool);
	return r;
}

static void pass_done(struct tool *tool, struct pass *pass)
{
	for (size_t i = 0; pass->digests && i < tool->want.count; i++)
		free(pass->digests[i]);
	free(pass->digests);
}

/* Both ways must give the same; how many files did not. */
static size_t check_same(const struct tool *tool, const struct pass *one, const struct pass *other)
{
	size_t different = 0;

	for (size_t i = 0; i < tool->want.count; i++) {
		const char *a = one->digests[i], *b = other->digests[i];

		if (a == b || (a && b && strcmp(a, b) == 0))
			continue;
		fprintf(stderr, "encrypt-hash: %s: NOT THE SAME: %s %s, %s %s\n", tool->want.files[i], one->what, a ? a : "failed",
		        other->what, b ? b : "failed");
		different++;
	}
	return different;
}

static void put_times(const struct pass *beside, const struct pass *after)
{
	double saved = after->seconds > 0 ? 100 * (after->seconds - beside->seconds) / after->seconds : 0;

	fprintf(stderr, "%s %.2f s, %s (%zu at a time) %.2f s: %.0f %% of the time %s\n", after->what, after->seconds, beside->what,
	        beside->at_once, beside->seconds, saved < 0 ? -saved : saved, saved < 0 ? "lost" : "saved");
}

static void put_summary(const struct tool *tool, const struct pass *pass)
{
	if (tool->want.quiet)
		return;
	fprintf(stderr, "%zu file%s, %zu failed, %.2f s", pass->ended, pass->ended == 1 ? "" : "s", pass->failed, pass->seconds);
	if (pass->ended < tool->want.count)
		fprintf(stderr, ", %zu not done: %s", tool->want.count - pass->ended,
		        caught == SIGINT ? "interrupted" : caught ? "stopped" : "nobody reads the output");
	fputc('\n', stderr);
}

/* The list side by side, and where asked for again one after another: second, so that warm caches count against what we show. */
static int run_all(struct tool *tool)
{
	struct pass beside = { .what = "side by side", .at_once = tool->want.at_once, .shown = true };
	struct pass after = { .what = "one after another", .at_once = 1 };
	int r = run_pass(tool, &beside);
	size_t different = 0;

	if (r == 0 && tool->want.compare && !caught && !tool->deaf)
		r = run_pass(tool, &after);
	if (r < 0) {
		complain("giving up", strerror(-r));
	} else {
		put_summary(tool, &beside);
		if (after.digests && !caught) {
			different = check_same(tool, &beside, &after);
			if (!tool->want.quiet)
				put_times(&beside, &after);
		}
	}
	bool failed = r < 0 || beside.failed > 0 || different > 0 || tool->deaf;
	pass_done(tool, &beside);
	pass_done(tool, &after);
	return failed ? FAILED : EXIT_SUCCESS;
}

/* ---- the program ---------------------------------------------------------------------------------------------- */

static void catch(int signal)
{
	caught = signal;
}

/*
 * The members of a batch are in groups of their own, so a terminal's Ctrl-C reaches us alone: we pass it on. The second one finds the
 * default again, for whoever will not wait. What was ignored stays ignored (nohup), and a reader that went away is an error, no death.
 */
static void catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = catch, .sa_flags = SA_RESTART | (int)SA_RESETHAND };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction old;

		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct tool tool = { .want = { .cipher = "aes-256-ctr", .digest = "md5", .timeout_ms = -1, .password_fd = -1 } };
	int r = options_take(&tool.want, argc, argv);

	if (r != 0)
		return r < 0 ? MISUSED : fflush(stdout) == 0 ? EXIT_SUCCESS : FAILED;
	r = options_take_password(&tool.want);
	if (r < 0)
		return MISUSED;
	r = read_terminal(&tool);
	if (r < 0) {
		complain("-", strerror(-r));
		return FAILED;
	}
	if (tool.want.at_once == 0) {
		long processors = sysconf(_SC_NPROCESSORS_ONLN);
		tool.want.at_once = processors > 0 ? (size_t)processors : 1;
	}
	tool.counter = !tool.want.quiet && tool.want.count >= LONG_LIST && isatty(STDERR_FILENO);

	catch_signals();
	int status = run_all(&tool);
	explicit_bzero(tool.want.password, sizeof(tool.want.password));
	free(tool.typed);
	return caught ? 128 + caught : status;
}
