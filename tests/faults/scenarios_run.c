/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of brood run: one program, chains, a deadline, a limit, records, and what a program is told to be.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shell.h"

enum { FLOOD = 100 << 10, LIMIT = 1000 };

/* ---- programs ---- */

static int run_program(void)
{
	return shell_run("run", "--", child_path(), "print", "hello", NULL);
}

static void judge_program(const struct ended *ended)
{
	struct seen seen;

	seen_begin(&seen, ended);
	seen_status(&seen, 0);
	seen_output(&seen, "hello", 5);
	seen_errors(&seen, "");
	seen_end(&seen, NULL);
}

static void prepare_inputs(void)
{
	shell_enter();
	shell_file("in", "from standard input, ");
	shell_file("three", "from the third");
	shell_open("in", 0);
	shell_open("three", 3);
}

static int run_with_inputs(void)
{
	return shell_run("run", "--", child_path(), "cat", "read-fd", "3", NULL);
}

static void judge_inputs(const struct ended *ended)
{
	static const char *const files[] = { "in", "three", NULL };
	static const char text[] = "from standard input, from the third";
	struct seen seen;

	seen_begin(&seen, ended);
	seen_status(&seen, 0);
	seen_output(&seen, text, strlen(text));
	seen_errors(&seen, "");
	seen_end(&seen, files);
}

static int run_failing(void)
{
	return shell_run("run", "--", child_path(), "print", "some", "err", "no luck\n", "exit", "3", NULL);
}

static void judge_failing(const struct ended *ended)
{
	struct seen seen;

	seen_begin(&seen, ended);
	seen_status(&seen, 3);
	seen_output(&seen, "some", 4);
	seen_errors(&seen, "no luck\n");
	seen_end(&seen, NULL);
}

static int run_missing(void)
{
	return shell_run("run", "./missing and more", "arg", NULL);
}

static void judge_missing(const struct ended *ended)
{
	struct seen seen;

	seen_begin(&seen, ended);
	seen_status(&seen, 127);
	seen_output(&seen, "", 0);
	seen_errors(&seen, "brood run: *No such file*\nbrood run: *taken for the name of a program*\n");
	seen_end(&seen, NULL);
}

/* ---- what it is told to be ---- */

static void prepare_place(void)
{
	shell_enter();
	if (mkdir("place", 0777) < 0)
		wrong("no place");
	setenv("GONE", "still here", 1);
}

static int run_in_place(void)
{
	return shell_run("run", "-v", "-C", "place", "-E", "WORD=a value", "-E", "GONE", "--", child_path(), "touch", "made",
	                 "getenv", "WORD", "getenv", "GONE", NULL);
}

static void judge_place(const struct ended *ended)
{
	static const char *const files[] = { "place", "place/made", NULL };
	static const char text[] = "a value\n(unset)\n";
	struct seen seen;
	size_t size;
	char *made;

	seen_begin(&seen, ended);
	seen_status(&seen, 0);
	seen_output(&seen, text, strlen(text));
	/* That it could not be shown is told, and keeps nothing from being run. */
	seen_errors(&seen, seen_says(&seen, "standard error: ") ? "brood run: *\nbrood run: stage 1 *: exited 0 after *\n"
	                                                       : "+ *place*\nbrood run: stage 1 *: exited 0 after *\n");
	made = seen_file("place/made", &size);
	if (!made)
		seen_miss(&seen, "place/made is not there");
	free(made);
	seen_end(&seen, files);
}

static int run_dry(void)
{
	return shell_run("run", "--dry-run", "-E", "WORD=a value", "grep -v '#' | sort -u", NULL);
}

static void judge_dry(const struct ended *ended)
{
	static const char text[] = "env WORD='a value' grep -v '#' |\nenv WORD='a value' sort -u\n";
	struct seen seen;

	seen_begin(&seen, ended);
	seen_status(&seen, 0);
	seen_output(&seen, text, strlen(text));
	seen_errors(&seen, "");
	seen_end(&seen, NULL);
}

/* ---- chains and records ---- */

static int run_chain(void)
{
	return shell_run("run", "--json=record", "--", child_path(), "print", "one", "|", child_path(), "upper", NULL);
}

