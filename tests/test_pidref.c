/* SPDX-License-Identifier: MIT */
/*
 * One child as one value: its end, exactly or LOST; signals for it and its group, and for nobody once it has been reaped. Each
 * with a pidfd and without.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/support.h"

#include "spawn/pidref.h"
#include "spawn/sys.h"

static struct pidref hold(pid_t pid, bool by_pidfd)
{
	struct pidref ref = { .pid = pid, .pidfd = -1 };

#ifdef SYS_pidfd_open
	if (by_pidfd)
		ref.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
#endif
	if (by_pidfd && ref.pidfd < 0) {
		kill(pid, SIGKILL);
		support_reap(pid);
		support_skip("no pidfds");
	}
	return ref;
}

static void let_go(struct pidref *ref)
{
	if (ref->pidfd >= 0)
		close(ref->pidfd);
}

/* Each test does all of it once by number and once by pidfd, where there is one. */
static void both_ways(void (*body)(bool by_pidfd))
{
	body(false);
	if (BROOD_LINUX_FAST_PATH)
		body(true);
}

static void ends(bool by_pidfd)
{
	struct child_end end;
	struct pidref ref = hold(support_host_child("exit", "200", NULL), by_pidfd);

	assert_int_equal(pidref_reap(&ref, true, getpid(), &end), 1);
	assert_int_equal(end.how, BROOD_EXITED);
	assert_int_equal(end.code, 200);
	assert_true(end.has_usage);
	let_go(&ref);

	ref = hold(support_host_child("sleep-forever", NULL), by_pidfd);
	assert_int_equal(pidref_reap(&ref, false, getpid(), &end), 0);
	assert_false(pidref_ended(&ref));
	assert_int_equal(pidref_signal(&ref, SIGKILL), 0);
	while (!pidref_ended(&ref))
		support_sleep_ms(1);
	assert_int_equal(pidref_reap(&ref, false, getpid(), &end), 1);
	assert_int_equal(end.how, BROOD_SIGNALLED);
	assert_int_equal(end.code, SIGKILL);
	let_go(&ref);
}

static void test_an_end_is_told_exactly_and_asking_reaps_nobody(void **state)
{
	(void)state;
	both_ways(ends);
}

static void stopped(bool by_pidfd)
{
	struct child_end end;
	struct pidref ref = hold(support_host_child("stop-self", NULL), by_pidfd);

	assert_int_equal(waitpid(ref.pid, NULL, WUNTRACED), ref.pid);
	assert_int_equal(pidref_reap(&ref, false, getpid(), &end), 0);
	assert_false(pidref_ended(&ref));
	assert_int_equal(pidref_signal(&ref, SIGCONT), 0);
	assert_int_equal(pidref_reap(&ref, true, getpid(), &end), 1);
	assert_int_equal(end.code, 0);
	let_go(&ref);
}

static void test_a_stopped_child_has_not_ended(void **state)
{
	(void)state;
	both_ways(stopped);
}

static void stolen(bool by_pidfd)
{
	struct child_end end;
	struct pidref ref = hold(support_host_child("exit", "7", NULL), by_pidfd);

	assert_int_equal(support_reap(ref.pid), 7);
	assert_true(pidref_ended(&ref));
	assert_int_equal(pidref_reap(&ref, false, getpid(), &end), 1);
	assert_false(end.has_usage);
	assert_true(end.how == BROOD_LOST || (by_pidfd && end.how == BROOD_EXITED && end.code == 7));
	if (BROOD_LINUX_FAST_PATH)
		assert_int_equal(pidref_signal(&ref, SIGTERM), -ESRCH);
	let_go(&ref);
}

static void test_a_stolen_status_is_the_kernel_s_or_lost_and_the_number_is_not_signalled(void **state)
{
	(void)state;
	both_ways(stolen);
}

static void not_ours(void *data)
{
	struct child_end end;

	assert_int_equal(pidref_reap(data, false, getppid(), &end), -ECHILD);
}

static void other_owner(bool by_pidfd)
{
	struct child_end end;
	struct pidref ref = hold(support_host_child("sleep-forever", NULL), by_pidfd);

	support_assert_in_fork(not_ours, &ref);
	assert_int_equal(pidref_signal(&ref, SIGTERM), 0);
	assert_int_equal(pidref_reap(&ref, true, getpid(), &end), 1);
	assert_int_equal(end.code, SIGTERM);
	let_go(&ref);
}

