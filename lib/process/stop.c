/* SPDX-License-Identifier: MIT */
/*
 * Ending a chain: who is reached by a signal, and the ladder of a stop: the stop signal, the grace, SIGKILL, a bounded wait.
 *
 * The ladder is state, not a function that sleeps: a budget that is spent, a batch that ends a thousand members at once and an event loop of the
 * host's own all climb it step by step.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/self.h"

enum {
	LOOK_NS = 5000000,                      /* at a group whose leader has ended: nothing tells when it is empty */
	GIVE_UP_MS = 5000,                      /* after SIGKILL */
	GONE_MS = 200                           /* after SIGKILL, for grandchildren in a group, whom somebody else reaps */
};

bool process_is_ours(const brood_process *process)
{
	return self_pid() == process->owner;
}

/* ---- who is reached ---- */

/* Those that left the group that they were started in (a shell with job control) are reached one by one. */
static bool is_in_group(const brood_process *process, const struct child *child)
{
	return process->new_group && getpgid(child->ref.pid) == process->children[0].ref.pid;
}

static int signal_children(const brood_process *process, int signal, bool outside_group)
{
	int result = -ESRCH;

	for (size_t i = 0; i < process->stage_count; i++) {
		const struct child *child = &process->children[i];
		int r;

		if (child->ended || child->ref.pid == 0 || (outside_group && is_in_group(process, child)))
			continue;
		if (process->new_session)
			r = pidref_signal_group(&child->ref, signal, false);
		else
			r = pidref_signal(&child->ref, signal);
		if (r == 0 || result == -ESRCH)
			result = r;
	}
	return result;
}

static int signal_ended_sessions(const brood_process *process, int signal)
{
	int result = -ESRCH;

	for (size_t i = 0; process->new_session && i < process->stage_count; i++)
		if (process->children[i].ended && process->children[i].ref.pid > 0 &&
		    pidref_signal_group(&process->children[i].ref, signal, true) == 0)
			result = 0;
	return result;
}

/* With the lock held. 0 when somebody was reached, -ESRCH when nobody is left, -EPERM. */
static int reach(const brood_process *process, int signal)
{
	const struct child *leader = &process->children[0];
	int r, s;

	if (process->cgroup.path) {
		r = cgroup_signal(&process->cgroup, signal);
		/* Else no descriptor or no memory was left to look into it: the children themselves are reached without. */
		if (r == 0 || (r == -ESRCH && process->running == 0))
			return r;
	}
	r = signal_children(process, signal, true);
	if (process->new_group && leader->ref.pid > 0) {
		s = pidref_signal_group(&leader->ref, signal, leader->ended);
		r = s == 0 || r == -ESRCH ? s : r;
	}
	s = signal_ended_sessions(process, signal);
	return s == 0 ? 0 : r;
}

/* Somebody beyond the children is reached, and may be there after them. */
static bool reaches_further(const brood_process *process)
{
	return process->cgroup.path || process->new_group || process->new_session;
}

static void note_asked(brood_process *process, enum brood_cause cause)
{
	for (size_t i = 0; i < process->stage_count; i++)
		if (!process->children[i].ended && !process->children[i].asked)
			process->children[i].asked = (unsigned char)cause;
}

/* ---- signals ---- */

static int send_signal(brood_process *process, int signal, enum brood_cause cause)
{
	int r;

	/* Before the lock: in a child of fork another thread's copy may hold it for ever. */
	if (!process_is_ours(process))
		return -ECHILD;
	pthread_mutex_lock(&process->lock);
	if (cause)
		note_asked(process, cause);
	for (size_t i = 0; signal && i < process->stage_count; i++)
		if (!process->children[i].ended)
			process->children[i].signalled = (unsigned char)signal;
	r = reach(process, signal);
	/* A stopped child does not see the request to end before it goes on. */
	if (cause && signal != SIGKILL)
		reach(process, SIGCONT);
	pthread_mutex_unlock(&process->lock);
	return r == -ESRCH && signal ? 0 : r;
}

int brood_process_signal(brood_process *process, int signal)
{
	if (!process || signal < 0 || signal > SIGRTMAX)
		return -EINVAL;
	return send_signal(process, signal, signal == SIGKILL ? BROOD_BY_STOP : BROOD_BY_ITSELF);
}

