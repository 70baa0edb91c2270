/* SPDX-License-Identifier: MIT */
/*
 * Three chains inside the program's own poll(2) loop: no thread, no signal handler, and no call of the library that blocks. Each chain
 * shows one descriptor, which becomes readable whenever there is something to do for it: bytes to move, an end to see, a deadline
 * that has come (the third chain is one that never ends and has half a second). Nothing to give it:
 *
 *	poll-loop
 */
#include <brood.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *line;
	int64_t timeout_ms;
} chains[] = {
	{ "head -c 300000 /dev/zero | tr '\\0' x | wc -c", 30000 },
	{ "printf 'pear\\napple\\nfig\\n' | sort | head -n 1", 30000 },
	{ "yes | tr y n", 500 },
};

enum { CHAINS = sizeof(chains) / sizeof(chains[0]) };

/* Start one and hand out the descriptor to poll for it. */
static int start(const char *line, int64_t timeout_ms, brood_process **ret_process)
{
	brood_command *cmd = NULL;
	int r = brood_command_parse(line, &cmd);

	if (r == 0) {
		/* The third one fills any memory: keep a little, count the rest. */
		brood_command_capture(cmd, BROOD_STDOUT, 4096);
		brood_command_set_timeout_ms(cmd, timeout_ms);
		brood_command_set_name(cmd, line);
		r = brood_start(cmd, ret_process);
	}
	if (r < 0)
		fprintf(stderr, "poll-loop: %s\n",
		        *ret_process ? brood_result_describe(brood_process_result(*ret_process)) :
		        brood_command_error(cmd) ? brood_command_error(cmd) : strerror(-r));
	brood_command_free(cmd);
	return r < 0 ? r : brood_process_fd(*ret_process);
}

static void tell(const char *line, const brood_process *process)
{
	const brood_result *result = brood_process_result(process);
	const char *output = brood_result_output(result, BROOD_STDOUT, NULL);

	if (brood_result_ok(result))
		printf("%s: %.*s\n", line, (int)strcspn(output, "\n"), output);
	else
		printf("%s: %s\n", line, brood_result_describe(result));
}

/* The loop. A program of your own has other descriptors in it too, and its own timeout: the library needs none. */
static int loop(brood_process *processes[], struct pollfd *fds)
{
	for (int running = CHAINS; running > 0;) {
		if (poll(fds, CHAINS, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		for (int i = 0; i < CHAINS; i++) {
			if (fds[i].fd < 0 || fds[i].revents == 0)
				continue;
			int r = brood_process_dispatch(processes[i]);
			if (r < 0)
				return r;
			if (r == 0)
				continue;
			tell(chains[i].line, processes[i]);
			fds[i].fd = -1;         /* poll(2) leaves negative ones out */
			running--;
		}
	}
	return 0;
}

int main(void)
{
	brood_process *processes[CHAINS] = { NULL };
	struct pollfd fds[CHAINS];
	int r = 0;

	for (int i = 0; i < CHAINS && r >= 0; i++) {
		r = start(chains[i].line, chains[i].timeout_ms, &processes[i]);
		fds[i] = (struct pollfd){ .fd = r, .events = POLLIN };
	}
	if (r >= 0)
		r = loop(processes, fds);
	if (r < 0)
		fprintf(stderr, "poll-loop: %s\n", r == -ENOTSUP ? "this system has no descriptor for a chain" : strerror(-r));
	for (int i = 0; i < CHAINS; i++)
		brood_process_free(processes[i]);
	return r < 0;
}
