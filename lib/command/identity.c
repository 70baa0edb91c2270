/* SPDX-License-Identifier: MIT */
/*
 * What the child is: group, session, user, limits, priority. Each is stored in every stage; the last call of a kind wins. Only what
 * can never be right is refused here, since what this user and kernel allow is known at the start alone.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "command/description.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* No kernel knows this many processors; a number above is a mistake, and the mask must have an end. */
enum { CPU_LIMIT = 8192 };

#ifndef RLIM_NLIMITS
#define RLIM_NLIMITS 16
#endif

/* The same assignment in every stage, for what needs no memory of its own. */
#define SET_EVERYWHERE(cmd, member, value) do { \
	if (command_is_open(cmd)) \
		for (size_t i_ = 0; i_ < (cmd)->stage_count; i_++) \
			(cmd)->stages[i_].identity.member = (value); \
} while (0)

void brood_command_keep_ignored(brood_command *cmd, int signal)
{
	if (!command_is_open(cmd))
		return;
	if (signal < 0 || signal >= NSIG || signal > 64) {
		command_mistake(cmd, "keep_ignored: %d is not a signal (1 to %d, or 0 for all)", signal, NSIG - 1);
		return;
	}
	for (size_t i = 0; i < cmd->stage_count; i++)
		cmd->stages[i].identity.keep_ignored |= signal == 0 ? KEEP_ALL_IGNORED : UINT64_C(1) << (signal - 1);
}

void brood_command_set_new_group(brood_command *cmd, bool new_group)
{
	SET_EVERYWHERE(cmd, new_group, new_group);
}

void brood_command_set_new_session(brood_command *cmd, bool new_session)
{
	SET_EVERYWHERE(cmd, new_session, new_session);
}

void brood_command_set_die_with_parent(brood_command *cmd, bool die_with_parent)
{
	SET_EVERYWHERE(cmd, die_with_parent, die_with_parent);
}

void brood_command_set_contained(brood_command *cmd, bool contained)
{
	SET_EVERYWHERE(cmd, contained, contained);
}

void brood_command_set_no_new_privs(brood_command *cmd, bool no_new_privs)
{
	SET_EVERYWHERE(cmd, no_new_privs, no_new_privs);
}

void brood_command_set_nice(brood_command *cmd, int increment)
{
	SET_EVERYWHERE(cmd, nice, increment);
}

void brood_command_set_umask(brood_command *cmd, mode_t mask)
{
	if (!command_is_open(cmd))
		return;
	if (mask > 0777) {
		command_mistake(cmd, "set_umask: 0%o has more than the nine permission bits", (unsigned)mask);
		return;
	}
	SET_EVERYWHERE(cmd, set_umask, true);
	SET_EVERYWHERE(cmd, umask, mask);
}

/* ---- limits: one entry a resource ---- */

static int set_limit(struct identity *identity, struct rlimit_op limit)
{
	struct rlimit_op *list;

	for (size_t i = 0; i < identity->limit_count; i++)
		if (identity->limits[i].resource == limit.resource) {
			identity->limits[i] = limit;
			return 0;
		}
	list = list_grow(identity->limits, identity->limit_count, sizeof(*list));
	if (!list)
		return -ENOMEM;
	identity->limits = list;
	identity->limits[identity->limit_count++] = limit;
	return 0;
}

void brood_command_set_rlimit(brood_command *cmd, int resource, uint64_t soft, uint64_t hard)
{
	if (!command_is_open(cmd))
		return;
	if (resource < 0 || resource >= (int)RLIM_NLIMITS) {
		command_mistake(cmd, "set_rlimit: %d is not a resource", resource);
		return;
	}
	if (soft > hard) {
		command_mistake(cmd, "set_rlimit: the soft limit %" PRIu64 " is above the hard limit %" PRIu64, soft, hard);
		return;
	}
	for (size_t i = 0; i < cmd->stage_count; i++)
		if (set_limit(&cmd->stages[i].identity, (struct rlimit_op){ resource, soft, hard }) < 0) {
			command_no_memory(cmd);
			return;
		}
}

/* ---- user and groups ---- */

/* -1 means "leave it as it is" to the kernel: a drop that does nothing is what nobody asked for. */
static bool user_is_good(brood_command *cmd, uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
	if (uid == (uid_t)-1)
		command_mistake(cmd, "set_user: the user id is -1, which would keep the caller's");
	else if (gid == (gid_t)-1)
		command_mistake(cmd, "set_user: the group id is -1, which would keep the caller's");
	else if (!groups && count > 0)
		command_mistake(cmd, "set_user: %zu groups are promised and the list is NULL", count);
	for (size_t i = 0; command_is_open(cmd) && groups && i < count; i++)
		if (groups[i] == (gid_t)-1)
			command_mistake(cmd, "set_user: supplementary group %zu is -1", i + 1);
	return command_is_open(cmd);
}

void brood_command_set_user(brood_command *cmd, uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
	if (!command_is_open(cmd) || !user_is_good(cmd, uid, gid, groups, count))
		return;
	for (size_t i = 0; i < cmd->stage_count; i++) {
		struct identity *identity = &cmd->stages[i].identity;
		gid_t *copy = NULL;

		if (count > 0) {
			copy = list_copy(groups, count, sizeof(*groups));
			if (!copy) {
				command_no_memory(cmd);
				return;
			}
		}
		free(identity->groups);
		identity->groups = copy;
		identity->group_count = count;
		identity->uid = uid;
		identity->gid = gid;
		identity->set_user = true;
	}
}

/* ---- processors ---- */

static bool cpus_are_good(brood_command *cmd, const int *cpus, size_t count)
{
	if (!cpus || count == 0)
		command_mistake(cmd, "set_affinity: the list of processors is %s", cpus ? "empty" : "NULL");
	for (size_t i = 0; command_is_open(cmd) && cpus && i < count; i++)
		if (cpus[i] < 0 || cpus[i] >= CPU_LIMIT)
			command_mistake(cmd, "set_affinity: %d is not a processor (0 to %d)", cpus[i], CPU_LIMIT - 1);
	return command_is_open(cmd);
}

void brood_command_set_affinity(brood_command *cmd, const int *cpus, size_t count)
{
	if (!command_is_open(cmd) || !cpus_are_good(cmd, cpus, count))
		return;
	for (size_t i = 0; i < cmd->stage_count; i++) {
		struct identity *identity = &cmd->stages[i].identity;
		int *copy = list_copy(cpus, count, sizeof(*cpus));

		if (!copy) {
			command_no_memory(cmd);
			return;
		}
		free(identity->cpus);
		identity->cpus = copy;
		identity->cpu_count = count;
	}
}
