/* SPDX-License-Identifier: MIT */
/*
 * The report as a file: that every stage has its bar, every link its place, that no text of others becomes part of the page, and that it is there whole or
 * not at all. How it looks is seen by tests/checks/report-browser.sh.
 */
#include "support/support.h"

#include "report.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "records.h"

static const char hostile[] = "\"><script>alert(1)</script>' & \xe2\x80\xae\x1b[31m\xe2\x81\xa6\n";

/* ---- words for these tests ---- */

static const struct report_facts plain = { .title = "brood map", .command = "wc -l {}" };

static const char *report_path(void)
{
	static char path[256];

	return support_path(path, sizeof(path), "report.html");
}

static struct report *begin(void)
{
	struct report *report = NULL;

	assert_int_equal(report_new(report_path(), &report), 0);
	return report;
}

static void add(struct report *report, json_t *record_take)
{
	assert_int_equal(report_add(report, record_take), 0);
	json_decref(record_take);
}

/* The page; to be freed. */
static char *end(struct report *report, const struct report_facts *facts)
{
	char *page;

	assert_int_equal(report_finish(report, facts), 0);
	page = support_read_file(report_path(), NULL);
	assert_non_null(page);
	return page;
}

static char *page_of_run(size_t jobs, size_t stages)
{
	struct made_up_run run = { .done = 0 };
	struct report *report = begin();

	for (size_t i = 0; i < jobs; i++)
		add(report, made_up_next(&run, stages, 4));
	return end(report, &plain);
}

static char *page_of(json_t *record_take, const struct report_facts *facts)
{
	struct report *report = begin();

	add(report, record_take);
	return end(report, facts);
}

static json_t *never_started(uint64_t number, const char *cause)
{
	json_t *record = made_up_record(number, "x", 2, 0, 0, 0), *stage;
	size_t i;

	json_object_set_new(record, "cause", json_string(cause));
	json_object_del(record, "started");
	json_array_foreach(json_object_get(record, "stages"), i, stage) {
		json_object_del(stage, "start_ns");
		json_object_del(stage, "end_ns");
		json_object_del(stage, "usage");
		json_object_set_new(stage, "how", json_string("not started"));
	}
	return record;
}

static size_t count(const char *page, const char *what)
{
	size_t found = 0;

	for (const char *at = strstr(page, what); at; at = strstr(at + 1, what))
		found++;
	return found;
}

/* Bars stand at a percentage; the rectangles of the legend and of patterns do not. `class` NULL: any. */
static size_t count_bars(const char *page, const char *class)
{
	static const char start[] = "<rect class=\"";
	size_t found = 0;

	for (const char *at = strstr(page, start); at; at = strstr(at + 1, start)) {
		const char *close = strchr(at, '>'), *percent = strstr(at, "%\"");

		if (percent && percent < close && (!class || at[sizeof(start) - 1] == class[0]))
			found++;
	}
	return found;
}

/* Every value of an attribute, as the keys of an object; its value is how often it is there. */
static json_t *values_of(const char *page, const char *attribute)
{
	json_t *values = json_object();

	for (const char *at = strstr(page, attribute); at; at = strstr(at + 1, attribute)) {
		const char *from = at + strlen(attribute), *to = strchr(from, '"');
		char *value = strndup(from, (size_t)(to - from));
		json_t *before = json_object_get(values, value);

		json_object_set_new(values, value, json_integer(json_integer_value(before) + 1));
		free(value);
	}
	return values;
}

static int count_entries(void)
{
	DIR *folder = opendir(support_tempdir());
	int entries = 0;

	assert_non_null(folder);
	while (readdir(folder))
		entries++;
	closedir(folder);
	return entries - 2;
}

#define expect_in(page, text)						\
	do {								\
		if (!strstr(page, text))				\
			fail_msg("the page has no '%s'", text);		\
	} while (0)

/* ---- the time line ---- */

static void test_every_stage_of_every_job_has_a_bar(void **state)
{
	char *page = page_of_run(450, 3);

	assert_int_equal(count_bars(page, NULL), 450 * 3);
	assert_int_equal(count(page, "<tr id=\"job-"), 450);
	free(page);
}

