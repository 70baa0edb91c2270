/* SPDX-License-Identifier: MIT */
/*
 * The programs of examples/, run as their users run them: what they print, how they end, what they say when something is wrong.
 * Some tests put an `openssl` of their own in front of the PATH: a script that sleeps, or writes down what it was given.
 */
#include <brood.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/support.h"

/* What `openssl enc -aes-256-ctr -pbkdf2 -nosalt` with the password "secret" makes of "hello\n", hashed; and with the other two names. */
#define HELLO_MD5 "4a7fdc950a16156399951337ded00b44"
#define HELLO_AES128CBC_SHA256 "dfa58e7c051ce86b4ec512a29c66fb1cd007a5e92e2051ebb1c9027919b3311e"

/* ---- running one ---- */

struct ran {
	int status;             /* as a shell says it */
	char *out, *err;
};

static brood_command *example(const char *name)
{
	const char *folder = getenv("BROOD_EXAMPLES");
	char path[4096];

	skip_unless(folder, "BROOD_EXAMPLES does not say where the examples are");
	snprintf(path, sizeof(path), "%s/%s", folder, name);

	brood_command *cmd = brood_command_newl(path, NULL);
	brood_command_unsetenv(cmd, "BROOD_PASSWORD");
	brood_command_unsetenv(cmd, "LD_PRELOAD");
	brood_command_set_timeout_ms(cmd, 120000);
	brood_command_set_new_group(cmd, true);
	return cmd;
}

/* encrypt-hash with the password "secret". */
static brood_command *encrypt_hash(void)
{
	brood_command *cmd = example("encrypt-hash");

	brood_command_setenv(cmd, "BROOD_PASSWORD", "secret");
	return cmd;
}

static void args(brood_command *cmd, const char *words)
{
	char text[512], *rest = text;

	snprintf(text, sizeof(text), "%s", words);
	for (char *word; (word = strsep(&rest, " "));)
		brood_command_arg(cmd, word);
}

/* Run it to its end. Free what comes back with ran_done. */
static struct ran run(brood_command *cmd_take)
{
	struct ran ran;
	brood_result *result = NULL;

	brood_command_capture(cmd_take, BROOD_STDOUT, 0);
	brood_command_capture(cmd_take, BROOD_STDERR, 0);
	int r = brood_run(cmd_take, &result);
	brood_command_free(cmd_take);
	if (r < 0)
		fail_msg("%s", brood_result_describe(result));
	ran.status = brood_result_shell_status(result);
	ran.out = strdup(brood_result_output(result, BROOD_STDOUT, NULL));
	ran.err = strdup(brood_result_output(result, BROOD_STDERR, NULL));
	brood_result_free(result);
	assert_non_null(ran.out);
	assert_non_null(ran.err);
	return ran;
}

static void ran_done(struct ran *ran)
{
	free(ran->out);
	free(ran->err);
}

static void assert_status(const struct ran *ran, int status)
{
	if (ran->status != status)
		fail_msg("exit status %d instead of %d; stdout '%s', stderr '%s'", ran->status, status, ran->out, ran->err);
}

static void assert_has(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("no '%s' in '%s'", words, text);
}

static void assert_has_not(const char *text, const char *words)
{
	if (strstr(text, words))
		fail_msg("'%s' in '%s'", words, text);
}

static size_t count_of(const char *text, const char *words)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, words)); at += strlen(words))
		count++;
	return count;
}

static void need_openssl(void)
{
	brood_command *cmd = brood_command_newl("openssl", "version", NULL);
	brood_result *result = NULL;

	brood_command_redirect_null(cmd, BROOD_STDOUT);
	int r = brood_run(cmd, &result);
	brood_command_free(cmd);
	brood_result_free(result);
	skip_unless(r == 0, "openssl is not installed");
}

/* A file of the test's directory with "hello" in it. */
static const char *hello_file(char *path, size_t size, const char *name)
{
	support_path(path, size, name);
	support_write_text(path, "hello\n");
	return path;
}

/*
 * An openssl of ours. It finds the test's directory in $FAKE; what `enc` does is given, and the digest command reads to the end and gives
 * one and the same digest.
 */
