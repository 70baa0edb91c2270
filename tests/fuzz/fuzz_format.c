/* SPDX-License-Identifier: MIT */
/*
 * A command as text, read back by /bin/sh. The input is fields that end with NUL; the first byte of each says what is set, the rest is the value:
 *
 *	a argument    p program    = NAME=value    u NAME is unset    c environment is emptied
 *	d directory   m umask      n nice          0 1 2 3 to a file (or to /dev/null)       g 2>&1
 *	| another stage            & the next stage only if this one succeeds: their first words are the values
 *
 * The text of one plain stage is given to a shell as the arguments of a function that prints them, so every byte, the program's name
 * too, must come back. All other text the shell reads and does not run: it must have no mistake and end where it should. Where
 * brood_command_parse takes the text as well, it must read what the shell read.
 *
 * The shell is a child that lives as long as the target, with no right to write anywhere.
 */
#include "fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <brood.h>

#include "command/description.h"
#include "spawn/environ.h"

enum { INPUT_MOST = 2048, WORDS_MOST = 2 * INPUT_MOST, ANSWER_MS = 20000 };

/* ---- the shell ------------------------------------------------------------------------------------------------ */

static brood_process *shell;

static void shell_start(void)
{
	brood_command *cmd = brood_command_newl("/bin/sh", NULL);
	const char *said = "show() { printf '%s\\0' \"$#\" \"$@\"; }\nPATH=/nonexistent\nset -C\n";

	brood_command_redirect_pipe(cmd, 0);
	brood_command_redirect_pipe(cmd, 1);
	brood_command_redirect_null(cmd, 2);
	brood_command_clearenv(cmd);
	brood_command_setenv(cmd, "LC_ALL", "C");
	brood_command_chdir(cmd, "/");
	brood_command_set_rlimit(cmd, RLIMIT_FSIZE, 0, 0);
	if (getuid() == 0)
		brood_command_set_user(cmd, 65534, 65534, NULL, 0);
	FUZZ_CHECK(brood_start(cmd, &shell) == 0);
	FUZZ_CHECK(brood_process_write(shell, said, strlen(said), -1, NULL) == 0);
	brood_command_free(cmd);
}

static void shell_tell(const char *text)
{
	FUZZ_CHECK(brood_process_write(shell, text, strlen(text), ANSWER_MS, NULL) == 0);
}

/* What `show` printed: its words in `bytes`, each with its NUL. */
static size_t shell_answer(char *bytes, size_t size, const char *words[WORDS_MOST + 1])
{
	size_t used = 0, ends = 0, expected = 1, at;

	while (ends < expected) {
		ssize_t n = brood_process_read(shell, 1, ANSWER_MS, bytes + used, size - used);

		/* A text that has no end makes the shell wait; one with a mistake ends it. */
		FUZZ_CHECK(n > 0);
		for (ssize_t i = 0; i < n; i++)
			ends += bytes[used++] == '\0';
		if (ends > 0)
			expected = 1 + strtoul(bytes, NULL, 10);
	}
	FUZZ_CHECK(ends == expected && expected <= WORDS_MOST && bytes[used - 1] == '\0');
	at = strlen(bytes) + 1;
	for (size_t i = 0; i + 1 < expected; i++, at += strlen(bytes + at) + 1)
		words[i] = bytes + at;
	words[expected - 1] = NULL;
	return expected - 1;
}

/* ---- a command from fields ------------------------------------------------------------------------------------ */

struct making {
	brood_command *before;          /* what `&` and `|` have closed, or NULL */
	bool then;                      /* it ended with & */
	brood_command *cmd;
};

static void begin_stage(struct making *making, const char *program)
{
	making->cmd = brood_command_newl(*program ? program : "x", NULL);
	FUZZ_CHECK(making->cmd);
}