int brood_process_terminate(brood_process *process)
{
	if (!process)
		return -EINVAL;
	return send_signal(process, process->stop_signal, BROOD_BY_STOP);
}

int brood_process_kill(brood_process *process)
{
	if (!process)
		return -EINVAL;
	return send_signal(process, SIGKILL, BROOD_BY_STOP);
}

/* ---- the ladder ---- */

/* Is anybody left? Children first; of a group or cgroup the kernel is asked. Who was forked past a cgroup's SIGKILL gets another. */
static bool somebody_left(brood_process *process)
{
	bool left;

	if (process->running > 0)
		return true;
	if (!reaches_further(process))
		return false;
	pthread_mutex_lock(&process->lock);
	if (process->cgroup.path)
		left = cgroup_populated(&process->cgroup) == 1 &&
		       (process->ladder != LADDER_KILLED || cgroup_signal(&process->cgroup, SIGKILL) != -ESRCH);
	else
		left = reach(process, 0) == 0;
	pthread_mutex_unlock(&process->lock);
	return left;
}

/*
 * How long after SIGKILL. A zombie that nobody reaps stays in its group for ever, and none counts in a cgroup: whoever is left there is dying, and with
 * much memory that takes a while.
 */
static int64_t patience_ms(const brood_process *process)
{
	return process->running > 0 || process->cgroup.path ? GIVE_UP_MS : GONE_MS;
}

static void kill_all(brood_process *process, int64_t now_ns)
{
	send_signal(process, SIGKILL, (enum brood_cause)process->cause);
	process->ladder = LADDER_KILLED;
	process->grace_ns = deadline_after(now_ns, patience_ms(process));
	process->ladder_ns = process->running > 0 ? process->grace_ns : now_ns + LOOK_NS;
}

void process_begin_stop(brood_process *process, enum brood_cause cause, int64_t grace_ms, int64_t now_ns)
{
	const int64_t grace_ns = deadline_after(now_ns, grace_ms);

	if (process->ladder == LADDER_ASKED && grace_ns < process->grace_ns)
		process->grace_ns = process->ladder_ns = grace_ns;
	if (process->ladder == LADDER_ASKED && grace_ms == 0)
		kill_all(process, now_ns);
	if (process_stopping(process))
		return;
	process->cause = (unsigned char)cause;
	if (grace_ms == 0) {
		kill_all(process, now_ns);
		return;
	}
	send_signal(process, process->stop_signal, cause);
	process->ladder = LADDER_ASKED;
	process->grace_ns = grace_ns;
	process->ladder_ns = process->running > 0 ? grace_ns : now_ns;
}

static void end_ladder(brood_process *process)
{
	process->ladder = LADDER_OVER;
	process->ladder_ns = DEADLINE_NEVER;
}

/* Of those beyond the children nothing tells when they are gone. SIGKILL has reached them all: in a group they are not waited for as long as a child is. */
static void look_later(brood_process *process, int64_t now_ns)
{
	if (process->running == 0 && process->ladder == LADDER_KILLED)
		process->grace_ns = deadline_min(process->grace_ns, deadline_after(now_ns, patience_ms(process)));
	process->ladder_ns = process->running > 0 ? process->grace_ns : deadline_min(process->grace_ns, now_ns + LOOK_NS);
}

void process_climb(brood_process *process, int64_t now_ns)
{
	if (!process_stopping(process))
		return;
	/* While children run, their ends wake us; afterwards only time does. */
	if (process->running > 0 && !deadline_passed(process->ladder_ns, now_ns))
		return;
	if (!somebody_left(process)) {
		end_ladder(process);
		return;
	}
	if (!deadline_passed(process->grace_ns, now_ns)) {
		look_later(process, now_ns);
	} else if (process->ladder == LADDER_ASKED) {
		kill_all(process, now_ns);
	} else {
		process_give_up(process, now_ns);
		end_ladder(process);
	}
}

bool process_stopping(const brood_process *process)
{
	return process->ladder == LADDER_ASKED || process->ladder == LADDER_KILLED;
}

