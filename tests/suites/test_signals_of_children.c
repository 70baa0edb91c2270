/* SPDX-License-Identifier: MIT */
/*
 * Signals on both sides of a start: every child begins with an empty mask and default dispositions whatever the host does,
 * and the host's mask, handlers and pending signals are afterwards as before.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "suites/engines.h"

#include "spawn/signals.h"

/* libc refuses its own two, and a hostile host does not ask libc. */
static void set_raw(int signal, uintptr_t handler)
{
	struct {
		uintptr_t word[8];
	} action = { { handler } };

	syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof(uint64_t));
}

static int64_t field_of_child(brood_command *cmd_take, const char *name)
{
	char *text = said(cmd_take);
	int64_t value = support_field(text, name, 16);

	free(text);
	return value;
}

/*
 * What the child ignores. The plain POSIX build resets by libc, which refuses to touch its own two signals; make and whatever else starts programs by
 * glibc's posix_spawn leaves those ignored.
 */
static uint64_t ignored_by(brood_command *cmd_take)
{
	const uint64_t beyond = BROOD_LINUX_FAST_PATH ? 0 : signals_of_libc();

	return (uint64_t)field_of_child(cmd_take, "ignored") & ~beyond;
}

/* ---- 42, 43: what the host blocks and ignores ---- */

static void blocked_and_ignored(void *data)
{
	sigset_t all;

	(void)data;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGTERM, SIG_IGN);
	assert_dies_of(child_does("exec", "/bin/sh", "-c", "kill -TERM $$; exit 7"), SIGTERM);
	assert_int_equal(field_of_child(child_does("signals"), "blocked"), 0);
	signal(SIGTERM, SIG_DFL);
	assert_dies_of(child_does("exec", "/bin/sh", "-c", "kill -TERM $$; exit 7"), SIGTERM);
}

static void test_a_child_dies_of_sigterm_though_the_host_blocks_and_ignores_it(void **state)
{
	(void)state;
	in_fork_on_every_engine(blocked_and_ignored, NULL);
}

static void all_ignored(void *data)
{
	brood_command *cmd;

	(void)data;
	/* Not SIGCHLD here: it has a test of its own. Those that libc keeps cannot be put back through libc. */
	for (int signal = 1; signal <= SIGNAL_MAX; signal++)
		if (signal != SIGCHLD && (BROOD_LINUX_FAST_PATH || signal < 32 || signal >= SIGRTMIN))
			set_raw(signal, (uintptr_t)SIG_IGN);
	assert_int_equal(ignored_by(child_does("signals")), 0);

	cmd = child_does("signals");
	brood_command_keep_ignored(cmd, SIGHUP);
	brood_command_keep_ignored(cmd, SIGPIPE);
	brood_command_keep_ignored(cmd, SIGRTMAX);
	assert_int_equal(ignored_by(cmd),
	                 (1ULL << (SIGHUP - 1) | 1ULL << (SIGPIPE - 1) | 1ULL << (SIGRTMAX - 1)));
}

static void all_kept(void *data)
{
	brood_command *cmd = child_does("signals");
	const uint64_t ours = 1ULL << (SIGHUP - 1) | 1ULL << (SIGPIPE - 1) | 1ULL << (SIGRTMAX - 1);

	(void)data;
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGRTMAX, SIG_IGN);
	signal(SIGUSR1, SIG_DFL);
	brood_command_keep_ignored(cmd, 0);
	/* Whatever else this process was started with, those that libc keeps among them. */
	assert_int_equal(ignored_by(cmd) & (ours | 1ULL << (SIGUSR1 - 1)), ours);
}

static void test_all_that_the_host_ignores_can_be_kept(void **state)
{
	(void)state;
	skip_under_valgrind();          /* as above */
	in_fork_on_every_engine(all_kept, NULL);
}

static void test_every_signal_that_the_host_ignores_is_at_its_default(void **state)
{
	(void)state;
	skip_under_valgrind();          /* what is ignored is so in its own tables; to the kernel it is handled */
	in_fork_on_every_engine(all_ignored, NULL);
}

static void nothing_to_keep(void *data)
{
	brood_command *cmd = child_does("signals");

	(void)data;
	signal(SIGUSR1, SIG_DFL);
	brood_command_keep_ignored(cmd, SIGUSR1);
	assert_int_equal(ignored_by(cmd), 0);
}