static void fake_openssl(brood_command *cmd, const char *enc)
{
	char path[4096], script[2048], search[4200];

	snprintf(script, sizeof(script),
	         "#!/bin/sh\n"
	         "printf '%%s: %%s\\n' \"${BROOD_PASSWORD-nothing}\" \"$*\" >>\"$FAKE/log\"\n"
	         "if [ \"$1\" = enc ]; then %s; exit; fi\n"
	         "cat >/dev/null\n"
	         "echo '0123456789abcdef *stdin'\n", enc);
	support_path(path, sizeof(path), "openssl");
	support_write_text(path, script);
	assert_int_equal(chmod(path, 0700), 0);
	snprintf(search, sizeof(search), "%s:/usr/local/bin:/usr/bin:/bin", support_tempdir());
	brood_command_setenv(cmd, "PATH", search);
	brood_command_setenv(cmd, "FAKE", support_tempdir());
}

/* ---- encrypt-hash: results ---- */

static void test_encrypt_hash_gives_what_openssl_gives_by_hand(void **state)
{
	char file[4096], line[8192];

	(void)state;
	need_openssl();
	hello_file(file, sizeof(file), "hello");

	brood_command *cmd = encrypt_hash();
	brood_command_arg(cmd, file);
	struct ran ran = run(cmd);
	snprintf(line, sizeof(line), HELLO_MD5 "  %s\n", file);
	assert_status(&ran, 0);
	assert_string_equal(ran.out, line);
	assert_has(ran.err, "1 file, 0 failed, ");
	ran_done(&ran);

	cmd = encrypt_hash();
	args(cmd, "-q -c aes-128-cbc --digest sha256");
	brood_command_arg(cmd, file);
	ran = run(cmd);
	snprintf(line, sizeof(line), HELLO_AES128CBC_SHA256 "  %s\n", file);
	assert_status(&ran, 0);
	assert_string_equal(ran.out, line);
	assert_string_equal(ran.err, "");
	ran_done(&ran);
}

static void test_encrypt_hash_reads_standard_input_without_names_and_for_a_dash(void **state)
{
	(void)state;
	need_openssl();
	for (int named = 0; named < 2; named++) {
		brood_command *cmd = encrypt_hash();
		if (named)
			brood_command_arg(cmd, "-");
		brood_command_feed(cmd, "hello\n", 6);
		struct ran ran = run(cmd);
		assert_status(&ran, 0);
		assert_string_equal(ran.out, HELLO_MD5 "  -\n");
		ran_done(&ran);
	}
}

static void test_encrypt_hash_takes_the_password_from_a_descriptor_up_to_a_newline(void **state)
{
	char file[4096], password[4096];

	(void)state;
	need_openssl();
	hello_file(file, sizeof(file), "hello");
	support_path(password, sizeof(password), "password");
	support_write_text(password, "secret\nwhat follows is not read\n");

	brood_command *cmd = example("encrypt-hash");
	brood_command_redirect_path(cmd, 7, password, 0, 0);
	args(cmd, "--password-fd 7");
	brood_command_arg(cmd, file);
	struct ran ran = run(cmd);
	assert_status(&ran, 0);
	assert_has(ran.out, HELLO_MD5);
	ran_done(&ran);
}

static void test_encrypt_hash_makes_a_random_password_and_says_so(void **state)
{
	struct ran ran[2];
	char file[4096];

	(void)state;
	need_openssl();
	hello_file(file, sizeof(file), "hello");
	for (int i = 0; i < 2; i++) {
		brood_command *cmd = example("encrypt-hash");
		brood_command_arg(cmd, file);
		ran[i] = run(cmd);
		assert_status(&ran[i], 0);
		assert_has(ran[i].err, "a random one is used");
	}
	assert_string_not_equal(ran[0].out, ran[1].out);
	ran_done(&ran[0]);
	ran_done(&ran[1]);
}

