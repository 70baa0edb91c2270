/* SPDX-License-Identifier: MIT */
/*
 * The poller: what it promises whatever the kernel offers, so everything runs twice, once with epoll and once with poll(2).
 * test_poller_kinds.c has what differs.
 */
#include "support/lines.h"
#include "support/support.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/poller.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define MS INT64_C(1000000)

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

/* The storm has begun with one signal: where no other came, nothing interrupted the wait, and it is made once more. */
static void test_wait_sits_out_a_storm_of_signals(void **state)
{
	struct poller *poller = poller_made();
	struct watch *seen[1];
	struct line a;
	int64_t deadline, late;
	unsigned long signals;
	int r;

	line_open(poller, &a);
	do {
		support_storm_start(SIGUSR1, 100);
		deadline = clock_now_ns() + 50 * MS;
		r = poller_wait(poller, deadline, seen, 1);
		late = clock_now_ns() - deadline;
		signals = support_storm_stop();
		assert_int_equal(r, 0);
		assert_true(late >= 0);
	} while (signals < 2);
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
		brood_test(test_watch_closed_too_early_can_be_dropped),
	};
	int failed;

	setenv("BROOD_POLLER", "epoll", 1);
	failed = cmocka_run_group_tests_name("poller", tests, NULL, NULL);
	setenv("BROOD_POLLER", "poll", 1);
	failed += cmocka_run_group_tests_name("poller of the poll(2) kind", tests, NULL, NULL);
	return failed;
}
