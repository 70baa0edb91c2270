/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was taken over, counted; and what can be read of it without changing it. In the host only calls that allocate nothing inside
 * libpipeline are made, because it exits for want of memory.
 */
#include "bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct adopted *adopted_new(pipecmd *cmd_take, pipeline *pipeline_take)
{
	struct adopted *adopted = calloc(1, sizeof *adopted);

	if (!adopted) {
		pipecmd_free(cmd_take);
		pipeline_free(pipeline_take);
		return NULL;
	}
	atomic_init(&adopted->users, 1);
	adopted->cmd = cmd_take;
	adopted->pipeline = pipeline_take;
	adopted->cwd_fd = -1;
	adopted->status_fd = -1;
	return adopted;
}

void *adopted_copy(const void *adopted)
{
	struct adopted *shared = (struct adopted *)(uintptr_t)adopted;

	atomic_fetch_add_explicit(&shared->users, 1, memory_order_relaxed);
	return shared;
}

void adopted_release(void *adopted)
{
	struct adopted *shared = adopted;

	if (atomic_fetch_sub_explicit(&shared->users, 1, memory_order_acq_rel) > 1)
		return;
	pipecmd_free(shared->cmd);
	pipeline_free(shared->pipeline);
	free(shared);
}

/* ---- reading ---- */

struct text {
	char *bytes;
	size_t size;
	bool bad;
};

static ssize_t add(void *data, const char *bytes, size_t size)
{
	struct text *text = data;
	char *grown = text->bad ? NULL : realloc(text->bytes, text->size + size + 1);

	if (!grown) {
		text->bad = true;
		return 0;
	}
	memcpy(grown + text->size, bytes, size);
	text->bytes = grown;
	text->size += size;
	text->bytes[text->size] = '\0';
	return (ssize_t)size;
}

/* glibc's open_memstream(3) leaves out what finds no memory and closes well; half a dump would be read as another one. */
static char *dump(pipecmd *cmd, pipeline *p)
{
	struct text text = { .bytes = NULL };
	FILE *stream = fopencookie(&text, "w", (cookie_io_functions_t){ .write = add });

	if (!stream)
		return NULL;
	if (cmd)
		pipecmd_dump(cmd, stream);
	else
		pipeline_dump(p, stream);
	if (fclose(stream) != 0 || text.bad) {
		free(text.bytes);
		return NULL;
	}
	return text.bytes ? text.bytes : strdup("");
}

char *dump_pipecmd(pipecmd *cmd)
{
	return dump(cmd, NULL);
}

char *dump_pipeline(pipeline *p)
{
	return dump(NULL, p);
}

int directory_fd(const char *dump)
{
	int fd = -1, end = 0;

	/* NOLINTNEXTLINE(cert-err34-c): libpipeline writes an int there */
	if (sscanf(dump, "(cd <fd %d> && %n", &fd, &end) < 1 || end == 0)
		return -1;
	return fd;
}

/*
 * A dump is "[(cd DIR && ][NAME=value ]...WORD...[)]", unquoted: with an environment nobody can say where a value ends and the program
 * begins, and a piece of a password must not become the name of a stage. Then, and for a sequence, there is a general name.
 */
const char *name_of(const char *dump, char *name, size_t size)
{
	const char *word = dump;
	size_t length;

	if (strncmp(word, "(cd ", 4) == 0) {
		word = strstr(word, " && ");
		word = word ? word + 4 : dump;
	}
	if (*word == '(')
		return "sequence";
	length = strcspn(word, " ");
	if (word != dump && word[length] == '\0' && length > 0)
		length--;               /* the parenthesis that (cd opened */
	if (length == 0 || memchr(word, '=', length) || strncmp(word, "env -i ", 7) == 0)
		return "pipecmd";
	if (length >= size)
		length = size - 1;
	memcpy(name, word, length);
	name[length] = '\0';
	return name;
}
