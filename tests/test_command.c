/* SPDX-License-Identifier: MIT */
/* lib/command/command.c, stage.c, env.c, identity.c: what a description keeps, what it refuses, and that it owns all of it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "command/description.h"
#include "support/support.h"

static int do_nothing(void *data)
{
	return 0;
}

static brood_command *a_chain(void)
{
	return brood_pipe(brood_command_newl("a", NULL), brood_command_newl("b", NULL));
}

#define assert_mistake(cmd, sentence)						\
	do {									\
		assert_non_null(cmd);						\
		assert_non_null(brood_command_error(cmd));			\
		assert_string_equal(brood_command_error(cmd), sentence);	\
		assert_int_equal((cmd)->error, -EINVAL);			\
	} while (0)

/* Data that a command owns: how often they were made and freed is counted in the data's own caller. */
struct owned {
	int *alive;
	bool no_memory;
};

static void *owned_new(int *alive, bool no_memory)
{
	struct owned *owned = malloc(sizeof(*owned));

	assert_non_null(owned);
	*owned = (struct owned){ .alive = alive, .no_memory = no_memory };
	++*alive;
	return owned;
}

static void *owned_copy(const void *data)
{
	const struct owned *owned = data;

	return owned->no_memory ? NULL : owned_new(owned->alive, false);
}

static void owned_release(void *data)
{
	struct owned *owned = data;

	--*owned->alive;
	free(owned);
}

/* One call on a fresh command, which is mistaken with this sentence afterwards. */
#define check_refused(call, sentence)						\
	do {									\
		brood_command *cmd = brood_command_newl("a", NULL);		\
		call;								\
		assert_mistake(cmd, sentence);					\
		brood_command_free(cmd);					\
	} while (0)

/* ---- words ---- */

static void test_words_arrive_exactly(void **state)
{
	const char *const argv[] = { "prog", "", "a b", "$%\\'\"", "\x01\x7f\xff", NULL };
	brood_command *cmd = brood_command_new(argv);

	brood_command_arg(cmd, "x");
	brood_command_argf(cmd, "%s-%d", "y", 7);
	assert_int_equal(cmd->stages[0].argv.count, 7);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(strv_list(&cmd->stages[0].argv)[i], argv[i]);
	assert_string_equal(strv_list(&cmd->stages[0].argv)[5], "x");
	assert_string_equal(strv_list(&cmd->stages[0].argv)[6], "y-7");
	assert_null(strv_list(&cmd->stages[0].argv)[7]);
	assert_null(brood_command_error(cmd));
	brood_command_free(cmd);
}

static void test_what_the_caller_changes_afterwards_has_no_effect(void **state)
{
	char program[] = "prog", value[] = "value", path[] = "/path", bytes[] = "bytes";
	gid_t groups[] = { 1, 2 };
	int cpus[] = { 0, 1 };
	const char *argv[] = { program, NULL };
	brood_command *cmd = brood_command_new(argv);

	brood_command_setenv(cmd, "NAME", value);
	brood_command_chdir(cmd, path);
	brood_command_redirect_path(cmd, 1, path, 0, 0);
	brood_command_feed(cmd, bytes, 5);
	brood_command_set_user(cmd, 1, 1, groups, 2);
	brood_command_set_affinity(cmd, cpus, 2);
	program[0] = value[0] = path[0] = bytes[0] = 'X';
	groups[0] = 9;
	cpus[0] = 9;
	assert_string_equal(strv_list(&cmd->stages[0].argv)[0], "prog");
	assert_string_equal(cmd->stages[0].env[0].text, "NAME=value");
	assert_string_equal(cmd->stages[0].cwd, "/path");
	assert_string_equal(stage_direction(&cmd->stages[0], 1)->path, "/path");
	assert_memory_equal(stage_direction(&cmd->stages[0], 0)->blob->bytes, "bytes", 5);
	assert_int_equal(cmd->stages[0].identity.groups[0], 1);
	assert_int_equal(cmd->stages[0].identity.cpus[0], 0);
	brood_command_free(cmd);
}

static void test_no_program_is_a_mistake(void **state)
{
	const char *const none[] = { NULL }, *const empty[] = { "", "x", NULL };
	brood_command *cmd[] = { brood_command_new(NULL), brood_command_new(none), brood_command_newl(NULL, (char *)NULL) };
	brood_command *unnamed = brood_command_new(empty);

	for (size_t i = 0; i < 3; i++) {
		assert_mistake(cmd[i], "command: there is no program: the argument list is empty");
		brood_command_free(cmd[i]);
	}
	assert_mistake(unnamed, "command: the program's name is empty");
	brood_command_free(unnamed);
}

