/* SPDX-License-Identifier: MIT */
/*
 * A file that appears under its name when it is whole, in place of an older one, or not at all.
 *
 * Until then it has no name (O_TMPFILE), so that whoever is killed leaves nothing; on a file system that cannot do that it has a name of its own
 * in the same folder, ".brood-new-...". A symbolic link under the name is replaced, never followed: in a folder that others may write to
 * it could lead anywhere. What is no regular file (a device, a FIFO, /dev/stdout whatever stands behind it) is written to directly, by way of
 * a link too, unless it is a stranger's (openfile.h).
 */
#ifndef BROOD_TOOLS_NEWFILE_H
#define BROOD_TOOLS_NEWFILE_H

#include <stdbool.h>
#include <stdio.h>

struct newfile;

/* 0, or -errno: the folder is not there or cannot be written, -EISDIR. A FIFO is opened as a shell does: this waits for its reader. */
int newfile_new(const char *path, struct newfile **ret_file);

/* Where to write; the file's own. */
FILE *newfile_stream(struct newfile *file);

/* The first error of writing: 0 or -errno. Text that has not left the stream's buffer yet may still fail. */
int newfile_error(const struct newfile *file);

/* True when it is written to directly: then nothing can be taken back. */
bool newfile_is_direct(const struct newfile *file);

/* Give it its name. 0, or -errno, the first there was: the older file is as it was, and nothing is left. Frees it. */
int newfile_finish(struct newfile *file_take);

/* It never was. NULL is fine. */
void newfile_drop(struct newfile *file_take);

/*
 * A file that never gets a name, for what has to wait: in the folder of this path, else in $TMPDIR or /tmp. A descriptor for reading and writing that is
 * the caller's to close, or -errno.
 */
int newfile_scratch(const char *path);

#endif
