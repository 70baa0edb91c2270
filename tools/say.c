/* SPDX-License-Identifier: MIT */
/*
 * Lines on standard error. They hold what others chose (names of files, arguments), so nothing in them steers the terminal they are shown on.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "say.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "utf8.h"

/* A line without memory for it is cut to this, and said. */
enum { SAY_WITHOUT_MEMORY = 512 };

/* A standard error that was set non-blocking by somebody else and is full: how long a reader has to make room for a line. */
enum { SAY_ROOM_MS = 1000 };

static const char *speaker = "brood";
static void (*clear_display)(void *data);
static void *display;

void say_as(const char *name)
{
	speaker = name;
}

void say_before(void (*clear)(void *data), void *data)
{
	clear_display = clear;
	display = data;
}

/*
 * One write as a rule. More only where the system takes part of a line (a signal, a full pipe that is non-blocking). Nobody can be
 * told when standard error fails, so nobody is.
 */
static void write_line(const char *line, size_t size)
{
	while (size > 0) {
		ssize_t n = write(STDERR_FILENO, line, size);

		if (n > 0) {
			line += n;
			size -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };

			if (poll(&room, 1, SAY_ROOM_MS) == 0)
				return;
		} else if (n == 0 || errno != EINTR) {
			return;
		}
	}
}

static void say_text(const char *text)
{
	char small[SAY_WITHOUT_MEMORY];
	size_t room = UTF8_SHOW_ROOM(strlen(speaker) + strlen(text)) + sizeof(": \n");
	char *line = malloc(room);
	size_t size;

	if (!line)
		room = sizeof(small);
	char *to = line ? line : small;

	size = utf8_show(to, room - sizeof(": \n"), speaker);
	memcpy(to + size, ": ", 2);
	size += 2;
	size += utf8_show(to + size, room - size - 1, text);
	to[size++] = '\n';

	if (clear_display)
		clear_display(display);
	write_line(to, size);
	free(line);
}

void say_list(const char *format, va_list list)
{
	char small[SAY_WITHOUT_MEMORY] = "";
	va_list again;
	int saved = errno;
	char *text = NULL;

	va_copy(again, list);
	if (vasprintf(&text, format, list) < 0) {
		text = NULL;
		vsnprintf(small, sizeof(small), format, again);
	}
	va_end(again);
	say_text(text ? text : small);
	free(text);
	errno = saved;
}

void say(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say_list(format, list);
	va_end(list);
}

int say_failure(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say_list(format, list);
	va_end(list);
	return STATUS_BROOD_FAILED;
}

bool say_has_colour(int fd)
{
	const char *none = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	/* no-color.org: set and not empty. */
	return !(none && *none) && term && *term && strcmp(term, "dumb") != 0 && isatty(fd);
}
