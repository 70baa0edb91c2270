/* SPDX-License-Identifier: MIT */
/*
 * The poller: everything runs twice, once with epoll and once with poll(2). Which one poller_new makes is said in main, by the
 * environment, before any test takes its picture of the host.
 */
#include "support/support.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/poller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MS INT64_C(1000000)

/* A pipe whose read end is watched. */
struct line {
	int end[2];
	struct watch watch;
};

static struct poller *poller_made(void)
{
	struct poller *poller = poller_new();

	assert_non_null(poller);
	return poller;
}

static bool is_epoll(void)
{
	struct poller *poller = poller_made();
	int fd = poller_fd(poller);

	poller_free(poller);
	return fd >= 0;
}

/* valgrind stands between the test and the kernel: limits and refused calls hit it first. */
static void skip_under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	skip_unless(!preload || !strstr(preload, "vgpreload"), "valgrind itself would be hit");
}

static void line_open(struct poller *poller, struct line *line)
{
	assert_int_equal(fd_pipe(line->end), 0);
	line->watch = (struct watch){ .fd = line->end[0], .owner = line };
	assert_int_equal(poller_watch(poller, &line->watch, POLLIN), 0);
}

static void line_write(struct line *line)
{
	assert_int_equal(write(line->end[1], "x", 1), 1);
}

static void line_close(struct poller *poller, struct line *line)
{
	poller_watch(poller, &line->watch, 0);
	fd_close(&line->end[0]);
	fd_close(&line->end[1]);
}

static void test_wait_tells_what_became_readable(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[4];
	struct line a, b;

	line_open(poller, &a);
	line_open(poller, &b);
	line_write(&b);
	assert_int_equal(poller_wait(poller, DEADLINE_NEVER, seen, 4), 1);
	assert_ptr_equal(seen[0], &b.watch);
	assert_ptr_equal(seen[0]->owner, &b);
	assert_int_equal(b.watch.ready, POLLIN);
	assert_int_equal(a.watch.ready, 0);
	line_close(poller, &a);
	line_close(poller, &b);
	poller_free(poller);
}

static void test_wait_tells_again_while_bytes_are_left(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1];
	struct line a;
	char byte;

	line_open(poller, &a);
	line_write(&a);
	assert_int_equal(poller_wait(poller, 0, seen, 1), 1);
	assert_int_equal(poller_wait(poller, 0, seen, 1), 1);
	assert_int_equal(read(a.end[0], &byte, 1), 1);
	assert_int_equal(poller_wait(poller, 0, seen, 1), 0);
	line_close(poller, &a);
	poller_free(poller);
}

static void test_ready_stays_until_its_owner_clears_it(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1];
	struct line a;

	line_open(poller, &a);
	a.watch.ready = POLLPRI;
	line_write(&a);
	assert_int_equal(poller_wait(poller, 0, seen, 1), 1);
	assert_int_equal(a.watch.ready, POLLPRI | POLLIN);
	line_close(poller, &a);
	poller_free(poller);
}

static void test_wait_tells_what_became_writable(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1], watch;
	int end[2];

	assert_int_equal(fd_pipe(end), 0);
	watch = (struct watch){ .fd = end[1] };
	assert_int_equal(poller_watch(poller, &watch, POLLOUT), 0);
	assert_int_equal(poller_wait(poller, 0, seen, 1), 1);
	assert_int_equal(watch.ready, POLLOUT);
	poller_watch(poller, &watch, 0);
	fd_close(&end[0]);
	fd_close(&end[1]);
	poller_free(poller);
}

static void test_hang_up_is_told_unasked(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1];
	struct line a;

	line_open(poller, &a);
	fd_close(&a.end[1]);
	assert_int_equal(poller_wait(poller, DEADLINE_NEVER, seen, 1), 1);
	assert_true(a.watch.ready & POLLHUP);
	line_close(poller, &a);
	poller_free(poller);
}

