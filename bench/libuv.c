/* SPDX-License-Identifier: MIT */
/*
 * libuv through its public header: a loop of its own for every job that runs one child, as a program without a loop would have it; one loop for
 * those that run many.
 */
#include "measure.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { FIRST_ROOM = 64 << 10 };

struct run {
	uv_process_t process;
	uv_pipe_t in, out;
	uv_write_t write;
	uv_timer_t timer;
	char *bytes;
	size_t size, room;
	int code;
	bool ended, late;
	size_t *live;           /* of a job with many, counted down at each end */
};

static void check(int r, const char *what)
{
	if (r >= 0)
		return;
	errno = -r;
	fail(what);
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal)
{
	struct run *run = process->data;

	run->code = signal ? -1 : (int)status;
	run->ended = true;
	if (run->live)
		--*run->live;
	uv_close((uv_handle_t *)process, NULL);
}

static void start(uv_loop_t *loop, struct run *run, char *const argv[], uv_stdio_container_t stdio[3])
{
	const uv_process_options_t options = {
		.exit_cb = on_exit_of,
		.file = argv[0],
		.args = (char **)(uintptr_t)argv,
		.stdio_count = 3,
		.stdio = stdio,
	};

	run->process.data = run;
	check(uv_spawn(loop, &run->process, &options), "uv_spawn");
}

static void inherit(uv_stdio_container_t stdio[3])
{
	for (int fd = 0; fd < 3; fd++)
		stdio[fd] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = fd };
}

static void start_plain(uv_loop_t *loop, struct run *run, char *const argv[])
{
	uv_stdio_container_t stdio[3];

	inherit(stdio);
	start(loop, run, argv, stdio);
}

/* Until no handle is left, and then the loop itself. */
static int finish(uv_loop_t *loop, const struct run *run)
{
	uv_run(loop, UV_RUN_DEFAULT);
	check(uv_loop_close(loop), "uv_loop_close");
	return run->code;
}

static int spawn(char *const argv[])
{
	uv_loop_t loop;
	struct run run = { .code = -1 };

	check(uv_loop_init(&loop), "uv_loop_init");
	start_plain(&loop, &run, argv);
	return finish(&loop, &run);
}

/* ---- output ---- */

/* Straight into the buffer that is handed out. */
static void make_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct run *run = handle->data;

	(void)suggested;
	if (run->room - run->size < FIRST_ROOM)
		run->bytes = realloc(run->bytes, run->room = run->room ? 2 * run->room : 2 * FIRST_ROOM);
	if (!run->bytes)
		fail("memory");
	*ret = uv_buf_init(run->bytes + run->size, (unsigned)(run->room - run->size < 1 << 30 ? run->room - run->size : 1 << 30));
}

static void on_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
	struct run *run = stream->data;

	(void)buffer;
	if (count > 0)
		run->size += (size_t)count;
	else if (count < 0)
		uv_close((uv_handle_t *)stream, NULL);
}

static void read_all(uv_loop_t *loop, struct run *run, uv_stdio_container_t *ret)
{
	uv_pipe_init(loop, &run->out, 0);
	run->out.data = run;
	ret->flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
	ret->data.stream = (uv_stream_t *)&run->out;
}

static void hand_out(const struct run *run, struct output *ret)
{
	*ret = (struct output){ .bytes = run->bytes, .size = run->size, .keep = run->bytes };
}

static int capture_with(char *const argv[], bool null, struct output *ret)
{
	uv_loop_t loop;
	struct run run = { .code = -1 };
	uv_stdio_container_t stdio[3];
	int code;

	check(uv_loop_init(&loop), "uv_loop_init");
	inherit(stdio);
	if (null)
		stdio[0] = (uv_stdio_container_t){ .flags = UV_IGNORE };
	read_all(&loop, &run, stdio + 1);
	start(&loop, &run, argv, stdio);
	check(uv_read_start((uv_stream_t *)&run.out, make_room, on_bytes), "uv_read_start");
	code = finish(&loop, &run);
	hand_out(&run, ret);
	return code;
}

static int capture(char *const argv[], struct output *ret)
{
	return capture_with(argv, false, ret);
}

static int redirected(char *const argv[], struct output *ret)
{
	return capture_with(argv, true, ret);
}

static void written(uv_write_t *write, int status)
{
	check(status, "uv_write");
	uv_close((uv_handle_t *)write->handle, NULL);
}

static int feed(char *const argv[], const char *bytes, size_t size, struct output *ret)
{
	uv_loop_t loop;
	struct run run = { .code = -1 };
	uv_stdio_container_t stdio[3];
	uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)size);
	int code;

	signal(SIGPIPE, SIG_IGN);
	check(uv_loop_init(&loop), "uv_loop_init");
	inherit(stdio);
	uv_pipe_init(&loop, &run.in, 0);
	stdio[0] = (uv_stdio_container_t){ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&run.in };
	read_all(&loop, &run, stdio + 1);
	start(&loop, &run, argv, stdio);
	check(uv_read_start((uv_stream_t *)&run.out, make_room, on_bytes), "uv_read_start");
	check(uv_write(&run.write, (uv_stream_t *)&run.in, &buffer, 1, written), "uv_write");
	code = finish(&loop, &run);
	hand_out(&run, ret);
	return code;
}

/* ---- a chain: pipes made by hand, since the library has no notion of one ---- */

