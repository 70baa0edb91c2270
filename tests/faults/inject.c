/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: forks the process under test, answers for the kernel, and sees what no process can tell of itself: that it crashed, hangs, or left
 * somebody behind.
 *
 * Whoever is left is found because this process is the subreaper. A hang is ten seconds in which no system call came.
 */
#include "inject.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "errnos_old.h"
#include "stand.h"

#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE (1UL << 0)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

enum { QUIET_MS = 10000, WHOLE_MS = 20000, LEAVE_MS = 3000, SYNC_WAKE_UP = 1 };

/* One run as the supervisor sees it. */
struct watch_over {
	const struct scenario *scenario;
	const struct setting *setting;
	struct run *run;
	pid_t pid;
	int pidfd;
	int listener;
	unsigned begins;
	bool counting;
	bool fired;
	bool unheard;           /* a write to standard error was refused */
};

static struct text_ranges ranges;
static struct report *report;
static char worker_directory[300];
static char pids_cgroup[300];
static int children_fd = -1;            /* tells of SIGCHLD */

/* ---- once ---- */

bool inject_init(const char **ret_why)
{
	/* Without random addresses a program's text may lie where ours does. */
	const int persona = personality(0xffffffff);

	/* Its system calls come from a text of its own. */
	if (getenv("LD_PRELOAD") && strstr(getenv("LD_PRELOAD"), "vgpreload")) {
		*ret_why = "valgrind makes the system calls of what it runs";
		return false;
	}
	if (persona >= 0 && (persona & ADDR_NO_RANDOMIZE)) {
		*ret_why = "addresses are not random here, so a child's calls cannot be told from ours";
		return false;
	}
	if (!ranges_find(&ranges)) {
		*ret_why = "/proc/self/maps cannot be read";
		return false;
	}
	return true;
}

/* In the hierarchy of version 2 where it has the controller, else in version 1's own. */
static void make_pids_cgroup(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/pids" };

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char file[400];

		snprintf(pids_cgroup, sizeof pids_cgroup, "%s/brood-faults-%ld", places[i], (long)getpid());
		if (mkdir(pids_cgroup, 0755) < 0)
			continue;
		snprintf(file, sizeof file, "%s/pids.max", pids_cgroup);
		if (access(file, W_OK) == 0)
			return;
		rmdir(pids_cgroup);
	}
	pids_cgroup[0] = '\0';
}

/* Its last member counts until it is off the processor. */
static void remove_pids_cgroup(void)
{
	for (int i = 0; pids_cgroup[0] && rmdir(pids_cgroup) < 0 && errno == EBUSY && i < 1000; i++)
		usleep(1000);
}

void inject_worker(const char *directory)
{
	sigset_t children;

	snprintf(worker_directory, sizeof worker_directory, "%s", directory);
	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		abort();
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	children_fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	make_pids_cgroup();
	atexit(remove_pids_cgroup);
}

/* ---- answering ---- */

static bool is_refused(const struct kernel *kernel, const struct seccomp_data *data, int *ret_error)
{
	for (size_t i = 0; kernel && i < REFUSALS_MOST && kernel->refused[i].error; i++) {
		const struct refusal *refusal = &kernel->refused[i];

		if (refusal->nr == data->nr &&
		    (refusal->argument < 0 || (data->args[refusal->argument] & refusal->mask) == refusal->value)) {
			*ret_error = refusal->error;
			return true;
		}
	}
	return false;
}

static bool is_the_point(struct watch_over *over, enum side side, int call, unsigned count)
{
	const struct point *point = &over->setting->point;

	if (!point->error || point->side != side || point->call != call)
		return false;
	return point->lasting ? count >= point->nth : count == point->nth;
}

enum { TARGET = 32 };

/* "pipe:[4711]" */
static void target_of(const struct seccomp_notif *asked, long fd, char target[TARGET])
{
	char path[64];
	ssize_t size;

	snprintf(path, sizeof path, "/proc/%ld/fd/%ld", (long)asked->pid, fd);
	size = readlink(path, target, TARGET - 1);
	target[size > 0 ? size : 0] = '\0';
}