static void test_a_function_needs_a_name_and_a_function(void **state)
{
	brood_command *good = brood_command_function("f", do_nothing, NULL);
	brood_command *nameless = brood_command_function(NULL, do_nothing, NULL);
	brood_command *empty = brood_command_function("f", NULL, NULL);

	assert_null(brood_command_error(good));
	assert_string_equal(stage_name(&good->stages[0]), "f");
	assert_mistake(nameless, "function: the name is NULL");
	assert_mistake(empty, "function: 'f' is NULL: there is nothing to call");
	brood_command_arg(good, "x");
	assert_mistake(good, "arg: 'f' is not a program that takes words");
	brood_command_free(good);
	brood_command_free(nameless);
	brood_command_free(empty);
}

static void test_owned_data_are_copied_and_freed_with_the_command(void **state)
{
	int alive = 0;
	brood_command *cmd = brood_command_function_owned("f", do_nothing, owned_new(&alive, false), owned_copy, owned_release);
	brood_command *copy = brood_command_copy(cmd);

	assert_int_equal(alive, 2);
	assert_ptr_not_equal(cmd->stages[0].data, copy->stages[0].data);
	cmd = brood_then(brood_pipe(brood_command_newl("a", NULL), cmd), brood_command_newl("b", NULL));
	brood_command_free(brood_command_copy(cmd));
	assert_int_equal(alive, 2);
	brood_command_free(cmd);
	assert_int_equal(alive, 1);
	brood_command_free(copy);
	assert_int_equal(alive, 0);
}

static void test_owned_data_that_cannot_be_copied_are_shared_and_freed_once(void **state)
{
	int alive = 0;
	brood_command *cmd = brood_command_function_owned("f", do_nothing, owned_new(&alive, false), NULL, owned_release);
	brood_command *copy = brood_command_copy(cmd);

	assert_ptr_equal(cmd->stages[0].data, copy->stages[0].data);
	brood_command_free(copy);
	assert_int_equal(alive, 1);
	brood_command_free(cmd);
	assert_int_equal(alive, 0);
}

static void test_owned_data_whose_copy_wants_memory_give_no_copy(void **state)
{
	int alive = 0;
	brood_command *cmd = brood_command_function_owned("f", do_nothing, owned_new(&alive, true), owned_copy, owned_release);

	assert_null(brood_command_copy(cmd));
	assert_int_equal(alive, 1);
	brood_command_free(cmd);
	assert_int_equal(alive, 0);
}

static void test_null_data_are_neither_copied_nor_freed(void **state)
{
	brood_command *cmd = brood_command_function_owned("f", do_nothing, NULL, owned_copy, owned_release);
	brood_command *copy = brood_command_copy(cmd);

	assert_non_null(copy);
	brood_command_free(copy);
	brood_command_free(cmd);
}

static void test_a_mistaken_function_owns_its_data_all_the_same(void **state)
{
	int alive = 0;
	brood_command *cmd = brood_command_function_owned("f", NULL, owned_new(&alive, false), owned_copy, owned_release);

	assert_mistake(cmd, "function: 'f' is NULL: there is nothing to call");
	brood_command_free(cmd);
	assert_int_equal(alive, 0);
}

static void test_a_library_can_make_a_mistake_in_its_own_words(void **state)
{
	brood_command *cmd = brood_command_mistaken("pipeline: 100% odd\n");
	brood_command *wordless = brood_command_mistaken(NULL);

	assert_mistake(cmd, "pipeline: 100% odd\\n");
	assert_mistake(wordless, "command: mistaken, and no words for it");
	cmd = brood_pipe(brood_command_newl("a", NULL), cmd);
	assert_mistake(cmd, "pipeline: 100% odd\\n");
	brood_command_free(cmd);
	brood_command_free(wordless);
}

