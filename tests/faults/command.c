/* SPDX-License-Identifier: MIT */
/* The fault sweep of the command. */
#include <limits.h>
#include <stdlib.h>

#include "faults.h"
#include "shell.h"

int main(int argc, char **argv)
{
	const struct scenario *const groups[] = { run_scenarios, map_scenarios, NULL };
	char child[PATH_MAX];

	/* Each run has a folder of its own to be in. */
	if (realpath(child_path(), child))
		setenv("BROOD_TEST_CHILD", child, 1);
	return faults_main(argc, argv, groups);
}