/* Of this kind, and not what it was given as its standard output. */
static bool is_its_own(const struct seccomp_notif *asked, const char *kind)
{
	char target[TARGET], output[TARGET];

	target_of(asked, (long)asked->data.args[0], target);
	target_of(asked, STDOUT_FILENO, output);
	return strncmp(target, kind, strlen(kind)) == 0 && strcmp(target, output) != 0;
}

/*
 * A program's signals come as bytes in a pipe of its own, and its forked child is told to go on through a socket. That a disk is full or broken is no
 * answer there, and who may answer by a status alone would have no words for it.
 */
static long use_of(const struct watch_over *over, const struct seccomp_notif *asked, enum side side)
{
	if (over->scenario->main && side == SIDE_HOST && asked->data.nr == SYS_write && is_its_own(asked, "pipe:"))
		return FAKE_OWN_PIPE;
	if (over->scenario->main && side == SIDE_CHILD && asked->data.nr == SYS_read && is_its_own(asked, "socket:"))
		return FAKE_OWN_SOCKET;
	return asked->data.nr;
}

/* The error to answer with; 0 to let it go on. */
static int judge(struct watch_over *over, const struct seccomp_notif *asked)
{
	const enum side side = (pid_t)asked->pid == over->pid ? SIDE_HOST : SIDE_CHILD;
	uint64_t arguments[6];
	int error = 0, call;

	if (asked->data.nr == FAKE_END)
		over->counting = false;
	if (!over->counting || asked->data.nr == FAKE_BEGIN)
		return 0;
	for (int i = 0; i < 6; i++)
		arguments[i] = asked->data.args[i];
	call = calls_find(use_of(over, asked, side), arguments, side);
	if (call < 0) {
		over->run->unknown = asked->data.nr;
		return 0;
	}
	over->run->count[side][call]++;
	if (is_the_point(over, side, call, over->run->count[side][call]))
		error = over->setting->point.error;
	else if (!is_refused(over->setting->kernel, &asked->data, &error))
		return 0;
	over->fired = true;
	over->unheard |= asked->data.nr == SYS_write && asked->data.args[0] == STDERR_FILENO && side == SIDE_HOST;
	return error;
}

/* Questions are answered here; and that bytes reach the disk is not waited for, since a busy one would look like a hang. */
static bool is_done_here(long nr)
{
	return (nr >= FAKE_BEGIN && nr <= FAKE_LAST) || nr == SYS_fsync || nr == SYS_fdatasync;
}

/* The listener is the supervisor's by now: what is asked from here on counts once the set-up says so a second time. */
static void answer(struct watch_over *over, const struct seccomp_notif *asked)
{
	struct seccomp_notif_resp said = { .id = asked->id };

	said.error = -judge(over, asked);
	if (asked->data.nr == FAKE_BEGIN)
		over->counting = ++over->begins >= 2;
	if (said.error == 0 && !is_done_here(asked->data.nr))
		said.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	/* ENOENT: it was killed meanwhile. */
	(void)ioctl(over->listener, SECCOMP_IOCTL_NOTIF_SEND, &said);
}

static void serve(struct watch_over *over)
{
	struct seccomp_notif asked = { .id = 0 };

	if (ioctl(over->listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) == 0)
		answer(over, &asked);
}

/* ---- whoever is left ---- */

static pid_t parent_of(const char *pid)
{
	char path[64], text[512];
	long parent = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (file && fgets(text, sizeof text, file) && strrchr(text, ')'))
		(void)sscanf(strrchr(text, ')'), ") %*c %ld", &parent);
	if (file)
		fclose(file);
	return (pid_t)parent;
}

static void kill_below(pid_t parent, int depth)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || parent_of(entry->d_name) != parent)
			continue;
		if (depth < 8)
			kill_below((pid_t)atol(entry->d_name), depth + 1);
		kill((pid_t)atol(entry->d_name), SIGKILL);
	}
	if (proc)
		closedir(proc);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reap all that came down to us. True when nobody is left. */
