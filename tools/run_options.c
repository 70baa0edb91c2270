/* SPDX-License-Identifier: MIT */
/* The options of `brood run`. tools/completion/ lists them too, and a check compares. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "run_options.h"

#include <errno.h>

#include "say.h"

#define FIELD(name) offsetof(struct run_settings, name)

static const struct option_row rows[] = {
	CHAIN_ROWS_TIME,
	CHAIN_ROWS_PLACE,
	{ "Output", 0, "limit-output", "SIZE", OPTION_SIZE, FIELD(limit_output), .help = "stop it past SIZE bytes: 64K, 1.5G (none)" },
	{ NULL, 'q', "quiet", NULL, OPTION_FLAG, FIELD(quiet), .help = "say nothing about how it ended" },
	{ NULL, 'v', "verbose", NULL, OPTION_FLAG, FIELD(verbose), .help = "show what is run, and how each stage ended" },
	{ NULL, 'n', "dry-run", NULL, OPTION_FLAG, FIELD(dry_run), .help = "show what would be run, and run nothing" },
	{ "Records", 0, "json", "[=FILE]", OPTION_TEXT, FIELD(json), .help = "how it ended, as JSON (to standard error)" },
	{ NULL, 0, "report", "FILE.html", OPTION_TEXT, FIELD(report), .help = "a web page with a time line of every stage" },
	{ NULL, 0, "trace", "FILE.json", OPTION_TEXT, FIELD(trace), .help = "the same for trace viewers" },
};

const struct verb run_verb = {
	.name = "brood run",
	.usage = "brood run [OPTION...] 'COMMAND [ARG...] [| COMMAND...]'\n"
	         "brood run [OPTION...] [--] COMMAND [ARG...] ['|' COMMAND...]\n",
	.about = "Run a command or a chain of them, without a shell, and see it to its end.\n"
	         "Exits as the chain does. 124: timed out, 125: brood itself failed,\n"
	         "126: cannot be run, 127: not found, 128+n: died of signal n.\n",
	.examples = "brood run -t 5s 'sort -u names.txt | wc -l'\n"
	            "brood run -t 1h -k 30s --json=end.json -- make check\n"
	            "brood run -C /tmp -E TZ=UTC -- date '|' tr a-z A-Z\n",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
};

void run_settings_default(struct run_settings *settings)
{
	*settings = (struct run_settings){ .chain = { .grace_ms = -1, .linger_ms = -1 } };
}

int run_settings_check(const struct run_settings *settings)
{
	if (settings->quiet && settings->verbose) {
		say("--quiet and --verbose contradict each other");
		return -EINVAL;
	}
	return 0;
}
