/* SPDX-License-Identifier: MIT */
/*
 * What descriptors a child has: those it was given, at the numbers it was told, and no other; and what the host has
 * afterwards: the same as before. Hosts with closed stdio, low limits, high numbers and thousands of descriptors are
 * forked parts.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "suites/engines.h"
#include "suites/files.h"

/* ---- 24, 25: permutations, and hosts whose stdio is closed ---- */

static void every_map_of_stdio(void *data)
{
	char path[3][4096];

	(void)data;
	for (int i = 0; i < 3; i++) {
		const char name[] = { 'f', (char)('0' + i), '\0' };
		int fd;

		fd = open(made(path[i], name, ""), O_RDWR | O_APPEND);
		assert_true(fd >= 0);
		assert_int_equal(dup2(fd, i), i);
		if (fd > 2)
			close(fd);
	}
	for (int map = 0; map < 27; map++) {
		const int from[3] = { map % 3, map / 3 % 3, map / 9 };
		brood_command *cmd = child_does("write-fd", "0", "0", "write-fd", "1", "1", "write-fd", "2", "2");
		char expected[3][8] = { { 0 } };

		for (int i = 0; i < 3; i++) {
			assert_int_equal(truncate(path[i], 0), 0);
			brood_command_redirect_fd(cmd, i, from[i]);
			expected[from[i]][strlen(expected[from[i]])] = (char)('0' + i);
		}
		assert_exits(cmd, 0);
		for (int i = 0; i < 3; i++)
			assert_file(path[i], expected[i]);
	}
	for (int i = 0; i < 3; i++)
		dup2(open("/dev/null", O_RDWR | O_CLOEXEC), i);
	closefrom(3);
}

static void test_every_map_of_0_1_2_onto_themselves_is_what_the_child_gets(void **state)
{
	(void)state;
	in_fork_on_every_engine(every_map_of_stdio, NULL);
}

/* A function looks at itself: in memory that only it has, so it answers by its exit code: a bit for each open one. */
static int which_are_open(void *data)
{
	int open_bits = 0;

	(void)data;
	for (int fd = 0; fd < 3; fd++)
		open_bits |= fcntl(fd, F_GETFD) >= 0 ? 1 << fd : 0;
	for (int fd = 3; fd < 256; fd++)
		open_bits |= fcntl(fd, F_GETFD) >= 0 ? 8 : 0;
	return open_bits;
}

static void closed_in_the_host(void *data)
{
	const int closed = *(int *)data;
	brood_command *cmd;

	for (int fd = 0; fd < 3; fd++) {
		close(fd);
		assert_int_equal(open("/dev/null", O_RDWR), fd);
	}
	for (int fd = 0; fd < 3; fd++)
		if (closed & 1 << fd)
			close(fd);

	/* Everything directed: it works as ever. */
	cmd = child_does("tee-err");
	brood_command_feed(cmd, "through", 7);
	brood_command_capture(cmd, 2, 0);
	assert_says(cmd, "through");
	cmd = brood_pipe(child_does("print", "a"), child_does("upper"));
	brood_command_redirect_null(cmd, 0);
	assert_says(cmd, "A");

	/* Nothing directed: closed stays closed, and nothing of ours is there instead. */
	assert_exits(child_does("write-fd", "1", ""), 0);
	for (int fd = 1; fd < 3; fd++) {
		char number[2] = { (char)('0' + fd), '\0' };

		cmd = child_does("write-fd", number, "x");
		brood_command_redirect_null(cmd, 3 - fd);
		assert_exits(cmd, closed & 1 << fd ? 98 : 0);
	}
	cmd = child_does("fd-stat", "0");
	if (closed & 1)
		assert_says(cmd, "0 closed\n");
	else
		brood_command_free(cmd);
	assert_exits(brood_command_function("look", which_are_open, NULL), 7 & ~closed);

	/* A failure is told as ever. */
	assert_start_fails(brood_command_newl("/nonexistent/program", NULL), -ENOENT, "exec");
	for (int fd = 0; fd < 3; fd++)
		assert_int_equal(fcntl(fd, F_GETFD) < 0, (closed & 1 << fd) != 0);
}

static void test_any_of_0_1_2_may_be_closed_in_the_host(void **state)
{
	(void)state;
	for (int closed = 0; closed < 8; closed++)
		in_fork_on_every_engine(closed_in_the_host, &closed);
}

/* ---- 26, 27, 32: chosen numbers ---- */

static void source_is_target(void)
{
	char path[4096];
	brood_command *cmd;
	int fd = fcntl(open(made(path, "same", "kept"), O_RDONLY | O_CLOEXEC), F_DUPFD_CLOEXEC, 20);
	char number[8];

	close(fd > 20 ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC));
	snprintf(number, sizeof number, "%d", fd);
	cmd = child_does("read-fd", number);
	brood_command_redirect_fd(cmd, fd, fd);
	assert_says(cmd, "kept");
	lseek(fd, 0, SEEK_SET);
	cmd = child_does("read-fd", number);
	brood_command_redirect_inherit(cmd, fd);
	assert_says(cmd, "kept");
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

