/* SPDX-License-Identifier: MIT */
/* map --dry-run: each job's command on standard output as a shell would need it, and nothing is run. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "map.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"

/* 1: it was, 0, or -ENOMEM. By the text that a log has, which is not always the one that is shown. */
static int was_done(const struct map *map, const char *input, const brood_command *cmd)
{
	char *text = map->log ? chain_words(cmd) : NULL;
	int r = map->log && !text ? -ENOMEM : 0;

	if (text)
		r = joblog_take_done(map->log, input, text);
	free(text);
	return r;
}

static int show(struct map *map, const char *input, uint64_t number)
{
	brood_command *cmd = NULL;
	char *why = NULL, *text = NULL;
	int r = map_command(map, input, number, &cmd, &why);

	/* A command that could not be started is shown all the same: that is what there would be. */
	if (r != -ENOMEM)
		text = chain_text(cmd, STDOUT_FILENO);
	r = text ? was_done(map, input, cmd) : -ENOMEM;
	if (r == 0 && printf("%s\n", text) < 0)
		r = -errno;
	free(text);
	free(why);
	brood_command_free(cmd);
	return r < 0 ? r : 0;
}

/* 1 and an input, 0, or -errno that has been said. */
static int next_input(struct map *map, char **ret_input)
{
	for (;;) {
		const int r = inputs_next(map->inputs, ret_input);
		struct pollfd ready = { .fd = inputs_fd(map->inputs), .events = POLLIN };

		if (r != -EAGAIN) {
			if (r < 0)
				map_break(map, "%s", inputs_why(map->inputs));
			return r;
		}
		/* Whoever reads these lines should not wait for the next ones with us. */
		fflush(stdout);
		poll(&ready, 1, -1);
	}
}

/* What --resume would leave out is not what would be run. */
static int open_log(struct map *map)
{
	char *why = NULL;
	int r = map->settings->resume ? joblog_peek(map->settings->log, &map->log, &why) : 0;

	if (r < 0)
		map_break(map, "%s", why ? why : strerror(-r));
	free(why);
	return r;
}

void map_dry_run(struct map *map)
{
	char *input;
	int r = 0;

	if (open_log(map) < 0)
		return;
	while (r == 0 && next_input(map, &input) == 1) {
		r = show(map, input, ++map->counts.taken);
		free(input);
	}
	if (r == 0 && fflush(stdout) != 0)
		r = -errno;
	joblog_finish(map->log);
	map->log = NULL;
	if (r < 0)
		map_break(map, r == -ENOMEM ? "%s" : "standard output: %s", strerror(-r));
}
