/* SPDX-License-Identifier: MIT */
/*
 * The lock of a log. Who holds it is in Linux's /proc/locks, "1: FLOCK  ADVISORY  WRITE 4711 08:02:1234 0 EOF": the process, the device in hex, the
 * inode. Another namespace's process shows as 0; a btrfs has another device there than stat(2) says. Then nobody is named.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "joblog_lock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

enum { PAUSE_NS = 10000000, PAUSES = 50, LOOKS = 10 };

static pid_t listed_holder(const struct stat *st)
{
	FILE *file = fopen("/proc/locks", "re");
	unsigned long long inode;
	unsigned int major_number, minor_number;
	char line[256];
	pid_t holder = 0;
	int pid;

	while (file && !holder && fgets(line, sizeof(line), file)) {
		/* NOLINTNEXTLINE(cert-err34-c): the kernel writes numbers of these sizes there */
		if (sscanf(line, "%*u: FLOCK %*s %*s %d %x:%x:%llu", &pid, &major_number, &minor_number, &inode) != 4)
			continue;
		if (inode == st->st_ino && major_number == major(st->st_dev) && minor_number == minor(st->st_dev) && pid > 0)
			holder = pid;
	}
	if (file)
		fclose(file);
	return holder;
}

/* The list is read in pieces, and one that leaves it between two of them takes another's place with it, unseen. */
static pid_t holder_of(const struct stat *st)
{
	pid_t holder = 0;

	for (int i = 0; i < LOOKS && !holder; i++)
		holder = listed_holder(st);
	return holder;
}

/* A child that was started and has not come to its exec shares the lock: it outlives a holder that was killed by that moment. */
static int lock_within_a_moment(int fd)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int r = flock(fd, LOCK_EX | LOCK_NB);

	for (int i = 0; r < 0 && (errno == EWOULDBLOCK || errno == EINTR) && i < PAUSES; i++) {
		nanosleep(&pause, NULL);
		r = flock(fd, LOCK_EX | LOCK_NB);
	}
	return r;
}

int joblog_lock(int fd, pid_t *ret_holder)
{
	struct stat st;

	*ret_holder = 0;
	if (lock_within_a_moment(fd) == 0)
		return 0;
	if (errno == EOPNOTSUPP || errno == ENOLCK || errno == ENOSYS)
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	if (fstat(fd, &st) == 0)
		*ret_holder = holder_of(&st);
	return -EBUSY;
}
