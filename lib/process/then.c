/* SPDX-License-Identifier: MIT */
/*
 * first && second as one stage: what its forked child runs.
 *
 * Whoever signals the stage means what it runs at the moment: signals that a process sent are handed on to it. The ones that a terminal sends reach
 * the whole group anyway, and where the chain has a group or cgroup of its own, so do all others: handing them on too would make two of one. What comes
 * between the two programs is for the second. Should this child be killed outright, the program that it runs dies with it. It ends as the last
 * program did, by the same signal if need be.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "spawn/sys.h"

enum { LOOK_MS = 20 };

static const int forwarded[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT };

/* Of this child alone: the host never runs any of this. */
static int forward_pipe[2] = { -1, -1 };

/* Nothing runs here at this moment: not yet, between the two, or not any more. This child has no other children than its programs. */
static bool nobody_is_there(void)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

/* A signal that found no program goes as its negative. */
static void forward(int signal, siginfo_t *info, void *context)
{
	const int saved = errno;
	const signed char byte = (signed char)(nobody_is_there() ? -signal : signal);

	(void)context;
	if (info->si_code <= 0 && write(forward_pipe[1], &byte, 1) < 0)
		(void)0;                /* full: more signals than anybody can act on */
	errno = saved;
}

static int listen_for_signals(void)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_RESTART };
	int r = fd_pipe(forward_pipe);

	/* Reading an empty pipe must not wait: the program's end would never be seen. */
	for (int i = 0; r == 0 && i < 2; i++)
		r = fd_set_nonblocking(forward_pipe[i], 1);
	if (r < 0)
		return r;
	action.sa_sigaction = forward;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++) {
		struct sigaction now;

		/* What was asked to be kept ignored stays so. */
		if (sigaction(forwarded[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaction(forwarded[i], &action, NULL);
	}
	return 0;
}

/* The chain is signalled as a whole: the program, where there is one, has the signal already. */
static bool is_reached_as_well(const struct stage *stage)
{
	return stage->identity.contained || getpgrp() != getpgid(getppid());
}

static void hand_on(brood_process *process, const struct stage *stage)
{
	signed char signal;

	while (read(forward_pipe[0], &signal, 1) == 1)
		if (signal < 0 || !is_reached_as_well(stage))
			brood_process_signal(process, signal < 0 ? -signal : signal);
}

/*
 * Until it ends: its descriptor tells, or where there is none, looking every now and then. A signal that comes too late for the first program waits in
 * the pipe for the second: a stop that hits the instant between the two would be lost.
 */
static void watch_over(brood_process *process, const struct stage *stage)
{
	const int fd = brood_process_fd(process);
	struct pollfd fds[2] = { { .fd = forward_pipe[0], .events = POLLIN }, { .fd = fd, .events = POLLIN } };

	while (brood_process_dispatch(process) == 0) {
		hand_on(process, stage);
		poll(fds, fd < 0 ? 1 : 2, fd < 0 ? LOOK_MS : -1);
	}
}

/* What the stage was given beyond 0, 1 and 2 is for its programs. */
static brood_command *prepare(const brood_command *cmd, const struct stage *stage)
{
	brood_command *copy = brood_command_copy(cmd);

	for (size_t i = 0; copy && i < stage->direction_count; i++) {
		const int fd = stage->directions[i].child_fd;

		for (size_t s = 0; fd > 2 && s < copy->stage_count; s++)
			if (!stage_direction(&copy->stages[s], fd))
				brood_command_redirect_inherit(copy, fd);
	}
#ifdef __linux__
	if (copy && BROOD_LINUX_FAST_PATH)
		brood_command_set_die_with_parent(copy, true);
#endif
	return copy;
}

static _Noreturn void die_of(int signal)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, signal);
	sigaction(signal, &by_default, NULL);
	raise(signal);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	_exit(128 + signal);
}

static int run_one(const brood_command *cmd, const struct stage *stage)
{
	brood_command *copy = prepare(cmd, stage);
	brood_process *process = NULL;
	int status = 125;
	int r;

	if (!copy)
		return status;
	r = brood_start(copy, &process);
	if (r == 0)
		watch_over(process, stage);
	if (process) {
		const brood_result *result = brood_process_result(process);
		const size_t last = brood_result_stages(result) - 1;

		if (r == 0 && brood_result_how(result, last) == BROOD_SIGNALLED && !brood_result_ok(result))
			die_of(brood_result_signal(result, last));
		status = brood_result_shell_status(result);
	}
	brood_process_free(process);
	brood_command_free(copy);
	return status;
}

int run_then(void *data)
{
	const struct stage *stage = data;
	int status;

	if (listen_for_signals() < 0)
		return 125;
	status = run_one(stage->first, stage);
	return status == 0 ? run_one(stage->second, stage) : status;
}
