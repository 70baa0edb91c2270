/* SPDX-License-Identifier: MIT */
/*
 * The pump: moves bytes between the handle's ends of pipes and memory. Passive: it is told which ends are ready and never waits.
 *
 * Bulk goes fast by three things measured together: the pipe is enlarged at the first full buffer, the buffer grows on huge pages, and a read asks for
 * all the room there is.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/process.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/quiet.h"

enum {
	BULK_PIPE_SIZE = 1 << 20,
	TURN_BYTES = 8 << 20,           /* then others have their turn */
	DROP_SIZE = 8 << 10,            /* on the stack, which may be small */
	HAND_SIZE = 64 << 10            /* for bulk that is not kept: malloc has it at hand, and it stays in the processor's cache */
};

/* ---- finding channels ---- */

struct stream *channel_stream(const brood_process *process, const struct channel *channel)
{
	return &process->result->streams[channel - process->channels];
}

struct channel *process_channel(const brood_process *process, size_t stage, int child_fd)
{
	for (size_t i = 0; i < process->channel_count; i++) {
		const struct stream *stream = &process->result->streams[i];

		if (stream->child_fd == child_fd && stream->stage == stage)
			return &process->channels[i];
	}
	return NULL;
}

struct channel *process_own_channel(const brood_process *process, int child_fd)
{
	struct channel *channel = process_channel(process, STREAM_SHARED, child_fd);

	if (!channel)
		channel = process_channel(process, child_fd == BROOD_STDIN ? 0 : process->stage_count - 1, child_fd);
	return channel;
}

/* ---- opening and closing ---- */

/* The function that its bytes go to wants no more for now. */
static bool has_enough(const brood_process *process, const struct channel *channel)
{
	return channel->handed && process->enough;
}

bool channel_is_paused(const brood_process *process, const struct channel *channel)
{
	return channel->paused || has_enough(process, channel);
}

void channel_listen(brood_process *process, struct channel *channel)
{
	short wanted = 0;

	if (channel->kind != CHANNEL_PIPE && !channel_is_paused(process, channel))
		wanted = channel->input ? POLLOUT : POLLIN;
	process_watch(process, &channel->watch, wanted);
}

void channel_close(brood_process *process, struct channel *channel)
{
	if (channel->watch.fd < 0)
		return;
	process_watch(process, &channel->watch, 0);
	fd_close(&channel->watch.fd);
	channel->watch.ready = 0;
	blob_unref(channel->blob);
	channel->blob = NULL;
	channel->left = 0;
	if (channel->kind == CHANNEL_CAPTURE) {
		process->open_kept--;
		buffer_trim(&channel_stream(process, channel)->buffer);
	}
}

static void channel_end(brood_process *process, struct channel *channel)
{
	channel->ended = true;
	channel_close(process, channel);
}

/* ---- a function that has enough ---- */

static void set_enough(brood_process *process, bool enough)
{
	if (process->enough == enough)
		return;
	process->enough = enough;
	for (size_t i = 0; i < process->channel_count; i++)
		if (process->channels[i].handed)
			channel_listen(process, &process->channels[i]);
}

void process_resume(brood_process *process)
{
	set_enough(process, false);
}

int brood_process_resume(brood_process *process)
{
	if (!process)
		return -EINVAL;
	if (!process_is_ours(process))
		return -ECHILD;
	process_resume(process);
	return 0;
}

/* After the last stage's end "enough" is not heard: there is a pipe's content left, and nobody to be held back. */
static void hand(brood_process *process, const struct channel *channel, const char *bytes, size_t size)
{
	const struct stream *stream = channel_stream(process, channel);
	const bool more = process->on_output(process->on_output_data, channel->stage, stream->child_fd, bytes, size);

	if (!more && process->running > 0)
		set_enough(process, true);
}

/* ---- reading ---- */

static void pass_limit(brood_process *process, struct stream *stream, size_t kept)
{
	if (stream->over_limit)
		return;
	stream->over_limit = true;
	result_changed(process->result);
	log_line(BROOD_LOG_WARNING, "output of descriptor %d is cut at %zu bytes", stream->child_fd, kept);
	if (process->stop_on_overflow)
		process_begin_stop(process, BROOD_BY_OVERFLOW, process->grace_ms, clock_now_ns());
}