static void test_dead_reader_is_told_to_the_writer(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1], watch;
	int end[2];

	assert_int_equal(fd_pipe(end), 0);
	watch = (struct watch){ .fd = end[1] };
	assert_int_equal(poller_watch(poller, &watch, POLLOUT), 0);
	fd_close(&end[0]);
	assert_int_equal(poller_wait(poller, DEADLINE_NEVER, seen, 1), 1);
	assert_true(watch.ready & POLLERR);
	poller_watch(poller, &watch, 0);
	fd_close(&end[1]);
	poller_free(poller);
}

static void test_wanted_may_change(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1], watch;
	int pair[2];

	assert_int_equal(fd_pipe(pair), 0);
	watch = (struct watch){ .fd = pair[1] };
	assert_int_equal(poller_watch(poller, &watch, POLLIN), 0);
	assert_int_equal(poller_wait(poller, 0, seen, 1), 0);
	assert_int_equal(poller_watch(poller, &watch, POLLIN | POLLOUT), 0);
	assert_int_equal(watch.wanted, POLLIN | POLLOUT);
	assert_int_equal(poller_wait(poller, 0, seen, 1), 1);
	assert_int_equal(watch.ready, POLLOUT);
	poller_watch(poller, &watch, 0);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	poller_free(poller);
}

static void test_dropped_watch_is_not_told(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1];
	struct line a;

	line_open(poller, &a);
	line_write(&a);
	assert_int_equal(poller_wait(poller, 0, seen, 1), 1);
	assert_int_equal(poller_watch(poller, &a.watch, 0), 0);
	assert_int_equal(a.watch.ready, 0);
	assert_int_equal(poller_wait(poller, 0, seen, 1), 0);
	line_close(poller, &a);
	poller_free(poller);
}

static void test_dropped_watch_may_come_back(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1];
	struct line a;

	line_open(poller, &a);
	line_write(&a);
	assert_int_equal(poller_watch(poller, &a.watch, 0), 0);
	assert_int_equal(poller_watch(poller, &a.watch, 0), 0);
	assert_int_equal(poller_watch(poller, &a.watch, POLLIN), 0);
	assert_int_equal(poller_wait(poller, 0, seen, 1), 1);
	line_close(poller, &a);
	poller_free(poller);
}

/* Dropping in the middle moves another one into its place: that one must still be found, and be droppable. */
static void test_dropping_one_keeps_the_others(void **state)
{
	static const int order[] = { 2, 0, 4, 1, 3 };
	struct poller *poller = poller_made();
	struct watch *seen[5];
	struct line lines[5];

	for (int i = 0; i < 5; i++) {
		line_open(poller, &lines[i]);
		line_write(&lines[i]);
	}
	for (int i = 0; i < 5; i++) {
		assert_int_equal(poller_wait(poller, 0, seen, 5), 5 - i);
		for (int j = 0; j < 5 - i; j++)
			assert_ptr_not_equal(seen[j], i ? &lines[order[i - 1]].watch : NULL);
		line_close(poller, &lines[order[i]]);
	}
	assert_int_equal(poller_wait(poller, 0, seen, 5), 0);
	poller_free(poller);
}

static void test_watch_dropped_during_a_round_is_known_by_wanted(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[2];
	struct line a, b;

	line_open(poller, &a);
	line_open(poller, &b);
	line_write(&a);
	line_write(&b);
	assert_int_equal(poller_wait(poller, 0, seen, 2), 2);
	line_close(poller, seen[1]->owner);
	assert_int_equal(seen[1]->wanted, 0);
	assert_int_equal(seen[1]->ready, 0);
	assert_int_equal(seen[0]->ready, POLLIN);
	line_close(poller, seen[0]->owner);
	poller_free(poller);
}

