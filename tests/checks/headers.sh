#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Each public header compiles alone, as C99 and as C++11, without a warning, with every compiler here. Alone: a header that needs
# another one before it breaks the program that includes only this one.
set -u

include=${BROOD_SRCDIR:?}/include
strict="-Wall -Wextra -Wpedantic -Werror -fsyntax-only -I$include ${LIBPIPELINE_CFLAGS-}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0
c_compilers=0
cxx_compilers=0

try() # compiler, standard, source file, header
{
	# shellcheck disable=SC2086  # CC may be two words
	if ! $1 $2 $strict "$3" >"$work/out" 2>&1; then
		echo "$1 $2: <$4> does not compile alone"
		cat "$work/out"
		bad=1
	fi
}

all() # compiler, standard, suffix
{
	for path in "$include"/brood.h "$include"/brood/*.h; do
		header=${path#"$include"/}
		# That bridge brings libpipeline's own header along, so it must be there.
		[ "$header" != brood/libpipeline.h ] || [ "${BROOD_LIBPIPELINE-}" = yes ] || continue
		printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$work/alone.$3"
		try "$1" "$2" "$work/alone.$3" "$header"
	done
}

for compiler in gcc clang; do
	command -v $compiler >/dev/null 2>&1 || continue
	c_compilers=$((c_compilers + 1))
	all $compiler -std=c99 c
done
if [ $c_compilers -eq 0 ]; then
	c_compilers=1
	all "${CC:-cc}" -std=c99 c
fi
for compiler in g++ clang++; do
	# clang++ without a C++ standard library at hand says so at the first header; that is not our fault.
	echo '#include <cstddef>' >"$work/probe.cc"
	$compiler -fsyntax-only "$work/probe.cc" >/dev/null 2>&1 || continue
	cxx_compilers=$((cxx_compilers + 1))
	all $compiler -std=c++11 cc
done

[ $bad -eq 0 ] || exit 1
echo "compiled with $c_compilers C and $cxx_compilers C++ compilers"
[ $cxx_compilers -gt 0 ] || { echo "no C++ compiler: that half was skipped"; exit 77; }
