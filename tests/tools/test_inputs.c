/* SPDX-License-Identifier: MIT */
/* Inputs from words, files and standard input: each of them, whole, in order, and never a wait. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inputs.h"
#include "support/pty.h"

/* ---- words for these tests ---- */

static struct inputs *open_inputs(const struct inputs_settings *settings)
{
	struct inputs *inputs;
	char *why;

	if (inputs_new(settings, &inputs, &why) < 0)
		fail_msg("%s", why);
	return inputs;
}

static struct inputs *open_words(const char **words, size_t count)
{
	return open_inputs(&(struct inputs_settings){ .words = (char **)words, .word_count = count });
}

static struct inputs *open_file(const char *path)
{
	return open_inputs(&(struct inputs_settings){ .files = &path, .file_count = 1 });
}

/* A file in the test's directory with these bytes. */
static struct inputs *open_bytes(const void *bytes, size_t size, bool null_separated)
{
	char path[256];
	const char *file = support_path(path, sizeof(path), "list");

	support_write_file(path, bytes, size);
	return open_inputs(&(struct inputs_settings){ .files = &file, .file_count = 1, .null_separated = null_separated });
}

static void expect_next(struct inputs *inputs, const char *expected)
{
	char *input;

	assert_int_equal(inputs_next(inputs, &input), 1);
	assert_string_equal(input, expected);
	free(input);
}

static void expect_end(struct inputs *inputs)
{
	char *input;

	assert_int_equal(inputs_next(inputs, &input), 0);
	assert_null(input);
	assert_int_equal(inputs_next(inputs, &input), 0);
	inputs_free(inputs);
}

static void expect_nothing_yet(struct inputs *inputs)
{
	char *input;

	assert_int_equal(inputs_next(inputs, &input), -EAGAIN);
	assert_null(input);
}

/* The error is there, and stays. */
static void expect_error(struct inputs *inputs, int error, const char *part)
{
	char *input;

	assert_int_equal(inputs_next(inputs, &input), error);
	assert_null(input);
	assert_int_equal(inputs_next(inputs, &input), error);
	if (!strstr(inputs_why(inputs), part))
		fail_msg("'%s' does not say '%s'", inputs_why(inputs), part);
	inputs_free(inputs);
}

static void expect_refused(const struct inputs_settings *settings, int error, const char *part)
{
	struct inputs *inputs;
	char *why = NULL;

	assert_int_equal(inputs_new(settings, &inputs, &why), error);
	assert_null(inputs);
	if (!strstr(why, part))
		fail_msg("'%s' does not say '%s'", why, part);
	free(why);
}

static void wait_readable(const struct inputs *inputs)
{
	struct pollfd pollfd = { .fd = inputs_fd(inputs), .events = POLLIN };

	assert_int_equal(poll(&pollfd, 1, 30000), 1);
}

static void expect_total(struct inputs *inputs, uint64_t expected)
{
	uint64_t total;

	assert_true(inputs_total(inputs, &total));
	assert_int_equal(total, expected);
}

/* Standard input is this descriptor until give_stdin_back; -1: closed. */
static int take_stdin(int fd)
{
	int kept = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	assert_true(kept >= 0);
	if (fd >= 0)
		assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	else
		close(STDIN_FILENO);
	return kept;
}

static void give_stdin_back(int kept)
{
	dup2(kept, STDIN_FILENO);
	close(kept);
}

/* ---- words ---- */

static void test_words_come_in_order(void **state)
{
	struct inputs *inputs = open_words((const char *[]){ "a", "", "b c" }, 3);

	expect_total(inputs, 3);
	expect_next(inputs, "a");
	expect_next(inputs, "");
	expect_next(inputs, "b c");
	expect_end(inputs);
}

static void test_no_words_behind_the_colons_are_no_inputs(void **state)
{
	struct inputs *inputs = open_words((const char *[]){ NULL }, 0);

	expect_total(inputs, 0);
	assert_int_equal(inputs_fd(inputs), -1);
	expect_end(inputs);
}

static void test_words_come_before_files(void **state)
{
	char path[256];
	const char *file = support_path(path, sizeof(path), "list"), *word = "a";
	struct inputs *inputs;

	support_write_text(path, "b\n");
	inputs = open_inputs(&(struct inputs_settings){ .words = (char **)&word, .word_count = 1, .files = &file, .file_count = 1 });
	expect_total(inputs, 2);
	expect_next(inputs, "a");
	expect_next(inputs, "b");
	expect_end(inputs);
}

/* ---- lines ---- */

