/* SPDX-License-Identifier: MIT */
/*
 * So many children alive at once: each reads one pipe that all of them share, so each lives until its writer, which is us, closes it. Then all of
 * them end at once, each with a status of its own.
 */
#include <brood.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "stress/load.h"
#include "stress/stress.h"

enum { OWN_DESCRIPTORS = 64, STATUSES = 251, LONG_MS = 120000, MEMORY_EACH = 400 * 1024 };

struct crowd {
	unsigned long count;
	brood_batch *batch;
	brood_future **futures;
	int gate[2];
};

/* False where this system does not allow so many. */
static bool has_room(unsigned long count)
{
	struct rlimit files, processes;
	struct sysinfo memory;
	unsigned long pids = 0;
	FILE *file = fopen("/proc/sys/kernel/pid_max", "re");

	if (file && fscanf(file, "%lu", &pids) != 1)
		pids = 0;
	if (file)
		fclose(file);
	getrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_NPROC, &processes);
	sysinfo(&memory);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max < count + OWN_DESCRIPTORS)
		stress_skip("RLIMIT_NOFILE allows %lu descriptors", (unsigned long)files.rlim_max);
	else if (processes.rlim_cur < count + OWN_DESCRIPTORS && geteuid() != 0)
		stress_skip("RLIMIT_NPROC allows %lu processes", (unsigned long)processes.rlim_cur);
	else if (pids && pids < count + 2000)
		stress_skip("there are %lu process ids", pids);
	else if ((memory.freeram + memory.bufferram) / MEMORY_EACH * memory.mem_unit < count)
		stress_skip("%lu children need more memory than is free", count);
	else
		return true;
	return false;
}

static void submit_all(struct crowd *crowd)
{
	char status[16];

	for (unsigned long i = 0; i < crowd->count; i++) {
		brood_command *cmd;

		snprintf(status, sizeof status, "%lu", i % STATUSES);
		cmd = brood_command_newl(stress_child(), "discard", "exit", status, NULL);
		brood_command_redirect_fd(cmd, BROOD_STDIN, crowd->gate[0]);
		if (brood_batch_submit(crowd->batch, cmd, &crowd->futures[i]) < 0)
			stress_wrong("child %lu cannot be submitted", i);
		brood_command_free(cmd);
	}
}

static int by_pid(const void *left, const void *right)
{
	const pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;

	return (a > b) - (a < b);
}

/* Two children that live at the same time have two pids. */
static unsigned long distinct_pids(const struct crowd *crowd)
{
	pid_t *pids = calloc(crowd->count, sizeof *pids);
	unsigned long distinct = 0;

	for (unsigned long i = 0; pids && i < crowd->count; i++)
		pids[i] = brood_result_pid(brood_future_result(crowd->futures[i]), 0);
	if (pids)
		qsort(pids, crowd->count, sizeof *pids, by_pid);
	for (unsigned long i = 0; pids && i < crowd->count; i++)
		distinct += pids[i] > 0 && (i == 0 || pids[i] != pids[i - 1]);
	free(pids);
	return distinct;
}

static unsigned long right_statuses(const struct crowd *crowd)
{
	unsigned long right = 0;

	for (unsigned long i = 0; i < crowd->count; i++)
		right += brood_future_wait(crowd->futures[i], 0) == 0 &&
		         brood_result_exit_code(brood_future_result(crowd->futures[i]), 0) == (int)(i % STATUSES);
	return right;
}

static void let_them_end(struct crowd *crowd)
{
	close(crowd->gate[0]);
	close(crowd->gate[1]);
	for (unsigned long i = 0; i < crowd->count; i++)
		if (brood_batch_next(crowd->batch, LONG_MS, NULL) != 1) {
			stress_wrong("after %lu ends nobody ended any more", i);
			return;
		}
}

static void look_at_all(struct crowd *crowd, unsigned long live, int64_t start_ns, int64_t end_ns)
{
	const unsigned long right = right_statuses(crowd), distinct = distinct_pids(crowd);

	if (live != crowd->count || right != crowd->count || distinct != crowd->count)
		stress_wrong("of %lu children %lu lived at once, %lu pids, %lu statuses were right", crowd->count, live, distinct, right);
	stress_row("live children at once", "%lu, %lu distinct pids, %lu reaped with their own status; started in %.2f s, all ended and reaped in %.2f s",
	           live, distinct, right, (double)start_ns / 1e9, (double)end_ns / 1e9);
}

void load_live_children(void)
{
	struct crowd crowd = { .count = stress_amount(500, 10000) };
	const long descriptors = stress_descriptors();
	int64_t begin = stress_now_ns(), started;
	unsigned long live;

	if (!has_room(crowd.count))
		return;
	crowd.batch = brood_batch_new(crowd.count);
	crowd.futures = calloc(crowd.count, sizeof(brood_future *));
	if (!crowd.batch || !crowd.futures || pipe2(crowd.gate, O_CLOEXEC) < 0)
		abort();
	submit_all(&crowd);
	live = brood_batch_running(crowd.batch);
	started = stress_now_ns();
	let_them_end(&crowd);
	look_at_all(&crowd, live, started - begin, stress_now_ns() - started);
	for (unsigned long i = 0; i < crowd.count; i++)
		brood_future_free(crowd.futures[i]);
	free(crowd.futures);
	brood_batch_free(crowd.batch);
	if (stress_descriptors() != descriptors)
		stress_wrong("descriptors: %ld before, %ld after", descriptors, stress_descriptors());
}
