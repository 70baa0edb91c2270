/* SPDX-License-Identifier: MIT */
/*
 * Follow a file as it grows: the lines that `tail -f` gives, as they come, until there were N of them, or for good. tail never ends by
 * itself, so it is stopped: at the last line, at Ctrl-C, when nobody reads our output any more.
 *
 *	follow /var/log/syslog
 *	follow /var/log/syslog 10
 *
 * Exit status: 0 after N lines, 130 or 143 after Ctrl-C or SIGTERM, 1 on an error.
 */
#include <brood.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void catch(int signal)
{
	caught = signal;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = catch };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);       /* a write error says it instead; the child has its default all the same */
}

/*
 * Lines until there were `count` (0: for good) or a signal came: then 0; -EPIPE when there will be no more. The deadline of a line is not for the child, which may be silent
 * for days: it is how often we look whether we were asked to end. What has come of a line by then is kept.
 */
static int print_lines(brood_process *process, unsigned long count)
{
	const char *line;
	size_t size;

	for (unsigned long seen = 0; !caught && (count == 0 || seen < count);) {
		int r = brood_process_next_line(process, BROOD_STDOUT, 100, &line, &size);

		if (r == -ETIMEDOUT)
			continue;
		if (r <= 0)
			return r < 0 ? r : -EPIPE;
		if (fwrite(line, 1, size, stdout) != size || putchar('\n') == EOF || fflush(stdout) != 0)
			return -errno;
		seen++;
	}
	return 0;
}

/* Print, then end tail, whichever way it went. */
static int follow(brood_process *process, unsigned long count)
{
	int r = print_lines(process, count);

	/* A tail that ended by itself (it could not open its file, and said so on stderr) has a status to tell: do not stop it, wait. */
	if (r == -EPIPE && brood_process_wait(process, 1000) == 0) {
		fprintf(stderr, "follow: %s\n", brood_result_describe(brood_process_result(process)));
		return r;
	}
	int stopped = brood_process_stop(process, 1000);
	if (r >= 0 && stopped < 0)
		r = stopped;
	if (r < 0)
		fprintf(stderr, "follow: %s\n", strerror(-r));
	return r;
}

static int run(const char *file, unsigned long count)
{
	brood_command *tail = brood_command_newl("tail", "-n", "+1", "-f", "--", file, NULL);
	brood_process *process = NULL;
	int r;

	brood_command_redirect_pipe(tail, BROOD_STDOUT);
	brood_command_set_new_group(tail, true);        /* Ctrl-C is ours to answer, not tail's */
	r = brood_start(tail, &process);
	brood_command_free(tail);
	if (r == 0)
		r = follow(process, count);
	else
		fprintf(stderr, "follow: %s\n", process ? brood_result_describe(brood_process_result(process)) : strerror(-r));
	brood_process_free(process);
	return r;
}

int main(int argc, char **argv)
{
	char *end = NULL;
	unsigned long count = argc == 3 ? strtoul(argv[2], &end, 10) : 0;

	if (argc < 2 || argc > 3 || (end && (*end || count == 0))) {
		fputs("usage: follow FILE [LINES]\n", stderr);
		return 2;
	}
	catch_signals();
	int r = run(argv[1], count);
	return caught ? 128 + caught : r < 0;
}
