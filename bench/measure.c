/* SPDX-License-Identifier: MIT */
/*
 * The command line that every contender shares:
 *
 *     PROGRAM CONTENDER -t DIRECTORY [-n TIMES] [-c CPU] [-m MIB] [-d COUNT:FROM] JOB [NUMBER]...
 *
 *     spawn | redirected                  start and wait
 *     capture BYTES | feed BYTES          output; input and output
 *     chain BYTES                         gen BYTES | cat | sink
 *     overshoot-wait MS | overshoot-run MS | notice
 *     idle MS                             processor time of one long wait
 *     many COUNT LEAD_MS                  all alive at once, until LEAD_MS from now
 *     bounded COUNT WIDTH
 *
 * -t says where the children of bench/tiny are. The host is made first: -c pins it and its children to a processor, -m touches
 * memory, -d opens descriptors from a number on. One JSON line comes out. Exit status 0: every status and byte was as it had to be.
 */
#include "measure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { CODES = 251, PROOF_CODE = 7, CHECK_STEP = 4093, FAR_MS = 20000 };

struct job {
	const struct contender *contender;
	const char *name;
	const char *tiny;
	long times;
	uint64_t number[2];
	double *us;             /* one for each time */
	char extra[512];        /* more members of the JSON line */
};

/* ---- what contenders use ---- */

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

_Noreturn void fail(const char *what)
{
	fprintf(stderr, "bench: %s (%s)\n", what, strerror(errno));
	exit(99);
}

/* A number of /proc/self/status in bytes. */
static int64_t status_bytes(const char *field)
{
	char line[256];
	FILE *file = fopen("/proc/self/status", "re");
	long long kib = 0;

	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':')
			kib = atoll(line + strlen(field) + 1);
	if (file)
		fclose(file);
	return kib * 1024;
}

static long count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	long count = -1;        /* the folder's own */

	if (!folder)
		fail("/proc/self/fd");
	for (struct dirent *entry; (entry = readdir(folder)); )
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

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
	many->memory = status_bytes("RssAnon") - many->memory_before;
	many->descriptors = count_descriptors() - many->descriptors_before;
}

void many_reaped(struct many *many)
{
	many->reaped_ns = now_ns();
}

/* ---- the host ---- */

static void pin(const char *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)atoi(cpu), &set);
	if (sched_setaffinity(0, sizeof set, &set) < 0)
		fail("sched_setaffinity");
}

/* In pages of the ordinary size, of which a fork copies an entry each. */
static void touch(const char *mib)
{
	const size_t size = (size_t)atol(mib) << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		fail("mmap");
	madvise(memory, size, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < size; at += 4096)
		memory[at] = 1;
}

static void open_descriptors(const char *count_from)
{
	const char *colon = strchr(count_from, ':');
	const int count = atoi(count_from), from = colon ? atoi(colon + 1) : 3;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), first = -1;

	for (int i = 0; i < count; i++) {
		int raised = fcntl(fd, F_DUPFD_CLOEXEC, from);

		if (raised < 0)
			fail("F_DUPFD_CLOEXEC");
		if (i == 0)
			first = raised;
	}
	/* The one opened first lay in the way: it takes the lowest place or goes. */
	if (from <= fd && first > fd)
		return;
	close(fd);
}

static void raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* From here on VmHWM means: since now. */
static int64_t reset_peak(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, "5", 1) != 1)
			fail("/proc/self/clear_refs");
		close(fd);
	}
	return status_bytes("VmHWM");
}

static double processor_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return 1e6 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* ---- checks ---- */

static char *child(const struct job *job, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", job->tiny, name) < 0)
		fail("memory");
	return path;
}

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

/* A contender that lost statuses would look fast. */
static void prove_status(const struct job *job)
{
	char *argv[] = { child(job, "exit"), (char *)(uintptr_t)"7", NULL };
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
	free(argv[0]);
}

/* ---- the jobs ---- */

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

static void do_spawn(struct job *job)
{
	char *argv[] = { child(job, "true"), NULL };

	for (long i = 0; i < job->times; i++) {
		int64_t begin = now_ns();
		int code = job->contender->spawn(argv);

		job->us[i] = (double)(now_ns() - begin) / 1e3;
		if (code != 0)
			fail("the child's status");
	}
}

/* One byte comes back, so that it is known to have been redirected. */
static void do_redirected(struct job *job)
{
	char *argv[] = { child(job, "gen"), (char *)(uintptr_t)"1", NULL };

	for (long i = 0; i < job->times; i++) {
		struct output output = { 0 };
		int64_t begin = now_ns();
		int code = job->contender->redirected(argv, &output);

		finish(job, i, begin, code, &output, 1);
	}
}