static void source_is_target_in_a_part(void *data)
{
	(void)data;
	source_is_target();
	closefrom(3);
}

static void test_a_descriptor_directed_to_its_own_number_is_inherited(void **state)
{
	(void)state;
	in_fork_on_every_engine(source_is_target_in_a_part, NULL);
}

/* A daemon without stdout opens a file of its own, which lands on 1: no child's business, unless it is handed on. */
static void marked_stdout(void *data)
{
	char path[4096];
	brood_command *cmd;

	(void)data;
	close(1);
	assert_int_equal(open(made(path, "own", ""), O_WRONLY | O_CLOEXEC), 1);
	assert_exits(child_does("write-fd", "1", "not for this file"), 98);
	cmd = child_does("write-fd", "1", "for");
	brood_command_redirect_fd(cmd, 1, 1);
	assert_exits(cmd, 0);
	assert_int_equal(lseek(1, 0, SEEK_END), 3);
	assert_int_equal(fcntl(1, F_GETFD), FD_CLOEXEC);
}

static void test_a_marked_standard_descriptor_is_the_host_s_own_unless_directed(void **state)
{
	(void)state;
	in_fork_on_every_engine(marked_stdout, NULL);
}

/* Files with the texts "a", "b" ... at first, first + 1 ... of the host. */
static void open_letters(int first, int count)
{
	for (int i = 0; i < count; i++) {
		char path[4096], text[2] = { (char)('a' + i), '\0' };
		int fd = open(made(path, text, text), O_RDONLY | O_CLOEXEC);

		assert_true(fd >= 0);
		if (fd != first + i) {
			assert_int_equal(dup3(fd, first + i, O_CLOEXEC), first + i);
			close(fd);
		}
	}
}

static void crossing_numbers(void *data)
{
	brood_command *cmd;

	(void)data;
	closefrom(3);
	open_letters(5, 5);             /* 5..9 are a..e */

	cmd = child_does("read-fd", "3", "read-fd", "4", "read-fd", "5", "read-fd", "6", "read-fd", "7");
	for (int i = 0; i < 5; i++)
		brood_command_redirect_fd(cmd, 3 + i, 5 + i);
	assert_says(cmd, "abcde");

	/* A circle of five, against the order of the numbers, and one that two read. */
	for (int i = 5; i < 10; i++)
		lseek(i, 0, SEEK_SET);
	cmd = child_does("read-fd", "5", "read-fd", "6", "read-fd", "7", "read-fd", "8", "read-fd", "9", "fds");
	for (int i = 0; i < 5; i++)
		brood_command_redirect_fd(cmd, 5 + i, 5 + (i + 1) % 5);
	brood_command_redirect_fd(cmd, 30, 5);
	{
		char *text = said(cmd);

		assert_int_equal(strncmp(text, "bcdea", 5), 0);
		assert_non_null(strstr(text, "\n30 f r "));
		free(text);
	}
	closefrom(3);
}

static void test_descriptors_cross_at_chosen_numbers(void **state)
{
	(void)state;
	in_fork_on_every_engine(crossing_numbers, NULL);
}