static void test_words_on_a_chain_are_a_mistake(void **state)
{
	brood_command *cmd = a_chain();

	brood_command_arg(cmd, "x");
	assert_mistake(cmd, "arg: this is a chain of 2 stages: use it on a stage before brood_pipe");
	brood_command_free(cmd);
	cmd = a_chain();
	brood_command_argf(cmd, "%d", 1);
	assert_mistake(cmd, "argf: this is a chain of 2 stages: use it on a stage before brood_pipe");
	brood_command_free(cmd);
	cmd = a_chain();
	brood_command_set_program(cmd, "x");
	assert_mistake(cmd, "set_program: this is a chain of 2 stages: use it on a stage before brood_pipe");
	brood_command_free(cmd);
	cmd = a_chain();
	brood_command_set_unchecked(cmd, true);
	assert_mistake(cmd, "set_unchecked: this is a chain of 2 stages: use it on a stage before brood_pipe");
	brood_command_free(cmd);
}

/* ---- mistakes ---- */

static void test_the_first_mistake_sticks(void **state)
{
	brood_command *cmd = brood_command_newl("a", NULL);

	brood_command_setenv(cmd, "A=B", "x");
	brood_command_arg(cmd, NULL);
	brood_command_set_timeout_ms(cmd, 5);
	assert_mistake(cmd, "setenv: the name 'A=B' contains '='");
	brood_command_free(cmd);
}

static void test_a_mistake_is_one_line_whatever_it_repeats(void **state)
{
	check_refused(brood_command_setenv(cmd, "A\n\033[2J=", "x"), "setenv: the name 'A\\n\\x1b[2J=' contains '='");
}

static void test_wrong_values_are_refused_in_words(void **state)
{
	const gid_t bad_group = (gid_t)-1;
	const int cpu = 8192;

	check_refused(brood_command_arg(cmd, NULL), "arg: argument 1 is NULL");
	check_refused(brood_command_set_program(cmd, ""), "set_program: the file is empty");
	check_refused(brood_command_set_program(cmd, NULL), "set_program: the file is NULL");
	check_refused(brood_command_set_name(cmd, NULL), "set_name: the name is NULL");
	check_refused(brood_command_setenv(cmd, NULL, "x"), "setenv: the name is NULL");
	check_refused(brood_command_setenv(cmd, "", "x"), "setenv: the name is empty");
	check_refused(brood_command_setenv(cmd, "A", NULL),
		      "setenv: the value of 'A' is NULL (brood_command_unsetenv takes a name away)");
	check_refused(brood_command_unsetenv(cmd, "A="), "unsetenv: the name 'A=' contains '='");
	check_refused(brood_command_chdir(cmd, ""), "chdir: the path is empty");
	check_refused(brood_command_chdir(cmd, NULL), "chdir: the path is NULL");
	check_refused(brood_command_fchdir(cmd, -1), "fchdir: -1 is not a descriptor");
	check_refused(brood_command_set_timeout_ms(cmd, -2), "set_timeout_ms: -2 ms is negative, and only -1 has a meaning");
	check_refused(brood_command_set_grace_ms(cmd, INT64_MIN),
		      "set_grace_ms: -9223372036854775808 ms is negative");
	check_refused(brood_command_set_grace_ms(cmd, -1), "set_grace_ms: -1 ms is negative");
	check_refused(brood_command_set_linger_ms(cmd, -2), "set_linger_ms: -2 ms is negative, and only -1 has a meaning");
	check_refused(brood_command_set_stop_signal(cmd, 0), "set_stop_signal: 0 is not a signal (1 to 64)");
	check_refused(brood_command_keep_ignored(cmd, 65), "keep_ignored: 65 is not a signal (1 to 64, or 0 for all)");
	check_refused(brood_command_set_overflow(cmd, (enum brood_overflow)2),
		      "set_overflow: 2 is neither BROOD_DRAIN nor BROOD_STOP");
	check_refused(brood_command_set_umask(cmd, 01777), "set_umask: 01777 has more than the nine permission bits");
	check_refused(brood_command_set_rlimit(cmd, -1, 0, 0), "set_rlimit: -1 is not a resource");
	check_refused(brood_command_set_rlimit(cmd, 1000, 0, 0), "set_rlimit: 1000 is not a resource");
	check_refused(brood_command_set_rlimit(cmd, RLIMIT_NOFILE, 2, 1), "set_rlimit: the soft limit 2 is above the hard limit 1");
	check_refused(brood_command_set_user(cmd, (uid_t)-1, 1, NULL, 0),
		      "set_user: the user id is -1, which would keep the caller's");
	check_refused(brood_command_set_user(cmd, 1, (gid_t)-1, NULL, 0),
		      "set_user: the group id is -1, which would keep the caller's");
	check_refused(brood_command_set_user(cmd, 1, 1, NULL, 3), "set_user: 3 groups are promised and the list is NULL");
	check_refused(brood_command_set_user(cmd, 1, 1, &bad_group, 1), "set_user: supplementary group 1 is -1");
	check_refused(brood_command_set_affinity(cmd, &cpu, 1), "set_affinity: 8192 is not a processor (0 to 8191)");
	check_refused(brood_command_set_affinity(cmd, &cpu, 0), "set_affinity: the list of processors is empty");
	check_refused(brood_command_set_affinity(cmd, NULL, 1), "set_affinity: the list of processors is NULL");
}