static void do_capture(struct job *job)
{
	char size[24];
	char *argv[] = { child(job, "gen"), size, NULL };
	const int64_t before = reset_peak();

	snprintf(size, sizeof size, "%llu", (unsigned long long)job->number[0]);
	for (long i = 0; i < job->times; i++) {
		struct output output = { 0 };
		int64_t begin = now_ns();
		int code = job->contender->capture(argv, &output);

		finish(job, i, begin, code, &output, job->number[0]);
	}
	snprintf(job->extra, sizeof job->extra, ",\"peak_over_output\":%lld",
	         (long long)(status_bytes("VmHWM") - before - (int64_t)job->number[0]));
}

static void do_feed(struct job *job)
{
	const size_t size = job->number[0];
	char *argv[] = { child(job, "cat"), NULL };
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
}

static void do_chain(struct job *job)
{
	char size[24], counted[32];
	char *gen[] = { child(job, "gen"), size, NULL }, *cat[] = { child(job, "cat"), NULL }, *sink[] = { child(job, "sink"), NULL };
	char *const *const stages[] = { gen, cat, sink };
	const int64_t before = reset_peak();
	double spent = 0, all = 0;

	snprintf(size, sizeof size, "%llu", (unsigned long long)job->number[0]);
	snprintf(counted, sizeof counted, "%s\n", size);
	for (long i = 0; i < job->times; i++) {
		struct output output = { 0 };
		double processor = processor_us();
		int64_t begin = now_ns();
		int code = job->contender->chain(stages, 3, &output);

		job->us[i] = (double)(now_ns() - begin) / 1e3;
		spent += processor_us() - processor;
		all += job->us[i];
		if (code != 0)
			fail("a stage's status");
		if (output.size != strlen(counted) || memcmp(output.bytes, counted, output.size) != 0)
			fail("the sink counted something else");
		job->contender->release(&output);
	}
	snprintf(job->extra, sizeof job->extra, ",\"processor_share\":%.5f,\"peak\":%lld,\"peak_growth\":%lld", spent / all,
	         (long long)status_bytes("VmHWM"), (long long)(status_bytes("VmHWM") - before));
}

static void do_overshoot(struct job *job)
{
	char *argv[] = { child(job, "sleep"), (char *)(uintptr_t)"30000", NULL };
	const bool run = strcmp(job->name, "overshoot-run") == 0;

	for (long i = 0; i < job->times; i++) {
		int64_t late = (run ? job->contender->overshoot_run : job->contender->overshoot_wait)(argv, (int64_t)job->number[0]);

		if (late < 0)
			fail("it returned early");
		job->us[i] = (double)late / 1e3;
	}
}

static void do_notice(struct job *job)
{
	char due[24];
	char *argv[] = { child(job, "sleep"), (char *)(uintptr_t)"abs", due, (char *)(uintptr_t)"7", NULL };

	for (long i = 0; i < job->times; i++) {
		/* Not in step with any tick. */
		int64_t due_ns = now_ns() + 30000000 + i * 1700000 % 20000000;

		snprintf(due, sizeof due, "%lld", (long long)due_ns);
		if (job->contender->wait(argv, FAR_MS) != PROOF_CODE)
			fail("the child's status");
		job->us[i] = (double)(now_ns() - due_ns) / 1e3;
	}
}

static void do_idle(struct job *job)
{
	char time[24];
	char *argv[] = { child(job, "sleep"), time, NULL };

	snprintf(time, sizeof time, "%llu", (unsigned long long)job->number[0]);
	for (long i = 0; i < job->times; i++) {
		double before = processor_us();

		if (job->contender->wait(argv, FAR_MS) != 0)
			fail("the child's status");
		job->us[i] = processor_us() - before;
	}
}

static void do_many(struct job *job)
{
	struct many many = {
		.sleep = child(job, "sleep"),
		.count = job->number[0],
	};
	double each;

	many.descriptors_before = count_descriptors();
	many.memory_before = status_bytes("RssAnon");
	many.begin_ns = now_ns();
	many.due_ns = many.begin_ns + (int64_t)job->number[1] * 1000000;
	job->contender->many(&many);
	each = (double)many.count;
	job->us[0] = (double)(many.started_ns - many.begin_ns) / 1e3 / each;
	snprintf(job->extra, sizeof job->extra,
	         ",\"late\":%d,\"start_ms\":%.3f,\"reap_ms\":%.3f,\"work_ms\":%.3f,\"descriptors_each\":%.4f,\"memory_each\":%.1f",
	         many.started_ns > many.due_ns, (double)(many.started_ns - many.begin_ns) / 1e6,
	         (double)(many.reaped_ns - many.due_ns) / 1e6,
	         (double)(many.started_ns - many.begin_ns + many.reaped_ns - many.due_ns) / 1e6, (double)many.descriptors / each,
	         (double)many.memory / each);
}