static void high_numbers(void *data)
{
	const struct rlimit limit = { 6000, 6000 };
	brood_command *cmd;
	char path[4096];
	int fd;

	(void)data;
	skip_unless(setrlimit(RLIMIT_NOFILE, &limit) == 0, "no limit of 6000 descriptors to be had");
	fd = open(made(path, "high", "from high up"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(dup3(fd, 5000, O_CLOEXEC), 5000);
	close(fd);
	cmd = child_does("read-fd", "4999", "fds");
	brood_command_redirect_fd(cmd, 4999, 5000);
	brood_command_redirect_null(cmd, 2500);
	{
		char *text = said(cmd);

		assert_int_equal(strncmp(text, "from high up0 ", 14), 0);
		assert_non_null(strstr(text, "\n2500 c "));
		assert_null(strstr(text, "\n5000 "));
		free(text);
	}
	/* The handle's own descriptors are up there when all below are taken. */
	while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd < 2000)
		;
	cmd = child_does("cat");
	brood_command_feed(cmd, "still works", 11);
	assert_says(cmd, "still works");
	assert_says(child_does("fd-stat", "3"), "3 closed\n");
	closefrom(3);
}

static void test_numbers_above_1023_work_on_both_sides(void **state)
{
	(void)state;
	in_fork_on_every_engine(high_numbers, NULL);
}

/* ---- 28: nothing else ---- */

static void assert_only_three(void)
{
	brood_command *cmd = child_does("fds");
	char *text;
	int lines = 0;

	brood_command_redirect_null(cmd, 0);
	brood_command_redirect_null(cmd, 2);
	text = said(cmd);
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	if (lines != 3)
		fail_msg("not three descriptors:\n%s", text);
	free(text);
}

static void inheritable_everywhere(void *data)
{
	const struct rlimit low = { 64, 64 };

	(void)data;
	for (int fd = 3; fd < 40; fd++)
		dup2(0, fd);
	dup2(0, 100);
	dup2(0, 900);
	assert_only_three();
	/* What is above a limit that was lowered later is open still. */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_only_three();
	assert_exits(brood_command_function("look", which_are_open, NULL), 7);
	closefrom(3);
}

static void test_a_child_has_0_1_2_and_nothing_else_whatever_the_limit(void **state)
{
	(void)state;
	skip_under_valgrind();          /* it keeps descriptors of its own, and lowers no limit of the kernel's */
	in_fork_on_every_engine(inheritable_everywhere, NULL);
}

static void ten_thousand(void *data)
{
	const struct rlimit limit = { 12000, 12000 };

	(void)data;
	skip_unless(setrlimit(RLIMIT_NOFILE, &limit) == 0, "no limit of 12000 descriptors to be had");
	for (int i = 0; i < 10000; i++)
		assert_true(dup(0) >= 0);
	for (int i = 0; i < 5; i++)
		assert_only_three();
	assert_exits(brood_command_function("look", which_are_open, NULL), 7);
	closefrom(3);
}

static void test_ten_thousand_descriptors_of_the_host_stay_with_it(void **state)
{
	(void)state;
	in_fork_on_every_engine(ten_thousand, NULL);
}

/* A function stage has no exec to close what is marked close-on-exec. */
static void marked_stdio(void *data)
{
	(void)data;
	close(0);
	assert_int_equal(open("/dev/null", O_RDWR | O_CLOEXEC), 0);
	assert_exits(brood_command_function("look", which_are_open, NULL), 6);
}

static void test_a_function_has_no_close_on_exec_descriptor_at_0_1_2_either(void **state)
{
	(void)state;
	in_fork_on_every_engine(marked_stdio, NULL);
}

/* ---- 29: siblings ---- */

static void *end_of_file_comes(void *data)
{
	(void)data;
	for (int i = 0; i < 25; i++) {
		brood_command *cmd = i % 5 == 4 ? brood_pipe(child_does("cat"), child_does("cat")) : child_does("cat");
		brood_process *process = NULL;
		char byte;
		bool well;

		brood_command_redirect_pipe(cmd, 0);
		brood_command_redirect_pipe(cmd, 1);
		well = brood_start(cmd, &process) == 0 && brood_process_close(process, 0) == 0 &&
		       brood_process_read(process, 1, SOON_MS, &byte, 1) == 0 && brood_process_wait(process, SOON_MS) == 0;
		brood_process_free(process);
		brood_command_free(cmd);
		if (!well)
			return (void *)1;
	}
	return NULL;
}

static void eight_threads(void)
{
	pthread_t threads[8];
	intptr_t wrong = 0;

	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, end_of_file_comes, NULL), 0);
	for (int i = 0; i < 8; i++) {
		void *one;

		pthread_join(threads[i], &one);
		wrong += (intptr_t)one;
	}
	assert_int_equal(wrong, 0);
}

static void test_a_sibling_started_meanwhile_never_holds_a_pipe(void **state)
{
	(void)state;
	on_every_engine(eight_threads);
}

/* ---- 31: flags ---- */

static void flags_stay(void)
{
	struct host_state before;
	brood_command *cmd;
	int plain[2], marked[2];

	assert_int_equal(pipe(plain), 0);
	assert_int_equal(pipe2(marked, O_CLOEXEC | O_NONBLOCK), 0);
	host_snapshot(&before);
	cmd = child_does("exit", "0");
	brood_command_redirect_fd(cmd, 0, plain[0]);
	brood_command_redirect_fd(cmd, 1, marked[1]);
	brood_command_redirect_fd(cmd, plain[1], plain[1]);
	brood_command_redirect_fd(cmd, marked[1], marked[1]);
	assert_exits(cmd, 0);
	host_assert_unchanged(&before);
	host_state_done(&before);
	close(plain[0]);
	close(plain[1]);
	close(marked[0]);
	close(marked[1]);
}

static void test_the_flags_of_the_host_s_descriptors_are_unchanged(void **state)
{
	(void)state;
	on_every_engine(flags_stay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_every_map_of_0_1_2_onto_themselves_is_what_the_child_gets),
		brood_test(test_any_of_0_1_2_may_be_closed_in_the_host),
		brood_test(test_a_descriptor_directed_to_its_own_number_is_inherited),
		brood_test(test_a_marked_standard_descriptor_is_the_host_s_own_unless_directed),
		brood_test(test_descriptors_cross_at_chosen_numbers),
		brood_test(test_numbers_above_1023_work_on_both_sides),
		brood_test(test_a_child_has_0_1_2_and_nothing_else_whatever_the_limit),
		brood_test(test_ten_thousand_descriptors_of_the_host_stay_with_it),
		brood_test(test_a_function_has_no_close_on_exec_descriptor_at_0_1_2_either),
		brood_test(test_a_sibling_started_meanwhile_never_holds_a_pipe),
		brood_test(test_the_flags_of_the_host_s_descriptors_are_unchanged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
