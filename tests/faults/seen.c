/* SPDX-License-Identifier: MIT */
/*
 * What a run of the command left to be seen: bytes, files, and words on standard error. All of it happens in the supervisor, under no fault.
 */
#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errnos.h"

enum { WORDS_SHOWN = 500 };

static char folder[PATH_MAX];

/* ---- reading ---- */

char *seen_file(const char *name, size_t *ret_size)
{
	char path[PATH_MAX + 100], *bytes = NULL;
	struct stat st;
	ssize_t size = -1;
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0)
		bytes = malloc((size_t)st.st_size + 1);
	if (bytes)
		size = read(fd, bytes, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	if (bytes)
		bytes[size > 0 ? size : 0] = '\0';
	*ret_size = size > 0 ? (size_t)size : 0;
	return bytes;
}

void seen_begin(struct seen *ret, const struct ended *ended)
{
	char name[32];
	size_t size;

	snprintf(name, sizeof name, "%ld", (long)ended->pid);
	snprintf(folder, sizeof folder, "%s", file_path(name));
	*ret = (struct seen){ .ended = ended };
	ret->out = seen_file("stdout", &ret->out_size);
	ret->err = seen_file("stderr", &size);
	if (!ret->out || !ret->err)
		wrong("its outputs are gone");
}

/* ---- what should be ---- */

void seen_miss(struct seen *seen, const char *format, ...)
{
	va_list list;

	if (seen->miss[0])
		return;
	va_start(list, format);
	vsnprintf(seen->miss, sizeof seen->miss, format, list);
	va_end(list);
}

void seen_status(struct seen *seen, int status)
{
	if (seen->ended->status != status)
		seen_miss(seen, "the status is %d in place of %d", seen->ended->status, status);
}

void seen_output(struct seen *seen, const char *bytes, size_t size)
{
	const size_t least = size < seen->out_size ? size : seen->out_size;

	if (!seen->out)
		return;
	if (seen->out_size > size || memcmp(seen->out, bytes, least) != 0)
		wrong("standard output has what nobody wrote: '%.60s'", seen->out);
	else if (seen->out_size < size)
		seen_miss(seen, "standard output has %zu bytes of %zu", seen->out_size, size);
}

void seen_errors(struct seen *seen, const char *pattern)
{
	if (seen->err && !seen->ended->unheard && fnmatch(pattern, seen->err, 0) != 0)
		seen_miss(seen, "standard error is '%.200s'", seen->err);
}

json_t *seen_json(struct seen *seen, const char *name, bool may_tear)
{
	size_t size;
	char *text = seen_file(name, &size);
	json_t *json = text && size > 0 && text[size - 1] == '\n' ? json_loads(text, 0, NULL) : NULL;

	if (!json && size > 0 && !may_tear)
		wrong("%s is torn: '%.100s'", name, text);
	else if (!json)
		seen_miss(seen, "%s is not there or not whole", name);
	else if (strchr(text, '\n') != text + size - 1)
		wrong("%s is not one line", name);
	free(text);
	return json;
}

void seen_report(struct seen *seen, const char *name, const char *older, const char *text)
{
	size_t size;
	char *page = seen_file(name, &size);
	const bool whole = page && strncmp(page, "<!DOCTYPE html>", 15) == 0 && size > 8 && strcmp(page + size - 8, "</html>\n") == 0;

	if (page && !whole && !(older && strcmp(page, older) == 0))
		wrong("%s is half a page: %zu bytes, which end in '%s'", name, size, page + (size > 20 ? size - 20 : 0));
	else if (whole && !strstr(page, text))
		wrong("%s does not tell of '%s'", name, text);
	else if (!whole)
		seen_miss(seen, "%s was not made", name);
	free(page);
}

void seen_trace(struct seen *seen, const char *name, size_t events)
{
	size_t size, found = 0, i;
	char *text = seen_file(name, &size);
	json_t *json = text ? json_loads(text, 0, NULL) : NULL, *event;

	json_array_foreach(json, i, event) {
		const char *phase = json_string_value(json_object_get(event, "ph"));

		found += phase && strcmp(phase, "X") == 0;
	}
	if (!json_is_array(json))
		seen_miss(seen, "%s is not whole", name);
	else if (found != events)
		seen_miss(seen, "%s has %zu events in place of %zu", name, found, events);
	json_decref(json);
	free(text);
}

/* ---- words ---- */

/* The next line of brood's from here on; NULL. */
static const char *own_line(const char *text)
{
	while (text && *text && strncmp(text, "brood", 5) != 0) {
		text = strchr(text, '\n');
		text += text != NULL;
	}
	return text && *text ? text : NULL;
}

bool seen_says(const struct seen *seen, const char *text)
{
	for (const char *line = own_line(seen->err); line; line = own_line(line + 1)) {
		const char *found = strstr(line, text);

		if (found && found < line + strcspn(line, "\n"))
			return true;
	}
	return false;
}

/* The line that tells it best: the first that names an error, else the first. */
static int told(const struct seen *seen, char line[WORDS_SHOWN])
{
	int error = 0;

	line[0] = '\0';
	for (const char *at = own_line(seen->err); at && error == 0; at = own_line(at + 1)) {
		char one[WORDS_SHOWN];

		snprintf(one, sizeof one, "%.*s", (int)strcspn(at, "\n"), at);
		error = errno_in(one);
		if (error || !line[0])
			snprintf(line, WORDS_SHOWN, "%s", one);
	}
	return -error;
}

/* A program that the kernel takes for none is a script, and sh says what it thinks of it. */
static bool is_of_sh(const struct seen *seen)
{
	return seen->ended->status == 2 && seen->ended->fault == ENOEXEC && seen->err[0];
}

/* One that lacks the memory to write what it failed of is seen by its end alone. */
static bool is_speechless(const struct ended *ended)
{
	return ended->status == 127 && ended->in_child && ended->fault == ENOMEM;
}

static void give_verdict(const struct seen *seen)
{
	char line[WORDS_SHOWN];
	int error;

	if (!seen->miss[0]) {
		done_well();
		return;
	}
	error = told(seen, line);
	if (seen->ended->status == 0)
		wrong("exit 0, but %s", seen->miss);
	else if (line[0])
		failed_well(seen->ended->unheard ? 0 : error, line);
	else if (seen->ended->unheard)
		failed_well(0, "standard error did not take what there was to say");
	else if (is_of_sh(seen))
		failed_well(-ENOEXEC, seen->err);
	else if (is_speechless(seen->ended))
		failed_well(-ENOMEM, "a child could not say why it ended with 127");
	else
		wrong("exit %d without a word of brood's, and %s", seen->ended->status, seen->miss);
}

/* ---- what is left ---- */

static const char *const *known;

static bool is_known(const char *name)
{
	static const char *const always[] = { "stdout", "stderr", "tmp", NULL };

	for (const char *const *at = always; *at; at++)
		if (strcmp(*at, name) == 0)
			return true;
	for (const char *const *at = known; at && *at; at++)
		if (fnmatch(*at, name, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static int clear(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	if (place->level > 0 && !is_known(path + strlen(folder) + 1))
		wrong("left behind: %s", path + strlen(folder) + 1);
	if (remove(path) < 0)
		wrong("%s cannot be removed: %s", path, strerror(errno));
	return 0;
}

void seen_end(struct seen *seen, const char *const *files)
{
	if (seen->out && seen->err)
		give_verdict(seen);
	known = files;
	nftw(folder, clear, 8, FTW_DEPTH | FTW_PHYS);
	free(seen->out);
	free(seen->err);
}
