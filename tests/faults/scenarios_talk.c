/* SPDX-License-Identifier: MIT */
/*
 * Scenarios that talk with what runs: communicate, streaming by hand, an event loop of one's own.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "scenario.h"

/* A call on a running handle failed: told, and the handle is freed by the caller. */
static bool goes_on(int r, const char *what)
{
	if (r < 0)
		failed_well(r, what);
	return r >= 0;
}

/* Waited for to its end. The result is the handle's. */
static bool ends_well(brood_process *process)
{
	return goes_on(brood_process_wait(process, SOON_MS), "wait") && claims_success(0, brood_process_result(process));
}

static brood_command *both_pipes(brood_command *cmd)
{
	brood_command_redirect_pipe(cmd, BROOD_STDIN);
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
	return cmd;
}

/* ---- communicate ---- */

static void communicate(void)
{
	brood_process *process;

	if (starts(both_pipes(child("upper")), &process) &&
	    goes_on(brood_process_communicate(process, "said", 4, SOON_MS), "communicate") && claims_success(0, brood_process_result(process))) {
		output_is(brood_process_result(process), BROOD_STDOUT, "SAID");
		done_well();
	}
	brood_process_free(process);
}

static void communicate_much(void)
{
	static char bytes[100 << 10];
	brood_process *process;

	memset(bytes, 'c', sizeof bytes);
	if (starts(both_pipes(child("cat")), &process) &&
	    goes_on(brood_process_communicate(process, bytes, sizeof bytes, SOON_MS), "communicate") &&
	    claims_success(0, brood_process_result(process))) {
		output_has_size(brood_process_result(process), BROOD_STDOUT, sizeof bytes, 'c');
		done_well();
	}
	brood_process_free(process);
}

/* A deadline in the middle loses nothing. */
static void communicate_in_two(void)
{
	brood_process *process;
	int r;

	if (!starts(both_pipes(child("cat-slow", "2", "10")), &process))
		goto out;
	r = brood_process_communicate(process, "bit by bit", 10, 5);
	if (r == -ETIMEDOUT)
		r = brood_process_communicate(process, NULL, 0, SOON_MS);
	if (goes_on(r, "communicate") && claims_success(0, brood_process_result(process))) {
		output_is(brood_process_result(process), BROOD_STDOUT, "bit by bit");
		done_well();
	}
out:
	brood_process_free(process);
}

/* ---- by hand ---- */

static void read_by_hand(void)
{
	brood_process *process;
	char bytes[64];
	size_t have = 0;
	ssize_t n = 0;

	if (!starts(both_pipes(child("cat")), &process))
		goto out;
	if (!goes_on(brood_process_write(process, "by hand", 7, SOON_MS, NULL), "write") ||
	    !goes_on(brood_process_close(process, BROOD_STDIN), "close"))
		goto out;
	while (have < sizeof bytes && (n = brood_process_read(process, BROOD_STDOUT, SOON_MS, bytes + have, sizeof bytes - have)) > 0)
		have += (size_t)n;
	if (goes_on((int)n, "read") && ends_well(process)) {
		must(have == 7 && memcmp(bytes, "by hand", 7) == 0);
		done_well();
	}
out:
	brood_process_free(process);
}

static void lines(void)
{
	static const char *const expected[] = { "line 1", "line 2", "line 3" };
	brood_command *cmd = child("lines", "3");
	brood_process *process;
	const char *line;
	size_t count = 0;
	int r;

	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
	if (!starts(cmd, &process))
		goto out;
	while ((r = brood_process_next_line(process, BROOD_STDOUT, SOON_MS, &line, NULL)) == 1) {
		if (!must(count < 3) || !must(strcmp(line, expected[count]) == 0))
			goto out;
		count++;
	}
	if (goes_on(r, "next_line") && ends_well(process)) {
		must(count == 3);
		done_well();
	}
out:
	brood_process_free(process);
}

static void questions(void)
{
	brood_process *process;
	const char *line = "";
	int r = 0;

	if (!starts(both_pipes(child("qa")), &process))
		goto out;
	for (int i = 0; r >= 0 && i < 3; i++) {
		r = brood_process_write(process, "question 7\n", 11, SOON_MS, NULL);
		if (r == 0)
			r = brood_process_next_line(process, BROOD_STDOUT, SOON_MS, &line, NULL);
		if (r == 1) {
			must(strcmp(line, "answer 7") == 0);
		} else if (r == 0) {
			/* It ended before the answer: then it ended badly. */
			if (goes_on(brood_process_wait(process, SOON_MS), "wait"))
				must(!claims_success(0, brood_process_result(process)));
			goto out;
		}
	}
	if (goes_on(r, "dialog") && goes_on(brood_process_close(process, BROOD_STDIN), "close") && ends_well(process))
		done_well();
out:
	brood_process_free(process);
}

