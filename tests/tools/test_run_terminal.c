/* SPDX-License-Identifier: MIT */
/* `brood run` in a terminal: who has the foreground, what the keys do, and what is left when it ends. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "tools/command.h"

#include <sys/ioctl.h>
#include <termios.h>

#include "support/pty.h"

#define in_terminal(pty, ...) pty_exec(pty, (const char *const[]){ command_path(), "run", __VA_ARGS__, NULL })

static void end_with(struct pty *pty, int status)
{
	const int ended = pty_end(pty);

	if (ended != status)
		fail_msg("ended with %d and not with %d; the terminal showed:\n%s", ended, status, pty->text);
	pty_free(pty);
}

static void test_a_chain_has_the_terminal_and_reads_from_it(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	in_terminal(&pty, C, "tty-foreground", "ready", "head", "1", "exit", "4");
	pty_expect(&pty, "yes\r\nready\r\n");
	assert_int_not_equal(pty_foreground(&pty), pty.job);
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "hello\r\nhello\r\n");
	end_with(&pty, 4);
}

static void test_a_limit_passes_output_through_a_terminal_too(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	in_terminal(&pty, "--limit-output", "100K", C, "lines", "3", "err", "last");
	pty_expect(&pty, "line 1\r\nline 2\r\nline 3\r\nlast");
	end_with(&pty, 0);
}

/* A script that would go on if its command had not died of the key: the outer child exits with what the inner one did only when it is not killed. */
static void ctrl_key(const char *key, int signal)
{
	struct pty pty;

	pty_open(&pty);
	pty_exec(&pty, (const char *const[]){ C, "trap", signal == SIGINT ? "INT" : "QUIT", "the script saw it", "fork-then", "exec",
	                                      command_path(), "run", C, "ready", "sleep-forever", NULL });
	pty_expect(&pty, "ready\r\n");
	pty_type(&pty, key);
	pty_expect(&pty, "the script saw it");
	end_with(&pty, 128 + signal);
}

static void test_ctrl_c_ends_the_chain_us_and_reaches_a_script_around_us(void **state)
{
	(void)state;
	ctrl_key(PTY_INTERRUPT, SIGINT);
	ctrl_key(PTY_QUIT, SIGQUIT);
}

static void test_ctrl_c_that_the_chain_survives_is_the_chain_s_own(void **state)
{
	struct pty pty;
	char file[4096];

	(void)state;
	pty_open(&pty);
	support_path(file, sizeof file, "go");
	in_terminal(&pty, C, "trap", "INT", "not yet", "ready", "wait-for-file", file, "exit", "5");
	pty_expect(&pty, "ready\r\n");
	pty_type(&pty, PTY_INTERRUPT);
	pty_expect(&pty, "not yet");
	support_write_text(file, "");
	end_with(&pty, 5);
}

static void test_ctrl_z_stops_both_and_fg_lets_both_go_on(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	in_terminal(&pty, C, "ready", "qa", "|", C, "upper");
	pty_expect(&pty, "READY\r\n");
	/* A key that is typed before the chain goes on is lost, as with any shell: the answer tells that it does. */
	for (int i = 0; i < 3; i++) {
		pty_type(&pty, PTY_SUSPEND);
		assert_int_equal(pty_expect_stop(&pty), SIGTSTP);
		pty_continue(&pty, 1);
		pty_type(&pty, "question 1\n");
		pty_expect(&pty, "ANSWER 1\r\n");
	}
	pty_type(&pty, PTY_END_OF_FILE);
	end_with(&pty, 0);
}

static void test_in_the_background_a_chain_that_reads_stops_us_and_fg_gives_it_the_terminal(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	in_terminal(&pty, C, "ready", "head", "1", "tty-foreground");
	pty_expect(&pty, "ready\r\n");
	pty_type(&pty, PTY_SUSPEND);
	assert_int_equal(pty_expect_stop(&pty), SIGTSTP);
	pty_continue(&pty, 0);
	assert_int_equal(pty_expect_stop(&pty), SIGTTIN);
	pty_continue(&pty, 1);
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "hello\r\nhello\r\nyes\r\n");
	end_with(&pty, 0);
}

static void test_in_the_background_a_chain_runs_to_its_end(void **state)
{
	struct pty pty;
	char file[4096];

	(void)state;
	pty_open(&pty);
	support_path(file, sizeof file, "go");
	in_terminal(&pty, C, "ready", "wait-for-file", file, "tty-foreground", "exit", "3");
	pty_expect(&pty, "ready\r\n");
	pty_type(&pty, PTY_SUSPEND);
	assert_int_equal(pty_expect_stop(&pty), SIGTSTP);
	pty_continue(&pty, 0);
	support_write_text(file, "");
	pty_expect(&pty, "no\r\n");
	end_with(&pty, 3);
}

static void test_sigtstp_that_is_sent_to_us_stops_both(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	in_terminal(&pty, C, "ready", "head", "1");
	pty_expect(&pty, "ready\r\n");
	kill(pty.job, SIGTSTP);
	assert_int_equal(pty_expect_stop(&pty), SIGTSTP);
	pty_continue(&pty, 1);
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "hello\r\nhello\r\n");
	end_with(&pty, 0);
}

