/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tests of lib/libpipeline share: describing commands as libpipeline does, and running what brood took over.
 * These tests link the shared libraries, as a program would; libpipeline itself starts something in forked parts only.
 */
#ifndef SUPPORT_LIBPIPELINE_H
#define SUPPORT_LIBPIPELINE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <brood.h>
#include <brood/libpipeline.h>

#include "running.h"
#include "support.h"

enum { SOON_MS = 30000 };

/* 32 and 33: a make that uses posix_spawn hands them on ignored, and libc, which the plain POSIX engine asks, lets nobody change that. */
#define LIBC_SIGNALS ((int64_t)3 << 31)

/* The test child as a pipecmd, a verb and its words behind. */
#define child_cmd(...) pipecmd_new_args(support_child(), __VA_ARGS__, (char *)NULL)

/* Run it to its end; the result has its stdout, and the caller frees it. */
static inline brood_result *run_captured(brood_command *cmd_take)
{
	brood_result *result = NULL;

	brood_command_capture(cmd_take, BROOD_STDOUT, 0);
	brood_command_set_timeout_ms(cmd_take, SOON_MS);
	if (brood_run(cmd_take, &result) != 0)
		fail_msg("%s", brood_result_describe(result));
	brood_command_free(cmd_take);
	return result;
}

/* Run it, and compare what it wrote and how its last stage ended. */
static inline void assert_gives(brood_command *cmd_take, const char *output, int code)
{
	brood_result *result = run_captured(cmd_take);
	size_t last = brood_result_stages(result) - 1;

	assert_string_equal(brood_result_output(result, BROOD_STDOUT, NULL), output);
	assert_int_equal(brood_result_how(result, last), BROOD_EXITED);
	assert_int_equal(brood_result_exit_code(result, last), code);
	brood_result_free(result);
}

/* Let it read a file of the test with these bytes. */
static inline pipeline *from_file(pipeline *p, const char *bytes)
{
	char path[4096];

	support_write_text(support_path(path, sizeof path, "in"), bytes);
	pipeline_want_infile(p, path);
	return p;
}

/* ---- what a pipecmd runs; these know no cmocka ---- */

static inline void print_text(void *data)
{
	printf("%s", (const char *)data);
}

static inline void leave_with_7(void *data)
{
	(void)data;
	printf("seven");
	exit(7);
}

#endif
