/* SPDX-License-Identifier: MIT */
/*
 * Starting a chain: stage by stage from the left, undone when one cannot be started.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/process.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/self.h"
#include "spawn/engine.h"
#include "spawn/signals.h"

static brood_process *process_new(const brood_command *cmd, const struct start_options *options)
{
	brood_process *process = calloc(1, sizeof *process + cmd->stage_count * sizeof *process->children);

	if (!process)
		return NULL;
	process->result = result_new(cmd);
	if (!process->result) {
		free(process);
		return NULL;
	}
	pthread_mutex_init(&process->lock, NULL);
	process->stage_count = cmd->stage_count;
	process->owner = self_pid();
	process->cgroup.fd = process->cgroup.kill_fd = -1;
	process->timer.fd = -1;
	process->timer_ns = DEADLINE_NEVER;
	process->ladder_ns = process->look_ns = DEADLINE_NEVER;
	process->budget_ns = deadline_after(clock_now_ns(), cmd->timeout_ms);
	process->grace_ms = cmd->grace_ms;
	process->linger_ms = cmd->linger_ms;
	process->stop_signal = cmd->stop_signal;
	process->stop_on_overflow = cmd->overflow == BROOD_STOP;
	process->on_output = cmd->on_output;
	process->on_output_data = cmd->on_output_data;
	process->new_group = cmd->terminal_fd >= 0;
	process->poller = options->poller;
	process->holders = options->holders;
	for (size_t i = 0; i < cmd->stage_count; i++) {
		process->children[i].ref.pidfd = process->children[i].watch.fd = -1;
		process->children[i].watch.owner = options->owner;
		process->new_group |= cmd->stages[i].identity.new_group;
		process->new_session |= cmd->stages[i].identity.new_session;
	}
	process->new_group = (process->new_group || options->new_group) && !process->new_session;
	return process;
}

static int make_cgroup(brood_process *process, const brood_command *cmd, struct failure *failure)
{
	for (size_t i = 0; i < cmd->stage_count; i++)
		if (cmd->stages[i].identity.contained)
			return cgroup_make(&process->cgroup, failure);
	return 0;
}

/* What a stage runs when it is no program. */
static void fill_function(const struct stage *stage, struct plan_input *input)
{
	if (stage->kind == STAGE_FUNCTION) {
		input->function = stage->function;
		input->data = stage->data;
	} else if (stage->kind == STAGE_THEN) {
		input->function = run_then;
		input->data = (void *)(uintptr_t)stage;
	}
}

static pid_t group_for(const brood_process *process, size_t index)
{
	if (!process->new_group)
		return GROUP_INHERIT;
	return index == 0 ? GROUP_OWN : process->children[0].ref.pid;
}

static void note_started(brood_process *process, size_t index, struct plan *plan)
{
	struct child *child = &process->children[index];
	struct stage_end *end = &process->result->stages[index];

	end->pid = child->ref.pid;
	end->how = BROOD_RUNNING;
	end->start_ns = clock_now_ns();
	process->running++;
	process->blind |= child->ref.pidfd < 0;
	child->watch.fd = child->ref.pidfd;
	child->plan = plan;
	process_watch(process, &child->watch, POLLIN);
	log_line(BROOD_LOG_INFO, "started '%s', pid %ld", end->name, (long)end->pid);
}

static int start_stage(brood_process *process, const brood_command *cmd, size_t index, struct wiring *wiring,
                       uint64_t ignored, bool early)
{
	struct child *child = &process->children[index];
	struct failure *failure = &process->result->failure;
	struct plan_input input = {
		.stage = &cmd->stages[index],
		.index = index,
		.group = group_for(process, index),
		.terminal_fd = cmd->terminal_fd,
		.ignored = ignored,
		.cgroup_fd = process->cgroup.fd,
		.parent = process->owner,
	};
	struct plan *plan = NULL;
	int r;

	fill_function(&cmd->stages[index], &input);
	r = wiring_stage(wiring, index, &input.wanted, &input.want_count, failure);
	if (r == 0)
		r = plan_new(&input, &plan, failure);
	if (r == 0)
		r = spawn_start(plan, early, &child->ref, failure);
	wiring_stage_done(wiring, index);
	if (r == 0 && plan->early) {
		/* It may not have come to this itself yet, and the next stage will join its group. Once it has done its exec this is refused. */
		if (input.group != GROUP_INHERIT && cmd->stage_count > 1)
			setpgid(child->ref.pid, input.group);
		note_started(process, index, plan);
		return 0;
	}
	if (r == 0)
		note_started(process, index, NULL);
	plan_free(plan);
	return r;
}