static void test_after_sigstop_to_us_the_chain_gets_the_terminal_back_with_us(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	in_terminal(&pty, C, "ready", "head", "1");
	pty_expect(&pty, "ready\r\n");
	kill(pty.job, SIGSTOP);
	assert_int_equal(pty_expect_stop(&pty), SIGSTOP);
	pty_continue(&pty, 1);
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "hello\r\nhello\r\n");
	end_with(&pty, 0);
}

/* ---- what is left ---- */

/* This program, as a full-screen one that is killed: no echo, no lines. */
static int be_raw(void)
{
	struct termios modes;

	tcgetattr(0, &modes);
	modes.c_lflag &= (tcflag_t)~(ECHO | ICANON | ISIG);
	if (tcsetattr(0, TCSANOW, &modes) < 0 || write(1, "it is raw", 9) < 0)
		return 1;
	for (;;)
		pause();
}

static tcflag_t modes_of(const struct pty *pty)
{
	struct termios modes;

	assert_int_equal(tcgetattr(pty->slave, &modes), 0);
	return modes.c_lflag;
}

static void raw_child(struct pty *pty, const char *option, const char *value)
{
	char itself[4096];
	ssize_t n = readlink("/proc/self/exe", itself, sizeof itself - 1);

	skip_unless(n > 0, "/proc does not say which program this is");
	itself[n] = '\0';
	in_terminal(pty, option, value, "--", itself, "be-raw");
}

/* True when the deadline found it raw. */
static bool killed_when_raw(const char *deadline)
{
	struct pty pty;
	tcflag_t before;
	bool was_raw;

	pty_open(&pty);
	before = modes_of(&pty);
	raw_child(&pty, "-t", deadline);
	assert_int_equal(pty_end(&pty), 124);
	assert_int_equal(modes_of(&pty), before);
	was_raw = strstr(pty.text, "it is raw") != NULL;
	pty_free(&pty);
	return was_raw;
}

static void test_the_modes_of_a_killed_program_are_set_back(void **state)
{
	(void)state;
	/* A start that is too slow for one deadline has time before the next. */
	assert_true(killed_when_raw("300ms") || killed_when_raw("3s") || killed_when_raw("20s"));
}

static void test_the_modes_of_a_stopped_program_come_back_with_it(void **state)
{
	struct pty pty;
	tcflag_t before, raw;

	(void)state;
	pty_open(&pty);
	before = modes_of(&pty);
	raw_child(&pty, "-t", "0");
	pty_expect(&pty, "it is raw");
	raw = modes_of(&pty);
	assert_int_not_equal(raw, before);
	kill(pty.job, SIGTSTP);
	assert_int_equal(pty_expect_stop(&pty), SIGTSTP);
	assert_int_equal(modes_of(&pty), before);
	pty_continue(&pty, 1);
	while (modes_of(&pty) != raw)
		support_sleep_ms(5);
	kill(pty.job, SIGTERM);
	assert_int_equal(pty_end(&pty), 128 + SIGTERM);
	assert_int_equal(modes_of(&pty), before);
	pty_free(&pty);
}

static void test_a_chain_that_cannot_be_started_leaves_the_terminal_ours(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	/* Whoever comes next in the same script reads from it. */
	pty_exec(&pty, (const char *const[]){ "/bin/sh", "-c", "\"$0\" run no-such-program; \"$0\" run \"$1\" exit 0 '|' /no/such; \"$1\" ready head 1",
	                                      command_path(), C, NULL });
	pty_expect(&pty, "ready\r\n");
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "hello\r\nhello\r\n");
	end_with(&pty, 0);
}

/* ---- others around us ---- */

static void test_two_of_us_in_one_job_hand_the_terminal_to_the_one_that_reads(void **state)
{
	struct pty pty;

	(void)state;
	skip_unless(access("/proc/self/stat", R_OK) == 0, "there is no /proc");
	pty_open(&pty);
	/* The second one's chain reads standard error, which is the terminal. */
	pty_exec(&pty, (const char *const[]){ "/bin/sh", "-c", "\"$0\" run \"$1\" sleep 300 print x | \"$0\" run -- /bin/sh -c '\"$0\" ready; read -r line <&2; echo \"got $line\"' \"$1\"",
	                                      command_path(), C, NULL });
	pty_expect(&pty, "ready\r\n");
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "got hello\r\n");
	end_with(&pty, 0);
}

static void in_a_script(struct pty *pty, const char *script)
{
	char go[4096], done[4096];

	pty_exec(pty, (const char *const[]){ "/bin/sh", "-c", script, command_path(), C, support_path(go, sizeof go, "go"),
	                                     support_path(done, sizeof done, "done"), NULL });
}

