/* SPDX-License-Identifier: MIT */
/*
 * How many system calls a job costs: those of the host from describing to freeing, and those of each child up to its exec. doc/SPEED.md lists
 * the same numbers. A call more is a cost that somebody brought in; a call less is to be written down here and there.
 *
 * Counted with ptrace(2) in a process of its own, after a first job, which learns what the kernel can do. What waits or reads depends on who is
 * faster, so of those there is a most, and of all others a number. What malloc and locks ask the kernel for is left out.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "suites/engines.h"

#ifdef __linux__

#include <sys/ptrace.h>

/* linux/ptrace.h's struct ptrace_syscall_info (Linux 5.3), up to the number: that header and libc's cannot both be included. */
struct call_info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t instruction_pointer, stack_pointer;
	uint64_t number;
	uint64_t arguments[6];
};

#define GET_CALL_INFO 0x420e
#define CALL_ENTRY 1

enum { CALLS_MOST = 512, CHILDREN_MOST = 256, MARK = 0x3fff };

/* What each job of one kind costs. */
struct cost {
	void (*prepare)(void);
	void (*run)(void);
	unsigned times;         /* jobs in one run */
	unsigned host, child;   /* each job, but for: */
	unsigned waits;         /* at most, each job: waiting and reading */
};

/* ---- jobs: in the process that is counted ---- */

static brood_command *command;
static brood_batch *batch;

static void prepare_start(void)
{
	command = child_does("exit", "0");
}

static void prepare_capture(void)
{
	command = child_does("pattern", "1K");
	brood_command_capture(command, BROOD_STDOUT, 0);
}

static void prepare_chain(void)
{
	command = brood_pipe(child_does("pattern", "1K"), brood_pipe(child_does("cat"), child_does("cat")));
	brood_command_capture(command, BROOD_STDOUT, 0);
}

static void prepare_batch(void)
{
	prepare_start();
	batch = brood_batch_new(2);
}

static void prepare_capturing_batch(void)
{
	prepare_capture();
	brood_command_capture(command, BROOD_STDERR, 0);
	batch = brood_batch_new(2);
}

static void insist(bool well)
{
	if (!well)
		_exit(1);
}

static void start_and_wait(void)
{
	brood_process *process = NULL;

	insist(brood_start(command, &process) == 0 && brood_process_wait(process, -1) == 0);
	insist(brood_result_ok(brood_process_result(process)));
	brood_process_free(process);
}

static void run_one(void)
{
	brood_result *result = NULL;

	insist(brood_run(command, &result) == 0 && brood_result_ok(result));
	brood_result_free(result);
}

enum { MEMBERS = 8 };

static void run_members(void)
{
	brood_future *future = NULL;

	for (int i = 0; i < MEMBERS; i++)
		insist(brood_batch_submit(batch, command, NULL) == 0);
	for (int i = 0; i < MEMBERS; i++) {
		insist(brood_batch_next(batch, -1, &future) == 1 && brood_result_ok(brood_future_result(future)));
		brood_future_free(future);
	}
}

/* What the host ignores is put back by a call each: here nothing is. Not by libc, which keeps two for itself: make(1) has them ignored. */
static void ignore_nothing(void)
{
	const uint64_t nothing[8] = { 0 };

	for (int signal = 1; signal <= SIGRTMAX; signal++)
		syscall(SYS_rt_sigaction, signal, nothing, NULL, sizeof nothing[0]);
}

/* Traced, a process is interrupted by SIGCHLD though nothing handles it: a wait that begins once more would count twice. */
static void block_sigchld(void)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, SIGCHLD);
	sigprocmask(SIG_BLOCK, &one, NULL);
}

_Noreturn static void be_counted(const struct cost *cost)
{
	ignore_nothing();
	block_sigchld();
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(2);
	raise(SIGSTOP);
	cost->prepare();
	cost->run();
	cost->run();
	syscall(MARK);
	cost->run();
	syscall(MARK);
	_exit(0);
}

/* ---- counting ---- */

struct counter {
	pid_t host;
	bool on;                /* between the marks */
	bool refused;           /* ptrace is not to be had */
	int status;             /* how the host ended */
	unsigned by_host[CALLS_MOST], by_child[CALLS_MOST];
	pid_t children[CHILDREN_MOST];
	size_t child_count;
};

static bool is_waiting(unsigned call)
{
	switch (call) {
#ifdef SYS_poll
	case SYS_poll:
#endif
	case SYS_ppoll:
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
	case SYS_epoll_pwait:
#ifdef SYS_epoll_pwait2
	case SYS_epoll_pwait2:
#endif
	case SYS_read:
		return true;
	default:
		return false;
	}
}

/* malloc's, locks', and a clock without the vDSO. */
static bool is_left_out(unsigned call)
{
	switch (call) {
	case SYS_brk:
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mremap:
	case SYS_mprotect:
	case SYS_madvise:
	case SYS_futex:
	case SYS_clock_gettime:
		return true;
	default:
		return false;
	}
}

/* Everybody's first stop is a SIGSTOP that is no news to them. */
static bool is_first_stop(struct counter *counter, pid_t pid)
{
	for (size_t i = 0; i < counter->child_count; i++)
		if (counter->children[i] == pid)
			return false;
	insist(counter->child_count < CHILDREN_MOST);
	counter->children[counter->child_count++] = pid;
	return true;
}

static void count_call(struct counter *counter, pid_t pid)
{
	struct call_info info = { .op = 0 };

	if (ptrace(GET_CALL_INFO, pid, (void *)sizeof info, &info) < 0) {
		counter->refused = true;
		return;
	}
	if (info.op != CALL_ENTRY)
		return;
	if (info.number == MARK)
		counter->on = !counter->on;
	else if (counter->on && info.number < CALLS_MOST && !is_left_out((unsigned)info.number))
		(pid == counter->host ? counter->by_host : counter->by_child)[info.number]++;
}

