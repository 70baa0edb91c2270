/* SPDX-License-Identifier: MIT */
/*
 * Signals as something to poll: a handler that writes the signal's number to a pipe.
 *
 * The pipe never blocks and is never full: a signal that waits in it is not written again, as the kernel does with pending ones. What was ignored when
 * the program began stays ignored and is never reported. SIGPIPE gets a handler that does nothing instead of being ignored: children would inherit
 * that where ignored signals are kept.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "wake.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SIGNALS = 65 };

static int ends[2] = { -1, -1 };
static volatile sig_atomic_t waiting[SIGNALS];
static volatile sig_atomic_t continued;

/* ---- coming in ---- */

static void on_signal(int signal)
{
	const int saved = errno;
	const unsigned char byte = (unsigned char)signal;

	if (signal == SIGCONT)
		continued = 1;
	if (signal != SIGPIPE && !waiting[signal]) {
		waiting[signal] = 1;
		while (write(ends[1], &byte, 1) < 0 && errno == EINTR)
			;
	}
	errno = saved;
}

/* Out of the way of 0, 1 and 2: whoever started us with one of them closed must not find a pipe of ours there. */
static int make_end(int *fd)
{
	const int high = fcntl(*fd, F_DUPFD_CLOEXEC, 3);

	if (high < 0)
		return -errno;
	close(*fd);
	*fd = high;
	return fcntl(high, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int make_pipe(void)
{
	int r;

	/* NOLINTNEXTLINE(android-cloexec-pipe): make_end makes them so, before this one thread starts anything */
	if (pipe(ends) < 0)
		return -errno;
	r = make_end(&ends[0]);
	if (r == 0)
		r = make_end(&ends[1]);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		ends[0] = ends[1] = -1;
	}
	return r;
}

/*
 * A write of our own to a terminal that another group has raises SIGTTOU where `stty tostop` is set, and begins again behind a handler, for ever: the
 * second time it must stop us as it stops others.
 */
static int install(int signal)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (signal == SIGTTIN || signal == SIGTTOU)
		action.sa_flags |= (int)SA_RESETHAND;
	sigemptyset(&action.sa_mask);
	return sigaction(signal, &action, NULL) < 0 ? -errno : 0;
}

/* SIGCHLD ignored would have the kernel reap our children unseen, and nohup(1) does not mean it. */
static int catch(int signal)
{
	struct sigaction old;
	sigset_t one;
	int r;

	if (sigaction(signal, NULL, &old) < 0)
		return -errno;
	if (old.sa_handler == SIG_IGN && signal != SIGCHLD)
		return 0;
	r = install(signal);
	if (r < 0)
		return r;
	/* A shell or a service manager may leave signals blocked that we are asked to see. */
	sigemptyset(&one);
	sigaddset(&one, signal);
	return sigprocmask(SIG_UNBLOCK, &one, NULL) < 0 ? -errno : 0;
}

int wake_new(const int *signals, size_t count)
{
	int r = make_pipe();

	for (size_t i = 0; r == 0 && i < count; i++)
		r = signals[i] > 0 && signals[i] < SIGNALS ? catch(signals[i]) : -EINVAL;
	return r;
}

bool wake_has(int signal)
{
	struct sigaction now;

	return sigaction(signal, NULL, &now) == 0 && now.sa_handler == on_signal;
}

int wake_fd(void)
{
	return ends[0];
}

int wake_take(void)
{
	unsigned char byte = 0;
	ssize_t n;

	do
		n = read(ends[0], &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		return 0;
	/* One that comes between the read and this is told by what the caller does now. */
	waiting[byte] = 0;
	if (byte == SIGTTIN || byte == SIGTTOU)
		install(byte);
	return byte;
}

/* ---- acting as if it had not been caught ---- */

static void set_default(int signal, struct sigaction *ret_old)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t one;

	sigemptyset(&action.sa_mask);
	sigaction(signal, &action, ret_old);
	sigemptyset(&one);
	sigaddset(&one, signal);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
}

void wake_die_of(int signal)
{
	const struct rlimit none = { 0, 0 };

	/* The core of whoever it was about has been written, ours would take its place. */
	setrlimit(RLIMIT_CORE, &none);
	set_default(signal, NULL);
	kill(getpid(), signal);
}

void wake_die_with_group(int signal)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	set_default(signal, NULL);
	kill(0, signal);
}

static void on_continue(int signal)
{
	(void)signal;
	continued = 1;
}

/* The kernel discards a terminal's stop signals in an orphaned group: then nobody has continued us either. */
static bool stop_until_continued(pid_t whom, int signal)
{
	struct sigaction old, old_continue, see = { .sa_handler = on_continue, .sa_flags = SA_RESTART };

	sigaction(signal, NULL, &old);
	if (old.sa_handler == SIG_IGN)
		return false;
	sigemptyset(&see.sa_mask);
	sigaction(SIGCONT, NULL, &old_continue);
	if (old_continue.sa_handler != on_signal)
		sigaction(SIGCONT, &see, NULL);
	continued = 0;
	set_default(signal, NULL);
	kill(whom, signal);
	sigaction(signal, &old, NULL);
	if (old_continue.sa_handler != on_signal)
		sigaction(SIGCONT, &old_continue, NULL);
	return continued;
}

bool wake_stop_self(int signal)
{
	return stop_until_continued(getpid(), signal);
}

bool wake_stop_group(int signal)
{
	return stop_until_continued(0, signal);
}
