/* SPDX-License-Identifier: MIT */
/*
 * A cgroup for one chain: found, made, signalled, emptied, removed.
 *
 * It lies below our own, so that every limit which holds for us holds for the chain, and no controller is turned on for it: it
 * is there for membership alone, which works in every hierarchy that has a cgroup2 mount, also a hybrid one.
 *
 * It promises to signal members only. A pid is read from cgroup.procs, held by a pidfd, and must be in cgroup.procs once
 * more before the signal goes: was the number reused in between, then either the pidfd is the stranger's and the second
 * look does not show it, or the pidfd is the dead one's and the signal goes nowhere. Where there are no pidfds, only SIGKILL
 * works (cgroup.kill); anything else is -ENOTSUP, because a number alone is not enough to be sure.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "base/fd.h"

enum {
	NAMES_MAX = 1 << 16,            /* names tried before giving up */
	DEPTH_MAX = 64,                 /* sub-cgroups below each other that are looked into */
	HELD_MAX = 128,                 /* pidfds open at one time */
	ROUNDS_MAX = 1000,              /* looks at a cgroup whose members keep on forking */
	SMALL_FILE = 4096,
	PAUSE_US = 100,
	REMOVE_TRIES = 20
};

/* ---- where our cgroup is ---- */

/* mountinfo writes space, tab, newline and backslash as \ooo. In place. */
static void unescape(char *text)
{
	char *out = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' && text[2] <= '7' &&
		    text[3] >= '0' && text[3] <= '7') {
			*out++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

static bool has_dotdot(const char *path)
{
	for (const char *at = path; (at = strstr(at, "/..")); at += 3) {
		if (at[3] == '/' || at[3] == '\0')
			return true;
	}
	return false;
}

/*
 * What is left of `place` below the root of a mount, "" for the root itself; NULL when the mount does not show it. Seen from
 * inside a cgroup namespace either may begin with "/..": equal beginnings still cancel, and what is left must be plain.
 */
static const char *place_below(const char *root, const char *place)
{
	size_t size = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strncmp(place, root, size) != 0)
		return NULL;
	place += size;
	if (*place != '/' && *place != '\0')
		return NULL;
	if (has_dotdot(place))
		return NULL;
	return strcmp(place, "/") == 0 ? "" : place;
}

/* The words of "36 35 0:30 ROOT MOUNTPOINT options [tags ...] - TYPE source options". */
static bool mount_words(char *line, char **ret_root, char **ret_point)
{
	char *save = NULL;
	char *word = strtok_r(line, " \n", &save);

	for (int i = 0; word && i < 3; i++)
		word = strtok_r(NULL, " \n", &save);
	*ret_root = word;
	*ret_point = strtok_r(NULL, " \n", &save);
	while (word && strcmp(word, "-") != 0)
		word = strtok_r(NULL, " \n", &save);
	word = word ? strtok_r(NULL, " \n", &save) : NULL;
	return word && *ret_point && strcmp(word, "cgroup2") == 0;
}

char *cgroup_directory(const char *mountinfo_line, const char *place)
{
	char *line = strdup(mountinfo_line);
	char *path = NULL;
	char *root;
	char *point;

	if (!line)
		goto out;
	errno = 0;
	if (!mount_words(line, &root, &point))
		goto out;
	unescape(root);
	unescape(point);
	place = place_below(root, place);
	if (!place)
		goto out;
	if (asprintf(&path, "%s%s", strcmp(point, "/") == 0 ? "" : point, place) < 0) {
		path = NULL;
		errno = ENOMEM;
	}
out:
	free(line);
	return path;
}

/* The place of this process in the v2 hierarchy: 0, -ENOTSUP where it has none. */
static int own_place(char **ret)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char *line = NULL;
	size_t capacity = 0;
	int r = -ENOTSUP;

	if (!file)
		return errno == ENOENT ? -ENOTSUP : -errno;
	while (getline(&line, &capacity, file) >= 0) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		*ret = strdup(line + 3);
		r = *ret ? 0 : -ENOMEM;
		break;
	}
	free(line);
	fclose(file);
	return r;
}

