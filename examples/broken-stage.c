/* SPDX-License-Identifier: MIT */
/*
 * What there is to know about a chain that went wrong, for three chains: one with a program that does not exist in the
 * middle, one that fails, and one with a stage that dies of SIGPIPE, which is success: head had all it wanted. Nothing to give it:
 *
 *	broken-stage
 */
#include <brood.h>

#include <stdio.h>
#include <string.h>

static void print_stage(const brood_result *result, size_t stage)
{
	printf("  stage %zu: ", stage + 1);
	switch (brood_result_how(result, stage)) {
	case BROOD_NOT_STARTED:
		puts("not started");
		break;
	case BROOD_RUNNING:
		puts("running");
		break;
	case BROOD_EXITED:
		printf("exited %d\n", brood_result_exit_code(result, stage));
		break;
	case BROOD_SIGNALLED:
		printf("signal %d%s\n", brood_result_signal(result, stage),
		       brood_result_cause(result, stage) == BROOD_BY_FAILURE ? ", because another stage could not be started" : "");
		break;
	case BROOD_LOST:
		puts("lost");
		break;
	}
}

/* Could it be run, is that success, how did each stage end: three questions, asked in this order. */
static int run(const char *line)
{
	brood_command *cmd = NULL;
	brood_result *result = NULL;
	int r = brood_command_parse(line, &cmd);

	if (r == 0) {
		brood_command_capture(cmd, BROOD_STDOUT, 4096);
		brood_command_set_timeout_ms(cmd, 10000);
		r = brood_run(cmd, &result);
	}
	printf("%s\n", line);
	if (!result) {
		printf("  %s\n", cmd && brood_command_error(cmd) ? brood_command_error(cmd) : strerror(-r));
		brood_command_free(cmd);
		return -1;
	}
	printf("  could be run: %s\n", r < 0 ? strerror(-r) : "yes");
	printf("  success: %s\n", brood_result_ok(result) ? "yes" : "no");
	printf("  in a word: %s\n", brood_result_describe(result));
	for (size_t i = 0; i < brood_result_stages(result); i++)
		print_stage(result, i);
	printf("  as a shell says it: %d\n", brood_result_shell_status(result));
	brood_result_free(result);
	brood_command_free(cmd);
	return 0;
}

int main(void)
{
	if (run("yes | no-such-program | cat") < 0 || run("echo pear | grep fig | cat") < 0 || run("yes | head -n 1") < 0)
		return 1;
	return 0;
}