static void test_a_signal_to_keep_that_the_host_does_not_ignore_is_not_ignored(void **state)
{
	(void)state;
	in_fork_on_every_engine(nothing_to_keep, NULL);
}

static void sigchld_ignored(void *data)
{
	(void)data;
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(ignored_by(child_does("signals")), 0);
	assert_start_fails(brood_command_newl("/nonexistent/program", NULL), -ENOENT, "exec");
}

static void a_group_of_which_the_first_is_gone(void *data)
{
	brood_command *cmd;

	(void)data;
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 20; i++) {
		cmd = brood_pipe(child_does("exit", "0"), brood_pipe(child_does("exit", "0"), child_does("print", "last")));
		brood_command_set_new_group(cmd, true);
		brood_command_capture(cmd, BROOD_STDOUT, 0);
		{
			brood_result *result = ran(cmd);

			assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), "last");
			brood_result_free(result);
		}
	}
}

static void a_status_that_the_kernel_tells(void *data)
{
	brood_result *result;

	(void)data;
	signal(SIGCHLD, SIG_IGN);
	result = ran(child_does("exit", "0"));
	assert_true(brood_result_how(result, 0) == BROOD_LOST || brood_result_ok(result));
	brood_result_free(result);
}

static void test_a_host_that_ignores_sigchld_starts_children_and_fails_to_as_ever(void **state)
{
	(void)state;
	skip_under_valgrind();          /* it has no pidfd that would tell */
	in_fork_on_every_engine(a_status_that_the_kernel_tells, NULL);
	skip_unless(engine_now() < ENGINE_POSIX && BROOD_LINUX_FAST_PATH, "the posix engine loses the status of such a child");
	engine_set(ENGINE_CLONE3);
	support_assert_in_fork(sigchld_ignored, NULL);
	engine_set(ENGINE_FORK);
	support_assert_in_fork(sigchld_ignored, NULL);
}

static void test_a_chain_in_a_group_starts_though_its_first_stage_is_gone_already(void **state)
{
	(void)state;
	in_fork_on_every_engine(a_group_of_which_the_first_is_gone, NULL);
}

/* ---- 44, 47: the host's own ---- */

static _Atomic pid_t handled_elsewhere;
static pid_t host;
static atomic_int handled;

static void handler(int signal)
{
	(void)signal;
	if (getpid() != host)
		atomic_store(&handled_elsewhere, getpid());
	else
		atomic_fetch_add(&handled, 1);
}

static void host_s_state(void *data)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_NODEFER };
	struct host_state before;
	sigset_t mask, pending;

	(void)data;
	host = getpid();
	sigaction(SIGCHLD, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	raise(SIGUSR1);
	host_snapshot(&before);

	assert_exits(child_does("exit", "3"), 3);
	assert_says(brood_pipe(child_does("flood", "1M"), child_does("count")), "1048576\n");
	assert_int_equal(field_of_child(child_does("signals"), "pending"), 0);
	assert_start_fails(brood_command_newl("/nonexistent/program", NULL), -ENOENT, NULL);
	assert_start_fails(brood_command_newl("", NULL), -EINVAL, NULL);

	sigpending(&pending);
	assert_true(sigismember(&pending, SIGUSR1));
	host_assert_unchanged(&before);
	host_state_done(&before);
	/* The host's own handler for SIGCHLD goes on being told. */
	assert_true(atomic_load(&handled) > 0);
}

static void test_mask_handlers_and_pending_signals_of_the_host_stay(void **state)
{
	(void)state;
	in_fork_on_every_engine(host_s_state, NULL);
}

static void *send_to_all(void *stop)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (!atomic_load((atomic_int *)stop)) {
		kill(0, SIGUSR1);
		kill(0, SIGURG);
		support_sleep_ms(1);
	}
	return NULL;
}

/* A function stage shows its memory by its exit code. */
static int who_handled(void *data)
{
	(void)data;
	support_sleep_ms(5);
	return atomic_load(&handled_elsewhere) ? 1 : 0;
}