static void test_encrypt_hash_shows_the_password_to_the_cipher_alone_and_never_in_argv(void **state)
{
	char file[4096], log_path[4096];

	(void)state;
	hello_file(file, sizeof(file), "hello");
	brood_command *cmd = encrypt_hash();
	fake_openssl(cmd, "cat");
	brood_command_setenv(cmd, "BROOD_LOG", "debug");
	brood_command_arg(cmd, file);
	struct ran ran = run(cmd);
	assert_status(&ran, 0);
	assert_has(ran.out, "0123456789abcdef  ");
	assert_has_not(ran.out, "secret");
	assert_has_not(ran.err, "secret");

	char *log = support_read_file(support_path(log_path, sizeof(log_path), "log"), NULL);
	assert_non_null(log);
	assert_has(log, "secret: enc -pbkdf2 -nosalt -pass env:BROOD_PASSWORD -aes-256-ctr\n");
	assert_has(log, "nothing: md5 -r\n");
	assert_int_equal(count_of(log, "secret"), 1);
	free(log);
	ran_done(&ran);
}

static void test_encrypt_hash_writes_json_for_any_file_name(void **state)
{
	char plain[4096], odd[4096], expect[8192];

	(void)state;
	hello_file(plain, sizeof(plain), "plain");
	hello_file(odd, sizeof(odd), "a\"b\\c\nd\xff\xc3\xa9");
	brood_command *cmd = encrypt_hash();
	fake_openssl(cmd, "cat");
	args(cmd, "--json /does/not/exist");
	brood_command_arg(cmd, plain);
	brood_command_arg(cmd, odd);
	struct ran ran = run(cmd);
	assert_status(&ran, 1);
	assert_int_equal(count_of(ran.out, "\n"), 3);
	snprintf(expect, sizeof(expect), "{\"file\":\"%s\",\"digest\":\"0123456789abcdef\",\"ok\":true,\"error\":null,\"seconds\":0.", plain);
	assert_has(ran.out, expect);
	assert_has(ran.out, "/a\\\"b\\\\c\\u000ad\\ufffd\xc3\xa9\",\"digest\":\"0123");
	assert_has(ran.out, "{\"file\":\"/does/not/exist\",\"digest\":null,\"ok\":false,\"error\":\"");
	ran_done(&ran);
}

static void test_encrypt_hash_escapes_a_newline_in_a_name(void **state)
{
	char odd[4096];

	(void)state;
	hello_file(odd, sizeof(odd), "two\nlines");
	brood_command *cmd = encrypt_hash();
	fake_openssl(cmd, "cat");
	brood_command_arg(cmd, odd);
	struct ran ran = run(cmd);
	assert_status(&ran, 0);
	assert_int_equal(count_of(ran.out, "\n"), 1);
	assert_has(ran.out, "\\0123456789abcdef  ");
	assert_has(ran.out, "/two\\nlines\n");
	ran_done(&ran);
}

static void test_encrypt_hash_compares_both_ways_over_many_files(void **state)
{
	char file[4096], name[32];

	(void)state;
	need_openssl();
	brood_command *cmd = example("encrypt-hash");
	args(cmd, "--compare -j 3");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		support_write_text(support_path(file, sizeof(file), name), name);
		brood_command_arg(cmd, file);
	}
	struct ran ran = run(cmd);
	assert_status(&ran, 0);
	assert_int_equal(count_of(ran.out, "\n"), 20);
	assert_has(ran.err, "20 files, 0 failed, ");
	assert_has(ran.err, "one after another ");
	assert_has(ran.err, "side by side (3 at a time) ");
	assert_has(ran.err, " % of the time ");
	assert_has_not(ran.err, "\r");
	ran_done(&ran);
}

