/* SPDX-License-Identifier: MIT */
/*
 * The test child itself: every verb does what its help says, and the README names every one. Most verbs are a row of a table here;
 * test_child_live.c has those that somebody must watch while they run.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "support/verbs.h"
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct stream {
	int fd;
	size_t size;
	char bytes[1 << 19];
};

struct outcome {
	struct stream out, err;
	int status;
	pid_t pid;
};

struct row {
	const char *words[MOST_WORDS];
	const char *input;
	const char *out, *err;		/* NULL: whatever comes */
	int status;
	void (*check)(const struct outcome *outcome);
};

static int take_some(struct stream *stream)
{
	ssize_t n = read(stream->fd, stream->bytes + stream->size, sizeof(stream->bytes) - 1 - stream->size);

	if (n < 0 && errno == EINTR)
		return 1;
	assert_true(n >= 0);
	stream->size += (size_t)n;
	stream->bytes[stream->size] = '\0';
	return n > 0;
}

static void pump(struct outcome *outcome, int input_fd, const char *input, size_t size)
{
	struct pollfd fds[3] = {
		{ .fd = input_fd, .events = POLLOUT },
		{ .fd = outcome->out.fd, .events = POLLIN },
		{ .fd = outcome->err.fd, .events = POLLIN },
	};

	while (fds[0].fd >= 0 || fds[1].fd >= 0 || fds[2].fd >= 0) {
		if (fds[0].fd >= 0 && size == 0) {
			close(fds[0].fd);
			fds[0].fd = -1;
		}
		assert_true(poll(fds, 3, 60000) > 0);
		if (fds[0].fd >= 0 && fds[0].revents) {
			ssize_t n = write(fds[0].fd, input, size < 4096 ? size : 4096);

			size = n > 0 ? size - (size_t)n : 0;
			input += n > 0 ? n : 0;
		}
		if (fds[1].fd >= 0 && fds[1].revents && !take_some(&outcome->out))
			fds[1].fd = -1;
		if (fds[2].fd >= 0 && fds[2].revents && !take_some(&outcome->err))
			fds[2].fd = -1;
	}
}

/* The caller frees the outcome. */
static struct outcome *run(const char *const *words, const char *input, size_t size)
{
	struct outcome *outcome = calloc(1, sizeof(*outcome));
	int in[2], out[2], err[2];

	assert_non_null(outcome);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	outcome->pid = start(words, (int[]){ in[0], out[1], err[1] });
	close(in[0]);
	close(out[1]);
	close(err[1]);
	outcome->out.fd = out[0];
	outcome->err.fd = err[0];
	pump(outcome, in[1], input, size);
	close(out[0]);
	close(err[0]);
	outcome->status = support_reap(outcome->pid);
	return outcome;
}

static void run_row(const struct row *row)
{
	struct outcome *outcome = run(row->words, row->input, row->input ? strlen(row->input) : 0);

	if (outcome->status != row->status)
		fail_msg("%s ... %s: status %d instead of %d; stderr: %s", row->words[0],
			 row->words[1] ? row->words[1] : "", outcome->status, row->status, outcome->err.bytes);
	if (row->out)
		assert_string_equal(outcome->out.bytes, row->out);
	if (row->err)
		assert_string_equal(outcome->err.bytes, row->err);
	if (row->check)
		row->check(outcome);
	free(outcome);
}

static void run_rows(const struct row *rows)
{
	/* A dead reader of input ends a write with EPIPE here, not this process. */
	sighandler_t old = signal(SIGPIPE, SIG_IGN);

	for (; rows->words[0]; rows++)
		run_row(rows);
	signal(SIGPIPE, old);
}

/* ---- checks for what differs from run to run ---- */

static void check_hex(const struct outcome *outcome)
{
	assert_int_equal(outcome->out.size, 3);
	assert_memory_equal(outcome->out.bytes, "A\0\xff", 3);
}

static void check_pattern(const struct outcome *outcome)
{
	static unsigned char wanted[300 << 10];

	support_pattern(wanted, sizeof(wanted), 0);
	assert_int_equal(outcome->out.size, sizeof(wanted));
	assert_memory_equal(outcome->out.bytes, wanted, sizeof(wanted));
}

static void check_nul_line(const struct outcome *outcome)
{
	assert_int_equal(outcome->out.size, 13);
	assert_memory_equal(outcome->out.bytes, "before\0after\n", 13);
}

