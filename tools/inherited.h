/* SPDX-License-Identifier: MIT */
/*
 * The descriptors above 2 that we were started with. The commands get them too, as from timeout(1) and xargs(1): a shell's <(...) is one, make(1)'s
 * jobserver are two. What we open ourselves is no part of this.
 */
#ifndef BROOD_TOOLS_INHERITED_H
#define BROOD_TOOLS_INHERITED_H

#include <brood.h>

/* Remember them: once, before anything is opened. Where the system does not tell (no /proc), there are none. */
void inherited_remember(void);

/* Every stage has them, but for numbers that it directs itself. Just before the start: a command is shown without them. */
void inherited_direct(brood_command *cmd);

#endif
