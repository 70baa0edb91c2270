/* SPDX-License-Identifier: MIT */
/*
 * Streaming: the caller's own reading and writing through pipes that a command was given by brood_command_redirect_pipe, each call with a deadline.
 *
 * While one of these waits, everything else of the handle goes on: captures, feeds, reaping, the budget.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/process.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/quiet.h"

/* ---- waiting for one end ---- */

/* 0 once it may be ready, -ETIMEDOUT, -errno. */
static int await(brood_process *process, struct channel *channel, int64_t deadline_ns)
{
	int r;

	process_watch(process, &channel->watch, channel->input ? POLLOUT : POLLIN);
	do {
		r = process_turn(process, deadline_ns);
		if (r == 0 && !channel->watch.ready && deadline_passed(deadline_ns, clock_now_ns()))
			r = -ETIMEDOUT;
	} while (r == 0 && !channel->watch.ready && channel->watch.fd >= 0 && !process->blind);
	channel->watch.ready = 0;
	process_watch(process, &channel->watch, 0);
	return r;
}

static struct channel *pipe_channel(struct channel *channel, bool input)
{
	return channel && channel->kind == CHANNEL_PIPE && channel->input == input ? channel : NULL;
}

/* ---- writing ---- */

static int write_all(brood_process *process, struct channel *channel, const char *bytes, size_t size, int64_t deadline_ns,
                     size_t *written)
{
	while (*written < size) {
		ssize_t n = quiet_write(channel->watch.fd, bytes + *written, size - *written);
		int r = 0;

		if (n == -EAGAIN)
			r = await(process, channel, deadline_ns);
		else if (n < 0)
			r = (int)n;
		if (r < 0)
			return r;
		if (n > 0) {
			*written += (size_t)n;
			channel_stream(process, channel)->bytes += (uint64_t)n;
		}
	}
	return 0;
}

int brood_process_write(brood_process *process, const void *bytes, size_t size, int64_t timeout_ms, size_t *ret_written)
{
	struct channel *channel;
	size_t written = 0;
	int r;

	if (ret_written)
		*ret_written = 0;
	if (!process || !timeout_valid(timeout_ms) || (!bytes && size > 0))
		return -EINVAL;
	channel = pipe_channel(process_own_channel(process, BROOD_STDIN), true);
	if (!channel || channel->watch.fd < 0)
		return -EBADF;
	r = write_all(process, channel, bytes, size, deadline_after(clock_now_ns(), timeout_ms), &written);
	if (ret_written)
		*ret_written = written;
	return r;
}

/* ---- reading ---- */

