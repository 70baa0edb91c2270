/* SPDX-License-Identifier: MIT */
/*
 * A storm of signals without SA_RESTART: every system call of the calling thread that can be interrupted, will be.
 */
#ifndef SUPPORT_STORM_H
#define SUPPORT_STORM_H

/*
 * Begin to send `signal` to the calling thread every so many microseconds, from a thread that blocks all signals itself.
 * A handler that only counts is installed, and the signal is unblocked. Returns once the first one has arrived. One storm at a time.
 */
void support_storm_start(int signal, int microseconds);

/*
 * End it. The thread is joined, nothing is left pending, disposition and mask are as before the start.
 * Call it from the thread that started it. Returns how many signals arrived. Harmless when there is no storm.
 */
unsigned long support_storm_stop(void);

#endif
