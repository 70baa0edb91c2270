/* SPDX-License-Identifier: MIT */
/*
 * Flattening a stage into a plan, and reading back what the child reported.
 *
 * All that may allocate, fail or take a lock happens here, before any child exists.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spawn/environ.h"
#include "spawn/lookup.h"
#include "spawn/signals.h"
#include "spawn/sys.h"

extern char **environ;

/* "sh FILE ARGUMENTS": what runs a file that the kernel does not know how to execute (ENOEXEC), as execvp(3) does. */
static char **shell_words(char *const *argv)
{
	size_t count = 0;
	char **words;

	while (argv[count])
		count++;
	words = calloc(count + 3, sizeof *words);
	if (!words)
		return NULL;
	words[0] = (char *)"/bin/sh";
	for (size_t i = 1; i < count; i++)
		words[i + 1] = argv[i];
	return words;
}

/* A relative program means the caller's directory, also when the child changes its own: the name is made absolute. */
static int find_candidates(struct plan *plan, const char *program, struct failure *failure)
{
	const char *path = environ_get(plan->envp, "PATH");
	char *base = NULL;
	size_t count;

	if ((plan->cwd || plan->cwd_fd >= 0) && lookup_needs_base(program, path)) {
		base = getcwd(NULL, 0);
		if (!base)
			return failure_set(failure, plan->index, STEP_EXEC, errno, program);
	}
	plan->candidates = lookup_candidates(program, path, base, &count);
	free(base);
	if (!plan->candidates)
		return failure_set(failure, plan->index, STEP_MEMORY, ENOMEM, NULL);
	if (count == 0)
		return failure_set(failure, plan->index, STEP_EXEC, ENOENT, program);
	return 0;
}

static int plan_environment(struct plan *plan, struct failure *failure)
{
	plan->envp = environ_build(environ, plan->stage->env, plan->stage->env_count);
	if (!plan->envp)
		return failure_set(failure, plan->index, STEP_MEMORY, ENOMEM, NULL);
	return 0;
}

static int plan_exec(struct plan *plan, struct failure *failure)
{
	const struct stage *stage = plan->stage;
	int r;

	plan->argv = strv_list(&stage->argv);
	r = plan_environment(plan, failure);
	if (r < 0)
		return r;
	plan->shell_argv = shell_words(plan->argv);
	if (!plan->shell_argv)
		return failure_set(failure, plan->index, STEP_MEMORY, ENOMEM, NULL);
	return find_candidates(plan, stage->program ? stage->program : plan->argv[0], failure);
}

static int keep_wanted(struct plan *plan, const struct fd_want *wanted, size_t count)
{
	if (count == 0)
		return 0;
	plan->wanted = malloc(count * sizeof *wanted);
	if (!plan->wanted)
		return -ENOMEM;
	memcpy(plan->wanted, wanted, count * sizeof *wanted);
	/* A function does not exec: nothing is closed for it that way. */
	for (size_t i = 0; plan->function && i < count; i++)
		plan->wanted[i].ours = false;
	plan->want_count = count;
	return 0;
}

int plan_new(const struct plan_input *input, struct plan **ret, struct failure *failure)
{
	struct plan *plan = calloc(1, sizeof *plan);
	int r;

	if (!plan)
		return failure_set(failure, input->index, STEP_MEMORY, ENOMEM, NULL);
	plan->stage = input->stage;
	plan->identity = &input->stage->identity;
	plan->index = input->index;
	plan->function = input->function;
	plan->data = input->data;
	plan->cwd = input->stage->cwd;
	plan->cwd_fd = input->stage->cwd_fd;
	plan->group = input->group;
	plan->terminal_fd = input->terminal_fd;
	plan->reset = input->ignored & ~plan->identity->keep_ignored;
	plan->spared = input->function ? signals_of_libc() : 0;
	plan->cgroup_fd = input->cgroup_fd;
	plan->cgroup_procs = -1;
	plan->parent = input->parent;
	plan->channel = -1;

	r = keep_wanted(plan, input->wanted, input->want_count);
	if (r < 0)
		r = failure_set(failure, input->index, STEP_MEMORY, ENOMEM, NULL);
	else if (input->stage->kind == STAGE_EXEC)
		r = plan_exec(plan, failure);
	else if (input->stage->env_count > 0)
		r = plan_environment(plan, failure);
	if (r < 0) {
		plan_free(plan);
		return r;
	}
	*ret = plan;
	return 0;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	free(plan->envp);
	free(plan->candidates);
	free(plan->shell_argv);
	free(plan->wanted);
	free(plan->stack);
	fdplan_done(&plan->fds);
	free(plan);
}

static const char *exec_subject(const struct plan *plan)
{
	if (plan->stage->kind != STAGE_EXEC)
		return stage_name(plan->stage);
	return plan->stage->program ? plan->stage->program : plan->argv[0];
}

int plan_failure(const struct plan *plan, struct failure *failure)
{
	const struct child_report *report = &plan->report;
	const enum step step = report->step > 0 && report->step < STEP_COUNT ? (enum step)report->step : STEP_FORK;

	switch (step) {
	case STEP_EXEC:
		return failure_set(failure, plan->index, step, report->error, exec_subject(plan));
	case STEP_CHDIR:
		if (plan->cwd)
			return failure_set(failure, plan->index, step, report->error, plan->cwd);
		return failure_setf(failure, plan->index, step, report->error, "descriptor %d", plan->cwd_fd);
	case STEP_TERMINAL:
		return failure_setf(failure, plan->index, step, report->error, "%d", plan->terminal_fd);
	case STEP_DESCRIPTOR:
	case STEP_RLIMIT:
	case STEP_SIGNALS:
		return failure_setf(failure, plan->index, step, report->error, "%d", report->detail);
	case STEP_SETUID:
		return failure_setf(failure, plan->index, step, report->error, "%lu", (unsigned long)plan->identity->uid);
	case STEP_SETGID:
		return failure_setf(failure, plan->index, step, report->error, "%lu", (unsigned long)plan->identity->gid);
	default:
		return failure_set(failure, plan->index, step, report->error, exec_subject(plan));
	}
}
