/* SPDX-License-Identifier: MIT */
/* What somebody else has put in the way. Only root can make it look that way. */
#ifndef TOOLS_STRANGERS_H
#define TOOLS_STRANGERS_H

#include <unistd.h>

#include "support/support.h"

enum { STRANGER = 65534 };

/* A symbolic link that belongs to nobody we trust, in the test's folder; its path is put into the buffer. Skips the test unless we are root. */
static inline char *strangers_link(char *path, size_t size, const char *name, const char *target)
{
	skip_unless(getuid() == 0, "only root can make a link that belongs to somebody else");
	assert_int_equal(symlink(target, support_path(path, size, name)), 0);
	assert_int_equal(lchown(path, STRANGER, STRANGER), 0);
	return path;
}

#endif
