/* SPDX-License-Identifier: MIT */
/* Which files a program's name stands for, without looking at any of them. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

#include "spawn/lookup.h"

/* The candidates joined with '|'. */
static void assert_candidates(const char *program, const char *path, const char *base, const char *expected)
{
	char text[1024] = "";
	size_t count = 99;
	char **list = lookup_candidates(program, path, base, &count);
	size_t i;

	assert_non_null(list);
	for (i = 0; list[i]; i++) {
		if (i > 0)
			strcat(text, "|");
		strcat(text, list[i]);
	}
	assert_string_equal(text, expected);
	assert_int_equal(i, count);
	free(list);
}

static void test_each_part_of_path_gives_one_candidate_in_order(void **state)
{
	(void)state;
	assert_candidates("ls", "/usr/bin:/bin", NULL, "/usr/bin/ls|/bin/ls");
	assert_candidates("ls", "/", NULL, "/ls");
	assert_candidates("ls", "/bin/", NULL, "/bin/ls");
	assert_candidates("ls", "/bin:/bin", NULL, "/bin/ls|/bin/ls");
}

static void test_empty_and_dot_parts_are_not_searched(void **state)
{
	(void)state;
	assert_candidates("ls", ":/bin", NULL, "/bin/ls");
	assert_candidates("ls", "/bin:", NULL, "/bin/ls");
	assert_candidates("ls", "/a::/b", NULL, "/a/ls|/b/ls");
	assert_candidates("ls", ".:/bin:./:.//", NULL, "/bin/ls");
	assert_candidates("ls", "././:/bin", NULL, "/bin/ls");
	assert_candidates("ls", ":.:", "/home", "");
}

static void test_dots_that_are_more_than_the_current_directory_are_searched(void **state)
{
	(void)state;
	assert_candidates("ls", "..:.bin:./bin:/.", NULL, "../ls|.bin/ls|./bin/ls|/./ls");
}

static void test_an_empty_path_has_no_candidate(void **state)
{
	(void)state;
	assert_candidates("ls", "", NULL, "");
}

static void test_without_a_path_the_system_s_default_is_searched(void **state)
{
	size_t count;
	char **list = lookup_candidates("sh", NULL, NULL, &count);

	(void)state;
	assert_non_null(list);
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(list[i][0], '/');
	free(list);
}

static void test_a_name_with_a_slash_is_the_only_candidate(void **state)
{
	(void)state;
	assert_candidates("/opt/tool", "/usr/bin:/bin", NULL, "/opt/tool");
	assert_candidates("./tool", "/usr/bin:/bin", NULL, "./tool");
	assert_candidates("bin/tool", "", NULL, "bin/tool");
	assert_candidates("bin/", "/bin", NULL, "bin/");
}

static void test_relative_candidates_are_made_absolute_with_the_base(void **state)
{
	(void)state;
	assert_candidates("./tool", "/bin", "/home/me", "/home/me/./tool");
	assert_candidates("/opt/tool", "/bin", "/home/me", "/opt/tool");
	assert_candidates("tool", "bin:/bin", "/home/me", "/home/me/bin/tool|/bin/tool");
	assert_candidates("a/tool", NULL, "/", "/a/tool");
}

static void test_an_empty_name_is_not_searched(void **state)
{
	(void)state;
	assert_candidates("", "/usr/bin:/bin", NULL, "");
	assert_candidates("", "/usr/bin:/bin", "/home", "");
	assert_false(lookup_needs_base("", "bin"));
}

static void test_a_base_is_needed_only_for_relative_candidates(void **state)
{
	(void)state;
	assert_true(lookup_needs_base("./tool", "/bin"));
	assert_true(lookup_needs_base("a/tool", NULL));
	assert_false(lookup_needs_base("/opt/tool", "bin"));
	assert_true(lookup_needs_base("tool", "/bin:bin"));
	assert_true(lookup_needs_base("tool", "/bin:.."));
	assert_false(lookup_needs_base("tool", "/bin:/usr/bin"));
	assert_false(lookup_needs_base("tool", ":.:/bin"));
	assert_false(lookup_needs_base("tool", ""));
	assert_false(lookup_needs_base("tool", NULL));
}

