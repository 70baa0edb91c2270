/* SPDX-License-Identifier: MIT */
/*
 * Children that share the host's memory until their exec: what the host has afterwards, starts from many threads at once,
 * starts that come back before the exec, hosts whose descriptors are scarce or oddly placed.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "suites/engines.h"

#include "base/fd.h"

static const char *const not_here = "this run begins further down";

/* A plan of one helper child, on /dev/null. */
static struct plan *plan_of(const brood_command *cmd)
{
	struct plan_input input = {
		.stage = &cmd->stages[0],
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

static void early(void)
{
	brood_command *cmd = child_does("exit", "11");
	struct failure failure = { .step = STEP_NONE };
	struct plan *plan = plan_of(cmd);
	struct pidref ref;
	struct child_end end;

	assert_int_equal(spawn_start(plan, true, &ref, &failure), 0);
	assert_true(ref.pid > 0);
	if (plan->early)
		assert_int_equal(spawn_confirm(plan, &failure), 0);
	assert_int_equal(pidref_reap(&ref, true, getpid(), &end), 1);
	assert_int_equal(end.code, 11);
	fd_close(&ref.pidfd);
	plan_free(plan);
	brood_command_free(cmd);

	cmd = brood_command_newl("/nonexistent/program", NULL);
	plan = plan_of(cmd);
	if (spawn_start(plan, true, &ref, &failure) == 0) {
		assert_true(plan->early);
		assert_int_equal(spawn_confirm(plan, &failure), -ENOENT);
		reap_failed(&ref);
	}
	assert_int_equal(failure.step, STEP_EXEC);
	assert_int_equal(ref.pid, 0);
	assert_int_equal(ref.pidfd, -1);
	failure_done(&failure);
	plan_free(plan);
	brood_command_free(cmd);
	assert_no_child_is_left();
}

static void test_an_early_start_is_confirmed_or_fails_later(void **state)
{
	(void)state;
	on_every_engine(early);
}

static void early_and_refused(void *data)
{
	(void)data;
	alarm(SOON_MS / 1000);
	support_deny_syscall(SYS_clone3, ENOSYS);
	support_deny_clone_flags(CLONE_VM, EPERM);
	early();
	alarm(0);
}

static void test_an_early_start_that_steps_down_to_fork_is_a_plain_one(void **state)
{
	(void)state;
	in_fork_on_every_engine(early_and_refused, NULL);
}

static void *many_starts(void *data)
{
	intptr_t wrong = 0;

	(void)data;
	for (int i = 0; i < 40; i++) {
		brood_command *cmd = i % 4 == 3 ? brood_command_newl("/nonexistent/program", NULL) : child_does("exit", "21");
		brood_result *result = NULL;
		int r = brood_run(cmd, &result);

		if (i % 4 == 3)
			wrong += r != -ENOENT;
		else
			wrong += r != 0 || brood_result_exit_code(result, 0) != 21;
		brood_result_free(result);
		brood_command_free(cmd);
	}
	return (void *)wrong;
}

static void threads_at_once(void)
{
	pthread_t threads[8];
	intptr_t wrong = 0;

	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, many_starts, NULL), 0);
	for (int i = 0; i < 8; i++) {
		void *one;

		pthread_join(threads[i], &one);
		wrong += (intptr_t)one;
	}
	assert_int_equal(wrong, 0);
}

static void test_eight_threads_start_at_once(void **state)
{
	(void)state;
	on_every_engine(threads_at_once);
}

static void *fork_on(void *stop)
{
	intptr_t wrong = 0;

	while (!atomic_load((atomic_int *)stop)) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(17);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 17)
			wrong++;
	}
	return (void *)wrong;
}

static void beside_a_forking_thread(void)
{
	atomic_int stop = 0;
	pthread_t thread;
	void *wrong;

	assert_int_equal(pthread_create(&thread, NULL, fork_on, &stop), 0);
	wrong = many_starts(NULL);
	atomic_store(&stop, 1);
	assert_null(wrong);
	pthread_join(thread, &wrong);
	assert_null(wrong);
}

