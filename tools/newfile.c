/* SPDX-License-Identifier: MIT */
/*
 * A file that appears whole or not at all: written without a name, linked to a temporary name, renamed over the old one.
 *
 * linkat(2) refuses a name that is taken, so the temporary name is there for the moment between the two calls. The folder is held by a descriptor:
 * it may be renamed meanwhile, and we may have gone elsewhere.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openfile.h"

enum { NAME_ROOM = 40, NAME_TRIES = 100 };

struct newfile {
	int fd;
	int folder;             /* -1: written to directly */
	char *name;             /* in the folder */
	char temporary[NAME_ROOM];      /* "": it has none */
	FILE *stream;
	int error;              /* negative, the first */
};

/* The folder of a path, to be freed: "." where it names none. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int folder_open(const char *path)
{
	char *folder = folder_of(path);
	int fd;

	if (!folder)
		return -ENOMEM;
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	free(folder);
	return fd;
}

/* A name that nobody can guess, so that nobody sits on it beforehand. */
static void name_make(char name[NAME_ROOM])
{
	uint64_t number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
		number = (uint64_t)getpid();
	snprintf(name, NAME_ROOM, ".brood-new-%016llx", (unsigned long long)number);
}

/* O_EXCL does not follow a link that somebody planted, O_NOFOLLOW says it again. */
static int open_named(int folder, mode_t mode, char name[NAME_ROOM])
{
	int fd = -1;

	for (int i = 0; i < NAME_TRIES; i++) {
		name_make(name);
		fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	if (fd >= 0)
		return fd;
	name[0] = '\0';
	return -errno;
}

/* A file without a name gets one by way of /proc, so /proc must be there. EOPNOTSUPP and EISDIR: this file system or kernel has no O_TMPFILE. */
static int open_unnamed(int folder)
{
	char path[NAME_ROOM];
	int fd = openat(folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0666);

	if (fd < 0)
		return errno == EISDIR || errno == ENOENT ? -EOPNOTSUPP : -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (access(path, F_OK) == 0)
		return fd;
	close(fd);
	return -EOPNOTSUPP;
}

/* ---- what the stream writes to ---- */

static int write_some(int fd, const char *bytes, size_t size, size_t *done)
{
	ssize_t n = write(fd, bytes, size);

	if (n >= 0) {
		*done += (size_t)n;
		return 0;
	}
	if (errno == EINTR)
		return 0;
	if (errno != EAGAIN)
		return -errno;
	/* Our standard output may have been made non-blocking by whoever shares it. */
	return poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

/* stdio forgets why a write failed, and a later one may work: the first error is kept here, and nothing is written behind a gap. */
static ssize_t stream_write(void *data, const char *bytes, size_t size)
{
	struct newfile *file = data;
	size_t done = 0;

	while (done < size && file->error == 0)
		file->error = write_some(file->fd, bytes + done, size - done, &done);
	return file->error == 0 ? (ssize_t)done : 0;
}

static int stream_open(struct newfile *file)
{
	file->stream = fopencookie(file, "w", (cookie_io_functions_t){ .write = stream_write });
	if (!file->stream)
		return -ENOMEM;
	setvbuf(file->stream, NULL, _IOFBF, 1 << 16);
	return 0;
}

/* ---- opening ---- */

/*
 * /dev/stdout is a link to /proc/self/fd/1, and that one seems to be a regular file where the shell said > out.html. To replace it would be
 * to replace the link in /dev, for everybody.
 */
static bool leads_to_proc(const char *path)
{
	char target[64];
	ssize_t size;

	if (strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/dev/fd/", 8) == 0)
		return true;
	size = readlink(path, target, sizeof(target));
	return size > 6 && strncmp(target, "/proc/", 6) == 0;
}

static bool is_direct(const char *path)
{
	struct stat info;

	return leads_to_proc(path) || (stat(path, &info) == 0 && !S_ISREG(info.st_mode));
}

/* O_APPEND: behind what the jobs wrote to the file that is our standard output. A stranger's link to a device or into /proc is refused there. */
static int open_direct(struct newfile *file, const char *path)
{
	file->fd = openfile(path, O_WRONLY | O_APPEND | O_NOCTTY, 0);
	return file->fd < 0 ? file->fd : 0;
}

static int open_replacing(struct newfile *file, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (*name == '\0')
		return *path ? -EISDIR : -ENOENT;
	file->name = strdup(name);
	if (!file->name)
		return -ENOMEM;
	file->folder = folder_open(path);
	if (file->folder < 0)
		return file->folder;
	file->fd = open_unnamed(file->folder);
	if (file->fd == -EOPNOTSUPP)
		file->fd = open_named(file->folder, 0666, file->temporary);
	return file->fd < 0 ? file->fd : 0;
}

int newfile_new(const char *path, struct newfile **ret_file)
{
	struct newfile *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	file->fd = -1;
	file->folder = -1;
	r = is_direct(path) ? open_direct(file, path) : open_replacing(file, path);
	if (r == 0)
		r = stream_open(file);
	if (r < 0) {
		newfile_drop(file);
		return r;
	}
	*ret_file = file;
	return 0;
}

FILE *newfile_stream(struct newfile *file)
{
	return file->stream;
}

int newfile_error(const struct newfile *file)
{
	return file->error;
}

bool newfile_is_direct(const struct newfile *file)
{
	return file->folder < 0;
}

/* ---- the end ---- */

static int give_temporary_name(struct newfile *file)
{
	char path[NAME_ROOM];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	for (int i = 0; i < NAME_TRIES; i++) {
		name_make(file->temporary);
		if (linkat(AT_FDCWD, path, file->folder, file->temporary, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	file->temporary[0] = '\0';
	return -errno;
}

/* fsync: some file systems would let the new name reach the disk before its bytes, and NFS tells only here that its disk is full. */
static int give_name(struct newfile *file)
{
	int r;

	if (fsync(file->fd) < 0 && errno != EINVAL && errno != ENOTSUP)
		return -errno;
	r = file->temporary[0] ? 0 : give_temporary_name(file);
	if (r < 0)
		return r;
	if (renameat(file->folder, file->temporary, file->folder, file->name) < 0)
		return -errno;
	file->temporary[0] = '\0';
	return 0;
}

int newfile_finish(struct newfile *file_take)
{
	int r = 0;

	if (fflush(file_take->stream) != 0 && file_take->error == 0)
		file_take->error = -errno;
	r = file_take->error;
	if (r == 0 && file_take->folder >= 0)
		r = give_name(file_take);
	newfile_drop(file_take);
	return r;
}

void newfile_drop(struct newfile *file_take)
{
	if (!file_take)
		return;
	/* What is still in the stream's buffer goes nowhere. */
	if (file_take->error == 0)
		file_take->error = -ECANCELED;
	if (file_take->stream)
		fclose(file_take->stream);
	if (file_take->temporary[0])
		unlinkat(file_take->folder, file_take->temporary, 0);
	if (file_take->fd >= 0)
		close(file_take->fd);
	if (file_take->folder >= 0)
		close(file_take->folder);
	free(file_take->name);
	free(file_take);
}

/* ---- scratch ---- */

static int scratch_in(int folder)
{
	char name[NAME_ROOM];
	int fd = openat(folder, ".", O_RDWR | O_TMPFILE | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	fd = open_named(folder, 0600, name);
	if (fd >= 0)
		unlinkat(folder, name, 0);
	return fd;
}

static int scratch_at(const char *path)
{
	int folder = folder_open(path);
	int fd;

	if (folder < 0)
		return folder;
	fd = scratch_in(folder);
	close(folder);
	return fd;
}

int newfile_scratch(const char *path)
{
	const char *tmpdir = getenv("TMPDIR");
	char *inside = NULL;
	int fd = is_direct(path) ? -ENOTDIR : scratch_at(path);

	if (fd >= 0)
		return fd;
	if (asprintf(&inside, "%s/", tmpdir && *tmpdir ? tmpdir : "/tmp") < 0)
		return -ENOMEM;
	fd = scratch_at(inside);
	free(inside);
	return fd;
}