/* What is behind its exec is no cost of ours. */
static void go_on(struct counter *counter, pid_t pid, int status)
{
	const int signal = WSTOPSIG(status), event = status >> 16;

	if (signal == (SIGTRAP | 0x80)) {
		count_call(counter, pid);
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	} else if (event == PTRACE_EVENT_EXEC) {
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	} else if (event != 0 || (signal == SIGSTOP && is_first_stop(counter, pid))) {
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	} else {
		ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(uintptr_t)signal);
	}
}

static void trace(struct counter *counter)
{
	const long follow = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
	                    PTRACE_O_EXITKILL;
	int status;
	pid_t pid;

	if (waitpid(counter->host, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, counter->host, NULL, (void *)(uintptr_t)follow) < 0) {
		counter->refused = true;
		return;
	}
	is_first_stop(counter, counter->host);
	ptrace(PTRACE_SYSCALL, counter->host, NULL, NULL);
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid > 0 && WIFSTOPPED(status))
			go_on(counter, pid, status);
		else if (pid == counter->host)
			counter->status = status;
	}
}

/* ---- what it comes to ---- */

static unsigned sum(const unsigned calls[CALLS_MOST], bool waiting)
{
	unsigned count = 0;

	for (unsigned call = 0; call < CALLS_MOST; call++)
		if (is_waiting(call) == waiting)
			count += calls[call];
	return count;
}

static void show(const char *who, const unsigned calls[CALLS_MOST])
{
	print_message("          %s:", who);
	for (unsigned call = 0; call < CALLS_MOST; call++)
		if (calls[call] > 0)
			print_message(" [%u] %u", call, calls[call]);
	print_message("\n");
}

static void assert_costs(const struct cost *cost)
{
	struct counter counter = { .refused = false };
	const unsigned times = cost->times;

	counter.host = fork();
	if (counter.host == 0)
		be_counted(cost);
	assert_true(counter.host > 0);
	trace(&counter);
	skip_unless(!counter.refused && counter.status != 2 << 8, "no ptrace here");
	assert_int_equal(counter.status, 0);
	if (sum(counter.by_host, false) != cost->host * times || sum(counter.by_child, false) != cost->child * times ||
	    sum(counter.by_host, true) > cost->waits * times) {
		show("host, by number", counter.by_host);
		show("children, by number", counter.by_child);
	}
	assert_int_equal(sum(counter.by_host, false), cost->host * times);
	assert_int_equal(sum(counter.by_child, false), cost->child * times);
	assert_in_range(sum(counter.by_host, true), 0, cost->waits * times);
}

/* Elsewhere other calls are made, and under a sanitizer it makes some of its own. */
static void skip_unless_usual(bool batch_too)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	support_skip("a sanitizer makes calls of its own");
#endif
	skip_under_valgrind();
	skip_unless(engine_now() == ENGINE_CLONE3, "another engine");
	skip_unless(!batch_too || !getenv("BROOD_POLLER"), "another poller");
#ifdef SYS_close_range
	skip_unless(syscall(SYS_close_range, 1U << 30, 1U << 30, 0) == 0, "no close_range here");
#else
	support_skip("no close_range here");
#endif
}

/* ---- the costs ---- */

static void test_a_start_and_its_wait_cost_eleven_calls(void **state)
{
	(void)state;
	skip_unless_usual(false);
	assert_costs(&(struct cost){ prepare_start, start_and_wait, 1, .host = 8, .child = 3, .waits = 0 });
}

static void test_a_run_costs_the_same_eleven(void **state)
{
	(void)state;
	skip_unless_usual(false);
	assert_costs(&(struct cost){ prepare_start, run_one, 1, .host = 8, .child = 3, .waits = 0 });
}

static void test_a_capture_costs_seventeen_beside_reading(void **state)
{
	(void)state;
	skip_unless_usual(false);
	assert_costs(&(struct cost){ prepare_capture, run_one, 1, .host = 12, .child = 5, .waits = 5 });
}

static void test_a_chain_of_three_costs_fortyseven_beside_reading(void **state)
{
	(void)state;
	skip_unless_usual(false);
	assert_costs(&(struct cost){ prepare_chain, run_one, 1, .host = 30, .child = 17, .waits = 10 });
}

static void test_a_batch_job_costs_fourteen_beside_waiting(void **state)
{
	(void)state;
	skip_unless_usual(true);
	assert_costs(&(struct cost){ prepare_batch, run_members, MEMBERS, .host = 8, .child = 6, .waits = 1 });
}

static void test_a_batch_job_of_two_captures_costs_twentyeight_beside_reading(void **state)
{
	(void)state;
	skip_unless_usual(true);
	assert_costs(&(struct cost){ prepare_capturing_batch, run_members, MEMBERS, .host = 20, .child = 8, .waits = 8 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_start_and_its_wait_cost_eleven_calls),
		brood_test(test_a_run_costs_the_same_eleven),
		brood_test(test_a_capture_costs_seventeen_beside_reading),
		brood_test(test_a_chain_of_three_costs_fortyseven_beside_reading),
		brood_test(test_a_batch_job_costs_fourteen_beside_waiting),
		brood_test(test_a_batch_job_of_two_captures_costs_twentyeight_beside_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_system_calls_are_counted_on_linux(void **state)
{
	(void)state;
	support_skip("no ptrace here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_system_calls_are_counted_on_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
