/* SPDX-License-Identifier: MIT */
/*
 * Shell text and its quoting. Single quotes are the one quotation in which every byte stands for itself, in every POSIX shell and
 * every locale; a single quote closes them, is quoted by a backslash, and opens them again.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "command/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_bytes(struct shell_text *text, const char *bytes, size_t size)
{
	if (text->failed)
		return;
	if (size >= text->capacity - text->size) {
		size_t capacity = text->capacity ? text->capacity * 2 : 128;
		char *data;

		while (capacity - text->size <= size)
			capacity *= 2;
		data = realloc(text->data, capacity);
		if (!data) {
			text->failed = true;
			return;
		}
		text->data = data;
		text->capacity = capacity;
	}
	memcpy(text->data + text->size, bytes, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void shell_put(struct shell_text *text, const char *piece)
{
	put_bytes(text, piece, strlen(piece));
}

void shell_put_number(struct shell_text *text, long long number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", number);
	shell_put(text, digits);
}

static bool is_safe(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_-./:,+@%=", c));
}

static bool needs_quotes(const char *word)
{
	const char *c = word;

	while (is_safe(*c))
		c++;
	return *c || c == word;
}

void shell_put_quoted(struct shell_text *text, const char *word)
{
	put_bytes(text, "'", 1);
	for (const char *c = word; *c; c++) {
		if (*c == '\'')
			put_bytes(text, "'\\''", 4);
		else
			put_bytes(text, c, 1);
	}
	put_bytes(text, "'", 1);
}

void shell_put_word(struct shell_text *text, const char *word)
{
	if (needs_quotes(word))
		shell_put_quoted(text, word);
	else
		shell_put(text, word);
}

void shell_put_assignment(struct shell_text *text, const char *assignment)
{
	size_t name_size = strcspn(assignment, "=");
	const char *c = assignment;

	while (c < assignment + name_size && is_safe(*c))
		c++;
	if (*c != '=') {
		shell_put_quoted(text, assignment);
		return;
	}
	put_bytes(text, assignment, name_size + 1);
	if (c[1])
		shell_put_word(text, c + 1);
}

/* ---- words that a shell has plans for ---- */

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

bool shell_is_keyword(const char *word)
{
	static const char *const keywords[] = {
		"case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select", "then",
		"time", "until", "while", NULL
	};

	return is_one_of(word, keywords) || strchr(word, '=');
}

/* POSIX's, and those of the shells that are somewhere called sh. true and false have nothing to differ in; echo: see format.c. */
bool shell_is_builtin(const char *word)
{
	static const char *const builtins[] = {
		".", ":", "[", "alias", "bg", "bind", "break", "builtin", "caller", "cd", "chdir", "command", "compgen",
		"complete", "continue", "declare", "dirs", "disown", "echo", "enable", "eval", "exec", "exit", "export",
		"fc", "fg", "getopts", "hash", "help", "history", "jobs", "kill", "let", "local", "logout", "mapfile", "popd",
		"print", "printf", "pushd", "pwd", "read", "readarray", "readonly", "return", "set", "shift", "shopt",
		"source", "suspend", "test", "times", "trap", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
		"whence", NULL
	};

	return is_one_of(word, builtins);
}

/* ---- the end ---- */

char *shell_take(struct shell_text *text)
{
	char *data;

	put_bytes(text, "", 0);
	if (text->failed)
		shell_done(text);
	data = text->data;
	text->data = NULL;
	shell_done(text);
	return data;
}

void shell_done(struct shell_text *text)
{
	free(text->data);
	memset(text, 0, sizeof(*text));
}
