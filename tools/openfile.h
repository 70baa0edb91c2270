/* SPDX-License-Identifier: MIT */
/*
 * Opening a file that the user named, in a folder that others may write to.
 *
 * Somebody may have put a symbolic link under that name which leads to a file of the user's, or of root's. Linux's fs.protected_symlinks knows
 * whose links to follow, but only in sticky folders that everybody may write to, and only where it is switched on. Here its rule holds everywhere: a link
 * at the end of the name is followed if it is ours, root's or the owner's of the folder it is in.
 */
#ifndef BROOD_TOOLS_OPENFILE_H
#define BROOD_TOOLS_OPENFILE_H

#include <sys/types.h>

/*
 * As open(2), close-on-exec. A descriptor, or -errno: -EACCES for the link of a stranger. With O_DIRECTORY slashes at the end of the name make no
 * difference. What a link of ours leads to is opened as it is, be it another link.
 */
int openfile(const char *path, int flags, mode_t mode);

#endif
