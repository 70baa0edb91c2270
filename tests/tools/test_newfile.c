/* SPDX-License-Identifier: MIT */
/* A file that appears whole or not at all, and what it does with names that are not what they seem. */
#include "support/support.h"

#include "newfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- words for these tests ---- */

static const char *target(void)
{
	static char path[256];

	return support_path(path, sizeof(path), "out.html");
}

static struct newfile *begin(const char *path, const char *text)
{
	struct newfile *file = NULL;

	assert_int_equal(newfile_new(path, &file), 0);
	fputs(text, newfile_stream(file));
	return file;
}

/* A device that is always full, by a name of our own: as root, a fault in what is tested would replace /dev/full for the whole machine. */
static const char *full_device(void)
{
	static char path[256];

	support_path(path, sizeof(path), "full");
	assert_int_equal(symlink("/dev/full", path), 0);
	return path;
}

static void expect_text(const char *path, const char *text)
{
	char *got = support_read_file(path, NULL);

	assert_non_null(got);
	assert_string_equal(got, text);
	free(got);
}

static int count_entries(void)
{
	DIR *folder = opendir(support_tempdir());
	int count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;
}

/* ---- whole or not at all ---- */

static void test_file_has_its_name_once_it_is_finished(void **state)
{
	struct newfile *file = begin(target(), "all of it");

	assert_int_equal(newfile_finish(file), 0);
	expect_text(target(), "all of it");
	assert_int_equal(count_entries(), 1);
}

static void test_older_file_stands_until_then(void **state)
{
	struct newfile *file;

	support_write_text(target(), "older");
	file = begin(target(), "newer");
	fflush(newfile_stream(file));
	expect_text(target(), "older");
	assert_int_equal(newfile_finish(file), 0);
	expect_text(target(), "newer");
	assert_int_equal(count_entries(), 1);
}

static void test_dropped_file_leaves_nothing(void **state)
{
	support_tempdir();
	newfile_drop(begin(target(), "half of"));
	newfile_drop(NULL);
	assert_int_equal(count_entries(), 0);
}

static void test_killed_writer_leaves_nothing_where_files_need_no_name(void **state)
{
	struct newfile *file = begin(target(), "half of");
	int entries;

	fflush(newfile_stream(file));
	entries = count_entries();
	newfile_drop(file);
	skip_unless(entries == 0, "no O_TMPFILE here");
}

static void write_by_name(void *data)
{
	struct newfile *file;

	support_deny_syscall_when(SYS_openat, 2, O_TMPFILE, O_TMPFILE, EOPNOTSUPP);
	file = begin(target(), "by name");
	assert_int_equal(count_entries(), 1);
	assert_int_equal(newfile_finish(file), 0);
	expect_text(target(), "by name");
	newfile_drop(begin(target(), "never"));
	assert_int_equal(count_entries(), 1);
}

static void test_file_system_without_unnamed_files_will_do(void **state)
{
	support_tempdir();
	support_assert_in_fork(write_by_name, NULL);
}

static void write_beyond_the_limit(void *data)
{
	const struct rlimit limit = { 8192, 8192 };
	char block[1000];
	struct newfile *file;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	file = begin(target(), "");
	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 200; i++)
		fwrite(block, 1, sizeof(block), newfile_stream(file));
	assert_int_equal(newfile_error(file), -EFBIG);
	assert_int_equal(newfile_finish(file), -EFBIG);
}

static void test_disk_that_fills_up_leaves_the_older_file(void **state)
{
	support_write_text(target(), "older");
	support_assert_in_fork(write_beyond_the_limit, NULL);
	expect_text(target(), "older");
	assert_int_equal(count_entries(), 1);
}

static void test_mode_is_what_the_umask_leaves(void **state)
{
	mode_t before = umask(027);
	struct newfile *file = begin(target(), "x");
	struct stat info;

	umask(before);
	assert_int_equal(newfile_finish(file), 0);
	assert_int_equal(stat(target(), &info), 0);
	assert_int_equal(info.st_mode & 0777, 0640);
}

static void elsewhere(void *data)
{
	struct newfile *file;

	assert_int_equal(chdir(support_tempdir()), 0);
	file = begin("out.html", "here");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(newfile_finish(file), 0);
}

static void test_relative_name_means_the_folder_of_its_beginning(void **state)
{
	support_tempdir();
	support_assert_in_fork(elsewhere, NULL);
	expect_text(target(), "here");
}

/* ---- names that are not what they seem ---- */

static void test_symbolic_link_under_the_name_is_replaced(void **state)
{
	char other[256];
	struct stat info;

	support_write_text(support_path(other, sizeof(other), "other"), "untouched");
	assert_int_equal(symlink(other, target()), 0);
	assert_int_equal(newfile_finish(begin(target(), "mine")), 0);
	expect_text(other, "untouched");
	expect_text(target(), "mine");
	assert_int_equal(lstat(target(), &info), 0);
	assert_true(S_ISREG(info.st_mode));
}