/* Bytes from the pipe into memory: how many, 0 at the end, -ETIMEDOUT, -errno. */
static ssize_t read_wait(brood_process *process, struct channel *channel, void *bytes, size_t size, int64_t deadline_ns)
{
	for (;;) {
		ssize_t n;
		int r;

		if (channel->watch.fd < 0)
			return 0;
		n = read(channel->watch.fd, bytes, size);
		if (n > 0) {
			channel_stream(process, channel)->bytes += (uint64_t)n;
			return n;
		}
		if (n == 0) {
			channel->ended = true;
			channel_close(process, channel);
			return 0;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = errno == EINTR ? 0 : await(process, channel, deadline_ns);
		if (r < 0)
			return r;
	}
}

/* What the last next_line gave out is the caller's until now. */
static void drop_line(struct channel *channel)
{
	buffer_consume(&channel->ahead, channel->line);
	channel->line = 0;
}

static ssize_t read_channel(brood_process *process, struct channel *channel, int64_t timeout_ms, void *bytes, size_t size)
{
	if (!pipe_channel(channel, false) || (channel->watch.fd < 0 && !channel->ended))
		return -EBADF;
	drop_line(channel);
	if (channel->ahead.size > 0) {
		if (size > channel->ahead.size)
			size = channel->ahead.size;
		memcpy(bytes, channel->ahead.data, size);
		buffer_consume(&channel->ahead, size);
		return (ssize_t)size;
	}
	if (size == 0)
		return 0;
	return read_wait(process, channel, bytes, size, deadline_after(clock_now_ns(), timeout_ms));
}

ssize_t brood_process_read(brood_process *process, int child_fd, int64_t timeout_ms, void *ret_bytes, size_t size)
{
	if (!process || !timeout_valid(timeout_ms) || (!ret_bytes && size > 0))
		return -EINVAL;
	return read_channel(process, process_own_channel(process, child_fd), timeout_ms, ret_bytes, size);
}

ssize_t brood_process_read_stage(brood_process *process, size_t stage, int child_fd, int64_t timeout_ms, void *ret_bytes,
                                 size_t size)
{
	if (!process || stage >= process->stage_count || !timeout_valid(timeout_ms) || (!ret_bytes && size > 0))
		return -EINVAL;
	return read_channel(process, process_channel(process, stage, child_fd), timeout_ms, ret_bytes, size);
}

/* ---- lines ---- */

/* 1 with a line in the buffer, 0 at the end with nothing left, -ETIMEDOUT, -errno. *ret_size does not count the newline. */
static int fill_line(brood_process *process, struct channel *channel, int64_t deadline_ns, size_t *ret_size)
{
	struct buffer *ahead = &channel->ahead;
	size_t searched = 0;

	for (;;) {
		const char *newline = ahead->size > searched ? memchr(ahead->data + searched, '\n', ahead->size - searched) : NULL;
		size_t room;
		char *at;
		ssize_t n;

		if (newline) {
			*ret_size = (size_t)(newline - ahead->data);
			channel->line = *ret_size + 1;
			return 1;
		}
		searched = ahead->size;
		if (buffer_room(ahead, &at, &room) < 0)
			return -ENOMEM;
		n = read_wait(process, channel, at, room, deadline_ns);
		if (n < 0)
			return (int)n;
		if (n == 0) {
			*ret_size = channel->line = ahead->size;
			return ahead->size > 0;
		}
		buffer_commit(ahead, (size_t)n);
	}
}

int brood_process_next_line(brood_process *process, int child_fd, int64_t timeout_ms, const char **ret_line, size_t *ret_size)
{
	struct channel *channel;
	size_t size = 0;
	int r;

	if (!process || !timeout_valid(timeout_ms) || !ret_line)
		return -EINVAL;
	channel = pipe_channel(process_own_channel(process, child_fd), false);
	if (!channel || (channel->watch.fd < 0 && !channel->ended))
		return -EBADF;
	drop_line(channel);
	r = fill_line(process, channel, deadline_after(clock_now_ns(), timeout_ms), &size);
	if (r == 1) {
		channel->ahead.data[size] = '\0';
		*ret_line = channel->ahead.data;
		if (ret_size)
			*ret_size = size;
	}
	return r;
}

/* ---- closing and handing over ---- */

int brood_process_close(brood_process *process, int child_fd)
{
	struct channel *channel;

	if (!process)
		return -EINVAL;
	channel = process_own_channel(process, child_fd);
	if (!channel || channel->kind != CHANNEL_PIPE || channel->watch.fd < 0)
		return -EBADF;
	channel_close(process, channel);
	return 0;
}

int brood_process_parent_fd(brood_process *process, int child_fd)
{
	struct channel *channel;
	int r;

	if (!process)
		return -EINVAL;
	channel = process_own_channel(process, child_fd);
	if (!channel || channel->kind != CHANNEL_PIPE || channel->watch.fd < 0)
		return -EBADF;
	drop_line(channel);
	if (channel->ahead.size > 0)
		return -EBUSY;
	r = fd_set_nonblocking(channel->watch.fd, 0);
	if (r < 0)
		return r;
	process_watch(process, &channel->watch, 0);
	return fd_take(&channel->watch.fd);
}
