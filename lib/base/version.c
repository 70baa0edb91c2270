/* SPDX-License-Identifier: MIT */
/* Which library runs: it may be newer than the headers that the host was compiled with. */
#include <brood/base.h>

const char *brood_version(void)
{
	return BROOD_VERSION;
}
