#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Three lists are one: the functions that the public headers declare, those that lib/libbrood.map exports, and those that the
# shared library really has. A function missing from the map links in our tests (which see everything) and in no user's program.
set -u
LC_ALL=C
export LC_ALL

src=${BROOD_SRCDIR:?}
map=$src/lib/libbrood.map
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

# Preprocessed, one declaration a line, without typedefs (a function type is no function): the first name before a parenthesis.
declared()
{
	for path in "$src"/include/brood/*.h; do
		# The bridge to libpipeline is a library of its own.
		[ "${path##*/}" != libpipeline.h ] || continue
		${CC:-cc} -E -P -I"$src/include" "$path" || echo 'brood_the_preprocessor_failed ();'
	done | tr '\n' ' ' | sed 's/[;{}]/\n/g' | grep -v '^ *typedef' |
		sed -n 's/^[^(]*\(__attribute__ *(([^;]*)) *\)*[^(]*\<\(brood_[a-z0-9_]*\) *(.*/\2/p' | sort -u
}

declared >"$work/declared"
sed -n '/global:/,/local:/s/^[ 	]*\(brood_[a-z0-9_]*\);.*/\1/p' "$map" >"$work/map.raw"
sort -u "$work/map.raw" >"$work/map"

differ() # file, its name, file, its name
{
	only=$(comm -23 "$1" "$3")
	[ -z "$only" ] || { echo "in $2, not in $4:"; echo "$only" | sed 's/^/  /'; bad=1; }
}

[ -s "$work/declared" ] || { echo "no declaration found in include/brood"; exit 1; }
[ "$(sort "$work/map.raw" | uniq -d | wc -l)" -eq 0 ] || { echo "twice in the map:"; sort "$work/map.raw" | uniq -d; bad=1; }
! grep 'brood_[^ ;]*\*' "$map" || { echo "the map must list names, with no pattern but local: *"; bad=1; }
differ "$work/declared" "the headers" "$work/map" "lib/libbrood.map"
differ "$work/map" "lib/libbrood.map" "$work/declared" "the headers"

so=${BROOD_BUILDDIR:?}/lib/.libs/libbrood.so
if [ -e "$so" ]; then
	# The version nodes themselves are absolute symbols (A): they are not functions.
	${NM:-nm} -D --defined-only "$so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$work/so"
	differ "$work/map" "lib/libbrood.map" "$work/so" "libbrood.so"
	differ "$work/so" "libbrood.so" "$work/map" "lib/libbrood.map"
else
	echo "no shared library was built: only headers and map were compared"
fi

[ $bad -ne 0 ] || echo "$(wc -l <"$work/map") functions: headers, map and library agree"
exit $bad
