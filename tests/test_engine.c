/* SPDX-License-Identifier: MIT */
/*
 * The ladder of ways to make a child: where it begins, and each step down that a kernel or a container's filter may force,
 * by calls that fail as they would there. What a step down must not cost: the child, its descriptors, its end.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "suites/engines.h"

#define GET_INFO _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, 64)

/* pidfd_send_signal with PIDFD_SIGNAL_PROCESS_GROUP; waitid with P_PIDFD. */
enum { GROUP_FLAG = 4, BY_PIDFD = 3 };

static int succeed(void *data)
{
	(void)data;
	return 0;
}

/* All that matters of a start: output, status, failure, nothing inherited, signals. */
static void everything_works(void)
{
	brood_process *process;
	brood_command *cmd;
	char *text;
	int lines = 0;

	assert_says(brood_pipe(child_does("print", "works"), child_does("upper")), "WORKS");
	assert_exits(child_does("exit", "9"), 9);
	assert_start_fails(brood_command_newl("/nonexistent/program", NULL), -ENOENT, "exec");
	for (int i = 0; i < 3; i++) {
		int fd = fcntl(0, F_DUPFD, 10 + 50 * i);

		cmd = child_does("fds");
		brood_command_redirect_fd(cmd, 2, fd);
		text = said(cmd);
		lines = 0;
		for (const char *at = text; *at; at++)
			lines += *at == '\n';
		assert_int_equal(lines, 3);
		free(text);
		close(fd);
	}
	cmd = brood_pipe(child_does("sleep-forever"), child_does("sleep-forever"));
	brood_command_set_new_group(cmd, true);
	assert_int_equal(brood_start(cmd, &process), 0);
	assert_int_equal(brood_process_wait(process, 0), -ETIMEDOUT);
	assert_true(brood_process_stop(process, SOON_MS) > 0);
	assert_int_equal(brood_result_signal(brood_process_result(process), 1), SIGTERM);
	brood_process_free(process);
	brood_command_free(cmd);
	assert_exits(brood_command_function("f", succeed, NULL), 0);
}

/* ---- where it begins ---- */

static void as_asked(void *data)
{
	static const char *const names[] = { "clone3", "clone", "fork", "posix", "nonsense", "" };
	const int i = *(int *)data;
	const enum engine best = BROOD_LINUX_FAST_PATH ? ENGINE_CLONE3 : ENGINE_POSIX;

	setenv("BROOD_ENGINE", names[i], 1);
	assert_int_equal(engine_now(), BROOD_LINUX_FAST_PATH && i <= ENGINE_POSIX ? (enum engine)i : best);
	unsetenv("BROOD_ENGINE");
	assert_int_equal(engine_now(), BROOD_LINUX_FAST_PATH && i <= ENGINE_POSIX ? (enum engine)i : best);
}

/* The first test: nobody in this process may have asked before. */
static void test_the_environment_says_where_the_ladder_begins(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++)
		support_assert_in_fork(as_asked, &i);
}

static void test_every_engine_starts_signals_and_reaps(void **state)
{
	(void)state;
	on_every_engine(everything_works);
}

/* ---- steps down ---- */

struct denial {
	enum engine from;
	enum engine to;
	long calls[3];
	int error;
	uint64_t clone_flags;
};

static void step_down(void *data)
{
	const struct denial *denial = data;

	engine_set(denial->from);
	for (int i = 0; i < 3 && denial->calls[i]; i++)
		support_deny_syscall(denial->calls[i], denial->error);
	if (denial->clone_flags)
		support_deny_clone_flags(denial->clone_flags, denial->error);
	everything_works();
	assert_int_equal(engine_now(), denial->to);
}

static void assert_steps(enum engine from, enum engine to, long first, long second, uint64_t clone_flags, int error)
{
	struct denial denial = { from, to, { first, second, 0 }, error, clone_flags };

	skip_unless(BROOD_LINUX_FAST_PATH, "the posix build has one engine");
	skip_without_pidfds();
	skip_unless(engine_now() <= from, "this run begins further down");
	support_assert_in_fork(step_down, &denial);
}

static const int not_here[] = { ENOSYS, EPERM, EINVAL, E2BIG };

static void test_without_clone3_it_goes_on_with_clone(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_steps(ENGINE_CLONE3, ENGINE_CLONE, SYS_clone3, 0, 0, not_here[i]);
}

static void test_without_shared_memory_it_goes_on_with_fork(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_steps(ENGINE_CLONE3, ENGINE_FORK, SYS_clone3, 0, CLONE_VM, not_here[i]);
	assert_steps(ENGINE_CLONE3, ENGINE_FORK, SYS_clone3, 0, CLONE_PIDFD, EINVAL);
}