/* The whole group gets the signals: the child, too, between its start and its exec. SIGURG is harmless there, SIGUSR1 kills. */
static void storm_over_the_group(void *data)
{
	struct sigaction action = { .sa_handler = handler };
	atomic_int stop = 0;
	pthread_t thread;

	(void)data;
	host = getpid();
	assert_int_equal(setpgid(0, 0), 0);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGURG, &action, NULL);
	assert_int_equal(pthread_create(&thread, NULL, send_to_all, &stop), 0);
	while (atomic_load(&handled) == 0)
		support_sleep_ms(1);
	for (int i = 0; i < 300; i++) {
		brood_command *cmd = i % 3 == 2 ? brood_command_function("f", who_handled, NULL) : child_does("exit", "0");
		brood_result *result = ran(cmd);

		if (brood_result_how(result, 0) == BROOD_EXITED)
			assert_int_equal(brood_result_exit_code(result, 0), 0);
		else
			assert_int_equal(brood_result_signal(result, 0), SIGUSR1);
		brood_result_free(result);
	}
	atomic_store(&stop, 1);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&handled_elsewhere), 0);
	assert_true(atomic_load(&handled) > 0);
}

static void test_the_host_s_handler_never_runs_inside_a_child(void **state)
{
	(void)state;
	in_fork_on_every_engine(storm_over_the_group, NULL);
}

/* ---- 45: a dead reader ---- */

static void write_to_the_dead(void)
{
	static char bytes[1 << 20];
	struct host_state before;
	brood_process *process;
	brood_command *cmd = child_does("close", "0", "ready", "sleep-forever");
	const char *line;
	size_t size;

	host_snapshot(&before);
	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	brood_command_set_grace_ms(cmd, 0);
	assert_int_equal(brood_start(cmd, &process), 0);
	assert_int_equal(brood_process_next_line(process, 1, SOON_MS, &line, &size), 1);
	assert_int_equal(brood_process_write(process, bytes, sizeof bytes, SOON_MS, NULL), -EPIPE);
	brood_process_free(process);
	brood_command_free(cmd);

	cmd = child_does("exit", "0");
	brood_command_feed(cmd, bytes, sizeof bytes);
	assert_exits(cmd, 0);
	host_assert_unchanged(&before);
	host_state_done(&before);
}

static void write_to_the_dead_without_nosignal(void *data)
{
	(void)data;
	support_deny_syscall(SYS_pwritev2, EOPNOTSUPP);
	write_to_the_dead();
	/* One of the host's own that waits already is not taken away. */
	{
		sigset_t pipe_set, pending;

		sigemptyset(&pipe_set);
		sigaddset(&pipe_set, SIGPIPE);
		sigprocmask(SIG_BLOCK, &pipe_set, NULL);
		raise(SIGPIPE);
		write_to_the_dead();
		sigpending(&pending);
		assert_true(sigismember(&pending, SIGPIPE));
	}
}

static void test_writing_to_a_dead_child_leaves_no_sigpipe(void **state)
{
	(void)state;
	on_every_engine(write_to_the_dead);
	in_fork_on_every_engine(write_to_the_dead_without_nosignal, NULL);
}

/* ---- 46: interrupted calls ---- */

static void in_a_storm(void)
{
	support_storm_start(SIGUSR1, 150);
	for (int i = 0; i < 15; i++) {
		brood_command *cmd;

		assert_says(brood_pipe(child_does("flood", "1M"), child_does("count")), "1048576\n");
		cmd = child_does("checksum");
		brood_command_feed(cmd, "storm", 5);
		free(said(cmd));
		assert_exits(child_does("sleep", "5", "exit", "4"), 4);
		assert_exits(brood_command_function("f", who_handled, NULL), 0);
		assert_start_fails(brood_command_newl("/nonexistent/program", NULL), -ENOENT, NULL);
	}
	assert_true(support_storm_stop() > 0);
}

static void test_a_storm_of_signals_shortens_nothing(void **state)
{
	(void)state;
	on_every_engine(in_a_storm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_child_dies_of_sigterm_though_the_host_blocks_and_ignores_it),
		brood_test(test_every_signal_that_the_host_ignores_is_at_its_default),
		brood_test(test_all_that_the_host_ignores_can_be_kept),
		brood_test(test_a_signal_to_keep_that_the_host_does_not_ignore_is_not_ignored),
		brood_test(test_a_host_that_ignores_sigchld_starts_children_and_fails_to_as_ever),
		brood_test(test_a_chain_in_a_group_starts_though_its_first_stage_is_gone_already),
		brood_test(test_mask_handlers_and_pending_signals_of_the_host_stay),
		brood_test(test_the_host_s_handler_never_runs_inside_a_child),
		brood_test(test_writing_to_a_dead_child_leaves_no_sigpipe),
		brood_test(test_a_storm_of_signals_shortens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
