/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of brood map: inputs from everywhere, order, retries, logs, results, pages, and a map that ends early.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobs.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- inputs ---- */

static int map_words(void)
{
	return shell_run("map", "-j2", "--", child_path(), "echo", "{}", ":::", "a", "b", "c", NULL);
}

static void judge_words(const struct ended *ended)
{
	struct job jobs[] = { { .input = "a", .out = "a\n" }, { .input = "b", .out = "b\n" }, { .input = "c", .out = "c\n" } };
	struct seen seen;

	seen_begin(&seen, ended);
	jobs_output(&seen, jobs, COUNT(jobs), false);
	seen_errors(&seen, "");
	jobs_ends(&seen, jobs, COUNT(jobs));
	seen_end(&seen, NULL);
}

static void prepare_list(void)
{
	shell_enter_piped();
	shell_file("list", "one\ntwo three\n");
}

/* A pipe for a reader, lines as they come, and a last one that wants its newline. */
static int map_list(void)
{
	return shell_run("map", "-j2", "--tag", "--line-buffer", "-a", "list", "--", child_path(), "print", "no. {#}", NULL);
}

static void judge_list(const struct ended *ended)
{
	static const char *const files[] = { "list", NULL };
	struct job jobs[] = { { .input = "one", .out = "one\tno. 1\n" }, { .input = "two three", .out = "two three\tno. 2\n" } };
	struct seen seen;

	seen_begin(&seen, ended);
	jobs_output(&seen, jobs, COUNT(jobs), false);
	seen_errors(&seen, "");
	jobs_ends(&seen, jobs, COUNT(jobs));
	seen_end(&seen, files);
}

static void prepare_nuls(void)
{
	static const char list[] = "x y\0z";

	shell_enter();
	shell_bytes("list", list, sizeof list);
	shell_open("list", 0);
}

static int map_nuls(void)
{
	return shell_run("map", "-j1", "-0", "--shuffle=7", "--", child_path(), "echo", "{}", NULL);
}

/* Shuffled, they have other numbers, which nobody tells here unless one fails. */
static void judge_nuls(const struct ended *ended)
{
	static const char *const files[] = { "list", NULL };
	struct job jobs[] = { { .input = "x y", .out = "x y\n" }, { .input = "z", .out = "z\n" } };
	struct seen seen;

	seen_begin(&seen, ended);
	jobs_output(&seen, jobs, COUNT(jobs), false);
	seen_errors(&seen, "");
	jobs_ends(&seen, jobs, COUNT(jobs));
	seen_end(&seen, files);
}

/* ---- order and much output ---- */

enum { FLOOD = 150 << 10, HEAD = 3 };

static int map_in_order(void)
{
	return shell_run("map", "-j2", "--keep-order", "--", child_path(), "echo", "{}", "flood", "150K", "sleep", "{}", ":::", "20", "00", NULL);
}

static void judge_in_order(const struct ended *ended)
{
	static char first[HEAD + FLOOD], second[HEAD + FLOOD];
	struct job jobs[] = { { .input = "20", .out = first, .size = sizeof first }, { .input = "00", .out = second, .size = sizeof second } };
	struct seen seen;

	memset(first, 'x', sizeof first);
	memset(second, 'x', sizeof second);
	memcpy(first, "20\n", HEAD);
	memcpy(second, "00\n", HEAD);
	seen_begin(&seen, ended);
	jobs_output(&seen, jobs, COUNT(jobs), true);
	seen_errors(&seen, "");
	jobs_ends(&seen, jobs, COUNT(jobs));
	seen_end(&seen, NULL);
}

/* ---- logs ---- */

static int map_with_log(void)
{
	return shell_run("map", "-j2", "--log=log", "--", child_path(), "echo", "{}", ":::", "a", "b", NULL);
}

static void judge_log(const struct ended *ended)
{
	static const char *const files[] = { "log", NULL };
	struct job jobs[] = { { .input = "a", .out = "a\n" }, { .input = "b", .out = "b\n" } };
	struct seen seen;

	seen_begin(&seen, ended);
	jobs_output(&seen, jobs, COUNT(jobs), false);
	jobs_log(&seen, "log", "", jobs, COUNT(jobs));
	seen_errors(&seen, "");
	jobs_ends(&seen, jobs, COUNT(jobs));
	seen_end(&seen, files);
}

/* A job's command as a shell would need it; valid until the second next call. */
static const char *echo_words(const char *input)
{
	static char words[2][1000];
	static unsigned next;
	brood_command *cmd = brood_command_newl(child_path(), "echo", input, NULL);
	char *text = brood_command_format(cmd), *at = words[next++ % 2];

	snprintf(at, sizeof words[0], "%s", text);
	free(text);
	brood_command_free(cmd);
	return at;
}