static void test_names_are_unique_and_links_lead_to_them(void **state)
{
	char *page = page_of_run(450, 2);
	json_t *ids = values_of(page, " id=\""), *links = values_of(page, "href=\"#");
	const char *key;
	json_t *value;

	json_object_foreach(ids, key, value)
		if (json_integer_value(value) != 1)
			fail_msg("'%s' is there %d times", key, (int)json_integer_value(value));
	assert_true(json_object_size(links) >= 900);
	json_object_foreach(links, key, value)
		if (!json_object_get(ids, key))
			fail_msg("there is no '%s'", key);
	json_decref(ids);
	json_decref(links);
	free(page);
}

static void test_parts_of_two_hundred_are_folded_but_for_the_first(void **state)
{
	char *page = page_of_run(450, 1);

	assert_int_equal(count(page, "<details"), 3);
	assert_int_equal(count(page, "<details open>"), 1);
	assert_int_equal(count(page, "</details>"), 3);
	expect_in(page, "<b>401 to 450</b>");
	assert_int_equal(count(page, "<svg"), count(page, "</svg>"));
	free(page);
}

static void test_few_jobs_are_not_folded(void **state)
{
	char *page = page_of_run(200, 1);

	assert_int_equal(count(page, "<details"), 0);
	free(page);
}

static void test_jobs_stand_in_the_order_of_their_starts(void **state)
{
	struct report *report = begin();
	char *page;

	add(report, made_up_record(2, "b", 1, MADE_UP_START + 5000000, 1000000, 1));
	add(report, made_up_record(3, "c", 1, MADE_UP_START + 9000000, 1000000, 1));
	add(report, made_up_record(1, "a", 1, MADE_UP_START, 90000000, 1));
	page = end(report, &plain);
	assert_true(strstr(page, "<tr id=\"job-1\"") < strstr(page, "<tr id=\"job-2\""));
	assert_true(strstr(page, "<tr id=\"job-2\"") < strstr(page, "<tr id=\"job-3\""));
	free(page);
}

static void test_bar_too_short_to_see_is_two_pixels_wide(void **state)
{
	struct report *report = begin();
	char *page;

	add(report, made_up_record(1, "long", 1, MADE_UP_START, 1000000000, 1));
	add(report, made_up_record(2, "short", 1, MADE_UP_START, 1000, 1));
	page = end(report, &plain);
	assert_int_equal(count(page, "width=\"2\" style=\"width:max(2px,0%)\""), 1);
	free(page);
}

static void test_failed_stage_is_striped_and_says_how(void **state)
{
	char *page = page_of(made_up_record(7, "x", 3, MADE_UP_START, 1000000, 0), &plain);

	assert_int_equal(count_bars(page, "x"), 1);
	assert_int_equal(count_bars(page, "a"), 1);
	expect_in(page, ">exit 3</text>");
	expect_in(page, "rect.x{fill:url(#striped)");
	expect_in(page, "<pattern id=\"striped\"");
	free(page);
}

static void test_stage_that_was_stopped_is_dotted(void **state)
{
	json_t *record = made_up_record(7, "x", 1, MADE_UP_START, 1000000, 0);
	json_t *stage = json_array_get(json_object_get(record, "stages"), 0);
	char *page;

	json_object_set_new(record, "cause", json_string("deadline"));
	json_object_set_new(stage, "cause", json_string("deadline"));
	page = page_of(record, &plain);
	assert_int_equal(count_bars(page, "y"), 1);
	expect_in(page, ">timed out</text>");
	free(page);
}

static void test_writer_that_died_of_sigpipe_is_no_failure(void **state)
{
	json_t *record = made_up_record(7, "x", 2, MADE_UP_START, 1000000, 1);
	json_t *stage = json_array_get(json_object_get(record, "stages"), 0);
	char *page;

	json_object_set_new(stage, "how", json_string("signalled"));
	json_object_set_new(stage, "signal", json_integer(SIGPIPE));
	page = page_of(record, &plain);
	assert_int_equal(count_bars(page, "x"), 0);
	free(page);
}