static void test_wait_ends_at_its_deadline_and_not_before(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1];
	struct line a;
	int64_t deadline;

	line_open(poller, &a);
	for (int i = 0; i < 20; i++) {
		deadline = clock_now_ns() + MS + 300000;
		assert_int_equal(poller_wait(poller, deadline, seen, 1), 0);
		assert_true(clock_now_ns() >= deadline);
	}
	line_close(poller, &a);
	poller_free(poller);
}

static void test_wait_with_a_past_deadline_looks_once(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1];
	struct line a;

	line_open(poller, &a);
	assert_int_equal(poller_wait(poller, 0, seen, 1), 0);
	line_write(&a);
	assert_int_equal(poller_wait(poller, 0, seen, 1), 1);
	line_close(poller, &a);
	poller_free(poller);
}

static void test_wait_on_nothing_is_a_sleep(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1];
	int64_t deadline = clock_now_ns() + 2 * MS;

	assert_int_equal(poller_wait(poller, deadline, seen, 1), 0);
	assert_true(clock_now_ns() >= deadline);
	poller_free(poller);
}

static void test_wait_for_none_is_einval(void **state)
{
	struct poller *poller = poller_made();

	assert_int_equal(poller_wait(poller, 0, NULL, 0), -EINVAL);
	poller_free(poller);
}

static void test_wait_sits_out_a_storm_of_signals(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1];
	struct line a;
	int64_t deadline;
	unsigned long signals;
	int r;

	line_open(poller, &a);
	support_storm_start(SIGUSR1, 100);
	deadline = clock_now_ns() + 50 * MS;
	r = poller_wait(poller, deadline, seen, 1);
	deadline = clock_now_ns() - deadline;
	signals = support_storm_stop();
	assert_int_equal(r, 0);
	assert_true(deadline >= 0);
	assert_true(signals > 0);
	line_close(poller, &a);
	poller_free(poller);
}

static void test_few_places_reach_every_watch_in_turn(void **state)
{
	struct poller *poller = poller_made();
	struct line lines[10];
	struct watch *seen[3];

	for (int i = 0; i < 10; i++) {
		line_open(poller, &lines[i]);
		line_write(&lines[i]);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(poller_wait(poller, 0, seen, 3), 3);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(lines[i].watch.ready, POLLIN);
		line_close(poller, &lines[i]);
	}
	poller_free(poller);
}

enum { MANY = 2000 };

