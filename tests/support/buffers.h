/* SPDX-License-Identifier: MIT */
/* What tests of buffers share: bytes that can be told apart, and how much memory this process takes. */
#ifndef SUPPORT_BUFFERS_H
#define SUPPORT_BUFFERS_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

#include "base/buffer.h"

#define MIB ((size_t)1 << 20)

/* The pattern's bytes up to `size` in all, put there as a reader does. */
static inline void fill(struct buffer *buffer, size_t size)
{
	size_t room;
	char *at;

	while (buffer->size < size) {
		assert_int_equal(buffer_room(buffer, &at, &room), 0);
		assert_true(room > 0);
		if (room > size - buffer->size)
			room = size - buffer->size;
		support_pattern((unsigned char *)at, room, buffer->size);
		buffer_commit(buffer, room);
	}
}

static inline void expect_pattern(const struct buffer *buffer, size_t size)
{
	unsigned char expected[4096];
	const char *text = buffer_text(buffer);

	assert_int_equal(buffer->size, size);
	for (size_t at = 0; at < size; at += sizeof(expected)) {
		size_t piece = size - at < sizeof(expected) ? size - at : sizeof(expected);

		support_pattern(expected, piece, at);
		if (memcmp(text + at, expected, piece) != 0)
			fail_msg("bytes from %zu on differ", at);
	}
	assert_int_equal(text[size], '\0');
}

/* The plain POSIX build keeps everything in malloc. */
static inline void skip_unless_mapped(void)
{
	struct buffer buffer = { 0 };
	int r = buffer_spill(&buffer);

	buffer_done(&buffer);
	skip_unless(r != -ENOTSUP, "this build has no mappings and no memfds");
}

/* A line of /proc/self/status in bytes. */
static inline size_t status_bytes(const char *name)
{
	char text[8192];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int64_t kib;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':'))
		*colon = ' ';
	kib = support_field(text, name, 10);
	skip_unless(kib > 0, "/proc does not tell how much memory is used");
	return (size_t)kib << 10;
}

/* 4 MiB is the promise; the kernel counts with up to half a MiB of delay. */
enum { OUTPUT = 65 << 20, ALLOWED = OUTPUT + (4 << 20) + (512 << 10) };

#endif