static void do_bounded(struct job *job)
{
	char *argv[] = { child(job, "true"), NULL };

	for (long i = 0; i < job->times; i++) {
		int64_t begin = now_ns();

		if (job->contender->bounded(argv, job->number[0], job->number[1]) != 0)
			fail("a child's status");
		job->us[i] = (double)(now_ns() - begin) / 1e3;
	}
}

/* ---- what is told ---- */

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(struct job *job)
{
	double sum = 0;

	for (long i = 0; i < job->times; i++)
		sum += job->us[i];
	qsort(job->us, (size_t)job->times, sizeof *job->us, by_size);
	printf("{\"contender\":\"%s\",\"job\":\"%s\",\"times\":%ld,\"mean_us\":%.3f,\"min_us\":%.3f,\"p50_us\":%.3f,\"p99_us\":%.3f,"
	       "\"max_us\":%.3f%s}\n",
	       job->contender->name, job->name, job->times, sum / (double)job->times, job->us[0], job->us[job->times / 2],
	       job->us[job->times * 99 / 100], job->us[job->times - 1], job->extra);
}

static const struct contender *find_contender(const char *name)
{
	for (const struct contender *contender = contenders; contender->name; contender++)
		if (strcmp(contender->name, name) == 0)
			return contender;
	return NULL;
}

/* Whether the contender does it, and how. */
static void (*find_job(const struct job *job))(struct job *)
{
	const struct contender *c = job->contender;
	const struct {
		const char *name;
		bool offered;
		void (*run)(struct job *);
	} jobs[] = {
		{ "spawn", c->spawn != NULL, do_spawn },
		{ "redirected", c->redirected != NULL, do_redirected },
		{ "capture", c->capture != NULL, do_capture },
		{ "feed", c->feed != NULL, do_feed },
		{ "chain", c->chain != NULL, do_chain },
		{ "overshoot-wait", c->overshoot_wait != NULL, do_overshoot },
		{ "overshoot-run", c->overshoot_run != NULL, do_overshoot },
		{ "notice", c->wait != NULL, do_notice },
		{ "idle", c->wait != NULL, do_idle },
		{ "many", c->many != NULL, do_many },
		{ "bounded", c->bounded != NULL, do_bounded },
	};

	for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
		if (strcmp(jobs[i].name, job->name) == 0 && jobs[i].offered)
			return jobs[i].run;
	return NULL;
}

static _Noreturn void usage(const char *program)
{
	fprintf(stderr, "usage: %s CONTENDER -t DIRECTORY [-n TIMES] [-c CPU] [-m MIB] [-d COUNT:FROM] JOB [NUMBER]...\n", program);
	for (const struct contender *contender = contenders; contender->name; contender++)
		fprintf(stderr, "  %s\n", contender->name);
	exit(2);
}

int main(int argc, char **argv)
{
	struct job job = { .times = 1, .contender = argc > 1 ? find_contender(argv[1]) : NULL };
	void (*run)(struct job *);
	int option;

	if (!job.contender)
		usage(argv[0]);
	raise_limit();
	optind = 2;
	while ((option = getopt(argc, argv, "t:n:c:m:d:")) != -1) {
		switch (option) {
		case 't':
			job.tiny = optarg;
			break;
		case 'n':
			job.times = atol(optarg);
			break;
		case 'c':
			pin(optarg);
			break;
		case 'm':
			touch(optarg);
			break;
		case 'd':
			open_descriptors(optarg);
			break;
		default:
			usage(argv[0]);
		}
	}
	if (!job.tiny || job.times < 1 || optind >= argc)
		usage(argv[0]);
	job.name = argv[optind++];
	for (size_t i = 0; i < 2 && optind < argc; i++)
		job.number[i] = strtoull(argv[optind++], NULL, 10);
	run = find_job(&job);
	if (!run)
		usage(argv[0]);
	job.us = calloc((size_t)job.times, sizeof *job.us);
	if (!job.us)
		fail("memory");
	prove_status(&job);
	run(&job);
	report(&job);
	free(job.us);
	return 0;
}