static void test_job_that_could_not_start_stands_where_the_one_before_it_ended(void **state)
{
	struct report *report = begin();
	char *page;

	add(report, never_started(1, "failure"));
	add(report, made_up_record(2, "x", 2, MADE_UP_START, 1000000, 1));
	add(report, never_started(3, "failure"));
	page = end(report, &plain);
	assert_int_equal(count_bars(page, "n"), 4);
	expect_in(page, "<rect class=\"n\" x=\"0.5%\"");
	expect_in(page, "<rect class=\"n\" x=\"99.5%\"");
	expect_in(page, "cannot start");
	free(page);
}

static void test_stage_that_could_not_start_is_the_one_that_failed(void **state)
{
	json_t *record = never_started(7, "failure");
	char *page;

	json_object_set_new(record, "failure", json_pack("{s:i, s:s, s:i}", "stage", 1, "step", "exec", "errno", ENOENT));
	page = page_of(record, &plain);
	assert_int_equal(count_bars(page, "n"), 1);
	assert_int_equal(count_bars(page, "x"), 1);
	free(page);
}

static void test_one_chain_alone_has_a_row_for_each_stage(void **state)
{
	json_t *record = made_up_record(7, "x", 3, MADE_UP_START, 1000000, 0);
	char *page;

	json_object_del(record, "job");
	json_object_del(record, "input");
	page = page_of(record, &plain);
	assert_int_equal(count_bars(page, NULL), 3);
	assert_int_equal(count(page, "<tr id=\"stage-"), 3);
	assert_int_equal(count(page, "Failed jobs"), 0);
	expect_in(page, "<p class=\"x\">stage 3 &#39;md5sum&#39;: exited with 3</p>");
	expect_in(page, "<dd>exit 3</dd>");
	free(page);
}

/* ---- what failed ---- */

static void test_failed_jobs_are_listed_with_the_reason(void **state)
{
	char *page = page_of(made_up_record(7, "data.csv", 1, MADE_UP_START, 1000000, 0), &plain);

	expect_in(page, "Failed jobs");
	expect_in(page, "exited with 3");
	expect_in(page, "<a href=\"#bar-7\">7</a>");
	free(page);
}

static void test_table_of_failures_ends_at_five_hundred(void **state)
{
	struct report *report = begin();
	char *page;

	for (uint64_t i = 1; i <= 620; i++)
		add(report, made_up_record(i, "x", 1, MADE_UP_START + (int64_t)i * 1000000, 1000000, 0));
	page = end(report, &plain);
	assert_int_equal(count(page, "<tr><th scope=\"row\">"), 500);
	expect_in(page, "and 120 more");
	assert_int_equal(count_bars(page, "x"), 620);
	free(page);
}

static void test_run_without_failures_has_no_such_table(void **state)
{
	char *page = page_of(made_up_record(1, "x", 1, MADE_UP_START, 1000000, 1), &plain);

	assert_int_equal(count(page, "Failed jobs"), 0);
	expect_in(page, "\xe2\x9c\x93 ok");
	free(page);
}

/* ---- sums ---- */

static void test_tiles_count_what_became_of_the_jobs(void **state)
{
	const struct report_facts facts = { .title = "brood map", .command = "x", .given = 20, .skipped = 5, .ending = "interrupted by SIGINT" };
	struct report *report = begin();
	char *page;

	add(report, made_up_record(1, "x", 1, MADE_UP_START, 1000000, 1));
	add(report, made_up_record(31, "x", 1, MADE_UP_START, 1000000, 1));
	add(report, made_up_record(3, "x", 1, MADE_UP_START, 1000000, 0));
	add(report, never_started(4, "cancel"));
	page = end(report, &facts);
	expect_in(page, "<dt>jobs</dt><dd class=\"\">20<");
	expect_in(page, "<dt>ok</dt><dd class=\"\">2<");
	expect_in(page, "<dt>failed</dt><dd class=\"x\">1<");
	expect_in(page, "<dt>not run</dt><dd class=\"y\">12<");
	expect_in(page, "<dt>skipped</dt><dd class=\"\">5<");
	expect_in(page, "<dt>retried</dt><dd class=\"y\">1<");
	expect_in(page, "<dt>to stdout</dt><dd>16 KiB<");
	expect_in(page, "interrupted by SIGINT");
	expect_in(page, "Started 2026-11-20 12:00:00 UTC, took 1 ms");
	free(page);
}

