/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commonest words of a file, by libpipeline alone; ported-after.c is the same program with brood running it.
 *
 *	ported-before FILE [HOW-MANY]
 *
 * What it cannot help: a FILE that cannot be opened ends the program inside pipeline_start; a command that hangs hangs it; from
 * pipeline_start on, libpipeline's SIGCHLD handler reaps every child of the program; of five commands one number is left at the end.
 */
#include <pipeline.h>
#include <stdio.h>
#include <string.h>

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
	pipeline *p;
	const char *line;
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE [HOW-MANY]\n", argv[0]);
		return 2;
	}
	p = describe(argc > 2 ? argv[2] : "10");
	pipeline_want_infile(p, argv[1]);
	pipeline_want_out(p, -1);
	pipeline_start(p);
	while ((line = pipeline_readline(p)))
		printf("> %.*s\n", (int)strcspn(line, "\n"), line);
	status = pipeline_wait(p);
	pipeline_free(p);
	return status;
}