static void watch_many(void *data)
{
	struct rlimit limit;
	struct poller *poller = poller_made();
	struct line *lines = calloc(MANY, sizeof(*lines));
	struct watch **seen = calloc(MANY, sizeof(struct watch *));
	int count = 0, n;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	skip_unless(limit.rlim_max > 2 * MANY + 100, "the descriptor limit is too low");

	for (int i = 0; i < MANY; i++) {
		line_open(poller, &lines[i]);
		line_write(&lines[i]);
	}
	while ((n = poller_wait(poller, 0, seen, MANY)) > 0)
		for (int i = 0; i < n; i++) {
			line_close(poller, seen[i]->owner);
			count++;
		}
	assert_int_equal(n, 0);
	assert_int_equal(count, MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(lines[i].end[0], -1);
	free(lines);
	free(seen);
	poller_free(poller);
}

static void test_two_thousand_watches_are_each_told(void **state)
{
	support_assert_in_fork(watch_many, NULL);
}

static void test_watching_no_descriptor_is_ebadf(void **state)
{
	struct poller *poller = poller_made();
	struct watch watch = { .fd = -1 }, closed = { .fd = 1 << 20 };

	assert_int_equal(poller_watch(poller, &watch, POLLIN), -EBADF);
	assert_int_equal(poller_watch(poller, &closed, POLLIN), -EBADF);
	assert_int_equal(watch.wanted, 0);
	poller_free(poller);
}

static void test_epoll_refuses_a_regular_file(void **state)
{
	struct poller *poller = poller_made();
	struct watch watch;
	char path[4096];

	if (poller_fd(poller) < 0) {
		poller_free(poller);
		skip();
	}
	support_write_text(support_path(path, sizeof(path), "file"), "x");
	watch = (struct watch){ .fd = open(path, O_RDONLY | O_CLOEXEC) };
	assert_int_equal(poller_watch(poller, &watch, POLLIN), -EPERM);
	assert_int_equal(watch.wanted, 0);
	fd_close(&watch.fd);
	poller_free(poller);
}

static void test_poll_takes_a_regular_file_as_ready(void **state)
{
	struct poller *poller = poller_made();
	struct watch watch, *seen[1];
	char path[4096];

	if (poller_fd(poller) >= 0) {
		poller_free(poller);
		skip();
	}
	support_write_text(support_path(path, sizeof(path), "file"), "x");
	watch = (struct watch){ .fd = open(path, O_RDONLY | O_CLOEXEC) };
	assert_int_equal(poller_watch(poller, &watch, POLLIN), 0);
	assert_int_equal(poller_wait(poller, DEADLINE_NEVER, seen, 1), 1);
	poller_watch(poller, &watch, 0);
	fd_close(&watch.fd);
	poller_free(poller);
}

/* A fault of the owner, which must not leave a watch that can't be got rid of. */
static void test_watch_closed_too_early_can_be_dropped(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[2];
	struct line a, b;

	line_open(poller, &a);
	line_open(poller, &b);
	fd_close(&a.end[0]);
	poller_watch(poller, &a.watch, 0);
	assert_int_equal(a.watch.wanted, 0);
	line_write(&b);
	assert_int_equal(poller_wait(poller, 0, seen, 2), 1);
	assert_ptr_equal(seen[0], &b.watch);
	fd_close(&a.end[1]);
	line_close(poller, &b);
	poller_free(poller);
}

static void test_poll_tells_a_closed_descriptor_as_an_error(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1];
	struct line a;

	if (poller_fd(poller) >= 0) {
		poller_free(poller);
		skip();
	}
	line_open(poller, &a);
	fd_close(&a.end[0]);
	assert_int_equal(poller_wait(poller, DEADLINE_NEVER, seen, 1), 1);
	assert_int_equal(a.watch.ready, POLLERR);
	line_close(poller, &a);
	poller_free(poller);
}

static void test_epoll_is_readable_while_anything_is_ready(void **state)
{
	struct poller *poller = poller_made();
	struct pollfd outer = { .fd = poller_fd(poller), .events = POLLIN };
	struct line a;

	if (outer.fd < 0) {
		poller_free(poller);
		skip();
	}
	line_open(poller, &a);
	assert_int_equal(poll(&outer, 1, 0), 0);
	line_write(&a);
	assert_int_equal(poll(&outer, 1, 0), 1);
	assert_int_equal(fcntl(outer.fd, F_GETFD), FD_CLOEXEC);
	line_close(poller, &a);
	poller_free(poller);
}

static void test_environment_asks_for_poll(void **state)
{
	const char *word = getenv("BROOD_POLLER");
	struct poller *poller = poller_made();

	if (word && word[0] == 'p')
		assert_int_equal(poller_fd(poller), -ENOTSUP);
#if defined(BROOD_LINUX_FAST_PATH) && defined(HAVE_SYS_EPOLL_H)
	else if (BROOD_LINUX_FAST_PATH)
		assert_true(poller_fd(poller) > 2);
#endif
	poller_free(poller);
}

static void poller_without_stdio(void *data)
{
	struct poller *poller;

	close(0);
	close(1);
	close(2);
	poller = poller_made();
	assert_true(poller_fd(poller) > 2);
	assert_int_equal(fcntl(0, F_GETFD), -1);
	poller_free(poller);
}

static void test_epoll_stays_off_closed_stdio(void **state)
{
	if (!is_epoll())
		skip();
	support_assert_in_fork(poller_without_stdio, NULL);
}

static void poller_without_descriptors(void *data)
{
	const struct rlimit limit = { 3, 3 };

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	errno = 0;
	assert_null(poller_new());
	assert_int_equal(errno, EMFILE);
}