static void test_slowest_job_is_a_link(void **state)
{
	struct report *report = begin();
	char *page;

	add(report, made_up_record(1, "x", 1, MADE_UP_START, 1000000, 1));
	add(report, made_up_record(2, "x", 1, MADE_UP_START, 2000000000, 1));
	page = end(report, &plain);
	expect_in(page, "slowest job</dt><dd><a href=\"#job-2\">2 s</a>");
	free(page);
}

static void test_report_of_no_job_is_a_page(void **state)
{
	char *page = end(begin(), &plain);

	expect_in(page, "Nothing was started");
	expect_in(page, "</html>");
	assert_int_equal(count(page, "<table"), 0);
	free(page);
}

/* ---- texts of others ---- */

static void test_hostile_text_stays_text(void **state)
{
	const struct report_facts facts = { .title = hostile, .command = "<b>\xff\xc3", .ending = hostile };
	json_t *record = made_up_record(1, hostile, 1, MADE_UP_START, 1000000, 0);
	char *page;

	json_object_set_new(record, "description", json_string(hostile));
	json_object_set_new(json_array_get(json_object_get(record, "stages"), 0), "name", json_string(hostile));
	page = page_of(record, &facts);
	assert_int_equal(count(page, "<script"), 0);
	assert_int_equal(count(page, "\xe2\x80\xae"), 0);
	assert_int_equal(count(page, "\xe2\x81\xa6"), 0);
	assert_null(strchr(page, '\x1b'));
	expect_in(page, "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39; &amp; \\u202e\\x1b[31m\\u2066\\n");
	expect_in(page, "<code>&lt;b&gt;\xef\xbf\xbd\xef\xbf\xbd</code>");
	free(page);
}

static void test_long_label_is_cut_in_the_middle(void **state)
{
	char *page = page_of(made_up_record(1, "/a/very/long/path/that/nobody/could/ever/read/in/one/go/\xc3\xa9t\xc3\xa9.csv", 1, MADE_UP_START, 1000000, 1), &plain);

	expect_in(page, "<code>/a/very/long/p\xe2\x80\xa6one/go/\xc3\xa9t\xc3\xa9.csv</code>");
	free(page);
}

static void test_page_needs_nothing_but_itself(void **state)
{
	char *page = page_of_run(20, 2);

	assert_int_equal(count(page, "://"), 0);
	assert_int_equal(count(page, "src="), 0);
	assert_int_equal(count(page, "<link"), 0);
	assert_int_equal(count(page, "@import"), 0);
	assert_int_equal(count(page, "url("), count(page, "url(#"));
	expect_in(page, "Content-Security-Policy");
	expect_in(page, "<html lang=\"en\">");
	free(page);
}

/* ---- the file ---- */

static void test_report_is_there_once_it_is_finished(void **state)
{
	struct report *report;

	support_write_text(report_path(), "older");
	report = begin();
	add(report, made_up_record(1, "x", 1, MADE_UP_START, 1000000, 1));
	assert_int_equal(count_entries(), 1);
	free(end(report, &plain));
	assert_int_equal(count_entries(), 1);
}

static void test_dropped_report_leaves_nothing(void **state)
{
	struct report *report;

	support_tempdir();
	report = begin();
	add(report, made_up_record(1, "x", 1, MADE_UP_START, 1000000, 1));
	report_drop(report);
	report_drop(NULL);
	assert_int_equal(count_entries(), 0);
}

static void test_missing_folder_is_told_before_the_work(void **state)
{
	struct report *report = NULL;
	char path[256];

	assert_int_equal(report_new(support_path(path, sizeof(path), "no/such.html"), &report), -ENOENT);
	assert_null(report);
}

/* By a name of our own: as root, a fault in what is tested would replace /dev/full for the whole machine. */
static void test_full_device_is_told(void **state)
{
	char path[256];
	json_t *record = made_up_record(1, "x", 1, MADE_UP_START, 1000000, 1);
	struct report *report = NULL;

	assert_int_equal(symlink("/dev/full", support_path(path, sizeof(path), "full")), 0);
	assert_int_equal(report_new(path, &report), 0);
	assert_int_equal(report_add(report, record), 0);
	assert_int_equal(report_finish(report, &plain), -ENOSPC);
	json_decref(record);
}