bool process_stopped(const brood_process *process)
{
	return process_ended(process) && process->ladder == LADDER_OVER;
}

/* Whether all in the cgroup are gone is asked, not supposed: a host without a free descriptor reached its children alone. */
static int stop_reaches(const brood_process *process)
{
	int r;

	if (process->cgroup.path) {
		r = cgroup_populated(&process->cgroup);
		return r < 0 ? r : BROOD_STOPPED_ALL;
	}
	return reaches_further(process) ? BROOD_STOPPED_GROUP : BROOD_STOPPED_CHILDREN;
}

int brood_process_stop(brood_process *process, int64_t grace_ms)
{
	int64_t now_ns;
	int r;

	if (!process || !timeout_valid(grace_ms))
		return -EINVAL;
	if (!process_is_ours(process))
		return -ECHILD;
	now_ns = clock_now_ns();
	process_begin_stop(process, BROOD_BY_STOP, grace_ms, now_ns);
	process_climb(process, now_ns);
	r = process_run_until(process, process_stopped, DEADLINE_NEVER);
	return r < 0 ? r : stop_reaches(process);
}

/* ---- the end of the handle ---- */

/* One that was given up on the way to its exec is dead, but the kernel still writes to its plan when its end comes: better lost than written over. */
static void let_go_of_plan(struct plan *plan)
{
	if (plan && !plan->running)
		plan_free(plan);
}

static void dismantle(brood_process *process)
{
	if (process->timer.fd >= 0)
		process_watch(process, &process->timer, 0);
	fd_close(&process->timer.fd);
	for (size_t i = 0; i < process->channel_count; i++) {
		channel_close(process, &process->channels[i]);
		buffer_done(&process->channels[i].ahead);
	}
	for (size_t i = 0; i < process->stage_count; i++) {
		struct child *child = &process->children[i];

		process_watch(process, &child->watch, 0);
		let_go_of_plan(child->plan);
		fd_close(&child->ref.pidfd);
	}
	if (process->poller_is_own)
		poller_free(process->poller);
	pthread_mutex_destroy(&process->lock);
	free(process->channels);
	free(process);
}

/* A child of fork has copies of the descriptors: it closes them. The epoll set is one and the same: it must not be told. */
static void forget_inherited(brood_process *process)
{
	for (size_t i = 0; i < process->stage_count; i++)
		process->children[i].watch.wanted = 0;
	for (size_t i = 0; i < process->channel_count; i++)
		process->channels[i].watch.wanted = 0;
	process->timer.wanted = 0;
}

/* Contained means: nothing that came out of it is left behind. */
static void remove_cgroup(brood_process *process)
{
	if (!process->cgroup.path)
		return;
	for (int64_t waited_ms = 0; waited_ms < GIVE_UP_MS; waited_ms += LOOK_NS / 1000000) {
		const int populated = cgroup_populated(&process->cgroup);

		if (populated != 0)
			cgroup_signal(&process->cgroup, SIGKILL);
		/* Where it cannot be asked, waiting would not tell either. */
		if (populated != 1)
			break;
		usleep(LOOK_NS / 1000);
	}
	cgroup_remove(&process->cgroup);
}

/* A stop that a spent budget began is brought to its end: grandchildren of the group may still be in their grace. */
brood_result *process_end(brood_process *process_take)
{
	brood_result *result = process_take->result;

	if (!process_is_ours(process_take)) {
		forget_inherited(process_take);
		cgroup_forget(&process_take->cgroup);
	} else {
		if (process_take->running > 0 || process_stopping(process_take))
			brood_process_stop(process_take, process_take->grace_ms);
		remove_cgroup(process_take);
	}
	dismantle(process_take);
	return result;
}

void brood_process_free(brood_process *process_take)
{
	if (process_take)
		brood_result_free(process_end(process_take));
}

void brood_process_detach(brood_process *process_take)
{
	brood_result *result;

	if (!process_take)
		return;
	result = process_take->result;
	cgroup_forget(&process_take->cgroup);
	if (!process_is_ours(process_take))
		forget_inherited(process_take);
	dismantle(process_take);
	brood_result_free(result);
}
