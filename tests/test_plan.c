/* SPDX-License-Identifier: MIT */
/* A stage flattened: what the child will need, and how what it reports is put into words. Nothing is started here. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/support.h"

#include "spawn/plan.h"
#include "spawn/signals.h"

static struct plan *plan_of(brood_command *cmd, uint64_t ignored)
{
	struct plan_input input = {
		.stage = &cmd->stages[0],
		.group = GROUP_INHERIT,
		.terminal_fd = -1,
		.ignored = ignored,
		.cgroup_fd = -1,
		.parent = getpid(),
	};
	struct failure failure = { .step = STEP_NONE };
	struct plan *plan = NULL;

	if (cmd->stages[0].kind == STAGE_FUNCTION)
		input.function = cmd->stages[0].function;
	assert_int_equal(plan_new(&input, &plan, &failure), 0);
	return plan;
}

static void test_words_environment_and_candidates_are_ready_before_the_start(void **state)
{
	brood_command *cmd = brood_command_newl("tool", "a", NULL);
	struct plan *plan;

	(void)state;
	brood_command_clearenv(cmd);
	brood_command_setenv(cmd, "PATH", "/one::/two");
	plan = plan_of(cmd, 0);
	assert_string_equal(plan->argv[0], "tool");
	assert_string_equal(plan->candidates[0], "/one/tool");
	assert_string_equal(plan->candidates[1], "/two/tool");
	assert_null(plan->candidates[2]);
	assert_string_equal(plan->envp[0], "PATH=/one::/two");
	assert_null(plan->envp[1]);
	assert_string_equal(plan->shell_argv[0], "/bin/sh");
	assert_string_equal(plan->shell_argv[2], "a");
	assert_null(plan->shell_argv[3]);
	plan_free(plan);
	brood_command_free(cmd);
}

static void relative(void *data)
{
	brood_command *cmd = brood_command_newl("./tool", NULL);
	struct plan *plan;

	(void)data;
	assert_int_equal(chdir("/usr"), 0);
	plan = plan_of(cmd, 0);
	assert_string_equal(plan->candidates[0], "./tool");
	plan_free(plan);
	brood_command_chdir(cmd, "/");
	plan = plan_of(cmd, 0);
	assert_string_equal(plan->candidates[0], "/usr/./tool");
	plan_free(plan);
	brood_command_free(cmd);
}

static void test_a_relative_name_is_made_absolute_only_when_the_child_moves(void **state)
{
	(void)state;
	support_assert_in_fork(relative, NULL);
}

static void gone_directory(void *data)
{
	brood_command *cmd = brood_command_newl("./tool", NULL);
	struct plan_input input = { .stage = &cmd->stages[0], .index = 2, .terminal_fd = -1, .cgroup_fd = -1 };
	struct failure failure = { .step = STEP_NONE };
	struct plan *plan = NULL;

	(void)data;
	assert_int_equal(chdir(support_tempdir()), 0);
	assert_int_equal(rmdir(support_tempdir()), 0);
	brood_command_chdir(cmd, "/");
	assert_int_equal(plan_new(&input, &plan, &failure), -ENOENT);
	assert_null(plan);
	assert_int_equal(failure.stage, 2);
	assert_int_equal(failure.step, STEP_EXEC);
	failure_done(&failure);
	brood_command_free(cmd);
}

static void test_a_host_whose_directory_is_gone_gets_an_error_and_no_plan(void **state)
{
	(void)state;
	support_assert_in_fork(gone_directory, NULL);
}

static int some_function(void *data)
{
	(void)data;
	return 0;
}

static void test_ignored_signals_are_reset_but_for_those_to_keep(void **state)
{
	brood_command *cmd = brood_command_newl("tool", NULL);
	const uint64_t hup = 1, pipe = (uint64_t)1 << (SIGPIPE - 1);
	struct plan *plan;

	(void)state;
	brood_command_keep_ignored(cmd, SIGHUP);
	brood_command_keep_ignored(cmd, SIGTERM);
	plan = plan_of(cmd, hup | pipe);
	assert_true(plan->reset == pipe);
	assert_true(plan->spared == 0);
	plan_free(plan);
	brood_command_free(cmd);

	cmd = brood_command_function("f", some_function, NULL);
	plan = plan_of(cmd, pipe);
	assert_true(plan->spared == signals_of_libc());
	assert_null(plan->envp);
	assert_null(plan->candidates);
	plan_free(plan);
	brood_command_free(cmd);
	plan_free(NULL);
}

static void assert_words(struct plan *plan, enum step step, int error, int detail, const char *words)
{
	struct failure failure = { .step = STEP_NONE };
	char *text;

	plan->report = (struct child_report){ .step = (int)step, .error = error, .detail = detail };
	assert_int_equal(plan_failure(plan, &failure), -error);
	text = failure_text(&failure);
	assert_string_equal(text, words);
	free(text);
	failure_done(&failure);
}

static void test_what_a_child_reports_is_put_into_words(void **state)
{
	brood_command *cmd = brood_command_newl("tool", NULL);
	struct plan *plan;

	(void)state;
	brood_command_set_program(cmd, "/bin/real");
	brood_command_chdir(cmd, "/there");
	brood_command_set_user(cmd, 11, 12, NULL, 0);
	plan = plan_of(cmd, 0);
	assert_words(plan, STEP_EXEC, ENOENT, 0, "stage 1: exec '/bin/real': No such file or directory");
	assert_words(plan, STEP_CHDIR, EACCES, 0, "stage 1: chdir '/there': Permission denied");
	assert_words(plan, STEP_SETUID, EPERM, 0, "stage 1: setuid '11': Operation not permitted");
	assert_words(plan, STEP_SETGID, EPERM, 0, "stage 1: setgid '12': Operation not permitted");
	/* A report that makes no sense is a failure still. */
	{
		struct failure failure = { .step = STEP_NONE };

		plan->report = (struct child_report){ .step = 4711, .error = EIO };
		assert_int_equal(plan_failure(plan, &failure), -EIO);
		failure_done(&failure);
	}
	plan_free(plan);
	brood_command_free(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_words_environment_and_candidates_are_ready_before_the_start),
		brood_test(test_a_relative_name_is_made_absolute_only_when_the_child_moves),
		brood_test(test_a_host_whose_directory_is_gone_gets_an_error_and_no_plan),
		brood_test(test_ignored_signals_are_reset_but_for_those_to_keep),
		brood_test(test_what_a_child_reports_is_put_into_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
