/* SPDX-License-Identifier: MIT */
/*
 * What doc/SECURITY.md asks of the command: driven as a user does, with files, names, folders and variables that somebody hostile could have
 * chosen.
 */
#include "tools/command.h"

#include <dirent.h>
#include <sys/stat.h>

#include "spill.h"
#include "support/pty.h"
#include "tools/strangers.h"

#define SECRET "s3cret-m4rk"
/* Sets the title of a terminal window; the second is the same in one character that is no ASCII. */
#define STEERING "\033]0;steered\007\xc2\x9d" "0;steered\x07"

static const char *file(const char *name)
{
	static char paths[8][4096];
	static int next;

	return support_path(paths[next++ % 8], sizeof paths[0], name);
}

static void expect_text(const char *path, const char *text)
{
	char *got = support_read_file(path, NULL);

	assert_non_null(got);
	assert_string_equal(got, text);
	free(got);
}

static int count_entries(const char *path)
{
	DIR *folder = opendir(path);
	int count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;
}

/* ---- links that were put in the way ---- */

/* A run that writes to this file by this option. */
static struct ran run_writing(const char *option, const char *path)
{
	char joined[4200];

	snprintf(joined, sizeof joined, "%s=%s", option, path);
	if (strcmp(option, "--json") == 0)
		return brood_at(NULL, "run", joined, C, "exit", "0");
	return brood_at(NULL, "map", joined, C, "exit", ":::", "0");
}

static const char *const writing_options[] = { "--log", "--trace", "--json", "--results" };

static void test_a_stranger_s_link_is_not_written_through(void **state)
{
	char link[4096];
	const char *target = file("target");

	(void)state;
	support_write_text(target, "");
	strangers_link(link, sizeof link, "link", target);
	for (size_t i = 0; i < sizeof writing_options / sizeof *writing_options; i++) {
		struct ran ran = run_writing(writing_options[i], link);

		expect_end(&ran, 125, "Permission denied");
		ran_done(&ran);
		expect_text(target, "");
	}
}

static void test_a_stranger_s_link_to_nothing_makes_no_file(void **state)
{
	char link[4096];
	const char *target = file("target");

	(void)state;
	strangers_link(link, sizeof link, "link", target);
	for (size_t i = 0; i < sizeof writing_options / sizeof *writing_options; i++) {
		struct ran ran = run_writing(writing_options[i], link);

		assert_int_equal(ran.status, 125);
		ran_done(&ran);
		assert_int_equal(access(target, F_OK), -1);
	}
}

