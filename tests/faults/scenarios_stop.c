/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of ending: stopped, killed, out of time, freed while it runs, detached, held pipes.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario.h"

static brood_command *soon(brood_command *cmd)
{
	brood_command_set_grace_ms(cmd, SHORT_GRACE_MS);
	return cmd;
}

/* It wrote "ready": from then on it behaves as it was told. */
static bool is_ready(brood_process *process)
{
	const char *line;
	int r = brood_process_next_line(process, BROOD_STDOUT, SOON_MS, &line, NULL);

	if (r < 0)
		failed_well(r, "next_line");
	else if (r == 0)
		failed_well(0, brood_result_describe(brood_process_result(process)));
	return r == 1 && must(strcmp(line, "ready") == 0);
}

static void stop_it(brood_process *process, int64_t grace_ms, int reached, int signal, enum brood_cause cause)
{
	int r = brood_process_stop(process, grace_ms);

	if (r < 0) {
		failed_well(r, "stop");
		return;
	}
	must(r == reached);
	if (tells_end(0, brood_process_result(process), 0, BROOD_SIGNALLED, signal, cause))
		done_well();
}

/* ---- stop ---- */

static void stop_at_once(void)
{
	brood_process *process;

	if (starts(soon(child("sleep-forever")), &process))
		stop_it(process, SHORT_GRACE_MS, BROOD_STOPPED_CHILDREN, SIGTERM, BROOD_BY_STOP);
	brood_process_free(process);
}

static void stop_the_stubborn(void)
{
	brood_command *cmd = soon(child("ignore-term", "sleep-forever"));
	brood_process *process;

	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	if (starts(cmd, &process) && is_ready(process))
		stop_it(process, SHORT_GRACE_MS, BROOD_STOPPED_CHILDREN, SIGKILL, BROOD_BY_STOP);
	brood_process_free(process);
}

static void stop_a_chain(void)
{
	brood_command *cmd = soon(brood_pipe(brood_pipe(child("sleep-forever"), child("sleep-forever")), child("cat")));
	brood_process *process;

	if (starts(cmd, &process))
		stop_it(process, SHORT_GRACE_MS, BROOD_STOPPED_CHILDREN, SIGTERM, BROOD_BY_STOP);
	brood_process_free(process);
}

/* A grandchild in the group is reached as well; it was ready before. */
static void stop_a_group(void)
{
	brood_command *cmd = soon(brood_pipe(child("spawn-in-group", "60000", "echo", "ready", "sleep-forever"), child("cat")));
	brood_process *process;

	brood_command_set_new_group(cmd, true);
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	if (starts(cmd, &process) && is_ready(process))
		stop_it(process, SHORT_GRACE_MS, BROOD_STOPPED_GROUP, SIGTERM, BROOD_BY_STOP);
	brood_process_free(process);
}

static void stop_sessions(void)
{
	brood_command *cmd = soon(brood_pipe(child("sleep-forever"), child("sleep-forever")));
	brood_process *process;

	brood_command_set_new_session(cmd, true);
	if (starts(cmd, &process))
		stop_it(process, SHORT_GRACE_MS, BROOD_STOPPED_GROUP, SIGTERM, BROOD_BY_STOP);
	brood_process_free(process);
}

static void stop_a_then(void)
{
	brood_command *cmd = soon(brood_then(child("echo", "ready", "sleep-forever"), child("echo", "second")));
	brood_process *process;

	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	if (starts(cmd, &process) && is_ready(process))
		stop_it(process, 2000, BROOD_STOPPED_CHILDREN, SIGTERM, BROOD_BY_STOP);
	brood_process_free(process);
}

/* Contained: setsid and double forks are reached too. */
static void stop_contained(void)
{
	brood_command *cmd = soon(child("daemonize", "60000", "echo", "ready", "sleep-forever"));
	brood_process *process;

	brood_command_set_contained(cmd, true);
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	if (starts(cmd, &process) && is_ready(process))
		stop_it(process, SHORT_GRACE_MS, BROOD_STOPPED_ALL, SIGTERM, BROOD_BY_STOP);
	brood_process_free(process);
}

static void run_contained(void)
{
	brood_command *cmd = soon(child("print", "inside"));
	brood_result *result;

	brood_command_set_contained(cmd, true);
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "inside");
		done_well();
	}
	brood_result_free(result);
}

static int sleep_in_a_function(void *data)
{
	(void)data;
	if (write(1, "ready\n", 6) != 6)
		return 2;
	for (;;)
		pause();
}

static void stop_a_function(void)
{
	brood_command *cmd = soon(brood_command_function("sleeper", sleep_in_a_function, NULL));
	brood_process *process;

	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	if (starts(cmd, &process) && is_ready(process))
		stop_it(process, SHORT_GRACE_MS, BROOD_STOPPED_CHILDREN, SIGTERM, BROOD_BY_STOP);
	brood_process_free(process);
}

/* ---- signals ---- */

