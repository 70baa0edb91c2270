/* SPDX-License-Identifier: MIT */
/*
 * The lines of a command as they come, each with a deadline of its own: a child that falls silent is noticed, however much it
 * said before. The command is one argument, in words and pipes:
 *
 *	lines 2000 'ping -c 3 localhost'
 *	lines 1000 'sort /etc/passwd | head -n 3'
 *
 * The first argument is how many milliseconds each line has. Exit status: that of the command as a shell would give it, 124 when a line did
 * not come in time.
 */
#include <brood.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0 at the end of the output, or a negative errno. */
static int print_lines(brood_process *process, int64_t line_ms)
{
	const char *line;
	size_t size, number = 0;
	int r;

	while ((r = brood_process_next_line(process, BROOD_STDOUT, line_ms, &line, &size)) == 1) {
		printf("%3zu  ", ++number);
		fwrite(line, 1, size, stdout);  /* a line may hold NULs, so printf will not do */
		putchar('\n');
	}
	if (fflush(stdout) != 0)
		return -errno;
	return r;
}

static int follow(brood_process *process, int64_t line_ms)
{
	int r = print_lines(process, line_ms);

	if (r == 0)
		r = brood_process_wait(process, line_ms);
	if (r == -ETIMEDOUT) {
		fprintf(stderr, "lines: nothing for %lld ms, stopping it\n", (long long)line_ms);
		brood_process_stop(process, 1000);
		return 124;
	}
	if (r < 0) {
		fprintf(stderr, "lines: %s\n", strerror(-r));
		return 125;
	}
	const brood_result *result = brood_process_result(process);
	if (!brood_result_ok(result))
		fprintf(stderr, "lines: %s\n", brood_result_describe(result));
	return brood_result_shell_status(result);
}

int main(int argc, char **argv)
{
	char *end = NULL;
	long line_ms = argc == 3 ? strtol(argv[1], &end, 10) : 0;

	if (argc != 3 || *end || line_ms <= 0) {
		fputs("usage: lines MILLISECONDS 'COMMAND | COMMAND...'\n", stderr);
		return 2;
	}

	brood_command *cmd = NULL;
	if (brood_command_parse(argv[2], &cmd) < 0) {
		fprintf(stderr, "lines: %s\n", cmd ? brood_command_error(cmd) : "out of memory");
		brood_command_free(cmd);
		return 2;
	}
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);

	brood_process *process = NULL;
	int status;
	if (brood_start(cmd, &process) < 0) {
		const brood_result *result = process ? brood_process_result(process) : NULL;

		fprintf(stderr, "lines: %s\n", brood_result_describe(result));
		status = brood_result_shell_status(result);
	} else {
		status = follow(process, line_ms);
	}
	brood_process_free(process);
	brood_command_free(cmd);
	return status;
}