static void test_a_start_while_another_thread_forks_does_no_harm_to_either(void **state)
{
	(void)state;
	on_every_engine(beside_a_forking_thread);
}

/* ---- odd hosts ---- */

static void errno_stays(void)
{
	/* The child that shares the memory makes calls that fail. */
	brood_process *process;
	brood_command *cmd = brood_command_newl("tool-that-is-nowhere", NULL);
	static __thread int mine = 4711;

	brood_command_setenv(cmd, "PATH", "/nonexistent:/dev/null:/proc");
	assert_int_equal(brood_start(cmd, &process), -ENOENT);
	assert_int_equal(mine, 4711);
	brood_process_free(process);
	brood_command_free(cmd);
}

static void test_a_child_that_fails_leaves_the_host_s_thread_alone(void **state)
{
	(void)state;
	on_every_engine(errno_stays);
}

static void no_descriptor_left(void *data)
{
	const struct rlimit low = { 32, 32 };
	int fds[32], count = 0, fd;

	(void)data;
	/* First, so that what is learnt once has been learnt. */
	assert_exits(child_does("exit", "1"), 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0)
		fds[count++] = fd;
	while (count > 0) {
		brood_process *process = NULL;
		brood_command *cmd = child_does("exit", "5");
		int r;

		brood_command_capture(cmd, 1, 0);
		r = brood_start(cmd, &process);
		assert_true(r == 0 || r == -EMFILE);
		if (r == 0)
			assert_int_equal(brood_process_wait(process, SOON_MS), 0);
		brood_process_free(process);
		brood_command_free(cmd);
		assert_no_child_is_left();
		close(fds[--count]);
		if (r == 0)
			break;
	}
	assert_true(count > 0);
	while (count > 0)
		close(fds[--count]);
}

static void test_without_a_descriptor_left_a_start_fails_clean_until_there_is_one(void **state)
{
	(void)state;
	skip_under_valgrind();          /* it has descriptors left for itself */
	in_fork_on_every_engine(no_descriptor_left, NULL);
}

static void filtered_later(void *data)
{
	(void)data;
	assert_exits(child_does("exit", "5"), 5);
	assert_exits(child_does("exit", "5"), 5);
	support_deny_syscall(SYS_close_range, EPERM);
	for (int i = 0; i < 3; i++)
		assert_says(child_does("print", "x", "fd-stat", "9"), "x9 closed\n");
}

static void test_a_host_that_filters_close_range_after_its_first_starts_goes_on(void **state)
{
	(void)state;
	skip_unless(BROOD_LINUX_FAST_PATH, not_here);
	in_fork_on_every_engine(filtered_later, NULL);
}

/* ---- hosts in which a descriptor cannot be closed ---- */

enum { STUBBORN = 60 };

/* A child that goes round for ever would outlive this program, and with a shared memory hold it; the limit ends such a child. */
static void close_refuses(int error)
{
	const struct rlimit seconds = { 20, 20 };

	assert_int_equal(setrlimit(RLIMIT_CPU, &seconds), 0);
	support_deny_syscall(SYS_close_range, EPERM);
	support_deny_syscall_when(SYS_close, 0, UINT32_MAX, STUBBORN, error);
}

static void close_says_not_open(void *data)
{
	(void)data;
	close_refuses(EBADF);
	assert_exits(child_does("exit", "5"), 5);
}

static void close_says_not_allowed(void *data)
{
	(void)data;
	close_refuses(EPERM);
	assert_start_fails(child_does("exit", "5"), -EPERM, NULL);
}

static void names_are_kept_back(void *data)
{
	(void)data;
	support_deny_syscall(SYS_close_range, EPERM);
	support_deny_syscall(SYS_getdents64, EPERM);
	assert_start_fails(child_does("exit", "5"), -EPERM, NULL);
}

static void with_a_stubborn_descriptor(void (*part)(void *data))
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int fd = dup2(null, STUBBORN);

	close(null);
	assert_int_equal(fd, STUBBORN);
	in_fork_on_every_engine(part, NULL);
	close(fd);
}