static void test_each_line_is_an_input_empty_ones_too(void **state)
{
	struct inputs *inputs = open_bytes("a\n\nb c\n", 7, false);

	expect_total(inputs, 3);
	expect_next(inputs, "a");
	expect_next(inputs, "");
	expect_next(inputs, "b c");
	expect_end(inputs);
}

static void test_a_last_line_needs_no_newline(void **state)
{
	struct inputs *inputs = open_bytes("a\nb", 3, false);

	expect_total(inputs, 2);
	expect_next(inputs, "a");
	expect_next(inputs, "b");
	expect_end(inputs);
}

static void test_an_empty_file_has_no_inputs(void **state)
{
	struct inputs *inputs = open_bytes("", 0, false);

	expect_total(inputs, 0);
	expect_end(inputs);
}

static void test_a_carriage_return_stays(void **state)
{
	struct inputs *inputs = open_bytes("a\r\n", 3, false);

	expect_next(inputs, "a\r");
	expect_end(inputs);
}

static void test_inputs_may_end_in_nul(void **state)
{
	struct inputs *inputs = open_bytes("a\nb\0\0c", 6, true);

	expect_total(inputs, 3);
	expect_next(inputs, "a\nb");
	expect_next(inputs, "");
	expect_next(inputs, "c");
	expect_end(inputs);
}

static void test_a_nul_in_a_line_is_told_with_its_number(void **state)
{
	struct inputs *inputs = open_bytes("a\nb\0c\nd\n", 8, false);

	expect_next(inputs, "a");
	expect_error(inputs, -EINVAL, "list', line 2: a NUL byte (-0");
}

static void test_a_nul_is_told_before_its_line_ends(void **state)
{
	expect_error(open_file("/dev/zero"), -EINVAL, "'/dev/zero', line 1: a NUL byte");
}

static void test_lines_of_every_length_around_a_block_are_whole(void **state)
{
	enum { BLOCK = 64 * 1024 };
	char *bytes = malloc(3 * BLOCK + 2);

	for (int more = -2; more <= 2; more++) {
		size_t size = (size_t)(BLOCK + more);
		struct inputs *inputs;
		char *input;

		memset(bytes, 'l', 3 * BLOCK);
		bytes[size] = '\n';
		bytes[2 * size + 1] = '\n';
		inputs = open_bytes(bytes, 2 * size + 2, false);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(inputs_next(inputs, &input), 1);
			assert_int_equal(strlen(input), size);
			free(input);
		}
		expect_end(inputs);
	}
	free(bytes);
}

static void test_a_line_of_a_mebibyte_is_whole(void **state)
{
	size_t size = 1 << 20;
	char *bytes = malloc(size + 3), *input;
	struct inputs *inputs;
	int r;

	memset(bytes, 'l', size);
	memcpy(bytes + size, "\nx\n", 3);
	inputs = open_bytes(bytes, size + 3, false);
	while ((r = inputs_next(inputs, &input)) == -EAGAIN)
		;
	assert_int_equal(r, 1);
	assert_int_equal(strlen(input), size);
	assert_memory_equal(input, bytes, size);
	expect_next(inputs, "x");
	expect_end(inputs);
	free(input);
	free(bytes);
}

static void test_files_come_in_order_and_end_their_last_lines(void **state)
{
	char first[256], second[256];
	const char *files[] = { support_path(first, sizeof(first), "first"), support_path(second, sizeof(second), "second") };
	struct inputs *inputs;

	support_write_text(first, "a\nb");
	support_write_text(second, "c");
	inputs = open_inputs(&(struct inputs_settings){ .files = files, .file_count = 2 });
	expect_total(inputs, 3);
	expect_next(inputs, "a");
	expect_next(inputs, "b");
	expect_next(inputs, "c");
	expect_end(inputs);
}

/* ---- standard input ---- */

static void test_a_pipe_gives_what_it_has_and_never_waits(void **state)
{
	struct inputs *inputs;
	uint64_t total;
	char *none;
	int fd[2], kept;

	assert_int_equal(pipe(fd), 0);
	kept = take_stdin(fd[0]);
	inputs = open_inputs(&(struct inputs_settings){ .file_count = 0 });
	expect_nothing_yet(inputs);
	assert_false(inputs_total(inputs, &total));
	support_write_all(fd[1], "one\ntw", 6);
	wait_readable(inputs);
	expect_next(inputs, "one");
	expect_nothing_yet(inputs);
	support_write_all(fd[1], "o\n", 2);
	expect_next(inputs, "two");
	close(fd[1]);
	assert_int_equal(inputs_next(inputs, &none), 0);
	expect_total(inputs, 2);
	expect_end(inputs);
	assert_int_equal(fcntl(fd[0], F_GETFL) & O_NONBLOCK, 0);
	close(fd[0]);
	give_stdin_back(kept);
}

