/* SPDX-License-Identifier: MIT */
/*
 * A result in words, for people: one line that says the first thing they need to know.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/result.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const cause_words[] = {
	[BROOD_BY_ITSELF] = "", [BROOD_BY_STOP] = ", stopped",  [BROOD_BY_DEADLINE] = ", deadline",
	[BROOD_BY_OVERFLOW] = ", output over its limit", [BROOD_BY_FAILURE] = ", because another stage could not be started",
	[BROOD_BY_CANCEL] = ", cancelled",
};

/* sigabbrev_np is in newer glibc alone; strsignal is for people who do not know the names. */
static const char *const signal_names[] = {
	[SIGHUP] = "HUP",   [SIGINT] = "INT",   [SIGQUIT] = "QUIT", [SIGILL] = "ILL",       [SIGTRAP] = "TRAP",     [SIGABRT] = "ABRT",
	[SIGBUS] = "BUS",   [SIGFPE] = "FPE",   [SIGKILL] = "KILL", [SIGUSR1] = "USR1",     [SIGSEGV] = "SEGV",     [SIGUSR2] = "USR2",
	[SIGPIPE] = "PIPE", [SIGALRM] = "ALRM", [SIGTERM] = "TERM", [SIGXCPU] = "XCPU",     [SIGXFSZ] = "XFSZ",     [SIGSYS] = "SYS",
	[SIGVTALRM] = "VTALRM",                 [SIGPROF] = "PROF",
};

/* glibc's open_memstream(3) leaves out what finds no memory, goes on, and closes well. */
struct words {
	FILE *stream;
	bool failed;
};

static void put(struct words *out, const char *format, ...) BROOD_PRINTF(2, 3);

static void put(struct words *out, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	out->failed |= vfprintf(out->stream, format, list) < 0;
	va_end(list);
}

static void write_signal(struct words *out, int signal)
{
	const size_t count = sizeof signal_names / sizeof *signal_names;

	if (signal > 0 && (size_t)signal < count && signal_names[signal])
		put(out, "SIG%s", signal_names[signal]);
	else
		put(out, "signal %d", signal);
}

static void write_end(struct words *out, const brood_result *result, size_t stage)
{
	const struct stage_end *end = &result->stages[stage];

	put(out, "stage %zu '%s': ", stage + 1, end->name);
	switch (end->how) {
	case BROOD_NOT_STARTED:
		put(out, "not started");
		break;
	case BROOD_RUNNING:
		put(out, "running, pid %ld", (long)end->pid);
		break;
	case BROOD_EXITED:
		put(out, "exited %d", end->code);
		break;
	case BROOD_SIGNALLED:
		put(out, "killed by ");
		write_signal(out, end->code);
		break;
	case BROOD_LOST:
		put(out, "lost, nobody can say how pid %ld ended", (long)end->pid);
		break;
	}
}

static void write_failed(struct words *out, const brood_result *result, size_t stage)
{
	write_end(out, result, stage);
	put(out, "%s", cause_words[result->stages[stage].cause]);
}

/* The stage that the deadline stopped, or the last one. */
static size_t stopped_stage(const brood_result *result)
{
	for (size_t i = result->stage_count; i-- > 0;)
		if (result->stages[i].cause == BROOD_BY_DEADLINE)
			return i;
	return result->stage_count - 1;
}

static void write_holders(struct words *out, const brood_result *result)
{
	put(out, "a pipe is still held after every stage has ended");
	for (size_t i = 0; i < result->holder_count; i++)
		put(out, "%s %ld", i == 0 ? ", by pid" : ",", (long)result->holders[i]);
}

static void write_truncated(struct words *out, const brood_result *result)
{
	for (size_t i = 0; i < result->stream_count; i++) {
		const struct stream *stream = &result->streams[i];

		if (!stream->over_limit)
			continue;
		put(out, "output of descriptor %d was cut: %zu of %llu bytes kept", stream->child_fd, stream->buffer.size,
		    (unsigned long long)stream->bytes);
		return;
	}
}

static void write_verdict(struct words *out, const brood_result *result)
{
	size_t stage;
	char *text;

	switch (result_verdict(result, &stage)) {
	case VERDICT_OK:
		put(out, "success");
		break;
	case VERDICT_NOT_STARTED:
		text = failure_text(&result->failure);
		put(out, "%s", result->failure.error == 0 ? "not started" : text ? text : "could not be started");
		free(text);
		break;
	case VERDICT_DEADLINE:
		write_end(out, result, stopped_stage(result));
		put(out, ", deadline of %lld ms", (long long)result->timeout_ms);
		break;
	case VERDICT_STAGE:
	case VERDICT_RUNNING:
		write_failed(out, result, stage);
		break;
	case VERDICT_HELD:
		write_holders(out, result);
		break;
	case VERDICT_TRUNCATED:
		write_truncated(out, result);
		break;
	}
}

const char *brood_result_describe(const brood_result *result)
{
	/* The cache is no part of what the result says: a caller's const result may fill it. */
	brood_result *cache = (brood_result *)(uintptr_t)result;
	struct words out = { .stream = NULL };
	size_t size;

	if (!result)
		return "no result: out of memory";
	if (result->described)
		return result->described;
	out.stream = open_memstream(&cache->described, &size);
	if (!out.stream)
		return "out of memory";
	write_verdict(&out, result);
	if (fclose(out.stream) != 0 || out.failed) {
		free(cache->described);
		cache->described = NULL;
	}
	return result->described ? result->described : "out of memory";
}