static void test_encrypt_hash_is_loud_when_both_ways_differ(void **state)
{
	char file[4096], path[4096];

	(void)state;
	hello_file(file, sizeof(file), "hello");
	brood_command *cmd = encrypt_hash();
	fake_openssl(cmd, "cat");
	/* In its place one that counts, so that each digest is another. */
	support_write_text(support_path(path, sizeof(path), "openssl"),
	                   "#!/bin/sh\n"
	                   "cat >/dev/null\n"
	                   "[ \"$1\" != enc ] || exit 0\n"
	                   "echo x >>\"$FAKE/count\"\n"
	                   "echo \"0123456$(wc -l <\"$FAKE/count\" | tr -d ' ')89abcdef *stdin\"\n");
	args(cmd, "--compare");
	brood_command_arg(cmd, file);
	struct ran ran = run(cmd);
	assert_status(&ran, 1);
	assert_has(ran.err, "NOT THE SAME: side by side 0123456189abcdef, one after another 0123456289abcdef");
	ran_done(&ran);
}

/* ---- encrypt-hash: what goes wrong ---- */

static void test_encrypt_hash_names_the_file_and_the_reason_and_goes_on(void **state)
{
	char file[4096];

	(void)state;
	need_openssl();
	hello_file(file, sizeof(file), "hello");
	brood_command *cmd = encrypt_hash();
	args(cmd, "-j 1 /does/not/exist");
	brood_command_arg(cmd, support_tempdir());
	brood_command_arg(cmd, file);
	struct ran ran = run(cmd);
	assert_status(&ran, 1);
	assert_has(ran.err, "encrypt-hash: /does/not/exist: ");
	assert_has(ran.err, "No such file or directory");
	assert_has(ran.err, "Is a directory");
	assert_has(ran.err, "3 files, 2 failed, ");
	assert_has(ran.out, HELLO_MD5);
	assert_int_equal(count_of(ran.out, "\n"), 1);
	ran_done(&ran);
}

static void test_encrypt_hash_says_that_openssl_is_missing(void **state)
{
	char file[4096];

	(void)state;
	hello_file(file, sizeof(file), "hello");
	brood_command *cmd = encrypt_hash();
	brood_command_setenv(cmd, "PATH", "/does/not/exist");
	brood_command_arg(cmd, file);
	struct ran ran = run(cmd);
	assert_status(&ran, 1);
	assert_has(ran.err, "/hello: ");
	assert_has(ran.err, "exec 'openssl': No such file or directory");
	assert_string_equal(ran.out, "");
	ran_done(&ran);
}

static void test_encrypt_hash_says_which_cipher_or_digest_is_unknown(void **state)
{
	char file[4096];

	(void)state;
	need_openssl();
	hello_file(file, sizeof(file), "hello");
	brood_command *cmd = encrypt_hash();
	args(cmd, "-c rot13");
	brood_command_arg(cmd, file);
	struct ran ran = run(cmd);
	assert_status(&ran, 1);
	assert_has(ran.err, "/hello: stage 1 'openssl': exited 1: ");
	assert_has(ran.err, "rot13");
	ran_done(&ran);

	cmd = encrypt_hash();
	args(cmd, "-d md7");
	brood_command_arg(cmd, file);
	ran = run(cmd);
	assert_status(&ran, 1);
	assert_has(ran.err, "/hello: stage 2 'openssl': exited 1: ");
	assert_has(ran.err, "md7");
	ran_done(&ran);
}

static void test_encrypt_hash_stops_a_file_that_takes_too_long(void **state)
{
	char file[4096];
	int64_t start = support_now_ms();

	(void)state;
	hello_file(file, sizeof(file), "hello");
	brood_command *cmd = encrypt_hash();
	fake_openssl(cmd, "exec sleep 100");
	args(cmd, "-t 0.3s");
	brood_command_arg(cmd, file);
	struct ran ran = run(cmd);
	assert_status(&ran, 1);
	assert_has(ran.err, "/hello: ");
	assert_has(ran.err, "deadline of 300 ms");
	assert_in_range(support_now_ms() - start, 300, 60000);
	ran_done(&ran);
}

