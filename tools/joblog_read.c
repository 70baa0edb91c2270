/* SPDX-License-Identifier: MIT */
/*
 * Reading a log. It may not be one: the user may have named another file, which the run would then append to. So each line must be a record of a
 * job, and the first that is none ends it.
 *
 * The last line is the one that a crash tears. Without its newline it is whole (only the newline is missing) or the beginning of a record, or
 * the zeros that some file systems leave where data never arrived. Anything else without a newline is a file that somebody else wrote.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "joblog_read.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jsontext.h"
#include "record.h"

static int mistaken(struct joblog_reading *reading, const char *mistake)
{
	reading->mistake = mistake;
	return -EINVAL;
}

/* A record that says ok. */
static int learn_success(const json_t *record, struct done *done)
{
	char *input = NULL, *command = NULL;
	int r;

	r = record_input(record, &input);
	if (r == 0)
		r = record_command(record, &command);
	if (r == 0)
		r = done_add(done, input, command);
	free(input);
	free(command);
	return r;
}

static int learn_record(const json_t *record, struct done *done, struct joblog_reading *reading)
{
	const json_t *ok = json_object_get(record, "ok");
	int r;

	if (!json_is_boolean(ok))
		return mistaken(reading, "not the record of a job");
	r = json_is_true(ok) ? learn_success(record, done) : 0;
	return r == -EINVAL ? mistaken(reading, "not the record of a job") : r;
}

/* -EBADMSG: it is no JSON object. Want of memory must not look the same: that line would be cut off. */
static int load(const char *line, size_t size, char *skimmed, json_t **ret_record)
{
	size_t skimmed_size = joblog_skim(line, size, skimmed);
	int r = jsontext_read(skimmed_size ? skimmed : line, skimmed_size ? skimmed_size : size, 0, ret_record);

	return r == 0 && !json_is_object(*ret_record) ? -EBADMSG : r;
}

static bool is_torn(const char *line, size_t size)
{
	size_t zeros = 0;

	while (zeros < size && line[zeros] == '\0')
		zeros++;
	return zeros == size || line[0] == '{';
}

static int read_line(const char *line, size_t size, char *skimmed, struct done *done, struct joblog_reading *reading)
{
	bool unended = line[size - 1] != '\n';
	json_t *record = NULL;
	int r;

	reading->line++;
	r = load(line, unended ? size : size - 1, skimmed, &record);
	if (r == 0)
		r = learn_record(record, done, reading);
	json_decref(record);
	if (r == -EBADMSG && unended && is_torn(line, size)) {
		reading->torn = true;
		return 0;
	}
	if (r < 0)
		return r == -EBADMSG ? mistaken(reading, "not a JSON object") : r;
	reading->unended = unended;
	reading->whole += (off_t)size;
	return 0;
}

/* `skimmed` has the room that the line has. */
static int keep_room(char **skimmed, size_t *skimmed_room, size_t room)
{
	char *grown;

	if (*skimmed_room >= room)
		return 0;
	grown = realloc(*skimmed, room);
	if (!grown)
		return -ENOMEM;
	*skimmed = grown;
	*skimmed_room = room;
	return 0;
}

static int read_lines(FILE *file, struct done *done, struct joblog_reading *reading)
{
	char *line = NULL, *skimmed = NULL;
	size_t room = 0, skimmed_room = 0;
	ssize_t size;
	int r = 0;

	errno = 0;
	while (r == 0 && (size = getline(&line, &room, file)) > 0) {
		r = keep_room(&skimmed, &skimmed_room, room);
		if (r == 0)
			r = read_line(line, (size_t)size, skimmed, done, reading);
		errno = 0;
	}
	if (r == 0 && !feof(file))
		r = errno ? -errno : -EIO;
	free(line);
	free(skimmed);
	return r;
}

int joblog_read(int fd, struct done *done, struct joblog_reading *ret_reading)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	FILE *file = copy < 0 ? NULL : fdopen(copy, "r");
	int r = file ? 0 : -errno;

	*ret_reading = (struct joblog_reading){ .mistake = NULL };
	if (!file && copy >= 0)
		close(copy);
	if (!file)
		return r;
	r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : read_lines(file, done, ret_reading);
	fclose(file);
	done_trim(done);
	return r;
}
