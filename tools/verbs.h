/* SPDX-License-Identifier: MIT */
/*
 * The verbs of the command. Each is a main of its own: argv[0] is the verb ("run"), and what comes back is the exit status.
 */
#ifndef BROOD_TOOLS_VERBS_H
#define BROOD_TOOLS_VERBS_H

int run_main(int argc, char **argv);
int map_main(int argc, char **argv);

#endif