static void fill_the_disk(void *data)
{
	const struct rlimit limit = { 3000, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
	struct made_up_run run = { .done = 0 };
	struct report *report = begin();
	int r = 0;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 20 && r == 0; i++) {
		json_t *record = made_up_next(&run, 2, 2);

		r = report_add(report, record);
		json_decref(record);
	}
	assert_int_equal(r, -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(report_finish(report, &plain), -EFBIG);
}

static void test_full_disk_leaves_the_older_report(void **state)
{
	char *page;

	support_write_text(report_path(), "older");
	support_assert_in_fork(fill_the_disk, NULL);
	page = support_read_file(report_path(), NULL);
	assert_string_equal(page, "older");
	free(page);
	assert_int_equal(count_entries(), 1);
}

/* ---- ten thousand ---- */

enum { MANY = 10000 };

static void test_ten_thousand_jobs_are_a_file_that_opens(void **state)
{
	char *page;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	support_skip("a sanitizer measures all of the page at each of the searches in it");
#endif
	page = page_of_run(MANY, 3);
	assert_int_equal(count_bars(page, NULL), 3 * MANY);
	assert_int_equal(count(page, "<details"), MANY / 200);
	assert_true(strlen(page) < 12 << 20);
	free(page);
}

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void report_many(void *data)
{
	struct made_up_run run = { .done = 0 };
	struct report *report = begin();
	long before = peak_kib();

	for (size_t i = 0; i < MANY; i++)
		add(report, made_up_next(&run, 3, 4));
	assert_int_equal(report_finish(report, &plain), 0);
	/* Sixteen bytes for each, twice while they grow and are sorted, and the records of one part: not the ten megabytes of the page. */
	assert_true(peak_kib() - before < 6000);
}

static void test_memory_does_not_grow_with_the_records(void **state)
{
	skip_under_valgrind();
#ifdef __SANITIZE_ADDRESS__
	support_skip("AddressSanitizer keeps what was freed");
#endif
	support_tempdir();
	support_assert_in_fork(report_many, NULL);
}

static void test_two_that_touch_are_not_two_at_once(void **state)
{
	struct report *report = begin();
	char *page;

	(void)state;
	for (int i = 0; i < 6; i++)
		add(report, made_up_record((uint64_t)i + 1, "x", 1, MADE_UP_START + i * INT64_C(499990000), 500000000, 1));
	page = end(report, &plain);
	assert_non_null(strstr(page, "Jobs running over time, up to 1;"));
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_every_stage_of_every_job_has_a_bar),
		brood_test(test_names_are_unique_and_links_lead_to_them),
		brood_test(test_parts_of_two_hundred_are_folded_but_for_the_first),
		brood_test(test_few_jobs_are_not_folded),
		brood_test(test_jobs_stand_in_the_order_of_their_starts),
		brood_test(test_bar_too_short_to_see_is_two_pixels_wide),
		brood_test(test_failed_stage_is_striped_and_says_how),
		brood_test(test_stage_that_was_stopped_is_dotted),
		brood_test(test_writer_that_died_of_sigpipe_is_no_failure),
		brood_test(test_job_that_could_not_start_stands_where_the_one_before_it_ended),
		brood_test(test_stage_that_could_not_start_is_the_one_that_failed),
		brood_test(test_one_chain_alone_has_a_row_for_each_stage),
		brood_test(test_failed_jobs_are_listed_with_the_reason),
		brood_test(test_table_of_failures_ends_at_five_hundred),
		brood_test(test_run_without_failures_has_no_such_table),
		brood_test(test_tiles_count_what_became_of_the_jobs),
		brood_test(test_slowest_job_is_a_link),
		brood_test(test_report_of_no_job_is_a_page),
		brood_test(test_hostile_text_stays_text),
		brood_test(test_long_label_is_cut_in_the_middle),
		brood_test(test_page_needs_nothing_but_itself),
		brood_test(test_report_is_there_once_it_is_finished),
		brood_test(test_dropped_report_leaves_nothing),
		brood_test(test_missing_folder_is_told_before_the_work),
		brood_test(test_full_device_is_told),
		brood_test(test_full_disk_leaves_the_older_report),
		brood_test(test_ten_thousand_jobs_are_a_file_that_opens),
		brood_test(test_memory_does_not_grow_with_the_records),
		brood_test(test_two_that_touch_are_not_two_at_once),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
