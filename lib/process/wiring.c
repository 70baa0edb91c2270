/* SPDX-License-Identifier: MIT */
/*
 * The descriptors of a chain while it is started: opening what commands redirect to, making the pipes between stages and the pipes whose other
 * end the handle keeps, and closing the child's ends as soon as the last stage that needs them has been started.
 *
 * A child's end that stays open in the host is an end of file that never comes.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"

enum {
	LINK_PIPE_SIZE = 256 << 10,     /* between stages: the fastest size measured */
	FEED_PIPE_SIZE = 1 << 20,
	DEFAULT_PIPE_SIZE = 64 << 10
};

/* A descriptor that one or several stages are given. */
struct opened {
	uint64_t id;            /* of the direction */
	size_t last_stage;      /* that wants it */
	int fd;
};

struct wiring {
	brood_process *process;
	const brood_command *cmd;
	const struct start_options *options;
	struct opened *opened;
	size_t opened_count;
	struct fd_want *wanted;
	size_t want_count;
	size_t next_channel;
	int upstream;           /* the pipe from the stage before, or -1 */
	int link;               /* the pipe to the next stage, or -1 */
	int link_read;
};

/* ---- how many channels there will be ---- */

static bool makes_channel(const struct direction *direction)
{
	return direction->kind == DIRECTION_PIPE || direction->kind == DIRECTION_CAPTURE || direction->kind == DIRECTION_FEED;
}

static bool stage_has(const struct stage *stage, uint64_t id)
{
	for (size_t i = 0; i < stage->direction_count; i++)
		if (stage->directions[i].id == id)
			return true;
	return false;
}

/* What several stages share is opened at the first one that has it. */
static bool seen_before(const brood_command *cmd, size_t stage, const struct direction *direction)
{
	for (size_t s = 0; s < stage; s++)
		if (stage_has(&cmd->stages[s], direction->id))
			return true;
	return false;
}

static size_t last_stage_with(const brood_command *cmd, size_t stage, uint64_t id)
{
	size_t last = stage;

	for (size_t s = stage + 1; id && s < cmd->stage_count; s++)
		if (stage_has(&cmd->stages[s], id))
			last = s;
	return last;
}

static size_t count_channels(const brood_command *cmd, size_t *ret_directions)
{
	size_t channels = 0;

	*ret_directions = 0;
	for (size_t s = 0; s < cmd->stage_count; s++) {
		const struct stage *stage = &cmd->stages[s];

		*ret_directions += stage->direction_count;
		for (size_t i = 0; i < stage->direction_count; i++)
			if (makes_channel(&stage->directions[i]) && !seen_before(cmd, s, &stage->directions[i]))
				channels++;
	}
	return channels;
}

static size_t most_directions(const brood_command *cmd)
{
	size_t most = 0;

	for (size_t s = 0; s < cmd->stage_count; s++)
		if (cmd->stages[s].direction_count > most)
			most = cmd->stages[s].direction_count;
	return most;
}

static int make_room(struct wiring *wiring, brood_process *process, const brood_command *cmd)
{
	size_t directions;
	const size_t channels = count_channels(cmd, &directions);

	/* Beside the directions: the two links, and /dev/null for a batch's stdin. */
	wiring->opened = calloc(directions + 1, sizeof *wiring->opened);
	wiring->wanted = calloc(most_directions(cmd) + 3, sizeof *wiring->wanted);
	if (!wiring->opened || !wiring->wanted)
		return -ENOMEM;
	if (channels == 0)
		return 0;
	process->channels = calloc(channels, sizeof *process->channels);
	process->result->streams = calloc(channels, sizeof *process->result->streams);
	if (!process->channels || !process->result->streams)
		return -ENOMEM;
	for (size_t i = 0; i < channels; i++)
		process->channels[i].watch.fd = -1;
	return 0;
}

int wiring_new(brood_process *process, const brood_command *cmd, const struct start_options *options, struct wiring **ret)
{
	struct wiring *wiring = calloc(1, sizeof *wiring);
	int r;

	if (!wiring)
		return -ENOMEM;
	wiring->process = process;
	wiring->cmd = cmd;
	wiring->options = options;
	wiring->upstream = wiring->link = wiring->link_read = -1;
	r = make_room(wiring, process, cmd);
	if (r < 0) {
		wiring_free(wiring);
		return r;
	}
	*ret = wiring;
	return 0;
}

/* ---- one direction ---- */

static int keep_opened(struct wiring *wiring, size_t stage, const struct direction *direction, int fd)
{
	wiring->opened[wiring->opened_count++] = (struct opened){
		.id = direction->id,
		.last_stage = last_stage_with(wiring->cmd, stage, direction->id),
		.fd = fd,
	};
	return fd;
}