static void check_signal(int signal, int status, const char *word)
{
	char file[4096], pid_path[4096];

	hello_file(file, sizeof(file), "hello");
	brood_command *cmd = encrypt_hash();
	fake_openssl(cmd, "echo $$ >\"$FAKE/new\"; mv \"$FAKE/new\" \"$FAKE/pid\"; exec sleep 100");
	args(cmd, "-j 1");
	for (int i = 0; i < 3; i++)
		brood_command_arg(cmd, file);
	brood_command_capture(cmd, BROOD_STDERR, 0);
	brood_process *process = NULL;
	assert_int_equal(brood_start(cmd, &process), 0);
	brood_command_free(cmd);

	pid_t pid = support_read_pidfile(support_path(pid_path, sizeof(pid_path), "pid"));
	assert_int_equal(kill(brood_process_pid(process, 0), signal), 0);
	assert_int_equal(brood_process_wait(process, 60000), 0);

	const brood_result *result = brood_process_result(process);
	assert_int_equal(brood_result_exit_code(result, 0), status);
	assert_has(brood_result_output(result, BROOD_STDERR, NULL), "0 files, 0 failed, ");
	assert_has(brood_result_output(result, BROOD_STDERR, NULL), word);
	assert_true(support_wait_gone(pid, 10000));
	brood_process_free(process);
	unlink(pid_path);
}

static void test_encrypt_hash_stops_everything_at_a_signal(void **state)
{
	(void)state;
	check_signal(SIGINT, 130, "3 not done: interrupted");
	check_signal(SIGTERM, 143, "3 not done: stopped");
}

static void test_encrypt_hash_does_not_lose_a_write_error(void **state)
{
	char file[4096];

	(void)state;
	skip_unless(access("/dev/full", W_OK) == 0, "there is no /dev/full");
	hello_file(file, sizeof(file), "hello");
	brood_command *cmd = encrypt_hash();
	fake_openssl(cmd, "cat");
	args(cmd, "-j 1");
	for (int i = 0; i < 3; i++)
		brood_command_arg(cmd, file);
	brood_command_redirect_path(cmd, BROOD_STDOUT, "/dev/full", O_WRONLY, 0);
	brood_command_capture(cmd, BROOD_STDERR, 0);

	brood_result *result = NULL;
	assert_int_equal(brood_run(cmd, &result), 0);
	brood_command_free(cmd);
	assert_int_equal(brood_result_exit_code(result, 0), 1);
	assert_has(brood_result_output(result, BROOD_STDERR, NULL), "standard output: No space left on device");
	brood_result_free(result);
}

static void test_encrypt_hash_help_fits_a_screen(void **state)
{
	(void)state;
	brood_command *cmd = example("encrypt-hash");
	args(cmd, "--help");
	struct ran ran = run(cmd);
	assert_status(&ran, 0);
	assert_in_range(count_of(ran.out, "\n"), 10, 23);
	for (const char *line = ran.out; *line; line += strcspn(line, "\n") + 1)
		assert_in_range(strcspn(line, "\n"), 0, 79);
	ran_done(&ran);
}

