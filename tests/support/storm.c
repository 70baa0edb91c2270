/* SPDX-License-Identifier: MIT */
/*
 * The storm. It aims at one thread by pthread_kill instead of an interval timer, because a timer's signal may be taken by
 * any thread, and because the timer would be host state that a test wants to compare.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "storm.h"

#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* The one storm that may blow. */
static struct {
	int running;
	int stop;
	int signal;
	int microseconds;
	pthread_t target;
	pthread_t sender;
	struct sigaction old_action;
	sigset_t old_mask;
} storm;

static volatile sig_atomic_t arrived;

static void count_one(int number)
{
	(void)number;
	arrived++;
}

static void *send_signals(void *unused)
{
	struct timespec interval = {
		.tv_sec = storm.microseconds / 1000000,
		.tv_nsec = (long)(storm.microseconds % 1000000) * 1000,
	};

	while (!__atomic_load_n(&storm.stop, __ATOMIC_ACQUIRE)) {
		pthread_kill(storm.target, storm.signal);
		nanosleep(&interval, NULL);
	}
	return unused;
}

/* The first one is waited for: a sender without a processor would be no storm. */
void support_storm_start(int signal, int microseconds)
{
	struct sigaction action = { .sa_handler = count_one };
	sigset_t all, mask;
	int r;

	if (storm.running)
		fail_msg("a storm is blowing already");
	storm.signal = signal;
	storm.microseconds = microseconds;
	storm.target = pthread_self();
	storm.stop = 0;
	arrived = 0;
	sigaction(signal, &action, &storm.old_action);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &storm.old_mask);
	r = pthread_create(&storm.sender, NULL, send_signals, NULL);
	mask = storm.old_mask;
	sigdelset(&mask, signal);
	while (r == 0 && arrived == 0)
		sigsuspend(&mask);
	pthread_sigmask(SIG_SETMASK, r == 0 ? &mask : &storm.old_mask, NULL);
	if (r != 0) {
		sigaction(signal, &storm.old_action, NULL);
		fail_msg("pthread_create: %s", strerror(r));
	}
	storm.running = 1;
}

/* SIG_IGN between handler and old disposition drops a signal that is still pending. */
unsigned long support_storm_stop(void)
{
	if (!storm.running)
		return 0;
	__atomic_store_n(&storm.stop, 1, __ATOMIC_RELEASE);
	pthread_join(storm.sender, NULL);
	signal(storm.signal, SIG_IGN);
	sigaction(storm.signal, &storm.old_action, NULL);
	pthread_sigmask(SIG_SETMASK, &storm.old_mask, NULL);
	storm.running = 0;
	return (unsigned long)arrived;
}