static void check_args(const struct outcome *outcome)
{
	assert_int_equal(outcome->out.size, 9);
	assert_memory_equal(outcome->out.bytes, "a b\0\0$%\\\0", 9);
}

static void check_env(const struct outcome *outcome)
{
	assert_int_equal(outcome->out.size, 14);
	assert_memory_equal(outcome->out.bytes, "A=1\0B=two\0A=3\0", 14);
}

static void check_line(const struct outcome *outcome, const char *wanted)
{
	assert_int_equal(outcome->out.size, strlen(wanted) + 1);
	assert_memory_equal(outcome->out.bytes, wanted, strlen(wanted));
}

static void check_number(const struct outcome *outcome, long wanted)
{
	assert_int_equal(strtol(outcome->out.bytes, NULL, 10), wanted);
}

static void check_is_child(const struct outcome *outcome)
{
	check_line(outcome, support_child());
}

static void check_exe(const struct outcome *outcome)
{
	char *path = realpath(support_child(), NULL);

	check_line(outcome, path);
	free(path);
}

static void check_cwd(const struct outcome *outcome)
{
	char *path = getcwd(NULL, 0);

	check_line(outcome, path);
	free(path);
}

static void check_fds(const struct outcome *outcome)
{
	assert_non_null(strstr(outcome->out.bytes, "0 p r pipe:["));
	assert_non_null(strstr(outcome->out.bytes, "\n1 p w pipe:["));
	assert_non_null(strstr(outcome->out.bytes, "\n2 p w pipe:["));
}

static void check_nonblock(const struct outcome *outcome)
{
	assert_non_null(strstr(outcome->out.bytes, "0 p r,nonblock pipe:["));
}

static void check_not_empty(const struct outcome *outcome)
{
	assert_true(outcome->out.size > 1);
}

static void check_pid(const struct outcome *outcome)
{
	check_number(outcome, outcome->pid);
}

static void check_ppid(const struct outcome *outcome)
{
	check_number(outcome, getpid());
}

static void check_sid(const struct outcome *outcome)
{
	check_number(outcome, getsid(0));
}

static void check_ids(const struct outcome *outcome)
{
	assert_int_equal(support_field(outcome->out.bytes, "uid", 10), getuid());
	assert_int_equal(support_field(outcome->out.bytes, "gid", 10), getgid());
	assert_non_null(strstr(outcome->out.bytes, "\ngroups"));
	assert_true(support_field(outcome->out.bytes, "capeff", 16) >= 0);
}

static void check_signals(const struct outcome *outcome)
{
	assert_true(support_field(outcome->out.bytes, "ignored", 16) & (1 << (SIGUSR2 - 1)));
	assert_false(support_field(outcome->out.bytes, "ignored", 16) & (1 << (SIGHUP - 1)));
	assert_true(support_field(outcome->out.bytes, "blocked", 16) & (1 << (SIGWINCH - 1)));
	assert_false(support_field(outcome->out.bytes, "blocked", 16) & (1 << (SIGUSR1 - 1)));
	assert_true(support_field(outcome->out.bytes, "caught", 16) & (1 << (SIGURG - 1)));
	assert_int_equal(support_field(outcome->out.bytes, "pending", 16), 0);
}

static void check_nofile(const struct outcome *outcome)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	check_number(outcome, (long)limit.rlim_cur);
}

static void check_long_line(const struct outcome *outcome)
{
	assert_int_equal(outcome->out.size, 100001);
	assert_int_equal(strspn(outcome->out.bytes, "l"), 100000);
	assert_int_equal(outcome->out.bytes[100000], '\n');
}

static void check_unknown(const struct outcome *outcome)
{
	assert_non_null(strstr(outcome->err.bytes, "frobnicate"));
}