static void test_every_setter_takes_null(void **state)
{
	brood_command_arg(NULL, "x");
	brood_command_argf(NULL, "x");
	brood_command_set_program(NULL, "x");
	brood_command_set_unchecked(NULL, true);
	brood_command_set_timeout_ms(NULL, 1);
	brood_command_set_grace_ms(NULL, 1);
	brood_command_set_linger_ms(NULL, 1);
	brood_command_set_stop_signal(NULL, 1);
	brood_command_set_overflow(NULL, BROOD_STOP);
	brood_command_set_name(NULL, "x");
	brood_command_setenv(NULL, "x", "y");
	brood_command_unsetenv(NULL, "x");
	brood_command_clearenv(NULL);
	brood_command_chdir(NULL, "/");
	brood_command_fchdir(NULL, 0);
	brood_command_redirect_null(NULL, 0);
	brood_command_redirect_path(NULL, 0, "x", 0, 0);
	brood_command_redirect_fd(NULL, 0, 0);
	brood_command_redirect_merge(NULL, 0, 1);
	brood_command_redirect_pipe(NULL, 0);
	brood_command_redirect_inherit(NULL, 0);
	brood_command_feed(NULL, "x", 1);
	brood_command_capture(NULL, 1, 0);
	brood_command_keep_ignored(NULL, 1);
	brood_command_set_new_group(NULL, true);
	brood_command_set_new_session(NULL, true);
	brood_command_set_die_with_parent(NULL, true);
	brood_command_set_contained(NULL, true);
	brood_command_set_nice(NULL, 1);
	brood_command_set_umask(NULL, 0);
	brood_command_set_rlimit(NULL, 0, 0, 0);
	brood_command_set_user(NULL, 1, 1, NULL, 0);
	brood_command_set_no_new_privs(NULL, true);
	brood_command_set_affinity(NULL, NULL, 0);
	brood_command_free(NULL);
	assert_null(brood_command_error(NULL));
	assert_null(brood_command_copy(NULL));
	assert_null(brood_command_format(NULL));
}

/* ---- what is kept, and where ---- */

static void test_a_fresh_command_has_the_defaults(void **state)
{
	brood_command *cmd = brood_command_newl("a", NULL);

	assert_true(cmd->timeout_ms == -1 && cmd->grace_ms == 2000 && cmd->linger_ms == 1000);
	assert_int_equal(cmd->stop_signal, SIGTERM);
	assert_int_equal(cmd->overflow, BROOD_DRAIN);
	assert_false(cmd->timeout_set || cmd->grace_set || cmd->linger_set || cmd->stop_signal_set || cmd->overflow_set);
	assert_int_equal(cmd->stages[0].cwd_fd, -1);
	assert_int_equal(cmd->stages[0].direction_count, 0);
	brood_command_free(cmd);
}

static void test_environment_changes_stay_in_order(void **state)
{
	brood_command *cmd = brood_command_newl("a", NULL);
	const struct env_op *env;

	brood_command_setenv(cmd, "GONE", "1");
	brood_command_clearenv(cmd);
	brood_command_setenv(cmd, "A", "x=y");
	brood_command_setenv(cmd, "B", "");
	brood_command_unsetenv(cmd, "A");
	env = cmd->stages[0].env;
	assert_int_equal(cmd->stages[0].env_count, 4);
	assert_true(env[0].change == ENV_CLEAR && !env[0].text);
	assert_true(env[1].change == ENV_SET && strcmp(env[1].text, "A=x=y") == 0);
	assert_true(env[2].change == ENV_SET && strcmp(env[2].text, "B=") == 0);
	assert_true(env[3].change == ENV_UNSET && strcmp(env[3].text, "A") == 0);
	brood_command_free(cmd);
}