static void test_a_report_takes_the_place_of_a_link(void **state)
{
	char link[4096];
	const char *target = file("target");
	struct stat st;

	(void)state;
	support_write_text(target, "mine");
	strangers_link(link, sizeof link, "link", target);
	struct ran ran = run_writing("--report", link);
	assert_int_equal(ran.status, 0);
	ran_done(&ran);
	expect_text(target, "mine");
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

/* By way of /proc, or to a device, it would be no file to be replaced but one to be written to. */
static void test_a_report_is_not_written_to_what_a_stranger_s_link_means(void **state)
{
	char link[4096], by_proc[4200];
	const char *target = file("target");

	(void)state;
	support_write_text(target, "mine");
	snprintf(by_proc, sizeof by_proc, "/proc/self/root%s", target);
	strangers_link(link, sizeof link, "link", by_proc);
	struct ran ran = run_writing("--report", link);
	expect_end(&ran, 125, "Permission denied");
	ran_done(&ran);
	expect_text(target, "mine");

	assert_int_equal(mkfifo(file("fifo"), 0600), 0);
	strangers_link(link, sizeof link, "to-fifo", file("fifo"));
	ran = run_writing("--report", link);
	expect_end(&ran, 125, "Permission denied");
	ran_done(&ran);
}

/* While a job runs, its folder is moved away and a link to another one stands in its place; so does one for the folder of all. */
static void test_folders_of_results_that_are_swapped_for_links_lead_nowhere(void **state)
{
	const char *go = file("go"), *elsewhere = file("elsewhere"), *results = file("r");
	char folder[4096], moved[4096];
	pid_t pid;

	(void)state;
	assert_int_equal(mkdir(elsewhere, 0700), 0);
	pid = brood_start_at(NULL, "map", "-j1", "--results", results, C, "wait-for-file", go, "exit", ":::", "0", "1");
	support_path(folder, sizeof folder, "r/1-0");
	assert_true(support_wait_file(folder, 30000));
	assert_int_equal(rename(folder, support_path(moved, sizeof moved, "r/moved")), 0);
	assert_int_equal(symlink(elsewhere, folder), 0);
	assert_int_equal(rename(results, file("r.moved")), 0);
	assert_int_equal(symlink(elsewhere, file("r")), 0);
	support_write_text(go, "");
	struct ran ran = brood_ended(pid);
	assert_int_equal(ran.status, 125);
	ran_done(&ran);
	assert_int_equal(count_entries(elsewhere), 0);
}

/* ---- files that wait ---- */

/* The first descriptor of ours that leads to a file without a name. */
static int nameless(struct stat *ret)
{
	for (int fd = 3; fd < 10000; fd++)
		if (fstat(fd, ret) == 0 && S_ISREG(ret->st_mode) && ret->st_nlink == 0 && ret->st_size > 0)
			return fd;
	return -1;
}

static void spill_a_secret(void *data)
{
	struct spill *spill = spill_new();
	struct stat st;
	uint32_t block;

	setenv("TMPDIR", data, 1);
	assert_int_equal(spill_put(spill, SECRET, strlen(SECRET), &block), 0);
	assert_true(nameless(&st) >= 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(count_entries(data), 0);
	spill_free(spill);
}

/* A folder of everybody's, without even the sticky bit. */
static void test_output_that_waits_on_disk_is_nobody_else_s_to_read(void **state)
{
	char path[4096];

	(void)state;
	assert_int_equal(mkdir(support_path(path, sizeof path, "tmp"), 0777), 0);
	assert_int_equal(chmod(path, 0777), 0);
	support_assert_in_fork(spill_a_secret, path);
}

static void test_a_folder_for_temporary_files_that_is_none_is_no_matter(void **state)
{
	static const char *const folders[] = { "TMPDIR=/nonexistent", "TMPDIR=/dev/null", "TMPDIR=", "TMPDIR=%s%n%s" };

	(void)state;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		const struct place place = { .variable = folders[i] };
		struct ran ran = brood_at(&place, "map", "-o", "-j2", "--report", file("r.html"), C, "flood", "{}", ":::", "3M", "3M");

		assert_int_equal(ran.status, 0);
		assert_int_equal(ran.out_size, 6 << 20);
		ran_done(&ran);
	}
}

/* ---- words ---- */

/* Any of them would make a file, add a word or fill in a hole, if somebody read it a second time. */
static const char *const injections[] = {
	"; touch made", "$(touch made)", "`touch made`", "' ; touch made ; '", "\" | touch made", "& touch made", "\ntouch made\n", "> made",
	"${IFS}touch${IFS}made", "{}", "{#} {.}", "-n", "a b", "*", "~", "!!", "%s%n", "\\", STEERING,
};

enum { INJECTIONS = sizeof injections / sizeof *injections };

static void test_an_input_is_one_word_whatever_is_in_it(void **state)
{
	int here = open(".", O_PATH | O_CLOEXEC);

	(void)state;
	assert_int_equal(chdir(support_tempdir()), 0);
	for (size_t i = 0; i < INJECTIONS; i++) {
		struct ran ran = brood_at(NULL, "map", C, "args", "{}", ":::", injections[i]);

		assert_int_equal(ran.status, 0);
		assert_int_equal(ran.out_size, strlen(injections[i]) + 1);
		assert_string_equal(ran.out, injections[i]);
		ran_done(&ran);
	}
	assert_int_equal(access("made", F_OK), -1);
	assert_int_equal(fchdir(here), 0);
	close(here);
}

/* What --dry-run prints into a pipe is for a shell: it runs the same word, and nothing else. */
static void test_what_a_dry_run_prints_is_the_same_word_for_a_shell(void **state)
{
	int here = open(".", O_PATH | O_CLOEXEC);

	(void)state;
	assert_int_equal(chdir(support_tempdir()), 0);
	for (size_t i = 0; i < INJECTIONS; i++) {
		struct ran dry = brood_at(NULL, "map", "-n", C, "args", "{}", ":::", injections[i]);
		struct ran ran;

		assert_int_equal(dry.status, 0);
		ran = brood_at(NULL, "run", "--", "sh", "-c", dry.out);
		assert_int_equal(ran.status, 0);
		assert_int_equal(ran.out_size, strlen(injections[i]) + 1);
		assert_string_equal(ran.out, injections[i]);
		ran_done(&dry);
		ran_done(&ran);
	}
	assert_int_equal(access("made", F_OK), -1);
	assert_int_equal(fchdir(here), 0);
	close(here);
}

/* ---- names on a terminal ---- */

static void expect_steady(const char *text)
{
	if (strstr(text, "\033]") || strstr(text, "\xc2\x9d") || strchr(text, '\007'))
		fail_msg("a name steers the terminal");
	assert_non_null(strstr(text, "\\x1b]0;steered"));
}

static void test_names_in_messages_steer_no_terminal(void **state)
{
	static const char *const verbose[] = { "-v", "-q", "-v" };

	(void)state;
	/* What is run, that it failed, and its tag. */
	for (size_t i = 0; i < 3; i++) {
		struct ran ran = brood_at(NULL, "map", verbose[i], "--tag", C, "echo", "said", "exit", i == 2 ? "0" : "1", "{}", ":::", STEERING);

		expect_steady(i == 1 ? ran.out : ran.err);
		expect_steady(ran.out);
		ran_done(&ran);
	}
	/* A program that is not there, an option and a command that are none. */
	struct ran ran = brood_at(NULL, "run", "--", "/nonexistent/" STEERING);
	expect_steady(ran.err);
	ran_done(&ran);
	ran = brood_at(NULL, "run", "--" STEERING);
	expect_steady(ran.err);
	ran_done(&ran);
	ran = brood_at(NULL, STEERING);
	expect_steady(ran.err);
	ran_done(&ran);
	ran = brood_at(NULL, "run", "-v", "--", C, "args", STEERING);
	expect_steady(ran.err);
	ran_done(&ran);
	ran = brood_at(NULL, "map", "--log", "/nonexistent/" STEERING, "true");
	expect_steady(ran.err);
	ran_done(&ran);
}

static void test_a_word_breaks_no_line_of_what_is_run(void **state)
{
	struct ran ran = brood_at(NULL, "map", "-v", C, "exit", "0", "{}", ":::", "a\n+ rm -rf /");

	(void)state;
	assert_null(strstr(ran.err, "\n+ rm"));
	ran_done(&ran);
}

static void expect_steady_on_terminal(const char *verb, const char *separator)
{
	const char *const argv[] = { command_path(), verb, "-n", "--", "true", strcmp(verb, "map") == 0 ? "{}" : STEERING, separator,
				     STEERING, NULL };
	struct pty pty;

	pty_open(&pty);
	pty_exec(&pty, argv);
	assert_int_equal(pty_end(&pty), 0);
	expect_steady(pty.text);
	pty_free(&pty);
}

static void test_a_dry_run_on_a_terminal_does_not_steer_it(void **state)
{
	(void)state;
	expect_steady_on_terminal("map", ":::");
	expect_steady_on_terminal("run", "|");
}

/* ---- a log that somebody else wrote ---- */

static void expect_refused(const char *text, size_t size)
{
	const char *log = file("log");
	char *after;
	size_t after_size;

	support_write_file(log, text, size);
	struct ran ran = brood_at(NULL, "map", "--log", log, "--resume", C, "touch", "{}", ":::", file("ran"));
	assert_int_equal(ran.status, 125);
	ran_done(&ran);
	assert_int_equal(access(file("ran"), F_OK), -1);
	after = support_read_file(log, &after_size);
	assert_int_equal(after_size, size);
	assert_memory_equal(after, text, size);
	free(after);
}

static void test_a_hostile_log_is_refused_and_left_as_it_is(void **state)
{
	static const char *const lines[] = {
		"root:x:0:0:root:/root:/bin/sh\n", "{}\n", "[]\n", "null\n", "{\"ok\":1}\n", "{\"ok\":true}\n", "{\"ok\":true,\"input\":7,\"command\":[]}\n",
		"{\"ok\":true,\"input\":\"a\\u0000b\",\"command\":\"c\"}\n", "{\"ok\":true,\"input_hex\":\"00\",\"command_hex\":\"0\"}\n",
		"{\"ok\":true,\"input\":\"\xff\",\"command\":\"c\"}\n",
		"{\"ok\":true,\"input\":1e999999999,\"command\":\"c\"}\n",
	};
	enum { DEEP = 1 << 20 };
	char *deep = malloc(DEEP + 2);

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		expect_refused(lines[i], strlen(lines[i]));
	assert_non_null(deep);
	memset(deep, '[', DEEP);
	memcpy(deep, "{\"ok\":", 6);
	deep[DEEP] = '\n';
	expect_refused(deep, DEEP + 1);
	free(deep);
}

/* ---- secrets ---- */

static void expect_no_secret(const char *name)
{
	size_t size;
	char *text = support_read_file(file(name), &size);

	if (!text)
		fail_msg("%s is not there", name);
	if (memmem(text, size, SECRET, strlen(SECRET)))
		fail_msg("the secret is in %s", name);
	free(text);
}

/* Inherited, and printed by the job itself: its own output is where it may be. */
static void test_an_inherited_secret_is_only_in_what_the_job_itself_prints(void **state)
{
	const struct place place = { .variable = "PW=" SECRET };
	struct ran ran = brood_at(&place, "map", "-v", "--log", file("log"), "--report", file("report"), "--trace", file("trace"), "--results",
				  file("r"), C, "getenv", "PW", "exit", ":::", "1");

	(void)state;
	assert_int_equal(ran.status, 123);
	assert_string_equal(ran.out, SECRET "\n");
	assert_null(strstr(ran.err, SECRET));
	ran_done(&ran);
	expect_no_secret("log");
	expect_no_secret("report");
	expect_no_secret("trace");
	expect_no_secret("r/1-1/job.json");
	expect_text(file("r/1-1/stdout"), SECRET "\n");
}

static void feed_secret(const char *json, const char *report, const char *trace)
{
	char joined[4200];
	const char *in = file("in");

	snprintf(joined, sizeof joined, "--json=%s", json);
	support_write_text(in, SECRET);
	/* Standard input of a run is ours: a shell leads it in. */
	struct ran ran = brood_at(NULL, "run", "--", "sh", "-c", "exec \"$@\" <\"$0\"", in, command_path(), "run", "-v", joined, "--report", report,
				  "--trace", trace, "--", C, "cat", "|", C, "discard", "exit", "3");
	assert_int_equal(ran.status, 3);
	assert_null(strstr(ran.err, SECRET));
	ran_done(&ran);
}

static void test_a_secret_on_standard_input_is_in_no_record(void **state)
{
	(void)state;
	feed_secret(file("json"), file("report"), file("trace"));
	expect_no_secret("json");
	expect_no_secret("report");
	expect_no_secret("trace");
}

static void test_the_library_s_log_has_neither(void **state)
{
	const struct place place = { .variable = "BROOD_LOG=debug" };
	struct ran ran = brood_at(&place, "run", "-E", "PW=" SECRET, "--", C, "getenv", "PW");

	(void)state;
	assert_int_equal(ran.status, 0);
	assert_non_null(strstr(ran.err, "started"));
	assert_null(strstr(ran.err, SECRET));
	ran_done(&ran);
}

/* A value given by --env is on our own command line, for all to see; but what is left behind has the words of the command alone. */
static void test_a_value_given_by_an_option_is_in_no_record(void **state)
{
	struct ran ran = brood_at(NULL, "map", "-E", "PW=hidden", "--log", file("log"), C, "exit", ":::", "0");
	char *text;

	(void)state;
	assert_int_equal(ran.status, 0);
	ran_done(&ran);
	text = support_read_file(file("log"), NULL);
	assert_null(strstr(text, "hidden"));
	assert_null(strstr(text, "PW"));
	free(text);
}

/* ---- how we are started ---- */

/* Linux before 5.18 starts a program with no argument at all, not even its name (CVE-2021-4034). */
static void test_without_even_a_name_it_says_so(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		static const struct place usual;
		char *none[] = { NULL };

		take_place(&usual);
		execv(command_path(), none);
		_exit(95);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 125);
}

