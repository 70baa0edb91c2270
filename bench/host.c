/* SPDX-License-Identifier: MIT */
/*
 * The host of the children: its processor, memory and descriptors, and what /proc says about them.
 */
#include "host.h"

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
#include <unistd.h>

void host_pin(const char *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)atoi(cpu), &set);
	if (sched_setaffinity(0, sizeof set, &set) < 0)
		fail("sched_setaffinity");
}

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* In pages of the ordinary size, of which a fork copies an entry each. */
void host_touch(const char *mib)
{
	const size_t size = (size_t)atol(mib) << 20;
	char *memory;

	if (size == 0)
		return;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail("mmap");
	madvise(memory, size, MADV_NOHUGEPAGE);
	if (madvise(memory, size, MADV_POPULATE_WRITE) == 0)
		return;
	for (size_t at = 0; at < size; at += 4096)
		memory[at] = 1;
}

void host_open_descriptors(const char *count_from)
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

void host_raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int64_t host_bytes(const char *field)
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

long host_descriptors(void)
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

int64_t host_reset_peak(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, "5", 1) != 1)
			fail("/proc/self/clear_refs");
		close(fd);
	}
	return host_bytes("VmHWM");
}

double host_processor_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return 1e6 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}
