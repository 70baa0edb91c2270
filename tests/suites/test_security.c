/* SPDX-License-Identifier: MIT */
/*
 * What doc/SECURITY.md asks of the library and no other suite answers: where secrets are found, what a child reaches of the host's descriptors, whose
 * memory a change of ids is made in.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites/engines.h"

enum { NOBODY = 65534 };

static const char needs_root[] = "only root can change ids";

/* ---- secrets ---- */

#define SECRET "s3cret-m4rk"

enum { LOG_ROOM = 64 << 10 };

static char logged[LOG_ROOM];

static void keep_line(void *data, enum brood_log_level level, const char *line)
{
	const size_t used = strlen(logged);

	(void)data, (void)level;
	snprintf(logged + used, sizeof logged - used, "%s\n", line);
}

static void log_begin(void)
{
	logged[0] = '\0';
	brood_log_to(keep_line, NULL, BROOD_LOG_DEBUG);
}

static void assert_not_in(const char *where, const char *bytes, size_t size)
{
	if (memmem(bytes, size, SECRET, strlen(SECRET)))
		fail_msg("the secret is in the %s", where);
}

/* A start returns while the exec still goes on in the kernel: these files are empty until the program has its words. */
static char *read_proc_file(pid_t pid, const char *name, size_t *ret_size)
{
	const int64_t until = support_now_ms() + SOON_MS;
	char path[64];
	char *bytes;

	snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
	while ((bytes = support_read_file(path, ret_size)) && *ret_size == 0) {
		free(bytes);
		if (support_now_ms() >= until)
			fail_msg("%s stays empty", path);
		support_sleep_ms(1);
	}
	return bytes;
}

static bool is_in_proc_file(pid_t pid, const char *name)
{
	size_t size;
	char *bytes = read_proc_file(pid, name, &size);
	bool found;

	skip_unless(bytes != NULL, "no /proc here");
	found = memmem(bytes, size, SECRET, strlen(SECRET)) != NULL;
	free(bytes);
	return found;
}

/* Words, JSON and log lines about a chain that has ended. */
static void assert_not_told(brood_process *process)
{
	const brood_result *result = brood_process_result(process);
	char *json = brood_result_json(result);

	assert_non_null(json);
	assert_not_in("JSON", json, strlen(json));
	assert_not_in("description", brood_result_describe(result), strlen(brood_result_describe(result)));
	assert_not_in("log", logged, strlen(logged));
	assert_non_null(strstr(logged, "started"));
	free(json);
}

static void fed(void)
{
	brood_command *cmd = brood_pipe(child_does("cat"), child_does("cat", "discard", "sleep-forever"));
	brood_process *process = NULL;
	char *text;

	log_begin();
	brood_command_feed(cmd, SECRET, strlen(SECRET));
	brood_command_capture(cmd, BROOD_STDERR, 0);
	text = brood_command_format(cmd);
	assert_not_in("command as text", text, strlen(text));
	free(text);
	assert_int_equal(brood_start(cmd, &process), 0);
	brood_command_free(cmd);
	for (size_t i = 0; i < 2; i++) {
		assert_false(is_in_proc_file(brood_process_pid(process, i), "cmdline"));
		assert_false(is_in_proc_file(brood_process_pid(process, i), "environ"));
	}
	assert_true(brood_process_stop(process, 0) >= 0);
	assert_not_told(process);
	brood_process_free(process);
	brood_log_to(NULL, NULL, BROOD_LOG_DEBUG);
}

static void test_what_is_fed_is_in_no_argument_variable_message_or_record(void **state)
{
	(void)state;
	on_every_engine(fed);
}

static void variable(void)
{
	brood_command *first = child_does("discard", "sleep-forever");
	brood_process *process = NULL;
	brood_command *cmd;

	log_begin();
	brood_command_setenv(first, "PW", SECRET);
	cmd = brood_pipe(first, child_does("discard", "sleep-forever"));
	brood_command_redirect_null(cmd, BROOD_STDIN);
	assert_int_equal(brood_start(cmd, &process), 0);
	brood_command_free(cmd);
	assert_true(is_in_proc_file(brood_process_pid(process, 0), "environ"));
	assert_false(is_in_proc_file(brood_process_pid(process, 1), "environ"));
	for (size_t i = 0; i < 2; i++)
		assert_false(is_in_proc_file(brood_process_pid(process, i), "cmdline"));
	assert_null(getenv("PW"));
	assert_true(brood_process_stop(process, 0) >= 0);
	assert_not_told(process);
	brood_process_free(process);
	brood_log_to(NULL, NULL, BROOD_LOG_DEBUG);
}