/* The line of the first job, as an earlier map has left it. To be freed. */
static char *earlier_line(void)
{
	json_t *record = json_pack("{s:i, s:s, s:s, s:b}", "job", 1, "input", "a", "command", echo_words("a"), "ok", 1);
	char *text = json_dumps(record, JSON_COMPACT);

	json_decref(record);
	return text;
}

static void prepare_earlier(void)
{
	char *line = earlier_line(), text[2000];

	shell_enter();
	snprintf(text, sizeof text, "%s\n%s", line, jobs_torn);
	shell_file("log", text);
	free(line);
}

static int map_resumed(void)
{
	return shell_run("map", "-j2", "--log=log", "--resume", "--", child_path(), "echo", "{}", ":::", "a", "b", "c", NULL);
}

static void judge_resumed(const struct ended *ended)
{
	static const char *const files[] = { "log", NULL };
	struct job jobs[] = { { .input = "a", .out = "", .unstarted = true }, { .input = "b", .out = "b\n" }, { .input = "c", .out = "c\n" } };
	struct seen seen;
	char *line = earlier_line(), text[2000];

	snprintf(text, sizeof text, "%s\n", line);
	free(line);
	seen_begin(&seen, ended);
	jobs_output(&seen, jobs, COUNT(jobs), false);
	jobs_log(&seen, "log", text, jobs, COUNT(jobs));
	seen_errors(&seen, "brood map: --log: 'log': the last line was not whole and was cut off\n");
	jobs_ends(&seen, jobs, COUNT(jobs));
	seen_end(&seen, files);
}

static int map_dry(void)
{
	return shell_run("map", "--dry-run", "--log=log", "--resume", "--", child_path(), "echo", "{}", ":::", "a", "b", NULL);
}

static void judge_dry(const struct ended *ended)
{
	static const char *const files[] = { "log", NULL };
	const char *first = echo_words("a"), *second = echo_words("b");
	struct seen seen;
	char text[2000];

	seen_begin(&seen, ended);
	/* A log that is not there has done nothing. */
	if (ended->fault == ENOENT && seen.out && strncmp(seen.out, first, strlen(first)) == 0)
		snprintf(text, sizeof text, "%s\n%s\n", first, second);
	else
		snprintf(text, sizeof text, "%s\n", second);
	seen_status(&seen, 0);
	seen_output(&seen, text, strlen(text));
	seen_errors(&seen, "");
	seen_end(&seen, files);
}

/* ---- results and pages ---- */

static int map_with_results(void)
{
	return shell_run("map", "-j2", "--results=kept", "--log=log", "--", child_path(), "echo", "{}", "err", "e-{}\n", ":::", "a", "b", NULL);
}

static void judge_results(const struct ended *ended)
{
	static const char *const files[] = { "log", "kept", "kept/[12]-[ab]", "kept/[12]-[ab]/std*", "kept/[12]-[ab]/job.json", NULL };
	struct job jobs[] = { { .input = "a", .out = "a\n" }, { .input = "b", .out = "b\n" } };
	struct seen seen;

	seen_begin(&seen, ended);
	jobs_output(&seen, jobs, COUNT(jobs), false);
	jobs_log(&seen, "log", "", jobs, COUNT(jobs));
	jobs_results(&seen, "kept", jobs, COUNT(jobs), "e-");
	seen_errors(&seen, "e-[ab]\ne-[ab]\n");
	jobs_ends(&seen, jobs, COUNT(jobs));
	seen_end(&seen, files);
}

static int map_with_report(void)
{
	return shell_run("map", "-j2", "--report=report.html", "--trace=trace.json", "--", child_path(), "echo", "{}", "|", child_path(), "upper",
	                 ":::", "one", "two", NULL);
}

static void judge_report(const struct ended *ended)
{
	static const char *const files[] = { "report.html", "trace.json", NULL };
	struct job jobs[] = { { .input = "one", .out = "ONE\n" }, { .input = "two", .out = "TWO\n" } };
	struct seen seen;

	seen_begin(&seen, ended);
	jobs_output(&seen, jobs, COUNT(jobs), false);
	seen_report(&seen, "report.html", NULL, "brood map");
	seen_trace(&seen, "trace.json", 4);
	seen_errors(&seen, "");
	jobs_ends(&seen, jobs, COUNT(jobs));
	seen_end(&seen, files);
}

/* ---- failures ---- */

static void prepare_there(void)
{
	shell_enter();
	shell_file("there", "");
}

static int map_retried(void)
{
	return shell_run("map", "-j2", "--retries=1", "--log=log", "--", child_path(), "append", "tries-{}", "x", "cat-file", "{}",
	                 "echo", "{}", ":::", "there", "gone", NULL);
}

