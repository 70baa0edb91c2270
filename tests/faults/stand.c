/* SPDX-License-Identifier: MIT */
/*
 * The process under test. Everything that is not the scenario's happens before the filter counts or after it has stopped: stdio, limits, ids, a
 * first run for a warm one, the snapshot before and the comparison after.
 *
 * Its verdict goes into the shared page; only a crash, a hang and what it leaves behind are the supervisor's to see.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stand.h"
#include "support/support.h"

enum { NOBODY = 65534, EXIT_SKIPPED = 77, GAVE_UP = 125 };

static struct report *report;
static const char *worker_directory;

/* ---- verdicts ---- */

void report_wrong(struct report *to, const char *format, ...)
{
	va_list list;

	if (to->wrong_words[0])
		return;
	va_start(list, format);
	vsnprintf(to->wrong_words, sizeof to->wrong_words, format, list);
	va_end(list);
}

void wrong(const char *format, ...)
{
	va_list list;

	if (report->wrong_words[0])
		return;
	va_start(list, format);
	vsnprintf(report->wrong_words, sizeof report->wrong_words, format, list);
	va_end(list);
}

bool must_be(bool condition, const char *file, int line, const char *text)
{
	const char *slash = strrchr(file, '/');

	if (!condition)
		wrong("%s:%d: %s", slash ? slash + 1 : file, line, text);
	return condition;
}

void done_well(void)
{
	report->well = true;
}

void failed_well(int error, const char *words)
{
	if (!words || !*words)
		wrong("an error (%s) without words", errno_name(-error));
	if (report->told)
		return;
	report->told = true;
	report->error = error;
	snprintf(report->told_words, sizeof report->told_words, "%s", words ? words : "");
}

void aside_begin(void)
{
	ask_arm(false);
	syscall(FAKE_END);
}

void aside_end(void)
{
	syscall(FAKE_BEGIN);
	ask_arm(true);
}

/* ---- files ---- */

const char *file_path(const char *name)
{
	static char path[8][512];
	static unsigned next;
	char *at = path[next++ % 8];

	snprintf(at, sizeof path[0], "%s/%s", worker_directory, name);
	return at;
}

void file_make(const char *name, const char *text)
{
	FILE *file;

	/* An earlier run may have made it as another user. */
	unlink(file_path(name));
	file = fopen(file_path(name), "we");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		wrong("cannot write %s", name);
}

bool file_holds(const char *name, const char *text)
{
	char bytes[4096];
	ssize_t size;
	int fd;

	aside_begin();
	fd = open(file_path(name), O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
	if (fd >= 0)
		close(fd);
	aside_end();
	return size == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)size) == 0;
}

/* ---- setting up ---- */

static _Noreturn void leave_out(const char *why)
{
	snprintf(report->told_words, sizeof report->told_words, "%s", why);
	atomic_store(&report->skipped, 1);
	_exit(EXIT_SKIPPED);
}

/* A terminal or a pipe of the caller's is not for scenarios; cmocka's handlers would jump back into the parent's tests. */
static void settle_in(bool as_program)
{
	int null, output;
	sigset_t none;

	/* A program looks for its terminal. */
	if (as_program)
		setsid();
	else
		setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int signal = 1; signal < NSIG; signal++)
		if (signal != SIGKILL && signal != SIGSTOP)
			(void)sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	null = open("/dev/null", O_RDWR);
	output = open(file_path("output"), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0666);
	dup2(null, 0);
	dup2(output, 1);
	dup2(output, 2);
	for (int fd = 3; fd < 256; fd++)
		close(fd);
}

static int highest_fd(void)
{
	int highest = 2;

	for (int fd = 3; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			highest = fd;
	return highest;
}

static unsigned processes_of(uid_t uid)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned count = 0;

	while (proc && (entry = readdir(proc))) {
		struct stat found;

		if (isdigit((unsigned char)entry->d_name[0]) && fstatat(dirfd(proc), entry->d_name, &found, 0) == 0 && found.st_uid == uid)
			count++;
	}
	if (proc)
		closedir(proc);
	return count;
}

/* RLIMIT_NPROC does not hold for root. */
static void become_nobody(void)
{
	if (geteuid() != 0)
		leave_out("needs root, to become another user");
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		leave_out("cannot become another user");
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (access(child_path(), X_OK) < 0)
		leave_out("the test child is out of reach for another user");
}

static void write_text(const char *directory, const char *name, const char *text)
{
	char path[600];
	int fd;
	bool done;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, text, strlen(text)) > 0;
	if (fd >= 0)
		close(fd);
	if (!done)
		leave_out("pids.max cannot be set here");
}

static void join_pids_cgroup(const char *directory)
{
	if (!directory)
		leave_out("no cgroup with the pids controller can be made here");
	write_text(directory, "pids.max", "max");
	write_text(directory, "cgroup.procs", "0");
}

/* What is taken back afterwards, since the comparison needs descriptors of its own. */
static struct rlimit taken_from = { RLIM_INFINITY, RLIM_INFINITY };