static void test_the_last_directory_wins(void **state)
{
	brood_command *cmd = brood_command_newl("a", NULL);

	brood_command_fchdir(cmd, 5);
	brood_command_chdir(cmd, "/x");
	assert_string_equal(cmd->stages[0].cwd, "/x");
	assert_int_equal(cmd->stages[0].cwd_fd, -1);
	brood_command_fchdir(cmd, 7);
	assert_null(cmd->stages[0].cwd);
	assert_int_equal(cmd->stages[0].cwd_fd, 7);
	brood_command_free(cmd);
}

static void test_the_last_limit_of_a_resource_wins(void **state)
{
	brood_command *cmd = brood_command_newl("a", NULL);
	const struct identity *identity = &cmd->stages[0].identity;

	brood_command_set_rlimit(cmd, RLIMIT_CORE, 0, 0);
	brood_command_set_rlimit(cmd, RLIMIT_NOFILE, 1, 2);
	brood_command_set_rlimit(cmd, RLIMIT_NOFILE, 3, UINT64_MAX);
	assert_int_equal(identity->limit_count, 2);
	assert_true(identity->limits[1].soft == 3 && identity->limits[1].hard == UINT64_MAX);
	brood_command_free(cmd);
}

static void test_what_the_child_is_reaches_every_stage(void **state)
{
	const gid_t groups[] = { 4, 5 };
	const int cpus[] = { 2 };
	brood_command *cmd = a_chain();

	brood_command_setenv(cmd, "A", "b");
	brood_command_chdir(cmd, "/x");
	brood_command_set_new_group(cmd, true);
	brood_command_set_new_session(cmd, true);
	brood_command_set_die_with_parent(cmd, true);
	brood_command_set_contained(cmd, true);
	brood_command_set_no_new_privs(cmd, true);
	brood_command_set_nice(cmd, 3);
	brood_command_set_umask(cmd, 027);
	brood_command_set_user(cmd, 1, 2, groups, 2);
	brood_command_set_affinity(cmd, cpus, 1);
	brood_command_keep_ignored(cmd, SIGHUP);
	brood_command_keep_ignored(cmd, 64);
	for (size_t i = 0; i < 2; i++) {
		const struct stage *stage = &cmd->stages[i];
		const struct identity *identity = &stage->identity;

		assert_string_equal(stage->env[0].text, "A=b");
		assert_string_equal(stage->cwd, "/x");
		assert_true(identity->new_group && identity->new_session && identity->die_with_parent);
		assert_true(identity->contained && identity->no_new_privs && identity->set_umask && identity->set_user);
		assert_true(identity->nice == 3 && identity->umask == 027 && identity->uid == 1 && identity->gid == 2);
		assert_true(identity->group_count == 2 && identity->groups[1] == 5);
		assert_true(identity->cpu_count == 1 && identity->cpus[0] == 2);
		assert_true(identity->keep_ignored == (UINT64_C(1) << 63 | 1 << (SIGHUP - 1)));
	}
	brood_command_free(cmd);
}

static void test_an_empty_group_list_takes_an_earlier_one_away(void **state)
{
	const gid_t groups[] = { 4, 5 };
	brood_command *cmd = brood_command_newl("a", NULL);

	brood_command_set_user(cmd, 1, 2, groups, 2);
	brood_command_set_user(cmd, 1, 2, NULL, 0);
	assert_int_equal(cmd->stages[0].identity.group_count, 0);
	assert_null(cmd->stages[0].identity.groups);
	brood_command_free(cmd);
}

/* ---- copies ---- */

static void test_a_copy_outlives_its_original(void **state)
{
	brood_command *cmd = brood_command_newl("a", "b", NULL), *copy;
	char *text, *copied;

	brood_command_set_program(cmd, "/p");
	brood_command_setenv(cmd, "A", "b");
	brood_command_chdir(cmd, "/x");
	brood_command_redirect_path(cmd, 1, "/out", 0, 0);
	brood_command_feed(cmd, "data", 4);
	brood_command_set_rlimit(cmd, RLIMIT_CORE, 0, 0);
	brood_command_set_name(cmd, "name");
	brood_command_set_unchecked(cmd, true);
	brood_command_set_timeout_ms(cmd, 77);
	cmd = brood_then(cmd, brood_command_function("f", do_nothing, NULL));
	copy = brood_command_copy(cmd);
	text = brood_command_format(cmd);
	brood_command_free(cmd);
	copied = brood_command_format(copy);
	assert_string_equal(text, copied);
	assert_int_equal(copy->stages[0].first->timeout_ms, 77);
	assert_true(copy->stages[0].first->stages[0].unchecked);
	assert_string_equal(copy->stages[0].first->name, "name");
	assert_memory_equal(stage_direction(&copy->stages[0].first->stages[0], 0)->blob->bytes, "data", 4);
	free(text);
	free(copied);
	brood_command_free(copy);
}

