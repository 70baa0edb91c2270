/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libpipeline through its public header; under its licence, since the program links it. */
#include "measure.h"

#include <pipeline.h>
#include <stdlib.h>
#include <string.h>

static void add(pipeline *p, char *const argv[])
{
	pipecmd *cmd = pipecmd_new(argv[0]);

	for (size_t i = 1; argv[i]; i++)
		pipecmd_arg(cmd, argv[i]);
	pipeline_command(p, cmd);
}

static int spawn(char *const argv[])
{
	pipeline *p = pipeline_new();

	add(p, argv);
	return pipeline_run(p);
}

/* pipeline_read gives what one read gave, in the library's own buffer. */
static int finish(pipeline *p, struct output *ret)
{
	size_t size = 0, capacity = 0;
	char *bytes = NULL;
	int code;

	pipeline_want_out(p, -1);
	pipeline_start(p);
	for (;;) {
		size_t some = 64 << 10;
		const char *data = pipeline_read(p, &some);

		if (!data || some == 0)
			break;
		if (capacity - size < some)
			bytes = realloc(bytes, capacity = 2 * (capacity + some));
		if (!bytes)
			fail("memory");
		memcpy(bytes + size, data, some);
		size += some;
	}
	code = pipeline_wait(p);
	pipeline_free(p);
	*ret = (struct output){ .bytes = bytes, .size = size, .keep = bytes };
	return code;
}

static int redirected(char *const argv[], struct output *ret)
{
	pipeline *p = pipeline_new();

	add(p, argv);
	pipeline_want_infile(p, "/dev/null");
	return finish(p, ret);
}

static int capture(char *const argv[], struct output *ret)
{
	pipeline *p = pipeline_new();

	add(p, argv);
	return finish(p, ret);
}

static int chain(char *const *const stages[], size_t count, struct output *ret)
{
	pipeline *p = pipeline_new();

	for (size_t i = 0; i < count; i++)
		add(p, stages[i]);
	return finish(p, ret);
}

static void release(struct output *output)
{
	free(output->keep);
}

const struct contender contenders[] = {
	{
		.name = "libpipeline",
		.spawn = spawn,
		.redirected = redirected,
		.capture = capture,
		.chain = chain,
		.release = release,
	},
	{ .name = NULL },
};
