/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libpipeline judges us: the same random chains go through both engines, and bytes and statuses must agree.
 *
 * Each round makes a chain of 1 to 6 commands (programs, C functions, sequences) and an input of 0 to 1 MiB from its seed. libpipeline
 * runs it in a forked process, as it would in a program of its own: from a file into a file, statuses by pipeline_wait_all. brood runs what
 * was taken over from a second pipeline that was made alike: whole or command by command, fed from memory, from the file, or by its name,
 * and hosted, as a later libpipeline may need it. BROOD_TEST_SEED=N makes N the first seed, so a failing round is BROOD_TEST_SEED=its
 * seed; BROOD_TEST_ROUNDS says how many.
 *
 * What may differ, and why:
 *  - A command before one that does not read to its end (head, false, exit, kill) may exit 0 or die of SIGPIPE, as the two of them are
 *    scheduled, with either engine. Both count as success to both.
 *  - Commands that libpipeline starts have SIGCHLD blocked, because it forks with the signal blocked and never opens the mask in the child
 *    (pipeline_start). Nothing here looks at it.
 *  - When all but the last succeeded in the end, its combined value is the last one's; when only an earlier one failed, it is 127 whatever that
 *    one exited with (ours is that one's own); a last command that died of SIGPIPE is 0 (ours is 141). Both values are held against their
 *    own rule.
 *  - It prints a line when a command dies of a signal, unless PIPELINE_QUIET is set; we print nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <brood.h>
#include <brood/libpipeline.h>

#include "support/later_libpipeline.h"
#include "support/support.h"

enum { ROUNDS = 400, COMMANDS = 6, INPUT_MAX = 1 << 20, TIMEOUT_MS = 60000 };

/* ---- numbers from a seed: splitmix64 ---- */

static uint64_t next(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned below(uint64_t *seed, unsigned bound)
{
	return (unsigned)(next(seed) % bound);
}

/* ---- a chain, as numbers ---- */

enum what { CAT, HEAD_LINES, HEAD_BYTES, TR, SORT, WC, FALSE, EXIT, KILL, UPPER, COUNT, NOTHING, PASSTHROUGH, BOTH, FAILING, WHATS };

struct one {
	enum what what;
	unsigned number;
};

struct chain {
	uint64_t seed;
	size_t count;
	struct one list[COMMANDS];
	char *input;
	size_t input_size;
	char in[256], out[256];         /* the file that the input is in, and the one libpipeline writes to */
};

static const int signals[] = { SIGTERM, SIGKILL, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM };

/* Not one byte of the input of a command like this need be read. */
static bool leaves_early(enum what what)
{
	return what == HEAD_LINES || what == HEAD_BYTES || what == FALSE || what == EXIT || what == KILL || what == NOTHING || what == FAILING;
}

static char *random_input(uint64_t *seed, size_t *ret_size)
{
	static const unsigned most[] = { 1, 100, 5000, 70000, INPUT_MAX };
	size_t size = below(seed, most[below(seed, 5)] + 1);
	char *bytes = malloc(size + 1);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++) {
		unsigned r = below(seed, 32);

		bytes[i] = r == 0 ? '\n' : r == 1 ? ' ' : (char)('a' + r % 26);
	}
	*ret_size = size;
	return bytes;
}

static void make_chain(struct chain *chain, uint64_t seed)
{
	memset(chain, 0, sizeof *chain);
	chain->seed = seed;
	chain->count = 1 + below(&seed, COMMANDS);
	for (size_t i = 0; i < chain->count; i++) {
		chain->list[i].what = (enum what)below(&seed, WHATS);
		chain->list[i].number = below(&seed, 1000);
	}
	chain->input = random_input(&seed, &chain->input_size);
	support_path(chain->in, sizeof chain->in, "in");
	support_path(chain->out, sizeof chain->out, "out");
	support_write_file(chain->in, chain->input, chain->input_size);
}

/* ---- C functions, which know no cmocka ---- */

static void upper(void *data)
{
	int c;

	(void)data;
	while ((c = getchar()) != EOF)
		putchar(c >= 'a' && c <= 'z' ? c - 32 : c);
}

static void count(void *data)
{
	char bytes[4096];
	size_t sum = 0;
	ssize_t r;

	(void)data;
	while ((r = read(0, bytes, sizeof bytes)) > 0)
		sum += (size_t)r;
	printf("%zu\n", sum);
}

static void nothing(void *data)
{
	(void)data;
}

/* ---- a chain, as libpipeline describes it ---- */

/* "exit 3" */
static pipecmd *shell(const char *verb, unsigned number, const char *rest)
{
	pipecmd *cmd = pipecmd_new_args("sh", "-c", (char *)NULL);

	pipecmd_argf(cmd, "%s%u%s", verb, number, rest);
	return cmd;
}

static pipecmd *head(const char *option, unsigned number)
{
	pipecmd *cmd = pipecmd_new_args("head", option, (char *)NULL);

	pipecmd_argf(cmd, "%u", number);
	return cmd;
}

static pipecmd *describe(const struct one *one)
{
	switch (one->what) {
	case CAT: return pipecmd_new("cat");
	case HEAD_LINES: return head("-n", one->number % 50);
	case HEAD_BYTES: return head("-c", one->number * 7);
	case TR: return pipecmd_new_args("tr", "a-m", "n-z", (char *)NULL);
	case SORT: return pipecmd_new_args("sort", one->number % 2 ? "-r" : "-u", (char *)NULL);
	case WC: return pipecmd_new_args("wc", one->number % 2 ? "-c" : "-l", (char *)NULL);
	case FALSE: return pipecmd_new("false");
	case EXIT: return shell("exit ", one->number % 256, "");
	case KILL: return shell("kill -", (unsigned)signals[one->number % (sizeof signals / sizeof *signals)], " $$");
	case UPPER: return pipecmd_new_function("upper", upper, NULL, NULL);
	case COUNT: return pipecmd_new_function("count", count, NULL, NULL);
	case NOTHING: return pipecmd_new_function("nothing", nothing, NULL, NULL);
	case PASSTHROUGH: return pipecmd_new_passthrough();
	case BOTH:
		return pipecmd_new_sequence("both", pipecmd_new("cat"), shell("echo ", one->number, " more"), (pipecmd *)NULL);
	case FAILING:
		return pipecmd_new_sequence("failing", shell("exit ", one->number % 3, ""), shell("echo ", one->number, ""), (pipecmd *)NULL);
	case WHATS:
		break;
	}
	fail_msg("%d is no command", (int)one->what);
}

static pipeline *describe_all(const struct chain *chain)
{
	pipeline *p = pipeline_new();

	for (size_t i = 0; i < chain->count; i++)
		pipeline_command(p, describe(&chain->list[i]));
	return p;
}

static void fail_chain(const struct chain *chain, const char *how, const char *what)
{
	char *text = pipeline_tostring(describe_all(chain));

	fail_msg("BROOD_TEST_SEED=%" PRIu64 " (%s): %s\n%zu bytes into: %s", chain->seed, how, what, chain->input_size, text);
}

/* ---- libpipeline's run, in a process of its own ---- */

struct verdict {
	int combined;
	int count;
	int statuses[COMMANDS];
};

static _Noreturn void be_libpipeline(const struct chain *chain, int answer)
{
	struct verdict verdict = { 0 };
	pipeline *p = describe_all(chain);
	int *statuses = NULL;
	int null = open("/dev/null", O_RDWR);

	setenv("PIPELINE_QUIET", "1", 1);
	dup2(null, 2);
	pipeline_want_infile(p, chain->in);
	pipeline_want_outfile(p, chain->out);
	pipeline_start(p);
	verdict.combined = pipeline_wait_all(p, &statuses, &verdict.count);
	for (int i = 0; i < verdict.count; i++)
		verdict.statuses[i] = statuses[i];
	_exit(write(answer, &verdict, sizeof verdict) != (ssize_t)sizeof verdict);
}

static struct verdict run_by_libpipeline(const struct chain *chain, char **ret_bytes, size_t *ret_size)
{
	struct verdict verdict;
	char *answer;
	size_t size;
	int fd[2];
	pid_t pid;

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		be_libpipeline(chain, fd[1]);
	assert_true(pid > 0);
	close(fd[1]);
	answer = support_read_all(fd[0], &size);
	close(fd[0]);
	assert_int_equal(support_reap(pid), 0);
	assert_int_equal(size, sizeof verdict);
	memcpy(&verdict, answer, sizeof verdict);
	free(answer);
	*ret_bytes = support_read_file(chain->out, ret_size);
	unlink(chain->out);
	return verdict;
}

/* ---- ours ---- */

static brood_command *by_commands(const struct chain *chain)
{
	brood_command *cmd = brood_command_pipecmd(describe(&chain->list[0]));

	for (size_t i = 1; i < chain->count; i++)
		cmd = brood_pipe(cmd, brood_command_pipecmd(describe(&chain->list[i])));
	return cmd;
}

static brood_command *by_file(const struct chain *chain, brood_command *cmd)
{
	brood_command_redirect_path(cmd, BROOD_STDIN, chain->in, O_RDONLY, 0);
	return cmd;
}

static brood_command *by_memory(const struct chain *chain, brood_command *cmd)
{
	brood_command_feed(cmd, chain->input, chain->input_size);
	return cmd;
}

static brood_command *by_names(const struct chain *chain)
{
	pipeline *p = describe_all(chain);

	pipeline_want_infile(p, chain->in);
	return brood_command_pipeline(p);
}

static brood_command *hosted(const struct chain *chain)
{
	pipeline *p = describe_all(chain);
	brood_command *cmd;

	pipeline_want_infile(p, chain->in);
	cmd = later_command(p);
	brood_command_setenv(cmd, "PIPELINE_QUIET", "1");
	return cmd;
}

static brood_result *run_by_us(const struct chain *chain, const char *how, brood_command *cmd_take)
{
	brood_result *result = NULL;

	brood_command_capture(cmd_take, BROOD_STDOUT, 0);
	brood_command_redirect_null(cmd_take, BROOD_STDERR);
	brood_command_set_timeout_ms(cmd_take, TIMEOUT_MS);
	if (brood_run(cmd_take, &result) != 0)
		fail_chain(chain, how, brood_result_describe(result));
	brood_command_free(cmd_take);
	return result;
}

/* ---- the comparison ---- */

static bool read_to_the_end(const struct chain *chain, size_t from)
{
	for (size_t i = from; i < chain->count; i++)
		if (leaves_early(chain->list[i].what))
			return false;
	return true;
}

static bool is_success(int status)
{
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

static void compare_stages(const struct chain *chain, const char *how, const struct verdict *verdict, const brood_result *result)
{
	int statuses[COMMANDS];
	char text[128];

	if (brood_pipeline_statuses(result, statuses, COMMANDS) != verdict->count)
		fail_chain(chain, how, "another number of commands");
	for (size_t i = 0; i < chain->count; i++) {
		const int theirs = verdict->statuses[i] & ~0x80, ours = statuses[i] & ~0x80;

		if (theirs == ours || (is_success(theirs) && is_success(ours) && !read_to_the_end(chain, i + 1)))
			continue;
		snprintf(text, sizeof text, "command %zu: status %#x there, %#x here", i + 1, (unsigned)theirs, (unsigned)ours);
		fail_chain(chain, how, text);
	}
}

/* What libpipeline documents for pipeline_wait_all, and what brood documents, from the same statuses. */
static void compare_combined(const struct chain *chain, const char *how, const struct verdict *verdict, const brood_result *result)
{
	const int last = verdict->statuses[verdict->count - 1];
	const int ours = brood_result_shell_status(result);
	char text[128];

	if (!is_success(last) || verdict->combined == 0) {
		if (ours == verdict->combined && brood_result_ok(result) == (verdict->combined == 0))
			return;
	} else if (verdict->combined == 127 && ours != 0 && !brood_result_ok(result)) {
		return;
	}
	snprintf(text, sizeof text, "combined status %d there, %d here", verdict->combined, ours);
	fail_chain(chain, how, text);
}

static void compare_bytes(const struct chain *chain, const char *how, const char *bytes, size_t size, const brood_result *result)
{
	size_t our_size;
	const char *ours = brood_result_output(result, BROOD_STDOUT, &our_size);
	char text[128];

	if (our_size == size && memcmp(ours, bytes, size) == 0)
		return;
	snprintf(text, sizeof text, "%zu bytes there, %zu here, and they differ", size, our_size);
	fail_chain(chain, how, text);
}

static void compare_all(struct chain *chain)
{
	struct verdict verdict;
	brood_result *result;
	const char *how;
	char *bytes;
	size_t size;

	verdict = run_by_libpipeline(chain, &bytes, &size);
	how = chain->seed % 2 ? "whole, from memory" : "by commands, from the file";
	if (chain->seed % 2)
		result = run_by_us(chain, how, by_memory(chain, brood_command_pipeline(describe_all(chain))));
	else
		result = run_by_us(chain, how, by_file(chain, by_commands(chain)));
	compare_bytes(chain, how, bytes, size, result);
	compare_stages(chain, how, &verdict, result);
	compare_combined(chain, how, &verdict, result);
	brood_result_free(result);

	if (chain->seed % 4 == 1) {
		how = "whole, with its file name";
		result = run_by_us(chain, how, by_names(chain));
		compare_bytes(chain, how, bytes, size, result);
		compare_stages(chain, how, &verdict, result);
		compare_combined(chain, how, &verdict, result);
		brood_result_free(result);
	}
	if (chain->seed % 4 == 0) {
		how = "hosted";
		result = run_by_us(chain, how, hosted(chain));
		compare_bytes(chain, how, bytes, size, result);
		compare_stages(chain, how, &verdict, result);
		if (brood_result_shell_status(result) != verdict.combined)
			fail_chain(chain, how, "another combined status");
		brood_result_free(result);
	}
	free(bytes);
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static void test_random_chains_agree_with_libpipeline(void **state)
{
	const uint64_t first = number_from("BROOD_TEST_SEED", (uint64_t)support_now_ms() * 1000 + (uint64_t)getpid() % 1000);
	const uint64_t usual = under_valgrind() ? ROUNDS / 20 : ROUNDS;
	const uint64_t rounds = number_from("BROOD_TEST_ROUNDS", getenv("BROOD_TEST_SEED") ? 1 : usual);

	(void)state;
	print_message("           seeds %" PRIu64 " to %" PRIu64 "; BROOD_TEST_SEED=N runs the one round of seed N\n", first, first + rounds - 1);
	for (uint64_t i = 0; i < rounds; i++) {
		struct chain chain;

		make_chain(&chain, first + i);
		compare_all(&chain);
		free(chain.input);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_random_chains_agree_with_libpipeline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
