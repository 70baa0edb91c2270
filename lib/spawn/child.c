/* SPDX-License-Identifier: MIT */
/*
 * What happens between the clone and the exec, in this order: the directory where it is a descriptor, cgroup, session and group, the
 * terminal, cut loose from the host's descriptor table, put signals back, descriptors, limits, identity, the directory by path, death with
 * the parent, mask, exec.
 *
 * A child made with CLONE_VM runs here in the host's memory. A test holds this object's undefined symbols against a list.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "spawn/lookup.h"
#include "spawn/sys.h"

#include "spawn/child_calls.h"

CHILD_SIDE static int fail(struct plan *plan, enum step step, int error, int detail)
{
	plan->report.detail = detail;
	plan->report.error = -error;
	plan->report.step = step;
	return -1;
}

/* ---- signals ---- */

/*
 * Handlers first: without CLONE_CLEAR_SIGHAND a signal that arrives once the mask opens would run the host's handler in here. SIGKILL and
 * SIGSTOP refuse; so do the two that libc keeps, where libc is asked: neither can be handled or ignored.
 */
CHILD_SIDE static void reset_signals(const struct plan *plan)
{
	for (int signal = 1; signal <= SIGNAL_MAX; signal++) {
		const uint64_t bit = (uint64_t)1 << (signal - 1);

		if ((plan->reset & bit) || (plan->reset_handlers && !(plan->spared & bit) && !call_signal_is_ignored(signal)))
			call_signal_default(signal);
	}
}

/* ---- descriptors ---- */

/*
 * The first call of all while the table is the host's: what lies above the highest wanted descriptor is not even copied. Should it fail, nothing
 * else may be touched, because every change would be a change in the host.
 */
CHILD_SIDE static int cut_loose(struct plan *plan)
{
	/*
	 * A forked child has a table of its own. A handler of the host (pthread_atfork) may have started a thread in it: unshared from that one,
	 * the pipes that the thread keeps would never come to their end.
	 */
	const bool forked = plan->channel >= 0;
	int r = forked ? -EINVAL : call_close_range(plan->fds.first_unwanted, UINT_MAX, true);

	if (r == 0) {
		plan->unshared = true;
		return 0;
	}
	if (plan->shares_table)
		return fail(plan, STEP_CLOSE, r, 0);
	r = call_close_range(plan->fds.first_unwanted, UINT_MAX, false);
	if (r < 0)
		return fail(plan, STEP_CLOSE, r, 0);
	return 0;
}

/* What the exec of a program would have closed: a host without stdin may have opened a file of its own at 0. */
CHILD_SIDE static void close_marked_stdio(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (call_fd_is_marked(fd))
			call_close(fd);
}

CHILD_SIDE static int move_descriptors(struct plan *plan)
{
	for (size_t i = 0; i < plan->fds.op_count; i++) {
		const struct fd_op *op = &plan->fds.ops[i];
		int r;

		if (op->kind == FD_OP_KEEP)
			r = call_fd_keep(op->to);
		else
			r = call_dup(op->from, op->to, op->kind == FD_OP_DUP_CLOEXEC);
		if (r < 0)
			return fail(plan, STEP_DESCRIPTOR, r, op->to);
		if (op->from == plan->channel && op->to == plan->fds.reserved)
			plan->channel = plan->fds.reserved;
	}
	for (size_t i = 0; i < plan->fds.gap_count; i++) {
		int r = call_close_range(plan->fds.gaps[i].first, plan->fds.gaps[i].last, false);

		if (r < 0)
			return fail(plan, STEP_CLOSE, r, 0);
	}
	if (plan->function)
		close_marked_stdio();
	return 0;
}

/* ---- who it is ---- */

/* From a group that is in the background still: the kernel allows that because SIGTTOU is blocked, like all others. */
CHILD_SIDE static int take_terminal(struct plan *plan)
{
	int r;

	if (plan->terminal_fd < 0)
		return 0;
	r = call_set_foreground(plan->terminal_fd);
	return r < 0 ? fail(plan, STEP_TERMINAL, r, 0) : 0;
}

CHILD_SIDE static int join_session_and_group(struct plan *plan)
{
	bool leads = plan->group == GROUP_OWN;
	int r;

	if (plan->identity->new_session) {
		r = call_setsid();
		if (r < 0)
			return fail(plan, STEP_SESSION, r, 0);
		leads = true;
	} else if (plan->group != GROUP_INHERIT) {
		r = call_setpgid(plan->group);
		/* The first stage has ended and its number is gone: the host ignores SIGCHLD. A group of its own is what is left. */
		if (r == -EPERM && !leads) {
			r = call_setpgid(GROUP_OWN);
			leads = true;
		}
		if (r < 0)
			return fail(plan, STEP_GROUP, r, 0);
	}
	return leads ? take_terminal(plan) : 0;
}

CHILD_SIDE static int join_cgroup(struct plan *plan)
{
	long r;

	if (plan->cgroup_procs < 0)
		return 0;
	r = call_write(plan->cgroup_procs, "0", 1);
	return r < 0 ? fail(plan, STEP_CGROUP, (int)r, 0) : 0;
}

