/* SPDX-License-Identifier: MIT */
/* What environment and directory a child has, and that the host's own are untouched. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites/engines.h"

extern char **environ;

/* ---- 35, 36: variables ---- */

static void inherited_set_unset(void *data)
{
	brood_command *cmd;

	(void)data;
	setenv("BROOD_A", "from the host", 1);
	assert_says(child_does("getenv", "BROOD_A"), "from the host\n");

	cmd = child_does("getenv", "BROOD_A", "getenv", "BROOD_B");
	brood_command_setenv(cmd, "BROOD_A", "changed");
	brood_command_setenv(cmd, "BROOD_B", "");
	assert_says(cmd, "changed\n\n");

	cmd = child_does("getenv", "BROOD_A");
	brood_command_unsetenv(cmd, "BROOD_A");
	brood_command_unsetenv(cmd, "BROOD_NEVER_THERE");
	assert_says(cmd, "(unset)\n");
	assert_string_equal(getenv("BROOD_A"), "from the host");
}

static void test_variables_are_inherited_set_and_unset(void **state)
{
	(void)state;
	in_fork_on_every_engine(inherited_set_unset, NULL);
}

static void cleared(void)
{
	brood_command *cmd = child_does("env");
	char *text;
	size_t size;

	brood_command_setenv(cmd, "EARLIER", "1");
	brood_command_clearenv(cmd);
	text = said_bytes(brood_command_copy(cmd), &size);
	assert_int_equal(size, 0);
	free(text);

	brood_command_setenv(cmd, "ONLY", "a = b");
	text = said_bytes(cmd, &size);
	assert_int_equal(size, sizeof "ONLY=a = b");
	assert_string_equal(text, "ONLY=a = b");
	free(text);
}

static void no_environment_at_all(void *data)
{
	(void)data;
	environ = NULL;
	assert_says(child_does("env"), "");
	clearenv();
	assert_says(child_does("env"), "");
}

static void test_an_environment_may_be_empty_or_have_one_entry(void **state)
{
	(void)state;
	on_every_engine(cleared);
	in_fork_on_every_engine(no_environment_at_all, NULL);
}

static void doubled(void *data)
{
	static char *const twice[] = { (char *)"D=first", (char *)"E=1", (char *)"D=second", (char *)"D=third", NULL };
	brood_command *cmd;
	char *text;
	size_t size;

	(void)data;
	environ = (char **)twice;
	text = said_bytes(child_does("env"), &size);
	assert_int_equal(size, sizeof "D=third" + sizeof "E=1");
	assert_memory_equal(text, "D=third\0E=1", size);
	free(text);

	cmd = child_does("env");
	brood_command_setenv(cmd, "D", "x");
	brood_command_setenv(cmd, "D", "y");
	text = said_bytes(cmd, &size);
	assert_int_equal(size, sizeof "D=y" + sizeof "E=1");
	assert_memory_equal(text, "D=y\0E=1", size);
	free(text);

	cmd = child_does("getenv", "D");
	brood_command_unsetenv(cmd, "D");
	assert_says(cmd, "(unset)\n");
}

static void test_of_duplicates_the_last_wins_and_one_entry_arrives(void **state)
{
	(void)state;
	in_fork_on_every_engine(doubled, NULL);
}

/* ---- 37: names ---- */

static void wrong_names(void)
{
	static const char *const names[] = { "", "=", "A=B", "=A", NULL };

	for (int i = 0; i < 5; i++) {
		brood_command *cmd = child_does("exit", "0");

		brood_command_setenv(cmd, names[i], "x");
		assert_start_fails(cmd, -EINVAL, NULL);
		cmd = child_does("exit", "0");
		brood_command_unsetenv(cmd, names[i]);
		assert_start_fails(cmd, -EINVAL, NULL);
	}
	{
		brood_command *cmd = child_does("getenv", "A");

		brood_command_setenv(cmd, "A", "=b=c=");
		assert_says(cmd, "=b=c=\n");
	}
}

static void test_a_name_is_not_empty_and_has_no_equals_sign(void **state)
{
	(void)state;
	on_every_engine(wrong_names);
}

/* ---- 38: directory, and the host ---- */

static void directories(void *data)
{
	char sub[4096], expected[8192];
	brood_command *cmd;
	int fd;

	(void)data;
	support_path(sub, sizeof sub, "sub");
	mkdir(sub, 0700);
	snprintf(expected, sizeof expected, "%s\n", sub);
	assert_int_equal(chdir(support_tempdir()), 0);

	cmd = child_does("cwd");
	brood_command_chdir(cmd, sub);
	assert_says(cmd, expected);
	cmd = child_does("cwd");
	brood_command_chdir(cmd, "sub");
	assert_says(cmd, expected);
	fd = open(sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cmd = child_does("cwd");
	brood_command_chdir(cmd, "/");
	brood_command_fchdir(cmd, fd);
	assert_says(cmd, expected);
	/* High up, above what the child is given: it must get there before that is closed. */
	assert_int_equal(dup3(fd, 200, O_CLOEXEC), 200);
	cmd = child_does("cwd");
	brood_command_fchdir(cmd, 200);
	assert_says(cmd, expected);
	cmd = brood_pipe(child_does("cwd"), child_does("cat"));
	brood_command_fchdir(cmd, 200);
	assert_says(cmd, expected);
	close(200);
	close(fd);
	snprintf(expected, sizeof expected, "%s\n", support_tempdir());
	assert_says(child_does("cwd"), expected);
}

static void test_the_directory_is_absolute_relative_or_a_descriptor(void **state)
{
	(void)state;
	in_fork_on_every_engine(directories, NULL);
}

static int same_directory(void *data)
{
	char path[4096];

	return getcwd(path, sizeof path) && strcmp(path, data) == 0 && getenv("BROOD_F") && !getenv("PATH") ? 0 : 1;
}

static void host_stays(void)
{
	struct host_state before;
	brood_command *cmd;

	host_snapshot(&before);
	cmd = child_does("getenv", "A");
	brood_command_setenv(cmd, "A", "1");
	brood_command_unsetenv(cmd, "PATH");
	brood_command_chdir(cmd, "/");
	assert_says(cmd, "1\n");
	cmd = brood_command_function("f", same_directory, (void *)(uintptr_t) "/");
	brood_command_clearenv(cmd);
	brood_command_setenv(cmd, "BROOD_F", "1");
	brood_command_chdir(cmd, "/");
	assert_exits(cmd, 0);
	host_assert_unchanged(&before);
	host_state_done(&before);
}

static void test_environment_and_directory_of_the_host_are_unchanged(void **state)
{
	(void)state;
	on_every_engine(host_stays);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_variables_are_inherited_set_and_unset),
		brood_test(test_an_environment_may_be_empty_or_have_one_entry),
		brood_test(test_of_duplicates_the_last_wins_and_one_entry_arrives),
		brood_test(test_a_name_is_not_empty_and_has_no_equals_sign),
		brood_test(test_the_directory_is_absolute_relative_or_a_descriptor),
		brood_test(test_environment_and_directory_of_the_host_are_unchanged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
