dnl SPDX-License-Identifier: MIT
dnl What the compiler and the linker are asked for. Everything lands in BROOD_CFLAGS and BROOD_LDFLAGS, which Makefile.am
dnl puts into AM_CFLAGS and AM_LDFLAGS: the user's CFLAGS and LDFLAGS come later and so have the last word.

dnl BROOD_TRY_CFLAGS(VARIABLE, FLAG...): append each flag that the compiler takes without a word.
AC_DEFUN([BROOD_TRY_CFLAGS], [
m4_foreach_w([brood_flag], [$2], [
	AC_MSG_CHECKING([whether $CC takes brood_flag])
	brood_saved_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS -Werror brood_flag"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [
		AC_MSG_RESULT([yes])
		$1="$$1 brood_flag"
	], [AC_MSG_RESULT([no])])
	CFLAGS=$brood_saved_CFLAGS
])
])

dnl BROOD_TRY_LDFLAGS(VARIABLE, FLAG...): the same at link time.
AC_DEFUN([BROOD_TRY_LDFLAGS], [
m4_foreach_w([brood_flag], [$2], [
	AC_MSG_CHECKING([whether the linker takes brood_flag])
	brood_saved_LDFLAGS=$LDFLAGS
	LDFLAGS="$LDFLAGS brood_flag"
	AC_LINK_IFELSE([AC_LANG_PROGRAM()], [
		AC_MSG_RESULT([yes])
		$1="$$1 brood_flag"
	], [AC_MSG_RESULT([no])])
	LDFLAGS=$brood_saved_LDFLAGS
])
])

AC_DEFUN([BROOD_C_STANDARD], [
AC_SUBST([BROOD_CFLAGS])
AC_SUBST([BROOD_LDFLAGS])
BROOD_TRY_CFLAGS([BROOD_CFLAGS], [-std=gnu11 -fvisibility=hidden])
AS_CASE([$BROOD_CFLAGS], [*-std=gnu11*], [], [AC_MSG_ERROR([the compiler has no -std=gnu11])])
])

dnl Warnings are always on; they are errors only for developers, so that next year's compiler does not break a build.
dnl Unused parameters are the rule in callbacks and in tests, where every function takes a `void **state`.
AC_DEFUN([BROOD_WARNINGS], [
BROOD_TRY_CFLAGS([BROOD_CFLAGS], m4_normalize([
	-Wall -Wextra -Wno-unused-parameter
	-Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
	-Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough
	-Wduplicated-cond -Wlogical-op -Wdate-time
]))
AS_IF([test "x$enable_developer" = xyes], [BROOD_CFLAGS="$BROOD_CFLAGS -Werror"])
])

AC_DEFUN([BROOD_SANITIZERS], [
AC_SUBST([BROOD_SANITIZE])
BROOD_SANITIZE=
AS_IF([test "x$enable_sanitizers" = xyes], [enable_sanitizers=address,undefined])
AS_IF([test "x$enable_sanitizers" != xno], [
	BROOD_SANITIZE=$enable_sanitizers
	AC_DEFINE([BROOD_SANITIZED], [1], [Define to 1 when everything is built with -fsanitize])
	AC_MSG_CHECKING([whether programs link with -fsanitize=$enable_sanitizers])
	brood_saved_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS -fsanitize=$enable_sanitizers"
	AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])],
		[AC_MSG_ERROR([the compiler cannot build with -fsanitize=$enable_sanitizers])])
	CFLAGS=$brood_saved_CFLAGS
	BROOD_CFLAGS="$BROOD_CFLAGS -fsanitize=$enable_sanitizers -fno-omit-frame-pointer"
	AS_CASE([$enable_sanitizers], [*undefined*], [BROOD_CFLAGS="$BROOD_CFLAGS -fno-sanitize-recover=undefined"])
	BROOD_LDFLAGS="$BROOD_LDFLAGS -fsanitize=$enable_sanitizers"
])
])

dnl _FORTIFY_SOURCE goes through config.h, which is read before any system header: there the compiler itself knows whether this
dnl file is optimised (glibc warns otherwise) and whether the distribution has already set it.
AC_DEFUN([BROOD_HARDENING], [
BROOD_TRY_CFLAGS([BROOD_CFLAGS], [-fstack-protector-strong -fstack-clash-protection -fcf-protection])
BROOD_TRY_LDFLAGS([BROOD_LDFLAGS], [-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack])
AH_BOTTOM([#if defined(__OPTIMIZE__) && !defined(_FORTIFY_SOURCE) && !defined(BROOD_SANITIZED)
#define _FORTIFY_SOURCE 2
#endif])
])

AC_DEFUN([BROOD_VERSION_SCRIPT], [
AC_MSG_CHECKING([whether the linker takes a version script])
AS_ECHO(["BROOD_TEST { global: main; local: *; };"]) >conftest.map
brood_saved_LDFLAGS=$LDFLAGS
LDFLAGS="$LDFLAGS -Wl,--version-script=conftest.map"
AC_LINK_IFELSE([AC_LANG_PROGRAM()], [brood_version_script=yes], [brood_version_script=no])
LDFLAGS=$brood_saved_LDFLAGS
rm -f conftest.map
AC_MSG_RESULT([$brood_version_script])
AM_CONDITIONAL([HAVE_VERSION_SCRIPT], [test $brood_version_script = yes])
])
