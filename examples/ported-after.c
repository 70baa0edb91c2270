/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commonest words of a file: described by libpipeline, run by brood. ported-before.c is where it comes from.
 *
 *	ported-after FILE [HOW-MANY [MILLISECONDS]]
 *
 * describe() is the old one, letter by letter. What came with the other half: a FILE that cannot be opened is an error to tell, a
 * budget for the whole chain, each command's own end, no handler, and nobody else's children are touched.
 */
#include <brood.h>
#include <brood/libpipeline.h>
#include <pipeline.h>
#include <stdio.h>
#include <stdlib.h>

static pipeline *describe(const char *how_many)
{
	return pipeline_new_commands(pipecmd_new_args("tr", "-cs", "A-Za-z", "\\n", (char *)NULL),
	                             pipecmd_new("sort"),
	                             pipecmd_new_args("uniq", "-c", (char *)NULL),
	                             pipecmd_new_args("sort", "-k1,1nr", "-k2", (char *)NULL),
	                             pipecmd_new_args("head", "-n", how_many, (char *)NULL), (pipecmd *)NULL);
}

int main(int argc, char **argv)
{
	brood_process *process = NULL;
	const brood_result *result;
	brood_command *cmd;
	const char *line;
	size_t size;
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE [HOW-MANY [MILLISECONDS]]\n", argv[0]);
		return 2;
	}
	cmd = brood_command_pipeline(describe(argc > 2 ? argv[2] : "10"));
	/* In place of pipeline_want_infile, which would have done as well. */
	brood_command_redirect_path(cmd, BROOD_STDIN, argv[1], 0, 0);
	brood_command_redirect_pipe(cmd, BROOD_STDOUT);
	brood_command_set_timeout_ms(cmd, argc > 3 ? atoi(argv[3]) : 60000);
	if (brood_start(cmd, &process) == 0)
		while (brood_process_next_line(process, BROOD_STDOUT, -1, &line, &size) == 1)
			printf("> %s\n", line);
	brood_process_wait(process, -1);
	result = brood_process_result(process);
	if (!brood_result_ok(result))
		fprintf(stderr, "%s: %s\n", argv[0], brood_result_describe(result));
	status = brood_result_shell_status(result);
	brood_process_free(process);
	brood_command_free(cmd);
	return status;
}
