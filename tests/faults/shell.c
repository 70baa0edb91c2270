/* SPDX-License-Identifier: MIT */
/*
 * The folder of a run, and the command in it. Each run has a folder of its own, by the number of its process, which is how the supervisor finds it
 * when that process is gone.
 */
#include "shell.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "wake.h"

enum { WORDS_MOST = 40, FDS_MOST = 256, PIPE_FD = 3 };

/* ---- before ---- */

static void put(int from, int to)
{
	if (from < 0 || dup2(from, to) != to)
		wrong("cannot set up descriptor %d", to);
	if (from != to)
		close(from);
}

/* What libc sets up once and keeps is no matter of the sweep. */
static void settle_libc(void)
{
	static char buffer[BUFSIZ];

	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	tzset();
}

static int take_away(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

void shell_enter(void)
{
	char name[32], folder[PATH_MAX];

	umask(022);
	snprintf(name, sizeof name, "%ld", (long)getpid());
	snprintf(folder, sizeof folder, "%s", file_path(name));
	/* One of the same number may have hung here and been ended. */
	nftw(folder, take_away, 8, FTW_DEPTH | FTW_PHYS);
	if (mkdir(folder, 0777) < 0 || chdir(folder) < 0 || mkdir("tmp", 0777) < 0)
		wrong("cannot make %s", folder);
	strncat(folder, "/tmp", sizeof folder - strlen(folder) - 1);
	setenv("TMPDIR", folder, 1);
	put(open("stdout", O_WRONLY | O_CREAT, 0666), STDOUT_FILENO);
	put(open("stderr", O_WRONLY | O_CREAT, 0666), STDERR_FILENO);
	settle_libc();
}

void shell_enter_piped(void)
{
	int ends[2] = { -1, -1 };

	shell_enter();
	if (pipe2(ends, O_CLOEXEC) < 0)
		wrong("no pipe");
	put(ends[1], STDOUT_FILENO);
	if (ends[0] != PIPE_FD || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		wrong("descriptor %d is taken", PIPE_FD);
}

void shell_bytes(const char *name, const char *bytes, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		wrong("cannot write %s", name);
	close(fd);
}

void shell_file(const char *name, const char *text)
{
	shell_bytes(name, text, strlen(text));
}

void shell_open(const char *name, int fd)
{
	put(open(name, O_RDONLY), fd);
}

/* ---- the command ---- */

static void remember_descriptors(bool open[FDS_MOST])
{
	for (int fd = 0; fd < FDS_MOST; fd++)
		open[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* The pipe of its signals stays until it ends: there is no moment at which no signal could come. */
static bool is_of_signals(int fd)
{
	struct stat one, other;

	return fstat(fd, &one) == 0 && fstat(wake_fd(), &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static void look_at_descriptors(const bool open_before[FDS_MOST])
{
	for (int fd = 0; fd < FDS_MOST; fd++) {
		const bool open = fcntl(fd, F_GETFD) >= 0;

		if (open && !open_before[fd] && !is_of_signals(fd))
			wrong("descriptor %d is left open", fd);
		else if (!open && open_before[fd])
			wrong("descriptor %d, which is not its own, was closed", fd);
	}
}

/* What is in the pipe goes into the file that would have been there without one. */
static void keep_piped(void)
{
	static char bytes[65536];
	ssize_t size;
	int fd;

	if (fcntl(PIPE_FD, F_GETFL) < 0 || !(fcntl(PIPE_FD, F_GETFL) & O_NONBLOCK))
		return;
	fd = open("stdout", O_WRONLY | O_CLOEXEC);
	while ((size = read(PIPE_FD, bytes, sizeof bytes)) > 0)
		if (write(fd, bytes, (size_t)size) != size)
			wrong("cannot keep what came through the pipe");
	close(fd);
}

int shell_run(const char *word, ...)
{
	char itself[] = "brood", *argv[WORDS_MOST + 2] = { itself };
	bool open_before[FDS_MOST];
	int argc = 1, status;
	va_list list;

	va_start(list, word);
	for (; word && argc <= WORDS_MOST; word = va_arg(list, const char *))
		argv[argc++] = (char *)(uintptr_t)word;
	va_end(list);
	aside_begin();
	remember_descriptors(open_before);
	aside_end();
	status = brood_command_main(argc, argv);
	aside_begin();
	keep_piped();
	look_at_descriptors(open_before);
	return status;
}
