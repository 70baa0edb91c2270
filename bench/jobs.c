/* SPDX-License-Identifier: MIT */
/*
 * The jobs about starting and about bytes, and how their results are checked. jobs_many.c has those about time and numbers.
 */
#include "jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

enum { CHECK_STEP = 4093, STAGES_MAX = 64, STAGES = 3 };

char *job_child(const struct job *job, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", job->tiny, name) < 0)
		fail("memory");
	return path;
}

void job_tell(struct job *job, const char *format, ...)
{
	const size_t used = strlen(job->extra);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(job->extra + used, sizeof job->extra - used, format, arguments);
	va_end(arguments);
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void job_sort(struct job *job)
{
	qsort(job->us, (size_t)job->times, sizeof *job->us, by_size);
}

/* ---- checks ---- */

static void check_pattern(const struct output *output, uint64_t size)
{
	if (output->size != size) {
		fprintf(stderr, "bench: %zu bytes instead of %llu\n", output->size, (unsigned long long)size);
		exit(99);
	}
	for (uint64_t at = 0; at < size; at += CHECK_STEP)
		if (output->bytes[at] != pattern(at))
			fail("a wrong byte");
	if (size > 0 && output->bytes[size - 1] != pattern(size - 1))
		fail("a wrong last byte");
}

void job_prove(const struct job *job)
{
	char *argv[] = { job_child(job, "exit"), (char *)(uintptr_t)"7", NULL };
	struct output output = { 0 };
	int code = PROOF_CODE;

	if (job->contender->spawn)
		code = job->contender->spawn(argv);
	if (code == PROOF_CODE && job->contender->capture) {
		code = job->contender->capture(argv, &output);
		check_pattern(&output, 0);
		job->contender->release(&output);
	}
	if (code != PROOF_CODE)
		fail("exit 7 did not come back as 7");
	if (job->contender->prove)
		job->contender->prove(job->tiny);
	free(argv[0]);
}

/* Giving back what was taken belongs to the job, the check between them does not. */
static void finish(struct job *job, long i, int64_t begin, int code, struct output *output, uint64_t size)
{
	int64_t done = now_ns(), checked;

	if (code != 0)
		fail("the child's status");
	check_pattern(output, size);
	checked = now_ns();
	job->contender->release(output);
	job->us[i] = (double)(now_ns() - checked + done - begin) / 1e3;
}

/* ---- start and wait ---- */

static void spawn_all(struct job *job, char *program)
{
	char *argv[] = { program, NULL };

	for (long i = 0; i < job->times; i++) {
		int64_t begin = now_ns();
		int code = job->contender->spawn(argv);

		job->us[i] = (double)(now_ns() - begin) / 1e3;
		if (code != 0)
			fail("the child's status");
	}
}

static void do_spawn(struct job *job)
{
	char *program = job_child(job, "true");

	spawn_all(job, program);
	free(program);
}

static void do_program(struct job *job)
{
	spawn_all(job, (char *)(uintptr_t)job->word);
}

/* One byte comes back, so that it is known to have been redirected. */
static void do_redirected(struct job *job)
{
	char *argv[] = { job_child(job, "gen"), (char *)(uintptr_t)"1", NULL };

	for (long i = 0; i < job->times; i++) {
		struct output output = { 0 };
		int64_t begin = now_ns();
		int code = job->contender->redirected(argv, &output);

		finish(job, i, begin, code, &output, 1);
	}
	free(argv[0]);
}

/* ---- bytes ---- */

static void do_capture(struct job *job)
{
	char size[24];
	char *argv[] = { job_child(job, "gen"), size, NULL };
	const int64_t before = host_reset_peak();

	snprintf(size, sizeof size, "%llu", (unsigned long long)job->number[0]);
	for (long i = 0; i < job->times; i++) {
		struct output output = { 0 };
		int64_t begin = now_ns();
		int code = job->contender->capture(argv, &output);

		finish(job, i, begin, code, &output, job->number[0]);
	}
	job_tell(job, ",\"peak_over_output\":%lld", (long long)(host_bytes("VmHWM") - before - (int64_t)job->number[0]));
	free(argv[0]);
}

static void do_feed(struct job *job)
{
	const size_t size = job->number[0];
	char *argv[] = { job_child(job, "cat"), NULL };
	char *input = malloc(size ? size : 1);

	if (!input)
		fail("memory");
	for (size_t at = 0; at < size; at++)
		input[at] = pattern(at);
	for (long i = 0; i < job->times; i++) {
		struct output output = { 0 };
		int64_t begin = now_ns();
		int code = job->contender->feed(argv, input, size, &output);

		finish(job, i, begin, code, &output, size);
	}
	free(input);
	free(argv[0]);
}

/* ---- chains ---- */

struct line {
	char size[24], counted[32];
	char *gen[3], *cat[2], *sink[2];
	char *const *stages[STAGES_MAX];
	size_t count;
};

/* gen BYTES | cat | ... | sink; of one stage: sink alone could not end, gen alone says nothing, so one stage is `gen 1`. */
static void line_make(struct line *line, struct job *job)
{
	line->count = job->number[1] ? job->number[1] : STAGES;
	if (line->count > STAGES_MAX)
		fail("that many stages");
	snprintf(line->size, sizeof line->size, "%llu", line->count == 1 ? 1 : (unsigned long long)job->number[0]);
	snprintf(line->counted, sizeof line->counted, "%s\n", line->size);
	line->gen[0] = job_child(job, "gen");
	line->gen[1] = line->size;
	line->cat[0] = job_child(job, "cat");
	line->sink[0] = job_child(job, "sink");
	line->stages[0] = line->gen;
	for (size_t i = 1; i < line->count; i++)
		line->stages[i] = i + 1 < line->count ? line->cat : line->sink;
}

static void line_check(const struct line *line, int code, const struct output *output)
{
	if (code != 0)
		fail("a stage's status");
	if (line->count == 1)
		check_pattern(output, 1);
	else if (output->size != strlen(line->counted) || memcmp(output->bytes, line->counted, output->size) != 0)
		fail("the sink counted something else");
}

static void do_chain(struct job *job)
{
	struct line line = { .count = 0 };
	const int64_t before = host_reset_peak();
	double spent = 0, all = 0;

	line_make(&line, job);
	for (long i = 0; i < job->times; i++) {
		struct output output = { 0 };
		double processor = host_processor_us();
		int64_t begin = now_ns();
		int code = job->contender->chain(line.stages, line.count, &output);

		job->us[i] = (double)(now_ns() - begin) / 1e3;
		spent += host_processor_us() - processor;
		all += job->us[i];
		line_check(&line, code, &output);
		job->contender->release(&output);
	}
	job_tell(job, ",\"processor_share\":%.5f,\"peak\":%lld,\"peak_growth\":%lld", spent / all, (long long)host_bytes("VmHWM"),
	         (long long)(host_bytes("VmHWM") - before));
	free(line.gen[0]);
	free(line.cat[0]);
	free(line.sink[0]);
}

/* What one chain of them, run by a shell, makes of the bytes: every other must be the same. */
static void expected_digest(const char *bytes, size_t size, char ret[TEXT_MAX])
{
	char path[] = "/tmp/brood-bench-XXXXXX", line[256];
	int fd = mkstemp(path);
	FILE *input = fd < 0 ? NULL : fdopen(fd, "w"), *output;

	if (!input || fwrite(bytes, 1, size, input) != size || fclose(input) != 0)
		fail("a file for openssl");
	snprintf(line, sizeof line, "openssl enc -aes-256-cbc -pbkdf2 -pass env:BENCH_PASS -nosalt <%s | openssl md5", path);
	output = popen(line, "r");
	if (!output || !fgets(line, sizeof line, output) || pclose(output) != 0)
		fail("openssl");
	remove(path);
	text_copy(ret, line, strlen(line));
}

static char *find_openssl(void)
{
	static char path[256];
	FILE *output = popen("command -v openssl", "r");

	if (!output || !fgets(path, sizeof path, output) || pclose(output) != 0)
		fail("openssl is not there");
	path[strcspn(path, "\n")] = '\0';
	return path;
}

static void do_openssl(struct job *job)
{
	char *openssl = find_openssl();
	char *encrypt[] = { openssl, (char *)(uintptr_t)"enc", (char *)(uintptr_t)"-aes-256-cbc", (char *)(uintptr_t)"-pbkdf2",
	                    (char *)(uintptr_t)"-pass", (char *)(uintptr_t)"env:BENCH_PASS", (char *)(uintptr_t)"-nosalt", NULL };
	char *digest[] = { openssl, (char *)(uintptr_t)"md5", NULL };
	char *const *const stages[2] = { encrypt, digest };
	const size_t count = job->number[0], size = job->number[1];
	char expected[TEXT_MAX], (*texts)[TEXT_MAX] = calloc(count, sizeof *texts), *input = malloc(size + 1);

	if (!texts || !input)
		fail("memory");
	for (size_t at = 0; at < size; at++)
		input[at] = pattern(at);
	setenv("BENCH_PASS", "open sesame", 1);
	expected_digest(input, size, expected);
	for (long i = 0; i < job->times; i++) {
		int64_t begin = now_ns();

		job->contender->chains(stages, count, input, size, texts);
		job->us[i] = (double)(now_ns() - begin) / 1e3;
		for (size_t k = 0; k < count; k++)
			if (strcmp(texts[k], expected) != 0)
				fail("a wrong digest");
		memset(texts, 0, count * sizeof *texts);
	}
	free(input);
	free(texts);
}

/* ---- by name ---- */

void (*job_find(const struct job *job))(struct job *)
{
	const struct contender *c = job->contender;
	const struct {
		const char *name;
		bool offered;
		void (*run)(struct job *);
	} jobs[] = {
		{ "spawn", c->spawn != NULL, do_spawn },
		{ "program", c->spawn != NULL && job->word, do_program },
		{ "redirected", c->redirected != NULL, do_redirected },
		{ "capture", c->capture != NULL, do_capture },
		{ "feed", c->feed != NULL, do_feed },
		{ "chain", c->chain != NULL, do_chain },
		{ "openssl", c->chains != NULL, do_openssl },
		{ "overshoot-wait", c->overshoot_wait != NULL, do_overshoot },
		{ "overshoot-run", c->overshoot_run != NULL, do_overshoot },
		{ "notice", c->wait != NULL, do_notice },
		{ "idle", c->wait != NULL, do_idle },
		{ "many", c->many != NULL, do_many },
		{ "among", c->among != NULL, do_among },
		{ "bounded", c->bounded != NULL, do_bounded },
		{ "threads", c->spawn != NULL && c->threads, do_threads },
	};

	for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
		if (strcmp(jobs[i].name, job->name) == 0 && jobs[i].offered)
			return jobs[i].run;
	return NULL;
}