static const struct row stream_rows[] = {
	{ { "print", "a", "print", "b" }, NULL, "ab", "", 0, NULL },
	{ { "echo", "a", "err", "oops" }, NULL, "a\n", "oops", 0, NULL },
	{ { "print-hex", "4100ff" }, NULL, NULL, "", 0, check_hex },
	{ { "print-hex", "4" }, NULL, "", NULL, 99, NULL },
	{ { "ready" }, NULL, "ready\n", "", 0, NULL },
	{ { "cat", "echo", "!" }, "some input", "some input!\n", "", 0, NULL },
	{ { "cat-slow", "2", "1" }, "abcdef", "abcdef", "", 0, NULL },
	{ { "append", "%T/f", "text", "append", "%T/f", "+", "cat-file", "%T/f" }, NULL, "text+", "", 0, NULL },
	{ { "cat-file", "%T/none" }, NULL, "", NULL, 97, NULL },
	{ { "read-fd", "0", "write-fd", "2", "told" }, "in", "in", "told", 0, NULL },
	{ { "write-fd", "77", "nobody" }, NULL, "", "", 98, NULL },
	{ { "tee-err" }, "both", "both", "both", 0, NULL },
	{ { "upper" }, "Shout 1", "SHOUT 1", "", 0, NULL },
	{ { "count" }, "12345", "5\n", "", 0, NULL },
	{ { "checksum" }, "", "cbf29ce484222325\n", "", 0, NULL },
	{ { "checksum" }, "a", "af63dc4c8601ec8c\n", "", 0, NULL },
	{ { "discard", "echo", "done" }, "nobody reads this", "done\n", "", 0, NULL },
	{ { "eat", "2", "cat" }, "abcd", "cd", "", 0, NULL },
	{ { "flood", "5", "2" }, NULL, "xxxxx", "", 0, NULL },
	{ { "flood-err", "3" }, NULL, "", "xxx", 0, NULL },
	{ { "close", "1", "flood-forever" }, NULL, "", "", 98, NULL },
	{ { "close", "1", "flood-until-error", "exit", "4" }, NULL, "", "Bad file descriptor after 0\n", 4, NULL },
	{ { "pattern", "300K" }, NULL, NULL, "", 0, check_pattern },
	{ { "check-pattern" }, "\1", "", NULL, 1, NULL },
	{ { "check-pattern", "1" }, "", "", NULL, 1, NULL },
	{ { "check-pattern", "0", "echo", "well" }, "", "well\n", "", 0, NULL },
	{ { "open-dev-stdout", "again" }, NULL, "again", "", 0, NULL },
	{ { NULL }, NULL, NULL, NULL, 0, NULL },
};

static const struct row line_rows[] = {
	{ { "lines", "3", "echo", "end" }, NULL, "line 1\nline 2\nline 3\nend\n", "", 0, NULL },
	{ { "lines", "2", "1" }, NULL, "line 1\nline 2\n", "", 0, NULL },
	{ { "interleave", "2" }, NULL, "out 1\nout 2\n", "err 1\nerr 2\n", 0, NULL },
	{ { "last-line-no-newline", "tail" }, NULL, "a whole line\ntail", "", 0, NULL },
	{ { "long-line", "100000" }, NULL, NULL, "", 0, check_long_line },
	{ { "nul-line" }, NULL, NULL, "", 0, check_nul_line },
	{ { "head", "1", "upper" }, "one\ntwo\n", "one\nTWO\n", "", 0, NULL },
	{ { "head", "5" }, "one\ntwo", "one\ntwo\n", "", 0, NULL },
	{ { "qa" }, "question 7\nsomething\nquestion 8\n", "answer 7\nwhat?\nanswer 8\n", "", 0, NULL },
	{ { NULL }, NULL, NULL, NULL, 0, NULL },
};