static void test_encrypt_hash_refuses_what_makes_no_sense(void **state)
{
	static const struct { const char *words, *says; } table[] = {
		{ "--no-such-option", "no-such-option" },
		{ "-t 5parsecs x", "5parsecs: not a time" },
		{ "-t -1s x", "-1s: not a time" },
		{ "-j many x", "many: not a number of jobs" },
		{ "-c -out x", "-out: not the name of a cipher" },
		{ "-d a;b x", "a;b: not the name of a digest" },
		{ "--password-fd x", "x: not the number of a descriptor" },
		{ "--password-fd 99 x", "--password-fd 99: Bad file descriptor" },
		{ "--password-fd 0", "standard input is what is to be encrypted" },
		{ "--password-fd 0 x", "the password is empty" },
		{ "- -", "standard input can be read once only" },
		{ "--compare", "reads everything twice" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		brood_command *cmd = example("encrypt-hash");
		args(cmd, table[i].words);
		brood_command_redirect_null(cmd, BROOD_STDIN);
		struct ran ran = run(cmd);
		assert_status(&ran, 2);
		assert_has(ran.err, table[i].says);
		assert_string_equal(ran.out, "");
		ran_done(&ran);
	}

	brood_command *cmd = example("encrypt-hash");
	brood_command_setenv(cmd, "BROOD_PASSWORD", "");
	struct ran ran = run(cmd);
	assert_status(&ran, 2);
	assert_has(ran.err, "BROOD_PASSWORD: the password is empty");
	ran_done(&ran);
}

/* ---- the small ones ---- */

static void test_popen_tour_tells_what_pythons_tour_tells(void **state)
{
	(void)state;
	struct ran ran = run(example("popen-tour"));
	assert_status(&ran, 0);
	assert_has(ran.out, "Hello from the child!\n");
	assert_has(ran.out, "Working... Working..., exit status 0\n");
	assert_has(ran.out, "side by side\n");
	assert_has(ran.out, "DATA FOR THE CHILD\n");
	assert_has(ran.out, "exit status -15");
	assert_string_equal(ran.err, "");
	ran_done(&ran);
}

static struct ran run_lines(const char *ms, const char *line)
{
	brood_command *cmd = example("lines");

	brood_command_arg(cmd, ms);
	brood_command_arg(cmd, line);
	return run(cmd);
}

static void test_lines_numbers_lines_and_keeps_the_last_one(void **state)
{
	(void)state;
	struct ran ran = run_lines("30000", "printf 'one\\ntwo\\nthree' | cat");
	assert_status(&ran, 0);
	assert_string_equal(ran.out, "  1  one\n  2  two\n  3  three\n");
	ran_done(&ran);
}

static void test_lines_stops_a_command_that_falls_silent(void **state)
{
	(void)state;
	struct ran ran = run_lines("500", "sh -c 'echo one; exec sleep 100'");
	assert_status(&ran, 124);
	assert_string_equal(ran.out, "  1  one\n");
	assert_has(ran.err, "nothing for 500 ms");
	ran_done(&ran);
}

static void test_lines_ends_as_a_shell_would(void **state)
{
	static const struct { const char *line; int status; const char *says; } table[] = {
		{ "sh -c 'exit 3'", 3, "exited 3" },
		{ "/does/not/exist", 127, "No such file" },
		{ "/", 126, "Permission denied" },
		{ "echo 'open", 2, "column" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ran ran = run_lines("30000", table[i].line);
		assert_status(&ran, table[i].status);
		assert_has(ran.err, table[i].says);
		ran_done(&ran);
	}
}

static void test_poll_loop_drives_three_chains(void **state)
{
	(void)state;
	struct ran ran = run(example("poll-loop"));
	if (strstr(ran.err, "no descriptor for a chain")) {
		ran_done(&ran);
		support_skip("this engine or poller has no descriptor for an event loop");
	}
	assert_status(&ran, 0);
	assert_has(ran.out, "wc -c: 300000\n");
	assert_has(ran.out, "head -n 1: apple\n");
	assert_has(ran.out, "deadline of 500 ms\n");
	ran_done(&ran);
}

static void test_function_stage_numbers_what_sort_gives_it(void **state)
{
	(void)state;
	brood_command *cmd = example("function-stage");
	args(cmd, "pear apple fig");
	struct ran ran = run(cmd);
	assert_status(&ran, 0);
	assert_string_equal(ran.out, "1. apple\n2. fig\n3. pear\ncounted here: 0\n");
	ran_done(&ran);
}

static void test_broken_stage_tells_three_ends_apart(void **state)
{
	(void)state;
	struct ran ran = run(example("broken-stage"));
	assert_status(&ran, 0);
	assert_has(ran.out, "stage 2: exec 'no-such-program': No such file or directory\n");
	assert_has(ran.out, "because another stage could not be started\n  stage 2: not started\n  stage 3: not started\n");
	assert_has(ran.out, "as a shell says it: 127\n");
	assert_has(ran.out, "as a shell says it: 1\n");
	assert_has(ran.out, "  stage 1: signal 13\n  stage 2: exited 0\n  as a shell says it: 0\n");
	ran_done(&ran);
}

static brood_process *start_follow(const char *file, const char *count)
{
	brood_command *cmd = example("follow");
	brood_process *process = NULL;

	brood_command_arg(cmd, file);
	if (count)
		brood_command_arg(cmd, count);
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	brood_command_capture(cmd, BROOD_STDERR, 0);
	assert_int_equal(brood_start(cmd, &process), 0);
	brood_command_free(cmd);
	return process;
}

static void assert_next_line(brood_process *process, const char *expect)
{
	const char *line;
	size_t size;

	assert_int_equal(brood_process_next_line(process, BROOD_STDOUT, 60000, &line, &size), 1);
	assert_string_equal(line, expect);
}

static void append(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_true(fd >= 0);
	support_write_all(fd, text, strlen(text));
	close(fd);
}

static void test_follow_ends_after_so_many_lines_of_a_growing_file(void **state)
{
	char file[4096];

	(void)state;
	hello_file(file, sizeof(file), "growing");
	brood_process *process = start_follow(file, "2");
	assert_next_line(process, "hello");
	append(file, "again\nnot this one\n");
	assert_next_line(process, "again");
	assert_int_equal(brood_process_wait(process, 60000), 0);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 0);
	brood_process_free(process);
}

static void test_follow_ends_at_ctrl_c_and_takes_its_tail_along(void **state)
{
	char file[4096];

	(void)state;
	hello_file(file, sizeof(file), "growing");
	brood_process *process = start_follow(file, NULL);
	assert_next_line(process, "hello");
	assert_int_equal(kill(brood_process_pid(process, 0), SIGINT), 0);

	/* tail has follow's stderr: as long as it were there, the pipe would count as held. */
	assert_int_equal(brood_process_communicate(process, NULL, 0, 60000), 0);
	assert_int_equal(brood_result_exit_code(brood_process_result(process), 0), 130);
	assert_false(brood_result_held(brood_process_result(process)));
	brood_process_free(process);
}

static void test_follow_says_that_there_is_no_file(void **state)
{
	(void)state;
	brood_command *cmd = example("follow");
	args(cmd, "/does/not/exist 3");
	struct ran ran = run(cmd);
	assert_status(&ran, 1);
	assert_has(ran.err, "/does/not/exist");
	assert_has(ran.err, "follow: stage 1 'tail': exited 1");
	ran_done(&ran);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_encrypt_hash_gives_what_openssl_gives_by_hand),
		brood_test(test_encrypt_hash_reads_standard_input_without_names_and_for_a_dash),
		brood_test(test_encrypt_hash_takes_the_password_from_a_descriptor_up_to_a_newline),
		brood_test(test_encrypt_hash_makes_a_random_password_and_says_so),
		brood_test(test_encrypt_hash_shows_the_password_to_the_cipher_alone_and_never_in_argv),
		brood_test(test_encrypt_hash_writes_json_for_any_file_name),
		brood_test(test_encrypt_hash_escapes_a_newline_in_a_name),
		brood_test(test_encrypt_hash_compares_both_ways_over_many_files),
		brood_test(test_encrypt_hash_is_loud_when_both_ways_differ),
		brood_test(test_encrypt_hash_names_the_file_and_the_reason_and_goes_on),
		brood_test(test_encrypt_hash_says_that_openssl_is_missing),
		brood_test(test_encrypt_hash_says_which_cipher_or_digest_is_unknown),
		brood_test(test_encrypt_hash_stops_a_file_that_takes_too_long),
		brood_test(test_encrypt_hash_stops_everything_at_a_signal),
		brood_test(test_encrypt_hash_does_not_lose_a_write_error),
		brood_test(test_encrypt_hash_help_fits_a_screen),
		brood_test(test_encrypt_hash_refuses_what_makes_no_sense),
		brood_test(test_popen_tour_tells_what_pythons_tour_tells),
		brood_test(test_lines_numbers_lines_and_keeps_the_last_one),
		brood_test(test_lines_stops_a_command_that_falls_silent),
		brood_test(test_lines_ends_as_a_shell_would),
		brood_test(test_poll_loop_drives_three_chains),
		brood_test(test_function_stage_numbers_what_sort_gives_it),
		brood_test(test_broken_stage_tells_three_ends_apart),
		brood_test(test_follow_ends_after_so_many_lines_of_a_growing_file),
		brood_test(test_follow_ends_at_ctrl_c_and_takes_its_tail_along),
		brood_test(test_follow_says_that_there_is_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
