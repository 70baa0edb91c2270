/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pipeline as libpipeline runs it, in a child of its own that stands in for the host: there it may install its handler, reap whomever it
 * likes and exit. The child ends as the pipeline did, so its end is the pipeline's; how each command ended it tells on a descriptor of
 * its own, which is captured, so that it is in the result of that run.
 *
 * It passes signals on, because whoever signals the stage means the commands; it is their subreaper, so what they leave behind stays below
 * it while it runs; and when it goes, they go.
 */
#include "bridge.h"

#include <brood/command.h>
#include <brood/result.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* Far from the numbers that a program hands on; the next ones where it does. */
enum { STATUS_FD = 60, STATUS_FDS = 8 };

/* What is captured there: first the mark and how many commands there are, then, when all have ended, their statuses. */
static const char mark[8] = "brood-1";

struct record {
	char mark[sizeof mark];
	int count;
};

static const int forwarded[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT };

/* ---- of the hosting child alone: the host never runs any of this ---- */

static pid_t hosting;
static int status_fd;
static int gate[2];
static pid_t *pids;
static volatile sig_atomic_t pid_count;
static volatile sig_atomic_t stopped;

/* Nobody is reaped before all have ended, so none of these numbers can be a stranger's. */
static void forward(int signal, siginfo_t *info, void *context)
{
	const int saved = errno;

	(void)context;
	/* Later it is pipeline_wait_all itself, which raises the SIGINT that a command died of. */
	stopped |= pid_count > 0 && info->si_code <= 0 && signal != SIGCONT && signal != SIGUSR1 && signal != SIGUSR2;
	/* What a terminal sends has reached the whole group already. */
	for (int i = 0; info->si_code <= 0 && i < pid_count; i++)
		if (pids[i] > 0)
			kill(pids[i], signal);
	errno = saved;
}