static bool reap_orphans(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
		;
	return pid < 0 && errno == ECHILD;
}

/* Those that the process ended with SIGKILL may need a moment to be gone. True when nobody had to be killed. */
static bool clear_away(struct watch_over *over, bool may_leave)
{
	const int64_t until = now_ms() + (may_leave ? 0 : LEAVE_MS);
	bool alone = reap_orphans();

	while (!alone && now_ms() < until) {
		struct pollfd asked = { .fd = over->listener, .events = POLLIN };

		if (over->listener >= 0 && poll(&asked, 1, 1) > 0 && (asked.revents & POLLIN))
			serve(over);
		else
			usleep(500);
		alone = reap_orphans();
	}
	if (alone)
		return true;
	/* Whoever waits for an answer of ours gets none any more, and hears ENOSYS. */
	if (over->listener >= 0)
		close(over->listener);
	over->listener = -1;
	while (!reap_orphans()) {
		kill_below(getpid(), 0);
		usleep(1000);
	}
	return false;
}

/* ---- one run ---- */

static void fail(struct watch_over *over, const char *words)
{
	if (over->run->verdict == FAILED)
		return;
	over->run->verdict = FAILED;
	snprintf(over->run->words, sizeof over->run->words, "%s", words);
}

static void where_it_hangs(const struct watch_over *over, char *ret, size_t size)
{
	char path[64], call[256] = "", wchan[64] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/%ld/syscall", (long)over->pid);
	file = fopen(path, "re");
	if (file && !fgets(call, sizeof call, file))
		call[0] = '\0';
	if (file)
		fclose(file);
	snprintf(path, sizeof path, "/proc/%ld/wchan", (long)over->pid);
	file = fopen(path, "re");
	if (file && !fgets(wchan, sizeof wchan, file))
		wchan[0] = '\0';
	if (file)
		fclose(file);
	call[strcspn(call, "\n")] = '\0';
	snprintf(ret, size, "hangs in %s (%s)", wchan, call);
}

static void hang(struct watch_over *over)
{
	char words[400];

	where_it_hangs(over, words, sizeof words);
	fail(over, words);
	kill(over->pid, SIGKILL);
	if (over->listener >= 0)
		close(over->listener);
	over->listener = -1;
}

/* The listener out of the other process. False when it ended, skipped or died, before it had one. */
static bool take_listener(struct watch_over *over)
{
	struct pollfd ended = { .fd = over->pidfd, .events = POLLIN };
	const uint64_t flags = SYNC_WAKE_UP;

	while (atomic_load(&report->listener) < 0) {
		if (poll(&ended, 1, 0) > 0)
			return false;
		sched_yield();
	}
	over->listener = (int)syscall(SYS_pidfd_getfd, over->pidfd, atomic_load(&report->listener), 0);
	if (over->listener < 0) {
		fail(over, "pidfd_getfd is refused");
		kill(over->pid, SIGKILL);
		return false;
	}
	fcntl(over->listener, F_SETFD, FD_CLOEXEC);
	(void)ioctl(over->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);
	return true;
}

/* Grandchildren that came down to us: their groups and cgroups are empty only when they are reaped. */
static void reap_strangers(const struct watch_over *over)
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0 || info.si_pid == over->pid)
			return;
		waitpid(info.si_pid, NULL, 0);
	}
}

static void serve_until_the_end(struct watch_over *over)
{
	struct pollfd fds[3] = {
		{ .fd = over->listener, .events = POLLIN }, { .fd = over->pidfd, .events = POLLIN }, { .fd = children_fd, .events = POLLIN },
	};
	const int64_t until = now_ms() + WHOLE_MS;

	for (;;) {
		int n = poll(fds, 3, QUIET_MS);

		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0 && (fds[2].revents & POLLIN)) {
			struct signalfd_siginfo info;

			if (read(children_fd, &info, sizeof info) < 0)
				fds[2].fd = -1;
			reap_strangers(over);
		}
		if (n == 0 || now_ms() > until) {
			hang(over);
			return;
		}
		if (fds[0].revents & POLLIN)
			serve(over);
		else if (fds[0].revents)
			fds[0].fd = -1;
		if ((fds[1].revents & POLLIN) && !(fds[0].revents & POLLIN))
			return;
	}
}

