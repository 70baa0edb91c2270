/* SPDX-License-Identifier: MIT */
/*
 * A cgroup for one chain: found, made, asked whether anybody is in it, removed; also for those that cannot do it any more. cgroup_signal.c signals
 * its members.
 *
 * It lies below our own, so that every limit which holds for us holds for the chain, and no controller is turned on for it: it
 * is there for membership alone, which works in every hierarchy that has a cgroup2 mount, also a hybrid one.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spawn/cgroup.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "spawn/cgroup_private.h"

enum {
	NAMES_MAX = 1 << 16,            /* names tried before giving up */
	SMALL_FILE = 4096,
	PAUSE_US = 100,
	REMOVE_TRIES = 10000            /* some 1.5 s of them */
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

/* False at the end, and when reading fails: then *ret_error says why, or a file cut short would read as "there is no cgroup v2". */
static bool next_line(FILE *file, char **line, size_t *capacity, int *ret_error)
{
	errno = 0;
	if (getline(line, capacity, file) >= 0)
		return true;
	if (!feof(file))
		*ret_error = errno ? -errno : -EIO;
	return false;
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
	while (r == -ENOTSUP && next_line(file, &line, &capacity, &r)) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		*ret = strdup(line + 3);
		r = *ret ? 0 : -ENOMEM;
	}
	free(line);
	fclose(file);
	return r;
}

/* Another mount may lie over this one, so what the path leads to has to be a v2 cgroup: 1, 0, or why nobody can say. */
static int is_cgroup2(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 1;

	if (dir < 0 || faccessat(dir, "cgroup.controllers", F_OK, 0) < 0)
		r = errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	fd_close(&dir);
	return r;
}

/* The directory of our cgroup, in the first mount that shows it. */
static int find_in_mounts(const char *place, char **ret)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t capacity = 0;
	int unreadable = 0;
	int r = -ENOTSUP;

	if (!file)
		return errno == ENOENT ? -ENOTSUP : -errno;
	while (r == -ENOTSUP && next_line(file, &line, &capacity, &r)) {
		char *path = cgroup_directory(line, place);
		int is;

		if (!path) {
			r = errno == ENOMEM ? -ENOMEM : -ENOTSUP;
			continue;
		}
		is = is_cgroup2(path);
		if (is == 1) {
			*ret = path;
			r = 0;
			break;
		}
		free(path);
		/* The next mount may do. Told in the end: "not here" would send somebody looking for a mount that is there. */
		if (is < 0 && unreadable == 0)
			unreadable = is;
	}
	if (r == -ENOTSUP && unreadable < 0)
		r = unreadable;
	free(line);
	fclose(file);
	return r;
}

static int own_directory(char **ret)
{
	char *place = NULL;
	int r;

	r = own_place(&place);
	if (place)
		r = find_in_mounts(place, ret);
	free(place);
	return r;
}

/* ---- what the killed left ---- */

/* Our pid namespace: a number in another one is somebody else. 0 where nobody can say. */
static uintmax_t pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

/* One that was made by a process of our namespace that is gone. The kernel removes none that has a member. */
static int remove_left(int dir, const char *name, void *data)
{
	uintmax_t space;
	unsigned int number;
	long pid;
	char more;

	/* NOLINTNEXTLINE(cert-err34-c): a number that does not fit is no pid and no namespace that is compared with below */
	if (sscanf(name, "brood-%ld-%ju-%u%c", &pid, &space, &number, &more) != 3 || pid <= 0 || pid > INT_MAX)
		return 0;
	if (space == *(const uintmax_t *)data && kill((pid_t)pid, 0) < 0 && errno == ESRCH)
		unlinkat(dir, name, AT_REMOVEDIR);
	return 0;
}

static _Atomic pid_t swept_by;

/*
 * A host that dies of SIGKILL cannot remove its cgroups, and its children may outlive it in there. The first contained start of every process removes
 * the empty ones. What cannot be looked at stays: that is no reason not to start.
 */
static void sweep(const char *parent, uintmax_t space)
{
	const pid_t self = getpid();
	int dir;

	if (space == 0 || atomic_exchange(&swept_by, self) == self)
		return;
	dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		cgroup_each_below(dir, remove_left, &space);
	fd_close(&dir);
}

/* ---- making one ---- */

static atomic_uint counter;

/*
 * A new directory below `parent`. A name may be taken, by a detached chain of a process that had our pid before. The pid
 * namespace is in it, so that sweep() knows whose pid it is.
 */
static int make_directory(const char *parent, uintmax_t space, char **ret)
{
	for (int i = 0; i < NAMES_MAX; i++) {
		unsigned int number = atomic_fetch_add(&counter, 1);

		if (asprintf(ret, "%s/brood-%ld-%ju-%u", parent, (long)getpid(), space, number) < 0) {
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

/* Before Linux 5.14 there is none: 0 and -1. */
static int open_kill(int dir, int *ret_fd)
{
	int fd = openat(dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);

	*ret_fd = fd < 0 ? -1 : fd_raise(fd);
	return fd < 0 && errno != ENOENT ? -errno : 0;
}

int cgroup_make(struct cgroup *ret, struct failure *failure)
{
	const uintmax_t space = pid_namespace();
	char *parent = NULL;
	char *path = NULL;
	int fd = -1, kill_fd = -1;
	int r;

	r = own_directory(&parent);
	if (r < 0)
		goto out;
	assert(parent);
	sweep(parent, space);
	r = make_directory(parent, space, &path);
	if (r < 0)
		goto out;
	r = fd = open_directory(path);
	if (fd >= 0)
		r = open_kill(fd, &kill_fd);
	if (r < 0) {
		rmdir(path);
		goto out;
	}
	ret->path = path;
	ret->fd = fd_take(&fd);
	ret->kill_fd = fd_take(&kill_fd);
	path = NULL;
out:
	if (r < 0)
		failure_set(failure, FAILURE_NO_STAGE, STEP_CGROUP, -r, path ? path : parent ? parent : "cgroup2");
	fd_close(&fd);
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
	size_t have = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	do {
		got = read(fd, ret + have, size - 1 - have);
		have += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		have = 0;
	ret[have] = '\0';
	got = got < 0 ? -errno : (ssize_t)have;
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

int cgroup_each_below(int dir, int (*fn)(int dir, const char *name, void *data), void *data)
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

/* ---- the end ---- */

void cgroup_pause(void)
{
	struct timespec time = { .tv_nsec = PAUSE_US * 1000L };

	nanosleep(&time, NULL);
}

static int remove_below(int dir, const char *name, void *data);

/* The sub-cgroups of this one, deepest first. One that cannot be removed makes its parent's removal fail, which tells. */
static void clear_below(int dir, int depth)
{
	if (depth < CGROUP_DEPTH_MAX)
		cgroup_each_below(dir, remove_below, &depth);
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

	/*
	 * Newer kernels count a member until its last switch off the processor, a moment after its parent could reap it. A hypervisor that takes the
	 * processor away at that moment makes a long one of it.
	 */
	for (int i = 0; cgroup->path && i < REMOVE_TRIES; i++) {
		r = try_remove(cgroup);
		if (r != -EBUSY)
			break;
		cgroup_pause();
	}
	cgroup_forget(cgroup);
	return r;
}

void cgroup_forget(struct cgroup *cgroup)
{
	free(cgroup->path);
	cgroup->path = NULL;
	fd_close(&cgroup->kill_fd);
	fd_close(&cgroup->fd);
}
