/* SPDX-License-Identifier: MIT */
/*
 * Reaping: each child once, by its own handle, never anybody else's.
 *
 * Signals may come from other threads at any time. The lock makes reaping one instant for them: before it the pidfd is the child's, after it the
 * child counts as ended and its descriptor's number may belong to somebody else.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "base/fd.h"
#include "base/log.h"
#include "spawn/engine.h"

static bool leads_group(const brood_process *process, size_t index)
{
	return process->new_session || (process->new_group && index == 0);
}

static enum brood_cause find_cause(const struct child *child, const struct child_end *end)
{
	if (child->asked)
		return (enum brood_cause)child->asked;
	if (end->how == BROOD_SIGNALLED && child->signalled == end->code)
		return BROOD_BY_STOP;
	return BROOD_BY_ITSELF;
}

/* With the lock held. */
static void note_end(brood_process *process, size_t index, const struct child_end *how, int64_t now_ns)
{
	struct child *child = &process->children[index];
	struct stage_end *end = &process->result->stages[index];

	end->how = how->how;
	end->code = how->code;
	end->cause = find_cause(child, how);
	end->end_ns = now_ns;
	end->has_usage = how->has_usage;
	if (how->has_usage)
		end->usage = how->usage;
	child->ended = true;
	process->running--;
	process_watch(process, &child->watch, 0);
	child->watch.fd = -1;
	if (!leads_group(process, index))
		fd_close(&child->ref.pidfd);
	result_changed(process->result);
	log_line(BROOD_LOG_INFO, "'%s', pid %ld: %s %d", end->name, (long)end->pid,
	         end->how == BROOD_EXITED ? "exited" : end->how == BROOD_SIGNALLED ? "killed by signal" : "lost", end->code);
}

static int reap(brood_process *process, size_t index, bool block)
{
	struct child *child = &process->children[index];
	struct child_end end;
	int r;

	/* Blocking is only for children with a pidfd: their number cannot go to a stranger behind a signaller's back. */
	if (block) {
		r = pidref_reap(&child->ref, true, process->owner, &end);
		pthread_mutex_lock(&process->lock);
	} else {
		pthread_mutex_lock(&process->lock);
		r = pidref_reap(&child->ref, false, process->owner, &end);
	}
	if (r == 1)
		note_end(process, index, &end, clock_now_ns());
	pthread_mutex_unlock(&process->lock);
	return r;
}

/*
 * An early start has come to its exec or failed there. A failure undoes the chain, as it would have at the start; this stage was never
 * started then.
 */
static void confirm(brood_process *process, size_t index, int64_t now_ns)
{
	struct child *child = &process->children[index];
	struct stage_end *end = &process->result->stages[index];
	int r;

	pthread_mutex_lock(&process->lock);
	r = spawn_confirm(child->plan, &process->result->failure);
	plan_free(child->plan);
	child->plan = NULL;
	if (r < 0) {
		process_watch(process, &child->watch, 0);
		child->watch.fd = -1;
		reap_failed(&child->ref);
		child->ended = true;
		process->running--;
		end->how = BROOD_NOT_STARTED;
		end->pid = 0;
		end->start_ns = 0;
		result_changed(process->result);
	}
	pthread_mutex_unlock(&process->lock);
	if (r < 0)
		process_begin_stop(process, BROOD_BY_FAILURE, process->grace_ms, now_ns);
}

bool process_leader_is_last(brood_process *process)
{
	const struct child *leader = &process->children[0];

	if (!process->new_group || leader->ref.pid == 0)
		return false;
	if (process->leader_rule == LEADER_UNASKED)
		process->leader_rule = pidref_group_outlives_leader(&leader->ref) ? LEADER_ANY_TIME : LEADER_LAST;
	return process->leader_rule == LEADER_LAST;
}

/*
 * A zombie keeps the group's number from being given away, so the leader waits until it is the last. While a stop is under way, what is left of
 * the group is ended while its number still means it.
 */
static bool leader_must_wait(brood_process *process, size_t index)
{
	struct child *leader = &process->children[0];

	/* The only one, and nobody is being stopped: there is nothing to ask the kernel for. */
	if (index != 0 || (process->running == 1 && process->ladder == LADDER_NONE) || !process_leader_is_last(process))
		return false;
	if (process->running > 1) {
		process_watch(process, &leader->watch, 0);
		return true;
	}
	if (process->ladder != LADDER_NONE && pidref_ended(&leader->ref))
		pidref_signal_group(&leader->ref, SIGKILL, false);
	return false;
}

static int reap_if_ready(brood_process *process, size_t index, int64_t now_ns)
{
	struct child *child = &process->children[index];
	const bool ready = child->watch.ready != 0;

	child->watch.ready = 0;
	if (child->ended || child->ref.pid == 0 || !ready)
		return 0;
	if (child->plan)
		confirm(process, index, now_ns);
	if (child->ended || leader_must_wait(process, index))
		return 0;
	return reap(process, index, false);
}

int process_reap_ready(brood_process *process, int64_t now_ns)
{
	for (size_t i = 0; i < process->stage_count; i++) {
		int r = reap_if_ready(process, i, now_ns);

		if (r < 0)
			return r;
	}
	if (process->leader_rule == LEADER_LAST && process->running == 1 && !process->children[0].ended) {
		process->children[0].watch.ready = POLLIN;
		process_watch(process, &process->children[0].watch, POLLIN);
		return reap_if_ready(process, 0, now_ns) < 0 ? -ECHILD : 0;
	}
	return 0;
}

int process_reap_blocking(brood_process *process)
{
	for (size_t i = 0; i < process->stage_count; i++)
		if (process->children[i].plan)
			confirm(process, i, clock_now_ns());
	/* One of them could not be started: the others have their grace, which a wait for them alone would not see. */
	if (process_stopping(process))
		return 0;
	for (size_t i = 0; i < process->stage_count; i++) {
		if (process->children[i].ended || process->children[i].ref.pid == 0)
			continue;
		int r = reap(process, i, true);

		if (r < 0)
			return r;
	}
	return 0;
}

/* SIGKILL did not end it within a bounded time: uninterruptible sleep. It is told, and left to the host. */
void process_give_up(brood_process *process, int64_t now_ns)
{
	const struct child_end lost = { .how = BROOD_LOST };

	pthread_mutex_lock(&process->lock);
	for (size_t i = 0; i < process->stage_count; i++)
		if (!process->children[i].ended && process->children[i].ref.pid > 0) {
			log_line(BROOD_LOG_ERROR, "pid %ld does not end", (long)process->children[i].ref.pid);
			note_end(process, i, &lost, now_ns);
		}
	pthread_mutex_unlock(&process->lock);
}