/* A program may die of a signal as a shell knows it from Ctrl-C and from `head`. What else ends it is a crash. */
static void judge_program(struct watch_over *over, int status)
{
	const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	const struct ended ended = {
		.pid = over->pid,
		.status = signal ? 128 + signal : WEXITSTATUS(status),
		.fault = over->setting->point.error,
		.in_child = over->setting->point.side == SIDE_CHILD,
		.unheard = over->unheard,
	};

	if (atomic_load(&report->skipped) || (!report->ended && signal != SIGINT && signal != SIGPIPE))
		return;
	report->ended = true;
	stand_judge(report, over->scenario, &ended, worker_directory);
}

static void judge_end(struct watch_over *over, int status)
{
	char words[WORDS];

	if (atomic_load(&report->skipped)) {
		over->run->verdict = SKIPPED;
		snprintf(over->run->words, sizeof over->run->words, "%s", report->told_words);
		return;
	}
	if (WIFSIGNALED(status) && !report->ended)
		snprintf(words, sizeof words, "died of signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (!report->ended || (WEXITSTATUS(status) != 0 && !over->scenario->main))
		snprintf(words, sizeof words, "ended with %d before the scenario did", WEXITSTATUS(status));
	else if (report->wrong_words[0])
		snprintf(words, sizeof words, "%s", report->wrong_words);
	else if (!report->well && !report->told)
		snprintf(words, sizeof words, "the scenario came to no verdict");
	else
		words[0] = '\0';
	over->run->well = report->well && !report->told;
	over->run->told = report->told;
	over->run->error = report->error;
	if (words[0])
		fail(over, words);
	else if (over->run->verdict != FAILED)
		snprintf(over->run->words, sizeof over->run->words, "%s", report->told_words);
}

void inject_run(const struct scenario *scenario, const struct setting *setting, struct run *ret)
{
	struct watch_over over = { .scenario = scenario, .setting = setting, .run = ret, .listener = -1 };
	int status = 0;

	memset(ret, 0, sizeof *ret);
	ret->unknown = -1;
	memset(report, 0, sizeof *report);
	atomic_store(&report->listener, -1);
	fflush(NULL);
	over.pid = fork();
	if (over.pid == 0)
		stand_run(report, scenario, setting, &ranges, worker_directory, pids_cgroup[0] ? pids_cgroup : NULL);
	over.pidfd = over.pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, over.pid, 0);
	if (over.pidfd < 0) {
		fail(&over, "no process, or no pidfd, for a run");
		return;
	}
	if (take_listener(&over))
		serve_until_the_end(&over);
	while (waitpid(over.pid, &status, 0) < 0 && errno == EINTR)
		;
	if (scenario->main)
		judge_program(&over, status);
	judge_end(&over, status);
	if (!clear_away(&over, ret->verdict == FAILED || (scenario->flags & LEAVES)) && !(scenario->flags & LEAVES))
		fail(&over, "a process is left behind");
	if (over.listener >= 0)
		close(over.listener);
	close(over.pidfd);
	if (ret->verdict == SURVIVED && setting->point.error && !over.fired)
		ret->verdict = NOT_FIRED;
}

const char *point_words(const struct point *point)
{
	static char words[160];

	if (!point->error)
		return "no fault";
	snprintf(words, sizeof words, "%s:%s:%s:%u%s", point->side == SIDE_HOST ? "host" : "child", calls[point->call].name, errno_name(point->error),
	         point->nth, point->lasting ? "+" : "");
	return words;
}