static const struct row state_rows[] = {
	{ { "args", "a b", "", "$%\\" }, NULL, NULL, "", 0, check_args },
	{ { "argv0" }, NULL, NULL, "", 0, check_is_child },
	{ { "exe" }, NULL, NULL, "", 0, check_exe },
	{ { "env" }, NULL, NULL, "", 0, check_env },
	{ { "getenv", "A", "getenv", "B", "getenv", "C" }, NULL, "1\ntwo\n(unset)\n", "", 0, NULL },
	{ { "cwd" }, NULL, NULL, "", 0, check_cwd },
	{ { "fds" }, NULL, NULL, "", 0, check_fds },
	{ { "fd-stat", "7777" }, NULL, "7777 closed\n", "", 0, NULL },
	{ { "nonblock", "0", "fd-stat", "0" }, NULL, NULL, "", 0, check_nonblock },
	{ { "isatty", "0" }, NULL, "no\n", "", 0, NULL },
	{ { "tty-foreground" }, NULL, NULL, "", 0, check_not_empty },
	{ { "pid" }, NULL, NULL, "", 0, check_pid },
	{ { "ppid" }, NULL, NULL, "", 0, check_ppid },
	{ { "pgid" }, NULL, NULL, "", 0, check_pid },
	{ { "sid" }, NULL, NULL, "", 0, check_sid },
	{ { "ids" }, NULL, NULL, "", 0, check_ids },
	{ { "ignore", "USR2", "default", "HUP", "block", "28", "block", "USR1", "unblock", "USR1", "trap", "URG", "", "signals" },
		NULL, NULL, "", 0, check_signals },
	{ { "umask" }, NULL, NULL, "", 0, check_not_empty },
	{ { "nice" }, NULL, NULL, "", 0, check_not_empty },
	{ { "rlimit", "CHEESE" }, NULL, "", NULL, 99, NULL },
	{ { "affinity" }, NULL, NULL, "", 0, check_not_empty },
	{ { "no-new-privs" }, NULL, NULL, "", 0, check_not_empty },
	{ { "dumpable" }, NULL, "1\n", "", 0, NULL },
	{ { "pdeathsig", "die-when-parent-dies", "pdeathsig" }, NULL, "0\n9\n", "", 0, NULL },
	{ { "cgroup" }, NULL, NULL, "", 0, NULL },
	{ { "comm" }, NULL, "child\n", "", 0, NULL },
	{ { NULL }, NULL, NULL, NULL, 0, NULL },
};

static const struct row act_rows[] = {
	{ { "exit", "3", "echo", "never" }, NULL, "", "", 3, NULL },
	{ { "kill", "KILL" }, NULL, "", "", 128 + SIGKILL, NULL },
	{ { "ignore", "SIGTERM", "block", "TERM", "kill", "TERM", "echo", "never" }, NULL, "", "", 128 + SIGTERM, NULL },
	{ { "ignore-term" }, NULL, "ready\n", "", 0, NULL },
	{ { "trap", "USR1", "caught\n", "fork-then", "signal-parent", "USR1" }, NULL, "caught\n", "", 0, NULL },
	{ { "spin", "5", "mem", "4M", "sleep", "1" }, NULL, "", "", 0, NULL },
	{ { "close", "0", "fd-stat", "0" }, NULL, "0 closed\n", "", 0, NULL },
	{ { "close-stdin-early", "1", "fd-stat", "0" }, NULL, "0 closed\n", "", 0, NULL },
	{ { "touch", "%T/t", "wait-for-file", "%T/t", "cat-file", "%T/t" }, NULL, "", "", 0, NULL },
	{ { "pidfile", "%T/p", "cat-file", "%T/p" }, NULL, NULL, "", 0, check_pid },
	{ { "signal-group", "KILL" }, NULL, "", "", 128 + SIGKILL, NULL },
	{ { "signal-pid", "0", "KILL" }, NULL, "", "", 128 + SIGKILL, NULL },
	{ { NULL }, NULL, NULL, NULL, 0, NULL },
};

static const struct row tree_rows[] = {
	{ { "hold-pipe-in-grandchild", "20", "%T/1", "echo", "on" }, NULL, "on\n", "", 0, NULL },
	{ { "daemonize", "20", "%T/2", "exit", "2" }, NULL, "", "", 2, NULL },
	{ { "spawn-in-group", "20", "%T/3", "echo", "on" }, NULL, "on\n", "", 0, NULL },
	{ { "spawn-new-group", "20", "echo", "on" }, NULL, "on\n", "", 0, NULL },
	{ { "spawn-setsid", "20", "echo", "on" }, NULL, "on\n", "", 0, NULL },
	{ { "fork-then", "kill", "USR1" }, NULL, "", "", 128 + SIGUSR1, NULL },
	{ { "fork-then", "exit", "9" }, NULL, "", "", 9, NULL },
	{ { "fork-away", "echo", "late", "exit", "9" }, NULL, "late\n", "", 0, NULL },
	{ { "exec", "%C", "argv0" }, NULL, NULL, "", 0, check_is_child },
	{ { "exec", "%T/none" }, NULL, "", NULL, 97, NULL },
	{ { "repeat", "3", "echo", "a" }, NULL, "a\na\na\n", "", 0, NULL },
	{ { "frobnicate" }, NULL, "", NULL, 99, check_unknown },
	{ { "exit" }, NULL, "", NULL, 99, NULL },
	{ { NULL }, NULL, NULL, NULL, 0, NULL },
};

