/* SPDX-License-Identifier: MIT */
/*
 * The chain's two outputs into our two. Where ours are one file (a terminal, 2>&1) both take the same way, and keep the order in which they came.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "relay.h"

#include <stdlib.h>
#include <unistd.h>

#include "sink.h"

/* So much waits: the chain is to wait too. */
enum { ENOUGH = 64 << 10 };

struct relay {
	struct sink sinks[2];
	size_t count;
	bool paused;
};

struct relay *relay_new(void)
{
	struct relay *relay = calloc(1, sizeof *relay);

	if (!relay)
		return NULL;
	relay->count = sink_same_file(STDOUT_FILENO, STDERR_FILENO) ? 1 : 2;
	for (size_t i = 0; i < relay->count; i++)
		sink_init(&relay->sinks[i], i == 0 ? STDOUT_FILENO : STDERR_FILENO, NULL);
	return relay;
}

static bool on_output(void *data, size_t stage, int child_fd, const char *bytes, size_t size)
{
	struct relay *relay = data;

	(void)stage;
	sink_put(&relay->sinks[relay->count == 2 && child_fd == STDERR_FILENO], bytes, size);
	relay->paused |= relay_waiting(relay) >= ENOUGH;
	return !relay->paused;
}

void relay_direct(struct relay *relay, brood_command *cmd, uint64_t limit)
{
	const size_t most = limit > SIZE_MAX ? SIZE_MAX : (size_t)limit;

	brood_command_capture(cmd, BROOD_STDOUT, most);
	brood_command_capture(cmd, BROOD_STDERR, most);
	brood_command_set_overflow(cmd, BROOD_STOP);
	brood_command_on_output(cmd, on_output, relay);
}

int relay_flush(struct relay *relay, brood_process *process)
{
	int first_error = 0;

	for (size_t i = 0; i < relay->count; i++) {
		int r = sink_flush(&relay->sinks[i]);

		if (first_error == 0)
			first_error = r;
	}
	/* After a failure too: what the chain still writes has nowhere to go and must not hold up its end. */
	if (relay->paused && relay_waiting(relay) < ENOUGH / 2) {
		relay->paused = false;
		brood_process_resume(process);
	}
	return first_error;
}

int relay_failed_fd(const struct relay *relay)
{
	return relay->count == 2 && relay->sinks[0].error == 0 ? STDERR_FILENO : STDOUT_FILENO;
}

size_t relay_poll(const struct relay *relay, struct pollfd fds[2])
{
	size_t count = 0;

	for (size_t i = 0; i < relay->count; i++)
		if (relay->sinks[i].waiting.size > 0)
			fds[count++] = (struct pollfd){ .fd = relay->sinks[i].fd, .events = POLLOUT };
	return count;
}

uint64_t relay_waiting(const struct relay *relay)
{
	uint64_t waiting = 0;

	for (size_t i = 0; i < relay->count; i++)
		waiting += relay->sinks[i].waiting.size;
	return waiting;
}

void relay_free(struct relay *relay_take)
{
	if (!relay_take)
		return;
	for (size_t i = 0; i < relay_take->count; i++)
		sink_done(&relay_take->sinks[i]);
	free(relay_take);
}