static void judge_chain(const struct ended *ended)
{
	static const char *const files[] = { "record", NULL };
	struct seen seen;
	json_t *record;

	seen_begin(&seen, ended);
	seen_status(&seen, 0);
	seen_output(&seen, "ONE", 3);
	seen_errors(&seen, "");
	/* It is written to directly: what of it went in before the disk was full stays, and is told. */
	record = seen_json(&seen, "record", seen_says(&seen, "--json"));
	if (record && json_array_size(json_object_get(record, "stages")) != 2)
		wrong("the record has not two stages");
	if (record && json_integer_value(json_object_get(record, "status")) != ended->status && !seen_says(&seen, "brood run: "))
		wrong("the record tells another status than %d", ended->status);
	json_decref(record);
	seen_end(&seen, files);
}

static const char older_page[] = "an older page\n";

static void prepare_report(void)
{
	shell_enter();
	shell_file("report.html", older_page);
}

static int run_with_report(void)
{
	return shell_run("run", "--report=report.html", "--trace=trace.json", "--", child_path(), "print", "one", "|", child_path(), "upper", NULL);
}

static void judge_report(const struct ended *ended)
{
	static const char *const files[] = { "report.html", "trace.json", NULL };
	struct seen seen;

	seen_begin(&seen, ended);
	seen_status(&seen, 0);
	seen_output(&seen, "ONE", 3);
	seen_errors(&seen, "");
	seen_report(&seen, "report.html", older_page, "upper");
	seen_trace(&seen, "trace.json", 2);
	seen_end(&seen, files);
}

/* ---- limits ---- */

static int run_out_of_time(void)
{
	return shell_run("run", "-t", "40ms", "-k", "40ms", "--", child_path(), "sleep-forever", NULL);
}

static void judge_out_of_time(const struct ended *ended)
{
	struct seen seen;

	seen_begin(&seen, ended);
	seen_status(&seen, 124);
	seen_output(&seen, "", 0);
	seen_errors(&seen, "brood run: *deadline*\n");
	seen_end(&seen, NULL);
}

static int run_within_limit(void)
{
	return shell_run("run", "--limit-output=1M", "--", child_path(), "flood", "100K", "err", "done\n", NULL);
}

static char *filled(size_t size)
{
	static char bytes[FLOOD];

	memset(bytes, 'x', sizeof bytes);
	return size <= sizeof bytes ? bytes : NULL;
}

static void judge_within_limit(const struct ended *ended)
{
	struct seen seen;

	seen_begin(&seen, ended);
	seen_status(&seen, 0);
	seen_output(&seen, filled(FLOOD), FLOOD);
	seen_errors(&seen, "done\n");
	seen_end(&seen, NULL);
}

static int run_past_limit(void)
{
	return shell_run("run", "--limit-output=1000", "--", child_path(), "flood", "4K", NULL);
}

static void judge_past_limit(const struct ended *ended)
{
	struct seen seen;

	seen_begin(&seen, ended);
	seen_status(&seen, 125);
	seen_output(&seen, filled(LIMIT), LIMIT);
	seen_errors(&seen, "brood run: stopped: standard output passed its limit of 1000 B\n");
	seen_end(&seen, NULL);
}

const struct scenario run_scenarios[] = {
	{ .name = "run", .main = run_program, .prepare = shell_enter_piped, .judge = judge_program },
	{ .name = "run, standard input and a descriptor", .main = run_with_inputs, .prepare = prepare_inputs, .judge = judge_inputs },
	{ .name = "run, a program that fails", .main = run_failing, .prepare = shell_enter, .judge = judge_failing },
	{ .name = "run, a program that is missing", .main = run_missing, .prepare = shell_enter, .judge = judge_missing },
	{ .name = "run -v -C -E", .main = run_in_place, .prepare = prepare_place, .judge = judge_place },
	{ .name = "run --dry-run", .main = run_dry, .prepare = shell_enter, .judge = judge_dry },
	{ .name = "run --json, a chain", .main = run_chain, .prepare = shell_enter, .judge = judge_chain },
	{ .name = "run --json, a chain, without pidfds", .main = run_chain, .prepare = shell_enter, .judge = judge_chain, .engine = "posix" },
	{ .name = "run --report --trace, a chain", .main = run_with_report, .prepare = prepare_report, .judge = judge_report },
	{ .name = "run --timeout", .main = run_out_of_time, .prepare = shell_enter, .judge = judge_out_of_time },
	{ .name = "run --limit-output", .main = run_within_limit, .prepare = shell_enter, .judge = judge_within_limit, .flags = MUCH },
	{ .name = "run --limit-output, past it", .main = run_past_limit, .prepare = shell_enter_piped, .judge = judge_past_limit },
	{ .name = NULL },
};
