/* SPDX-License-Identifier: MIT */
/*
 * Children with memory of their own: the go-ahead, the report, what the child has of the host's, and what goes wrong while it
 * waits.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "suites/engines.h"

#include "base/fd.h"

static struct plan *plan_of(const brood_command *cmd)
{
	struct plan_input input = {
		.stage = &cmd->stages[0],
		.function = cmd->stages[0].function,
		.data = cmd->stages[0].data,
		.group = GROUP_INHERIT,
		.terminal_fd = -1,
		.cgroup_fd = -1,
		.parent = getpid(),
	};
	struct failure failure = { .step = STEP_NONE };
	struct plan *plan = NULL;

	assert_int_equal(plan_new(&input, &plan, &failure), 0);
	return plan;
}

static int eleven(void *data)
{
	(void)data;
	return 11;
}

static void start_directly(brood_command *cmd_take, bool want_pidfd)
{
	struct failure failure = { .step = STEP_NONE };
	struct plan *plan = plan_of(cmd_take);
	struct child_end end;
	struct pidref ref;

	assert_int_equal(fork_start(plan, want_pidfd, &ref, &failure), 0);
	assert_int_equal(ref.pidfd >= 0, want_pidfd && BROOD_LINUX_FAST_PATH && engine_now() <= ENGINE_FORK);
	assert_int_equal(plan->channel, -1);
	assert_int_equal(pidref_reap(&ref, true, getpid(), &end), 1);
	assert_int_equal(end.code, 11);
	fd_close(&ref.pidfd);
	plan_free(plan);
	brood_command_free(cmd_take);
}

static void test_programs_and_functions_start_with_a_pidfd_and_without(void **state)
{
	const enum engine first = engine_now();

	(void)state;
	if (BROOD_LINUX_FAST_PATH)
		engine_set(ENGINE_FORK);
	start_directly(child_does("exit", "11"), true);
	start_directly(brood_command_function("f", eleven, NULL), true);
	start_directly(child_does("exit", "11"), false);
	start_directly(brood_command_function("f", eleven, NULL), false);
	engine_set(first);
}

static void test_a_failed_exec_is_reported_and_reaped(void **state)
{
	brood_command *cmd = brood_command_newl("/nonexistent/program", NULL);
	struct failure failure = { .step = STEP_NONE };
	struct plan *plan = plan_of(cmd);
	struct pidref ref;

	(void)state;
	assert_int_equal(fork_start(plan, false, &ref, &failure), -ENOENT);
	assert_int_equal(failure.step, STEP_EXEC);
	assert_int_equal(ref.pid, 0);
	assert_no_child_is_left();
	failure_done(&failure);
	plan_free(plan);
	brood_command_free(cmd);
}

/* pidfd_open fails for a reason of the moment: nothing may run, nothing may be left, and the way is not given up. */
static void no_pidfd_now(void *data)
{
	const char *path = data;

	engine_set(ENGINE_FORK);
	support_deny_syscall(SYS_pidfd_open, EMFILE);
	assert_start_fails(child_does("touch", path), -EMFILE, NULL);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(engine_now(), ENGINE_FORK);
	/* The same where a zombie does not wait for anybody. */
	signal(SIGCHLD, SIG_IGN);
	assert_start_fails(child_does("touch", path), -EMFILE, NULL);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_a_child_that_cannot_be_held_never_runs(void **state)
{
	char path[4096];

	(void)state;
	skip_unless(BROOD_LINUX_FAST_PATH, "the posix build has no pidfds");
	skip_without_pidfds();
	support_path(path, sizeof path, "ran");
	support_assert_in_fork(no_pidfd_now, path);
}

static void no_socket(void *data)
{
	(void)data;
	engine_set(ENGINE_FORK);
	support_deny_syscall(SYS_socketpair, EMFILE);
	assert_start_fails(child_does("exit", "0"), -EMFILE, "report");
}

static void test_without_a_channel_nothing_is_started(void **state)
{
	(void)state;
	support_assert_in_fork(no_socket, NULL);
}

/* The child waits for a go-ahead that cannot be sent: nobody must wait for its report. */
static void no_room_to_send(void *data)
{
	engine_set(ENGINE_FORK);
	support_deny_syscall(SYS_sendto, ENOBUFS);
	assert_start_fails(child_does("touch", data), -ENOBUFS, NULL);
	assert_int_equal(access(data, F_OK), -1);
}

static void test_a_go_ahead_that_cannot_be_sent_fails_the_start(void **state)
{
	char path[4096];

	(void)state;
	skip_under_valgrind();
	support_path(path, sizeof path, "ran");
	support_assert_in_fork(no_room_to_send, path);
}

/* Between fork and report a host's atfork handlers run: as for any fork. */
static int forked;

static void note_fork(void)
{
	forked++;
}

static int was_noted(void *data)
{
	(void)data;
	return forked > 0 ? 0 : 1;
}

static void atfork_handlers(void *data)
{
	(void)data;
	pthread_atfork(NULL, NULL, note_fork);
	assert_exits(brood_command_function("f", was_noted, NULL), 0);
}

static void test_libc_s_fork_makes_function_stages(void **state)
{
	(void)state;
	in_fork_on_every_engine(atfork_handlers, NULL);
}

/* A handler that starts a thread in every forked child, as some profilers do. */
static void *stay(void *data)
{
	for (;;)
		pause();
	return data;
}

static void start_a_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, stay, NULL) == 0)
		pthread_detach(thread);
}

