/* SPDX-License-Identifier: MIT */
#include "stress/life.h"

#include <brood.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stress/stress.h"

enum { BIG = 1 << 20, LONG_MS = 20000 };

static struct life *now;

__attribute__((format(printf, 1, 2))) static void wrong(const char *format, ...)
{
	va_list arguments;

	if (now->wrong[0])
		return;
	va_start(arguments, format);
	vsnprintf(now->wrong, sizeof now->wrong, format, arguments);
	va_end(arguments);
	_exit(1);
}

#define must(condition)									\
	do {										\
		if (!(condition))							\
			wrong("%s: %s (errno %d)", __func__, #condition, errno);	\
	} while (0)

static brood_command *bound(brood_command *cmd)
{
	brood_command_set_die_with_parent(cmd, true);
	return cmd;
}

#define child(...) brood_command_newl(stress_child(), __VA_ARGS__, NULL)

/* ---- the ways ---- */

static void run_a_chain(void)
{
	brood_command *cmd = bound(brood_pipe(child("pattern", "300K"), brood_pipe(child("cat"), child("check-pattern", "300K"))));
	brood_result *result = NULL;

	brood_command_set_timeout_ms(cmd, LONG_MS);
	must(brood_run(cmd, &result) == 0);
	must(brood_result_ok(result));
	brood_result_free(result);
	brood_command_free(cmd);
}

static void stop_sleepers(void)
{
	brood_process *processes[8] = { NULL };
	const size_t count = 1 + (size_t)stress_draw(8);
	brood_command *cmd = bound(child("sleep-forever"));

	for (size_t i = 0; i < count; i++)
		must(brood_start(cmd, &processes[i]) == 0);
	for (size_t i = 0; i < count; i += 2)
		must(brood_process_stop(processes[i], (int64_t)stress_draw(3)) > 0);
	for (size_t i = 0; i < count; i++)
		brood_process_free(processes[i]);
	brood_command_free(cmd);
}

static void stop_one_that_will_not(void)
{
	brood_command *cmd = bound(child("ignore-term", "sleep-forever"));
	brood_process *process = NULL;
	const char *line;
	size_t size;

	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	brood_command_set_new_group(cmd, true);
	must(brood_start(cmd, &process) == 0);
	must(brood_process_next_line(process, BROOD_STDOUT, LONG_MS, &line, &size) == 1);
	must(brood_process_stop(process, 2) == BROOD_STOPPED_GROUP);
	brood_process_free(process);
	brood_command_free(cmd);
}

static void stream_a_flood(void)
{
	brood_command *cmd = bound(brood_pipe(child("flood-forever"), child("cat")));
	brood_process *process = NULL;
	char bytes[16384];

	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	must(brood_start(cmd, &process) == 0);
	for (int i = 0; i < 30; i++)
		must(brood_process_read(process, BROOD_STDOUT, LONG_MS, bytes, sizeof bytes) > 0);
	must(brood_process_kill(process) == 0);
	brood_process_free(process);
	brood_command_free(cmd);
}

static void communicate(void)
{
	static char bytes[BIG];
	brood_command *cmd = bound(child("cat"));
	brood_process *process = NULL;
	size_t size;

	brood_command_redirect_pipe(cmd, BROOD_STDIN);
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	must(brood_start(cmd, &process) == 0);
	must(brood_process_communicate(process, bytes, sizeof bytes, LONG_MS) == 0);
	brood_result_output(brood_process_result(process), BROOD_STDOUT, &size);
	must(size == sizeof bytes);
	brood_process_free(process);
	brood_command_free(cmd);
}

/* With a budget that makes it spill. */
static void run_a_batch(void)
{
	brood_batch *batch = brood_batch_new(8);
	brood_command *flood = bound(child("flood", "100K")), *fails = bound(child("exit", "3"));

	brood_command_capture(flood, BROOD_STDOUT, 0);
	brood_batch_set_output_budget(batch, 1 << 18, BROOD_SPILL);
	brood_batch_set_retries(batch, 1, 0);
	for (int i = 0; i < 20; i++)
		must(brood_batch_submit(batch, i % 4 ? flood : fails, NULL) == 0);
	for (int i = 0; i < 20; i++)
		must(brood_batch_next(batch, LONG_MS, NULL) == 1);
	brood_batch_free(batch);
	brood_command_free(flood);
	brood_command_free(fails);
}

static void cancel_a_batch(void)
{
	brood_batch *batch = brood_batch_new(12);
	brood_command *cmd = bound(brood_pipe(child("sleep-forever"), child("cat")));

	brood_command_set_grace_ms(cmd, (int64_t)stress_draw(3));
	for (int i = 0; i < 12; i++)
		must(brood_batch_submit(batch, cmd, NULL) == 0);
	brood_batch_cancel(batch);
	brood_batch_free(batch);
	brood_command_free(cmd);
}

static int a_function(void *data)
{
	const char words[] = "from a function\n";

	(void)data;
	return write(STDOUT_FILENO, words, sizeof words - 1) < 0;
}

static int a_sleeping_function(void *data)
{
	(void)data;
	pause();
	return 0;
}

static void run_functions(void)
{
	brood_command *cmd = bound(brood_pipe(brood_command_function("writes", a_function, NULL), child("count")));
	brood_command *sleeps = bound(brood_command_function("sleeps", a_sleeping_function, NULL));
	brood_process *process = NULL;
	brood_result *result = NULL;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	must(brood_start(sleeps, &process) == 0);
	must(brood_run(cmd, &result) == 0);
	must(strcmp(brood_result_output(result, BROOD_STDOUT, NULL), "16\n") == 0);
	brood_result_free(result);
	must(brood_process_stop(process, 0) > 0);
	brood_process_free(process);
	brood_command_free(sleeps);
	brood_command_free(cmd);
}

static void run_one_then_the_other(void)
{
	brood_command *cmd = bound(brood_then(child("exit", "0"), brood_pipe(child("flood", "200K"), child("cat"))));
	brood_command *sleeps = bound(brood_then(child("exit", "0"), child("sleep-forever")));
	brood_process *process = NULL;
	brood_result *result = NULL;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	must(brood_start(sleeps, &process) == 0);
	must(brood_run(cmd, &result) == 0);
	must(brood_result_ok(result));
	brood_result_free(result);
	brood_process_free(process);
	brood_command_free(sleeps);
	brood_command_free(cmd);
}

/* Where there is no cgroup for us it cannot be started. */
static void contain(void)
{
	brood_command *cmd = bound(child("sleep-forever"));
	brood_process *process = NULL;

	brood_command_set_contained(cmd, true);
	if (brood_start(cmd, &process) == 0)
		must(brood_process_stop(process, (int64_t)stress_draw(3)) == BROOD_STOPPED_ALL);
	brood_process_free(process);
	brood_command_free(cmd);
}

static void pass_a_deadline(void)
{
	brood_command *cmd = bound(brood_pipe(child("flood-forever"), child("ignore-term", "discard", "sleep-forever")));
	brood_result *result = NULL;

	brood_command_set_timeout_ms(cmd, (int64_t)stress_draw(4));
	brood_command_set_grace_ms(cmd, 1);
	brood_command_redirect_null(cmd, BROOD_STDOUT);
	must(brood_run(cmd, &result) == 0);
	brood_result_free(result);
	brood_command_free(cmd);
}

static void fail_to_start(void)
{
	brood_command *cmd = bound(brood_pipe(child("flood-forever"), brood_command_newl("/nowhere/to/be/found", NULL)));
	brood_process *process = NULL;

	must(brood_start(cmd, &process) == -ENOENT);
	brood_process_free(process);
	brood_command_free(cmd);
}

static const struct {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{ "run a chain", run_a_chain },
	{ "stop sleepers", stop_sleepers },
	{ "stop one that ignores SIGTERM", stop_one_that_will_not },
	{ "stream a flood", stream_a_flood },
	{ "communicate", communicate },
	{ "run a batch", run_a_batch },
	{ "cancel a batch", cancel_a_batch },
	{ "functions", run_functions },
	{ "one then the other", run_one_then_the_other },
	{ "contained", contain },
	{ "deadline", pass_a_deadline },
	{ "fail to start", fail_to_start },
};

/* ---- what others call ---- */

struct life *life_new(void)
{
	struct life *life = mmap(NULL, sizeof *life, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (life == MAP_FAILED)
		abort();
	return life;
}

size_t life_kinds(void)
{
	return sizeof kinds / sizeof kinds[0];
}

const char *life_name(size_t kind)
{
	return kinds[kind].name;
}

size_t life_kind(const char *name)
{
	size_t kind = 0;

	while (strcmp(kinds[kind].name, name) != 0)
		kind++;
	return kind;
}

void life_once(struct life *life, size_t kind)
{
	now = life;
	life->kind = (unsigned)kind;
	life->steps++;
	kinds[kind].run();
}

void life_go_on(struct life *life)
{
	for (;;)
		life_once(life, (size_t)stress_draw(life_kinds()));
}