/* One look for the whole chain; none where whatever is ignored stays so. */
static uint64_t look_at_ignored(const brood_command *cmd, int *status_fd)
{
	for (size_t i = 0; i < cmd->stage_count; i++)
		if (cmd->stages[i].identity.keep_ignored != KEEP_ALL_IGNORED)
			return signals_ignored(status_fd);
	return 0;
}

static int start_stages(brood_process *process, const brood_command *cmd, const struct start_options *options)
{
	struct wiring *wiring = NULL;
	const uint64_t ignored = look_at_ignored(cmd, options->status_fd);
	int r = wiring_new(process, cmd, options, &wiring);

	if (r < 0)
		return failure_set(&process->result->failure, FAILURE_NO_STAGE, STEP_MEMORY, -r, NULL);
	r = make_cgroup(process, cmd, &process->result->failure);
	for (size_t i = 0; r == 0 && i < cmd->stage_count; i++)
		r = start_stage(process, cmd, i, wiring, ignored, options->early);
	wiring_free(wiring);
	return r;
}

static bool nobody_runs(const brood_process *process)
{
	return process->running == 0;
}

/* The stages before the one that failed: stopped as any chain is, and reaped, before the failure is handed out. */
static void undo(brood_process *process)
{
	log_line(BROOD_LOG_WARNING, "undoing a start: %s", brood_result_describe(process->result));
	for (size_t i = 0; i < process->channel_count; i++)
		channel_close(process, &process->channels[i]);
	if (process->running > 0)
		process_begin_stop(process, BROOD_BY_FAILURE, process->grace_ms, clock_now_ns());
	/* A batch goes on meanwhile: it steps this one to its end like any other. */
	if (!process->poller)
		process_run_until(process, nobody_runs, DEADLINE_NEVER);
	process->drained = nobody_runs(process);
	result_changed(process->result);
}

int process_start(const brood_command *cmd, const struct start_options *options, brood_process **ret_process)
{
	brood_process *process;
	int r;

	*ret_process = NULL;
	/* A constructor's NULL is passed through: it ran out of memory. */
	if (!cmd)
		return -ENOMEM;
	process = process_new(cmd, options);
	if (!process)
		return -ENOMEM;
	*ret_process = process;
	if (cmd->error) {
		const bool memory = cmd->error == -ENOMEM;

		process->drained = true;
		return failure_set(&process->result->failure, FAILURE_NO_STAGE, memory ? STEP_MEMORY : STEP_COMMAND, -cmd->error,
		                   cmd->message);
	}
	r = start_stages(process, cmd, options);
	if (r < 0) {
		undo(process);
		return r;
	}
	for (size_t i = 0; i < process->channel_count; i++)
		channel_listen(process, &process->channels[i]);
	return 0;
}

int brood_start(const brood_command *cmd, brood_process **ret_process)
{
	if (!ret_process)
		return -EINVAL;
	return process_start(cmd, &(struct start_options){ .stdin_null = false }, ret_process);
}

int brood_run(const brood_command *cmd, brood_result **ret_result)
{
	brood_process *process = NULL;
	int r;

	if (!ret_result)
		return -EINVAL;
	*ret_result = NULL;
	r = brood_start(cmd, &process);
	if (!process)
		return r;
	if (r == 0)
		r = brood_process_communicate(process, NULL, 0, -1);
	*ret_result = process_end(process);
	return r;
}
