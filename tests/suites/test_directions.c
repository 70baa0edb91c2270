/* SPDX-License-Identifier: MIT */
/*
 * Where a child's stdin, stdout and stderr lead: to what they were directed, be it a file, a descriptor, memory, a pipe or each
 * other. What contradicts itself is refused.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites/engines.h"
#include "suites/files.h"

/* ---- 22, 23: the usual directions ---- */

static void inherited(void)
{
	struct stat before, after;
	char path[4096];
	int fd = dup(1), out;

	/* stdout of this process for a moment: a file. */
	assert_int_equal(fflush(stdout), 0);
	out = open(made(path, "inherited", ""), O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(0, &before), 0);
	assert_int_equal(dup2(out, 1), 1);
	assert_exits(child_does("echo", "to the host's stdout"), 0);
	dup2(fd, 1);
	close(fd);
	close(out);
	assert_file(path, "to the host's stdout\n");
	assert_int_equal(fstat(0, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void each_direction(void)
{
	char in[4096], out[4096];
	brood_command *cmd;
	int fd;

	made(in, "in", "from a file");
	made(out, "out", "");
	for (int child_fd = 1; child_fd <= 2; child_fd++) {
		const char *verb = child_fd == 1 ? "print" : "err";

		cmd = child_does(verb, "path");
		brood_command_redirect_path(cmd, child_fd, out, O_WRONLY | O_TRUNC, 0);
		assert_exits(cmd, 0);
		assert_file(out, "path");

		fd = open(out, O_WRONLY | O_TRUNC | O_CLOEXEC);
		cmd = child_does(verb, "descriptor");
		brood_command_redirect_fd(cmd, child_fd, fd);
		assert_exits(cmd, 0);
		close(fd);
		assert_file(out, "descriptor");

		cmd = child_does(verb, "nowhere");
		brood_command_redirect_null(cmd, child_fd);
		assert_exits(cmd, 0);
	}
	cmd = child_does("cat");
	brood_command_redirect_path(cmd, 0, in, O_RDONLY, 0);
	assert_says(cmd, "from a file");
	cmd = child_does("cat");
	brood_command_redirect_null(cmd, 0);
	assert_says(cmd, "");
	fd = open(in, O_RDONLY | O_CLOEXEC);
	cmd = child_does("cat");
	brood_command_redirect_fd(cmd, 0, fd);
	assert_says(cmd, "from a file");
	close(fd);
	cmd = child_does("cat");
	brood_command_feed(cmd, "from memory", 11);
	assert_says(cmd, "from memory");
}

static void test_stdio_is_inherited_unless_it_is_directed(void **state)
{
	(void)state;
	on_every_engine(inherited);
}

static void test_null_paths_descriptors_and_memory_reach_each_of_0_1_2(void **state)
{
	(void)state;
	on_every_engine(each_direction);
}

static void one_file_for_both(void)
{
	char path[4096];
	brood_command *cmd;
	int fd;

	fd = open(made(path, "both", ""), O_WRONLY | O_CLOEXEC);
	cmd = child_does("interleave", "3");
	brood_command_redirect_fd(cmd, 1, fd);
	brood_command_redirect_fd(cmd, 2, fd);
	assert_exits(cmd, 0);
	close(fd);
	assert_file(path, "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");

	cmd = child_does("interleave", "2");
	brood_command_redirect_merge(cmd, 2, 1);
	assert_says(cmd, "out 1\nerr 1\nout 2\nerr 2\n");

	cmd = child_does("interleave", "2");
	brood_command_redirect_path(cmd, 2, path, O_WRONLY | O_TRUNC, 0);
	brood_command_redirect_merge(cmd, 1, 2);
	assert_exits(cmd, 0);
	assert_file(path, "out 1\nerr 1\nout 2\nerr 2\n");
}

static void test_stdout_and_stderr_share_one_file_whichever_is_merged(void **state)
{
	(void)state;
	on_every_engine(one_file_for_both);
}

/* ---- 30, 33: pipes and sockets ---- */

static void real_pipes(void)
{
	brood_command *cmd = child_does("open-dev-stdout", "again ", "fds");
	char *text;

	brood_command_feed(cmd, "x", 1);
	brood_command_capture(cmd, 2, 0);
	text = said(cmd);
	assert_int_equal(strncmp(text, "again 0 p r pipe", 16), 0);
	assert_non_null(strstr(text, "\n1 p w pipe"));
	assert_non_null(strstr(text, "\n2 p w pipe"));
	free(text);
}

static void test_the_child_s_stdio_are_blocking_pipes_that_can_be_opened_again(void **state)
{
	(void)state;
	on_every_engine(real_pipes);
}

static void hand_on_a_listener(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	brood_process *process;
	brood_command *cmd = child_does("accept", "3", "welcome");
	char *text;

	skip_unless(bind(listener, (struct sockaddr *)&address, sizeof address) == 0, "no loopback network");
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	brood_command_redirect_fd(cmd, 3, listener);
	assert_int_equal(brood_start(cmd, &process), 0);
	close(listener);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
	text = support_read_all(client, NULL);
	assert_string_equal(text, "welcome");
	free(text);
	close(client);
	assert_int_equal(brood_process_wait(process, SOON_MS), 0);
	assert_true(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
	brood_command_free(cmd);
}

static void test_a_listening_socket_can_be_handed_on(void **state)
{
	(void)state;
	on_every_engine(hand_on_a_listener);
}

/* ---- 34: contradictions ---- */

static void contradictions(void)
{
	brood_command *cmd = child_does("exit", "0");

	brood_command_redirect_null(cmd, 1);
	brood_command_capture(cmd, 1, 0);
	assert_start_fails(cmd, -EINVAL, NULL);
	cmd = child_does("exit", "0");
	brood_command_redirect_merge(cmd, 1, 2);
	brood_command_redirect_merge(cmd, 2, 1);
	assert_start_fails(cmd, -EINVAL, NULL);
	cmd = child_does("exit", "0");
	brood_command_redirect_fd(cmd, 1, -1);
	assert_start_fails(cmd, -EINVAL, NULL);
	cmd = child_does("exit", "0");
	brood_command_redirect_fd(cmd, 1, 987);
	assert_start_fails(cmd, -EBADF, "987");
	cmd = child_does("exit", "0");
	brood_command_redirect_inherit(cmd, 986);
	assert_start_fails(cmd, -EBADF, "986");
}

static void test_contradictory_directions_are_einval_and_closed_sources_ebadf(void **state)
{
	(void)state;
	on_every_engine(contradictions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_stdio_is_inherited_unless_it_is_directed),
		brood_test(test_null_paths_descriptors_and_memory_reach_each_of_0_1_2),
		brood_test(test_stdout_and_stderr_share_one_file_whichever_is_merged),
		brood_test(test_the_child_s_stdio_are_blocking_pipes_that_can_be_opened_again),
		brood_test(test_a_listening_socket_can_be_handed_on),
		brood_test(test_contradictory_directions_are_einval_and_closed_sources_ebadf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
