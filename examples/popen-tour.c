/* SPDX-License-Identifier: MIT */
/*
 * A tour for whoever knows Python's subprocess.Popen: start and communicate, poll, ten children side by side, data through a filter,
 * a timeout and the status -15 after it. Nothing to give it:
 *
 *	popen-tour
 */
#include <brood.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*
 * Popen(...): takes the command over, for it is needed no more once it runs. NULL after telling why: even a start that failed
 * leaves a handle behind, whose result says stage, step and reason.
 */
static brood_process *popen_or_tell(brood_command *cmd_take)
{
	brood_process *process = NULL;
	int r = brood_start(cmd_take, &process);

	brood_command_free(cmd_take);
	if (r < 0) {
		fprintf(stderr, "popen-tour: %s\n", process ? brood_result_describe(brood_process_result(process)) : strerror(-r));
		brood_process_free(process);
		return NULL;
	}
	return process;
}

/* Python's returncode: the exit code, or minus the signal. */
static int return_code(const brood_process *process)
{
	const brood_result *result = brood_process_result(process);

	return brood_result_how(result, 0) == BROOD_SIGNALLED ? -brood_result_signal(result, 0) : brood_result_exit_code(result, 0);
}

/* A call on a handle failed: say so, free the handle (which stops and reaps what runs), and fail. */
static int give_up(const char *what, int r, brood_process *process_take)
{
	fprintf(stderr, "popen-tour: %s: %s\n", what, strerror(-r));
	brood_process_free(process_take);
	return r;
}

/* proc = Popen(["echo", ...], stdout=PIPE); out, err = proc.communicate() */
static int hello(void)
{
	brood_command *echo = brood_command_newl("echo", "Hello from the child!", NULL);
	brood_command_redirect_pipe(echo, BROOD_STDOUT);

	brood_process *process = popen_or_tell(echo);
	if (!process)
		return -1;
	int r = brood_process_communicate(process, NULL, 0, 10000);
	if (r < 0)
		return give_up("communicate", r, process);
	fputs(brood_result_output(brood_process_result(process), BROOD_STDOUT, NULL), stdout);
	brood_process_free(process);
	return 0;
}

/* while proc.poll() is None: work */
static int poll_while_working(void)
{
	brood_process *process = popen_or_tell(brood_command_newl("sleep", "0.3", NULL));
	int looks = 0, r;

	if (!process)
		return -1;
	while ((r = brood_process_poll(process)) == 0) {
		looks++;
		nanosleep(&(struct timespec){ .tv_nsec = 20L * 1000 * 1000 }, NULL);     /* the work */
	}
	if (r < 0)
		return give_up("poll", r, process);
	printf("%s, exit status %d\n", looks > 1 ? "Working... Working..." : "Working...", return_code(process));
	brood_process_free(process);
	return 0;
}

/* Start them all first, then wait for each: they run side by side. */
static int ten_at_once(void)
{
	brood_process *sleepers[10] = { NULL };
	double start = now();
	int r = 0;

	for (int i = 0; i < 10 && r == 0; i++) {
		sleepers[i] = popen_or_tell(brood_command_newl("sleep", "0.2", NULL));
		r = sleepers[i] ? 0 : -1;
	}
	for (int i = 0; i < 10 && r == 0; i++)
		r = brood_process_communicate(sleepers[i], NULL, 0, 10000);
	double seconds = now() - start;
	for (int i = 0; i < 10; i++)
		brood_process_free(sleepers[i]);
	if (r == 0)
		printf("ten sleeps of 0.2 s took %.1f s%s\n", seconds, seconds < 2 ? ", side by side" : "");
	return r;
}

/* proc = Popen(["tr", ...], stdin=PIPE, stdout=PIPE); out, err = proc.communicate(data) */
static int through_a_filter(void)
{
	static const char data[] = "data for the child\n";
	brood_command *tr = brood_command_newl("tr", "a-z", "A-Z", NULL);
	brood_command_redirect_pipe(tr, BROOD_STDIN);
	brood_command_capture(tr, BROOD_STDOUT, 1 << 20);

	brood_process *process = popen_or_tell(tr);
	if (!process)
		return -1;
	int r = brood_process_communicate(process, data, strlen(data), 10000);
	if (r < 0)
		return give_up("communicate", r, process);
	fputs(brood_result_output(brood_process_result(process), BROOD_STDOUT, NULL), stdout);
	brood_process_free(process);
	return 0;
}

/* try: proc.communicate(timeout=0.1) except TimeoutExpired: proc.terminate(); proc.wait() */
static int too_slow(void)
{
	brood_process *process = popen_or_tell(brood_command_newl("sleep", "10", NULL));
	int r;

	if (!process)
		return -1;
	r = brood_process_communicate(process, NULL, 0, 100);
	if (r != -ETIMEDOUT)
		return give_up("a sleep of 10 s ended within 0.1 s", r, process);
	puts("not done after 0.1 s: terminated");
	r = brood_process_terminate(process);
	if (r == 0)
		r = brood_process_wait(process, 10000);
	if (r < 0)
		return give_up("terminate and wait", r, process);
	printf("exit status %d, which says: %s\n", return_code(process), brood_result_describe(brood_process_result(process)));
	brood_process_free(process);
	return 0;
}

int main(void)
{
	if (hello() < 0 || poll_while_working() < 0 || ten_at_once() < 0 || through_a_filter() < 0 || too_slow() < 0)
		return 1;
	return 0;
}