static void test_without_pidfds_it_goes_on_as_on_any_posix_system(void **state)
{
	(void)state;
	assert_steps(ENGINE_CLONE3, ENGINE_POSIX, SYS_clone3, SYS_pidfd_open, CLONE_VM, ENOSYS);
	assert_steps(ENGINE_CLONE3, ENGINE_POSIX, SYS_clone3, SYS_pidfd_open, CLONE_VM, EPERM);
}

static void test_functions_start_without_pidfd_open(void **state)
{
	(void)state;
	assert_steps(ENGINE_CLONE3, ENGINE_CLONE3, SYS_pidfd_open, 0, 0, ENOSYS);
}

static void test_without_close_range_nothing_is_inherited_either(void **state)
{
	(void)state;
	for (int engine = (int)engine_now(); engine <= ENGINE_POSIX; engine++) {
		assert_steps((enum engine)engine, (enum engine)engine, SYS_close_range, 0, 0, ENOSYS);
		assert_steps((enum engine)engine, (enum engine)engine, SYS_close_range, 0, 0, EPERM);
	}
}

static void test_without_pidfd_send_signal_children_are_signalled_by_number(void **state)
{
	(void)state;
	for (int engine = (int)engine_now(); engine <= ENGINE_POSIX; engine++) {
		assert_steps((enum engine)engine, (enum engine)engine, SYS_pidfd_send_signal, 0, 0, ENOSYS);
		assert_steps((enum engine)engine, (enum engine)engine, SYS_pidfd_send_signal, 0, 0, EPERM);
	}
}

static void without_group_signals(void *data)
{
	(void)data;
	support_deny_syscall_when(SYS_pidfd_send_signal, 3, 0xffffffff, GROUP_FLAG, EINVAL);
	everything_works();
}

static void test_without_group_signals_by_pidfd_the_number_is_used_while_it_is_ours(void **state)
{
	(void)state;
	in_fork_on_every_engine(without_group_signals, NULL);
}

static void without_waiting_by_pidfd(void *data)
{
	(void)data;
	support_deny_syscall_when(SYS_waitid, 0, 0xffffffff, BY_PIDFD, EINVAL);
	everything_works();
}

static void test_without_waiting_by_pidfd_children_are_reaped_by_number(void **state)
{
	(void)state;
	in_fork_on_every_engine(without_waiting_by_pidfd, NULL);
}

static void nobody_can_tell(void *data)
{
	brood_result *result;

	(void)data;
	signal(SIGCHLD, SIG_IGN);
	support_deny_ioctl(GET_INFO, ENOTTY);
	result = ran(child_does("exit", "0"));
	assert_int_equal(brood_result_how(result, 0), BROOD_LOST);
	assert_false(brood_result_ok(result));
	brood_result_free(result);
}

static void test_an_end_that_the_kernel_cannot_tell_is_lost_and_no_success(void **state)
{
	(void)state;
	in_fork_on_every_engine(nobody_can_tell, NULL);
}

/* ---- no step down ---- */

static void no_room(void *data)
{
	const enum engine engine = *(enum engine *)data;

	engine_set(engine);
	support_deny_syscall(SYS_clone3, EAGAIN);
	support_deny_syscall(SYS_clone, EAGAIN);
	assert_start_fails(child_does("exit", "0"), -EAGAIN, NULL);
	assert_int_equal(engine_now(), engine);
}

static void test_a_want_of_processes_is_no_reason_to_step_down(void **state)
{
	(void)state;
	skip_unless(BROOD_LINUX_FAST_PATH, "the posix build has one engine");
	skip_under_valgrind();          /* it has no clone3, so that way is left before the kernel is asked */
	for (int engine = (int)engine_now(); engine <= ENGINE_POSIX; engine++)
		support_assert_in_fork(no_room, &engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_the_environment_says_where_the_ladder_begins),
		brood_test(test_every_engine_starts_signals_and_reaps),
		brood_test(test_without_clone3_it_goes_on_with_clone),
		brood_test(test_without_shared_memory_it_goes_on_with_fork),
		brood_test(test_without_pidfds_it_goes_on_as_on_any_posix_system),
		brood_test(test_functions_start_without_pidfd_open),
		brood_test(test_without_close_range_nothing_is_inherited_either),
		brood_test(test_without_pidfd_send_signal_children_are_signalled_by_number),
		brood_test(test_without_group_signals_by_pidfd_the_number_is_used_while_it_is_ours),
		brood_test(test_without_waiting_by_pidfd_children_are_reaped_by_number),
		brood_test(test_an_end_that_the_kernel_cannot_tell_is_lost_and_no_success),
		brood_test(test_a_want_of_processes_is_no_reason_to_step_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
