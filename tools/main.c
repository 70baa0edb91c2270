/* SPDX-License-Identifier: MIT */
/*
 * The command: its verbs, and what it says about itself. What a verb does is its own; here is who is asked for.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "inherited.h"
#include "options.h"
#include "say.h"

static const struct verb brood_verb = {
	.name = "brood",
	.usage = "brood run [OPTION...] COMMAND...\n"
	         "brood map [OPTION...] COMMAND... [::: INPUT...]\n"
	         "brood help [run|map]\n",
	.about = "Run commands, and chains of them, to their end and by a deadline.\n",
	.examples = "brood run -t 5s 'sort -u names.txt | wc -l'\n"
	            "ls *.c | brood map 'wc -l {}'\n"
	            "brood help map\n",
};

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
} verbs[] = { { "run", run_main }, { "map", map_main } };
enum { VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]) };

/*
 * A program that is started with 2 closed opens its log as 2, and then says its mistakes into the log. What is closed is held by something that
 * cannot be used that way round: writing to it and reading from it fail as they would have, here and in what is run.
 */
static int hold_standard_descriptors(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return say_failure("/dev/null: %s", strerror(errno));
	return 0;
}

static int unknown(const char *name)
{
	const char *names[VERB_COUNT + 1] = { "help" };
	const char *near;

	for (size_t i = 0; i < VERB_COUNT; i++)
		names[i + 1] = verbs[i].name;
	near = options_nearest(name, names, VERB_COUNT + 1);
	if (near)
		return say_failure("unknown command '%s'; did you mean '%s'?", name, near);
	return say_failure("unknown command '%s'; the commands are run, map and help", name);
}

static int help(const struct operands *about)
{
	char itself[] = "brood", option[] = "--help";
	char *argv[] = { itself, option, NULL };
	struct operands none;

	if (about->count > 1)
		return say_failure("help is about one command at a time");
	if (about->count == 0 || strcmp(about->words[0], "help") == 0)
		return options_read(&brood_verb, 2, argv, NULL, &none) < 0 ? STATUS_BROOD_FAILED : 0;
	argv[0] = about->words[0];
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (strcmp(verbs[i].name, about->words[0]) == 0)
			return verbs[i].main(2, argv);
	return unknown(about->words[0]);
}

int main(int argc, char **argv)
{
	struct operands operands;
	int r = hold_standard_descriptors();

	if (r != 0)
		return r;
	inherited_remember();
	if (argc < 1)
		return say_failure("started without even a name");
	r = options_read(&brood_verb, argc, argv, NULL, &operands);
	if (r != 0)
		return r < 0 ? STATUS_BROOD_FAILED : 0;
	if (operands.count == 0)
		return say_failure("no command; 'brood help' says what there is");
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (strcmp(verbs[i].name, operands.words[0]) == 0)
			return verbs[i].main((int)operands.count, operands.words);
	if (strcmp(operands.words[0], "help") == 0)
		return help(&(struct operands){ .words = operands.words + 1, .count = operands.count - 1 });
	return unknown(operands.words[0]);
}