CHILD_SIDE static int set_limits(struct plan *plan)
{
	const struct identity *identity = plan->identity;
	int r;

	if (identity->set_umask)
		call_umask(identity->umask);
	if (identity->nice) {
		r = call_nice(identity->nice);
		if (r < 0)
			return fail(plan, STEP_NICE, r, 0);
	}
	for (size_t i = 0; i < identity->limit_count; i++) {
		r = call_rlimit(&identity->limits[i]);
		if (r < 0)
			return fail(plan, STEP_RLIMIT, r, identity->limits[i].resource);
	}
	if (identity->cpu_count > 0) {
		r = call_affinity(identity->cpus, identity->cpu_count);
		if (r < 0)
			return fail(plan, STEP_AFFINITY, r, 0);
	}
	return 0;
}

/*
 * Groups, gid, uid: each needs a privilege that the next one gives up. Then look whether it is so: setuid(2) has returned success without
 * dropping, or failed on RLIMIT_NPROC unnoticed, in more than one program. A uid other than 0 keeps no capability, whatever the host's
 * securebits say.
 */
CHILD_SIDE static int drop_user(struct plan *plan)
{
	const struct identity *identity = plan->identity;
	int r;

	if (!identity->set_user)
		return 0;
	r = call_setgroups(identity->groups, identity->group_count);
	if (r < 0)
		return fail(plan, STEP_SETGROUPS, r, 0);
	r = call_setgid(identity->gid);
	if (r < 0)
		return fail(plan, STEP_SETGID, r, 0);
	r = call_setuid(identity->uid);
	if (r < 0)
		return fail(plan, STEP_SETUID, r, 0);
	if (identity->uid != 0) {
		r = call_drop_capabilities();
		if (r < 0)
			return fail(plan, STEP_CAPABILITIES, r, 0);
	}
	return 0;
}

CHILD_SIDE static int change_directory(struct plan *plan)
{
	int r = 0;

	if (plan->cwd)
		r = call_chdir(plan->cwd);
	else if (plan->cwd_fd >= 0)
		r = call_fchdir(plan->cwd_fd);
	return r < 0 ? fail(plan, STEP_CHDIR, r, 0) : 0;
}

/*
 * After the ids: a change of credentials clears the setting. Then ask for the parent: it may have died before the setting was made, and then no
 * signal will ever come. A host that put its children into another pid namespace (unshare with CLONE_NEWPID) has no number there: getppid tells 0,
 * whether it lives or not, and this cannot be looked at.
 */
CHILD_SIDE static int bind_to_parent(struct plan *plan)
{
	int r;

	if (plan->identity->no_new_privs) {
		r = call_no_new_privs();
		if (r < 0)
			return fail(plan, STEP_NO_NEW_PRIVS, r, 0);
	}
	if (plan->identity->die_with_parent) {
		r = call_die_with_parent();
		if (r < 0)
			return fail(plan, STEP_PARENT, r, 0);
		r = call_getppid();
		if (r != 0 && r != plan->parent)
			return fail(plan, STEP_PARENT, -ESRCH, 0);
	}
	return 0;
}

CHILD_SIDE int child_prepare(struct plan *plan)
{
	/* The directory's descriptor is one that the child does not keep: with a path the order does not matter, so it comes late for both. */
	const bool by_fd = !plan->cwd && plan->cwd_fd >= 0;

	if (by_fd && change_directory(plan) < 0)
		return -1;
	if (join_cgroup(plan) < 0)
		return -1;
	/* The terminal's descriptor is not one that the child keeps either. */
	if (join_session_and_group(plan) < 0)
		return -1;
	if (cut_loose(plan) < 0)
		return -1;
	reset_signals(plan);
	if (move_descriptors(plan) < 0 || set_limits(plan) < 0 || drop_user(plan) < 0)
		return -1;
	if (!by_fd && change_directory(plan) < 0)
		return -1;
	if (bind_to_parent(plan) < 0)
		return -1;
	call_unblock_signals();
	return 0;
}

/* ---- exec ---- */

/* A file that another process is just done writing (golang#22315) is busy for an instant: about a tenth of a second of patience. */
CHILD_SIDE static int exec_patiently(const char *file, char *const *argv, char *const *envp)
{
	int r = call_exec(file, argv, envp);

	for (int ms = 1; r == -ETXTBSY && ms <= 64; ms *= 2) {
		call_sleep_ms(ms);
		r = call_exec(file, argv, envp);
	}
	return r;
}

CHILD_SIDE void child_exec(struct plan *plan)
{
	int found = 0;
	int r = 0;

	if (child_prepare(plan) < 0)
		return;
	for (char **file = plan->candidates; *file; file++) {
		r = exec_patiently(*file, plan->argv, plan->envp);
		if (r == -ENOEXEC) {
			plan->shell_argv[1] = *file;
			found = -call_exec(plan->shell_argv[0], plan->shell_argv, plan->envp);
			break;
		}
		if (!lookup_goes_on(-r, &found))
			break;
	}
	fail(plan, STEP_EXEC, -found, 0);
}

/* ---- the forked child's channel ---- */

CHILD_SIDE int child_await_go(int channel)
{
	char go;
	long r;

	do
		r = call_read(channel, &go, 1);
	while (r == -EINTR);
	return r == 1;
}

CHILD_SIDE void child_tell(int channel, const struct child_report *report)
{
	long r;

	do
		r = call_write(channel, report, sizeof *report);
	while (r == -EINTR);
}

CHILD_SIDE void child_exit(int code)
{
	call_exit(code);
}
