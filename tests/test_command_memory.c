/* SPDX-License-Identifier: MIT */
/*
 * Want of memory in lib/command: whichever allocation fails, a constructor gives NULL, a setter leaves -ENOMEM on the command, and
 * nothing leaks. Linked with --wrap for malloc, calloc, realloc, free and strdup, so that each call of the library passes here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "command/description.h"
#include "support/support.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
char *__wrap_strdup(const char *text);

static struct {
	long left;      /* how many more allocations succeed; -1: all */
	bool once;      /* those after the failing one succeed again */
	bool failed;    /* one did */
	long live;      /* not freed yet */
} memory = { .left = -1 };

static bool may_allocate(void)
{
	if (memory.left == 0) {
		memory.failed = true;
		memory.left = memory.once ? -1 : 0;
		return false;
	}
	if (memory.left > 0)
		memory.left--;
	return true;
}

void *__wrap_malloc(size_t size)
{
	void *result = may_allocate() ? __real_malloc(size) : NULL;

	memory.live += result != NULL;
	return result;
}

void *__wrap_calloc(size_t count, size_t size)
{
	void *result = may_allocate() ? __real_calloc(count, size) : NULL;

	memory.live += result != NULL;
	return result;
}

void *__wrap_realloc(void *old, size_t size)
{
	bool fresh = old == NULL;
	void *result = may_allocate() ? __real_realloc(old, size) : NULL;

	memory.live += fresh && result;
	return result;
}

void __wrap_free(void *old)
{
	memory.live -= old != NULL;
	__real_free(old);
}

char *__wrap_strdup(const char *text)
{
	char *result = may_allocate() ? __real_strdup(text) : NULL;

	memory.live += result != NULL;
	return result;
}

/* Let the n-th allocation fail, n counted up until `work` gets through without. */
static void sweep_once(int (*work)(void), bool once)
{
	long n = 0;

	do {
		long live = memory.live;
		int r;

		memory.failed = false;
		memory.once = once;
		memory.left = n++;
		r = work();
		memory.left = -1;
		assert_int_equal(memory.live, live);
		assert_int_equal(r, memory.failed ? -ENOMEM : 0);
	} while (memory.failed);
	assert_true(n > 1);
}

/* With all after it failing too, and with memory back at once. `work` frees what it made; 0, or -ENOMEM when it was told. */
static void sweep(int (*work)(void))
{
	sweep_once(work, false);
	sweep_once(work, true);
}

/* What start would return. */
static int verdict(brood_command *cmd)
{
	int r = cmd ? cmd->error : -ENOMEM;

	if (r == -ENOMEM && cmd && strcmp(brood_command_error(cmd), "not enough memory to describe the command") != 0)
		r = -EIO;
	brood_command_free(cmd);
	return r;
}

static int do_nothing(void *data)
{
	return 0;
}

static void set_everything(brood_command *cmd)
{
	const gid_t groups[] = { 1, 2 };
	const int cpus[] = { 0, 1 };

	brood_command_setenv(cmd, "A", "b");
	brood_command_unsetenv(cmd, "C");
	brood_command_clearenv(cmd);
	brood_command_chdir(cmd, "/x");
	brood_command_redirect_path(cmd, 2, "/y", O_WRONLY, 0);
	brood_command_redirect_fd(cmd, 3, 1);
	brood_command_redirect_fd(cmd, 4, 3);
	brood_command_feed(cmd, "data", 4);
	brood_command_set_rlimit(cmd, RLIMIT_CORE, 0, 0);
	brood_command_set_user(cmd, 1, 1, groups, 2);
	brood_command_set_affinity(cmd, cpus, 2);
	brood_command_set_name(cmd, "name");
}

static brood_command *a_program(void)
{
	brood_command *cmd = brood_command_newl("a", "b", NULL);

	brood_command_arg(cmd, "c");
	brood_command_argf(cmd, "%d", 5);
	brood_command_set_program(cmd, "/p");
	return cmd;
}

static void *copy_text(const void *text)
{
	return strdup(text);
}

static void release_text(void *text)
{
	free(text);
}

static brood_command *a_function(void)
{
	char *text = strdup("data");

	return text ? brood_command_function_owned("f", do_nothing, text, copy_text, release_text) : NULL;
}

static brood_command *a_chain(void)
{
	return brood_pipe(brood_then(a_program(), a_program()), brood_pipe(a_program(), a_function()));
}

static int make_a_program(void)
{
	return verdict(a_program());
}

static int make_from_a_list(void)
{
	const char *const argv[] = { "a", "b", "c", NULL };

	return verdict(brood_command_new(argv));
}

static int set_on_a_program(void)
{
	brood_command *cmd = a_program();

	set_everything(cmd);
	return verdict(cmd);
}

static int set_on_a_chain(void)
{
	brood_command *cmd = a_chain();

	set_everything(cmd);
	return verdict(cmd);
}

static int parse_a_line(void)
{
	brood_command *cmd = (brood_command *)&memory;
	int r = brood_command_parse("a 'b c' | d \"e\" | f", &cmd);

	return r < 0 ? (cmd ? -EIO : r) : verdict(cmd);
}

static int refuse_a_line(void)
{
	brood_command *cmd = NULL;
	int r = brood_command_parse("a | b; c", &cmd);

	/* Without memory for the sentence there is still a command, a mistake and something to read. */
	if (r == -EINVAL && (!cmd || cmd->error != -EINVAL || !brood_command_error(cmd)))
		r = -EIO;
	else if (r == -EINVAL)
		r = cmd->message ? 0 : -ENOMEM;
	brood_command_free(cmd);
	return r;
}

static brood_command *original;

static int copy_the_original(void)
{
	return verdict(brood_command_copy(original));
}

static int format_the_original(void)
{
	char *text = brood_command_format(original);
	int r = text ? 0 : -ENOMEM;

	free(text);
	return r;
}

static void test_making_a_command(void **state)
{
	sweep(make_a_program);
	sweep(make_from_a_list);
}

static void test_setters_on_a_command(void **state)
{
	sweep(set_on_a_program);
}

static void test_making_and_setting_a_chain(void **state)
{
	sweep(set_on_a_chain);
}

static void test_parsing(void **state)
{
	sweep(parse_a_line);
	sweep(refuse_a_line);
}

static void test_copying(void **state)
{
	original = a_chain();
	set_everything(original);
	sweep(copy_the_original);
	brood_command_free(original);
}

static void test_formatting(void **state)
{
	original = a_chain();
	set_everything(original);
	sweep(format_the_original);
	brood_command_free(original);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_making_a_command),
		brood_test(test_setters_on_a_command),
		brood_test(test_making_and_setting_a_chain),
		brood_test(test_parsing),
		brood_test(test_copying),
		brood_test(test_formatting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
