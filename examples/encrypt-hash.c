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
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <brood.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define PASSWORD "BROOD_PASSWORD"
#define PASSWORD_MAX 1024               /* as much as openssl takes */
#define LONG_LIST 16                    /* from so many files on a counter is worth its line */
#define LOOK_MS 100                     /* how long a signal may go unnoticed */

enum { FAILED = 1, MISUSED = 2 };

struct tool {
	const char *cipher, *digest;
	size_t at_once;
	int64_t timeout_ms;
	bool json, compare, quiet;
	int password_fd;
	char password[PASSWORD_MAX];
	char **files;
	size_t count;
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

static void complain(const char *subject, const char *why)
{
	fprintf(stderr, "encrypt-hash: %s: %s\n", subject, why);
}

/* ---- what was asked for ------------------------------------------------------------------------------------- */

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

/* One option into the tool: 0, 1 when the program is to end well at once, -EINVAL after saying why. */
static int take_option(struct tool *tool, int option, const char *value)
{
	long number;

	switch (option) {
	case 'c':
		tool->cipher = value;
		return is_algorithm(value) ? 0 : misused(value, "not the name of a cipher");
	case 'd':
		tool->digest = value;
		return is_algorithm(value) ? 0 : misused(value, "not the name of a digest");
	case 'j':
		if (parse_number(value, 100000, &number) < 0)
			return misused(value, "not a number of jobs");
		tool->at_once = (size_t)number;
		return 0;
	case 't':
		return parse_time(value, &tool->timeout_ms) < 0 ? misused(value, "not a time such as 500ms, 2.5s, 1m or 1h") : 0;
	case 'P':
		if (parse_number(value, 1 << 30, &number) < 0)
			return misused(value, "not the number of a descriptor");
		tool->password_fd = (int)number;
		return 0;
	case 'J':
		tool->json = true;
		return 0;
	case 'C':
		tool->compare = true;
		return 0;
	case 'q':
		tool->quiet = true;
		return 0;
	case 'h':
		usage(stdout);
		return 1;
	default:
		fputs("Try encrypt-hash --help.\n", stderr);
		return -EINVAL;
	}
}

static size_t count_stdin(const struct tool *tool)
{
	size_t count = 0;

	for (size_t i = 0; i < tool->count; i++)
		count += strcmp(tool->files[i], "-") == 0;
	return count;
}

static int take_arguments(struct tool *tool, int argc, char **argv)
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
		r = take_option(tool, option, optarg);
		if (r != 0)
			return r;
	}
	tool->files = optind < argc ? argv + optind : only_stdin;
	tool->count = optind < argc ? (size_t)(argc - optind) : 1;

	size_t stdins = count_stdin(tool);
	if (stdins > 1)
		return misused("-", "standard input can be read once only");
	if (stdins > 0 && tool->compare)
		return misused("--compare", "reads everything twice, and standard input can be read once only: name files");
	if (stdins > 0 && tool->password_fd == STDIN_FILENO)
		return misused("--password-fd 0", "standard input is what is to be encrypted");
	return 0;
}

/* ---- the password --------------------------------------------------------------------------------------------- */

/* One line from a descriptor, byte by byte: what follows the newline is somebody else's. */
static int read_password(struct tool *tool)
{
	size_t size = 0;

	for (;;) {
		char c;
		ssize_t n = read(tool->password_fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fprintf(stderr, "encrypt-hash: --password-fd %d: %s\n", tool->password_fd, strerror(errno));
			return -errno;
		}
		if (n == 0 || c == '\n')
			break;
		if (c == '\0' || size == sizeof(tool->password) - 1)
			return misused("--password-fd", c ? "the password is longer than 1023 bytes" : "the password has a NUL in it");
		tool->password[size++] = c;
	}
	return size > 0 ? 0 : misused("--password-fd", "the password is empty");
}

static int invent_password(struct tool *tool)
{
	unsigned char bytes[32];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		complain("no password given, and no random one to be had", strerror(errno));
		return -EIO;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(tool->password + 2 * i, 3, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof(bytes));
	if (!tool->quiet)
		fputs("encrypt-hash: no password given (" PASSWORD ", --password-fd): a random one is used, for this once\n", stderr);
	return 0;
}

/* From descriptor, environment or chance. It leaves our own environment: only `openssl enc` is to have it. */
static int take_password(struct tool *tool)
{
	const char *given = getenv(PASSWORD);
	int r = 0;

	if (tool->password_fd >= 0)
		r = read_password(tool);
	else if (!given)
		r = invent_password(tool);
	else if (!given[0])
		r = misused(PASSWORD, "the password is empty");
	else if (strlen(given) >= sizeof(tool->password))
		r = misused(PASSWORD, "the password is longer than 1023 bytes");
	else
		memcpy(tool->password, given, strlen(given) + 1);
	unsetenv(PASSWORD);
	return r;
}

/* ---- the chain ------------------------------------------------------------------------------------------------ */

/*
 * A batch runs each member in a group of its own, which a terminal stops (SIGTTIN) as soon as it reads. So what is typed is
 * read here and fed.
 */