/* Opened without waiting: a FIFO without a writer, a terminal without a carrier. Then it waits again, as the child expects. */
static int open_path(const struct direction *direction)
{
	int fd = open(direction->path, direction->flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, direction->mode);
	int r = 0;

	if (fd < 0)
		return -errno;
	fd = fd_above_stdio(fd);
	if (fd >= 0 && !(direction->flags & O_NONBLOCK))
		r = fd_set_nonblocking(fd, 0);
	if (r < 0) {
		fd_close(&fd);
		return r;
	}
	return fd;
}

/* The handle's end lives long, is not waited for inside read or write, and has a place among the channels; the child's end is returned. */
static int make_channel(struct wiring *wiring, size_t stage, const struct direction *direction)
{
	brood_process *process = wiring->process;
	struct channel *channel = &process->channels[wiring->next_channel];
	struct stream *stream = &process->result->streams[wiring->next_channel];
	const bool input = direction->kind == DIRECTION_FEED || (direction->kind == DIRECTION_PIPE && direction->child_fd == 0);
	int fd[2];
	int r = fd_pipe(fd);

	if (r < 0)
		return r;
	channel->input = stream->input = input;
	channel->watch.owner = wiring->options->owner;
	channel->watch.fd = fd_raise(fd[input ? 1 : 0]);
	/* Fresh from pipe2 it has no other flags to keep. */
	r = fcntl(channel->watch.fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
	if (r < 0) {
		fd_close(&channel->watch.fd);
		fd_close(&fd[input ? 0 : 1]);
		return r;
	}
	channel->kind = direction->kind == DIRECTION_PIPE ? CHANNEL_PIPE : input ? CHANNEL_FEED : CHANNEL_CAPTURE;
	channel->handed = channel->kind == CHANNEL_CAPTURE && process->on_output;
	channel->stage = stage;
	stream->stage = direction->shared ? STREAM_SHARED : stage;
	stream->last_stage = last_stage_with(wiring->cmd, stage, direction->id);
	stream->child_fd = direction->child_fd;
	stream->limit = direction->limit;
	if (channel->kind == CHANNEL_FEED) {
		channel->blob = blob_ref(direction->blob);
		channel->bytes = direction->blob->bytes;
		channel->left = direction->blob->size;
		if (channel->left > DEFAULT_PIPE_SIZE)
			fd_set_pipe_size(channel->watch.fd, FEED_PIPE_SIZE);
	}
	wiring->next_channel++;
	process->channel_count = process->result->stream_count = wiring->next_channel;
	if (channel->kind == CHANNEL_CAPTURE)
		process->open_kept++;
	return fd[input ? 0 : 1];
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int source_failure(struct failure *failure, size_t stage, const struct direction *direction, int error)
{
	switch (direction->kind) {
	case DIRECTION_PATH:
		return failure_set(failure, stage, STEP_OPEN, error, direction->path);
	case DIRECTION_NULL:
		return failure_set(failure, stage, STEP_OPEN, error, "/dev/null");
	case DIRECTION_FD:
		return failure_setf(failure, stage, STEP_DESCRIPTOR, error, "%d", direction->fd);
	case DIRECTION_INHERIT:
		return failure_setf(failure, stage, STEP_DESCRIPTOR, error, "%d", direction->child_fd);
	default:
		return failure_setf(failure, stage, STEP_PIPE, error, "%d", direction->child_fd);
	}
}

/* The parent's descriptor that this direction means, or -errno. */
static int find_source(struct wiring *wiring, size_t stage, const struct direction *direction)
{
	int fd;

	if (direction->kind == DIRECTION_FD || direction->kind == DIRECTION_INHERIT) {
		fd = direction->kind == DIRECTION_FD ? direction->fd : direction->child_fd;
		return is_open(fd) ? fd : -EBADF;
	}
	for (size_t i = 0; direction->id && i < wiring->opened_count; i++)
		if (wiring->opened[i].id == direction->id)
			return wiring->opened[i].fd;
	if (direction->kind == DIRECTION_PATH) {
		fd = open_path(direction);
	} else if (direction->kind == DIRECTION_NULL) {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd_above_stdio(fd);
	} else {
		fd = make_channel(wiring, stage, direction);
	}
	return fd < 0 ? fd : keep_opened(wiring, stage, direction, fd);
}

/* ---- one stage ---- */

static void want(struct wiring *wiring, int from, int to, bool ours)
{
	wiring->wanted[wiring->want_count++] = (struct fd_want){ .from = from, .to = to, .ours = ours };
}

/* Where the child's descriptor `fd` goes, through any number of merges; one that is not directed is the inherited one. */
static int merged_source(const struct wiring *wiring, const struct stage *stage, int fd)
{
	const struct direction *direction;

	while ((direction = stage_direction(stage, fd)) && direction->kind == DIRECTION_MERGE)
		fd = direction->fd;
	for (size_t i = 0; i < wiring->want_count; i++)
		if (wiring->wanted[i].to == fd)
			return wiring->wanted[i].from;
	return fd <= BROOD_STDERR && is_open(fd) ? fd : -EBADF;
}

static int want_merges(struct wiring *wiring, size_t index, struct failure *failure)
{
	const struct stage *stage = &wiring->cmd->stages[index];

	for (size_t i = 0; i < stage->direction_count; i++) {
		const struct direction *direction = &stage->directions[i];
		int from;

		if (direction->kind != DIRECTION_MERGE)
			continue;
		from = merged_source(wiring, stage, direction->fd);
		if (from < 0)
			return failure_setf(failure, index, STEP_DESCRIPTOR, -from, "%d", direction->fd);
		want(wiring, from, direction->child_fd, false);
	}
	return 0;
}

static int want_directions(struct wiring *wiring, size_t index, struct failure *failure)
{
	const struct stage *stage = &wiring->cmd->stages[index];

	for (size_t i = 0; i < stage->direction_count; i++) {
		const struct direction *direction = &stage->directions[i];
		int from;

		if (direction->kind == DIRECTION_MERGE)
			continue;
		from = find_source(wiring, index, direction);
		if (from < 0)
			return source_failure(failure, index, direction, -from);
		want(wiring, from, direction->child_fd, direction->kind != DIRECTION_FD && direction->kind != DIRECTION_INHERIT);
	}
	return 0;
}

static int link_to_next(struct wiring *wiring, size_t index, struct failure *failure)
{
	int fd[2];
	int r;

	if (index + 1 >= wiring->cmd->stage_count)
		return 0;
	r = fd_pipe(fd);
	if (r < 0)
		return failure_set(failure, index, STEP_PIPE, -r, "to the next stage");
	fd_set_pipe_size(fd[1], LINK_PIPE_SIZE);
	wiring->link_read = fd[0];
	wiring->link = fd[1];
	want(wiring, wiring->link, BROOD_STDOUT, true);
	return 0;
}

static int null_stdin(struct wiring *wiring, size_t index, struct failure *failure)
{
	const struct direction null = { .kind = DIRECTION_NULL, .child_fd = BROOD_STDIN };
	int fd;

	if (index > 0 || !wiring->options->stdin_null || stage_direction(&wiring->cmd->stages[0], BROOD_STDIN))
		return 0;
	fd = wiring->options->null_fd;
	if (fd < 0)
		fd = find_source(wiring, index, &null);
	if (fd < 0)
		return source_failure(failure, index, &null, -fd);
	want(wiring, fd, BROOD_STDIN, true);
	return 0;
}

int wiring_stage(struct wiring *wiring, size_t index, const struct fd_want **ret_wanted, size_t *ret_count,
                 struct failure *failure)
{
	int r;

	wiring->want_count = 0;
	if (wiring->upstream >= 0)
		want(wiring, wiring->upstream, BROOD_STDIN, true);
	r = link_to_next(wiring, index, failure);
	if (r == 0)
		r = null_stdin(wiring, index, failure);
	if (r == 0)
		r = want_directions(wiring, index, failure);
	if (r == 0)
		r = want_merges(wiring, index, failure);
	*ret_wanted = wiring->wanted;
	*ret_count = wiring->want_count;
	return r;
}

/* Close what no stage after this one wants. */
static void close_opened(struct wiring *wiring, size_t stage)
{
	size_t kept = 0;

	for (size_t i = 0; i < wiring->opened_count; i++) {
		if (wiring->opened[i].last_stage > stage)
			wiring->opened[kept++] = wiring->opened[i];
		else
			fd_close(&wiring->opened[i].fd);
	}
	wiring->opened_count = kept;
}

void wiring_stage_done(struct wiring *wiring, size_t index)
{
	fd_close(&wiring->upstream);
	fd_close(&wiring->link);
	wiring->upstream = fd_take(&wiring->link_read);
	close_opened(wiring, index);
}

void wiring_free(struct wiring *wiring)
{
	if (!wiring)
		return;
	close_opened(wiring, SIZE_MAX);
	fd_close(&wiring->upstream);
	fd_close(&wiring->link);
	fd_close(&wiring->link_read);
	free(wiring->opened);
	free(wiring->wanted);
	free(wiring);
}
