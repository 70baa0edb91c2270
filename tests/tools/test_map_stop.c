/* SPDX-License-Identifier: MIT */
/* What signals do to brood map: once the jobs are asked to end, twice they are killed; nobody is left behind. */
#include "tools/command.h"
#include "tools/files.h"

#include <stdio.h>
#include <sys/stat.h>

static void wait_until_said(const char *words)
{
	const int64_t until = support_now_ms() + 60000;

	for (;;) {
		char *text = support_read_file(file("err"), NULL);
		const bool said = text && strstr(text, words);

		free(text);
		if (said)
			return;
		assert_true(support_now_ms() < until);
		support_sleep_ms(1);
	}
}

static void end_by(int signal)
{
	const char *pidfile = file("pid");
	struct ran ran;
	pid_t pid, job;

	unlink(pidfile);
	pid = brood_start_at(NULL, "map", "-j1", C, "pidfile", pidfile, "sleep-forever", "exit", ":::", "1", "2");
	job = support_read_pidfile(pidfile);
	kill(pid, signal);
	ran = brood_ended(pid);
	assert_int_equal(ran.status, 128 + signal);
	/* A shell's loop around us ends only when it sees that we died of it. */
	assert_int_equal(ran.died, signal == SIGINT);
	assert_non_null(strstr(ran.err, "2 jobs: 0 ok, 1 stopped, 1 not started"));
	assert_int_equal(support_wait_gone(job, 30000), 1);
	ran_done(&ran);
}

static void test_each_signal_stops_all_and_is_the_status(void **state)
{
	(void)state;
	end_by(SIGINT);
	end_by(SIGTERM);
	end_by(SIGHUP);
}

static void test_jobs_that_ignore_the_stop_signal_are_killed_by_a_second_one(void **state)
{
	const char *begun = file("begun");
	struct ran ran;
	pid_t pid;

	(void)state;
	pid = brood_start_at(NULL, "map", "-k", "1h", C, "ignore-term", "touch", "{}", "sleep-forever", ":::", begun);
	assert_int_equal(support_wait_file(begun, 60000), 1);
	kill(pid, SIGINT);
	wait_until_said("stopping 1 job");
	kill(pid, SIGINT);
	ran = brood_ended(pid);
	assert_int_equal(ran.status, 130);
	assert_non_null(strstr(ran.err, "1 job: 0 ok, 1 stopped"));
	ran_done(&ran);
}

static void test_what_runs_may_end_well_within_its_grace(void **state)
{
	const char *begun = file("begun");
	struct ran ran;
	pid_t pid;

	(void)state;
	pid = brood_start_at(NULL, "map", "-k", "1h", "sh", "-c", "trap 'echo cleaned up; exit 0' TERM; : >$0; while :; do sleep 0.01; done", "{}",
	                     ":::", begun);
	assert_int_equal(support_wait_file(begun, 60000), 1);
	kill(pid, SIGTERM);
	ran = brood_ended(pid);
	assert_int_equal(ran.status, 143);
	assert_string_equal(ran.out, "cleaned up\n");
	ran_done(&ran);
}

static void test_an_ignored_hangup_stays_ignored(void **state)
{
	const struct place nohup = { .ignored = SIGHUP };
	const char *begun = file("begun"), *go = file("go");
	struct ran ran;
	pid_t pid;

	(void)state;
	pid = brood_start_at(&nohup, "map", C, "touch", "{}", "wait-for-file", go, "echo", "done", ":::", begun);
	assert_int_equal(support_wait_file(begun, 60000), 1);
	kill(pid, SIGHUP);
	support_write_text(go, "");
	ran = brood_ended(pid);
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.out, "done\n");
	ran_done(&ran);
}

static void test_a_reader_that_never_reads_is_not_waited_for_twice(void **state)
{
	struct ran ran;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const struct place stalled = { .out_fd = ends[1] };
	const pid_t pid = brood_start_at(&stalled, "map", C, "flood", "1M", "touch", "{}", ":::", file("flooded"));
	close(ends[1]);
	assert_int_equal(support_wait_file(file("flooded"), 60000), 1);
	kill(pid, SIGINT);
	kill(pid, SIGHUP);
	kill(pid, SIGINT);
	/* Two of them that come before the first was seen are one: until it has ended there may be one more. */
	for (int i = 0; i < 600 && support_alive(pid); i++) {
		support_sleep_ms(20);
		kill(pid, SIGINT);
	}
	ran = brood_ended(pid);
	/* Of two that are pending together the lower number comes first. */
	assert_true(ran.status == 130 || ran.status == 129);
	close(ends[0]);
	ran_done(&ran);
}

/* ---- many that wait: the loop is not the one that spins ---- */

static long ticks_of(pid_t pid)
{
	char path[64], *text;
	long user, system;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	text = support_read_file(path, NULL);
	assert_non_null(text);
	assert_int_equal(sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system), 2);
	free(text);
	return user + system;
}

/* It used no processor time to speak of in half a second; one that spins has its share of it, however many others want theirs. */
static bool is_quiet(pid_t pid)
{
	const long before = ticks_of(pid);

	support_sleep_ms(500);
	return ticks_of(pid) - before < 3;
}

static void test_waiting_costs_no_processor_time(void **state)
{
	const char *begun = file("begun");
	bool quiet = false;
	struct ran ran;
	pid_t pid;

	(void)state;
	skip_under_valgrind();
	pid = brood_start_at(NULL, "map", "-j1", C, "touch", "{}", "echo", "x", "sleep-forever", ":::", begun, "2", "3");
	assert_int_equal(support_wait_file(begun, 60000), 1);
	/* What a host takes from a virtual processor may be charged to whoever was on it. One that spins is never quiet. */
	for (int i = 0; i < 10 && !quiet; i++)
		quiet = is_quiet(pid);
	assert_true(quiet);
	kill(pid, SIGTERM);
	ran = brood_ended(pid);
	assert_int_equal(ran.status, 143);
	ran_done(&ran);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_each_signal_stops_all_and_is_the_status),
		brood_test(test_jobs_that_ignore_the_stop_signal_are_killed_by_a_second_one),
		brood_test(test_what_runs_may_end_well_within_its_grace),
		brood_test(test_an_ignored_hangup_stays_ignored),
		brood_test(test_a_reader_that_never_reads_is_not_waited_for_twice),
		brood_test(test_waiting_costs_no_processor_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