static void test_epoll_new_says_emfile(void **state)
{
	if (!is_epoll())
		skip();
	skip_under_valgrind();
	support_assert_in_fork(poller_without_descriptors, NULL);
}

/* Linux before 5.11, and containers whose filter is older than the call. */
static void wait_without_pwait2(void *data)
{
	struct poller *poller = poller_made();
	struct watch *seen[1];
	int64_t deadline;
	struct line a;

#ifdef SYS_epoll_pwait2
	support_deny_syscall(SYS_epoll_pwait2, *(int *)data);
#endif
	line_open(poller, &a);
	for (int i = 0; i < 5; i++) {
		deadline = clock_now_ns() + 300000;
		assert_int_equal(poller_wait(poller, deadline, seen, 1), 0);
		assert_true(clock_now_ns() >= deadline);
	}
	line_write(&a);
	assert_int_equal(poller_wait(poller, DEADLINE_NEVER, seen, 1), 1);
	line_close(poller, &a);
	poller_free(poller);
}

static void test_wait_works_without_epoll_pwait2(void **state)
{
	int errors[] = { ENOSYS, EPERM };

	support_assert_in_fork(wait_without_pwait2, &errors[0]);
	support_assert_in_fork(wait_without_pwait2, &errors[1]);
}

#ifdef SYS_epoll_create1
static void poller_without_epoll(void *data)
{
	struct poller *poller;

	support_deny_syscall(SYS_epoll_create1, ENOSYS);
	poller = poller_made();
	assert_int_equal(poller_fd(poller), -ENOTSUP);
	poller_free(poller);
}

static void test_kernel_without_epoll_gets_poll(void **state)
{
	support_assert_in_fork(poller_without_epoll, NULL);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_wait_tells_what_became_readable),
		brood_test(test_wait_tells_again_while_bytes_are_left),
		brood_test(test_ready_stays_until_its_owner_clears_it),
		brood_test(test_wait_tells_what_became_writable),
		brood_test(test_hang_up_is_told_unasked),
		brood_test(test_dead_reader_is_told_to_the_writer),
		brood_test(test_wanted_may_change),
		brood_test(test_dropped_watch_is_not_told),
		brood_test(test_dropped_watch_may_come_back),
		brood_test(test_dropping_one_keeps_the_others),
		brood_test(test_watch_dropped_during_a_round_is_known_by_wanted),
		brood_test(test_wait_ends_at_its_deadline_and_not_before),
		brood_test(test_wait_with_a_past_deadline_looks_once),
		brood_test(test_wait_on_nothing_is_a_sleep),
		brood_test(test_wait_for_none_is_einval),
		brood_test(test_wait_sits_out_a_storm_of_signals),
		brood_test(test_few_places_reach_every_watch_in_turn),
		brood_test(test_two_thousand_watches_are_each_told),
		brood_test(test_watching_no_descriptor_is_ebadf),
		brood_test(test_epoll_refuses_a_regular_file),
		brood_test(test_poll_takes_a_regular_file_as_ready),
		brood_test(test_watch_closed_too_early_can_be_dropped),
		brood_test(test_poll_tells_a_closed_descriptor_as_an_error),
		brood_test(test_epoll_is_readable_while_anything_is_ready),
		brood_test(test_environment_asks_for_poll),
		brood_test(test_epoll_stays_off_closed_stdio),
		brood_test(test_epoll_new_says_emfile),
		brood_test(test_wait_works_without_epoll_pwait2),
#ifdef SYS_epoll_create1
		brood_test(test_kernel_without_epoll_gets_poll),
#endif
	};
	int failed;

	setenv("BROOD_POLLER", "epoll", 1);
	failed = cmocka_run_group_tests_name("poller", tests, NULL, NULL);
	setenv("BROOD_POLLER", "poll", 1);
	failed += cmocka_run_group_tests_name("poller of the poll(2) kind", tests, NULL, NULL);
	return failed;
}
