/* SPDX-License-Identifier: MIT */
/*
 * Why a chain could not be started, kept where it happens and put into words once somebody asks.
 *
 * The first failure stays: what goes wrong while a half-started chain is undone is a consequence and would hide the cause.
 * Want of memory for the subject costs the subject, never the stage, step and errno.
 */
#include "base/failure.h"

#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const step_names[STEP_COUNT] = {
	[STEP_NONE] = "none",
	[STEP_COMMAND] = "command",
	[STEP_MEMORY] = "memory",
	[STEP_OPEN] = "open",
	[STEP_PIPE] = "pipe",
	[STEP_DESCRIPTOR] = "descriptor",
	[STEP_CGROUP] = "cgroup",
	[STEP_FORK] = "fork",
	[STEP_SIGNALS] = "signals",
	[STEP_CLOSE] = "close",
	[STEP_SESSION] = "setsid",
	[STEP_GROUP] = "setpgid",
	[STEP_TERMINAL] = "tcsetpgrp",
	[STEP_CHDIR] = "chdir",
	[STEP_UMASK] = "umask",
	[STEP_NICE] = "nice",
	[STEP_RLIMIT] = "rlimit",
	[STEP_AFFINITY] = "affinity",
	[STEP_SETGROUPS] = "setgroups",
	[STEP_SETGID] = "setgid",
	[STEP_SETUID] = "setuid",
	[STEP_CAPABILITIES] = "capabilities",
	[STEP_NO_NEW_PRIVS] = "no-new-privs",
	[STEP_PARENT] = "die-with-parent",
	[STEP_EXEC] = "exec",
	[STEP_UNSUPPORTED] = "unsupported",
};

/* The number may have come through a pipe from a child that was killed half-way: anything may stand there. */
const char *step_name(enum step step)
{
	if ((unsigned int)step >= STEP_COUNT)
		return "unknown";
	return step_names[step];
}

/* An errno of 0 would read as "no failure" everywhere: whoever reports without one gets EIO. */
static int failure_take(struct failure *failure, size_t stage, enum step step, int error, char *subject_take)
{
	assert(error >= 0);
	if (error == 0)
		error = EIO;
	if (failure->error) {
		free(subject_take);
		return -error;
	}
	*failure = (struct failure){ .stage = stage, .step = step, .error = error, .subject = subject_take };
	return -error;
}

int failure_set(struct failure *failure, size_t stage, enum step step, int error, const char *subject)
{
	return failure_take(failure, stage, step, error, subject ? strdup(subject) : NULL);
}

int failure_setf(struct failure *failure, size_t stage, enum step step, int error, const char *format, ...)
{
	char *subject = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&subject, format, args) < 0)
		subject = NULL;
	va_end(args);
	return failure_take(failure, stage, step, error, subject);
}

/* strerror_r returns the text on glibc, and 0 with the text in the buffer on musl and the BSDs. */
__attribute__((unused)) static const char *text_returned(const char *returned, const char *buffer)
{
	(void)buffer;
	return returned;
}

__attribute__((unused)) static const char *text_filled_in(int returned, const char *buffer)
{
	return returned == 0 ? buffer : "Unknown error";
}

static const char *error_words(int error, char *buffer, size_t size)
{
#define returned_or_filled_in(result) _Generic((result), int: text_filled_in, char *: text_returned)(result, buffer)
	return returned_or_filled_in(strerror_r(error, buffer, size));
#undef returned_or_filled_in
}

/* "stage 2: ", or nothing where no stage is to blame. People count from 1. */
static void stage_words(const struct failure *failure, char *ret, size_t size)
{
	ret[0] = '\0';
	if (failure->stage != FAILURE_NO_STAGE)
		snprintf(ret, size, "stage %zu: ", failure->stage + 1);
}

static char *subject_escaped(const struct failure *failure)
{
	const char *subject = failure->subject ? failure->subject : "";
	size_t size = strlen(subject);
	char *escaped = malloc(TEXT_ESCAPE_ROOM(size));

	if (escaped)
		text_escape(escaped, TEXT_ESCAPE_ROOM(size), subject, size);
	return escaped;
}

char *failure_text(const struct failure *failure)
{
	char stage[40], buffer[128], *subject = NULL, *text = NULL;
	const char *why;
	int r;

	if (!failure->error)
		return strdup("no failure");

	subject = subject_escaped(failure);
	if (!subject)
		return NULL;
	stage_words(failure, stage, sizeof(stage));
	why = error_words(failure->error, buffer, sizeof(buffer));

	if (!failure->subject)
		r = asprintf(&text, "%s%s: %s", stage, step_name(failure->step), why);
	else if (failure->step == STEP_COMMAND)
		r = asprintf(&text, "%s%s", stage, subject);
	else
		r = asprintf(&text, "%s%s '%s': %s", stage, step_name(failure->step), subject, why);

	free(subject);
	return r < 0 ? NULL : text;
}

void failure_done(struct failure *failure)
{
	if (!failure)
		return;
	free(failure->subject);
	*failure = (struct failure){ 0 };
}