static int chain(char *const *const stages[], size_t count, struct output *ret)
{
	uv_loop_t loop;
	struct run *runs = calloc(count, sizeof *runs);
	int code = 0, before = 0;

	if (!runs)
		fail("memory");
	check(uv_loop_init(&loop), "uv_loop_init");
	for (size_t i = 0; i < count; i++) {
		uv_stdio_container_t stdio[3];
		uv_file ends[2] = { -1, -1 };

		inherit(stdio);
		stdio[0].data.fd = before;
		if (i + 1 < count) {
			check(uv_pipe(ends, 0, 0), "uv_pipe");
			stdio[1].data.fd = ends[1];
		} else {
			read_all(&loop, runs + i, stdio + 1);
		}
		start(&loop, runs + i, stages[i], stdio);
		if (before > 0)
			uv_fs_close(NULL, &(uv_fs_t){ 0 }, before, NULL);
		if (ends[1] >= 0)
			uv_fs_close(NULL, &(uv_fs_t){ 0 }, ends[1], NULL);
		before = ends[0];
	}
	check(uv_read_start((uv_stream_t *)&runs[count - 1].out, make_room, on_bytes), "uv_read_start");
	finish(&loop, runs);
	for (size_t i = count; i > 0; i--)
		code = runs[i - 1].code ? runs[i - 1].code : code;
	hand_out(runs + count - 1, ret);
	free(runs);
	return code;
}

/* ---- time ---- */

static void on_time(uv_timer_t *timer)
{
	struct run *run = timer->data;

	run->late = true;
	uv_stop(timer->loop);
}

static void begin_timed(uv_loop_t *loop, struct run *run, char *const argv[], int64_t timeout_ms)
{
	check(uv_loop_init(loop), "uv_loop_init");
	start_plain(loop, run, argv);
	uv_update_time(loop);
	uv_timer_init(loop, &run->timer);
	run->timer.data = run;
	uv_timer_start(&run->timer, on_time, (uint64_t)timeout_ms, 0);
}

static int64_t overshoot_wait(char *const argv[], int64_t timeout_ms)
{
	uv_loop_t loop;
	struct run run = { .code = -1 };
	int64_t begun, late;

	begin_timed(&loop, &run, argv, timeout_ms);
	begun = now_ns();
	uv_run(&loop, UV_RUN_DEFAULT);
	late = now_ns() - begun - timeout_ms * 1000000;
	if (!run.late || run.ended)
		fail("it ended");
	check(uv_process_kill(&run.process, SIGTERM), "uv_process_kill");
	uv_close((uv_handle_t *)&run.timer, NULL);
	finish(&loop, &run);
	/* The loop counts in milliseconds, from one that had begun. */
	return late < 0 ? 0 : late;
}

static int wait_for(char *const argv[], int64_t timeout_ms)
{
	uv_loop_t loop;
	struct run run = { .code = -1 };

	begin_timed(&loop, &run, argv, timeout_ms);
	while (!run.ended && !run.late)
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&run.timer, NULL);
	return finish(&loop, &run);
}

/* ---- many ---- */

static void many(struct many *many)
{
	struct run *runs = calloc(many->count, sizeof *runs);
	uv_loop_t loop;

	if (!runs)
		fail("memory");
	check(uv_loop_init(&loop), "uv_loop_init");
	for (size_t i = 0; i < many->count; i++) {
		struct many_words words;

		start_plain(&loop, runs + i, many_argv(many, i, &words));
	}
	many_started(many);
	finish(&loop, runs);
	for (size_t i = 0; i < many->count; i++)
		if (runs[i].code != many_code(i))
			fail("a code");
	many_reaped(many);
	free(runs);
}

static void among(char *const sleeper[], size_t count, char *const argv[], long times, double *ret_us)
{
	struct run *sleepers = calloc(count + 1, sizeof *sleepers);
	uv_loop_t loop;

	if (!sleepers)
		fail("memory");
	check(uv_loop_init(&loop), "uv_loop_init");
	for (size_t i = 0; i < count; i++)
		start_plain(&loop, sleepers + i, sleeper);
	for (long i = 0; i < times; i++) {
		struct run run = { .code = -1 };
		int64_t begin = now_ns();

		start_plain(&loop, &run, argv);
		while (!run.ended || !uv_is_closing((uv_handle_t *)&run.process))
			uv_run(&loop, UV_RUN_ONCE);
		/* Its closing is finished in the loop's next turn. */
		uv_run(&loop, UV_RUN_NOWAIT);
		if (run.code != 0)
			fail("the child's status");
		ret_us[i] = (double)(now_ns() - begin) / 1e3;
	}
	for (size_t i = 0; i < count; i++)
		uv_process_kill(&sleepers[i].process, SIGKILL);
	finish(&loop, sleepers);
	free(sleepers);
}

static size_t bounded(char *const argv[], size_t count, size_t width)
{
	struct run *runs = calloc(count, sizeof *runs);
	size_t live = 0, bad = 0;
	uv_loop_t loop;

	if (!runs)
		fail("memory");
	check(uv_loop_init(&loop), "uv_loop_init");
	for (size_t i = 0; i < count; i++) {
		while (live == width)
			uv_run(&loop, UV_RUN_ONCE);
		runs[i].live = &live;
		start_plain(&loop, runs + i, argv);
		live++;
	}
	finish(&loop, runs);
	for (size_t i = 0; i < count; i++)
		bad += runs[i].code != 0;
	free(runs);
	return bad;
}

static void release(struct output *output)
{
	free(output->keep);
}

const struct contender contenders[] = {
	{
		.name = "libuv",
		.spawn = spawn,
		.redirected = redirected,
		.capture = capture,
		.feed = feed,
		.chain = chain,
		.overshoot_wait = overshoot_wait,
		.wait = wait_for,
		.many = many,
		.among = among,
		.bounded = bounded,
		.release = release,
	},
	{ .name = NULL },
};
