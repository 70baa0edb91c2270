/* SPDX-License-Identifier: MIT */
/*
 * A host killed at each of its system calls, before and behind it, and at those that a child makes between clone and exec: the moments at which
 * a child exists that has not asked yet to die with its parent.
 *
 * By ptrace(2): host and children stop at each call, and at the n-th stop the host gets SIGKILL. A child is let go when it executes its
 * program, or when the host is dead: then it must see by itself that it is alone.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress/kill.h"
#include "stress/life.h"
#include "stress/stress.h"

#ifdef __linux__

#ifndef __WALL
#define __WALL 0x40000000
#endif

enum { QUIET_MS = 20000, SYSCALL_STOP = SIGTRAP | 0x80 };

struct trace {
	pid_t host;
	unsigned long at;       /* kill at this stop; 0: never */
	unsigned long stops;
	bool killed;
	bool in_child;          /* the stop was a child's */
	bool host_ended;
	int status;
};

static void let_go(pid_t pid, int signal)
{
	ptrace(PTRACE_DETACH, pid, NULL, (void *)(long)signal);
}

static void count_stop(struct trace *trace, pid_t pid)
{
	if (++trace->stops != trace->at)
		return;
	trace->in_child = pid != trace->host;
	trace->killed = true;
	kill(trace->host, SIGKILL);
}

static void answer_stop(struct trace *trace, pid_t pid, int status)
{
	const int event = status >> 16;
	int signal = WSTOPSIG(status);

	if (!trace->killed && signal == SYSCALL_STOP)
		count_stop(trace, pid);
	if (event || signal == SYSCALL_STOP)
		signal = 0;
	if (pid != trace->host && (trace->killed || event == PTRACE_EVENT_EXEC))
		let_go(pid, signal);
	else
		ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal);
}

/* Until nobody is left who is ours or traced. False when there was silence for too long. */
static bool follow(struct trace *trace)
{
	int64_t until = stress_now_ns() + QUIET_MS * INT64_C(1000000);
	sigset_t child;
	int status;
	pid_t pid;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) >= 0 || errno == EINTR) {
		if (pid > 0 && WIFSTOPPED(status)) {
			answer_stop(trace, pid, status);
			until = stress_now_ns() + QUIET_MS * INT64_C(1000000);
		} else if (pid > 0 && pid == trace->host) {
			trace->host_ended = true;
			trace->status = status;
		} else if (pid == 0) {
			if (stress_now_ns() > until)
				return false;
			sigtimedwait(&child, NULL, &(struct timespec){ .tv_nsec = 50000000 });
		}
	}
	return true;
}

/* Negative where it cannot be traced. */
static pid_t start_host(struct life *life, size_t kind)
{
	int go[2];
	char byte;
	pid_t pid;

	if (pipe(go) < 0)
		abort();
	pid = stress_fork();
	if (pid == 0) {
		close(go[1]);
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		close(go[0]);
		life_once(life, kind);
		_exit(0);
	}
	close(go[0]);
	if (ptrace(PTRACE_SEIZE, pid, NULL,
	           (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
	                          PTRACE_O_EXITKILL)) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0) {
		kill(pid, SIGKILL);
		pid = -pid;
	}
	if (write(go[1], "", 1) != 1)
		abort();
	close(go[1]);
	return pid;
}

/* One host, killed at that stop. False where it cannot be traced. */
static bool run_host(struct life *life, size_t kind, unsigned long at, struct trace *ret)
{
	*ret = (struct trace){ .at = at };
	ret->host = start_host(life, kind);
	if (ret->host < 0) {
		stress_reap_all(QUIET_MS, NULL, NULL);
		return false;
	}
	if (!follow(ret)) {
		stress_wrong("%s, killed at stop %lu%s: somebody is stuck or left", life_name(kind), at, ret->in_child ? " (a child's)" : "");
		kill(ret->host, SIGKILL);
		stress_reap_all(0, NULL, NULL);
	}
	if (!ret->killed && ret->status != 0)
		stress_wrong("%s: a traced host ended with %d: %s", life_name(kind), ret->status, life->wrong);
	if (stress_entries(stress_folder()) != 0)
		stress_wrong("%s, killed at stop %lu: a file is left", life_name(kind), at);
	return true;
}

struct totals {
	unsigned long points, kills, of_children;
};

static bool sweep_kind(struct life *life, size_t kind, unsigned long kills_wanted, struct totals *totals)
{
	struct trace trace;
	unsigned long step, stops;

	if (!run_host(life, kind, 0, &trace))
		return false;
	stops = trace.stops;
	step = stops / kills_wanted > 1 ? stops / kills_wanted : 1;
	totals->points += stops;
	for (unsigned long at = 1 + stress_draw(step); at <= stops; at += step) {
		run_host(life, kind, at, &trace);
		totals->kills += trace.killed;
		totals->of_children += trace.in_child;
	}
	return true;
}

void kill_at_calls(void)
{
	struct totals totals = { .points = 0 };
	struct life *life = life_new();

	if (!stress_can_bind()) {
		stress_skip("children do not end with their host under the plain POSIX engine");
		return;
	}
	for (size_t kind = 0; kind < life_kinds(); kind++)
		if (!sweep_kind(life, kind, stress_amount(12, 400), &totals)) {
			stress_skip("ptrace is refused");
			return;
		}
	kills += totals.kills;
	stress_row("hosts killed at a chosen system call",
	           "%lu kills at the entry or the exit of a call, of %lu in %zu ways to use the library; %lu of them while a child was between clone and "
	           "exec; children left: 0",
	           totals.kills, totals.points, life_kinds(), totals.of_children);
}

#else

void kill_at_calls(void)
{
	stress_skip("ptrace is Linux's here");
}

#endif
