/* SPDX-License-Identifier: MIT */
/*
 * job FOLDER INPUT [MICROSECONDS]: a job whose every start and end leaves a mark, and which notices when it is run twice at one time.
 *
 * FOLDER/INPUT gets an 's' at the start and an 'e' at the end, and is locked between them. A second one of the same input finds the lock taken,
 * leaves the mark 'w' and waits for it: who was killed may hold it for the moment until it is let onto a processor to die. Only when the first one
 * does another thing meanwhile did the two run beside each other, and then there is FOLDER/overlap. A mark that it was leaving when SIGKILL came is
 * no such thing: the kernel ends a write before it ends the process.
 *
 * It writes its input as a line; every sixteenth writes 100 KiB before, which is more than memory keeps of a job.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		const ssize_t n = write(fd, bytes, size);

		if (n < 0)
			return -1;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

static int mark(int fd, char byte)
{
	return write_all(fd, &byte, 1);
}

/* Locks of a process, and not of an open file: the kernel says whose they are. */
static int lock(int fd, int how, struct flock *ret)
{
	*ret = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fcntl(fd, how, ret);
}

/* SIGKILL has been sent to it. Not known of one that has taken the signal and is on its way out, but that leaves no mark any more. */
static bool is_dying(pid_t pid)
{
	char path[64], line[256];
	unsigned long long pending = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "SigPnd: %llx", &pending) == 1)
			break;
	if (file)
		fclose(file);
	return !file || pending >> (SIGKILL - 1) & 1;
}

/* -1 when it was alive. */
static int wait_for_the_first(int fd, const char *folder)
{
	struct flock held;
	char path[4096];
	bool dying;
	off_t size;

	dying = lock(fd, F_GETLK, &held) < 0 || held.l_type == F_UNLCK || is_dying(held.l_pid);
	mark(fd, 'w');
	size = lseek(fd, 0, SEEK_END);
	if (lock(fd, F_SETLKW, &held) < 0)
		return -1;
	if (dying || lseek(fd, 0, SEEK_END) == size)
		return 0;
	snprintf(path, sizeof path, "%s/overlap", folder);
	close(open(path, O_WRONLY | O_CREAT, 0666));
	return -1;
}

int main(int argc, char **argv)
{
	static char long_text[100 * 1024];
	struct flock held;
	char path[4096];
	int fd;

	if (argc < 3)
		return 99;
	snprintf(path, sizeof path, "%s/%s", argv[1], argv[2]);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return 98;
	if (lock(fd, F_SETLK, &held) < 0 && wait_for_the_first(fd, argv[1]) < 0)
		return 97;
	mark(fd, 's');
	if (argc > 3)
		usleep((useconds_t)(((unsigned)getpid() * 2654435761u >> 8) % (unsigned)(atoi(argv[3]) + 1)));
	memset(long_text, 'x', sizeof long_text);
	if (atol(argv[2]) % 16 == 0 && write_all(STDOUT_FILENO, long_text, sizeof long_text) < 0)
		return 96;
	snprintf(path, sizeof path, "%s\n", argv[2]);
	if (write_all(STDOUT_FILENO, path, strlen(path)) < 0)
		return 96;
	return mark(fd, 'e') < 0 ? 98 : 0;
}