static void end_stage(struct making *making, bool then)
{
	if (making->before)
		making->before = making->then ? brood_then(making->before, making->cmd) : brood_pipe(making->before, making->cmd);
	else
		making->before = making->cmd;
	making->then = then;
	FUZZ_CHECK(making->before);
}

static void set_variable(brood_command *cmd, char *field)
{
	char *equals = strchr(field, '=');

	if (!equals)
		return;
	*equals = '\0';
	brood_command_setenv(cmd, field, equals + 1);
	*equals = '=';
}

static void put_field(struct making *making, char *field)
{
	brood_command *cmd = making->cmd;
	char *text = field + 1;

	switch (field[0]) {
	case 'a': brood_command_arg(cmd, text); break;
	case 'p': brood_command_set_program(cmd, text); break;
	case '=': set_variable(cmd, text); break;
	case 'u': brood_command_unsetenv(cmd, text); break;
	case 'c': brood_command_clearenv(cmd); break;
	case 'd': brood_command_chdir(cmd, text); break;
	case 'm': brood_command_set_umask(cmd, (mode_t)text[0]); break;
	case 'n': brood_command_set_nice(cmd, (signed char)text[0]); break;
	case '0':
	case '1':
	case '2':
	case '3':
		if (*text)
			brood_command_redirect_path(cmd, field[0] - '0', text, field[0] == '0' ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0600);
		else
			brood_command_redirect_null(cmd, field[0] - '0');
		break;
	case 'g': brood_command_redirect_merge(cmd, 2, 1); break;
	case '|':
	case '&':
		end_stage(making, field[0] == '&');
		begin_stage(making, text);
		break;
	default: break;
	}
}

static brood_command *make_command(char *fields, size_t size)
{
	struct making making = { 0 };
	char *field = fields;

	begin_stage(&making, field);
	for (field += strlen(field) + 1; field < fields + size; field += strlen(field) + 1)
		put_field(&making, field);
	end_stage(&making, false);
	return making.before;
}

/* ---- what must hold ------------------------------------------------------------------------------------------- */

static bool is_plain(const brood_command *cmd)
{
	const struct stage *stage = &cmd->stages[0];

	return cmd->stage_count == 1 && stage->kind == STAGE_EXEC && !stage->cwd && !stage->identity.set_umask && stage->identity.nice == 0 &&
	       stage->direction_count == 0;
}

/* env(1)'s reading of its arguments: the changes, then the program, which is returned. */
static const char *const *read_env(const char *const *words, struct env_op *ops, size_t *ret_count)
{
	for (; *words && **words == '-'; words++) {
		if (strcmp(*words, "--") == 0) {
			words++;
			break;
		}
		if (strcmp(*words, "-i") == 0) {
			ops[(*ret_count)++] = (struct env_op){ .change = ENV_CLEAR };
		} else {
			FUZZ_CHECK(strcmp(*words, "-u") == 0 && words[1]);
			ops[(*ret_count)++] = (struct env_op){ .change = ENV_UNSET, .text = (char *)*++words };
		}
	}
	for (; *words && strchr(*words, '='); words++)
		ops[(*ret_count)++] = (struct env_op){ .change = ENV_SET, .text = (char *)*words };
	return words;
}

static bool has_entry(char *const *list, const char *entry)
{
	while (*list && strcmp(*list, entry) != 0)
		list++;
	return *list;
}

/* The same variables whatever their order, from a base that has those that the command names. */
static void check_same_environment(const struct stage *stage, const struct env_op *ops, size_t count)
{
	char **base = calloc(stage->env_count + 2, sizeof(*base)), **one, **other;
	size_t used = 0, i;

	FUZZ_CHECK(base);
	base[used++] = strdup("OTHER=there");
	for (i = 0; i < stage->env_count; i++)
		if (stage->env[i].change != ENV_CLEAR && asprintf(&base[used], "%.*s=there", (int)strcspn(stage->env[i].text, "="), stage->env[i].text) > 0)
			used++;
	one = environ_build(base, stage->env, stage->env_count);
	other = environ_build(base, ops, count);
	FUZZ_CHECK(one && other);
	for (i = 0; one[i]; i++)
		FUZZ_CHECK(has_entry(other, one[i]));
	while (i > 0)
		FUZZ_CHECK(other[--i]);
	for (i = 0; other[i]; i++)
		FUZZ_CHECK(has_entry(one, other[i]));
	while (used > 0)
		free(base[--used]);
	free(base);
	free(one);
	free(other);
}

