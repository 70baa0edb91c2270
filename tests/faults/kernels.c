/* SPDX-License-Identifier: MIT */
/*
 * Kernels that lack something, and container filters that forbid it: what each answers, from the first call to the last. ENOSYS is an old
 * kernel, EPERM a filter that was written before the call.
 */
#include "errnos.h"

#include <errno.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "errnos_old.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

enum { P_PIDFD_TYPE = 3, GROUP_FLAG = 4, NOSIGNAL_FLAG = 0x100 };

#define WHOLE(call, error) { SYS_##call, -1, 0, 0, error }
#define NO_CLONE3(error) WHOLE(clone3, error)
#define NO_CLONE_PIDFD { SYS_clone, 0, CLONE_PIDFD, CLONE_PIDFD, EINVAL }
#define NO_CLONE_SHARED(error) { SYS_clone, 0, CLONE_VM, CLONE_VM, error }
#define NO_WAIT_PIDFD { SYS_waitid, 0, 0xffffffff, P_PIDFD_TYPE, EINVAL }
#define NO_GET_INFO(error) { SYS_ioctl, 1, 0xffff, 0xff0b, error }
#define NO_GROUP_SIGNAL { SYS_pidfd_send_signal, 3, GROUP_FLAG, GROUP_FLAG, EINVAL }
#define NO_RWF_NOSIGNAL(error) { SYS_pwritev2, 5, NOSIGNAL_FLAG, NOSIGNAL_FLAG, error }
#define NO_WIPEONFORK { SYS_madvise, 2, 0xffffffff, MADV_WIPEONFORK, EINVAL }

const struct kernel kernels[] = {
	{ "clone3: ENOSYS", 0, { NO_CLONE3(ENOSYS) } },
	{ "clone3: EPERM", 0, { NO_CLONE3(EPERM) } },
	{ "clone3: EINVAL (before CLONE_CLEAR_SIGHAND)", 0, { NO_CLONE3(EINVAL) } },
	{ "no clone that shares memory", 0, { NO_CLONE3(ENOSYS), NO_CLONE_SHARED(EPERM) } },
	{ "no pidfd: ENOSYS", LACKS_PIDFD,
	  { NO_CLONE3(ENOSYS), NO_CLONE_PIDFD, WHOLE(pidfd_open, ENOSYS), WHOLE(pidfd_send_signal, ENOSYS), NO_WAIT_PIDFD, NO_GET_INFO(ENOTTY) } },
	{ "no pidfd: EPERM", LACKS_PIDFD,
	  { NO_CLONE3(EPERM), { SYS_clone, 0, CLONE_PIDFD, CLONE_PIDFD, EPERM }, WHOLE(pidfd_open, EPERM), WHOLE(pidfd_send_signal, EPERM) } },
	{ "pidfd_send_signal: ENOSYS", 0, { WHOLE(pidfd_send_signal, ENOSYS) } },
	{ "pidfd_send_signal: EPERM", 0, { WHOLE(pidfd_send_signal, EPERM) } },
	{ "waitid without P_PIDFD", 0, { NO_WAIT_PIDFD } },
	{ "no PIDFD_SIGNAL_PROCESS_GROUP", 0, { NO_GROUP_SIGNAL } },
	{ "PIDFD_GET_INFO: ENOTTY", 0, { NO_GET_INFO(ENOTTY) } },
	{ "PIDFD_GET_INFO: EPERM", 0, { NO_GET_INFO(EPERM) } },
	{ "close_range: ENOSYS", 0, { WHOLE(close_range, ENOSYS) } },
	{ "close_range: EPERM", 0, { WHOLE(close_range, EPERM) } },
	{ "RWF_NOSIGNAL: EOPNOTSUPP", 0, { NO_RWF_NOSIGNAL(EOPNOTSUPP) } },
	{ "pwritev2: ENOSYS", 0, { WHOLE(pwritev2, ENOSYS) } },
	{ "pwritev2: EPERM", 0, { WHOLE(pwritev2, EPERM) } },
	{ "epoll_pwait2: ENOSYS", 0, { WHOLE(epoll_pwait2, ENOSYS) } },
	{ "epoll_pwait2: EPERM", 0, { WHOLE(epoll_pwait2, EPERM) } },
	{ "memfd_create: ENOSYS", LACKS_MEMFD, { WHOLE(memfd_create, ENOSYS) } },
	{ "memfd_create: EPERM", LACKS_MEMFD, { WHOLE(memfd_create, EPERM) } },
	{ "no MADV_WIPEONFORK", 0, { NO_WIPEONFORK } },
	{ "as Linux 4.9", LACKS_PIDFD,
	  { NO_CLONE3(ENOSYS), NO_CLONE_PIDFD, WHOLE(pidfd_open, ENOSYS), WHOLE(pidfd_send_signal, ENOSYS), NO_WAIT_PIDFD, NO_GET_INFO(ENOTTY),
	    WHOLE(close_range, ENOSYS), NO_RWF_NOSIGNAL(EOPNOTSUPP), WHOLE(epoll_pwait2, ENOSYS), NO_WIPEONFORK } },
	{ "as Linux 5.4", 0,
	  { NO_CLONE3(EINVAL), NO_GROUP_SIGNAL, NO_GET_INFO(ENOTTY), WHOLE(close_range, ENOSYS), NO_RWF_NOSIGNAL(EOPNOTSUPP),
	    WHOLE(epoll_pwait2, ENOSYS) } },
	{ "a filter of 2019: EPERM for all that came later", LACKS_PIDFD,
	  { NO_CLONE3(EPERM), NO_CLONE_PIDFD, WHOLE(pidfd_open, EPERM), WHOLE(pidfd_send_signal, EPERM), NO_GET_INFO(ENOTTY),
	    WHOLE(close_range, EPERM), WHOLE(epoll_pwait2, EPERM), NO_RWF_NOSIGNAL(EOPNOTSUPP) } },
	{ .name = NULL },
};
