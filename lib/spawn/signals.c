/* SPDX-License-Identifier: MIT */
/*
 * Blocking all signals while a child is made, and knowing which ones the host ignores.
 *
 * CLONE_CLEAR_SIGHAND and execve both leave ignored signals ignored. A host that ignores SIGPIPE would hand that on to every child, and
 * `yes | head -1` would never end. So each start looks which signals are ignored now. It is not remembered: any thread may
 * change it at any time and nothing tells us.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/signals.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "spawn/sys.h"

#ifdef __linux__

#include <sys/syscall.h>

/* Raw, because libc's sigfillset leaves out its own two: the one for pthread_cancel would run in a child that shares memory. */
static void set_mask(const uint64_t *mask, uint64_t *old)
{
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, old, sizeof *mask);
}

void signals_block_all(struct signal_mask *ret_old)
{
	const uint64_t all = ~(uint64_t)0;

	set_mask(&all, &ret_old->bits);
}

void signals_restore(const struct signal_mask *old)
{
	int saved = errno;

	set_mask(&old->bits, NULL);
	errno = saved;
}

#else

void signals_block_all(struct signal_mask *ret_old)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &ret_old->set);
}

void signals_restore(const struct signal_mask *old)
{
	pthread_sigmask(SIG_SETMASK, &old->set, NULL);
}

#endif

#if BROOD_LINUX_FAST_PATH

/* The kernel's struct sigaction begins with the handler everywhere but on MIPS, where the flags come first. */
static bool ignores(int signal)
{
	struct {
		uintptr_t word[8];
	} action = { { 0 } };

	if (sys_call4(SYS_rt_sigaction, signal, NULL, &action, sizeof(uint64_t)) < 0)
		return false;
#ifdef __mips__
	return action.word[1] == (uintptr_t)SIG_IGN;
#else
	return action.word[0] == (uintptr_t)SIG_IGN;
#endif
}

#else

static bool ignores(int signal)
{
	struct sigaction action;

	return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

#endif

/* Nobody can ignore SIGKILL and SIGSTOP. Each question costs about a seventh of a microsecond, so none is asked in vain. */
static bool may_be_ignored(int signal)
{
	return signal != SIGKILL && signal != SIGSTOP;
}

uint64_t signals_ignored(void)
{
	uint64_t mask = 0;

	for (int signal = 1; signal <= SIGNAL_MAX; signal++)
		if (may_be_ignored(signal) && ignores(signal))
			mask |= (uint64_t)1 << (signal - 1);
	return mask;
}

uint64_t signals_of_libc(void)
{
	uint64_t mask = 0;

	for (int signal = 32; signal < SIGRTMIN && signal <= SIGNAL_MAX; signal++)
		mask |= (uint64_t)1 << (signal - 1);
	return mask;
}