static void judge_retried(const struct ended *ended)
{
	static const char *const files[] = { "log", "there", "tries-there", "tries-gone", NULL };
	struct job jobs[] = { { .input = "there", .out = "there\n" }, { .input = "gone", .out = "", .status = 97 } };
	struct seen seen;

	seen_begin(&seen, ended);
	jobs_output(&seen, jobs, COUNT(jobs), false);
	jobs_log(&seen, "log", "", jobs, COUNT(jobs));
	if (jobs[1].records && jobs[1].tries != 2)
		seen_miss(&seen, "the one that fails was tried %d times", (int)jobs[1].tries);
	seen_errors(&seen, "*brood map: job 2 'gone': *exited 97\nbrood map: 2 jobs: 1 ok, 1 failed; *\n");
	jobs_ends(&seen, jobs, COUNT(jobs));
	seen_end(&seen, files);
}

static int map_failing_fast(void)
{
	return shell_run("map", "-j2", "--fail-fast", "--log=log", "--", child_path(), "cat-file", "{}", "sleep", "2000",
	                 ":::", "gone", "there", "later", NULL);
}

static void judge_failing_fast(const struct ended *ended)
{
	static const char *const files[] = { "log", "there", NULL };
	struct job jobs[] = {
		{ .input = "gone", .out = "", .status = 97, .may_be_stopped = true },
		{ .input = "there", .out = "", .may_be_stopped = true },
		{ .input = "later", .out = "", .unstarted = true },
	};
	struct seen seen;

	seen_begin(&seen, ended);
	jobs_output(&seen, jobs, COUNT(jobs), false);
	jobs_log(&seen, "log", "", jobs, COUNT(jobs));
	seen_errors(&seen, "*brood map: job 1 'gone': *exited 97\nbrood map: 3 jobs: 0 ok, 1 failed, 1 stopped, 1 not started; *\n");
	jobs_ends(&seen, jobs, COUNT(jobs));
	seen_end(&seen, files);
}

/* Its own job sends the signal: whatever else happens, that job runs by then, and still does when a map that was held up sees it. */
static int map_interrupted(void)
{
	return shell_run("map", "-j1", "--log=log", "--", child_path(), "signal-parent", "INT", "sleep", "3000", "exit", "{}", ":::", "1", "2", NULL);
}

static void judge_interrupted(const struct ended *ended)
{
	static const char *const files[] = { "log", NULL };
	struct job jobs[] = { { .input = "1", .out = "", .may_be_stopped = true }, { .input = "2", .out = "", .unstarted = true } };
	struct seen seen;

	seen_begin(&seen, ended);
	seen_status(&seen, 128 + 2);
	jobs_output(&seen, jobs, COUNT(jobs), false);
	jobs_log(&seen, "log", "", jobs, COUNT(jobs));
	seen_errors(&seen, "brood map: SIGINT: stopping 1 job; once more kills\nbrood map: 2 jobs: 0 ok, 1 stopped, 1 not started; *\n");
	seen_end(&seen, files);
}

const struct scenario map_scenarios[] = {
	{ .name = "map", .main = map_words, .prepare = shell_enter, .judge = judge_words },
	{ .name = "map -a --tag --line-buffer", .main = map_list, .prepare = prepare_list, .judge = judge_list },
	{ .name = "map -0 --shuffle, from standard input", .main = map_nuls, .prepare = prepare_nuls, .judge = judge_nuls },
	{ .name = "map --keep-order, output that spills", .main = map_in_order, .prepare = shell_enter, .judge = judge_in_order, .flags = MUCH },
	{ .name = "map --log", .main = map_with_log, .prepare = shell_enter, .judge = judge_log },
	{ .name = "map --log, without pidfds", .main = map_with_log, .prepare = shell_enter, .judge = judge_log, .engine = "posix" },
	{ .name = "map --resume", .main = map_resumed, .prepare = prepare_earlier, .judge = judge_resumed },
	{ .name = "map --dry-run --resume", .main = map_dry, .prepare = prepare_earlier, .judge = judge_dry },
	{ .name = "map --results --log", .main = map_with_results, .prepare = shell_enter, .judge = judge_results },
	{ .name = "map --report --trace, chains", .main = map_with_report, .prepare = shell_enter, .judge = judge_report },
	{ .name = "map --retries, a job that fails", .main = map_retried, .prepare = prepare_there, .judge = judge_retried },
	{ .name = "map --fail-fast", .main = map_failing_fast, .prepare = prepare_there, .judge = judge_failing_fast },
	{ .name = "map, interrupted", .main = map_interrupted, .prepare = shell_enter, .judge = judge_interrupted },
	{ .name = NULL },
};
