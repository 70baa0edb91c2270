/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fault sweep of the bridge to libpipeline. A program of its own, because what links libpipeline is under its licence. */
#include "faults.h"

extern const struct scenario libpipeline_scenarios[];

int main(int argc, char **argv)
{
	const struct scenario *const groups[] = { libpipeline_scenarios, NULL };

	return faults_main(argc, argv, groups);
}
