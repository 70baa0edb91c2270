/* SPDX-License-Identifier: MIT */
/*
 * Numbers that mean somebody else: pids given away again, a host that put its children into another pid namespace, a /proc that numbers
 * processes otherwise than we do.
 *
 * Reuse is forced: in a pid namespace of its own a part asks the kernel for a child with the very number that a reaped one had (clone3's
 * set_tid, Linux 5.5). That stranger leads a group of this number too, counts every signal that it gets, and must have got none.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <brood.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/process.h"
#include "suites/engines.h"
#include "support/running.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

/* ---- a pid namespace ------------------------------------------------------------------------------------------- */

/* From here on children of this part are in another pid namespace; the first one is its init. */
static void leave_for_another_namespace(void)
{
	if (unshare(CLONE_NEWPID) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
		support_skip("no pid namespace can be made here");
}

struct body {
	void (*fn)(void *data);
	void *data;
};

static void be_outside(void *data)
{
	const struct body *body = data;

	leave_for_another_namespace();
	support_assert_in_fork(body->fn, body->data);
}

/* As the init of a pid namespace of its own. */
static void in_a_namespace(void (*fn)(void *data), void *data)
{
	support_assert_in_fork(be_outside, &(struct body){ fn, data });
}

/* ---- a stranger ------------------------------------------------------------------------------------------------ */

struct stranger {
	pid_t pid;
	int ask;
	int answer;
};

static volatile sig_atomic_t signals_seen;

static void count_signal(int number)
{
	(void)number;
	signals_seen++;
}

/* Each byte is answered by the number of signals so far. Who was killed or stopped does not answer. */
static _Noreturn void be_stranger(int ask, int answer)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = SA_RESTART };
	char byte;

	setpgid(0, 0);
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action, NULL);
	while (read(ask, &byte, 1) == 1) {
		byte = (char)signals_seen;
		if (write(answer, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

static pid_t fork_with_pid(pid_t pid)
{
	const int32_t wanted = pid;
	/* struct clone_args of Linux 5.5: exit_signal is the fifth word, set_tid and its size the ninth and tenth. */
	uint64_t args[10] = { [4] = SIGCHLD, [8] = (uintptr_t)&wanted, [9] = 1 };

	return (pid_t)syscall(SYS_clone3, args, sizeof(args));
}

static void stranger_expect(const struct stranger *stranger, int signals)
{
	struct pollfd ready = { .fd = stranger->answer, .events = POLLIN };
	char seen = -1;

	support_write_all(stranger->ask, "?", 1);
	if (poll(&ready, 1, SOON_MS) != 1 || read(stranger->answer, &seen, 1) != 1)
		fail_msg("a stranger was killed or stopped");
	assert_int_equal(seen, signals);
}

/* Somebody else has this pid now, and leads a group of this number. */
static struct stranger stranger_with(pid_t pid)
{
	struct stranger stranger;
	int ask[2], answer[2];

	assert_true(pid > 0);
	assert_int_equal(pipe(ask), 0);
	assert_int_equal(pipe(answer), 0);
	stranger.pid = fork_with_pid(pid);
	if (stranger.pid == 0) {
		close(ask[1]);
		close(answer[0]);
		be_stranger(ask[0], answer[1]);
	}
	close(ask[0]);
	close(answer[1]);
	if (stranger.pid < 0 && (errno == ENOSYS || errno == EINVAL || errno == EPERM || errno == E2BIG))
		support_skip("here nobody can ask for a pid");
	assert_int_equal(stranger.pid, pid);
	stranger.ask = ask[1];
	stranger.answer = answer[0];
	stranger_expect(&stranger, 0);
	assert_int_equal(getpgid(pid), pid);
	return stranger;
}

/* Not by an end of file: strangers that came later hold its pipes too. */
static void stranger_end(struct stranger *stranger)
{
	assert_int_equal(kill(stranger->pid, SIGKILL), 0);
	assert_int_equal(support_reap(stranger->pid), 128 + SIGKILL);
	close(stranger->ask);
	close(stranger->answer);
}

/* A test that cannot fail shows nothing: signals by number do arrive. */
static void stranger_counts(void *data)
{
	pid_t pid = support_host_child("exit", "0", NULL);
	struct stranger stranger;

	(void)data;
	assert_int_equal(support_reap(pid), 0);
	stranger = stranger_with(pid);
	assert_int_equal(kill(pid, SIGTERM), 0);
	stranger_expect(&stranger, 1);
	assert_int_equal(kill(-pid, SIGCONT), 0);
	stranger_expect(&stranger, 2);
	stranger_end(&stranger);
}

static void test_a_pid_is_given_away_again_on_request(void **state)
{
	(void)state;
	in_a_namespace(stranger_counts, NULL);
}

/* ---- pids given away again ------------------------------------------------------------------------------------- */

enum kind { PLAIN, GROUP, SESSION, CHAIN, CHAIN_IN_GROUP, KINDS };

static brood_command *command_of(enum kind kind, const char *verb, const char *value)
{
	brood_command *cmd = child(verb, value);

	if (kind == CHAIN || kind == CHAIN_IN_GROUP)
		cmd = brood_pipe(cmd, child(verb, value));
	brood_command_set_new_group(cmd, kind == GROUP || kind == CHAIN_IN_GROUP);
	brood_command_set_new_session(cmd, kind == SESSION);
	return cmd;
}

static void send_everything(brood_process *process)
{
	static const int signals[] = { SIGUSR1, SIGSTOP, SIGCONT, SIGTERM, SIGKILL };

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		assert_int_equal(brood_process_signal(process, signals[i]), 0);
	assert_int_equal(brood_process_terminate(process), 0);
	assert_int_equal(brood_process_kill(process), 0);
	assert_int_equal(brood_process_signal(process, 0), -ESRCH);
	assert_true(brood_process_stop(process, 20) > 0);
}

static void after_our_own_reaping(void *data)
{
	(void)data;
	for (enum kind kind = PLAIN; kind < KINDS; kind++) {
		brood_process *process = start(command_of(kind, "exit", "3"));
		struct stranger stranger;

		assert_int_equal(brood_process_wait(process, SOON_MS), 0);
		stranger = stranger_with(brood_process_pid(process, 0));
		send_everything(process);
		stranger_expect(&stranger, 0);
		brood_process_free(process);
		stranger_expect(&stranger, 0);
		stranger_end(&stranger);
	}
}

static void on_every_engine_in_a_namespace(void (*fn)(void *data), enum engine last)
{
	static const char *const names[] = { "clone3", "clone", "fork", "posix" };
	const enum engine first = engine_now();

	for (int engine = (int)first; engine <= (int)last; engine++) {
		print_message("          on %s\n", names[engine]);
		engine_set((enum engine)engine);
		in_a_namespace(fn, NULL);
	}
	engine_set(first);
}

static void test_who_has_the_pid_of_a_reaped_child_is_never_signalled(void **state)
{
	(void)state;
	on_every_engine_in_a_namespace(after_our_own_reaping, ENGINE_POSIX);
}

/* The host's waitpid(-1) was faster: the handle has not seen the end yet. */
static void after_the_host_s_reaping(void *data)
{
	(void)data;
	for (enum kind kind = PLAIN; kind < KINDS; kind++) {
		brood_process *process = start(command_of(kind, "exit", "3"));
		struct stranger stranger;

		while (waitpid(-1, NULL, 0) > 0)
			;
		stranger = stranger_with(brood_process_pid(process, 0));
		send_everything(process);
		stranger_expect(&stranger, 0);
		assert_int_equal(brood_process_wait(process, SOON_MS), 0);
		brood_process_free(process);
		stranger_expect(&stranger, 0);
		stranger_end(&stranger);
	}
}

static void test_who_has_the_pid_of_a_stolen_child_is_never_signalled(void **state)
{
	(void)state;
	skip_without_pidfds();
	skip_unless(engine_now() < ENGINE_POSIX, "plain POSIX has only numbers: this promise rests on nobody else's reaping");
	on_every_engine_in_a_namespace(after_the_host_s_reaping, ENGINE_FORK);
}

/* As a kernel before 5.1 or a container's filter has it, pidfds can be had and waited for, but not signalled. */
static void after_the_host_s_reaping_by_number(void *data)
{
	support_deny_syscall(SYS_pidfd_send_signal, ENOSYS);
	after_the_host_s_reaping(data);
}

static void test_where_signals_go_by_number_the_number_is_looked_at_first(void **state)
{
	(void)state;
	skip_without_pidfds();
	skip_unless(engine_now() < ENGINE_POSIX, "plain POSIX has only numbers: this promise rests on nobody else's reaping");
	on_every_engine_in_a_namespace(after_the_host_s_reaping_by_number, ENGINE_FORK);
}

/* The budget is spent, the handle freed, while the stolen child's number is a stranger's. */
static void after_a_budget(void *data)
{
	(void)data;
	for (enum kind kind = PLAIN; kind < KINDS; kind++) {
		brood_command *cmd = command_of(kind, "sleep-forever", NULL);
		struct stranger stranger;
		brood_process *process;

		brood_command_set_timeout_ms(cmd, 30);
		brood_command_set_grace_ms(cmd, 30);
		process = start(cmd);
		for (size_t i = 0; i < brood_process_stages(process); i++)
			assert_int_equal(kill(brood_process_pid(process, i), SIGKILL), 0);
		while (waitpid(-1, NULL, 0) > 0)
			;
		stranger = stranger_with(brood_process_pid(process, 0));
		support_sleep_ms(50);
		assert_int_equal(brood_process_wait(process, SOON_MS), 0);
		brood_process_free(process);
		stranger_expect(&stranger, 0);
		stranger_end(&stranger);
	}
}

static void test_a_budget_that_is_spent_too_late_reaches_no_stranger(void **state)
{
	(void)state;
	skip_without_pidfds();
	skip_unless(engine_now() < ENGINE_POSIX, "plain POSIX has only numbers: this promise rests on nobody else's reaping");
	on_every_engine_in_a_namespace(after_a_budget, ENGINE_FORK);
}

/* One stage is gone and its number a stranger's, the other one runs: it alone is reached. */
static void beside_a_stage_that_runs(void *data)
{
	struct stranger stranger;
	brood_process *process = start(brood_pipe(child("exit", "3"), child("sleep-forever")));

	(void)data;
	while (brood_result_how(brood_process_result(process), 0) == BROOD_RUNNING)
		assert_int_equal(brood_process_wait(process, 1), -ETIMEDOUT);
	stranger = stranger_with(brood_process_pid(process, 0));
	assert_int_equal(brood_process_terminate(process), 0);
	assert_int_equal(brood_process_wait(process, SOON_MS), 0);
	assert_int_equal(brood_result_signal(brood_process_result(process), 1), SIGTERM);
	stranger_expect(&stranger, 0);
	brood_process_free(process);
	stranger_end(&stranger);
}

static void test_a_chain_that_runs_on_is_signalled_without_whoever_has_a_pid_of_it(void **state)
{
	(void)state;
	on_every_engine_in_a_namespace(beside_a_stage_that_runs, ENGINE_POSIX);
}

static void a_batch_of_them(void *data)
{
	enum { COUNT = 4 };
	struct stranger strangers[COUNT];
	brood_batch *batch = brood_batch_new(COUNT + 1);
	brood_command *cmd = child("exit", "0");
	brood_future *future;

	(void)data;
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(brood_batch_submit(batch, cmd, NULL), 0);
	brood_command_free(cmd);
	cmd = child("sleep-forever");
	assert_int_equal(brood_batch_submit(batch, cmd, NULL), 0);
	brood_command_free(cmd);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(brood_batch_next(batch, SOON_MS, &future), 1);
		strangers[i] = stranger_with(brood_result_pid(brood_future_result(future), 0));
		brood_future_cancel(future);
		brood_future_free(future);
	}
	assert_int_equal(brood_batch_signal(batch, SIGUSR1), 0);
	brood_batch_cancel(batch);
	brood_batch_free(batch);
	for (int i = 0; i < COUNT; i++) {
		stranger_expect(&strangers[i], 0);
		stranger_end(&strangers[i]);
	}
}

static void test_a_batch_signals_no_stranger_either(void **state)
{
	(void)state;
	on_every_engine_in_a_namespace(a_batch_of_them, ENGINE_POSIX);
}

/* ---- children in another namespace ------------------------------------------------------------------------------ */

/* The first child is the new namespace's init, and sees no parent at all: getppid() is 0. */
static void start_in_another_and_be_killed(void *pidfile)
{
	brood_command *cmd = child("sleep-forever");
	brood_process *process;
	char number[32];

	leave_for_another_namespace();
	brood_command_set_die_with_parent(cmd, true);
	process = start(cmd);
	assert_int_equal(brood_process_wait(process, 0), -ETIMEDOUT);
	snprintf(number, sizeof number, "%d\n", (int)brood_process_pid(process, 0));
	support_write_text(pidfile, number);
	kill(getpid(), SIGKILL);
	brood_process_free(process);
}

static void dies_with_a_parent_elsewhere(void)
{
	char pidfile[256];
	pid_t pid;

	assert_int_equal(support_in_fork(start_in_another_and_be_killed, support_path(pidfile, sizeof pidfile, "elsewhere")), 128 + SIGKILL);
	pid = support_read_pidfile(pidfile);
	assert_true(support_wait_gone(pid, SOON_MS));
	unlink(pidfile);
}

static void test_children_in_another_namespace_die_with_their_parent(void **state)
{
	(void)state;
	skip_unless(BROOD_LINUX_FAST_PATH, "plain POSIX has no death with the parent");
	on_every_engine(dies_with_a_parent_elsewhere);
}

/* They are an init each: it takes SIGKILL to end one, and the chain is stopped and reaped as ever. */
static void stop_in_another(void *data)
{
	brood_command *cmd = child("sleep-forever");
	brood_process *process;

	(void)data;
	leave_for_another_namespace();
	brood_command_set_new_group(cmd, true);
	process = start(cmd);
	assert_int_equal(brood_process_stop(process, 20), BROOD_STOPPED_GROUP);
	assert_int_equal(brood_result_signal(brood_process_result(process), 0), SIGKILL);
	brood_process_free(process);
}

static void test_children_in_another_namespace_are_stopped_and_reaped(void **state)
{
	(void)state;
	in_fork_on_every_engine(stop_in_another, NULL);
}

/* ---- a /proc of another namespace ------------------------------------------------------------------------------- */

/* /proc is still the one that was mounted outside: it shows the holder under another number, which here may be anybody's. */
static void hold_where_proc_is_foreign(void *data)
{
	char pidfile[256];
	brood_command *cmd;
	brood_result *result;
	size_t count;
	pid_t holder;

	(void)data;
	cmd = child("hold-pipe-in-grandchild", "600000", support_path(pidfile, sizeof pidfile, "held"));
	brood_command_capture(cmd, 1, 0);
	brood_command_set_linger_ms(cmd, 0);
	result = run(cmd);
	assert_true(brood_result_held(result));
	assert_null(brood_result_holders(result, &count));
	assert_int_equal(count, 0);
	brood_result_free(result);
	holder = support_read_pidfile(pidfile);
	assert_int_equal(kill(holder, SIGKILL), 0);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
	unlink(pidfile);
}

static void test_where_proc_has_other_numbers_no_holder_is_named(void **state)
{
	(void)state;
	in_a_namespace(hold_where_proc_is_foreign, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_pid_is_given_away_again_on_request),
		brood_test(test_who_has_the_pid_of_a_reaped_child_is_never_signalled),
		brood_test(test_who_has_the_pid_of_a_stolen_child_is_never_signalled),
		brood_test(test_where_signals_go_by_number_the_number_is_looked_at_first),
		brood_test(test_a_budget_that_is_spent_too_late_reaches_no_stranger),
		brood_test(test_a_chain_that_runs_on_is_signalled_without_whoever_has_a_pid_of_it),
		brood_test(test_a_batch_signals_no_stranger_either),
		brood_test(test_children_in_another_namespace_die_with_their_parent),
		brood_test(test_children_in_another_namespace_are_stopped_and_reaped),
		brood_test(test_where_proc_has_other_numbers_no_holder_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
