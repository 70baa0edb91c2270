/* SPDX-License-Identifier: MIT */
/*
 * Verbs that make grandchildren: those that hold the pipes, that leave the group or the session, that outlive us.
 * A verb returns when the grandchild is in place: its group or session is set and its pid is in the file.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum place { SAME_GROUP, NEW_GROUP, NEW_SESSION, DAEMON };
enum stdio { KEEP_STDIO, DROP_STDIO };

static pid_t fork_or_give_up(struct words *words)
{
	pid_t pid = fork();

	if (pid < 0)
		give_up(words, "fork");
	return pid;
}

static void drop_stdio(struct words *words)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		give_up(words, "/dev/null");
	if (fd > 2)
		close(fd);
}

static void take_place(struct words *words, enum place place)
{
	if (place == NEW_GROUP && setpgid(0, 0) < 0)
		give_up(words, "setpgid");
	if (place >= NEW_SESSION && setsid() < 0)
		give_up(words, "setsid");
	if (place == DAEMON && fork_or_give_up(words) > 0)
		_exit(0);
}

/* End of file on the pipe tells the child that all is in place; a failure there is told on stderr. */
__attribute__((noreturn)) static void be_grandchild(struct words *words, enum place place, enum stdio stdio,
						     int in_place, int64_t ms, const char *pidfile)
{
	take_place(words, place);
	if (stdio == DROP_STDIO)
		drop_stdio(words);
	if (pidfile)
		write_pidfile(words, pidfile);
	close(in_place);
	sleep_ms(ms);
	_exit(0);
}

static void make_grandchild(struct words *words, enum place place, enum stdio stdio)
{
	int64_t ms = word_number(words);
	const char *pidfile = word_optional_path(words);
	int in_place[2];
	pid_t pid;
	char c;

	if (pipe2(in_place, O_CLOEXEC) < 0)
		give_up(words, "pipe");
	pid = fork_or_give_up(words);
	if (pid == 0) {
		close(in_place[0]);
		be_grandchild(words, place, stdio, in_place[1], ms, pidfile);
	}
	close(in_place[1]);
	take(words, in_place[0], &c, 1);
	close(in_place[0]);
	if (place == DAEMON)
		waitpid(pid, NULL, 0);
}

static void verb_hold_pipe_in_grandchild(struct words *words)
{
	make_grandchild(words, SAME_GROUP, KEEP_STDIO);
}

static void verb_daemonize(struct words *words)
{
	make_grandchild(words, DAEMON, KEEP_STDIO);
}

static void verb_spawn_in_group(struct words *words)
{
	make_grandchild(words, SAME_GROUP, DROP_STDIO);
}

static void verb_spawn_new_group(struct words *words)
{
	make_grandchild(words, NEW_GROUP, DROP_STDIO);
}

static void verb_spawn_setsid(struct words *words)
{
	make_grandchild(words, NEW_SESSION, DROP_STDIO);
}

static void verb_fork_then(struct words *words)
{
	pid_t pid = fork_or_give_up(words);
	int status;

	if (pid == 0)
		return;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			give_up(words, "waitpid");
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void verb_fork_away(struct words *words)
{
	if (fork_or_give_up(words) > 0)
		_exit(0);
}

static void verb_exec(struct words *words)
{
	char **argv = words->next;

	execv(word(words), argv);
	give_up(words, argv[0]);
}

static void verb_repeat(struct words *words)
{
	int64_t count = word_number(words);
	char **body = words->next;

	while (count-- > 0) {
		words->next = body;
		words_run(words);
	}
	_exit(0);
}

const struct verb tree_verbs[] = {
	{ "hold-pipe-in-grandchild", "MS [PIDFILE]", "a grandchild keeps all our descriptors open for MS; we go on",
		verb_hold_pipe_in_grandchild },
	{ "daemonize", "MS [PIDFILE]", "the same by double fork and setsid: it is no descendant of anybody's; we go on",
		verb_daemonize },
	{ "spawn-in-group", "MS [PIDFILE]", "a grandchild in our group, stdio on /dev/null, lives for MS; we go on",
		verb_spawn_in_group },
	{ "spawn-new-group", "MS [PIDFILE]", "the same in a group of its own", verb_spawn_new_group },
	{ "spawn-setsid", "MS [PIDFILE]", "the same in a session of its own", verb_spawn_setsid },
	{ "fork-then", "...", "fork: the grandchild goes on with the verbs left, we wait and exit as it did (128+n)",
		verb_fork_then },
	{ "fork-away", "...", "fork: the grandchild goes on with the verbs left, we exit 0 at once", verb_fork_away },
	{ "exec", "FILE ...", "execute FILE with argv FILE and all arguments left", verb_exec },
	{ "repeat", "N ...", "run the verbs left N times, then exit 0", verb_repeat },
	{ NULL, NULL, NULL, NULL },
};
