/* SPDX-License-Identifier: MIT */
/*
 * Many descriptors watched at once, for long: epoll on Linux, poll(2) elsewhere and where BROOD_POLLER=poll asks for it.
 *
 * The owner of a watch embeds a struct watch, says with poller_watch what it wants to hear, and finds in `ready` what the last poller_wait saw.
 * Cost per event does not grow with the number of watches (epoll). A watch must be dropped (poller_watch with 0) before its descriptor
 * is closed. Level-triggered. One watch a descriptor (epoll: -EEXIST for a second).
 *
 * While the owner handles what one poller_wait returned it may drop any watch, also one further down the same list. So the memory of a watch
 * stays until the list is done, and a watch in the list whose `wanted` is 0 by then is skipped.
 */
#ifndef BROOD_BASE_POLLER_H
#define BROOD_BASE_POLLER_H

#include <stddef.h>
#include <stdint.h>

struct poller;

/* Events are poll(2)'s: POLLIN, POLLOUT; ready may have POLLERR and POLLHUP too. */
struct watch {
	int fd;
	short wanted;           /* what poller_watch was last told, 0: not in the set */
	short ready;            /* what was seen and has not been acted on: the owner clears it */
	uint32_t index;         /* the poller's own */
	void *owner;            /* whatever the owner wants to find again */
};

/* NULL with errno for want of memory or descriptors. */
struct poller *poller_new(void);

/* A descriptor that is readable while anything is ready; -ENOTSUP for the poll(2) kind. The poller's own. */
int poller_fd(const struct poller *poller);

/*
 * Watch watch->fd for `wanted` from now on; 0 drops it and clears `ready`. 0, or -errno: a watch that could not be added or changed is as before,
 * one that was to be dropped is dropped. epoll refuses regular files with -EPERM (they are always ready); poll(2) takes them.
 */
int poller_watch(struct poller *poller, struct watch *watch, short wanted);

/*
 * Wait until the deadline (clock.h) for something; fills ret[0..max) with watches whose `ready` was or-ed. Returns how many, 0 at the deadline. Signals
 * that interrupt are waited over (EINTR never comes out). A deadline in the past looks once. -EINVAL for a max of 0, -errno. To nanoseconds where epoll_pwait2 is there, else milliseconds rounded up.
 */
int poller_wait(struct poller *poller, int64_t deadline_ns, struct watch **ret, size_t max);

void poller_free(struct poller *poller);

#endif