static void send_signals(void)
{
	brood_command *cmd = soon(child("trap", "USR1", "trapped\n", "echo", "ready", "pause", "sleep-forever"));
	brood_process *process;
	const char *line;
	int r;

	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	if (!starts(cmd, &process) || !is_ready(process))
		goto out;
	r = brood_process_signal(process, SIGUSR1);
	if (r == 0)
		r = brood_process_next_line(process, BROOD_STDOUT, SOON_MS, &line, NULL);
	if (r == 1)
		must(strcmp(line, "trapped") == 0);
	if (r == 1)
		r = brood_process_kill(process);
	if (r == 0)
		r = brood_process_wait(process, SOON_MS);
	if (r < 0)
		failed_well(r, "signal, kill, wait");
	else if (tells_end(0, brood_process_result(process), 0, BROOD_SIGNALLED, SIGKILL, BROOD_BY_STOP))
		done_well();
out:
	brood_process_free(process);
}

/* ---- time ---- */

static void out_of_time(void)
{
	brood_command *cmd = soon(child("print", "before", "sleep-forever"));
	brood_result *result = NULL;
	int r;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_set_timeout_ms(cmd, 40);
	r = brood_run(cmd, &result);
	brood_command_free(cmd);
	if (tells_end(r, result, 0, BROOD_SIGNALLED, SIGTERM, BROOD_BY_DEADLINE))
		done_well();
	brood_result_free(result);
}

static void wait_and_go_on(void)
{
	brood_process *process;
	int r;

	if (!starts(soon(child("sleep", "20")), &process))
		goto out;
	r = brood_process_wait(process, 5);
	if (r == -ETIMEDOUT)
		r = brood_process_wait(process, SOON_MS);
	if (r < 0)
		failed_well(r, "wait");
	else if (claims_success(0, brood_process_result(process)))
		done_well();
out:
	brood_process_free(process);
}

/* ---- the end of the handle ---- */

static void free_it_running(void)
{
	brood_process *process;

	if (starts(soon(brood_pipe(child("sleep-forever"), child("sleep-forever"))), &process))
		done_well();
	brood_process_free(process);
}

/* The host reaps it, as it must after detach. */
static void detach_it(void)
{
	brood_process *process;
	pid_t pid = 0;
	int status = -1;

	if (starts(child("exit", "0"), &process)) {
		pid = brood_process_pid(process, 0);
		brood_process_detach(process);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			done_well();
		else
			failed_well(0, "it ended otherwise, as the host sees");
		return;
	}
	brood_process_free(process);
}

/* A grandchild holds the pipe past the linger, which the caller chose: told, and what came before it is kept. */
static void held(void)
{
	brood_command *cmd = soon(child("hold-pipe-in-grandchild", "60000", "print", "all"));
	brood_result *result = NULL;
	const char *bytes;
	size_t size;
	int r;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_set_linger_ms(cmd, 30);
	r = brood_run(cmd, &result);
	brood_command_free(cmd);
	if (r == 0 && result && brood_result_held(result)) {
		bytes = brood_result_output(result, BROOD_STDOUT, &size);
		must(size <= 3 && memcmp("all", bytes, size) == 0);
		done_well();
	} else {
		must(!claims_success(r, result));
	}
	brood_result_free(result);
}

/* ---- a host with habits of its own ---- */

static void ignore_children(void)
{
	signal(SIGCHLD, SIG_IGN);
}

static void ignored_children(void)
{
	brood_command *cmd = child("print", "reaped by nobody");
	brood_result *result;

	brood_command_capture(cmd, BROOD_STDOUT, 0);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, "reaped by nobody");
		done_well();
	}
	brood_result_free(result);
}

const struct scenario stop_scenarios[] = {
	{ .name = "stop", .run = stop_at_once },
	{ .name = "stop, by fork", .run = stop_at_once, .engine = "fork" },
	{ .name = "stop, without pidfds", .run = stop_at_once, .engine = "posix" },
	{ .name = "stop one that ignores it", .run = stop_the_stubborn },
	{ .name = "stop a chain", .run = stop_a_chain },
	{ .name = "stop a group with a grandchild", .run = stop_a_group },
	{ .name = "stop sessions", .run = stop_sessions },
	/* Elsewhere a program outlives its stage that was killed outright. */
	{ .name = "stop first && second", .run = stop_a_then, .flags = NEEDS_LINUX },
	{ .name = "stop a function", .run = stop_a_function },
	{ .name = "stop what is contained", .run = stop_contained, .flags = NEEDS_CGROUP },
	{ .name = "run contained", .run = run_contained, .flags = NEEDS_CGROUP },
	{ .name = "run contained, by fork", .run = run_contained, .engine = "fork", .flags = NEEDS_CGROUP },
	{ .name = "signal and kill", .run = send_signals },
	{ .name = "a spent budget", .run = out_of_time },
	{ .name = "a spent budget, without pidfds", .run = out_of_time, .engine = "posix" },
	{ .name = "wait, and go on waiting", .run = wait_and_go_on },
	{ .name = "free while it runs", .run = free_it_running },
	{ .name = "detach", .run = detach_it },
	{ .name = "a held pipe", .run = held, .flags = LEAVES | LOOPS },
	{ .name = "a host that ignores SIGCHLD", .run = ignored_children, .prepare = ignore_children, .flags = NEEDS_PIDFD },
	{ .name = NULL },
};