static void test_a_reader_behind_us_in_a_pipeline_has_the_terminal(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	/* A pager, which reads keys once there is something to show. */
	in_a_script(&pty, "\"$0\" run \"$1\" ready wait-for-file \"$2\" |"
	                  " { read -r first; echo \"first: $first\" >&2; read -r line <&2; echo \"got $line\" >&2; : >\"$2\"; }");
	pty_expect(&pty, "first: ready\r\n");
	assert_int_equal(pty_foreground(&pty), pty.job);
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "got hello\r\n");
	end_with(&pty, 0);
}

static void test_a_reader_before_us_in_a_pipeline_has_the_terminal(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	/* As sudo asks for a password when the rest is running already. */
	in_a_script(&pty, "{ \"$1\" wait-for-file \"$2\"; read -r line <&2; echo \"got $line\"; } | \"$0\" run \"$1\" tty-foreground touch \"$2\" head 1");
	pty_expect(&pty, "no\r\n");
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "got hello\r\n");
	end_with(&pty, 0);
}

static void test_in_a_pipeline_the_chain_gets_the_terminal_when_it_reads(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	in_a_script(&pty, "\"$0\" run \"$1\" ready head 1 | { read -r first; echo \"first: $first\" >&2; read -r next; echo \"next: $next\" >&2; }");
	pty_expect(&pty, "first: ready\r\n");
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "next: hello\r\n");
	end_with(&pty, 0);
}

static void test_where_reaching_for_the_terminal_stops_nobody_the_chain_has_it_at_once(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	in_a_script(&pty, "trap '' TTIN TTOU TSTP; \"$1\" ready; x=$(\"$0\" run \"$1\" head 1); echo \"got $x\"");
	pty_expect(&pty, "ready\r\n");
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "got hello\r\n");
	end_with(&pty, 0);
}

static void test_another_one_of_our_group_that_reads_gets_the_terminal_that_the_chain_has(void **state)
{
	struct pty pty;

	(void)state;
	pty_open(&pty);
	/* The shell becomes brood: were it one that waits, it would be stopped with its group, and told so. */
	in_a_script(&pty, "{ \"$1\" wait-for-file \"$2\"; read -r line <&2; echo \"got $line\" >&2; : >\"$3\"; } &"
	                  " exec \"$0\" run \"$1\" tty-foreground touch \"$2\" wait-for-file \"$3\"");
	pty_expect(&pty, "yes\r\n");
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "got hello\r\n");
	end_with(&pty, 0);
}

/* We lead the session: no shell could continue us. */
static pid_t as_leader(struct pty *pty, const char *const *argv)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (setsid() < 0 || ioctl(pty->slave, TIOCSCTTY, 0) < 0)
			_exit(96);
		for (int i = 0; i < 3; i++)
			dup2(pty->slave, i);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(95);
	}
	return pid;
}

static void test_ctrl_z_does_nothing_where_nobody_could_continue_us(void **state)
{
	struct pty pty;
	pid_t pid;

	(void)state;
	pty_open(&pty);
	pid = as_leader(&pty, (const char *const[]){ command_path(), "run", C, "ready", "head", "1", "exit", "6", NULL });
	pty_expect(&pty, "ready\r\n");
	pty_type(&pty, PTY_SUSPEND);
	pty_expect(&pty, "^Z");
	pty_type(&pty, "hello\n");
	pty_expect(&pty, "hello\r\nhello\r\n");
	assert_int_equal(support_reap(pid), 6);
	pty_free(&pty);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_chain_has_the_terminal_and_reads_from_it),
		brood_test(test_a_limit_passes_output_through_a_terminal_too),
		brood_test(test_ctrl_c_ends_the_chain_us_and_reaches_a_script_around_us),
		brood_test(test_ctrl_c_that_the_chain_survives_is_the_chain_s_own),
		brood_test(test_ctrl_z_stops_both_and_fg_lets_both_go_on),
		brood_test(test_in_the_background_a_chain_that_reads_stops_us_and_fg_gives_it_the_terminal),
		brood_test(test_in_the_background_a_chain_runs_to_its_end),
		brood_test(test_sigtstp_that_is_sent_to_us_stops_both),
		brood_test(test_after_sigstop_to_us_the_chain_gets_the_terminal_back_with_us),
		brood_test(test_the_modes_of_a_killed_program_are_set_back),
		brood_test(test_the_modes_of_a_stopped_program_come_back_with_it),
		brood_test(test_a_chain_that_cannot_be_started_leaves_the_terminal_ours),
		brood_test(test_two_of_us_in_one_job_hand_the_terminal_to_the_one_that_reads),
		brood_test(test_a_reader_behind_us_in_a_pipeline_has_the_terminal),
		brood_test(test_a_reader_before_us_in_a_pipeline_has_the_terminal),
		brood_test(test_in_a_pipeline_the_chain_gets_the_terminal_when_it_reads),
		brood_test(test_where_reaching_for_the_terminal_stops_nobody_the_chain_has_it_at_once),
		brood_test(test_another_one_of_our_group_that_reads_gets_the_terminal_that_the_chain_has),
		brood_test(test_ctrl_z_does_nothing_where_nobody_could_continue_us),
	};

	if (argc > 1 && strcmp(argv[1], "be-raw") == 0)
		return be_raw();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
