/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a log that is resumed: they may come from a crash, or be no log at all. A file that is refused is left as it was; one that is taken
 * is whole lines afterwards, and is taken again, with the same jobs done, by the next run. What is left out of a line before it
 * is parsed changes nothing that is asked for.
 */
#include "fuzz/fuzz.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "joblog.h"
#include "joblog_read.h"

static bool holds_the_same(int fd, const uint8_t *data, size_t size)
{
	char *bytes = malloc(size + 1);
	bool same;

	FUZZ_CHECK(bytes != NULL);
	same = pread(fd, bytes, size + 1, 0) == (ssize_t)size && memcmp(bytes, data, size) == 0;
	free(bytes);
	return same;
}

static void check_whole_lines(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char last = '\n';

	FUZZ_CHECK(size == 0 || pread(fd, &last, 1, size - 1) == 1);
	FUZZ_CHECK(last == '\n');
}

static void check_resumed(const uint8_t *data, size_t size)
{
	int fd = memfd_create("log", MFD_CLOEXEC);
	struct joblog *log;
	char path[64], *why;
	uint64_t done;

	FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (joblog_new(path, true, &log, &why) < 0) {
		FUZZ_CHECK(why && holds_the_same(fd, data, size));
		free(why);
		goto out;
	}
	check_whole_lines(fd);
	done = joblog_done_count(log);
	FUZZ_CHECK(joblog_finish(log) == 0);
	FUZZ_CHECK(joblog_new(path, true, &log, &why) == 0);
	FUZZ_CHECK(!joblog_was_torn(log) && joblog_done_count(log) == done);
	joblog_finish(log);
out:
	close(fd);
}

/* A line that both take means the same to both. Jansson's object of the whole line is the measure. */
static void check_skimmed(const char *line, size_t size)
{
	static const char *const names[] = { "ok", "input", "input_hex", "command", "command_hex" };
	char *skimmed = malloc(size + 1);
	size_t skimmed_size;
	json_t *whole, *part;

	FUZZ_CHECK(skimmed != NULL);
	skimmed_size = joblog_skim(line, size, skimmed);
	whole = json_loadb(line, size, 0, NULL);
	if (skimmed_size > 0 && json_is_object(whole)) {
		part = json_loadb(skimmed, skimmed_size, 0, NULL);
		FUZZ_CHECK(json_is_object(part));
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			const json_t *one = json_object_get(whole, names[i]), *other = json_object_get(part, names[i]);

			FUZZ_CHECK(one == other || json_equal(one, other));
		}
		json_decref(part);
	}
	json_decref(whole);
	free(skimmed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data, *end = line + size;

	check_resumed(data, size);
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));

		check_skimmed(line, (size_t)((newline ? newline : end) - line));
		line = newline ? newline + 1 : end;
	}
	return 0;
}