static void test_in_a_child_of_fork_it_is_somebody_else_s(void **state)
{
	(void)state;
	both_ways(other_owner);
}

static void group(bool by_pidfd)
{
	char path[4096];
	struct child_end end;
	pid_t member;
	struct pidref ref = { .pidfd = -1 };

	support_path(path, sizeof path, by_pidfd ? "a" : "b");
	ref.pid = fork();
	if (ref.pid == 0) {
		setpgid(0, 0);
		execl(support_child(), "child", "spawn-in-group", "600000", path, "sleep-forever", (char *)NULL);
		_exit(127);
	}
	ref = hold(ref.pid, by_pidfd);
	member = support_read_pidfile(path);
	assert_int_equal(pidref_signal(&ref, SIGKILL), 0);
	if (pidref_group_outlives_leader(&ref)) {
		assert_int_equal(pidref_reap(&ref, true, getpid(), &end), 1);
		assert_int_equal(pidref_signal_group(&ref, SIGKILL, true), 0);
		assert_true(support_wait_gone(member, 30000));
		while (pidref_signal_group(&ref, 0, true) == 0)
			support_sleep_ms(1);
		assert_int_equal(pidref_signal_group(&ref, SIGKILL, true), -ESRCH);
	} else {
		assert_int_equal(pidref_signal_group(&ref, SIGKILL, false), 0);
		assert_true(support_wait_gone(member, 30000));
		assert_int_equal(pidref_reap(&ref, true, getpid(), &end), 1);
		assert_int_equal(pidref_signal_group(&ref, SIGKILL, true), -ESRCH);
	}
	let_go(&ref);
}

static void test_a_group_is_signalled_as_long_as_its_number_is_known_to_mean_it(void **state)
{
	(void)state;
	both_ways(group);
}

static void test_waiting_is_not_shortened_by_signals(void **state)
{
	struct child_end end;
	struct pidref ref = hold(support_host_child("sleep", "50", "exit", "5", NULL), false);

	(void)state;
	support_storm_start(SIGUSR1, 100);
	assert_int_equal(pidref_reap(&ref, true, getpid(), &end), 1);
	support_storm_stop();
	assert_int_equal(end.code, 5);
}

static void *steal(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
		waitpid(-1, NULL, 0);
	return NULL;
}

/* The kernel takes it from us before it writes down how it ended: asked at that instant it knows neither. */
static void is_robbed(void *data)
{
	const int *channel = data;
	int lost = 0, stop = 0;
	pthread_t thief;

	assert_int_equal(pthread_create(&thief, NULL, steal, &stop), 0);
	for (int i = 0; i < 3000; i++) {
		struct child_end end;
		struct pidref ref = { .pid = fork() };

		if (ref.pid == 0) {
			char go;

			_exit(read(*channel, &go, 1) == 1 ? i % 256 : 99);
		}
		ref.pidfd = (int)syscall(SYS_pidfd_open, ref.pid, 0);
		support_write_all(channel[1], "g", 1);
		assert_int_equal(pidref_reap(&ref, true, getpid(), &end), 1);
		lost += end.how == BROOD_LOST || end.code != i % 256;
		let_go(&ref);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	if (fork() == 0)
		_exit(0);
	pthread_join(thief, NULL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	assert_int_equal(lost, 0);
}

static void test_a_status_that_is_being_stolen_at_this_instant_is_told(void **state)
{
	struct child_end end;
	struct pidref ref = hold(support_host_child("exit", "3", NULL), true);
	int channel[2];

	(void)state;
	assert_int_equal(support_reap(ref.pid), 3);
	assert_int_equal(pidref_reap(&ref, true, getpid(), &end), 1);
	let_go(&ref);
	skip_unless(end.how == BROOD_EXITED, "the kernel does not keep an end with the pidfd");
	assert_int_equal(pipe(channel), 0);
	assert_int_equal(support_in_fork(is_robbed, channel), 0);
	close(channel[0]);
	close(channel[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_an_end_is_told_exactly_and_asking_reaps_nobody),
		brood_test(test_a_stopped_child_has_not_ended),
		brood_test(test_a_stolen_status_is_the_kernel_s_or_lost_and_the_number_is_not_signalled),
		brood_test(test_in_a_child_of_fork_it_is_somebody_else_s),
		brood_test(test_a_group_is_signalled_as_long_as_its_number_is_known_to_mean_it),
		brood_test(test_waiting_is_not_shortened_by_signals),
		brood_test(test_a_status_that_is_being_stolen_at_this_instant_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
