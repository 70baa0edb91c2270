/* SPDX-License-Identifier: MIT */
/*
 * examples/encrypt-hash, run as its users run it: that its digests are openssl's, what it says when something is wrong, that a
 * signal stops everything and nobody else sees the password. Some tests put an `openssl` of their own in front of the PATH: a
 * script that sleeps, or writes down what it was given.
 */
#include <brood.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites/examples.h"
#include "support/support.h"

/* What `openssl enc -aes-256-ctr -pbkdf2 -nosalt` with the password "secret" makes of "hello\n", hashed; and with the other two names. */
#define HELLO_MD5 "4a7fdc950a16156399951337ded00b44"
#define HELLO_AES128CBC_SHA256 "dfa58e7c051ce86b4ec512a29c66fb1cd007a5e92e2051ebb1c9027919b3311e"

/* encrypt-hash with the password "secret". */
static brood_command *encrypt_hash(void)
{
	brood_command *cmd = example("encrypt-hash");

	brood_command_setenv(cmd, "BROOD_PASSWORD", "secret");
	return cmd;
}

static void assert_has_not(const char *text, const char *words)
{
	if (strstr(text, words))
		fail_msg("'%s' in '%s'", words, text);
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

/* ---- results ---- */

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
	snprintf(expect, sizeof(expect), "{\"file\":\"%s\",\"digest\":\"0123456789abcdef\",\"ok\":true,\"error\":null,\"seconds\":", plain);
	assert_has(ran.out, expect);
	assert_true(strtod(strstr(ran.out, expect) + strlen(expect), NULL) > 0);
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

/* ---- what goes wrong ---- */

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
