/* SPDX-License-Identifier: MIT */
/* Holding the host's signals still and giving them back; which ones it ignores. Masks are the kernel's, with libc's own two. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/support.h"

#include "spawn/signals.h"
#include "spawn/sys.h"

#define BIT(signal) ((uint64_t)1 << ((signal) - 1))

static uint64_t kernel_mask(void)
{
	uint64_t mask = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask);
	return mask;
}

static void test_every_signal_is_blocked_libc_s_own_included_and_given_back(void **state)
{
	const uint64_t before = kernel_mask();
	struct signal_mask old;

	(void)state;
	errno = ENOTUNIQ;
	signals_block_all(&old);
	assert_true((kernel_mask() | BIT(SIGKILL) | BIT(SIGSTOP)) == ~(uint64_t)0);
	signals_restore(&old);
	assert_int_equal(errno, ENOTUNIQ);
	assert_true(kernel_mask() == before);
}

static void a_signal_waits(void *data)
{
	struct signal_mask old;
	sigset_t pending;

	(void)data;
	signals_block_all(&old);
	raise(SIGTERM);
	sigpending(&pending);
	assert_true(sigismember(&pending, SIGTERM));
	signals_restore(&old);
}

static void test_a_signal_that_comes_meanwhile_arrives_afterwards(void **state)
{
	(void)state;
	assert_int_equal(support_in_fork(a_signal_waits, NULL), 128 + SIGTERM);
}

static void no_handler(int signal)
{
	(void)signal;
}

static void ignored_ones(void *data)
{
	(void)data;
	for (int signal = 1; signal < 65; signal++)
		sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	/* libc refuses to touch its own, which make leaves ignored. */
	assert_true((signals_ignored(NULL) & ~signals_of_libc()) == 0);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGRTMIN, SIG_IGN);
	signal(SIGRTMAX, SIG_IGN);
	signal(SIGUSR1, no_handler);
	assert_true((signals_ignored(NULL) & ~signals_of_libc()) == (BIT(SIGHUP) | BIT(SIGPIPE) | BIT(SIGRTMIN) | BIT(SIGRTMAX)));
	/* Never remembered. */
	signal(SIGHUP, SIG_DFL);
	signal(SIGUSR1, SIG_IGN);
	assert_true((signals_ignored(NULL) & ~signals_of_libc()) == (BIT(SIGUSR1) | BIT(SIGPIPE) | BIT(SIGRTMIN) | BIT(SIGRTMAX)));
}

static void test_the_ignored_signals_are_those_of_this_moment(void **state)
{
	(void)state;
	skip_under_valgrind();          /* what is ignored is so in its own tables; to the kernel it is handled */
	support_assert_in_fork(ignored_ones, NULL);
}

static void kept_and_changed(void *data)
{
	int kept = -1;
	uint64_t before;

	(void)data;
	before = signals_ignored(&kept);
	assert_true(kept > 2);
	assert_true(fcntl(kept, F_GETFD) & FD_CLOEXEC);
	signal(SIGUSR2, SIG_IGN);
	assert_true(signals_ignored(&kept) == (before | BIT(SIGUSR2)));
	close(kept);
}

static void test_a_kept_descriptor_tells_what_has_changed(void **state)
{
	(void)state;
	support_assert_in_fork(kept_and_changed, NULL);
}

static void without_proc(void *data)
{
	(void)data;
	signal(SIGUSR2, SIG_IGN);
	signal(SIGRTMIN + 1, SIG_IGN);
	support_deny_syscall(SYS_openat, EACCES);
	assert_true((signals_ignored(NULL) & (BIT(SIGUSR2) | BIT(SIGRTMIN + 1) | BIT(SIGHUP))) == (BIT(SIGUSR2) | BIT(SIGRTMIN + 1)));
}

static void test_without_proc_each_signal_is_asked_for(void **state)
{
	(void)state;
	support_assert_in_fork(without_proc, NULL);
}

static void test_libc_keeps_what_lies_below_sigrtmin(void **state)
{
	(void)state;
	for (int signal = 1; signal <= SIGNAL_MAX; signal++)
		assert_int_equal((signals_of_libc() & BIT(signal)) != 0, signal >= 32 && signal < SIGRTMIN);
}

/* Each group more moves the line on, until what is read of the text ends somewhere inside of it. */
static void looks_among_groups(void *data)
{
	gid_t groups[800];

	(void)data;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	for (int count = 300; count < 800; count++) {
		for (int i = 0; i < count; i++)
			groups[i] = (gid_t)(i < count - count % 7 ? 10000 + i : 100 + i);
		assert_int_equal(setgroups((size_t)count, groups), 0);
		assert_true((signals_ignored(NULL) & (BIT(SIGPIPE) | BIT(SIGUSR2))) == (BIT(SIGPIPE) | BIT(SIGUSR2)));
	}
}

static void test_a_host_of_many_groups_is_read_right(void **state)
{
	(void)state;
	skip_unless(geteuid() == 0, "only root has that many groups");
	assert_int_equal(support_in_fork(looks_among_groups, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_every_signal_is_blocked_libc_s_own_included_and_given_back),
		brood_test(test_a_signal_that_comes_meanwhile_arrives_afterwards),
		brood_test(test_the_ignored_signals_are_those_of_this_moment),
		brood_test(test_a_kept_descriptor_tells_what_has_changed),
		brood_test(test_without_proc_each_signal_is_asked_for),
		brood_test(test_libc_keeps_what_lies_below_sigrtmin),
		brood_test(test_a_host_of_many_groups_is_read_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