static void test_a_copy_keeps_the_mistake(void **state)
{
	brood_command *cmd = brood_command_new(NULL), *copy = brood_command_copy(cmd);

	brood_command_free(cmd);
	assert_mistake(copy, "command: there is no program: the argument list is empty");
	brood_command_free(copy);
}

static void test_a_copy_has_files_of_its_own(void **state)
{
	brood_command *cmd = a_chain(), *copy;
	uint64_t id[2];

	brood_command_capture(cmd, 2, 0);
	copy = brood_command_copy(cmd);
	for (size_t i = 0; i < 2; i++)
		id[i] = stage_direction(&copy->stages[i], 2)->id;
	assert_true(id[0] == id[1]);
	assert_true(id[0] != stage_direction(&cmd->stages[0], 2)->id);
	brood_command_free(cmd);
	brood_command_free(copy);
}

static void test_the_words_of_each_stage_can_be_read_back(void **state)
{
	brood_command *cmd = brood_pipe(brood_command_newl("tr", "a b", "", NULL), brood_command_newl("sort", NULL));
	const char *const *words = brood_command_argv(cmd, 0);

	(void)state;
	assert_int_equal(brood_command_stages(cmd), 2);
	assert_string_equal(words[0], "tr");
	assert_string_equal(words[1], "a b");
	assert_string_equal(words[2], "");
	assert_null(words[3]);
	assert_string_equal(brood_command_argv(cmd, 1)[0], "sort");
	assert_null(brood_command_argv(cmd, 2));
	brood_command_free(cmd);
}

static int nothing(void *data)
{
	(void)data;
	return 0;
}

static void test_what_is_no_program_has_no_words(void **state)
{
	brood_command *function = brood_command_function("f", nothing, NULL);
	brood_command *sequence = brood_then(brood_command_newl("a", NULL), brood_command_newl("b", NULL));

	(void)state;
	assert_int_equal(brood_command_stages(NULL), 0);
	assert_null(brood_command_argv(NULL, 0));
	assert_int_equal(brood_command_stages(function), 1);
	assert_null(brood_command_argv(function, 0));
	assert_int_equal(brood_command_stages(sequence), 1);
	assert_null(brood_command_argv(sequence, 0));
	brood_command_free(function);
	brood_command_free(sequence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_words_arrive_exactly),
		brood_test(test_what_the_caller_changes_afterwards_has_no_effect),
		brood_test(test_no_program_is_a_mistake),
		brood_test(test_a_function_needs_a_name_and_a_function),
		brood_test(test_owned_data_are_copied_and_freed_with_the_command),
		brood_test(test_owned_data_that_cannot_be_copied_are_shared_and_freed_once),
		brood_test(test_owned_data_whose_copy_wants_memory_give_no_copy),
		brood_test(test_null_data_are_neither_copied_nor_freed),
		brood_test(test_a_mistaken_function_owns_its_data_all_the_same),
		brood_test(test_a_library_can_make_a_mistake_in_its_own_words),
		brood_test(test_words_on_a_chain_are_a_mistake),
		brood_test(test_the_first_mistake_sticks),
		brood_test(test_a_mistake_is_one_line_whatever_it_repeats),
		brood_test(test_wrong_values_are_refused_in_words),
		brood_test(test_every_setter_takes_null),
		brood_test(test_a_fresh_command_has_the_defaults),
		brood_test(test_environment_changes_stay_in_order),
		brood_test(test_the_last_directory_wins),
		brood_test(test_the_last_limit_of_a_resource_wins),
		brood_test(test_what_the_child_is_reaches_every_stage),
		brood_test(test_an_empty_group_list_takes_an_earlier_one_away),
		brood_test(test_a_copy_outlives_its_original),
		brood_test(test_a_copy_keeps_the_mistake),
		brood_test(test_a_copy_has_files_of_its_own),
		brood_test(test_the_words_of_each_stage_can_be_read_back),
		brood_test(test_what_is_no_program_has_no_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