static const struct row limit_rows[] = {
	{ { "rlimit", "NOFILE" }, NULL, NULL, "", 0, check_nofile },
	{ { NULL }, NULL, NULL, NULL, 0, NULL },
};

/* Verbs that need a test of their own, in test_child_live.c. */
static const char *const special_verbs[] = { "stop-self", "trap-term", "sleep-forever", "pause", "accept", NULL };

static void test_stream_verbs(void **state)
{
	run_rows(stream_rows);
}

static void test_line_verbs(void **state)
{
	run_rows(line_rows);
}

static void test_state_verbs(void **state)
{
	run_rows(state_rows);
}

static void test_a_limit_is_shown_as_the_kernel_has_it(void **state)
{
	skip_under_valgrind();          /* it keeps a limit of descriptors for itself, and tells another one */
	run_rows(limit_rows);
}

static void test_act_verbs(void **state)
{
	run_rows(act_rows);
}

static void test_tree_verbs(void **state)
{
	run_rows(tree_rows);
}

static void test_check_pattern_and_count_take_what_pattern_gives(void **state)
{
	const char *const give[MOST_WORDS] = { "pattern", "300K" };
	const char *const check[MOST_WORDS] = { "check-pattern", "300K" };
	const char *const sum[MOST_WORDS] = { "checksum" };
	struct outcome *pattern = run(give, NULL, 0);
	struct outcome *same = run(check, pattern->out.bytes, pattern->out.size);
	struct outcome *summed = run(sum, pattern->out.bytes, pattern->out.size);

	assert_int_equal(same->status, 0);
	assert_true(strtoull(summed->out.bytes, NULL, 16) == support_checksum(pattern->out.bytes, pattern->out.size));
	free(pattern);
	free(same);
	free(summed);
}

/* ---- nothing forgotten ---- */

static int row_uses(const struct row *rows, const char *verb)
{
	for (; rows->words[0]; rows++)
		for (int i = 0; i < MOST_WORDS && rows->words[i]; i++)
			if (strcmp(rows->words[i], verb) == 0)
				return 1;
	return 0;
}

static int is_tested(const char *verb)
{
	static const struct row *const tables[] = { stream_rows, line_rows, state_rows, act_rows, tree_rows };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (row_uses(tables[i], verb))
			return 1;
	for (int i = 0; special_verbs[i]; i++)
		if (strcmp(special_verbs[i], verb) == 0)
			return 1;
	return 0;
}

/* Calls fn for each verb of --help: the lines that begin with two blanks. */
static int each_verb(int (*fn)(const char *verb, const void *data), const void *data)
{
	const char *const words[MOST_WORDS] = { "--help" };
	struct outcome *help = run(words, NULL, 0);
	int missing = 0, count = 0;

	for (char *line = help->out.bytes, *end; (end = strchr(line, '\n')); line = end + 1) {
		char verb[64];

		if (strncmp(line, "  ", 2) != 0 || sscanf(line, " %63s", verb) != 1)
			continue;
		count++;
		if (!fn(verb, data)) {
			print_error("forgotten: %s\n", verb);
			missing++;
		}
	}
	free(help);
	assert_true(count > 60);
	return missing;
}

static int verb_is_tested(const char *verb, const void *data)
{
	return is_tested(verb);
}

static int verb_is_in_text(const char *verb, const void *data)
{
	char item[80];

	snprintf(item, sizeof(item), "\n| `%s", verb);
	return strstr(data, item) != NULL;
}

static void test_every_verb_is_tested(void **state)
{
	assert_int_equal(each_verb(verb_is_tested, NULL), 0);
}

static void test_the_readme_names_every_verb(void **state)
{
	const char *top = getenv("BROOD_SRCDIR");
	char path[4096];
	char *text;

	skip_unless(top, "BROOD_SRCDIR does not say where the sources are");
	snprintf(path, sizeof(path), "%s/tests/child/README.md", top);
	text = support_read_file(path, NULL);
	assert_non_null(text);
	assert_int_equal(each_verb(verb_is_in_text, text), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_stream_verbs),
		brood_test(test_line_verbs),
		brood_test(test_state_verbs),
		brood_test(test_a_limit_is_shown_as_the_kernel_has_it),
		brood_test(test_act_verbs),
		brood_test(test_tree_verbs),
		brood_test(test_check_pattern_and_count_take_what_pattern_gives),
		brood_test(test_every_verb_is_tested),
		brood_test(test_the_readme_names_every_verb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