static int read_terminal(struct tool *tool)
{
	size_t room = 0;

	if (count_stdin(tool) == 0 || !isatty(STDIN_FILENO))
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
	brood_command_argf(enc, "-%s", tool->cipher);
	brood_command_setenv(enc, PASSWORD, tool->password);
	if (strcmp(file, "-") != 0)
		brood_command_redirect_path(enc, BROOD_STDIN, file, 0, 0);
	else if (tool->typed)
		brood_command_feed(enc, tool->typed, tool->typed_size);
	else
		brood_command_redirect_fd(enc, BROOD_STDIN, STDIN_FILENO);

	brood_command *hash = brood_command_newl("openssl", tool->digest, "-r", NULL);
	brood_command *chain = brood_pipe(enc, hash);
	brood_command_capture(chain, BROOD_STDOUT, 4096);
	brood_command_capture(chain, BROOD_STDERR, 65536);
	brood_command_set_name(chain, file);
	brood_command_set_timeout_ms(chain, tool->timeout_ms);
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
	if (tool->json)
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
	fprintf(stderr, "\r\033[K%s: %zu of %zu, %zu failed", pass->what, pass->ended, tool->count, pass->failed);
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
	brood_future **futures = calloc(tool->count, sizeof(*futures));
	int r = -ENOMEM;

	pass->digests = calloc(tool->count, sizeof(*pass->digests));
	if (!batch || !futures || !pass->digests)
		goto out;
	for (size_t i = 0; i < tool->count && !caught; i++) {
		brood_command *chain = encrypt_then_hash(tool, tool->files[i]);

		r = chain ? brood_batch_submit(batch, chain, &futures[i]) : -ENOMEM;
		brood_command_free(chain);
		if (r < 0)
			goto out;
	}
	r = drive(tool, pass, batch);
	pass->seconds = (double)(now_ms() - start_ms) / 1e3;
	for (size_t i = 0; i < tool->count; i++)
		pass->digests[i] = digest_of(futures[i]);
out:
	brood_batch_free(batch);
	for (size_t i = 0; futures && i < tool->count; i++)
		brood_future_free(futures[i]);
	free(futures);
	wipe_counter(tool);
	return r;
}

static void pass_done(struct tool *tool, struct pass *pass)
{
	for (size_t i = 0; pass->digests && i < tool->count; i++)
		free(pass->digests[i]);
	free(pass->digests);
}

/* Both ways must give the same; how many files did not. */
static size_t check_same(const struct tool *tool, const struct pass *one, const struct pass *other)
{
	size_t different = 0;

	for (size_t i = 0; i < tool->count; i++) {
		const char *a = one->digests[i], *b = other->digests[i];

		if (a == b || (a && b && strcmp(a, b) == 0))
			continue;
		fprintf(stderr, "encrypt-hash: %s: NOT THE SAME: %s %s, %s %s\n", tool->files[i], one->what, a ? a : "failed",
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
	if (tool->quiet)
		return;
	fprintf(stderr, "%zu file%s, %zu failed, %.2f s", pass->ended, pass->ended == 1 ? "" : "s", pass->failed, pass->seconds);
	if (pass->ended < tool->count)
		fprintf(stderr, ", %zu not done: %s", tool->count - pass->ended,
		        caught == SIGINT ? "interrupted" : caught ? "stopped" : "nobody reads the output");
	fputc('\n', stderr);
}

/* The list side by side, and where asked for again one after another: second, so that warm caches count against what we show. */
static int run_all(struct tool *tool)
{
	struct pass beside = { .what = "side by side", .at_once = tool->at_once, .shown = true };
	struct pass after = { .what = "one after another", .at_once = 1 };
	int r = run_pass(tool, &beside);
	size_t different = 0;

	if (r == 0 && tool->compare && !caught && !tool->deaf)
		r = run_pass(tool, &after);
	if (r < 0) {
		complain("giving up", strerror(-r));
	} else {
		put_summary(tool, &beside);
		if (after.digests && !caught) {
			different = check_same(tool, &beside, &after);
			if (!tool->quiet)
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
	struct tool tool = { .cipher = "aes-256-ctr", .digest = "md5", .timeout_ms = -1, .password_fd = -1 };
	int r = take_arguments(&tool, argc, argv);

	if (r != 0)
		return r < 0 ? MISUSED : fflush(stdout) == 0 ? EXIT_SUCCESS : FAILED;
	r = take_password(&tool);
	if (r < 0)
		return MISUSED;
	r = read_terminal(&tool);
	if (r < 0) {
		complain("-", strerror(-r));
		return FAILED;
	}
	if (tool.at_once == 0) {
		long processors = sysconf(_SC_NPROCESSORS_ONLN);
		tool.at_once = processors > 0 ? (size_t)processors : 1;
	}
	tool.counter = !tool.quiet && tool.count >= LONG_LIST && isatty(STDERR_FILENO);

	catch_signals();
	int status = run_all(&tool);
	explicit_bzero(tool.password, sizeof(tool.password));
	free(tool.typed);
	return caught ? 128 + caught : status;
}
