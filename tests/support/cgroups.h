/* SPDX-License-Identifier: MIT */
/*
 * What tests of cgroups share: one to put members into, and the proof that it is gone. A test is skipped where there is no
 * cgroup2 mount that may be written to.
 */
#ifndef SUPPORT_CGROUPS_H
#define SUPPORT_CGROUPS_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

#include "spawn/cgroup.h"

/* A cgroup, or the test is skipped. */
static inline struct cgroup make_or_skip(void)
{
	struct cgroup cgroup = { .path = NULL, .fd = -1, .kill_fd = -1 };
	struct failure failure = { .stage = 0 };
	int r = cgroup_make(&cgroup, &failure);

	if (r == -ENOTSUP || r == -EACCES || r == -EPERM || r == -EROFS || r == -ENOENT) {
		assert_int_equal(failure.step, STEP_CGROUP);
		assert_int_equal(failure.error, -r);
		failure_done(&failure);
		support_skip("no cgroup2 mount that we may write to");
	}
	assert_int_equal(r, 0);
	return cgroup;
}

/* For a child: go into it, or end. */
static inline void join(const struct cgroup *cgroup)
{
	int fd = cgroup_procs_fd(cgroup);

	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(99);
	close(fd);
}

static inline void assert_removed(struct cgroup *cgroup)
{
	char *path = strdup(cgroup->path);
	struct stat st;

	assert_int_equal(cgroup_remove(cgroup), 0);
	assert_null(cgroup->path);
	assert_int_equal(cgroup->fd, -1);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(errno, ENOENT);
	free(path);
}

#endif