static void test_a_regular_stdin_is_read_from_where_it_stands(void **state)
{
	char path[256];
	struct inputs *inputs;
	int fd, kept;

	support_write_text(support_path(path, sizeof(path), "list"), "header\na\nb\n");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(lseek(fd, 7, SEEK_SET), 7);
	kept = take_stdin(fd);
	inputs = open_inputs(&(struct inputs_settings){ .file_count = 0 });
	expect_total(inputs, 2);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 7);
	expect_next(inputs, "a");
	expect_total(inputs, 2);
	expect_next(inputs, "b");
	expect_end(inputs);
	give_stdin_back(kept);
	close(fd);
}

static void test_stdin_stays_open_when_the_inputs_are_freed(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), kept = take_stdin(fd);

	expect_end(open_file("-"));
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	give_stdin_back(kept);
	close(fd);
}

static void test_a_closed_stdin_is_an_error_and_not_the_end(void **state)
{
	int kept = take_stdin(-1);

	expect_refused(&(struct inputs_settings){ .file_count = 0 }, -EBADF, "standard input");
	give_stdin_back(kept);
}

static void test_a_stdin_for_writing_is_an_error(void **state)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC), kept = take_stdin(fd);

	expect_refused(&(struct inputs_settings){ .file_count = 0 }, -EBADF, "standard input");
	give_stdin_back(kept);
	close(fd);
}

static void test_stdin_twice_is_refused(void **state)
{
	const char *files[] = { "-", "-" };

	expect_refused(&(struct inputs_settings){ .files = files, .file_count = 2 }, -EINVAL, "once");
}

static void test_a_terminal_is_read_line_by_line(void **state)
{
	struct inputs *inputs;
	struct pty pty;
	int kept;

	pty_open(&pty);
	kept = take_stdin(pty.slave);
	inputs = open_inputs(&(struct inputs_settings){ .file_count = 0 });
	pty_type(&pty, "one\ntw");
	wait_readable(inputs);
	expect_next(inputs, "one");
	expect_nothing_yet(inputs);
	pty_type(&pty, "o\n" PTY_END_OF_FILE);
	wait_readable(inputs);
	expect_next(inputs, "two");
	expect_end(inputs);
	give_stdin_back(kept);
	pty_free(&pty);
}

/* ---- files that are none ---- */

static void test_a_missing_file_is_named_at_once(void **state)
{
	const char *files[] = { "/dev/null", "/nonexistent/list", "/dev/null" };

	expect_refused(&(struct inputs_settings){ .files = files, .file_count = 3 }, -ENOENT, "'/nonexistent/list': No such file");
}

static void test_a_folder_is_refused_at_once(void **state)
{
	const char *file = support_tempdir();

	expect_refused(&(struct inputs_settings){ .files = &file, .file_count = 1 }, -EISDIR, "Is a directory");
}

/* /proc/self/mem is a regular file whose first byte cannot be read. */
static void test_a_file_that_fails_is_an_error_after_those_before_it(void **state)
{
	char path[256];
	const char *files[] = { support_path(path, sizeof(path), "list"), "/proc/self/mem", path };
	struct inputs *inputs;
	uint64_t total;

	skip_unless(access("/proc/self/mem", R_OK) == 0, "no /proc/self/mem");
	support_write_text(path, "a\n");
	inputs = open_inputs(&(struct inputs_settings){ .files = files, .file_count = 3 });
	assert_false(inputs_total(inputs, &total));
	expect_next(inputs, "a");
	expect_error(inputs, -EIO, "'/proc/self/mem': Input/output error");
}

static void test_a_file_that_became_shorter_is_an_error(void **state)
{
	struct inputs *inputs = open_bytes("a\nb\nc\n", 6, false);
	char path[256];

	assert_int_equal(truncate(support_path(path, sizeof(path), "list"), 2), 0);
	expect_next(inputs, "a");
	expect_error(inputs, -EIO, "shorter");
}

static void test_a_fifo_without_a_writer_is_waited_for_outside(void **state)
{
	char path[256];
	struct inputs *inputs;
	int fd;

	assert_int_equal(mkfifo(support_path(path, sizeof(path), "fifo"), 0600), 0);
	inputs = open_file(path);
	expect_nothing_yet(inputs);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	expect_nothing_yet(inputs);
	support_write_all(fd, "a\nb", 3);
	expect_next(inputs, "a");
	expect_nothing_yet(inputs);
	close(fd);
	expect_next(inputs, "b");
	expect_end(inputs);
}

