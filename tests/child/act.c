/* SPDX-License-Identifier: MIT */
/*
 * Verbs by which this process does something to itself or to files: end, stop, ignore, sleep, close, burn.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void verb_exit(struct words *words)
{
	_exit((int)word_number(words));
}

static void set_blocked(int how, int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	sigprocmask(how, &set, NULL);
}

/* However the signal was inherited, it takes us; without a core file in somebody's directory. */
static void verb_kill(struct words *words)
{
	struct rlimit none = { 0, 0 };
	int number = word_signal(words);

	setrlimit(RLIMIT_CORE, &none);
	signal(number, SIG_DFL);
	set_blocked(SIG_UNBLOCK, number);
	kill(getpid(), number);
}

static void verb_stop_self(struct words *words)
{
	(void)words;
	kill(getpid(), SIGSTOP);
}

static void set_disposition(struct words *words, int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	if (sigaction(number, &action, NULL) < 0)
		give_up(words, "sigaction");
}

static void verb_ignore(struct words *words)
{
	set_disposition(words, word_signal(words), SIG_IGN);
}

static void verb_default(struct words *words)
{
	set_disposition(words, word_signal(words), SIG_DFL);
}

static void verb_block(struct words *words)
{
	set_blocked(SIG_BLOCK, word_signal(words));
}

static void verb_unblock(struct words *words)
{
	set_blocked(SIG_UNBLOCK, word_signal(words));
}

static void verb_ignore_term(struct words *words)
{
	set_disposition(words, SIGTERM, SIG_IGN);
	put_text(1, "ready\n");
}

static int trapped_code;

static void exit_on_signal(int number)
{
	(void)number;
	_exit(trapped_code);
}

static void verb_trap_term(struct words *words)
{
	trapped_code = (int)word_number(words);
	set_disposition(words, SIGTERM, exit_on_signal);
	put_text(1, "ready\n");
}

static const char *trapped_text[65];

static void tell_signal(int number)
{
	int saved = errno;

	put_text(1, trapped_text[number]);
	errno = saved;
}

static void verb_trap(struct words *words)
{
	int number = word_signal(words);

	trapped_text[number] = word(words);
	set_disposition(words, number, tell_signal);
}

static void verb_sleep(struct words *words)
{
	sleep_ms(word_number(words));
}

static void verb_sleep_forever(struct words *words)
{
	(void)words;
	sleep_ms(FOREVER_MS);
	_exit(EXIT_FAILED);
}

static void verb_pause(struct words *words)
{
	(void)words;
	pause();
}

static void verb_spin(struct words *words)
{
	int64_t ms = word_number(words);
	struct timespec used;

	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	while ((int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000 < ms);
}

static void verb_mem(struct words *words)
{
	uint64_t size = word_size(words);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		give_up(words, "mmap");
	memset(memory, 'm', size);
}

static void verb_close(struct words *words)
{
	close(word_fd(words));
}

static void verb_close_stdin_early(struct words *words)
{
	int64_t ms = word_optional_number(words, FOREVER_MS);

	close(0);
	sleep_ms(ms);
}

/* The flag lives in the open file, so a parent that shared its own end would find it changed. */
static void verb_nonblock(struct words *words)
{
	int fd = word_fd(words);
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		give_up(words, "fcntl");
}

static void append_text(struct words *words, const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	if (fd < 0)
		give_up(words, path);
	put_text(fd, text);
	close(fd);
}

static void verb_touch(struct words *words)
{
	append_text(words, word(words), "");
}

static void verb_append(struct words *words)
{
	const char *path = word(words);

	append_text(words, path, word(words));
}

static void verb_wait_for_file(struct words *words)
{
	const char *path = word(words);

	for (int i = 0; access(path, F_OK) < 0; i++) {
		if (i == 15000)
			give_up(words, path);
		sleep_ms(2);
	}
}

static void verb_pidfile(struct words *words)
{
	write_pidfile(words, word(words));
}

static void verb_signal_pid(struct words *words)
{
	pid_t pid = (pid_t)word_number(words);

	if (kill(pid, word_signal(words)) < 0)
		give_up(words, "kill");
}

static void verb_signal_group(struct words *words)
{
	if (kill(0, word_signal(words)) < 0)
		give_up(words, "kill");
}

static void verb_signal_parent(struct words *words)
{
	if (kill(getppid(), word_signal(words)) < 0)
		give_up(words, "kill");
}

static void verb_die_when_parent_dies(struct words *words)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		give_up(words, "prctl");
}

const struct verb act_verbs[] = {
	{ "exit", "N", "exit with N at once", verb_exit },
	{ "kill", "SIG", "set SIG to its default, unblock it and send it to ourselves; no core file", verb_kill },
	{ "stop-self", "", "stop until SIGCONT", verb_stop_self },
	{ "ignore", "SIG", "ignore SIG", verb_ignore },
	{ "default", "SIG", "set SIG to its default", verb_default },
	{ "block", "SIG", "block SIG", verb_block },
	{ "unblock", "SIG", "unblock SIG", verb_unblock },
	{ "ignore-term", "", "ignore SIGTERM, then write \"ready\" as a line", verb_ignore_term },
	{ "trap-term", "N", "exit with N on SIGTERM; write \"ready\" as a line once that is so", verb_trap_term },
	{ "trap", "SIG TEXT", "on SIG, write TEXT to stdout and go on", verb_trap },
	{ "sleep", "MS", "sleep for MS milliseconds, whatever signals come", verb_sleep },
	{ "sleep-forever", "", "sleep for ten minutes, then exit 97", verb_sleep_forever },
	{ "pause", "", "wait for a trapped signal", verb_pause },
	{ "spin", "MS", "use processor time until MS milliseconds of it are used in all", verb_spin },
	{ "mem", "SIZE", "take SIZE of memory, write to all of it and keep it", verb_mem },
	{ "close", "N", "close descriptor N", verb_close },
	{ "close-stdin-early", "[MS]", "close stdin unread, then sleep MS (ten minutes)", verb_close_stdin_early },
	{ "nonblock", "N", "make descriptor N non-blocking, for everybody who shares its open file", verb_nonblock },
	{ "touch", "FILE", "make FILE if it is not there", verb_touch },
	{ "append", "FILE TEXT", "append TEXT to FILE in one write", verb_append },
	{ "wait-for-file", "FILE", "wait until FILE is there; exit 97 after 30 seconds", verb_wait_for_file },
	{ "pidfile", "FILE", "write our pid to FILE, which appears whole", verb_pidfile },
	{ "signal-pid", "PID SIG", "send SIG to PID", verb_signal_pid },
	{ "signal-group", "SIG", "send SIG to our own process group", verb_signal_group },
	{ "signal-parent", "SIG", "send SIG to our parent", verb_signal_parent },
	{ "die-when-parent-dies", "", "ask for SIGKILL at the parent's death", verb_die_when_parent_dies },
	{ NULL, NULL, NULL, NULL },
};
