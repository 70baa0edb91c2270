/* SPDX-License-Identifier: MIT */
/* The fault sweep of the library. */
#include "faults.h"

int main(int argc, char **argv)
{
	const struct scenario *const groups[] = {
		redirect_scenarios, chain_scenarios, talk_scenarios, stop_scenarios, child_scenarios, batch_scenarios,
		NULL,
	};

	return faults_main(argc, argv, groups);
}
