/* SPDX-License-Identifier: MIT */
/* Whose links are followed when a file that the user named is opened. */
#include "support/support.h"

#include "openfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "strangers.h"

enum { WRITING = O_WRONLY | O_CREAT | O_TRUNC };

static void expect_text(const char *path, const char *text)
{
	char *got = support_read_file(path, NULL);

	assert_non_null(got);
	assert_string_equal(got, text);
	free(got);
}

static void write_by(const char *path)
{
	int fd = openfile(path, WRITING, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "new", 3), 3);
	close(fd);
}

static void test_a_file_is_made_with_its_mode_and_closed_at_exec(void **state)
{
	char path[4096];
	int fd = openfile(support_path(path, sizeof(path), "file"), WRITING, 0640);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	close(fd);
}

static void test_a_name_without_a_folder_lies_here(void **state)
{
	char path[4096];
	int here = open(".", O_PATH | O_CLOEXEC);

	assert_int_equal(chdir(support_tempdir()), 0);
	write_by("file");
	assert_int_equal(fchdir(here), 0);
	close(here);
	expect_text(support_path(path, sizeof(path), "file"), "new");
}

static void test_a_link_of_ours_is_followed_wherever_it_leads(void **state)
{
	char path[4096], target[4096];

	assert_int_equal(symlink("second", support_path(path, sizeof(path), "first")), 0);
	assert_int_equal(symlink("target", support_path(target, sizeof(target), "second")), 0);
	write_by(path);
	expect_text(support_path(target, sizeof(target), "target"), "new");
	write_by(path);
	expect_text(target, "new");
}

static void test_a_stranger_s_link_is_not_followed(void **state)
{
	char path[4096], target[4096];

	support_write_text(support_path(target, sizeof(target), "target"), "mine");
	strangers_link(path, sizeof(path), "link", target);
	assert_int_equal(openfile(path, WRITING, 0600), -EACCES);
	assert_int_equal(openfile(path, O_WRONLY | O_APPEND, 0600), -EACCES);
	expect_text(target, "mine");
}

static void test_a_stranger_s_link_to_nothing_makes_nothing(void **state)
{
	char path[4096], target[4096];

	strangers_link(path, sizeof(path), "link", support_path(target, sizeof(target), "target"));
	assert_int_equal(openfile(path, WRITING, 0600), -EACCES);
	assert_int_equal(access(target, F_OK), -1);
}

/* They need no link to do what they like in a folder of their own. */
static void test_the_folder_s_owner_may_have_links_in_it(void **state)
{
	char path[4096], target[4096], folder[4096];

	assert_int_equal(mkdir(support_path(folder, sizeof(folder), "theirs"), 0700), 0);
	strangers_link(path, sizeof(path), "theirs/link", support_path(target, sizeof(target), "target"));
	assert_int_equal(chown(folder, STRANGER, STRANGER), 0);
	write_by(path);
	expect_text(target, "new");
}

static void test_a_descriptor_s_name_leads_to_what_it_is(void **state)
{
	char path[64], bytes[4];
	int ends[2], fd;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	fd = openfile(path, O_WRONLY, 0);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "new", 3), 3);
	assert_int_equal(read(ends[0], bytes, sizeof(bytes)), 3);
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

static void test_a_folder_may_end_in_slashes_and_be_a_link_of_ours(void **state)
{
	char path[4096], folder[4096];
	int fd;

	assert_int_equal(mkdir(support_path(folder, sizeof(folder), "folder"), 0700), 0);
	assert_int_equal(symlink("folder", support_path(path, sizeof(path), "link")), 0);
	strcat(path, "//");
	fd = openfile(path, O_RDONLY | O_DIRECTORY, 0);
	assert_true(fd >= 0);
	close(fd);
}

static void test_slashes_do_not_hide_a_stranger_s_link_to_a_folder(void **state)
{
	char path[4096];

	strangers_link(path, sizeof(path), "link", support_tempdir());
	assert_int_equal(openfile(path, O_RDONLY | O_DIRECTORY, 0), -EACCES);
	strcat(path, "/");
	assert_int_equal(openfile(path, O_RDONLY | O_DIRECTORY, 0), -EACCES);
}

static void test_what_is_no_file_is_told_as_open_does(void **state)
{
	char path[4096];

	support_write_text(support_path(path, sizeof(path), "file"), "");
	assert_int_equal(openfile(path, O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
	assert_int_equal(openfile("", WRITING, 0600), -ENOENT);
	assert_int_equal(openfile("/nonexistent/file", WRITING, 0600), -ENOENT);
	assert_int_equal(openfile(support_tempdir(), WRITING, 0600), -EISDIR);
	assert_int_equal(openfile("/", WRITING, 0600), -EISDIR);
	assert_int_equal(symlink("loop", support_path(path, sizeof(path), "loop")), 0);
	assert_int_equal(openfile(path, WRITING, 0600), -ELOOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_a_file_is_made_with_its_mode_and_closed_at_exec),
		brood_test(test_a_name_without_a_folder_lies_here),
		brood_test(test_a_link_of_ours_is_followed_wherever_it_leads),
		brood_test(test_a_stranger_s_link_is_not_followed),
		brood_test(test_a_stranger_s_link_to_nothing_makes_nothing),
		brood_test(test_the_folder_s_owner_may_have_links_in_it),
		brood_test(test_a_descriptor_s_name_leads_to_what_it_is),
		brood_test(test_a_folder_may_end_in_slashes_and_be_a_link_of_ours),
		brood_test(test_slashes_do_not_hide_a_stranger_s_link_to_a_folder),
		brood_test(test_what_is_no_file_is_told_as_open_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