static void test_a_variable_is_in_its_stage_s_environment_and_nowhere_else(void **state)
{
	(void)state;
	on_every_engine(variable);
}

static void failed_start(void)
{
	brood_command *cmd = brood_command_newl("/nonexistent/program", SECRET, NULL);
	brood_process *process = NULL;

	log_begin();
	brood_command_setenv(cmd, "PW", SECRET);
	brood_command_feed(cmd, SECRET, strlen(SECRET));
	assert_int_equal(brood_start(cmd, &process), -ENOENT);
	brood_command_free(cmd);
	assert_not_in("description", brood_result_describe(brood_process_result(process)), strlen(brood_result_describe(brood_process_result(process))));
	assert_not_in("log", logged, strlen(logged));
	brood_process_free(process);
	brood_log_to(NULL, NULL, BROOD_LOG_DEBUG);
}

static void test_a_start_that_fails_names_the_program_and_not_its_arguments(void **state)
{
	(void)state;
	on_every_engine(failed_start);
}

/* ---- the host's descriptors ---- */

/* Whoever chooses the directory or the program could otherwise step out by a directory that the host has open (CVE-2024-21626). */
static void by_proc(void)
{
	const int fd = open("/", O_RDONLY | O_DIRECTORY);
	char path[64];
	brood_command *cmd = child_does("cwd");

	assert_true(fd >= 0);
	skip_unless(access("/proc/self/fd", X_OK) == 0, "no /proc here");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	brood_command_chdir(cmd, path);
	assert_start_fails(cmd, -ENOENT, "directory");
	snprintf(path, sizeof path, "/proc/self/fd/%d%s", fd, support_child());
	assert_start_fails(brood_command_newl(path, "exit", "0", NULL), -ENOENT, "exec");
	close(fd);
}

static void test_no_name_in_proc_leads_to_a_descriptor_of_the_host(void **state)
{
	(void)state;
	on_every_engine(by_proc);
}

/* ---- a change of ids ---- */

/* With shared memory refused by an error that means no step down, only starts that do not want it succeed. */
static void own_memory(void *data)
{
	brood_command *cmd = child_does("exit", "0");

	(void)data;
	skip_unless(getuid() == 0, needs_root);
	/* Where this system does not have the engine, this start is the one that finds out. */
	assert_exits(child_does("exit", "0"), 0);
	skip_unless(engine_now() <= ENGINE_CLONE, "this engine shares no memory");
	support_deny_syscall(SYS_clone3, EIO);
	support_deny_clone_flags(CLONE_VM, EIO);
	assert_start_fails(child_does("exit", "0"), -EIO, NULL);
	brood_command_set_user(cmd, NOBODY, NOBODY, NULL, 0);
	assert_exits(cmd, 0);
}

static void test_a_change_of_ids_is_made_in_memory_of_the_child_s_own(void **state)
{
	(void)state;
	skip_unless(BROOD_LINUX_FAST_PATH, "only Linux's fast path shares memory");
	support_assert_in_fork(own_memory, NULL);
}

static int dumpable(void *data)
{
	(void)data;
	return prctl(PR_GET_DUMPABLE);
}

/* A C function has a copy of the host's memory for as long as it runs: its new user's other processes must not look into it. */
static void not_dumpable(void)
{
	brood_command *cmd = brood_command_function("function", dumpable, NULL);
	brood_result *result;

	brood_command_set_user(cmd, NOBODY, NOBODY, NULL, 0);
	result = ran(cmd);
	assert_int_not_equal(brood_result_exit_code(result, 0), 1);
	brood_result_free(result);
}

static void test_a_function_under_another_id_cannot_be_looked_into_by_it(void **state)
{
	(void)state;
	skip_unless(getuid() == 0, needs_root);
	skip_unless(BROOD_LINUX_FAST_PATH, "PR_GET_DUMPABLE is Linux's");
	on_every_engine(not_dumpable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_what_is_fed_is_in_no_argument_variable_message_or_record),
		brood_test(test_a_variable_is_in_its_stage_s_environment_and_nowhere_else),
		brood_test(test_a_start_that_fails_names_the_program_and_not_its_arguments),
		brood_test(test_no_name_in_proc_leads_to_a_descriptor_of_the_host),
		brood_test(test_a_change_of_ids_is_made_in_memory_of_the_child_s_own),
		brood_test(test_a_function_under_another_id_cannot_be_looked_into_by_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
