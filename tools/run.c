/* SPDX-License-Identifier: MIT */
/*
 * `brood run`: one chain, with our own standard input, output and error, to its end and ours.
 *
 * Nothing is run before all that can be known to be wrong is known: options, the chain's words, files that cannot be written. What was begun is said,
 * recorded and handed back (the terminal) before we end as the chain did.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inherited.h"
#include "run_end.h"
#include "run_loop.h"
#include "run_records.h"
#include "say.h"
#include "wake.h"

/* How it ended, beside what was said: a status, or a signal to die of. */
struct ending {
	int status;
	int signal;
	bool group;
	bool not_found;         /* one of its programs */
};

/* ---- the chain ---- */

static int fail_with(char *why_take)
{
	say("%s", why_take ? why_take : "out of memory");
	free(why_take);
	return STATUS_BROOD_FAILED;
}

static int read_chain(const struct run_settings *settings, const struct operands *operands, brood_command **ret_cmd)
{
	char *why = NULL;

	if (chain_read(operands, ret_cmd, &why) < 0 || chain_apply(&settings->chain, *ret_cmd, &why) < 0)
		return fail_with(why);
	return 0;
}

static int show_chain(const brood_command *cmd, int fd)
{
	int r = chain_print(cmd, fd);

	return r < 0 ? say_failure("standard %s: %s", fd == STDOUT_FILENO ? "output" : "error", strerror(-r)) : 0;
}

/* ---- its run ---- */

static void conclude(const struct run_settings *settings, struct run_records *records, const brood_command *cmd, const brood_result *result,
                     const struct run_outcome *outcome, struct ending *ret_ending)
{
	ret_ending->status = run_end_status(result, outcome);
	ret_ending->not_found = brood_result_errno(result) == ENOENT;
	ret_ending->signal = run_end_signal(result, outcome, &ret_ending->group);
	if (settings->verbose)
		run_end_say_stages(result, cmd);
	if (!settings->quiet)
		run_end_say(result, settings, outcome);
	if (run_records_write(records, cmd, result, ret_ending->status) < 0)
		*ret_ending = (struct ending){ .status = STATUS_BROOD_FAILED };
}

static int start_and_wait(const struct run_settings *settings, struct run_records *records, brood_command *cmd, struct relay *relay,
                          struct ending *ret_ending)
{
	struct run_outcome outcome = { .signal = 0 };
	struct run_job job = { .process = NULL };
	brood_process *process = NULL;
	const brood_result *result;
	int r;

	run_job_direct(&job, cmd);
	inherited_direct(cmd);
	r = brood_start(cmd, &process);
	if (process)
		run_job_started(&job, process);
	if (r == 0)
		run_loop(process, &settings->chain, &job, relay, &outcome);
	result = process ? brood_process_result(process) : NULL;
	outcome.had_terminal = run_job_over(&job, !run_end_was_killed(result)) && r == 0;
	if (process)
		conclude(settings, records, cmd, result, &outcome, ret_ending);
	brood_process_free(process);
	return process ? 0 : -ENOMEM;
}

static int run_chain(const struct run_settings *settings, brood_command *cmd, struct ending *ret_ending)
{
	struct run_records *records = NULL;
	struct relay *relay = NULL;
	int r = run_records_new(settings, &records);

	if (r < 0)
		return r;
	r = run_loop_catch_signals();
	if (r == 0 && settings->limit_output > 0) {
		relay = relay_new();
		r = relay ? 0 : -ENOMEM;
	}
	if (relay)
		relay_direct(relay, cmd, settings->limit_output);
	if (r == 0)
		r = start_and_wait(settings, records, cmd, relay, ret_ending);
	if (r < 0)
		say("%s", strerror(-r));
	relay_free(relay);
	run_records_free(records);
	return r;
}

/* ---- the verb ---- */

static void run_operands(const struct run_settings *settings, const struct operands *operands, struct ending *ret_ending)
{
	brood_command *cmd = NULL;
	int status = read_chain(settings, operands, &cmd);

	if (status == 0 && settings->dry_run)
		status = show_chain(cmd, STDOUT_FILENO);
	else if (status == 0 && settings->verbose)
		show_chain(cmd, STDERR_FILENO);
	*ret_ending = (struct ending){ .status = status };
	if (status == 0 && !settings->dry_run && run_chain(settings, cmd, ret_ending) < 0)
		ret_ending->status = STATUS_BROOD_FAILED;
	if (ret_ending->not_found && !settings->quiet)
		chain_explain(operands);
	brood_command_free(cmd);
}

int run_main(int argc, char **argv)
{
	struct run_settings settings;
	struct operands operands;
	struct ending ending = { .status = STATUS_BROOD_FAILED };
	int r;

	say_as("brood run");
	run_settings_default(&settings);
	r = options_read(&run_verb, argc, argv, &settings, &operands);
	if (r > 0)
		ending.status = 0;
	if (r == 0 && run_settings_check(&settings) == 0)
		run_operands(&settings, &operands, &ending);
	options_done(&run_verb, &settings);
	if (ending.signal && ending.group)
		wake_die_with_group(ending.signal);
	else if (ending.signal)
		wake_die_of(ending.signal);
	return ending.status;
}
