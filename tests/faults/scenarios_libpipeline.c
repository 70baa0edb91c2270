/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scenarios of the bridge: libpipeline describes, brood runs.
 *
 * libpipeline ends its caller when an allocation fails (xmalloc), so what is described here is described before the faults; taking it over and
 * running it is under them. Its own allocations in the children end these with its exit code, which is told as a failed stage.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <brood.h>
#include <brood/libpipeline.h>

#include "scenario.h"

extern const struct scenario libpipeline_scenarios[];

static pipeline *described;

static void upper_function(void *data)
{
	int c;

	(void)data;
	while ((c = getchar()) != EOF)
		putchar(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
	exit(ferror(stdin) || fflush(stdout) != 0 ? 3 : 0);
}

static void describe_chain(void)
{
	pipecmd *first = pipecmd_new_args(child_path(), "print", "adopted", (char *)NULL);

	described = pipeline_new_commands(first, pipecmd_new_function("upper", upper_function, NULL, NULL),
	                                  pipecmd_new_args(child_path(), "cat", (char *)NULL), (pipecmd *)NULL);
}

static void describe_sequence(void)
{
	pipecmd *sequence = pipecmd_new_sequence("both", pipecmd_new_args(child_path(), "print", "one ", (char *)NULL),
	                                         pipecmd_new_args(child_path(), "print", "two", (char *)NULL), (pipecmd *)NULL);

	described = pipeline_new_commands(sequence, (pipecmd *)NULL);
}

static void describe_files(void)
{
	file_make("in", "from a file");
	described = pipeline_new_commands(pipecmd_new_args(child_path(), "upper", (char *)NULL), (pipecmd *)NULL);
	pipeline_want_infile(described, file_path("in"));
}

/* A dump of it is more than a stream into memory begins with. */
static void describe_long(void)
{
	static char word[20 << 10];

	memset(word, 'a', sizeof word - 1);
	described = pipeline_new_commands(pipecmd_new_args(child_path(), "print", "adopted", "exit", "0", word, (char *)NULL),
	                                  pipecmd_new_args(child_path(), "upper", "exit", "0", word, (char *)NULL), (pipecmd *)NULL);
}

/* What was not taken over stays the scenario's. */
static void adopt(const char *expected)
{
	brood_command *cmd = brood_command_pipeline(described);
	brood_result *result;

	if (!cmd) {
		failed_well(-ENOMEM, "no memory to take it over");
		return;
	}
	if (brood_command_error(cmd)) {
		failed_well(0, brood_command_error(cmd));
		brood_command_free(cmd);
		pipeline_free(described);
		return;
	}
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_set_timeout_ms(cmd, SOON_MS);
	if (runs(cmd, &result)) {
		output_is(result, BROOD_STDOUT, expected);
		done_well();
	}
	brood_result_free(result);
}

static void adopt_chain(void)
{
	adopt("ADOPTED");
}

static void adopt_sequence(void)
{
	adopt("one two");
}

static void adopt_files(void)
{
	adopt("FROM A FILE");
}

const struct scenario libpipeline_scenarios[] = {
	{ .name = "adopted pipeline", .run = adopt_chain, .prepare = describe_chain, .flags = TAKES },
	{ .name = "adopted sequence", .run = adopt_sequence, .prepare = describe_sequence, .flags = TAKES },
	{ .name = "adopted pipeline of long words", .run = adopt_chain, .prepare = describe_long, .flags = TAKES },
	{ .name = "adopted pipeline from a file", .run = adopt_files, .prepare = describe_files, .flags = TAKES },
	{ .name = NULL },
};
