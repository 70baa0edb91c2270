/* SPDX-License-Identifier: MIT */
/*
 * cmocka with what it wants included before it, for all of tests/. Its fail_msg prints to whatever descriptor 2 is by then;
 * ours says the same where somebody reads it (fork.h).
 */
#ifndef SUPPORT_CHECK_H
#define SUPPORT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#undef fail_msg
#define fail_msg(...) support_fail(__FILE__, __LINE__, __VA_ARGS__)

/* Print the message to the real stderr, and fail the test that runs. */
__attribute__((noreturn, format(printf, 3, 4))) void support_fail(const char *file, int line, const char *format, ...);

#endif