/* One child's output is the next one's input, joined by hand. */
static void joined_by_hand(void)
{
	brood_command *first = child("print", "handed over"), *second = child("upper");
	brood_process *left = NULL, *right = NULL;
	int fd = -1;

	brood_command_redirect_pipe(first, BROOD_STDOUT);
	brood_command_set_grace_ms(first, SHORT_GRACE_MS);
	brood_command_set_grace_ms(second, SHORT_GRACE_MS);
	if (!starts(first, &left)) {
		brood_command_free(second);
		goto out;
	}
	fd = brood_process_parent_fd(left, BROOD_STDOUT);
	if (!goes_on(fd, "parent_fd")) {
		brood_command_free(second);
		goto out;
	}
	brood_command_redirect_fd(second, BROOD_STDIN, fd);
	brood_command_capture(second, BROOD_STDOUT, 0);
	if (starts(second, &right) && ends_well(left) && ends_well(right)) {
		output_is(brood_process_result(right), BROOD_STDOUT, "HANDED OVER");
		done_well();
	}
out:
	brood_process_free(right);
	brood_process_free(left);
	if (fd >= 0)
		close(fd);
}

/* ---- waiting ---- */

static void start_and_wait(void)
{
	brood_process *process;

	if (starts(child("exit", "0"), &process) && ends_well(process)) {
		must(brood_result_exit_code(brood_process_result(process), 0) == 0);
		done_well();
	}
	brood_process_free(process);
}

static void start_and_poll(void)
{
	brood_command *cmd = child("print", "polled");
	brood_process *process;
	int r = 0;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
	if (!starts(cmd, &process))
		goto out;
	while (r == 0) {
		r = brood_process_poll(process);
		if (r == 0 && brood_process_wait(process, 1) == -ETIMEDOUT)
			r = 0;
	}
	if (goes_on(r, "poll") && claims_success(0, brood_process_result(process))) {
		output_is(brood_process_result(process), BROOD_STDOUT, "polled");
		done_well();
	}
out:
	brood_process_free(process);
}

/* A loop of the host's: poll(2) on the handle's one descriptor. */
static void own_loop(void)
{
	brood_command *cmd = brood_pipe(child("print", "in a loop"), child("upper"));
	struct pollfd ready = { .events = POLLIN };
	brood_process *process;
	int r = 0;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_set_timeout_ms(cmd, SOON_MS);
	brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
	if (!starts(cmd, &process))
		goto out;
	ready.fd = brood_process_fd(process);
	if (!goes_on(ready.fd, "fd"))
		goto out;
	while (r == 0) {
		int n = poll(&ready, 1, SOON_MS);

		if (n < 0 && errno != EINTR && !goes_on(-errno, "the scenario's own poll"))
			goto out;
		if (n == 0 && !must(!"the descriptor told nothing for 8 seconds"))
			goto out;
		r = brood_process_dispatch(process);
	}
	if (goes_on(r, "dispatch") && claims_success(0, brood_process_result(process))) {
		output_is(brood_process_result(process), BROOD_STDOUT, "IN A LOOP");
		done_well();
	}
out:
	brood_process_free(process);
}

const struct scenario talk_scenarios[] = {
	{ .name = "communicate", .run = communicate },
	{ .name = "communicate, by fork", .run = communicate, .engine = "fork" },
	{ .name = "communicate 100 KiB", .run = communicate_much },
	{ .name = "communicate, cut and gone on with", .run = communicate_in_two },
	{ .name = "write and read by hand", .run = read_by_hand },
	{ .name = "write and read, without pidfds", .run = read_by_hand, .engine = "posix" },
	{ .name = "lines", .run = lines },
	{ .name = "questions and answers", .run = questions },
	{ .name = "joined by hand", .run = joined_by_hand },
	{ .name = "start and wait", .run = start_and_wait },
	{ .name = "start and wait, without pidfds", .run = start_and_wait, .engine = "posix" },
	{ .name = "start and poll", .run = start_and_poll },
	{ .name = "own event loop", .run = own_loop, .flags = NEEDS_PIDFD },
	{ .name = "own event loop, by fork", .run = own_loop, .engine = "fork", .flags = NEEDS_PIDFD },
	{ .name = NULL },
};
