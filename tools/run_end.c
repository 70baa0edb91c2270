/* SPDX-License-Identifier: MIT */
/*
 * Pure decisions over a result and what became of it here, and the words for them.
 *
 * A shell that runs a script looks at how its command died to know whether Ctrl-C was meant for the script: after SIGINT and SIGQUIT we die of the
 * same signal. For all others 128+n is what a shell would have shown anyway.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "run_end.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "say.h"
#include "units.h"

static bool any_cause(const brood_result *result, enum brood_cause cause)
{
	for (size_t i = 0; i < brood_result_stages(result); i++)
		if (brood_result_cause(result, i) == cause)
			return true;
	return false;
}

static bool passed_limit(const brood_result *result)
{
	return any_cause(result, BROOD_BY_OVERFLOW) ||
	       (!brood_result_held(result) && (brood_result_truncated(result, 1) || brood_result_truncated(result, 2)));
}

bool run_end_was_killed(const brood_result *result)
{
	for (size_t i = 0; i < brood_result_stages(result); i++)
		if (brood_result_how(result, i) == BROOD_SIGNALLED && brood_result_signal(result, i) != SIGPIPE)
			return true;
	return false;
}

int run_end_status(const brood_result *result, const struct run_outcome *outcome)
{
	if (outcome->signal)
		return STATUS_SIGNALLED + outcome->signal;
	if (outcome->no_terminal)
		return STATUS_SIGNALLED + SIGHUP;
	if (outcome->error || outcome->output_error)
		return STATUS_BROOD_FAILED;
	if (outcome->output_lost)
		return STATUS_TIMED_OUT;
	if (brood_result_errno(result) == 0 && passed_limit(result) && !any_cause(result, BROOD_BY_DEADLINE))
		return STATUS_BROOD_FAILED;
	return brood_result_shell_status(result);
}

/* The stage that a shell would blame died of it. */
static int died_of(const brood_result *result)
{
	const int status = brood_result_shell_status(result);

	for (size_t i = brood_result_stages(result); i-- > 0;)
		if (brood_result_how(result, i) == BROOD_SIGNALLED && STATUS_SIGNALLED + brood_result_signal(result, i) == status)
			return brood_result_signal(result, i);
	return 0;
}

int run_end_signal(const brood_result *result, const struct run_outcome *outcome, bool *ret_group)
{
	int signal = outcome->signal;

	*ret_group = false;
	if (signal == 0 && outcome->reader_gone)
		return SIGPIPE;
	/* A key on the terminal that reached the chain alone: whoever else is in our group has not had it. */
	if (signal == 0 && outcome->had_terminal && outcome->output_error == 0 && !any_cause(result, BROOD_BY_DEADLINE)) {
		signal = died_of(result);
		*ret_group = true;
	}
	return signal == SIGINT || signal == SIGQUIT ? signal : 0;
}

/* ---- words ---- */

/* It ended by itself in a way that is its own matter: a code of the last stage, Ctrl-C, a reader that had enough. */
static bool is_its_own_matter(const brood_result *result)
{
	const size_t last = brood_result_stages(result) - 1;
	const int signal = died_of(result);

	if (brood_result_ok(result) || signal == SIGINT || signal == SIGPIPE)
		return true;
	return !any_cause(result, BROOD_BY_DEADLINE) && brood_result_how(result, last) == BROOD_EXITED &&
	       brood_result_exit_code(result, last) != 0;
}

static void say_result(const brood_result *result, const struct run_settings *settings)
{
	char size[UNITS_TEXT];

	if (brood_result_errno(result) == 0 && passed_limit(result) && !any_cause(result, BROOD_BY_DEADLINE))
		say("stopped: %s passed its limit of %s", brood_result_truncated(result, 1) ? "standard output" : "standard error",
		    units_size_text(settings->limit_output, size));
	else if (brood_result_errno(result) != 0 || !is_its_own_matter(result))
		say("%s", brood_result_describe(result));
}

void run_end_say(const brood_result *result, const struct run_settings *settings, const struct run_outcome *outcome)
{
	if (outcome->error)
		say("waiting: %s", strerror(-outcome->error));
	else if (outcome->no_terminal)
		say("stopped: it waits for a terminal that nobody can give it");
	else if (outcome->signal == SIGINT || outcome->signal == SIGQUIT)
		return;
	else if (outcome->signal)
		say("%s was passed on; %s", outcome->signal == SIGTERM ? "SIGTERM" : "SIGHUP", brood_result_describe(result));
	else if (outcome->output_error && !outcome->reader_gone)
		say("standard %s: %s", outcome->output_fd == 1 ? "output" : "error", strerror(-outcome->output_error));
	else if (outcome->output_lost)
		say("its output was not read in time: %llu bytes are lost", (unsigned long long)outcome->output_lost);
	else if (!outcome->output_error)
		say_result(result, settings);
}

static void describe_stage(const brood_result *result, size_t stage, char text[64])
{
	char name[UNITS_TEXT];

	switch (brood_result_how(result, stage)) {
	case BROOD_EXITED:
		snprintf(text, 64, "exited %d", brood_result_exit_code(result, stage));
		return;
	case BROOD_SIGNALLED:
		snprintf(text, 64, "killed by %s", units_signal_text(brood_result_signal(result, stage), name));
		return;
	case BROOD_LOST:
		snprintf(text, 64, "lost");
		return;
	default:
		snprintf(text, 64, "not started");
		return;
	}
}

void run_end_say_stages(const brood_result *result, const brood_command *cmd)
{
	for (size_t i = 0; i < brood_result_stages(result); i++) {
		const char *const *argv = brood_command_argv(cmd, i);
		char how[64], duration[UNITS_TEXT];
		int64_t start_ns = 0, end_ns = 0;

		describe_stage(result, i, how);
		brood_result_times(result, i, &start_ns, &end_ns);
		if (end_ns == 0)
			say("stage %zu '%s': %s", i + 1, argv ? argv[0] : "", how);
		else
			say("stage %zu '%s': %s after %s", i + 1, argv ? argv[0] : "", how,
			    units_duration_text(end_ns - start_ns, duration));
	}
}
