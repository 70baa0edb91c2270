/* SPDX-License-Identifier: MIT */
/*
 * The log as a file: opened, locked, appended to. joblog_read.c reads an earlier run's, joblog_done.c keeps what is learned from it.
 *
 * A symbolic link is followed, as by a shell's >>, unless a stranger put it there (openfile.h): a log may lie on another disk. And what is there is
 * only ever appended to, after it was found to be empty or a log. What is no regular file (a FIFO, /dev/stdout) is written to and no more: there is nothing to lock or to take back.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "joblog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "joblog_done.h"
#include "joblog_lock.h"
#include "joblog_read.h"
#include "jsontext.h"
#include "openfile.h"
#include "record.h"
#include "whole.h"

struct joblog {
	int fd;
	bool regular;
	bool half;              /* behind `end` there is part of a line that could not be taken back yet */
	off_t end;
	char *line;             /* room for one, kept for the next */
	size_t room;
	struct done done;
	bool torn;
};

static int fail(const char *path, const char *what, int error, char **ret_why)
{
	if (asprintf(ret_why, "--log: '%s': %s", path, what) < 0)
		*ret_why = NULL;
	return error;
}

/* ---- opening ---- */

/* O_NONBLOCK: a FIFO that nobody reads is an error now instead of a wait. It is taken back, for writing must not lose what a slow reader leaves. */
static int open_file(struct joblog *log, const char *path, bool resume)
{
	int flags = (resume ? O_RDWR : O_WRONLY) | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat st;

	log->fd = openfile(path, flags, 0666);
	if (log->fd < 0)
		return log->fd;
	if (fstat(log->fd, &st) < 0)
		return -errno;
	log->regular = S_ISREG(st.st_mode);
	return fcntl(log->fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

static int refuse_to_resume(const char *path, char **ret_why)
{
	return fail(path, "not a regular file: there is nothing to resume from", -EINVAL, ret_why);
}

static int open_log(struct joblog *log, const char *path, bool resume, char **ret_why)
{
	int r = open_file(log, path, resume);

	if (r == -ENXIO)
		return fail(path, "nobody reads it", r, ret_why);
	if (r < 0)
		return fail(path, strerror(-r), r, ret_why);
	return resume && !log->regular ? refuse_to_resume(path, ret_why) : 0;
}

static int lock(struct joblog *log, const char *path, char **ret_why)
{
	char text[64] = "in use by another process";
	pid_t holder;
	int r = joblog_lock(log->fd, &holder);

	if (holder > 0)
		snprintf(text, sizeof(text), "in use by process %d", (int)holder);
	return r < 0 ? fail(path, r == -EBUSY ? text : strerror(-r), r, ret_why) : 0;
}

static int check_empty(struct joblog *log, const char *path, char **ret_why)
{
	struct stat st;

	if (fstat(log->fd, &st) < 0)
		return fail(path, strerror(errno), -errno, ret_why);
	if (st.st_size > 0)
		return fail(path, "there is something in it already (--resume goes on with an earlier log)", -EEXIST, ret_why);
	return 0;
}

/* ---- writing ---- */

/* What another process appended meanwhile is not ours to cut off. */
static int find_end(struct joblog *log)
{
	struct stat st;

	if (!log->regular)
		return 0;
	if (fstat(log->fd, &st) < 0)
		return -errno;
	log->end = st.st_size;
	return 0;
}

static int cut_half(struct joblog *log)
{
	if (!log->half)
		return 0;
	if (ftruncate(log->fd, log->end) < 0)
		return -errno;
	log->half = false;
	return 0;
}

/* All of it, or nothing. As long as an earlier half cannot be taken back nothing is written behind it. */
static int append(struct joblog *log, const char *bytes, size_t size)
{
	int r = cut_half(log);

	if (r == 0)
		r = find_end(log);
	if (r < 0)
		return r;
	r = write_whole(log->fd, bytes, size);
	if (r < 0 && log->regular) {
		log->half = true;
		cut_half(log);
	}
	return r;
}

/* ---- going on with an earlier run ---- */

static int mend_end(struct joblog *log, const struct joblog_reading *reading)
{
	log->torn = reading->torn;
	if (reading->torn)
		return ftruncate(log->fd, reading->whole) < 0 ? -errno : 0;
	return reading->unended ? append(log, "\n", 1) : 0;
}

static int read_earlier(struct joblog *log, const char *path, struct joblog_reading *ret_reading, char **ret_why)
{
	int r = joblog_read(log->fd, &log->done, ret_reading);

	if (r < 0 && ret_reading->mistake) {
		if (asprintf(ret_why, "--log: '%s', line %" PRIu64 ": %s", path, ret_reading->line, ret_reading->mistake) < 0)
			*ret_why = NULL;
		return r;
	}
	return r < 0 ? fail(path, strerror(-r), r, ret_why) : 0;
}

static int learn(struct joblog *log, const char *path, char **ret_why)
{
	struct joblog_reading reading;
	int r = read_earlier(log, path, &reading, ret_why);

	if (r < 0)
		return r;
	r = mend_end(log, &reading);
	return r < 0 ? fail(path, strerror(-r), r, ret_why) : 0;
}

int joblog_new(const char *path, bool resume, struct joblog **ret_log, char **ret_why)
{
	struct joblog *log = calloc(1, sizeof(*log));
	int r;

	*ret_log = NULL;
	*ret_why = NULL;
	if (!log)
		return -ENOMEM;
	log->fd = -1;
	r = open_log(log, path, resume, ret_why);
	if (r == 0 && log->regular)
		r = lock(log, path, ret_why);
	if (r == 0 && log->regular)
		r = resume ? learn(log, path, ret_why) : check_empty(log, path, ret_why);
	if (r < 0)
		goto out;
	*ret_log = log;
	log = NULL;
out:
	joblog_finish(log);
	return r;
}

static int peek(struct joblog *log, const char *path, char **ret_why)
{
	struct joblog_reading reading;
	struct stat st;
	int r;

	log->fd = openfile(path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	if (log->fd == -ENOENT)
		return 0;
	r = log->fd < 0 ? log->fd : fstat(log->fd, &st) < 0 ? -errno : 0;
	if (r < 0)
		return fail(path, strerror(-r), r, ret_why);
	if (!S_ISREG(st.st_mode))
		return refuse_to_resume(path, ret_why);
	return read_earlier(log, path, &reading, ret_why);
}

int joblog_peek(const char *path, struct joblog **ret_log, char **ret_why)
{
	struct joblog *log = calloc(1, sizeof(*log));
	int r;

	*ret_log = NULL;
	*ret_why = NULL;
	if (!log)
		return -ENOMEM;
	r = peek(log, path, ret_why);
	if (r < 0)
		joblog_finish(log);
	else
		*ret_log = log;
	return r;
}

/* ---- in use ---- */

bool joblog_take_done(struct joblog *log, const char *input, const char *command)
{
	return done_take(&log->done, input, command);
}

uint64_t joblog_done_count(const struct joblog *log)
{
	return log->done.lines;
}

bool joblog_was_torn(const struct joblog *log)
{
	return log->torn;
}

/* The record as a line in log->line; its size, or -ENOMEM. */
static ssize_t make_line(struct joblog *log, const json_t *record)
{
	ssize_t size = jsontext_put(record, log->line, log->room, JSON_COMPACT | RECORD_REALS);

	if (size >= 0 && (size_t)size >= log->room) {
		const size_t room = (size_t)size + 1024;
		char *line = realloc(log->line, room);

		if (!line)
			return -ENOMEM;
		log->line = line;
		log->room = room;
		size = jsontext_put(record, log->line, log->room, JSON_COMPACT | RECORD_REALS);
	}
	if (size < 0)
		return size;
	log->line[size] = '\n';
	return size + 1;
}

int joblog_append(struct joblog *log, const json_t *record)
{
	ssize_t size = make_line(log, record);

	return size < 0 ? (int)size : append(log, log->line, (size_t)size);
}

/* A close that is interrupted has closed. */
static int sync_and_close(struct joblog *log)
{
	int r = cut_half(log);

	if (log->regular && fdatasync(log->fd) < 0 && r == 0)
		r = -errno;
	if (close(log->fd) < 0 && errno != EINTR && r == 0)
		r = -errno;
	return r;
}

int joblog_finish(struct joblog *log_take)
{
	int r = 0;

	if (!log_take)
		return 0;
	if (log_take->fd >= 0)
		r = sync_and_close(log_take);
	done_free(&log_take->done);
	free(log_take->line);
	free(log_take);
	return r;
}
