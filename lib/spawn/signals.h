/* SPDX-License-Identifier: MIT */
/*
 * The host's signal state around a start: held still, looked at, given back. Masks are 64 bits, signal n at bit n - 1, and
 * include the two that libc keeps for itself.
 */
#ifndef BROOD_SPAWN_SIGNALS_H
#define BROOD_SPAWN_SIGNALS_H

#include <signal.h>
#include <stdint.h>

/* What signals_block_all found, to be given back. */
struct signal_mask {
#ifdef __linux__
	uint64_t bits;
#else
	sigset_t set;
#endif
};

/* Block every signal in this thread. */
void signals_block_all(struct signal_mask *ret_old);
void signals_restore(const struct signal_mask *old);

/*
 * Which signals this process ignores at this moment. A caller that starts many children keeps the descriptor that is read for it in *kept_fd
 * (-1 at first, closed by the caller in the end): that saves the opening, about half of the cost. NULL keeps none.
 */
uint64_t signals_ignored(int *kept_fd);

/*
 * The signals that libc keeps for itself: for pthread_cancel, and for telling every thread of a change of ids. It sets their handlers once in
 * a process and does not look again, so that a forked child which goes on with libc must not lose them.
 */
uint64_t signals_of_libc(void);

#endif