/* Ignored ones stay so: pipeline_ignore_signals asked for that. */
static void listen_for_signals(void)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_RESTART };

	action.sa_sigaction = forward;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++) {
		struct sigaction now;

		if (sigaction(forwarded[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaction(forwarded[i], &action, NULL);
	}
}

/*
 * No command begins before we listen: a signal that came earlier would end us alone, and those that had begun would be killed with no time to end
 * by themselves.
 */
static void wait_at_gate(void)
{
	ssize_t n;
	char go;

	close(gate[1]);
	do
		n = read(gate[0], &go, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(255);
	close(gate[0]);
}

static void open_gate(int count)
{
	for (int i = 0; i < count; i++)
		while (write(gate[1], "g", 1) < 0 && errno == EINTR)
			;
	close(gate[0]);
	close(gate[1]);
}

/* In each command, before its exec. libpipeline starts them with SIGCHLD blocked, which a shell or a make would pass on for ever. */
static void begin_command(void)
{
	sigset_t none;

	if (status_fd >= 0)
		close(status_fd);
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != hosting)
		_exit(255);
#endif
	wait_at_gate();
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* One that the program directed elsewhere after all is not ours to write to. */
static int open_status_fd(const struct adopted *adopted)
{
	struct record record = { .count = pipeline_get_ncommands(adopted->pipeline) };
	struct stat info;

	if (adopted->status_fd < 0 || fstat(adopted->status_fd, &info) < 0 || !S_ISFIFO(info.st_mode))
		return -1;
	memcpy(record.mark, mark, sizeof mark);
	fcntl(adopted->status_fd, F_SETFD, FD_CLOEXEC);
	return write(adopted->status_fd, &record, sizeof record) == (ssize_t)sizeof record ? adopted->status_fd : -1;
}

static void tell_statuses(const int *statuses, int count)
{
	const char *at = (const char *)statuses;
	size_t size = (size_t)count * sizeof *statuses;

	while (status_fd >= 0 && size > 0) {
		const ssize_t n = write(status_fd, at, size);

		if (n < 0 && errno != EINTR)
			return;
		at += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
}

static void prepare(const struct adopted *adopted)
{
	sigset_t child;

	leave_without_handlers();
	if (pipe2(gate, O_CLOEXEC) < 0)
		exit(125);      /* NOLINT(concurrency-mt-unsafe): a forked process with one thread, whose handlers were put aside */
	status_fd = open_status_fd(adopted);
	hosting = getpid();
#ifdef __linux__
	prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
	/* Its handler would reap behind our back: it is to wait in pipeline_wait_all and nowhere else. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &child, NULL);
	pipeline_install_post_fork(begin_command);

	/* The stage's own 0 and 1 are where they belong; told to move them there, libpipeline closes them. */
	if (adopted->in.kind == END_PLAIN || adopted->in.kind == END_PIPE)
		pipeline_want_infile(adopted->pipeline, NULL);
	if (adopted->out.kind == END_PLAIN || adopted->out.kind == END_PIPE)
		pipeline_want_outfile(adopted->pipeline, NULL);
	if (adopted->in.kind == END_FD)
		fcntl(adopted->in.fd, F_SETFD, FD_CLOEXEC);
	if (adopted->out.kind == END_FD)
		fcntl(adopted->out.fd, F_SETFD, FD_CLOEXEC);
	for (int i = 0; i < pipeline_get_ncommands(adopted->pipeline); i++) {
		char *dump = dump_pipecmd(pipeline_get_command(adopted->pipeline, i));
		const int fd = dump ? directory_fd(dump) : -1;

		if (fd > STDERR_FILENO)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
		free(dump);
	}
}

static void await_all(pipeline *p)
{
	const int count = pipeline_get_ncommands(p);

	pids = calloc((size_t)count, sizeof *pids);
	if (!pids)
		exit(125);      /* NOLINT(concurrency-mt-unsafe): a forked process with one thread, whose handlers were put aside */
	for (int i = 0; i < count; i++)
		pids[i] = pipeline_get_pid(p, i);
	pid_count = count;
	listen_for_signals();
	open_gate(count);
	for (int i = 0; i < count; i++) {
		siginfo_t info;

		while (waitid(P_PID, (id_t)pids[i], &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
			;
	}
	pid_count = 0;
}

/*
 * A sequence that was stopped leaves the command that it ran, which is ours now. All of them are our own children, unreaped: no number can
 * be a stranger's. Where /proc does not tell (CONFIG_PROC_CHILDREN), they are left.
 */
static void end_orphans(void)
{
	int found;

	do {
		FILE *children = fopen("/proc/thread-self/children", "re");
		int pid;

		found = 0;
		/* NOLINTNEXTLINE(cert-err34-c): the kernel writes a pid there */
		while (children && fscanf(children, "%d", &pid) == 1)
			found += kill(pid, SIGKILL) == 0;
		if (children)
			fclose(children);
		for (int i = 0; i < found; i++)
			while (waitpid(-1, NULL, 0) < 0 && errno == EINTR)
				;
	} while (found > 0);
}

static void die_of(int number)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, number);
	sigaction(number, &by_default, NULL);
	raise(number);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

static int run(void *data)
{
	const struct adopted *adopted = data;
	int *statuses = NULL, count = 0, status, last_signal = 0;

	prepare(adopted);
	pipeline_start(adopted->pipeline);
	await_all(adopted->pipeline);
	status = pipeline_wait_all(adopted->pipeline, &statuses, &count);
	tell_statuses(statuses, count);
	if (stopped)
		end_orphans();
	/* A last command that died of SIGPIPE counts as 0, by libpipeline's rule. */
	if (count > 0 && WIFSIGNALED(statuses[count - 1]) && status > 128)
		last_signal = WTERMSIG(statuses[count - 1]);
	free(statuses);
	if (last_signal > 0)
		die_of(last_signal);
	return status;
}

/* ---- the host ---- */

/* "zsoelim | tbl | nroff" */
static char *name_of_all(pipeline *p)
{
	const int count = pipeline_get_ncommands(p);
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	bool bad = false;

	if (!stream)
		return NULL;
	for (int i = 0; i < count && !bad; i++) {
		char *dump = dump_pipecmd(pipeline_get_command(p, i)), name[128];

		bad = !dump || fprintf(stream, "%s%s", i > 0 ? " | " : "", name_of(dump, name, sizeof name)) < 0;
		free(dump);
	}
	if (fclose(stream) != 0 || bad) {
		free(text);
		return NULL;
	}
	return text;
}

static void pass_on(brood_command *cmd, int child_fd, const struct end *end)
{
	if (end->kind == END_PIPE)
		brood_command_redirect_pipe(cmd, child_fd);
	else if (end->kind == END_FD && end->fd > STDERR_FILENO)
		brood_command_redirect_inherit(cmd, end->fd);
}

static void pass_directories(brood_command *cmd, pipeline *p)
{
	for (int i = 0; i < pipeline_get_ncommands(p); i++) {
		char *dump = dump_pipecmd(pipeline_get_command(p, i));
		const int fd = dump ? directory_fd(dump) : -1;

		if (fd > STDERR_FILENO)
			brood_command_redirect_inherit(cmd, fd);
		free(dump);
	}
}

static bool is_passed_on(int fd, const struct end *in, const struct end *out, pipeline *p)
{
	bool found = (in->kind == END_FD && in->fd == fd) || (out->kind == END_FD && out->fd == fd);

	for (int i = 0; i < pipeline_get_ncommands(p) && !found; i++) {
		char *dump = dump_pipecmd(pipeline_get_command(p, i));

		found = dump && directory_fd(dump) == fd;
		free(dump);
	}
	return found;
}

static int choose_status_fd(const struct end *in, const struct end *out, pipeline *p)
{
	for (int fd = STATUS_FD; fd < STATUS_FD + STATUS_FDS; fd++)
		if (!is_passed_on(fd, in, out, p))
			return fd;
	return -1;
}

static void capture_statuses(brood_command *cmd, int fd, pipeline *p)
{
	if (fd >= 0)
		brood_command_capture(cmd, fd, sizeof(struct record) + (size_t)pipeline_get_ncommands(p) * sizeof(int));
}

int hosted_statuses(const brood_result *result, int *ret_statuses, size_t size)
{
	if (brood_result_stages(result) != 1)
		return -ENOENT;
	for (int fd = STATUS_FD; fd < STATUS_FD + STATUS_FDS; fd++) {
		size_t told;
		const char *bytes = brood_result_output(result, fd, &told);
		struct record record;

		if (told < sizeof record)
			continue;
		memcpy(&record, bytes, sizeof record);
		if (memcmp(record.mark, mark, sizeof mark) != 0)
			continue;
		for (size_t i = 0; i < (size_t)record.count && i < size; i++) {
			const size_t at = sizeof record + i * sizeof *ret_statuses;

			ret_statuses[i] = -1;
			if (told >= at + sizeof *ret_statuses)
				memcpy(&ret_statuses[i], bytes + at, sizeof *ret_statuses);
		}
		return record.count;
	}
	return -ENOENT;
}

brood_command *hosted_new(pipeline *pipeline_take, const struct end *in, const struct end *out)
{
	struct adopted *adopted = adopted_new(NULL, pipeline_take);
	brood_command *cmd;
	char *name;

	if (!adopted)
		return NULL;
	adopted->in = (struct end){ .kind = in->kind, .fd = in->fd };
	adopted->out = (struct end){ .kind = out->kind, .fd = out->fd };
	adopted->status_fd = choose_status_fd(in, out, pipeline_take);
	name = name_of_all(pipeline_take);
	if (!name) {
		adopted_release(adopted);
		return NULL;
	}
	cmd = brood_command_function_owned(name, run, adopted, adopted_copy, adopted_release);
	free(name);
	if (!cmd)
		return NULL;
	capture_statuses(cmd, adopted->status_fd, pipeline_take);
	pass_on(cmd, BROOD_STDIN, in);
	pass_on(cmd, BROOD_STDOUT, out);
	pass_directories(cmd, pipeline_take);
#if defined(__linux__) && BROOD_LINUX_FAST_PATH
	brood_command_set_die_with_parent(cmd, true);
#endif
	return cmd;
}
