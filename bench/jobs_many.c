/* SPDX-License-Identifier: MIT */
/*
 * The jobs about time, and about many children: at once, so many at a time, beside sleepers, from several threads.
 */
#include "jobs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

enum { CODES = 251, FAR_MS = 20000, THREADS_MAX = 64, STARTS_A_TURN = 20 };

/* ---- time ---- */

void do_overshoot(struct job *job)
{
	char *argv[] = { job_child(job, "sleep"), (char *)(uintptr_t)"30000", NULL };
	const bool run = strcmp(job->name, "overshoot-run") == 0;

	for (long i = 0; i < job->times; i++) {
		int64_t late = (run ? job->contender->overshoot_run : job->contender->overshoot_wait)(argv, (int64_t)job->number[0]);

		if (late < 0)
			fail("it returned early");
		job->us[i] = (double)late / 1e3;
	}
	free(argv[0]);
}

void do_notice(struct job *job)
{
	char due[24];
	char *argv[] = { job_child(job, "sleep"), (char *)(uintptr_t)"abs", due, (char *)(uintptr_t)"7", NULL };

	for (long i = 0; i < job->times; i++) {
		/* Not in step with any tick. */
		int64_t due_ns = now_ns() + 30000000 + i * 1700000 % 20000000;

		snprintf(due, sizeof due, "%lld", (long long)due_ns);
		if (job->contender->wait(argv, FAR_MS) != PROOF_CODE)
			fail("the child's status");
		job->us[i] = (double)(now_ns() - due_ns) / 1e3;
	}
	free(argv[0]);
}

void do_idle(struct job *job)
{
	char time[24];
	char *argv[] = { job_child(job, "sleep"), time, NULL };

	snprintf(time, sizeof time, "%llu", (unsigned long long)job->number[0]);
	for (long i = 0; i < job->times; i++) {
		double before = host_processor_us();

		if (job->contender->wait(argv, FAR_MS) != 0)
			fail("the child's status");
		job->us[i] = host_processor_us() - before;
	}
	free(argv[0]);
}

/* ---- many at once ---- */

int many_code(size_t i)
{
	return (int)(i % CODES);
}

char *const *many_argv(const struct many *many, size_t i, struct many_words *words)
{
	snprintf(words->due, sizeof words->due, "%lld", (long long)many->due_ns);
	snprintf(words->code, sizeof words->code, "%u", (unsigned)many_code(i) % 1000);
	words->argv[0] = (char *)(uintptr_t)many->sleep;
	words->argv[1] = (char *)(uintptr_t)"abs";
	words->argv[2] = words->due;
	words->argv[3] = words->code;
	words->argv[4] = NULL;
	return words->argv;
}

void many_started(struct many *many)
{
	many->started_ns = now_ns();
	many->memory = host_bytes("RssAnon") - many->memory_before;
	many->descriptors = host_descriptors() - many->descriptors_before;
}

void many_reaped(struct many *many)
{
	many->reaped_ns = now_ns();
}

void do_many(struct job *job)
{
	struct many many = {
		.sleep = job_child(job, "sleep"),
		.count = job->number[0],
	};
	const double each = (double)many.count;
	double start_ms, reap_ms;

	many.descriptors_before = host_descriptors();
	many.memory_before = host_bytes("RssAnon");
	many.begin_ns = now_ns();
	many.due_ns = many.begin_ns + (int64_t)job->number[1] * 1000000;
	job->contender->many(&many);
	start_ms = (double)(many.started_ns - many.begin_ns) / 1e6;
	reap_ms = (double)(many.reaped_ns - many.due_ns) / 1e6;
	job->times = 1;
	job->us[0] = 1e3 * start_ms / each;
	job_tell(job, ",\"late\":%d,\"start_ms\":%.3f,\"reap_ms\":%.3f,\"work_ms\":%.3f,\"reap_us_each\":%.3f",
	         many.started_ns > many.due_ns, start_ms, reap_ms, start_ms + reap_ms, 1e3 * reap_ms / each);
	job_tell(job, ",\"descriptors_each\":%.4f,\"memory_each\":%.1f", (double)many.descriptors / each, (double)many.memory / each);
	free((char *)(uintptr_t)many.sleep);
}

void do_among(struct job *job)
{
	char *sleeper[] = { job_child(job, "sleep"), (char *)(uintptr_t)"600000", NULL };
	char *argv[] = { job_child(job, "true"), NULL };

	job->contender->among(sleeper, job->number[0], argv, job->times, job->us);
	free(sleeper[0]);
	free(argv[0]);
}

/* ---- so many at a time ---- */

void do_bounded(struct job *job)
{
	char *argv[] = { job_child(job, "true"), NULL };
	const int64_t before = host_reset_peak();

	for (long i = 0; i < job->times; i++) {
		int64_t begin = now_ns();

		if (job->contender->bounded(argv, job->number[0], job->number[1]) != 0)
			fail("a child's status");
		job->us[i] = (double)(now_ns() - begin) / 1e3;
	}
	job_sort(job);
	job_tell(job, ",\"us_each\":%.3f,\"peak_growth\":%lld", job->us[job->times / 2] / (double)job->number[0],
	         (long long)(host_bytes("VmHWM") - before));
	free(argv[0]);
}

/* ---- from several threads ---- */

struct team {
	const struct contender *contender;
	char *program;
	long turns;
	pthread_barrier_t gate; /* each turn begins and ends here, together with the one who has the clock */
};

static void *member(void *data)
{
	struct team *team = data;
	char *argv[] = { team->program, NULL };

	for (long turn = 0; turn < team->turns; turn++) {
		pthread_barrier_wait(&team->gate);
		for (int i = 0; i < STARTS_A_TURN; i++)
			if (team->contender->spawn(argv) != 0)
				fail("the child's status");
		pthread_barrier_wait(&team->gate);
	}
	return NULL;
}

/* The time a start, all threads together: half of it with two processors is what could be hoped for. */
void do_threads(struct job *job)
{
	const size_t count = job->number[0];
	struct team team = { .contender = job->contender, .program = job_child(job, "true"), .turns = job->times };
	pthread_t threads[THREADS_MAX];

	if (count < 1 || count > THREADS_MAX || pthread_barrier_init(&team.gate, NULL, (unsigned)count + 1) != 0)
		fail("that many threads");
	for (size_t i = 0; i < count; i++)
		if (pthread_create(threads + i, NULL, member, &team) != 0)
			fail("pthread_create");
	for (long turn = 0; turn < team.turns; turn++) {
		/* Before the gate opens: behind it this thread may be the last one to run. */
		int64_t begin = now_ns();

		pthread_barrier_wait(&team.gate);
		pthread_barrier_wait(&team.gate);
		job->us[turn] = (double)(now_ns() - begin) / 1e3 / (double)(count * STARTS_A_TURN);
	}
	for (size_t i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&team.gate);
	free(team.program);
}
