/* SPDX-License-Identifier: MIT */
/* lib/base/self.c: the process id that is kept, and forgotten in a child of fork. */
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/self.h"
#include "support/support.h"

static void test_it_is_what_getpid_says(void **state)
{
	(void)state;
	assert_int_equal(self_pid(), getpid());
	assert_int_equal(self_pid(), getpid());
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_a_child_of_fork_has_its_own(void **state)
{
	const pid_t ours = self_pid();
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(self_pid() == getpid() && self_pid() != ours ? 0 : 1);
	assert_int_equal(status_of(pid), 0);
	assert_int_equal(self_pid(), ours);
}

#ifdef SYS_fork
static void test_a_child_forked_past_libc_has_its_own(void **state)
{
	const pid_t ours = self_pid();
	pid_t pid;

	(void)state;
	pid = (pid_t)syscall(SYS_fork);
	if (pid == 0)
		_exit(self_pid() == (pid_t)syscall(SYS_getpid) && self_pid() != ours ? 0 : 1);
	assert_int_equal(status_of(pid), 0);
}
#endif

static void test_proc_is_known_where_it_shows_our_number(void **state)
{
	(void)state;
	skip_unless(access("/proc/self", F_OK) == 0, "there is no /proc here");
	assert_true(self_knows_proc());
}

#ifdef CLONE_NEWPID
static void proc_is_foreign(void *data)
{
	(void)data;
	assert_int_equal(getpid(), 1);
	assert_false(self_knows_proc());
}

static void in_another_namespace(void *data)
{
	if (unshare(CLONE_NEWPID) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
		support_skip("no pid namespace can be made here");
	support_assert_in_fork(proc_is_foreign, data);
}

static void test_a_proc_that_was_mounted_outside_is_not_known(void **state)
{
	(void)state;
	skip_under_valgrind();          /* it finds its threads by the numbers in /proc */
	support_assert_in_fork(in_another_namespace, NULL);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_it_is_what_getpid_says),
		brood_test(test_a_child_of_fork_has_its_own),
#ifdef SYS_fork
		brood_test(test_a_child_forked_past_libc_has_its_own),
#endif
		brood_test(test_proc_is_known_where_it_shows_our_number),
#ifdef CLONE_NEWPID
		brood_test(test_a_proc_that_was_mounted_outside_is_not_known),
#endif
	};

	return cmocka_run_group_tests_name("self", tests, NULL, NULL);
}
