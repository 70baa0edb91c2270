/* SPDX-License-Identifier: MIT */
/*
 * A C function between two commands: it runs in a child of its own, reads its stdin, writes its stdout, and what it returns is the
 * stage's exit code. What the function changes in memory stays in the child. Numbers the lines of whatever it is given, sorted:
 *
 *	function-stage pear apple fig
 */
#include <brood.h>

#include <stdio.h>
#include <stdlib.h>

struct numbering {
	const char *separator;
	int lines;              /* counted in the child: the parent's copy stays 0 */
};

/* stdio is right here: the library flushes what was printed, and nothing of the parent's own buffers comes with it. */
static int number_lines(void *data)
{
	struct numbering *numbering = data;
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) >= 0) {
		printf("%d%s%s", ++numbering->lines, numbering->separator, line);
	}
	free(line);
	return ferror(stdin) || fflush(stdout) != 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct numbering numbering = { .separator = ". " };
	brood_command *words = brood_command_newl("printf", "%s\\n", NULL);

	for (int i = 1; i < argc; i++)
		brood_command_arg(words, argv[i]);

	/* words | sort | number_lines | cat */
	brood_command *chain = brood_pipe(words, brood_command_newl("sort", NULL));
	chain = brood_pipe(chain, brood_command_function("number", number_lines, &numbering));
	chain = brood_pipe(chain, brood_command_newl("cat", NULL));
	brood_command_capture(chain, BROOD_STDOUT, 1 << 20);
	brood_command_set_timeout_ms(chain, 10000);

	brood_result *result = NULL;
	int r = brood_run(chain, &result);
	brood_command_free(chain);

	int status = brood_result_shell_status(result);
	if (r < 0 || !brood_result_ok(result)) {
		fprintf(stderr, "function-stage: %s\n", brood_result_describe(result));
	} else {
		fputs(brood_result_output(result, BROOD_STDOUT, NULL), stdout);
		printf("counted here: %d\n", numbering.lines);
	}
	brood_result_free(result);
	return status;
}