/* A tool of that name lies in the current directory. */
static void test_the_current_directory_is_no_place_for_programs(void **state)
{
	static const char *const paths[] = { "PATH=", "PATH=.", "PATH=:", "PATH=./:.", "PATH=/nonexistent:" };
	int here = open(".", O_PATH | O_CLOEXEC);

	(void)state;
	assert_int_equal(chdir(support_tempdir()), 0);
	assert_int_equal(symlink(C, "planted"), 0);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		const struct place place = { .variable = paths[i] };

		expect_at(&place, 127, "planted", "run", "--", "planted", "touch", "made");
	}
	assert_int_equal(access("made", F_OK), -1);
	assert_int_equal(fchdir(here), 0);
	close(here);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_stranger_s_link_is_not_written_through),
		brood_test(test_a_stranger_s_link_to_nothing_makes_no_file),
		brood_test(test_a_report_takes_the_place_of_a_link),
		brood_test(test_a_report_is_not_written_to_what_a_stranger_s_link_means),
		brood_test(test_folders_of_results_that_are_swapped_for_links_lead_nowhere),
		brood_test(test_output_that_waits_on_disk_is_nobody_else_s_to_read),
		brood_test(test_a_folder_for_temporary_files_that_is_none_is_no_matter),
		brood_test(test_an_input_is_one_word_whatever_is_in_it),
		brood_test(test_what_a_dry_run_prints_is_the_same_word_for_a_shell),
		brood_test(test_names_in_messages_steer_no_terminal),
		brood_test(test_a_word_breaks_no_line_of_what_is_run),
		brood_test(test_a_dry_run_on_a_terminal_does_not_steer_it),
		brood_test(test_a_hostile_log_is_refused_and_left_as_it_is),
		brood_test(test_an_inherited_secret_is_only_in_what_the_job_itself_prints),
		brood_test(test_a_secret_on_standard_input_is_in_no_record),
		brood_test(test_the_library_s_log_has_neither),
		brood_test(test_a_value_given_by_an_option_is_in_no_record),
		brood_test(test_without_even_a_name_it_says_so),
		brood_test(test_the_current_directory_is_no_place_for_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
