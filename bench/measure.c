/* SPDX-License-Identifier: MIT */
/*
 * The command line that every contender shares:
 *
 *     PROGRAM CONTENDER -t DIRECTORY [-n TIMES] [-c CPU] [-m MIB] [-d COUNT:FROM] JOB [ARGUMENT]...
 *
 *     spawn | redirected                  start and wait
 *     program PATH                        start and wait, another program than bench/tiny/true
 *     capture BYTES | feed BYTES          output; input and output
 *     chain BYTES [STAGES]                gen BYTES | cat | ... | sink
 *     openssl COUNT BYTES                 so many chains of two commands at once
 *     overshoot-wait MS | overshoot-run MS | notice
 *     idle MS                             processor time of one long wait
 *     many COUNT LEAD_MS                  all alive at once, until LEAD_MS from now
 *     among COUNT                         start and wait for any, while so many others sleep
 *     bounded COUNT WIDTH                 so many, WIDTH at a time
 *     threads COUNT                       start and wait in so many threads at once
 *
 * -t says where the children of bench/tiny are. The host is made first: -c pins it and its children to a processor, -m touches
 * memory, -d opens descriptors from a number on. One JSON line comes out. Exit status 0: every status and byte was as it had to be.
 */
#include "measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "jobs.h"

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

void text_copy(char ret[TEXT_MAX], const char *bytes, size_t size)
{
	while (size > 0 && bytes[size - 1] == '\n')
		size--;
	if (size >= TEXT_MAX)
		fail("a text that is too long");
	memcpy(ret, bytes, size);
	ret[size] = '\0';
}

static void report(struct job *job)
{
	double sum = 0;

	for (long i = 0; i < job->times; i++)
		sum += job->us[i];
	job_sort(job);
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

static _Noreturn void usage(const char *program)
{
	fprintf(stderr, "usage: %s CONTENDER -t DIRECTORY [-n TIMES] [-c CPU] [-m MIB] [-d COUNT:FROM] JOB [ARGUMENT]...\n", program);
	for (const struct contender *contender = contenders; contender->name; contender++)
		fprintf(stderr, "  %s\n", contender->name);
	exit(2);
}

static void options(struct job *job, int argc, char **argv)
{
	int option;

	optind = 2;
	while ((option = getopt(argc, argv, "t:n:c:m:d:")) != -1) {
		switch (option) {
		case 't':
			job->tiny = optarg;
			break;
		case 'n':
			job->times = atol(optarg);
			break;
		case 'c':
			host_pin(optarg);
			break;
		case 'm':
			host_touch(optarg);
			break;
		case 'd':
			host_open_descriptors(optarg);
			break;
		default:
			usage(argv[0]);
		}
	}
}

int main(int argc, char **argv)
{
	struct job job = { .times = 1, .contender = argc > 1 ? find_contender(argv[1]) : NULL };
	void (*run)(struct job *);

	if (!job.contender)
		usage(argv[0]);
	host_raise_limit();
	options(&job, argc, argv);
	if (!job.tiny || job.times < 1 || optind >= argc)
		usage(argv[0]);
	job.name = argv[optind++];
	job.word = argv[optind];
	for (size_t i = 0; i < 2 && optind < argc; i++)
		job.number[i] = strtoull(argv[optind++], NULL, 10);
	run = job_find(&job);
	if (!run)
		usage(argv[0]);
	job.us = calloc((size_t)job.times, sizeof *job.us);
	if (!job.us)
		fail("memory");
	job_prove(&job);
	run(&job);
	report(&job);
	free(job.us);
	return 0;
}
