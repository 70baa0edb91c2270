/* SPDX-License-Identifier: MIT */
/*
 * One poll(2) for the handle, the pipe of signals and our own output.
 *
 * Where the library has no descriptor for a chain (plain POSIX, BROOD_POLLER=poll) it waits itself, for an instant at a time. The deadline of the
 * chain and its stop ladder are the library's; what is kept here are the grace after a signal that was passed on, and how long a reader
 * that does not read is waited for.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "run_loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "wake.h"

enum {
	TICK_MS = 20,           /* where nothing tells */
	GRACE_MS = 2000         /* the library's own default */
};

#define NEVER INT64_MAX

struct loop {
	brood_process *process;
	const struct chain_settings *settings;
	struct run_job *job;
	struct relay *relay;
	struct run_outcome *outcome;
	int fd;                 /* of the handle, or -errno */
	int64_t kill_ns;        /* then those that were asked to end are killed */
	int64_t reader_ns;      /* then the reader of our output had its time */
	bool asked, killed;     /* by us */
	bool ended;
	bool child_changed;
};

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE };

int run_loop_catch_signals(void)
{
	return wake_new(signals, sizeof signals / sizeof *signals);
}

/* ---- time ---- */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t after_ms(int64_t from_ns, int64_t ms)
{
	return ms >= (NEVER - from_ns) / 1000000 ? NEVER : from_ns + ms * 1000000;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t grace_ms(const struct loop *loop)
{
	return loop->settings->grace_ms < 0 ? GRACE_MS : loop->settings->grace_ms;
}

static bool has_deadline(const struct loop *loop)
{
	return loop->settings->timeout_ms > 0 && loop->settings->timeout_ms != INT64_MAX;
}

/* ---- ending the chain ---- */

/* It waits for an instant, and not for ever: one that SIGKILL does not end is given up. */
static void kill_now(struct loop *loop)
{
	brood_process_stop(loop->process, 0);
	loop->killed = true;
	loop->kill_ns = NEVER;
}

/* A stopped stage does not see it before it goes on. */
static void ask_to_end(struct loop *loop, int signal)
{
	loop->asked = true;
	brood_process_signal(loop->process, signal);
	brood_process_signal(loop->process, SIGCONT);
	loop->kill_ns = after_ms(now_ns(), grace_ms(loop));
	if (grace_ms(loop) == 0)
		kill_now(loop);
}

/* When only our reader is waited for, whoever is left of the chain was left on purpose. */
static void pass_on(struct loop *loop, int signal)
{
	if (loop->outcome->signal == 0)
		loop->outcome->signal = signal;
	if (loop->asked)
		kill_now(loop);
	else if (!loop->ended)
		ask_to_end(loop, signal);
}

static void take_signal(struct loop *loop, int signal)
{
	switch (signal) {
	case SIGCHLD:
		loop->child_changed = true;
		break;
	case SIGCONT:
		run_job_continued(loop->job);
		break;
	case SIGTSTP:
		run_job_suspend(loop->job);
		break;
	case SIGTTIN:
	case SIGTTOU:
		run_job_terminal_wanted(loop->job, signal);
		break;
	case SIGUSR1:
	case SIGUSR2:
		brood_process_signal(loop->process, signal);
		break;
	default:
		pass_on(loop, signal);
		break;
	}
}

/* ---- one turn ---- */

static void move_output(struct loop *loop)
{
	int r = loop->relay ? relay_flush(loop->relay, loop->process) : 0;

	if (r == 0 || loop->outcome->output_error != 0)
		return;
	loop->outcome->output_error = r;
	loop->outcome->output_fd = relay_failed_fd(loop->relay);
	loop->outcome->reader_gone = r == -EPIPE && loop->outcome->output_fd == STDOUT_FILENO && wake_has(SIGPIPE);
	if (!loop->ended && !loop->asked)
		ask_to_end(loop, loop->settings->signal ? loop->settings->signal : SIGTERM);
}

static void look_for_stops(struct loop *loop)
{
	if (loop->ended || (!loop->child_changed && loop->fd >= 0))
		return;
	loop->child_changed = false;
	if (run_job_look(loop->job))
		return;
	loop->outcome->no_terminal = true;
	if (!loop->asked)
		ask_to_end(loop, SIGHUP);
}

static void take_turn(struct loop *loop)
{
	int r = brood_process_dispatch(loop->process);

	if (r < 0)
		loop->outcome->error = r;
	loop->ended |= r != 0;
	look_for_stops(loop);
	move_output(loop);
	if (now_ns() >= loop->kill_ns)
		kill_now(loop);
}

/* Those that a stage left in the group were asked to end as well. To a deadline's ladder the library has seen itself. */
static bool somebody_left(const struct loop *loop)
{
	return loop->asked && !loop->killed && brood_process_signal(loop->process, 0) == 0;
}

/* A second signal is for those who will not wait for the reader either. */
static bool output_done(struct loop *loop)
{
	uint64_t waiting = loop->relay ? relay_waiting(loop->relay) : 0;

	if (waiting == 0)
		return true;
	if (loop->outcome->signal == 0 && now_ns() < loop->reader_ns)
		return false;
	loop->outcome->output_lost = waiting;
	return true;
}

static bool is_over(struct loop *loop)
{
	if (loop->outcome->error != 0)
		return true;
	return loop->ended && !somebody_left(loop) && output_done(loop);
}

/* ---- waiting ---- */

static int poll_timeout(const struct loop *loop)
{
	const int64_t until = loop->ended ? earlier(loop->kill_ns, loop->reader_ns) : loop->kill_ns;
	int64_t ms;

	/* Of grandchildren nothing tells when they are gone. */
	if (loop->ended && loop->asked)
		return TICK_MS;
	if (until == NEVER)
		return -1;
	ms = (until - now_ns() + 999999) / 1000000;
	return ms <= 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

/* With output of ours that waits it is poll that must wait; else the library does, and moves bytes meanwhile. */
static void wait_blindly(struct loop *loop)
{
	struct pollfd fds[3] = { { .fd = wake_fd(), .events = POLLIN } };
	const size_t outputs = loop->relay ? relay_poll(loop->relay, fds + 1) : 0;

	if (outputs > 0 || brood_process_wait(loop->process, TICK_MS) == 0)
		poll(fds, 1 + outputs, TICK_MS);
}

static void wait_for_something(struct loop *loop)
{
	struct pollfd fds[4] = { { .fd = wake_fd(), .events = POLLIN } };
	nfds_t count = 1;

	if (!loop->ended && loop->fd < 0) {
		wait_blindly(loop);
		return;
	}
	if (loop->relay)
		count += relay_poll(loop->relay, fds + count);
	if (!loop->ended)
		fds[count++] = (struct pollfd){ .fd = loop->fd, .events = POLLIN };
	poll(fds, count, poll_timeout(loop));
}

void run_loop(brood_process *process, const struct chain_settings *settings, struct run_job *job, struct relay *relay,
              struct run_outcome *outcome)
{
	struct loop loop = {
		.process = process, .settings = settings, .job = job, .relay = relay, .outcome = outcome,
		.fd = brood_process_fd(process), .kill_ns = NEVER, .reader_ns = NEVER, .child_changed = true,
	};

	if (has_deadline(&loop))
		loop.reader_ns = after_ms(after_ms(now_ns(), settings->timeout_ms), grace_ms(&loop));
	for (;;) {
		int signal;

		while ((signal = wake_take()) != 0)
			take_signal(&loop, signal);
		take_turn(&loop);
		if (is_over(&loop))
			return;
		wait_for_something(&loop);
	}
}
