/* SPDX-License-Identifier: MIT */
/*
 * GLib through its public headers.
 *   gsubprocess     GSubprocess
 *   g-spawn-sync    g_spawn_sync, with its default flags. It tells no output's length, so bytes with NULs are not for it.
 */
#include "measure.h"

#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static _Noreturn void fail_with(const GError *error)
{
	fail(error ? error->message : "GLib");
}

static int spawn_sync(char *const argv[])
{
	GError *error = NULL;
	gint status;

	if (!g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL, NULL, &status, &error))
		fail_with(error);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static GSubprocess *start(char *const argv[], GSubprocessFlags flags)
{
	GError *error = NULL;
	GSubprocess *process = g_subprocess_newv((const gchar *const *)argv, flags, &error);

	if (!process)
		fail_with(error);
	return process;
}

static int code_of(GSubprocess *process)
{
	return g_subprocess_get_if_exited(process) ? g_subprocess_get_exit_status(process) : -1;
}

static int spawn(char *const argv[])
{
	GSubprocess *process = start(argv, G_SUBPROCESS_FLAGS_STDIN_INHERIT);
	GError *error = NULL;
	int code;

	if (!g_subprocess_wait(process, NULL, &error))
		fail_with(error);
	code = code_of(process);
	g_object_unref(process);
	return code;
}

/* ---- output ---- */

static int communicate(GSubprocess *process_take, GBytes *input, struct output *ret)
{
	GError *error = NULL;
	GBytes *got;
	int code;

	if (!g_subprocess_communicate(process_take, input, NULL, &got, NULL, &error))
		fail_with(error);
	code = code_of(process_take);
	g_object_unref(process_take);
	ret->bytes = g_bytes_get_data(got, &ret->size);
	ret->keep = got;
	return code;
}

static int redirected(char *const argv[], struct output *ret)
{
	return communicate(start(argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE), NULL, ret);
}

static int capture(char *const argv[], struct output *ret)
{
	return communicate(start(argv, G_SUBPROCESS_FLAGS_STDIN_INHERIT | G_SUBPROCESS_FLAGS_STDOUT_PIPE), NULL, ret);
}

static int feed(char *const argv[], const char *bytes, size_t size, struct output *ret)
{
	GBytes *input = g_bytes_new_static(bytes, size);
	int code = communicate(start(argv, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE), input, ret);

	g_bytes_unref(input);
	return code;
}

static void release(struct output *output)
{
	g_bytes_unref(output->keep);
}

/* ---- with a main loop ---- */

struct watch {
	GMainLoop *loop;
	size_t left;
	int code;
	bool late;
};

static void on_end(GObject *object, GAsyncResult *result, gpointer data)
{
	struct watch *watch = data;
	GError *error = NULL;

	if (!g_subprocess_wait_finish(G_SUBPROCESS(object), result, &error))
		fail_with(error);
	watch->code = code_of(G_SUBPROCESS(object));
	if (--watch->left == 0)
		g_main_loop_quit(watch->loop);
}

static gboolean on_time(gpointer data)
{
	struct watch *watch = data;

	watch->late = true;
	g_main_loop_quit(watch->loop);
	return G_SOURCE_REMOVE;
}

static GSubprocess *start_watched(char *const argv[], struct watch *watch)
{
	GSubprocess *process = start(argv, G_SUBPROCESS_FLAGS_STDIN_INHERIT);

	g_subprocess_wait_async(process, NULL, on_end, watch);
	watch->left++;
	return process;
}

static int64_t overshoot_wait(char *const argv[], int64_t timeout_ms)
{
	struct watch watch = { .loop = g_main_loop_new(NULL, FALSE) };
	GSubprocess *process = start_watched(argv, &watch);
	int64_t begun = now_ns(), late;

	g_timeout_add((guint)timeout_ms, on_time, &watch);
	g_main_loop_run(watch.loop);
	late = now_ns() - begun - timeout_ms * 1000000;
	if (!watch.late)
		fail("it ended");
	g_subprocess_force_exit(process);
	g_main_loop_run(watch.loop);
	g_object_unref(process);
	g_main_loop_unref(watch.loop);
	return late < 0 ? 0 : late;
}

static int wait_for(char *const argv[], int64_t timeout_ms)
{
	struct watch watch = { .loop = g_main_loop_new(NULL, FALSE) };
	GSubprocess *process = start_watched(argv, &watch);
	guint timer = g_timeout_add((guint)timeout_ms, on_time, &watch);

	g_main_loop_run(watch.loop);
	if (watch.late)
		fail("it did not end");
	g_source_remove(timer);
	g_object_unref(process);
	g_main_loop_unref(watch.loop);
	return watch.code;
}

/* ---- many ---- */

static void many(struct many *many)
{
	struct watch watch = { .loop = g_main_loop_new(NULL, FALSE) };
	GSubprocess **processes = calloc(many->count, sizeof(GSubprocess *));

	if (!processes)
		fail("memory");
	for (size_t i = 0; i < many->count; i++) {
		struct many_words words;

		processes[i] = start_watched(many_argv(many, i, &words), &watch);
	}
	many_started(many);
	g_main_loop_run(watch.loop);
	for (size_t i = 0; i < many->count; i++) {
		if (code_of(processes[i]) != many_code(i))
			fail("a code");
		g_object_unref(processes[i]);
	}
	many_reaped(many);
	g_main_loop_unref(watch.loop);
	free(processes);
}

static void among(char *const sleeper[], size_t count, char *const argv[], long times, double *ret_us)
{
	struct watch asleep = { .loop = g_main_loop_new(NULL, FALSE) };
	GSubprocess **sleepers = calloc(count + 1, sizeof(GSubprocess *));

	if (!sleepers)
		fail("memory");
	for (size_t i = 0; i < count; i++)
		sleepers[i] = start_watched(sleeper, &asleep);
	for (long i = 0; i < times; i++) {
		struct watch watch = { .loop = asleep.loop };
		int64_t begin = now_ns();
		GSubprocess *process = start_watched(argv, &watch);

		g_main_loop_run(watch.loop);
		g_object_unref(process);
		if (watch.code != 0)
			fail("the child's status");
		ret_us[i] = (double)(now_ns() - begin) / 1e3;
	}
	for (size_t i = 0; i < count; i++)
		g_subprocess_force_exit(sleepers[i]);
	if (count > 0)
		g_main_loop_run(asleep.loop);
	for (size_t i = 0; i < count; i++)
		g_object_unref(sleepers[i]);
	g_main_loop_unref(asleep.loop);
	free(sleepers);
}

const struct contender contenders[] = {
	{
		.name = "gsubprocess",
		.spawn = spawn,
		.redirected = redirected,
		.capture = capture,
		.feed = feed,
		.overshoot_wait = overshoot_wait,
		.wait = wait_for,
		.many = many,
		.among = among,
		.release = release,
	},
	{ .name = "g-spawn-sync", .spawn = spawn_sync },
	{ .name = NULL },
};
