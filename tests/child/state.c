/* SPDX-License-Identifier: MIT */
/*
 * Verbs that print what this process finds itself to be: arguments, environment, descriptors, ids, signals, limits.
 * They change nothing, and what they open for looking does not show in what they print.
 */
#include "child.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void verb_args(struct words *words)
{
	while (*words->next) {
		const char *text = word(words);

		put(1, text, strlen(text) + 1);
	}
}

static void verb_argv0(struct words *words)
{
	putf(1, "%s\n", words->argv0 ? words->argv0 : "(none)");
}

static void verb_exe(struct words *words)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		give_up(words, "/proc/self/exe");
	path[n] = '\0';
	putf(1, "%s\n", path);
}

static void verb_env(struct words *words)
{
	(void)words;
	for (char **entry = environ; entry && *entry; entry++)
		put(1, *entry, strlen(*entry) + 1);
}

/* The first entry counts, as for getenv(3), but without libc between: an entry that it refuses shows too. */
static void verb_getenv(struct words *words)
{
	const char *name = word(words);
	size_t size = strlen(name);

	for (char **entry = environ; entry && *entry; entry++)
		if (strncmp(*entry, name, size) == 0 && (*entry)[size] == '=') {
			put_text(1, *entry + size + 1);
			put_text(1, "\n");
			return;
		}
	put_text(1, "(unset)\n");
}

static void verb_cwd(struct words *words)
{
	char path[4096];

	if (!getcwd(path, sizeof(path)))
		give_up(words, "getcwd");
	putf(1, "%s\n", path);
}

static char type_letter(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFDIR:
		return 'd';
	}
	return '-';		/* an anonymous inode: epoll, eventfd, pidfd */
}

/* Returns 0 where N is not open. */
static int put_fd(int fd)
{
	static const char *const access_names[] = { "r", "w", "rw", "-" };
	char path[64], target[4096];
	struct stat st;
	ssize_t n;
	int flags = fcntl(fd, F_GETFD);
	int status = fcntl(fd, F_GETFL);

	if (flags < 0 || fstat(fd, &st) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	putf(1, "%d %c %s%s%s %s\n", fd, type_letter(st.st_mode), access_names[status & O_ACCMODE],
	     flags & FD_CLOEXEC ? ",cloexec" : "", status & O_NONBLOCK ? ",nonblock" : "", target);
	return 1;
}

static int by_number(const void *left, const void *right)
{
	int a = *(const int *)left, b = *(const int *)right;

	return (a > b) - (a < b);
}

/* Where no descriptor is left to open the directory with (a low limit), each number is asked instead. */
static void put_fds_by_asking(void)
{
	for (int fd = 0; fd < 65536; fd++)
		put_fd(fd);
}

static void verb_fds(struct words *words)
{
	static int open_fds[1 << 20];
	struct dirent *entry;
	size_t count = 0;
	int own;
	DIR *dir = opendir("/proc/self/fd");

	(void)words;
	if (!dir) {
		put_fds_by_asking();
		return;
	}
	own = dirfd(dir);
	while ((entry = readdir(dir)) && count < sizeof(open_fds) / sizeof(open_fds[0])) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != own)
			open_fds[count++] = fd;
	}
	closedir(dir);
	qsort(open_fds, count, sizeof(open_fds[0]), by_number);
	for (size_t i = 0; i < count; i++)
		put_fd(open_fds[i]);
}

static void verb_fd_stat(struct words *words)
{
	int fd = word_fd(words);

	if (!put_fd(fd))
		putf(1, "%d closed\n", fd);
}

static void verb_isatty(struct words *words)
{
	put_text(1, isatty(word_fd(words)) ? "yes\n" : "no\n");
}

static void verb_tty_foreground(struct words *words)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	(void)words;
	if (fd < 0) {
		put_text(1, "none\n");
		return;
	}
	put_text(1, tcgetpgrp(fd) == getpgrp() ? "yes\n" : "no\n");
	close(fd);
}

