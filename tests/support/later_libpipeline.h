/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A libpipeline that is yet to come, for tests of what runs hosted. A test program that includes this has a pipeline_dump of its own, which
 * the bridge calls in place of libpipeline's (the dynamic linker takes the program's first). It shows descriptors, in a form of its own,
 * and no file names. Off, it shows what libpipeline does. For one file of a program only.
 */
#ifndef SUPPORT_LATER_LIBPIPELINE_H
#define SUPPORT_LATER_LIBPIPELINE_H

#include <dlfcn.h>
#include <pipeline.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libpipeline.h"

static bool later_libpipeline;

/* What libpipeline itself prints. */
static inline void real_dump(pipeline *p, FILE *stream)
{
	void (*real)(pipeline *, FILE *);

	*(void **)&real = dlsym(RTLD_NEXT, "pipeline_dump");
	real(p, stream);
}

/* Only our tests' own names are in these dumps, and none of them has this form. */
BROOD_API void pipeline_dump(pipeline *p, FILE *stream)
{
	static const char input[] = " [input: {", output[] = "}, output: {";
	char *text = NULL, *in, *out;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return;
	real_dump(p, memory);
	fclose(memory);
	in = strstr(text, input);
	out = in ? strstr(in, output) : NULL;
	if (later_libpipeline && out)
		fprintf(stream, "%.*s <%ld%s >%ld%s\n", (int)(in - text), text,
		        strtol(in + strlen(input), NULL, 10), strncmp(out - 4, "NULL", 4) == 0 ? "" : " a file",
		        strtol(out + strlen(output), NULL, 10), strstr(out, "NULL}]") ? "" : " a file");
	else
		fputs(text, stream);
	free(text);
}

/* Taken over as from that libpipeline: hosted, where it has a file. */
static inline brood_command *later_command(pipeline *p)
{
	brood_command *cmd;

	later_libpipeline = true;
	cmd = brood_command_pipeline(p);
	later_libpipeline = false;
	return cmd;
}

#endif
