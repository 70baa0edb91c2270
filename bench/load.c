/* SPDX-License-Identifier: MIT */
/*
 * What loading the library costs a program: this one is built twice, with it and without. Otherwise it does nothing.
 */
#ifdef BENCH_LOAD_BROOD
#include <brood.h>
#endif

int main(void)
{
#ifdef BENCH_LOAD_BROOD
	return brood_version()[0] == '\0';
#else
	return 0;
#endif
}