static void verb_pid(struct words *words)
{
	(void)words;
	putf(1, "%ld\n", (long)getpid());
}

static void verb_ppid(struct words *words)
{
	(void)words;
	putf(1, "%ld\n", (long)getppid());
}

static void verb_pgid(struct words *words)
{
	(void)words;
	putf(1, "%ld\n", (long)getpgrp());
}

static void verb_sid(struct words *words)
{
	(void)words;
	putf(1, "%ld\n", (long)getsid(0));
}

/* Print the lines of a small file of /proc that begin with one of the names, under the words that tests know. */
static void put_fields(struct words *words, const char *path, const char *const (*fields)[2])
{
	static char text[65536];
	size_t size = 0, n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		give_up(words, path);
	while (size < sizeof(text) - 1 && (n = take(words, fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += n;
	close(fd);
	text[size] = '\0';
	for (; (*fields)[0]; fields++) {
		const char *at = strstr(text, (*fields)[0]);

		if (!at)
			continue;
		at += strlen((*fields)[0]);
		at += strspn(at, " \t");
		putf(1, "%s %.*s\n", (*fields)[1], (int)strcspn(at, "\n"), at);
	}
}

static void verb_ids(struct words *words)
{
	static const char *const capabilities[][2] = {
		{ "\nCapInh:", "capinh" }, { "\nCapPrm:", "capprm" }, { "\nCapEff:", "capeff" },
		{ "\nCapBnd:", "capbnd" }, { "\nCapAmb:", "capamb" }, { NULL, NULL },
	};
	static gid_t groups[65536];
	uid_t uid[3];
	gid_t gid[3];
	int count = getgroups((int)(sizeof(groups) / sizeof(groups[0])), groups);

	if (count < 0 || getresuid(&uid[0], &uid[1], &uid[2]) < 0 || getresgid(&gid[0], &gid[1], &gid[2]) < 0)
		give_up(words, "ids");
	putf(1, "uid %u %u %u\n", uid[0], uid[1], uid[2]);
	putf(1, "gid %u %u %u\n", gid[0], gid[1], gid[2]);
	put_text(1, "groups");
	for (int i = 0; i < count; i++)
		putf(1, " %u", groups[i]);
	put_text(1, "\n");
	put_fields(words, "/proc/self/status", capabilities);
}

static void verb_signals(struct words *words)
{
	static const char *const masks[][2] = {
		{ "\nSigIgn:", "ignored" }, { "\nSigBlk:", "blocked" }, { "\nSigCgt:", "caught" },
		{ "\nSigPnd:", "pending" }, { "\nShdPnd:", "shared-pending" }, { NULL, NULL },
	};

	put_fields(words, "/proc/self/status", masks);
}

static void verb_umask(struct words *words)
{
	mode_t mask = umask(0);

	(void)words;
	umask(mask);
	putf(1, "%04o\n", (unsigned int)mask);
}

static void verb_nice(struct words *words)
{
	(void)words;
	putf(1, "%d\n", getpriority(PRIO_PROCESS, 0));
}

static const struct {
	const char *name;
	int resource;
} limit_names[] = {
	{ "AS", RLIMIT_AS }, { "CORE", RLIMIT_CORE }, { "CPU", RLIMIT_CPU }, { "DATA", RLIMIT_DATA },
	{ "FSIZE", RLIMIT_FSIZE }, { "MEMLOCK", RLIMIT_MEMLOCK }, { "NOFILE", RLIMIT_NOFILE }, { "NPROC", RLIMIT_NPROC },
	{ "STACK", RLIMIT_STACK },
};

static void put_limit(rlim_t value)
{
	if (value == RLIM_INFINITY)
		put_text(1, "unlimited");
	else
		putf(1, "%llu", (unsigned long long)value);
}

static void verb_rlimit(struct words *words)
{
	const char *name = word(words);
	struct rlimit limit;

	for (size_t i = 0; i < sizeof(limit_names) / sizeof(limit_names[0]); i++) {
		if (strcmp(limit_names[i].name, name) != 0)
			continue;
		if (getrlimit(limit_names[i].resource, &limit) < 0)
			give_up(words, name);
		put_limit(limit.rlim_cur);
		put_text(1, " ");
		put_limit(limit.rlim_max);
		put_text(1, "\n");
		return;
	}
	bad_word(words, name, "a limit");
}

static void verb_affinity(struct words *words)
{
	cpu_set_t set;
	const char *before = "";

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		give_up(words, "sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set)) {
			putf(1, "%s%d", before, cpu);
			before = " ";
		}
	put_text(1, "\n");
}

static void verb_no_new_privs(struct words *words)
{
	(void)words;
	putf(1, "%d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static void verb_dumpable(struct words *words)
{
	(void)words;
	putf(1, "%d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void verb_pdeathsig(struct words *words)
{
	int signal = 0;

	if (prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0) < 0)
		give_up(words, "prctl");
	putf(1, "%d\n", signal);
}

static void put_file(struct words *words, const char *path)
{
	char part[4096];
	size_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		give_up(words, path);
	while ((n = take(words, fd, part, sizeof(part))) > 0)
		put(1, part, n);
	close(fd);
}

static void verb_cgroup(struct words *words)
{
	put_file(words, "/proc/self/cgroup");
}

static void verb_comm(struct words *words)
{
	put_file(words, "/proc/self/comm");
}

const struct verb state_verbs[] = {
	{ "args", "...", "write each argument that is left, followed by a NUL; takes all of them", verb_args },
	{ "argv0", "", "write argv[0] as a line", verb_argv0 },
	{ "exe", "", "write the file that is executed (/proc/self/exe) as a line", verb_exe },
	{ "env", "", "write each entry of the environment, in order, doubles too, followed by a NUL", verb_env },
	{ "getenv", "NAME", "write the value of NAME as a line, or \"(unset)\"", verb_getenv },
	{ "cwd", "", "write the working directory as a line", verb_cwd },
	{ "fds", "", "a line for each open descriptor: N, type (f p s c b d -), r|w|rw[,cloexec][,nonblock], target",
		verb_fds },
	{ "fd-stat", "N", "that line for descriptor N, or \"N closed\"", verb_fd_stat },
	{ "isatty", "N", "write yes or no", verb_isatty },
	{ "tty-foreground", "", "write yes or no: is our group the terminal's foreground? none: no terminal",
		verb_tty_foreground },
	{ "pid", "", "write our process id as a line", verb_pid },
	{ "ppid", "", "write the parent's process id as a line", verb_ppid },
	{ "pgid", "", "write our process group as a line", verb_pgid },
	{ "sid", "", "write our session as a line", verb_sid },
	{ "ids", "", "lines: uid R E S; gid R E S; groups ...; capinh, capprm, capeff, capbnd, capamb in hex", verb_ids },
	{ "signals", "", "lines: ignored, blocked, caught, pending, shared-pending, each a mask in hex", verb_signals },
	{ "umask", "", "write the umask, four octal digits", verb_umask },
	{ "nice", "", "write the nice value as a line", verb_nice },
	{ "rlimit", "NAME", "write soft and hard limit of AS CORE CPU DATA FSIZE MEMLOCK NOFILE NPROC STACK", verb_rlimit },
	{ "affinity", "", "write the numbers of the processors we may run on", verb_affinity },
	{ "no-new-privs", "", "write 0 or 1", verb_no_new_privs },
	{ "dumpable", "", "write 0, 1 or 2", verb_dumpable },
	{ "pdeathsig", "", "write the number of the parent-death signal, 0 for none", verb_pdeathsig },
	{ "cgroup", "", "write /proc/self/cgroup", verb_cgroup },
	{ "comm", "", "write the name that /proc shows", verb_comm },
	{ NULL, NULL, NULL, NULL },
};