/* What never ends must let its caller look at signals in between. */
static void test_one_call_reads_so_much_and_no_more(void **state)
{
	char path[256], *room = malloc(4 << 20);
	struct inputs *inputs;
	char *input;
	int r, again = 0;

	memset(room, 'l', 4 << 20);
	support_write_file(support_path(path, sizeof(path), "list"), room, 4 << 20);
	inputs = open_file(path);
	while ((r = inputs_next(inputs, &input)) == -EAGAIN)
		again++;
	assert_int_equal(r, 1);
	assert_true(again >= 3);
	free(input);
	expect_end(inputs);
	free(room);
}

static void test_a_large_file_is_not_counted_beforehand(void **state)
{
	char path[256];
	struct inputs *inputs;
	uint64_t total;

	support_write_text(support_path(path, sizeof(path), "list"), "a\n");
	assert_int_equal(truncate(path, (64 << 20) + 4096), 0);
	inputs = open_file(path);
	assert_false(inputs_total(inputs, &total));
	inputs_free(inputs);
}

/* ---- another order ---- */

static void test_a_shuffle_has_each_input_once(void **state)
{
	const char *words[] = { "a", "b", "c", "d" };
	struct inputs *inputs;

	inputs = open_inputs(&(struct inputs_settings){ .words = (char **)words, .word_count = 4, .shuffle = true, .seed = 1 });
	expect_total(inputs, 4);
	expect_next(inputs, "c");
	expect_next(inputs, "a");
	expect_next(inputs, "d");
	expect_next(inputs, "b");
	expect_end(inputs);
}

static void test_a_shuffle_waits_for_the_last_line(void **state)
{
	struct inputs *inputs;
	char *first, *second;
	int fd[2], kept;

	assert_int_equal(pipe(fd), 0);
	kept = take_stdin(fd[0]);
	inputs = open_inputs(&(struct inputs_settings){ .shuffle = true });
	support_write_all(fd[1], "a\nb", 3);
	expect_nothing_yet(inputs);
	close(fd[1]);
	assert_int_equal(inputs_next(inputs, &first), 1);
	assert_int_equal(inputs_next(inputs, &second), 1);
	assert_string_equal(strcmp(first, second) < 0 ? first : second, "a");
	assert_string_equal(strcmp(first, second) < 0 ? second : first, "b");
	free(first);
	free(second);
	expect_end(inputs);
	close(fd[0]);
	give_stdin_back(kept);
}

static void test_a_shuffle_that_is_not_taken_to_its_end_leaves_nothing(void **state)
{
	const char *words[] = { "a", "a" };
	struct inputs *inputs;

	inputs = open_inputs(&(struct inputs_settings){ .words = (char **)words, .word_count = 2, .shuffle = true });
	expect_next(inputs, "a");
	inputs_free(inputs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_words_come_in_order),
		brood_test(test_no_words_behind_the_colons_are_no_inputs),
		brood_test(test_words_come_before_files),
		brood_test(test_each_line_is_an_input_empty_ones_too),
		brood_test(test_a_last_line_needs_no_newline),
		brood_test(test_an_empty_file_has_no_inputs),
		brood_test(test_a_carriage_return_stays),
		brood_test(test_inputs_may_end_in_nul),
		brood_test(test_a_nul_in_a_line_is_told_with_its_number),
		brood_test(test_a_nul_is_told_before_its_line_ends),
		brood_test(test_lines_of_every_length_around_a_block_are_whole),
		brood_test(test_a_line_of_a_mebibyte_is_whole),
		brood_test(test_files_come_in_order_and_end_their_last_lines),
		brood_test(test_a_pipe_gives_what_it_has_and_never_waits),
		brood_test(test_a_regular_stdin_is_read_from_where_it_stands),
		brood_test(test_stdin_stays_open_when_the_inputs_are_freed),
		brood_test(test_a_closed_stdin_is_an_error_and_not_the_end),
		brood_test(test_a_stdin_for_writing_is_an_error),
		brood_test(test_stdin_twice_is_refused),
		brood_test(test_a_terminal_is_read_line_by_line),
		brood_test(test_a_missing_file_is_named_at_once),
		brood_test(test_a_folder_is_refused_at_once),
		brood_test(test_a_file_that_fails_is_an_error_after_those_before_it),
		brood_test(test_a_file_that_became_shorter_is_an_error),
		brood_test(test_a_fifo_without_a_writer_is_waited_for_outside),
		brood_test(test_one_call_reads_so_much_and_no_more),
		brood_test(test_a_large_file_is_not_counted_beforehand),
		brood_test(test_a_shuffle_has_each_input_once),
		brood_test(test_a_shuffle_waits_for_the_last_line),
		brood_test(test_a_shuffle_that_is_not_taken_to_its_end_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