/* What valgrind does with its own: /proc names them, and close knows none of them. */
static void test_a_descriptor_that_proc_names_and_close_does_not_know_holds_nobody_up(void **state)
{
	(void)state;
	skip_unless(BROOD_LINUX_FAST_PATH, not_here);
	with_a_stubborn_descriptor(close_says_not_open);
}

static void test_a_descriptor_that_cannot_be_closed_is_a_failure_to_start(void **state)
{
	(void)state;
	skip_unless(BROOD_LINUX_FAST_PATH, not_here);
	with_a_stubborn_descriptor(close_says_not_allowed);
}

static void test_where_nobody_names_the_descriptors_a_start_fails(void **state)
{
	(void)state;
	skip_unless(BROOD_LINUX_FAST_PATH, not_here);
	in_fork_on_every_engine(names_are_kept_back, NULL);
}

static void long_lived_high(void)
{
	brood_command *cmd = child_does("cat");
	brood_process *process;
	int fds[FD_LOW], count = 0, fd;

	/* The low numbers are taken, as in a host with a few descriptors of its own. */
	while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd < FD_LOW && count < FD_LOW)
		fds[count++] = fd;
	close(fd);
	brood_command_redirect_pipe(cmd, 0);
	brood_command_capture(cmd, 1, 0);
	assert_int_equal(brood_start(cmd, &process), 0);
	for (fd = FD_LOW; fd < FD_HIGH; fd++)
		assert_int_equal(fcntl(fd, F_GETFD), -1);
	brood_process_close(process, 0);
	assert_int_equal(brood_process_wait(process, SOON_MS), 0);
	brood_process_free(process);
	brood_command_free(cmd);
	while (count > 0)
		close(fds[--count]);
}

static void long_lived_high_in_a_part(void *data)
{
	(void)data;
	closefrom(FD_LOW);
	long_lived_high();
}

static void test_what_lives_long_leaves_the_low_numbers_to_the_next_start(void **state)
{
	(void)state;
	in_fork_on_every_engine(long_lived_high_in_a_part, NULL);
}

/* ---- a host's thread with as little stack as there may be ---- */

static void *run_on_little(void *data)
{
	brood_command *cmd = child_does("flood", "300K");
	brood_result *result = NULL;

	brood_command_capture(cmd, BROOD_STDOUT, 1000);
	*(int *)data = brood_run(cmd, &result);
	brood_command_free(cmd);
	brood_result_free(result);
	return NULL;
}

static void on_a_small_stack(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int r = -1;

	pthread_attr_init(&attributes);
	assert_int_equal(pthread_attr_setstacksize(&attributes, 32 << 10), 0);
	assert_int_equal(pthread_create(&thread, &attributes, run_on_little, &r), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	assert_int_equal(r, 0);
}

static void test_a_thread_with_a_small_stack_can_run_a_command(void **state)
{
	(void)state;
	skip_under_valgrind();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	support_skip("a sanitizer's frames are larger");
#endif
	on_every_engine(on_a_small_stack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_an_early_start_is_confirmed_or_fails_later),
		brood_test(test_an_early_start_that_steps_down_to_fork_is_a_plain_one),
		brood_test(test_eight_threads_start_at_once),
		brood_test(test_a_start_while_another_thread_forks_does_no_harm_to_either),
		brood_test(test_a_child_that_fails_leaves_the_host_s_thread_alone),
		brood_test(test_without_a_descriptor_left_a_start_fails_clean_until_there_is_one),
		brood_test(test_a_host_that_filters_close_range_after_its_first_starts_goes_on),
		brood_test(test_a_descriptor_that_proc_names_and_close_does_not_know_holds_nobody_up),
		brood_test(test_a_descriptor_that_cannot_be_closed_is_a_failure_to_start),
		brood_test(test_where_nobody_names_the_descriptors_a_start_fails),
		brood_test(test_what_lives_long_leaves_the_low_numbers_to_the_next_start),
		brood_test(test_a_thread_with_a_small_stack_can_run_a_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