static int print_for_ever(void *data)
{
	(void)data;
	for (;;)
		puts("and on");
	return 0;
}

static void threads_from_the_start(void *data)
{
	(void)data;
	pthread_atfork(NULL, NULL, start_a_thread);
	alarm(SOON_MS / 1000);
	assert_says(brood_pipe(brood_command_function("f", print_for_ever, NULL), child_does("head", "1")), "and on\n");
	alarm(0);
}

static void test_a_thread_that_a_fork_handler_starts_keeps_no_descriptor(void **state)
{
	(void)state;
	in_fork_on_every_engine(threads_from_the_start, NULL);
}

/* Another thread that forks just now, made certain: its child has a copy of the report's descriptor and lives on. */
static pid_t bystander;

static void fork_a_bystander(void)
{
	if (bystander)
		return;
	bystander = -1;
	bystander = fork();
	if (bystander == 0)
		for (;;)
			pause();
}

static void beside_a_bystander(void *data)
{
	pthread_atfork(NULL, fork_a_bystander, NULL);
	for (int i = 0; i < 2; i++) {
		brood_process *process = NULL;
		brood_command *cmd = i ? brood_command_newl("/nonexistent/program", NULL) : child_does("exit", "4");

		(void)data;
		bystander = 0;
		alarm(SOON_MS / 1000);
		assert_int_equal(brood_start(cmd, &process), i ? -ENOENT : 0);
		alarm(0);
		if (bystander > 0) {
			kill(bystander, SIGKILL);
			support_reap(bystander);
		}
		brood_process_free(process);
		brood_command_free(cmd);
	}
}

static void test_a_start_returns_though_a_stranger_holds_the_report_open(void **state)
{
	(void)state;
	skip_unless(access("/proc/self/stat", R_OK) == 0, "only /proc tells of an exec");
	in_fork_on_every_engine(beside_a_bystander, NULL);
}

static int allocate(void *data)
{
	(void)data;
	for (int i = 0; i < 1000; i++) {
		char *bytes = malloc((size_t)i * 64 + 1);

		if (!bytes)
			return 1;
		bytes[0] = 'x';
		free(bytes);
	}
	return getpid() == (pid_t)syscall(SYS_getpid) ? 0 : 2;
}

static void *allocate_on(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
		allocate(NULL);
	return NULL;
}

static void test_a_function_may_allocate_though_another_thread_did_so_at_the_fork(void **state)
{
	const int times = under_valgrind() ? 10 : 100;
	pthread_t thread;
	int stop = 0;

	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	support_skip("the sanitizer's allocator is not made for that");
#endif
	assert_int_equal(pthread_create(&thread, NULL, allocate_on, &stop), 0);
	for (int i = 0; i < times; i++)
		assert_exits(brood_command_function("f", allocate, NULL), 0);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_programs_and_functions_start_with_a_pidfd_and_without),
		brood_test(test_a_failed_exec_is_reported_and_reaped),
		brood_test(test_a_child_that_cannot_be_held_never_runs),
		brood_test(test_without_a_channel_nothing_is_started),
		brood_test(test_a_go_ahead_that_cannot_be_sent_fails_the_start),
		brood_test(test_libc_s_fork_makes_function_stages),
		brood_test(test_a_thread_that_a_fork_handler_starts_keeps_no_descriptor),
		brood_test(test_a_start_returns_though_a_stranger_holds_the_report_open),
		brood_test(test_a_function_may_allocate_though_another_thread_did_so_at_the_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
