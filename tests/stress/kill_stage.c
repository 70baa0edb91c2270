/* SPDX-License-Identifier: MIT */
/*
 * One child of a chain killed at a moment of chance by somebody else (an operator, the kernel out of memory), while its host communicates, reads,
 * stops, waits or drives a batch. The call comes back, the bytes are the beginning of what they should be, and the result says which stage died
 * of what, by itself as far as the host knows.
 */
#include <brood.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child/pattern.h"
#include "stress/kill.h"
#include "stress/stress.h"

#if defined(__linux__) && defined(SYS_pidfd_open)

enum { BIG = 1 << 20, LONG_MS = 20000, KILLS_OF_A_HOST = 100 };

/* Shared with who watches. */
struct told {
	atomic_ulong kills;     /* tried */
	atomic_ulong hits;      /* the child died of it */
	atomic_ulong ended;     /* the host has done all of its kills */
	char wrong[400];
};

static struct told *told;

__attribute__((format(printf, 1, 2))) static void wrong(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(told->wrong, sizeof told->wrong, format, arguments);
	va_end(arguments);
	_exit(1);
}

#define must(condition)									\
	do {										\
		if (!(condition))							\
			wrong("%s: %s (errno %d)", __func__, #condition, errno);	\
	} while (0)

/* ---- the killer: a thread that is handed a pidfd, so that no stranger is ever hit ---- */

struct shot {
	int pidfd;
	int64_t after_ns;
};

static int orders[2], answers[2];

static void *kill_on_order(void *data)
{
	struct shot shot;
	char done = 0;

	(void)data;
	while (read(orders[0], &shot, sizeof shot) == (ssize_t)sizeof shot) {
		stress_sleep_ns(shot.after_ns);
		syscall(SYS_pidfd_send_signal, shot.pidfd, SIGKILL, NULL, 0);
		close(shot.pidfd);
		if (write(answers[1], &done, 1) != 1)
			abort();
	}
	return NULL;
}

/* At a child that has not been reaped: its number is its own. */
static void shoot(pid_t pid, int64_t within_ns)
{
	struct shot shot = { .pidfd = (int)syscall(SYS_pidfd_open, pid, 0), .after_ns = (int64_t)stress_draw((uint64_t)within_ns) };

	must(shot.pidfd >= 0);
	must(write(orders[1], &shot, sizeof shot) == (ssize_t)sizeof shot);
	told->kills++;
}

static void shot_fell(void)
{
	char done;

	must(read(answers[0], &done, 1) == 1);
}

/* ---- what is looked at ---- */

/* True when it ended as it would have. Nobody is lost, nothing runs. */
static bool look_at_stages(const brood_result *result, size_t shot_at, enum brood_cause cause)
{
	const bool hit = brood_result_how(result, shot_at) == BROOD_SIGNALLED && brood_result_signal(result, shot_at) == SIGKILL;

	for (size_t i = 0; i < brood_result_stages(result); i++)
		must(brood_result_how(result, i) == BROOD_EXITED || brood_result_how(result, i) == BROOD_SIGNALLED);
	if (hit && cause == BROOD_BY_ITSELF)
		must(brood_result_cause(result, shot_at) == BROOD_BY_ITSELF);
	must(!hit || !brood_result_ok(result));
	told->hits += hit;
	return !hit;
}

static unsigned char pattern[BIG];

static brood_command *cats(size_t count)
{
	brood_command *cmd = brood_command_newl(stress_child(), "cat", NULL);

	for (size_t i = 1; i < count; i++)
		cmd = brood_pipe(cmd, brood_command_newl(stress_child(), "cat", NULL));
	return cmd;
}

static brood_process *started(brood_command *cmd_take)
{
	brood_process *process = NULL;

	must(brood_start(cmd_take, &process) == 0);
	brood_command_free(cmd_take);
	return process;
}

/* ---- the ways ---- */

static void while_it_communicates(void)
{
	const size_t stages = 1 + (size_t)stress_draw(3), at = (size_t)stress_draw(stages);
	brood_command *cmd = cats(stages);
	brood_process *process;
	const char *output;
	size_t size;

	brood_command_redirect_pipe(cmd, BROOD_STDIN);
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	process = started(cmd);
	shoot(brood_process_pid(process, at), 2000000);
	must(brood_process_communicate(process, pattern, sizeof pattern, LONG_MS) == 0);
	shot_fell();
	output = brood_result_output(brood_process_result(process), BROOD_STDOUT, &size);
	must(size <= sizeof pattern && memcmp(output, pattern, size) == 0);
	if (look_at_stages(brood_process_result(process), at, BROOD_BY_ITSELF))
		must(size == sizeof pattern && brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
}

static void while_it_reads(void)
{
	const size_t at = (size_t)stress_draw(2);
	brood_command *cmd = brood_pipe(brood_command_newl(stress_child(), "pattern", "1M", NULL), cats(1));
	brood_process *process;
	unsigned char bytes[32768];
	size_t size = 0;
	ssize_t got;

	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	process = started(cmd);
	shoot(brood_process_pid(process, at), 2000000);
	while ((got = brood_process_read(process, BROOD_STDOUT, LONG_MS, bytes, sizeof bytes)) > 0) {
		must(size + (size_t)got <= sizeof pattern && memcmp(pattern + size, bytes, (size_t)got) == 0);
		size += (size_t)got;
	}
	must(got == 0);
	must(brood_process_wait(process, LONG_MS) == 0);
	shot_fell();
	if (look_at_stages(brood_process_result(process), at, BROOD_BY_ITSELF))
		must(size == sizeof pattern);
	brood_process_free(process);
}

static void while_it_stops(void)
{
	/* One that ignores SIGTERM needs SIGKILL from us too. */
	const char *const verb = stress_draw(2) ? "ignore-term" : "ready";
	brood_process *process = started(brood_pipe(brood_command_newl(stress_child(), verb, "sleep-forever", NULL),
	                                            brood_command_newl(stress_child(), "discard", NULL)));
	const size_t at = (size_t)stress_draw(2);

	shoot(brood_process_pid(process, at), 3000000);
	must(brood_process_stop(process, (int64_t)stress_draw(4)) > 0);
	shot_fell();
	look_at_stages(brood_process_result(process), at, BROOD_BY_STOP);
	brood_process_free(process);
}

static void while_it_waits(void)
{
	brood_process *process = started(brood_command_newl(stress_child(), "sleep-forever", NULL));

	shoot(brood_process_pid(process, 0), 1500000);
	must(brood_process_wait(process, LONG_MS) == 0);
	shot_fell();
	must(!look_at_stages(brood_process_result(process), 0, BROOD_BY_ITSELF));
	brood_process_free(process);
}

static void while_it_feeds(void)
{
	brood_command *cmd = brood_pipe(brood_command_newl(stress_child(), "cat-slow", "4K", "1", NULL), cats(1));
	const size_t at = (size_t)stress_draw(2);
	brood_process *process;

	brood_command_feed(cmd, pattern, sizeof pattern / 16);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_set_timeout_ms(cmd, LONG_MS);
	process = started(cmd);
	shoot(brood_process_pid(process, at), 3000000);
	must(brood_process_wait(process, LONG_MS) == 0);
	shot_fell();
	look_at_stages(brood_process_result(process), at, BROOD_BY_ITSELF);
	brood_process_free(process);
}

/* A member's pid is known by its own word: it says who it is, and is shot. */
static bool shoot_who_speaks(void *data, size_t stage, int child_fd, const char *bytes, size_t size)
{
	bool *shot = data;

	(void)stage;
	(void)child_fd;
	(void)size;
	if (!*shot)
		shoot((pid_t)atol(bytes), 3000000);
	*shot = true;
	return true;
}

static void while_it_drives_a_batch(void)
{
	brood_batch *batch = brood_batch_new(4);
	brood_future *futures[4] = { NULL };
	bool shot = false;

	for (size_t i = 0; i < 4; i++) {
		brood_command *cmd = brood_command_newl(stress_child(), "pid", "flood", "200K", "sleep", "3", NULL);

		brood_command_capture(cmd, BROOD_STDOUT, 0);
		if (i == 2)
			brood_command_on_output(cmd, shoot_who_speaks, &shot);
		must(brood_batch_submit(batch, cmd, &futures[i]) == 0);
		brood_command_free(cmd);
	}
	for (size_t i = 0; i < 4; i++)
		must(brood_batch_next(batch, LONG_MS, NULL) == 1);
	must(brood_batch_next(batch, 0, NULL) == 0);
	must(shot);
	shot_fell();
	for (size_t i = 0; i < 4; i++) {
		must(brood_future_wait(futures[i], 0) == 0);
		must(i == 2 || brood_result_ok(brood_future_result(futures[i])));
	}
	look_at_stages(brood_future_result(futures[2]), 0, BROOD_BY_ITSELF);
	for (size_t i = 0; i < 4; i++)
		brood_future_free(futures[i]);
	brood_batch_free(batch);
}

static void (*const ways[])(void) = { while_it_communicates, while_it_reads,  while_it_stops,
	                              while_it_waits,        while_it_feeds, while_it_drives_a_batch };

/* ---- the host and its watcher ---- */

_Noreturn static void be_the_host(unsigned long count)
{
	pthread_t killer;
	long descriptors;

	if (pipe(orders) < 0 || pipe(answers) < 0 || pthread_create(&killer, NULL, kill_on_order, NULL) != 0)
		wrong("no thread, or no pipe");
	fcntl(orders[0], F_SETFD, FD_CLOEXEC);
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = pattern_byte(i);
	while_it_waits();
	descriptors = stress_descriptors();
	for (unsigned long i = 1; i < count; i++)
		ways[stress_draw(sizeof ways / sizeof ways[0])]();
	must(stress_descriptors() == descriptors);
	must(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	told->ended++;
	_exit(0);
}

/* Each step of the host has deadlines of its own; this one is for a host that never comes back. */
static void run_a_host(unsigned long count)
{
	const unsigned long before = told->ended;
	pid_t pid = stress_fork();
	unsigned long orphans;
	int status = 0;

	if (pid == 0)
		be_the_host(count);
	if (!stress_reap(pid, 120000, &status)) {
		stress_wrong("a host is stuck");
		kill(pid, SIGKILL);
	} else if (told->ended == before) {
		stress_wrong("a host ended with %d: %s", status, told->wrong);
	}
	if (!stress_reap_all(1000, &orphans, NULL) || orphans > 0)
		stress_wrong("a host ended and left %lu children", orphans);
}

void kill_stages(void)
{
	const unsigned long wanted = stress_amount(200, 2000);

	told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		abort();
	for (unsigned long done = 0; done < wanted; done += KILLS_OF_A_HOST)
		run_a_host(KILLS_OF_A_HOST);
	kills += told->kills;
	stress_row("children killed at a moment of chance",
	           "%lu kills, %lu hit before the end, while the host communicates, reads, stops, waits, feeds, drives a batch: every call came back, no "
	           "output but a true beginning, every death told, descriptors drift 0",
	           (unsigned long)told->kills, (unsigned long)told->hits);
}

#else

void kill_stages(void)
{
	stress_skip("there are no pidfds");
}

#endif
