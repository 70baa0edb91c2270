/* SPDX-License-Identifier: MIT */
/*
 * System calls that newer machines (aarch64) never had, because a later one says more: x86_64's libc still makes some of them. And the numbers that
 * older headers lack.
 */
#ifndef FAULTS_ERRNOS_OLD_H
#define FAULTS_ERRNOS_OLD_H

#include <sys/syscall.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#ifndef SYS_rseq
#define SYS_rseq 334
#endif

#ifdef SYS_open
#define OLD_CALLS \
	{ "open", SYS_open, ANY, ON_BOTH, ERRORS(EMFILE, ENFILE, ENOMEM, EACCES, ENOENT, EINTR), ERRORS(EMFILE, ENFILE, ENOMEM), "open(2)" }, \
	{ "dup2", SYS_dup2, ANY, ON_BOTH, ERRORS(EBUSY, EINTR, EMFILE), nothing, "dup(2)" }, \
	{ "access", SYS_access, ANY, ON_BOTH, ERRORS(EACCES, ENOMEM), nothing, "access(2)" }, \
	{ "readlink", SYS_readlink, ANY, ON_BOTH, ERRORS(EACCES, ENOMEM), nothing, "readlink(2)" }, \
	{ "mkdir", SYS_mkdir, ANY, ON_BOTH, ERRORS(EACCES, EPERM, ENOSPC, ENOMEM, EROFS, EAGAIN, EEXIST), ERRORS(EACCES, ENOSPC), \
	  "mkdir(2); EAGAIN: kernel/cgroup/cgroup.c" }, \
	{ "rmdir", SYS_rmdir, ANY, ON_BOTH, ERRORS(EBUSY, EACCES), nothing, "rmdir(2)" }, \
	{ "unlink", SYS_unlink, ANY, ON_BOTH, ERRORS(EBUSY, EACCES), nothing, "unlink(2)" }, \
	{ "pause", SYS_pause, ANY, ON_BOTH, nothing, nothing, "the scenario's own" }, \
	{ "getpgrp", SYS_getpgrp, ANY, ON_BOTH, nothing, nothing, "getpgrp(2): none" }, \
	{ "arch_prctl", SYS_arch_prctl, ANY, ON_BOTH, nothing, nothing, "libc's own" },
#else
#define OLD_CALLS
#endif

#endif
