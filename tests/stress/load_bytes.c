/* SPDX-License-Identifier: MIT */
/* Many stages, many bytes, and many digests at once against the same one after the other by a shell. */
#include <brood.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "stress/load.h"
#include "stress/stress.h"

enum { STAGES = 40, LINE = 256 };

/* ---- a long chain ---- */

void load_long_chain(void)
{
	brood_command *cmd = brood_command_newl(stress_child(), "pattern", "64M", NULL);
	brood_result *result = NULL;
	size_t ok = 0;

	for (int i = 0; i < STAGES - 2; i++)
		cmd = brood_pipe(cmd, brood_command_newl(stress_child(), "cat", NULL));
	cmd = brood_pipe(cmd, brood_command_newl(stress_child(), "check-pattern", "64M", NULL));
	brood_command_set_timeout_ms(cmd, 120000);
	if (brood_run(cmd, &result) < 0 || !brood_result_ok(result))
		stress_wrong("%s", brood_result_describe(result));
	for (size_t i = 0; i < brood_result_stages(result); i++)
		ok += brood_result_exit_code(result, i) == 0;
	if (ok != STAGES)
		stress_wrong("%zu of %d stages exited with 0", ok, STAGES);
	stress_row("a chain of 40 stages", "64 MiB, each byte checked at the end; %zu stages exited with 0", ok);
	brood_result_free(result);
	brood_command_free(cmd);
}

/* ---- many bytes ---- */

void load_many_bytes(void)
{
	const uint64_t bytes = stress_amount(1, 64) << (stress_whole ? 30 : 28);
	brood_command *cmd;
	brood_result *result = NULL;
	char text[LINE], expected[LINE];
	int64_t begin = stress_now_ns();
	double seconds;

	snprintf(text, sizeof text, "%" PRIu64 "M", bytes >> 20);
	snprintf(expected, sizeof expected, "%" PRIu64 "\n", bytes);
	cmd = brood_pipe(brood_command_newl(stress_child(), "flood", text, NULL),
	                 brood_pipe(brood_command_newl(stress_child(), "cat", NULL), brood_command_newl(stress_child(), "count", NULL)));
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	brood_command_set_timeout_ms(cmd, 900000);
	if (brood_run(cmd, &result) < 0 || !brood_result_ok(result))
		stress_wrong("%s", brood_result_describe(result));
	seconds = (double)(stress_now_ns() - begin) / 1e9;
	if (strcmp(brood_result_output(result, BROOD_STDOUT, NULL), expected) != 0)
		stress_wrong("%s bytes went in, %s came out", text, brood_result_output(result, BROOD_STDOUT, NULL));
	stress_row("bytes through a chain of three", "%" PRIu64 " written, as many counted at its end, in %.1f s (%.2f GiB/s)", bytes, seconds,
	           (double)bytes / (double)(1 << 30) / seconds);
	brood_result_free(result);
	brood_command_free(cmd);
}

/* ---- digests ---- */

/* Of another length each. */
static unsigned long length_of(unsigned long number)
{
	return 1 + number * 3571 % 300000;
}

static brood_command *digest_command(unsigned long number)
{
	char length[32], iv[40];
	brood_command *cmd;

	snprintf(length, sizeof length, "%lu", length_of(number));
	snprintf(iv, sizeof iv, "%032lx", number);
	cmd = brood_pipe(brood_command_newl(stress_child(), "pattern", length, NULL),
	                 brood_pipe(brood_command_newl("openssl", "enc", "-aes-256-ctr", "-K",
	                                               "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "-iv", iv, NULL),
	                            brood_command_newl("openssl", "sha256", "-r", NULL)));
	brood_command_capture(cmd, BROOD_STDOUT, 0);
	return cmd;
}

/* The same by a shell, which knows nothing of us. */
static bool serial_digest(unsigned long number, char line[LINE])
{
	char command[1024];
	FILE *stream;
	bool got;

	snprintf(command, sizeof command,
	         "%s pattern %lu | openssl enc -aes-256-ctr -K 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f -iv %032lx | "
	         "openssl sha256 -r",
	         stress_child(), length_of(number), number);
	stream = popen(command, "re");
	got = stream && fgets(line, LINE, stream);
	return stream && pclose(stream) == 0 && got;
}

static void compare_digests(brood_future **futures, unsigned long count)
{
	unsigned long equal = 0;
	char line[LINE];

	for (unsigned long i = 0; i < count; i++) {
		const brood_result *result = brood_future_result(futures[i]);

		if (!serial_digest(i, line))
			stress_wrong("the shell's chain %lu failed", i);
		else if (!brood_result_ok(result) || strcmp(brood_result_output(result, BROOD_STDOUT, NULL), line) != 0)
			stress_wrong("digest %lu: %s; the shell's is %s", i, brood_result_describe(result), line);
		else
			equal++;
	}
	stress_row("digest chains of three stages, 16 at once", "%lu, %lu equal to a shell's, one after the other", count, equal);
}

void load_digests(void)
{
	const unsigned long count = stress_amount(20, 1000);
	brood_future **futures = calloc(count, sizeof(brood_future *));
	brood_batch *batch = brood_batch_new(16);

	if (system("openssl version >/dev/null 2>&1") != 0) {
		stress_skip("there is no openssl");
		goto out;
	}
	for (unsigned long i = 0; i < count; i++) {
		brood_command *cmd = digest_command(i);

		brood_batch_submit(batch, cmd, &futures[i]);
		brood_command_free(cmd);
	}
	while (brood_batch_next(batch, 60000, NULL) == 1)
		;
	compare_digests(futures, count);
out:
	for (unsigned long i = 0; i < count; i++)
		brood_future_free(futures[i]);
	free(futures);
	brood_batch_free(batch);
}