static void take_away(const struct setting *setting, unsigned processes, const char *pids_cgroup)
{
	struct rlimit limit;
	char most[16];

	if (setting->limit == LIMIT_NOFILE) {
		getrlimit(RLIMIT_NOFILE, &taken_from);
		limit = taken_from;
		limit.rlim_cur = (rlim_t)highest_fd() + 1 + setting->room;
		setrlimit(RLIMIT_NOFILE, &limit);
	} else if (setting->limit == LIMIT_NPROC) {
		getrlimit(RLIMIT_NPROC, &taken_from);
		limit = taken_from;
		limit.rlim_cur = processes + 1 + setting->room;
		setrlimit(RLIMIT_NPROC, &limit);
	} else if (setting->limit == LIMIT_PIDS) {
		snprintf(most, sizeof most, "%u", 1 + setting->room);
		write_text(pids_cgroup, "pids.max", most);
	}
}

static void give_back(const struct setting *setting)
{
	if (setting->limit == LIMIT_NOFILE)
		setrlimit(RLIMIT_NOFILE, &taken_from);
	else if (setting->limit == LIMIT_NPROC)
		setrlimit(RLIMIT_NPROC, &taken_from);
}

/* ---- under the filter ---- */

static void look_at_children(void)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		wrong("a child is left: pid %ld", (long)info.si_pid);
}

#if defined(__SANITIZE_ADDRESS__)
int __lsan_do_recoverable_leak_check(void);
#endif

/* `lost`: what may be left where memory was wanted, because nobody could say whose it is. */
static void look_at_memory(long before, long lost)
{
	const long left = ask_live() - before;

	if (left != 0 && (left != lost || report->error != -ENOMEM))
		wrong("%ld allocations are left", left);
#if defined(__SANITIZE_ADDRESS__)
	if (__lsan_do_recoverable_leak_check())
		wrong("memory is left");
#endif
}

static void look_at_host(const struct host_state *before)
{
	char *changes;

	look_at_children();
	changes = host_changes(before, HOST_ALL);
	if (changes)
		changes[strcspn(changes, "\n")] = '\0';
	if (changes)
		wrong("%s", changes);
	free(changes);
}

static void begin(const struct text_ranges *ranges)
{
	int listener = filter_install(ranges);

	if (listener < 0)
		leave_out("seccomp's user notification is not to be had here");
	atomic_store(&report->listener, listener);
	/* Answered as soon as the supervisor has the listener too. */
	syscall(FAKE_BEGIN);
	close(listener);
}

static void run_warm(const struct scenario *scenario)
{
	scenario->run();
	if (!report->well)
		wrong("the first, warming run did not go well: %s", report->told_words);
	report->well = report->told = false;
	report->error = 0;
}

/* To be counted, or to be answered with the fault of this run. */
static int question_of(const struct setting *setting)
{
	if (setting->kernel || setting->limit)
		return ASK_NONE;
	if (!setting->point.error)
		return ASK_ALL;
	return calls[setting->point.call].nr >= FAKE_BEGIN ? (int)calls[setting->point.call].nr : ASK_NONE;
}

/* What it leaves to its end is its own matter; memory and children it should not. */
static _Noreturn void end_as_program(const struct scenario *scenario, const struct setting *setting, long live)
{
	const int status = scenario->main();

	syscall(FAKE_END);
	ask_arm(false);
	/* One that gives up in the middle of its work leaves the rest to its end as well. */
	if (status != GAVE_UP)
		look_at_memory(live, 0);
	give_back(setting);
	look_at_children();
	report->ended = true;
	_exit(status);
}

void stand_judge(struct report *to, const struct scenario *scenario, const struct ended *ended, const char *directory)
{
	report = to;
	worker_directory = directory;
	scenario->judge(ended);
}

void stand_run(struct report *to, const struct scenario *scenario, const struct setting *setting, const struct text_ranges *ranges,
               const char *directory, const char *pids_cgroup)
{
	struct host_state before = { 0 };
	unsigned processes = 0;
	long live, prepared;

	report = to;
	worker_directory = directory;
	settle_in(scenario->main != NULL);
	if ((scenario->flags & NEEDS_PIDFD) && !BROOD_LINUX_FAST_PATH)
		leave_out("the plain POSIX build has no pidfds");
	if ((scenario->flags & NEEDS_LINUX) && !BROOD_LINUX_FAST_PATH)
		leave_out("the plain POSIX build cannot do that");
	unsetenv("BROOD_ENGINE");
	unsetenv("BROOD_POLLER");
	if (scenario->engine)
		setenv("BROOD_ENGINE", scenario->engine, 1);
	if (scenario->poller)
		setenv("BROOD_POLLER", scenario->poller, 1);
	if ((scenario->flags & NEEDS_ROOT) && geteuid() != 0)
		leave_out("needs root");
	if (setting->limit == LIMIT_PIDS)
		join_pids_cgroup(pids_cgroup);
	if (setting->limit == LIMIT_NPROC) {
		processes = processes_of(NOBODY);
		become_nobody();
	}
	prepared = ask_live();
	if (scenario->prepare)
		scenario->prepare();
	prepared = scenario->flags & TAKES ? ask_live() - prepared : 0;
	if (scenario->flags & WARM)
		run_warm(scenario);
	if (geteuid() != 0)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);         /* the filter would need it, and is no scenario's doing */
	host_snapshot(&before);
	begin(ranges);
	take_away(setting, processes, pids_cgroup);
	live = ask_live() - prepared;
	ask_about(question_of(setting));
	ask_arm(true);
	syscall(FAKE_BEGIN);
	if (scenario->main)
		end_as_program(scenario, setting, live);
	scenario->run();
	syscall(FAKE_END);
	ask_arm(false);
	look_at_memory(live, prepared);
	give_back(setting);
	look_at_host(&before);
	report->ended = true;
	_exit(0);
}
