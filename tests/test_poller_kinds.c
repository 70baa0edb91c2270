/* SPDX-License-Identifier: MIT */
/*
 * What epoll and poll(2) do differently behind the one interface of the poller, who gets which, and kernels that lack the newer
 * calls.
 */
#include "support/lines.h"
#include "support/support.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/poller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_epoll(void)
{
	struct poller *poller = poller_made();
	int fd = poller_fd(poller);

	poller_free(poller);
	return fd >= 0;
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
		brood_test(test_epoll_refuses_a_regular_file),
		brood_test(test_poll_takes_a_regular_file_as_ready),
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
	failed = cmocka_run_group_tests_name("poller: epoll asked for", tests, NULL, NULL);
	setenv("BROOD_POLLER", "poll", 1);
	failed += cmocka_run_group_tests_name("poller: poll(2) asked for", tests, NULL, NULL);
	return failed;
}