static ssize_t read_once(int fd, void *bytes, size_t size)
{
	ssize_t r;

	do
		r = read(fd, bytes, size);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

/* Near the limit or past it, or out of memory: read on, keep what is allowed and drop the rest, so that the child can end. */
static ssize_t read_and_drop(brood_process *process, struct channel *channel, size_t allowed)
{
	struct stream *stream = channel_stream(process, channel);
	char bytes[DROP_SIZE];
	ssize_t r = read_once(channel->watch.fd, bytes, allowed > 0 ? BUFFER_PACKET : sizeof bytes);

	if (r <= 0)
		return r;
	if (allowed > (size_t)r)
		allowed = (size_t)r;
	if (buffer_append(&stream->buffer, bytes, allowed) < 0 || allowed < (size_t)r)
		pass_limit(process, stream, stream->buffer.size);
	return r;
}

/* Into memory that is used again: bytes that are handed on are nobody's afterwards. */
static ssize_t read_and_hand(brood_process *process, struct channel *channel, size_t allowed, bool *ret_full)
{
	char few[DROP_SIZE];
	char *bulk = channel->grown ? malloc(HAND_SIZE) : NULL;
	char *bytes = bulk ? bulk : few;
	const size_t room = bulk ? HAND_SIZE : sizeof few;
	ssize_t r = read_once(channel->watch.fd, bytes, room);

	*ret_full = r == (ssize_t)room;
	if (r > 0 && allowed > 0)
		hand(process, channel, bytes, (size_t)r < allowed ? (size_t)r : allowed);
	if (r > 0 && (size_t)r > allowed)
		pass_limit(process, channel_stream(process, channel), channel_stream(process, channel)->limit);
	free(bulk);
	return r;
}

static ssize_t read_and_keep(struct channel *channel, struct stream *stream, size_t most, bool *ret_full)
{
	size_t room;
	char *at;
	ssize_t r;

	if (buffer_room(&stream->buffer, &at, &room) < 0)
		return -ENOMEM;
	if (room > most)
		room = most;
	r = read_once(channel->watch.fd, at, room);
	if (r > 0)
		buffer_commit(&stream->buffer, (size_t)r);
	*ret_full = r == (ssize_t)room;
	return r;
}

/* How many more before the limit. Once cut it stays cut: memory that is back would make a hole in the middle. */
static size_t allowed_bytes(const struct channel *channel, const struct stream *stream)
{
	if (stream->over_limit)
		return 0;
	if (stream->limit == 0)
		return SIZE_MAX;
	return stream->limit - (channel->handed ? (size_t)stream->bytes : stream->buffer.size);
}

/* One read. *ret_more: there may be more at once. Returns the bytes, 0 at the end, -EAGAIN, or another -errno, which ends the channel too. */
static ssize_t read_some(brood_process *process, struct channel *channel, size_t most, bool *ret_more)
{
	struct stream *stream = channel_stream(process, channel);
	const size_t allowed = allowed_bytes(channel, stream);
	bool full = true;
	ssize_t r = -ENOMEM;

	if (most > allowed)
		most = allowed;
	if (channel->handed)
		r = read_and_hand(process, channel, allowed, &full);
	else if (most >= BUFFER_PACKET)
		r = read_and_keep(channel, stream, most, &full);
	if (r == -ENOMEM)
		r = read_and_drop(process, channel, allowed < SIZE_MAX ? allowed : 0);
	*ret_more = full;
	if (r <= 0)
		return r;
	stream->bytes += (uint64_t)r;
	/* The first full buffer. Refused past the user's share of pipe memory: then the default size has to do. */
	if (!channel->grown && stream->bytes + BUFFER_PACKET >= BUFFER_SMALL) {
		channel->grown = true;
		fd_set_pipe_size(channel->watch.fd, BULK_PIPE_SIZE);
	}
	return r;
}

/* About `most` bytes. A read that leaves room has emptied the pipe, unless its writer makes packets: `read_on` until the pipe says so itself. */
static void pump_in(brood_process *process, struct channel *channel, size_t most, bool read_on)
{
	channel->watch.ready = 0;
	for (size_t done = 0; done < most;) {
		const size_t left = most - done;
		bool more;
		ssize_t r = read_some(process, channel, left > BUFFER_PACKET ? left : BUFFER_PACKET, &more);

		if (r == -EAGAIN)
			return;
		if (r <= 0) {
			/* Not the end, but nothing more will come: what is missing counts as cut, never as an output that was short. */
			if (r < 0)
				channel_stream(process, channel)->over_limit = true;
			channel_end(process, channel);
			return;
		}
		if ((!more && !read_on) || has_enough(process, channel))
			return;
		done += (size_t)r;
	}
}

void pump_drain(brood_process *process)
{
	for (size_t i = 0; i < process->channel_count; i++) {
		struct channel *channel = &process->channels[i];
		int waiting = 0;

		if (channel->kind != CHANNEL_CAPTURE || channel->watch.fd < 0)
			continue;
		if (ioctl(channel->watch.fd, FIONREAD, &waiting) < 0 || waiting < 0)
			waiting = 0;
		/* What there is, and then one more: that is how the end shows, which would otherwise count as held. */
		if (waiting > 0)
			pump_in(process, channel, (size_t)waiting, true);
		if (channel->watch.fd >= 0)
			pump_in(process, channel, 1, false);
	}
}

/* ---- writing ---- */

static void pump_out(brood_process *process, struct channel *channel)
{
	struct stream *stream = channel_stream(process, channel);
	size_t most = TURN_BYTES;

	channel->watch.ready = 0;
	while (channel->left > 0) {
		const size_t asked = channel->left < most ? channel->left : most;
		ssize_t r = quiet_write(channel->watch.fd, channel->bytes, asked);

		if (r == -EAGAIN)
			return;
		if (r < 0)
			break;          /* nobody reads any more: no error, the child decides what it needs */
		channel->bytes += r;
		channel->left -= (size_t)r;
		stream->bytes += (uint64_t)r;
		most -= (size_t)r;
		/* A short write has filled the pipe: asking again would only hold up its reader. */
		if (((size_t)r < asked || most == 0) && channel->left > 0)
			return;
	}
	channel_end(process, channel);
}

void pump_ready(brood_process *process)
{
	for (size_t i = 0; i < process->channel_count; i++) {
		struct channel *channel = &process->channels[i];

		if (!channel->watch.ready || channel->watch.fd < 0 || channel->kind == CHANNEL_PIPE)
			continue;
		if (channel->input)
			pump_out(process, channel);
		else if (has_enough(process, channel))
			channel->watch.ready = 0;       /* another channel's bytes were enough, in this same round */
		else
			/* When nobody can write any more, the end is near. */
			pump_in(process, channel, TURN_BYTES, channel->watch.ready & POLLHUP);
	}
}