/* Another mount may lie over this one, so what the path leads to has to be a v2 cgroup. */
static bool is_cgroup2(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is = dir >= 0 && faccessat(dir, "cgroup.controllers", F_OK, 0) == 0;

	fd_close(&dir);
	return is;
}

/* The directory of our cgroup, in the first mount that shows it. */
static int find_in_mounts(const char *place, char **ret)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t capacity = 0;
	int r = -ENOTSUP;

	if (!file)
		return errno == ENOENT ? -ENOTSUP : -errno;
	while (r == -ENOTSUP && getline(&line, &capacity, file) >= 0) {
		char *path = cgroup_directory(line, place);

		if (!path) {
			r = errno == ENOMEM ? -ENOMEM : -ENOTSUP;
		} else if (is_cgroup2(path)) {
			*ret = path;
			r = 0;
			path = NULL;
		}
		free(path);
	}
	free(line);
	fclose(file);
	return r;
}

static int own_directory(char **ret)
{
	char *place = NULL;
	int r;

	r = own_place(&place);
	if (r == 0)
		r = find_in_mounts(place, ret);
	free(place);
	return r;
}

/* ---- making one ---- */

static atomic_uint counter;

/*
 * A new directory below `parent`. A name may be taken: by a detached chain of a process that had our pid before, or of one
 * that has it in another pid namespace now.
 */
static int make_directory(const char *parent, char **ret)
{
	for (int i = 0; i < NAMES_MAX; i++) {
		unsigned int number = atomic_fetch_add(&counter, 1);

		if (asprintf(ret, "%s/brood-%ld-%u", parent, (long)getpid(), number) < 0) {
			*ret = NULL;
			return -ENOMEM;
		}
		if (mkdir(*ret, 0755) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		free(*ret);
		*ret = NULL;
	}
	return -EEXIST;
}

static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd_raise(fd);
}

int cgroup_make(struct cgroup *ret, struct failure *failure)
{
	char *parent = NULL;
	char *path = NULL;
	int fd;
	int r;

	r = own_directory(&parent);
	if (r < 0)
		goto out;
	r = make_directory(parent, &path);
	if (r < 0)
		goto out;
	fd = open_directory(path);
	if (fd < 0) {
		rmdir(path);
		r = fd;
		goto out;
	}
	ret->path = path;
	ret->fd = fd;
	path = NULL;
out:
	if (r < 0)
		failure_set(failure, FAILURE_NO_STAGE, STEP_CGROUP, -r, path ? path : parent ? parent : "cgroup2");
	free(path);
	free(parent);
	return r;
}

int cgroup_procs_fd(const struct cgroup *cgroup)
{
	int fd = openat(cgroup->fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd_above_stdio(fd);
}

/* ---- is anybody in it? ---- */

static ssize_t read_small(int dir, const char *name, char *ret, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	do
		got = read(fd, ret, size - 1);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		got = -errno;
	else
		ret[got] = '\0';
	fd_close(&fd);
	return got;
}

/* Sub-cgroups count. One that somebody else has removed is empty: the kernel removes no other. */
int cgroup_populated(const struct cgroup *cgroup)
{
	char text[SMALL_FILE];
	ssize_t got = read_small(cgroup->fd, "cgroup.events", text, sizeof text);
	const char *at;

	if (got == -ENOENT || got == -ENODEV)
		return 0;
	if (got < 0)
		return (int)got;
	at = strstr(text, "populated ");
	if (!at)
		return -EIO;
	return at[strlen("populated ")] != '0';
}

/* ---- sub-cgroups ---- */

/* Call fn for each directory in `dir`. 0, -errno, or the first answer of fn that is not 0. */
static int each_below(int dir, int (*fn)(int dir, const char *name, void *data), void *data)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!list) {
		r = -errno;
		fd_close(&fd);
		return r == -ENOENT ? 0 : r;
	}
	while (r == 0 && (entry = readdir(list))) {
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = fn(dir, entry->d_name, data);
	}
	closedir(list);
	return r;
}

