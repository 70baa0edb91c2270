/* SPDX-License-Identifier: MIT */
/*
 * Many descriptors watched at once: epoll, or poll(2).
 *
 * Both kinds are always built on Linux and share every rule that a caller sees, so that tests can run each suite twice. What differs
 * is the cost (poll looks at every watch in each wait) and that only epoll is itself a descriptor.
 *
 * It refuses one thing: EINTR never comes out. A host with a profiling timer interrupts each wait; who waits is told of descriptors
 * and of the deadline only.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "base/poller.h"

#include "base/clock.h"
#include "base/fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(HAVE_SYS_EPOLL_H) && defined(BROOD_LINUX_FAST_PATH)
#if BROOD_LINUX_FAST_PATH
#define POLLER_EPOLL 1
#include <sys/epoll.h>
#endif
#endif

enum { EVENTS_AT_ONCE = 256, FIRST_CAPACITY = 16 };

struct poller {
	int epoll;              /* -1: the poll(2) kind */
	bool coarse;            /* epoll_pwait2 is not here: whole milliseconds */

	/* poll(2): entry i belongs to watches[i]. */
	struct pollfd *entries;
	struct watch **watches;
	size_t count;
	size_t capacity;
	size_t next;            /* where the next wait starts to collect */
};

/* ---- poll(2) ---------------------------------------------------------------------------------------------------- */

static int entries_grow(struct poller *poller)
{
	size_t capacity = poller->capacity ? poller->capacity * 2 : FIRST_CAPACITY;
	struct pollfd *entries;
	struct watch **watches;

	if (capacity > UINT32_MAX)
		return -ENOMEM;
	entries = realloc(poller->entries, capacity * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	poller->entries = entries;
	watches = realloc(poller->watches, capacity * sizeof(*watches));
	if (!watches)
		return -ENOMEM;
	poller->watches = watches;
	poller->capacity = capacity;
	return 0;
}

static int entries_add(struct poller *poller, struct watch *watch, short wanted)
{
	int r;

	/* epoll says so at once; poll would say POLLNVAL at each wait. */
	if (fcntl(watch->fd, F_GETFD) < 0)
		return -errno;
	if (poller->count == poller->capacity) {
		r = entries_grow(poller);
		if (r < 0)
			return r;
	}
	watch->index = (uint32_t)poller->count++;
	poller->entries[watch->index] = (struct pollfd){ .fd = watch->fd, .events = wanted };
	poller->watches[watch->index] = watch;
	return 0;
}

/* The last one takes the free place: dropping one of ten thousand costs as much as dropping one of two. */
static void entries_remove(struct poller *poller, const struct watch *watch)
{
	size_t last = --poller->count;

	poller->entries[watch->index] = poller->entries[last];
	poller->watches[watch->index] = poller->watches[last];
	poller->watches[watch->index]->index = watch->index;
}

static int entries_watch(struct poller *poller, struct watch *watch, short wanted)
{
	if (!watch->wanted)
		return entries_add(poller, watch, wanted);
	assert(watch->index < poller->count && poller->watches[watch->index] == watch);
	if (wanted)
		poller->entries[watch->index].events = wanted;
	else
		entries_remove(poller, watch);
	return 0;
}

/*
 * Collecting goes on where the last call stopped, or with a small `max` the first descriptors of a busy set would be all
 * that is ever seen. A descriptor that was closed without being dropped is told as an error, since its owner must act.
 */
static int entries_collect(struct poller *poller, size_t ready, struct watch **ret, size_t max)
{
	size_t found = 0, at = poller->next;

	for (size_t i = 0; i < poller->count && found < max && found < ready; i++) {
		at = (poller->next + i) % poller->count;
		if (!poller->entries[at].revents)
			continue;
		poller->watches[at]->ready |= poller->entries[at].revents & (short)~POLLNVAL;
		if (poller->entries[at].revents & POLLNVAL)
			poller->watches[at]->ready |= POLLERR;
		ret[found++] = poller->watches[at];
	}
	poller->next = at + 1;
	return (int)found;
}

static int entries_wait(struct poller *poller, int64_t deadline_ns, struct watch **ret, size_t max)
{
	int n;

#ifdef HAVE_PPOLL
	struct timespec left;

	n = ppoll(poller->entries, (nfds_t)poller->count, deadline_left(deadline_ns, clock_now_ns(), &left), NULL);
#else
	n = poll(poller->entries, (nfds_t)poller->count, deadline_left_ms(deadline_ns, clock_now_ns()));
#endif
	if (n < 0)
		return -errno;
	return entries_collect(poller, (size_t)n, ret, max);
}

/* ---- epoll ------------------------------------------------------------------------------------------------------ */

#ifdef POLLER_EPOLL

_Static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLPRI == POLLPRI && EPOLLERR == POLLERR && EPOLLHUP == POLLHUP,
	"the kernel uses one set of numbers for both");