static void test_a_path_of_a_megabyte_works(void **state)
{
	size_t size = 1 << 20;
	char *path = malloc(size + 1);
	size_t count;
	char **list;

	(void)state;
	assert_non_null(path);
	for (size_t i = 0; i < size; i++)
		path[i] = "/d:"[i % 3];
	path[size] = '\0';
	memcpy(path + size - 7, ":/x/y/z", 7);
	list = lookup_candidates("tool", path, NULL, &count);
	assert_non_null(list);
	assert_true(count >= size / 3 - 2);
	assert_string_equal(list[0], "/d/tool");
	assert_string_equal(list[count - 1], "/x/y/z/tool");
	assert_null(list[count]);
	free(list);
	free(path);
}

static void test_a_single_part_of_a_megabyte_works(void **state)
{
	size_t size = 1 << 20;
	char *path = malloc(size + 1);
	size_t count;
	char **list;

	(void)state;
	assert_non_null(path);
	memset(path, 'd', size);
	path[0] = '/';
	path[size] = '\0';
	list = lookup_candidates("tool", path, NULL, &count);
	assert_non_null(list);
	assert_int_equal(count, 1);
	assert_int_equal(strlen(list[0]), size + 5);
	free(list);
	free(path);
}

/* ---- going on ---- */

static void test_the_search_goes_on_after_an_error_of_one_place(void **state)
{
	static const int place[] = { ENOENT, ENOTDIR, EACCES, ESTALE, ENODEV, ETIMEDOUT, ELOOP, ENAMETOOLONG };
	int found;

	(void)state;
	for (size_t i = 0; i < sizeof place / sizeof *place; i++) {
		found = 0;
		assert_true(lookup_goes_on(place[i], &found));
		assert_int_equal(found, place[i]);
	}
}

static void test_the_search_stops_at_an_error_of_the_program(void **state)
{
	static const int program[] = { E2BIG, ETXTBSY, ENOEXEC, ENOMEM, EPERM, EIO, EMFILE, EINVAL };

	(void)state;
	for (size_t i = 0; i < sizeof program / sizeof *program; i++) {
		int found = EACCES;

		assert_false(lookup_goes_on(program[i], &found));
		assert_int_equal(found, program[i]);
	}
}

static void test_no_permission_is_reported_only_if_nothing_else_fits(void **state)
{
	int found = 0;

	(void)state;
	assert_true(lookup_goes_on(ENOENT, &found));
	assert_true(lookup_goes_on(EACCES, &found));
	assert_true(lookup_goes_on(ENOENT, &found));
	assert_true(lookup_goes_on(ENOTDIR, &found));
	assert_int_equal(found, EACCES);
}

static void test_not_found_is_reported_even_where_a_part_of_path_is_a_file(void **state)
{
	int found = 0;

	(void)state;
	assert_true(lookup_goes_on(ENOTDIR, &found));
	assert_true(lookup_goes_on(ENOENT, &found));
	assert_int_equal(found, ENOENT);
	assert_true(lookup_goes_on(ENOTDIR, &found));
	assert_int_equal(found, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_each_part_of_path_gives_one_candidate_in_order),
		brood_test(test_empty_and_dot_parts_are_not_searched),
		brood_test(test_dots_that_are_more_than_the_current_directory_are_searched),
		brood_test(test_an_empty_path_has_no_candidate),
		brood_test(test_without_a_path_the_system_s_default_is_searched),
		brood_test(test_a_name_with_a_slash_is_the_only_candidate),
		brood_test(test_relative_candidates_are_made_absolute_with_the_base),
		brood_test(test_an_empty_name_is_not_searched),
		brood_test(test_a_base_is_needed_only_for_relative_candidates),
		brood_test(test_a_path_of_a_megabyte_works),
		brood_test(test_a_single_part_of_a_megabyte_works),
		brood_test(test_the_search_goes_on_after_an_error_of_one_place),
		brood_test(test_the_search_stops_at_an_error_of_the_program),
		brood_test(test_no_permission_is_reported_only_if_nothing_else_fits),
		brood_test(test_not_found_is_reported_even_where_a_part_of_path_is_a_file),
	};

	return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}
