/* SPDX-License-Identifier: MIT */
/*
 * Blocking all signals while a child is made, and knowing which ones the host ignores.
 *
 * CLONE_CLEAR_SIGHAND and execve both leave ignored signals ignored. A host that ignores SIGPIPE would hand that on to every child, and
 * `yes | head -1` would never end. So each start looks which signals are ignored now: one read of what the kernel says instead of 62 system
 * calls. The answer is not remembered: any thread may change it at any time and nothing tells us.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "spawn/sys.h"

enum { STATUS_SIZE = 4096 };

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

/* Where there is no /proc: one question a signal. Nobody can ignore SIGKILL and SIGSTOP. */
static uint64_t ask_one_by_one(void)
{
	uint64_t mask = 0;

	for (int signal = 1; signal <= SIGNAL_MAX; signal++)
		if (signal != SIGKILL && signal != SIGSTOP && ignores(signal))
			mask |= (uint64_t)1 << (signal - 1);
	return mask;
}

#ifdef __linux__

static int open_status(void)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd_above_stdio(fd);
}

/*
 * "SigIgn:\t" and sixteen hexadecimal digits, the 64 signals in order. Whole, with its newline: in a host of some hundred groups their line fills the
 * text, which then may end between two of the digits.
 */
static bool find_ignored(const char *text, uint64_t *ret)
{
	const char *line = strstr(text, "\nSigIgn:");

	if (!line || !strchr(line + 1, '\n'))
		return false;
	*ret = strtoull(line + strlen("\nSigIgn:"), NULL, 16);
	return true;
}

static bool read_ignored(int fd, uint64_t *ret)
{
	char text[STATUS_SIZE];
	ssize_t size;

	do
		size = pread(fd, text, sizeof text - 1, 0);
	while (size < 0 && errno == EINTR);
	if (size <= 0)
		return false;
	text[size] = '\0';
	return find_ignored(text, ret);
}

uint64_t signals_ignored(int *kept_fd)
{
	int fd = kept_fd && *kept_fd >= 0 ? *kept_fd : open_status();
	uint64_t mask;
	bool known;

	if (fd < 0)
		return ask_one_by_one();
	known = read_ignored(fd, &mask);
	if (!kept_fd)
		fd_close(&fd);
	else if (*kept_fd < 0)
		*kept_fd = fd_raise(fd);
	return known ? mask : ask_one_by_one();
}

#else

uint64_t signals_ignored(int *kept_fd)
{
	(void)kept_fd;
	return ask_one_by_one();
}

#endif

uint64_t signals_of_libc(void)
{
	uint64_t mask = 0;

	for (int signal = 32; signal < SIGRTMIN && signal <= SIGNAL_MAX; signal++)
		mask |= (uint64_t)1 << (signal - 1);
	return mask;
}