static void test_fifo_is_written_to_directly(void **state)
{
	struct newfile *file;
	char text[16] = "";
	int fd;

	assert_int_equal(mkfifo((support_tempdir(), target()), 0600), 0);
	fd = open(target(), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	file = begin(target(), "through");
	assert_true(newfile_is_direct(file));
	assert_int_equal(newfile_finish(file), 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 7);
	assert_string_equal(text, "through");
	close(fd);
	assert_int_equal(count_entries(), 1);
}

static void test_regular_file_behind_a_descriptor_is_appended_to(void **state)
{
	char path[64];
	int fd;

	support_write_text(target(), "output of jobs, ");
	fd = open(target(), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(newfile_finish(begin(path, "report")), 0);
	close(fd);
	expect_text(target(), "output of jobs, report");
}

/* As /dev/stdout is one. Were it replaced, the machine would have no /dev/stdout any more. */
static void test_link_to_a_descriptor_is_followed(void **state)
{
	char link[256], path[64];
	struct stat info;
	int fd;

	support_write_text(target(), "output of jobs, ");
	fd = open(target(), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(symlink(path, support_path(link, sizeof(link), "stdout")), 0);
	assert_int_equal(newfile_finish(begin(link, "report")), 0);
	close(fd);
	expect_text(target(), "output of jobs, report");
	assert_int_equal(lstat(link, &info), 0);
	assert_true(S_ISLNK(info.st_mode));
}

static void test_full_device_is_told(void **state)
{
	assert_int_equal(newfile_finish(begin(full_device(), "x")), -ENOSPC);
}

static void test_missing_folder_is_told_at_once(void **state)
{
	struct newfile *file = NULL;
	char path[256];

	assert_int_equal(newfile_new(support_path(path, sizeof(path), "no/such"), &file), -ENOENT);
	assert_null(file);
}

static void test_folder_is_no_file(void **state)
{
	struct newfile *file = NULL;

	assert_int_equal(newfile_new(support_tempdir(), &file), -EISDIR);
	assert_int_equal(newfile_new("no-such-folder/", &file), -EISDIR);
	assert_int_equal(newfile_new("", &file), -ENOENT);
}

/* ---- scratch ---- */

static void expect_scratch(int fd)
{
	char text[8] = "";

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "scratch", 7, 0), 7);
	assert_int_equal(pread(fd, text, 7, 0), 7);
	assert_string_equal(text, "scratch");
	close(fd);
}

static void test_scratch_is_a_file_without_a_name(void **state)
{
	support_tempdir();
	expect_scratch(newfile_scratch(target()));
	assert_int_equal(count_entries(), 0);
}

static void scratch_by_name(void *data)
{
	support_deny_syscall_when(SYS_openat, 2, O_TMPFILE, O_TMPFILE, EOPNOTSUPP);
	expect_scratch(newfile_scratch(target()));
	assert_int_equal(count_entries(), 0);
}

static void test_scratch_loses_its_name_at_once_where_it_needs_one(void **state)
{
	support_tempdir();
	support_assert_in_fork(scratch_by_name, NULL);
}

static void test_scratch_of_a_device_lies_elsewhere(void **state)
{
	expect_scratch(newfile_scratch(full_device()));
	assert_int_equal(count_entries(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_file_has_its_name_once_it_is_finished),
		brood_test(test_older_file_stands_until_then),
		brood_test(test_dropped_file_leaves_nothing),
		brood_test(test_killed_writer_leaves_nothing_where_files_need_no_name),
		brood_test(test_file_system_without_unnamed_files_will_do),
		brood_test(test_disk_that_fills_up_leaves_the_older_file),
		brood_test(test_mode_is_what_the_umask_leaves),
		brood_test(test_relative_name_means_the_folder_of_its_beginning),
		brood_test(test_symbolic_link_under_the_name_is_replaced),
		brood_test(test_fifo_is_written_to_directly),
		brood_test(test_regular_file_behind_a_descriptor_is_appended_to),
		brood_test(test_link_to_a_descriptor_is_followed),
		brood_test(test_full_device_is_told),
		brood_test(test_missing_folder_is_told_at_once),
		brood_test(test_folder_is_no_file),
		brood_test(test_scratch_is_a_file_without_a_name),
		brood_test(test_scratch_loses_its_name_at_once_where_it_needs_one),
		brood_test(test_scratch_of_a_device_lies_elsewhere),
	};

	return cmocka_run_group_tests_name("newfile", tests, NULL, NULL);
}
