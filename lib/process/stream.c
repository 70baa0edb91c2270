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

		/* A reader that keeps up is no reason to outstay the deadline. */
		if (n > 0 && (size_t)n < size - *written && deadline_passed(deadline_ns, clock_now_ns()))
			r = -ETIMEDOUT;
		else if (n == -EAGAIN)
			r = await(process, channel, deadline_ns);
		else if (n < 0)
			r = (int)n;
		if (n > 0) {
			*written += (size_t)n;
			channel_stream(process, channel)->bytes += (uint64_t)n;
		}
		if (r == 0)
			r = process_touch(process);
		if (r < 0)
			return r;
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
	if (!process_is_ours(process))
		return -ECHILD;
	r = write_all(process, channel, bytes, size, deadline_after(clock_now_ns(), timeout_ms), &written);
	if (ret_written)
		*ret_written = written;
	return r;
}

/* ---- reading ---- */

/* Bytes from the pipe into memory: how many, 0 at the end, -ETIMEDOUT, -errno. */
static ssize_t read_wait(brood_process *process, struct channel *channel, void *bytes, size_t size, int64_t deadline_ns)
{
	int r = process_touch(process);

	while (r == 0) {
		ssize_t n;

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
	}
	return r;
}

static ssize_t read_channel(brood_process *process, struct channel *channel, int64_t timeout_ms, void *bytes, size_t size)
{
	if (!pipe_channel(channel, false) || (channel->watch.fd < 0 && !channel->ended))
		return -EBADF;
	if (!process_is_ours(process))
		return -ECHILD;
	if (size == 0)
		return 0;
	if (channel->ahead.size > channel->taken) {
		if (size > channel->ahead.size - channel->taken)
			size = channel->ahead.size - channel->taken;
		memcpy(bytes, channel->ahead.data + channel->taken, size);
		channel->taken += size;
		return (ssize_t)size;
	}
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

/* More bytes behind those that are there: 1, 0 at the end, -ETIMEDOUT, -errno. Moves the rest to the front: not once for each line. */
static int read_ahead(brood_process *process, struct channel *channel, int64_t deadline_ns)
{
	size_t room;
	char *at;
	ssize_t n;

	buffer_consume(&channel->ahead, channel->taken);
	channel->taken = 0;
	if (buffer_room(&channel->ahead, &at, &room) < 0)
		return -ENOMEM;
	n = read_wait(process, channel, at, room, deadline_ns);
	if (n > 0)
		buffer_commit(&channel->ahead, (size_t)n);
	return n < 0 ? (int)n : n > 0;
}

/* 1 with the line, 0 at the end with nothing left, -ETIMEDOUT, -errno. *ret_size does not count the newline. */
static int take_line(brood_process *process, struct channel *channel, int64_t deadline_ns, char **ret_line, size_t *ret_size)
{
	struct buffer *ahead = &channel->ahead;
	size_t searched = 0;
	int r = 1;

	do {
		const size_t there = ahead->size - channel->taken;
		char *line = there > 0 ? ahead->data + channel->taken : NULL;
		char *newline = there > searched ? memchr(line + searched, '\n', there - searched) : NULL;

		if (newline || (r == 0 && there > 0)) {
			*ret_line = line;
			*ret_size = newline ? (size_t)(newline - line) : there;
			channel->taken += *ret_size + (newline ? 1 : 0);
			line[*ret_size] = '\0';
			return 1;
		}
		/* A child that never writes a newline is no reason to outstay the deadline. */
		if (r == 0 || (searched > 0 && deadline_passed(deadline_ns, clock_now_ns())))
			return r == 0 ? 0 : -ETIMEDOUT;
		searched = there;
		r = read_ahead(process, channel, deadline_ns);
	} while (r >= 0);
	return r;
}

int brood_process_next_line(brood_process *process, int child_fd, int64_t timeout_ms, const char **ret_line, size_t *ret_size)
{
	struct channel *channel;
	char *line = NULL;
	size_t size = 0;
	int r;

	if (!process || !timeout_valid(timeout_ms) || !ret_line)
		return -EINVAL;
	channel = pipe_channel(process_own_channel(process, child_fd), false);
	if (!channel || (channel->watch.fd < 0 && !channel->ended))
		return -EBADF;
	if (!process_is_ours(process))
		return -ECHILD;
	r = take_line(process, channel, deadline_after(clock_now_ns(), timeout_ms), &line, &size);
	if (r == 1) {
		*ret_line = line;
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
	if (!process_is_ours(process))
		return -ECHILD;
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
	if (!process_is_ours(process))
		return -ECHILD;
	if (channel->ahead.size > channel->taken)
		return -EBUSY;
	r = fd_set_nonblocking(channel->watch.fd, 0);
	if (r < 0)
		return r;
	process_watch(process, &channel->watch, 0);
	return fd_take(&channel->watch.fd);
}
