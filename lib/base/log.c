/* SPDX-License-Identifier: MIT */
/*
 * Where log lines go.
 *
 * The receiver (function, data, level) may be exchanged while other threads log. They read it under a version number that is
 * odd during an exchange and take no lock: a lock held by one thread when another one forks would be held in the child
 * forever, and children log too. Whoever never sees a quiet version drops the line rather than hang.
 *
 * Logging must not be felt by the host: errno is kept, a closed or broken stderr raises no SIGPIPE, and names
 * with control characters neither break a line nor steer a terminal.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "base/log.h"

#include "base/quiet.h"
#include "base/text.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1000, TRIES = 1000 };

enum { LEVEL_UNKNOWN = -1, LEVEL_OFF = 0 };

struct receiver {
	brood_log_function *function;
	void *data;
	int level;
};

static pthread_once_t environment_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t exchange_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint version;
static _Atomic(brood_log_function *) current_function;
static _Atomic(void *) current_data;
static atomic_int current_level = LEVEL_UNKNOWN;

static const char *const level_words[] = {
	[BROOD_LOG_ERROR] = "error",
	[BROOD_LOG_WARNING] = "warning",
	[BROOD_LOG_INFO] = "info",
	[BROOD_LOG_DEBUG] = "debug",
};

static const char *level_word(enum brood_log_level level)
{
	return level >= BROOD_LOG_ERROR && level <= BROOD_LOG_DEBUG ? level_words[level] : "log";
}

static void receiver_set(brood_log_function *function, void *data, int level)
{
	pthread_mutex_lock(&exchange_lock);
	atomic_fetch_add(&version, 1);
	atomic_store(&current_function, function);
	atomic_store(&current_data, data);
	atomic_store(&current_level, level);
	atomic_fetch_add(&version, 1);
	pthread_mutex_unlock(&exchange_lock);
}

/* False where an exchange never ended: this process was forked in the middle of one. */
static bool receiver_get(struct receiver *ret)
{
	for (int i = 0; i < TRIES; i++) {
		unsigned int before = atomic_load(&version);

		ret->function = atomic_load(&current_function);
		ret->data = atomic_load(&current_data);
		ret->level = atomic_load(&current_level);
		if (before % 2 == 0 && atomic_load(&version) == before)
			return true;
		sched_yield();
	}
	return false;
}

/* One write a line: lines of several processes on one stderr are not mixed (pipes keep up to PIPE_BUF bytes together). */
static void to_stderr(void *data, enum brood_log_level level, const char *line)
{
	char text[LINE_MAX_BYTES + 64];
	int length;

	(void)data;
	length = snprintf(text, sizeof(text), "brood[%ld]: %s: %s\n", (long)getpid(), level_word(level), line);
	if (length > 0 && (size_t)length < sizeof(text))
		quiet_write(STDERR_FILENO, text, (size_t)length);
}

/* Not in programs that run with more rights than their caller: the environment is the caller's, stderr may be anything. */
static const char *environment_word(void)
{
#ifdef HAVE_SECURE_GETENV
	return secure_getenv("BROOD_LOG");
#else
	return getenv("BROOD_LOG");
#endif
}

static void environment_read(void)
{
	const char *word = environment_word();

	for (int level = BROOD_LOG_ERROR; word && level <= BROOD_LOG_DEBUG; level++)
		if (strcmp(word, level_words[level]) == 0) {
			receiver_set(to_stderr, NULL, level);
			return;
		}
	receiver_set(NULL, NULL, LEVEL_OFF);
}

bool log_wants(enum brood_log_level level)
{
	int wanted = atomic_load_explicit(&current_level, memory_order_relaxed);

	if (wanted == LEVEL_UNKNOWN) {
		int saved = errno;

		pthread_once(&environment_once, environment_read);
		wanted = atomic_load_explicit(&current_level, memory_order_relaxed);
		errno = saved;
	}
	return (int)level <= wanted;
}

void log_write(enum brood_log_level level, const char *format, ...)
{
	/* A few bytes more than a line, so that the character at its end is whole and can be left out as a whole. */
	char text[LINE_MAX_BYTES + 8], line[LINE_MAX_BYTES + 1];
	struct receiver receiver;
	int saved = errno;
	va_list args;
	int length;

	/* By now it may have been exchanged for one that wants less. */
	if (!log_wants(level) || !receiver_get(&receiver) || (int)level > receiver.level || !receiver.function)
		goto out;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length < 0)
		goto out;

	text_escape(line, sizeof(line), text, strlen(text));
	receiver.function(receiver.data, level, line);
out:
	errno = saved;
}

void brood_log_to(brood_log_function *fn, void *data, enum brood_log_level level)
{
	int wanted = (int)level;

	/* The environment first, or another thread that is about to read it would put it over what is set here. */
	log_wants(BROOD_LOG_ERROR);

	if (!fn || wanted < LEVEL_OFF)
		wanted = LEVEL_OFF;
	receiver_set(fn, data, wanted);
}

void brood_log_to_stderr(enum brood_log_level level)
{
	brood_log_to(to_stderr, NULL, level);
}
