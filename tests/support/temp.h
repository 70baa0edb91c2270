/* SPDX-License-Identifier: MIT */
/* A directory for the test that runs now, made when first asked for and removed with all that is in it at its end. */
#ifndef SUPPORT_TEMP_H
#define SUPPORT_TEMP_H

#include <stddef.h>

/*
 * The absolute path of the directory, valid to the end of the test. Made below TMPDIR or /tmp, mode 0700.
 * Fails the test where it cannot be made.
 */
const char *support_tempdir(void);

/* Put the path of `name` in that directory into the buffer, and return the buffer. Too long a path fails the test. */
char *support_path(char *buffer, size_t size, const char *name);

/* Make or replace a file with exactly these bytes, mode 0666 less the umask. Fails the test on any error. */
void support_write_file(const char *path, const void *bytes, size_t size);
void support_write_text(const char *path, const char *text);

/*
 * All that is in the file, a NUL after it. The caller frees it; ret_size may be NULL.
 * Returns NULL where the file cannot be opened.
 */
char *support_read_file(const char *path, size_t *ret_size);

/* Remove the directory; nothing where none was made. The teardown calls it. */
void support_tempdir_remove(void);

/* Leave it to the process that made it: the next support_tempdir() makes another. */
void support_tempdir_forget(void);

#endif