/* ---- signalling, member by member ---- */

#ifdef __linux__

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static int member_hold(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);

	if (fd >= 0)
		return (int)fd;
	return errno == ENOSYS ? -ENOTSUP : -errno;
}

static int member_signal(int pidfd, int signal)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0)
		return 0;
	return errno == ENOSYS ? -ENOTSUP : -errno;
}

#else

static int member_hold(pid_t pid)
{
	(void)pid;
	return -ENOTSUP;
}

static int member_signal(int pidfd, int signal)
{
	(void)pidfd;
	(void)signal;
	return -ENOTSUP;
}

#endif

/* Pids, sorted where it matters. */
struct pids {
	pid_t *list;
	size_t count;
	size_t capacity;
};

static int pids_add(struct pids *pids, pid_t pid)
{
	if (pids->count == pids->capacity) {
		size_t capacity = pids->capacity ? 2 * pids->capacity : 64;
		pid_t *list = realloc(pids->list, capacity * sizeof *list);

		if (!list)
			return -ENOMEM;
		pids->list = list;
		pids->capacity = capacity;
	}
	pids->list[pids->count++] = pid;
	return 0;
}

static int pid_compare(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a;
	pid_t y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static void pids_sort(struct pids *pids)
{
	if (pids->count > 1)
		qsort(pids->list, pids->count, sizeof *pids->list, pid_compare);
}

static bool pids_have(const struct pids *pids, pid_t pid)
{
	return pids->count > 0 && bsearch(&pid, pids->list, pids->count, sizeof pid, pid_compare);
}

/* Take the numbers, a line each, out of a piece of cgroup.procs; *pid is a number that the piece may cut in two. */
static int members_parse(const char *text, size_t size, pid_t *pid, struct pids *ret)
{
	int r = 0;

	for (size_t i = 0; i < size && r == 0; i++) {
		if (text[i] >= '0' && text[i] <= '9') {
			*pid = *pid * 10 + (text[i] - '0');
			continue;
		}
		/* A member in a pid namespace that we do not see is shown as 0. */
		if (*pid > 0)
			r = pids_add(ret, *pid);
		*pid = 0;
	}
	return r;
}

/*
 * Who is in this one cgroup now, sorted. `procs` is its cgroup.procs, open already: the second look must not fail because the
 * pidfds held meanwhile are this process's last descriptors. A threaded sub-cgroup has no list of its own (EOPNOTSUPP): its
 * processes stand in the list further up. A removed one has nobody (ENODEV).
 */
static int members_read(int procs, struct pids *ret)
{
	char text[SMALL_FILE];
	ssize_t got = 0;
	pid_t pid = 0;
	int r = 0;

	ret->count = 0;
	if (lseek(procs, 0, SEEK_SET) < 0)
		return -errno;
	while (r == 0 && (got = read(procs, text, sizeof text)) != 0) {
		if (got > 0)
			r = members_parse(text, (size_t)got, &pid, ret);
		else if (errno == ENODEV || errno == EOPNOTSUPP)
			break;
		else if (errno != EINTR)
			r = -errno;
	}
	pids_sort(ret);
	return r;
}

/* One call of cgroup_signal: what it has done so far. */
struct round {
	int signal;
	int depth;
	struct pids done;       /* had the signal already, sorted between rounds */
	struct pids fresh;      /* had it in this round */
	struct pids now;
	struct pids again;
	int error;              /* the first one of a member that could not be signalled: the others still are */
};

struct held {
	pid_t pid;
	int pidfd;
};

static void round_error(struct round *round, int error)
{
	if (round->error == 0)
		round->error = error;
}

/*
 * Take pidfds of members from *at on, as many as fit. One that is gone meanwhile needs nothing. When this process has no more
 * descriptors, the ones held so far are served first.
 */
static int hold_some(struct round *round, size_t *at, struct held held[HELD_MAX], size_t *ret_count)
{
	size_t count = 0;
	int r = 0;

	for (; *at < round->now.count && count < HELD_MAX; ++*at) {
		pid_t pid = round->now.list[*at];

		if (pids_have(&round->done, pid))
			continue;
		r = member_hold(pid);
		if ((r == -EMFILE || r == -ENFILE) && count > 0)
			break;
		if (r < 0 && r != -ESRCH && r != -EINVAL)
			break;
		if (r >= 0)
			held[count++] = (struct held){ .pid = pid, .pidfd = r };
	}
	*ret_count = count;
	return r < 0 && r != -ESRCH && r != -EINVAL && count == 0 ? r : 0;
}

/* Signal those that are members still, and let go of all. */
static int signal_held(struct round *round, int procs, struct held *held, size_t count)
{
	int r = members_read(procs, &round->again);

	for (size_t i = 0; i < count; i++) {
		int sent = -ESRCH;

		if (r == 0 && pids_have(&round->again, held[i].pid))
			sent = member_signal(held[i].pidfd, round->signal);
		if (sent < 0 && sent != -ESRCH)
			round_error(round, sent);
		if (sent != -ESRCH && r == 0)
			r = pids_add(&round->fresh, held[i].pid);
		fd_close(&held[i].pidfd);
	}
	return r;
}

static int signal_here(int dir, struct round *round)
{
	int procs = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	struct held held[HELD_MAX];
	size_t count;
	size_t at = 0;
	int r;

	if (procs < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	r = members_read(procs, &round->now);
	while (r == 0 && at < round->now.count) {
		r = hold_some(round, &at, held, &count);
		if (r == 0 && count > 0)
			r = signal_held(round, procs, held, count);
	}
	fd_close(&procs);
	return r;
}

static int signal_tree(int dir, struct round *round);

/* A sub-cgroup that cannot be looked into does not keep the others from their signal. */
static int signal_below(int dir, const char *name, void *data)
{
	struct round *round = data;
	int below = -1;
	int r = -ELOOP;

	if (round->depth < DEPTH_MAX) {
		below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = below < 0 ? -errno : 0;
	}
	round->depth++;
	if (r == 0)
		r = signal_tree(below, round);
	round->depth--;
	fd_close(&below);
	if (r < 0 && r != -ENOENT && r != -ENOMEM) {
		round_error(round, r);
		r = 0;
	}
	return r == -ENOENT ? 0 : r;
}

/* Every member here, then those of the sub-cgroups. */
static int signal_tree(int dir, struct round *round)
{
	int r = signal_here(dir, round);

	return r < 0 ? r : each_below(dir, signal_below, round);
}

/* A round's new ones join those of the rounds before. */
static int round_settle(struct round *round)
{
	int r = 0;

	for (size_t i = 0; i < round->fresh.count && r == 0; i++)
		r = pids_add(&round->done, round->fresh.list[i]);
	round->fresh.count = 0;
	pids_sort(&round->done);
	return r;
}

static void round_done(struct round *round)
{
	free(round->done.list);
	free(round->fresh.list);
	free(round->now.list);
	free(round->again.list);
}

/*
 * Round after round until one finds nobody new, because a member may fork behind our back. Each gets the signal once: a
 * handler that counts SIGTERMs must not see three. (A number that is reused inside the cgroup during this call is taken for
 * the one before; for SIGKILL, where that would matter, the caller looks again until the cgroup is empty.)
 */
static int signal_members(const struct cgroup *cgroup, int signal)
{
	struct round round = { .signal = signal };
	bool anybody = false;
	int r = 0;

	for (int i = 0; i < ROUNDS_MAX; i++) {
		r = signal_tree(cgroup->fd, &round);
		if (r < 0 || round.fresh.count == 0)
			break;
		anybody = true;
		r = round_settle(&round);
		if (r < 0)
			break;
	}
	if (r == 0)
		r = round.error;
	if (r == 0 && !anybody)
		r = -ESRCH;
	round_done(&round);
	return r;
}

/* ---- signalling, all at once ---- */

static void pause_us(long us)
{
	struct timespec time = { .tv_nsec = us * 1000 };

	nanosleep(&time, NULL);
}

/*
 * For a kernel without cgroup.kill: everybody, again and again, until nobody is there. Bounded, because a member in
 * uninterruptible sleep stays however often it is killed.
 */
static int kill_members(const struct cgroup *cgroup)
{
	int r = 0;

	for (int i = 0; i < ROUNDS_MAX && cgroup_populated(cgroup) > 0; i++) {
		r = signal_members(cgroup, SIGKILL);
		if (r < 0 && r != -ESRCH)
			return r;
		if (cgroup_populated(cgroup) > 0)
			pause_us(PAUSE_US);
	}
	return 0;
}

/* One write kills all, also those that are just being forked. -errno where this kernel or this cgroup does not have it. */
static int kill_at_once(const struct cgroup *cgroup)
{
	int fd = openat(cgroup->fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, "1", 1) != 1)
		r = -errno;
	fd_close(&fd);
	return r;
}

int cgroup_signal(const struct cgroup *cgroup, int signal)
{
	int r;

	if (signal < 0 || signal > SIGRTMAX)
		return -EINVAL;
	r = cgroup_populated(cgroup);
	if (r <= 0)
		return r < 0 ? r : -ESRCH;
	if (signal != SIGKILL)
		return signal_members(cgroup, signal);
	if (kill_at_once(cgroup) == 0)
		return 0;
	return kill_members(cgroup);
}

/* ---- the end ---- */

static int remove_below(int dir, const char *name, void *data);

/* The sub-cgroups of this one, deepest first. One that cannot be removed makes its parent's removal fail, which tells. */
static void clear_below(int dir, int depth)
{
	if (depth < DEPTH_MAX)
		each_below(dir, remove_below, &depth);
}

static int remove_below(int dir, const char *name, void *data)
{
	int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (below >= 0)
		clear_below(below, *(int *)data + 1);
	fd_close(&below);
	unlinkat(dir, name, AT_REMOVEDIR);
	return 0;
}

/* By way of "..": the host may have changed its root or its mounts since, and then the path leads elsewhere. */
static int remove_self(const struct cgroup *cgroup)
{
	int parent = openat(cgroup->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (parent < 0)
		return errno == ENOENT ? 0 : -errno;
	if (unlinkat(parent, strrchr(cgroup->path, '/') + 1, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	fd_close(&parent);
	return r;
}

static int try_remove(const struct cgroup *cgroup)
{
	int r = cgroup_populated(cgroup);

	if (r != 0)
		return r < 0 ? r : -EBUSY;
	clear_below(cgroup->fd, 0);
	r = remove_self(cgroup);
	return r == -ENOTEMPTY ? -EBUSY : r;
}

int cgroup_remove(struct cgroup *cgroup)
{
	int r = 0;

	/* Newer kernels count a member until its last switch off the processor, a moment after its parent could reap it. */
	for (int i = 0; cgroup->path && i < REMOVE_TRIES; i++) {
		r = try_remove(cgroup);
		if (r != -EBUSY)
			break;
		pause_us(PAUSE_US);
	}
	cgroup_forget(cgroup);
	return r;
}

void cgroup_forget(struct cgroup *cgroup)
{
	free(cgroup->path);
	cgroup->path = NULL;
	fd_close(&cgroup->fd);
}
