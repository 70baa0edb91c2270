/* SPDX-License-Identifier: MIT */
/* One user at a time for a log, by flock(2): the lock ends with its holder, however that ends. */
#ifndef BROOD_TOOLS_JOBLOG_LOCK_H
#define BROOD_TOOLS_JOBLOG_LOCK_H

#include <sys/types.h>

/*
 * Waits half a second at most. 0; -EBUSY when somebody else has it, and *ret_holder, 0 where the system does not say; another -errno. A file system
 * that has no locks is 0.
 */
int joblog_lock(int fd, pid_t *ret_holder);

#endif
