/* SPDX-License-Identifier: MIT */
/* The command's main under another name, so that a scenario can call it. */
#include "shell.h"

#define main brood_command_main
/* NOLINTNEXTLINE(bugprone-suspicious-include): another name is all that differs */
#include "../../tools/main.c"
