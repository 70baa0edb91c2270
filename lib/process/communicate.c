/* SPDX-License-Identifier: MIT */
/*
 * communicate: feed, drain, wait, in one call that may be cut short by its deadline and gone on with, losing nothing.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/process.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"

enum { DEFAULT_PIPE_SIZE = 64 << 10, FEED_PIPE_SIZE = 1 << 20 };

/*
 * The first call's input. It is copied when this call may return before all of it is written; a call that waits for the end
 * writes it from where it is.
 */
static int take_input(brood_process *process, const void *input, size_t size, bool may_return)
{
	struct channel *channel = process_own_channel(process, BROOD_STDIN);
	const bool ours = channel && channel->kind == CHANNEL_PIPE && channel->watch.fd >= 0;

	if (input && !ours)
		return -EINVAL;
	if (!ours)
		return 0;
	channel->bytes = input;
	if (input && may_return) {
		channel->blob = blob_new(input, size);
		if (!channel->blob)
			return -ENOMEM;
		channel->bytes = channel->blob->bytes;
	}
	channel->kind = CHANNEL_FEED;
	channel->left = size;
	if (size > DEFAULT_PIPE_SIZE)
		fd_set_pipe_size(channel->watch.fd, FEED_PIPE_SIZE);
	channel_listen(process, channel);
	return 0;
}

/* Whatever pipe the handle still owns is captured from now on, what next_line had read ahead first. */
static int collect(brood_process *process, struct channel *channel)
{
	struct stream *stream = channel_stream(process, channel);

	if (channel->kind != CHANNEL_PIPE || channel->input || channel->watch.fd < 0)
		return 0;
	buffer_consume(&channel->ahead, channel->line);
	channel->line = 0;
	if (channel->ahead.size > 0 && buffer_append(&stream->buffer, channel->ahead.data, channel->ahead.size) < 0)
		return -ENOMEM;
	buffer_done(&channel->ahead);
	channel->kind = CHANNEL_CAPTURE;
	stream->kept = true;
	process->open_kept++;
	process->drained = false;
	channel_listen(process, channel);
	return 0;
}

static int begin(brood_process *process, const void *input, size_t size, bool may_return)
{
	int r = take_input(process, input, size, may_return);

	for (size_t i = 0; r == 0 && i < process->channel_count; i++)
		r = collect(process, &process->channels[i]);
	if (r == 0)
		process->communicating = true;
	return r;
}

int brood_process_communicate(brood_process *process, const void *input, size_t size, int64_t timeout_ms)
{
	int64_t deadline_ns;
	int r;

	if (!process || !timeout_valid(timeout_ms) || (!input && size > 0))
		return -EINVAL;
	deadline_ns = deadline_after(clock_now_ns(), timeout_ms);
	if (process->communicating && input)
		return -EINVAL;
	if (!process->communicating) {
		r = begin(process, input, size, deadline_ns != DEADLINE_NEVER);
		if (r < 0)
			return r;
	}
	if (process->running == 0 && !process->drained) {
		r = process_step(process, clock_now_ns());
		if (r < 0)
			return r;
	}
	return process_run_until(process, process_finished, deadline_ns);
}
