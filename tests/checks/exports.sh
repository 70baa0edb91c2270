#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Three lists are one: the functions that the public headers declare, those that a version script exports, and those that the shared
# library really has. A function missing from the map links in our tests (which see everything) and in no user's program.
# So for libbrood, and for libbrood-pipeline where it is built. And libbrood itself needs the C library and nothing else: nobody gets
# libpipeline's licence by running a command.
set -u
LC_ALL=C
export LC_ALL

src=${BROOD_SRCDIR:?}
build=${BROOD_BUILDDIR:?}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

# Preprocessed, one declaration a line, without typedefs (a function type is no function): the first name before a parenthesis.
declared() # header...
{
	for path; do
		# shellcheck disable=SC2086  # several flags
		${CC:-cc} -E -P -I"$src/include" ${LIBPIPELINE_CFLAGS-} "$path" || echo 'brood_the_preprocessor_failed ();'
	done | tr '\n' ' ' | sed 's/[;{}]/\n/g' | grep -v '^ *typedef' |
		sed -n 's/^[^(]*\(__attribute__ *(([^;]*)) *\)*[^(]*\<\(brood_[a-z0-9_]*\) *(.*/\2/p' | sort -u
}

differ() # file, its name, file, its name
{
	only=$(comm -23 "$1" "$3")
	[ -z "$only" ] || { echo "in $2, not in $4:"; echo "$only" | sed 's/^/  /'; bad=1; }
}

agree() # list of what headers declare, their name, map, library
{
	name=${3#"$src"/}
	sed -n '/global:/,/local:/s/^[ 	]*\(brood_[a-z0-9_]*\);.*/\1/p' "$3" >"$work/map.raw"
	sort -u "$work/map.raw" >"$work/map"
	[ -s "$1" ] || { echo "no declaration found in $2"; exit 1; }
	[ "$(sort "$work/map.raw" | uniq -d | wc -l)" -eq 0 ] || { echo "twice in $name:"; sort "$work/map.raw" | uniq -d; bad=1; }
	! grep 'brood_[^ ;]*\*' "$3" || { echo "$name must list names, with no pattern but local: *"; bad=1; }
	differ "$1" "$2" "$work/map" "$name"
	differ "$work/map" "$name" "$1" "$2"

	if [ -e "$4" ]; then
		# The version nodes themselves are absolute symbols (A): they are not functions.
		${NM:-nm} -D --defined-only "$4" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$work/so"
		differ "$work/map" "$name" "$work/so" "${4##*/}"
		differ "$work/so" "${4##*/}" "$work/map" "$name"
	else
		echo "no ${4##*/} was built: only headers and map were compared"
	fi
	[ $bad -ne 0 ] || echo "${4##*/}: $(wc -l <"$work/map") functions: headers, map and library agree"
}

headers=
for path in "$src"/include/brood/*.h; do
	[ "${path##*/}" = libpipeline.h ] || headers="$headers $path"
done
# shellcheck disable=SC2086  # one word a header; no folder above has a space, or make would not work
declared $headers >"$work/declared"
agree "$work/declared" "the headers" "$src/lib/libbrood.map" "$build/lib/.libs/libbrood.so"

if [ -e "$build/lib/libpipeline/.libs/libbrood-pipeline.so" ]; then
	declared "$src/include/brood/libpipeline.h" | comm -23 - "$work/declared" >"$work/bridge"
	agree "$work/bridge" "brood/libpipeline.h" "$src/lib/libpipeline/libbrood-pipeline.map" \
		"$build/lib/libpipeline/.libs/libbrood-pipeline.so"
fi

if [ -e "$build/lib/.libs/libbrood.so" ] && command -v readelf >/dev/null 2>&1; then
	needed=$(readelf -d "$build/lib/.libs/libbrood.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
	for library in $needed; do
		case $library in
		libc.* | libpthread.* | ld-linux* | ld64.* | ld-musl*) ;;
		*) [ -n "${BROOD_SANITIZE-}" ] && [ "${library#libpipeline}" = "$library" ] || { echo "libbrood needs $library"; bad=1; } ;;
		esac
	done
fi
exit $bad
