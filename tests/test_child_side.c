/* SPDX-License-Identifier: MIT */
/* What the child does between clone and exec, run in forked parts: in which order, and how it tells where it failed. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/support.h"

#include "spawn/child.h"

static struct plan *plan_of(const brood_command *cmd, const struct fd_want *wanted, size_t count)
{
	struct plan_input input = {
		.stage = &cmd->stages[0],
		.wanted = wanted,
		.want_count = count,
		.group = GROUP_INHERIT,
		.terminal_fd = -1,
		.cgroup_fd = -1,
		.parent = getppid(),
	};
	struct failure failure = { .step = STEP_NONE };
	struct plan *plan = NULL;

	assert_int_equal(plan_new(&input, &plan, &failure), 0);
	assert_int_equal(fdplan_make(plan->wanted, count, -1, &plan->fds), 0);
	return plan;
}

static void everything(void *data)
{
	const struct fd_want wanted[] = { { .from = 20, .to = 21 }, { .from = 21, .to = 20 } };
	brood_command *cmd = brood_command_newl("x", NULL);
	struct plan *plan;
	char cwd[100];
	sigset_t set;

	(void)data;
	dup2(0, 20);
	assert_int_equal(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0, 1);
	assert_int_equal(dup3(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 21, O_CLOEXEC), 21);
	brood_command_fchdir(cmd, 21);
	brood_command_set_rlimit(cmd, RLIMIT_NOFILE, 10, 10);
	brood_command_set_new_session(cmd, true);
	plan = plan_of(cmd, wanted, 2);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);

	assert_int_equal(child_prepare(plan), 0);
	/* The directory by a descriptor that moves, moves above a limit that is lowered later. */
	assert_string_equal(getcwd(cwd, sizeof cwd), "/");
	assert_int_equal(getsid(0), getpid());
	assert_int_equal(fcntl(20, F_GETFD), 0);
	assert_int_equal(fcntl(21, F_GETFD), 0);
	for (int fd = 3; fd < 20; fd++)
		assert_int_equal(fcntl(fd, F_GETFD), -1);
	sigprocmask(SIG_BLOCK, NULL, &set);
	assert_int_equal(sigismember(&set, SIGTERM), 0);
	assert_int_equal(plan->report.step, 0);
	plan_free(plan);
	brood_command_free(cmd);
	_exit(0);
}

static void test_each_step_comes_while_it_can_still_be_done(void **state)
{
	(void)state;
	skip_under_valgrind();          /* it refuses descriptors above the lowered limit */
	support_assert_in_fork(everything, NULL);
}

static void failing_steps(void *data)
{
	const struct fd_want closed = { .from = 500, .to = 1 };
	brood_command *cmd = brood_command_newl("/nonexistent/program", NULL);
	struct plan *plan = plan_of(cmd, NULL, 0);

	(void)data;
	child_exec(plan);
	assert_int_equal(plan->report.step, STEP_EXEC);
	assert_int_equal(plan->report.error, ENOENT);
	plan_free(plan);

	plan = plan_of(cmd, &closed, 1);
	assert_int_equal(child_prepare(plan), -1);
	assert_int_equal(plan->report.step, STEP_DESCRIPTOR);
	assert_int_equal(plan->report.error, EBADF);
	assert_int_equal(plan->report.detail, 1);
	plan_free(plan);

	/* Nobody may have more than the kernel has for anybody. */
	brood_command_set_rlimit(cmd, RLIMIT_NOFILE, 20, (uint64_t)1 << 40);
	plan = plan_of(cmd, NULL, 0);
	assert_int_equal(child_prepare(plan), -1);
	assert_int_equal(plan->report.step, STEP_RLIMIT);
	assert_int_equal(plan->report.detail, RLIMIT_NOFILE);
	plan_free(plan);
	brood_command_free(cmd);

	cmd = brood_command_newl("x", NULL);
	brood_command_chdir(cmd, "/nonexistent");
	plan = plan_of(cmd, NULL, 0);
	assert_int_equal(child_prepare(plan), -1);
	assert_int_equal(plan->report.step, STEP_CHDIR);
	plan_free(plan);
	brood_command_free(cmd);
	_exit(0);
}

static void test_a_failure_says_step_errno_and_detail(void **state)
{
	(void)state;
	support_assert_in_fork(failing_steps, NULL);
}

static void orphaned(void *data)
{
	brood_command *cmd = brood_command_newl("x", NULL);
	struct plan *plan;

	(void)data;
	brood_command_set_die_with_parent(cmd, true);
	plan = plan_of(cmd, NULL, 0);
	plan->parent = 1 << 30;
	assert_int_equal(child_prepare(plan), -1);
	assert_int_equal(plan->report.step, STEP_PARENT);
	plan_free(plan);
	brood_command_free(cmd);
	_exit(0);
}

static void test_a_child_whose_parent_is_gone_already_does_not_go_on(void **state)
{
	(void)state;
	support_assert_in_fork(orphaned, NULL);
}

static void test_the_go_ahead_and_the_report_go_through_the_channel(void **state)
{
	const struct child_report sent = { STEP_EXEC, ENOENT, 3 };
	struct child_report got;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	support_write_all(pair[0], "g", 1);
	assert_int_equal(child_await_go(pair[1]), 1);
	child_tell(pair[1], &sent);
	assert_int_equal(read(pair[0], &got, sizeof got), sizeof got);
	assert_memory_equal(&got, &sent, sizeof got);
	close(pair[0]);
	assert_int_equal(child_await_go(pair[1]), 0);
	close(pair[1]);
}

static void leave(void *data)
{
	child_exit((int)(intptr_t)data);
}

static void test_the_child_leaves_with_its_code(void **state)
{
	(void)state;
	assert_int_equal(support_in_fork(leave, (void *)(intptr_t)42), 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_each_step_comes_while_it_can_still_be_done),
		brood_test(test_a_failure_says_step_errno_and_detail),
		brood_test(test_a_child_whose_parent_is_gone_already_does_not_go_on),
		brood_test(test_the_go_ahead_and_the_report_go_through_the_channel),
		brood_test(test_the_child_leaves_with_its_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
