/* SPDX-License-Identifier: MIT */
/*
 * communicate: feed, drain, wait, in one call that may be cut short by its deadline and gone on with, losing nothing.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/process.h"

#include <errno.h>

#include "base/fd.h"

enum { DEFAULT_PIPE_SIZE = 64 << 10, FEED_PIPE_SIZE = 1 << 20 };

/* The pipe to the chain's stdin as long as it is the caller's to write; NULL. */
static struct channel *input_channel(const brood_process *process)
{
	struct channel *channel = process_own_channel(process, BROOD_STDIN);

	return channel && channel->kind == CHANNEL_PIPE && channel->input && channel->watch.fd >= 0 ? channel : NULL;
}

/* Whatever pipe the handle still owns is captured from now on, what next_line had read ahead first. */
static int collect(brood_process *process, struct channel *channel)
{
	struct stream *stream = channel_stream(process, channel);
	const size_t ahead = channel->ahead.size - channel->taken;

	if (channel->kind != CHANNEL_PIPE || channel->input || (channel->watch.fd < 0 && !channel->ended))
		return 0;
	if (ahead > 0 && buffer_append(&stream->buffer, channel->ahead.data + channel->taken, ahead) < 0)
		return -ENOMEM;
	buffer_done(&channel->ahead);
	channel->taken = 0;
	channel->kind = CHANNEL_CAPTURE;
	if (channel->watch.fd < 0)
		return 0;
	process->open_kept++;
	channel_listen(process, channel);
	return 0;
}

/* The pipe is fed with this from now on, and closed after it. With a blob its bytes are written, else the caller's. */
static void feed(brood_process *process, struct channel *channel, const void *input, size_t size, struct blob *blob_take)
{
	channel->kind = CHANNEL_FEED;
	channel->bytes = blob_take ? blob_take->bytes : input;
	channel->left = size;
	channel->blob = blob_take;
	if (size > DEFAULT_PIPE_SIZE)
		fd_set_pipe_size(channel->watch.fd, FEED_PIPE_SIZE);
	channel_listen(process, channel);
}

/*
 * The first call. The input is copied when this call may return before all of it is written; a call that waits for the end writes it from
 * where it is.
 */
static int begin(brood_process *process, const void *input, size_t size, bool may_return)
{
	struct channel *channel = input_channel(process);
	struct blob *blob = NULL;
	int r = 0;

	if (input && !channel)
		return -EINVAL;
	if (input && may_return) {
		blob = blob_new(input, size);
		if (!blob)
			return -ENOMEM;
	}
	for (size_t i = 0; r == 0 && i < process->channel_count; i++)
		r = collect(process, &process->channels[i]);
	if (r < 0) {
		blob_unref(blob);
		return r;
	}
	if (channel)
		feed(process, channel, input, size, blob);
	process->communicating = true;
	/* Where every stage has ended already the end is to be wound up once more, with these ends of pipes. */
	process->drained = false;
	return 0;
}

int process_collect(brood_process *process)
{
	return begin(process, NULL, 0, true);
}

/* The caller's memory is the caller's again: what an error kept from being written never will be. */
static void let_go_of_input(brood_process *process)
{
	for (size_t i = 0; i < process->channel_count; i++) {
		struct channel *channel = &process->channels[i];

		if (channel->kind == CHANNEL_FEED && !channel->blob)
			channel_close(process, channel);
	}
}

int brood_process_communicate(brood_process *process, const void *input, size_t size, int64_t timeout_ms)
{
	int64_t deadline_ns;
	int r;

	if (!process || !timeout_valid(timeout_ms) || (!input && size > 0))
		return -EINVAL;
	if (!process_is_ours(process))
		return -ECHILD;
	if (process->communicating && input)
		return -EINVAL;
	deadline_ns = deadline_after(clock_now_ns(), timeout_ms);
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
	r = process_run_until(process, process_finished, deadline_ns);
	if (r < 0 && deadline_ns == DEADLINE_NEVER)
		let_go_of_input(process);
	return r;
}