static bool same_program(const struct stage *stage, const char *const *words)
{
	char *const *argv = strv_list(&stage->argv);

	if (!words[0] || strcmp(words[0], stage->program ? stage->program : argv[0]) != 0)
		return false;
	for (size_t i = 1; argv[i] || words[i]; i++)
		if (!argv[i] || !words[i] || strcmp(argv[i], words[i]) != 0)
			return false;
	return true;
}

static void check_words(const struct stage *stage, const char *const *words)
{
	static struct env_op ops[WORDS_MOST];
	const char *program = stage->program ? stage->program : strv_list(&stage->argv)[0];
	size_t count = 0;

	/* No way leads past it: env(1) takes a program with = in its name for a variable. */
	if (stage->env_count > 0 && strchr(program, '='))
		return;
	if (stage->env_count > 0 || !same_program(stage, words)) {
		FUZZ_CHECK(words[0] && strcmp(words[0], "env") == 0);
		words = read_env(words + 1, ops, &count);
	}
	FUZZ_CHECK(same_program(stage, words));
	check_same_environment(stage, ops, count);
}

static void check_parsed(const char *text, const char *const *words)
{
	brood_command *cmd = NULL;

	if (brood_command_parse(text, &cmd) == 0) {
		const char *const *argv = brood_command_argv(cmd, 0);
		size_t i = 0;

		FUZZ_CHECK(brood_command_stages(cmd) == 1);
		for (; argv[i]; i++)
			FUZZ_CHECK(words[i] && strcmp(argv[i], words[i]) == 0);
		FUZZ_CHECK(!words[i]);
	}
	brood_command_free(cmd);
}

static void check_shown(const brood_command *cmd, const char *text)
{
	static char answer[16 * INPUT_MOST];
	const char *words[WORDS_MOST + 1];

	shell_tell("show ");
	shell_tell(text);
	shell_tell("\n");
	shell_answer(answer, sizeof(answer), words);
	check_words(&cmd->stages[0], words);
	check_parsed(text, words);
}

/* Read and not run: what comes after it is heard. */
static void check_syntax(const char *text)
{
	static char answer[64];
	const char *words[WORDS_MOST + 1];

	shell_tell("case no in yes)\n");
	shell_tell(text);
	shell_tell("\n;; no) show here;; esac\n");
	FUZZ_CHECK(shell_answer(answer, sizeof(answer), words) == 1 && strcmp(words[0], "here") == 0);
}

static void check_copy(const brood_command *cmd, const char *text)
{
	brood_command *copy = brood_command_copy(cmd);
	char *again = brood_command_format(copy);

	FUZZ_CHECK(again && strcmp(again, text) == 0);
	free(again);
	brood_command_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *fields, *text;
	brood_command *cmd;

	if (size > INPUT_MOST)
		return 0;
	if (!shell)
		shell_start();
	fields = malloc(size + 1);
	FUZZ_CHECK(fields);
	memcpy(fields, data, size);
	fields[size] = '\0';

	cmd = make_command(fields, size);
	text = brood_command_format(cmd);
	FUZZ_CHECK(text);
	check_copy(cmd, text);
	if (!brood_command_error(cmd) && is_plain(cmd))
		check_shown(cmd, text);
	else if (!brood_command_error(cmd))
		check_syntax(text);
	free(text);
	brood_command_free(cmd);
	free(fields);
	return 0;
}