static int epoll_open(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	return fd < 0 ? -errno : fd_raise(fd);
}

static int epoll_watch(const struct poller *poller, struct watch *watch, short wanted)
{
	int operation = !wanted ? EPOLL_CTL_DEL : watch->wanted ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	struct epoll_event event = { .events = (unsigned short)wanted, .data.ptr = watch };

	return epoll_ctl(poller->epoll, operation, watch->fd, &event) < 0 ? -errno : 0;
}

/*
 * epoll_pwait2 came with Linux 5.11. ENOSYS: an older kernel under a newer libc. EPERM: a container's system call filter that
 * is older than the call.
 */
static int epoll_wait_until(struct poller *poller, int64_t deadline_ns, struct epoll_event *events, int max)
{
#ifdef HAVE_EPOLL_PWAIT2
	if (!poller->coarse) {
		struct timespec left;
		int n;

		n = epoll_pwait2(poller->epoll, events, max, deadline_left(deadline_ns, clock_now_ns(), &left), NULL);
		if (n >= 0 || (errno != ENOSYS && errno != EPERM))
			return n;
		poller->coarse = true;
	}
#endif
	return epoll_wait(poller->epoll, events, max, deadline_left_ms(deadline_ns, clock_now_ns()));
}

static int epoll_collect(struct poller *poller, int64_t deadline_ns, struct watch **ret, size_t max)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n;

	n = epoll_wait_until(poller, deadline_ns, events, max < EVENTS_AT_ONCE ? (int)max : EVENTS_AT_ONCE);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		ret[i] = events[i].data.ptr;
		ret[i]->ready |= (short)events[i].events;
	}
	return n;
}

#else

static int epoll_open(void)
{
	return -ENOSYS;
}

static int epoll_watch(const struct poller *poller, struct watch *watch, short wanted)
{
	(void)poller;
	(void)watch;
	(void)wanted;
	return -ENOSYS;
}

static int epoll_collect(struct poller *poller, int64_t deadline_ns, struct watch **ret, size_t max)
{
	(void)poller;
	(void)deadline_ns;
	(void)ret;
	(void)max;
	return -ENOSYS;
}

#endif

/* ---- either ----------------------------------------------------------------------------------------------------- */

static bool poll_asked_for(void)
{
	const char *word = getenv("BROOD_POLLER");

	return word && strcmp(word, "poll") == 0;
}

struct poller *poller_new(void)
{
	struct poller *poller = calloc(1, sizeof(*poller));

	if (!poller)
		return NULL;
	poller->epoll = poll_asked_for() ? -ENOSYS : epoll_open();
	if (poller->epoll == -ENOSYS) {
		poller->epoll = -1;
		return poller;
	}
	if (poller->epoll < 0) {
		int error = -poller->epoll;

		free(poller);
		errno = error;
		return NULL;
	}
	return poller;
}

int poller_fd(const struct poller *poller)
{
	return poller->epoll < 0 ? -ENOTSUP : poller->epoll;
}

int poller_watch(struct poller *poller, struct watch *watch, short wanted)
{
	int r;

	if (wanted == watch->wanted)
		return 0;
	r = poller->epoll < 0 ? entries_watch(poller, watch, wanted) : epoll_watch(poller, watch, wanted);
	if (r < 0 && wanted)
		return r;

	/* Dropped in any case: the one failure (closed too early) means that the kernel no longer knows the descriptor. */
	watch->wanted = wanted;
	if (!wanted)
		watch->ready = 0;
	return r;
}

int poller_wait(struct poller *poller, int64_t deadline_ns, struct watch **ret, size_t max)
{
	int r;

	if (max == 0)
		return -EINVAL;
	for (;;) {
		r = poller->epoll < 0 ? entries_wait(poller, deadline_ns, ret, max) : epoll_collect(poller, deadline_ns, ret, max);
		if (r > 0 || (r < 0 && r != -EINTR))
			return r;

		/*
		 * Nothing was ready (EINTR is told only then). Looking at the clock, and not once more at the descriptors, ends
		 * the call under a storm of signals too: poll(2) gives EINTR even with a timeout of 0.
		 */
		if (deadline_passed(deadline_ns, clock_now_ns()))
			return 0;
	}
}

void poller_free(struct poller *poller)
{
	if (!poller)
		return;
	fd_close(&poller->epoll);
	free(poller->entries);
	free(poller->watches);
	free(poller);
}
