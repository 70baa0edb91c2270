#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The man pages against the headers and against themselves:
#   - each exported function has its name (.Nm) in exactly one page, and there a prototype which the compiler finds equal to the header's
#     and a paragraph of its own;
#   - each example is a whole program that compiles: the lines between `.\" example NAME` and `.\" end`;
#   - each reference to a page of ours finds one;
#   - mandoc has nothing to warn about.
set -u
LC_ALL=C
export LC_ALL

cd "${BROOD_SRCDIR:?}" || exit 1
pages=$(ls doc/*.[1-8] 2>/dev/null)
[ -n "$pages" ] || { echo "there is no man page yet"; exit 77; }
cc=${CC:-cc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

fault()
{
	echo "$*"
	bad=1
}

# The program between the two comments: without macro lines, and with mdoc's escapes undone, the backslash last.
example() # page, name
{
	awk -v name="$2" '
		/^\.\\" end$/ { on = 0 }
		on && !/^\./ { print }
		$1 == ".\\\"" && $2 == "example" && $3 == name { on = 1 }
	' "$1" | sed "s/\\\\&//g; s/\\\\-/-/g; s/\\\\(aq/'/g; s/\\\\(ga/\`/g; s/\\\\(ti/~/g; s/\\\\(ha/^/g; s/\\\\(dq/\"/g; s/\\\\e/\\\\/g"
}

# The prototypes of a SYNOPSIS as C: a second declaration that differs from the header's is an error.
prototypes() # page
{
	awk '
		/^\.Sh/ { on = ($2 == "SYNOPSIS") }
		!on { next }
		{ text = $0; sub(/^\.[A-Z][a-z] /, "", text); gsub(/"/, "", text) }
		$1 == ".Ft" { type = text }
		$1 == ".Fo" { name = text; arguments = "" }
		$1 == ".Fa" { arguments = arguments (arguments == "" ? "" : ", ") text }
		$1 == ".Fc" { print type " " name "(" arguments ");" }
	' "$1"
}

# Preprocessed, one declaration a line: the first name before a parenthesis, typedefs left out.
# The bridge's own page needs libpipeline's header.
bridge=${BROOD_LIBPIPELINE-}
flags="-Iinclude ${LIBPIPELINE_CFLAGS-}"
includes='#include <brood.h>'
[ "$bridge" != yes ] || includes="$includes
#include <brood/libpipeline.h>"

# shellcheck disable=SC2086  # several flags
functions=$(for header in include/brood/*.h; do
	[ "${header##*/}" != libpipeline.h ] || [ "$bridge" = yes ] || continue
	$cc -E -P $flags "$header" || echo 'brood_the_preprocessor_failed ();'
done | tr '\n' ' ' | sed 's/[;{}]/\n/g' | grep -v '^ *typedef' |
	sed -n 's/^[^(]*\(__attribute__ *(([^;]*)) *\)*[^(]*\<\(brood_[a-z0-9_]*\) *(.*/\2/p' | sort -u)
[ -n "$functions" ] || fault "no function found in include/brood"

for name in $functions; do
	# shellcheck disable=SC2086
	in=$(grep -l "^\.Nm $name\( ,\)\{0,1\}\$" $pages)
	case $(echo "$in" | grep -c .) in
	1) ;;
	0) fault "no page has .Nm $name"; continue ;;
	*) fault ".Nm $name is in more than one page:" $in; continue ;;
	esac
	grep -q "^\.Fo $name\$" "$in" || fault "$in: no prototype of $name in SYNOPSIS"
	grep -q "^\.\(It \)\{0,1\}Fn $name\( \|\$\)" "$in" || fault "$in: nothing is said about $name"
done

examples=0
for page in $pages; do
	case $page in *brood?libpipeline.*) [ "$bridge" = yes ] || continue ;; esac
	prototypes "$page" >"$work/prototypes"
	{
		echo "$includes"
		cat "$work/prototypes"
	} >"$work/prototypes.c"
	# shellcheck disable=SC2086
	$cc -std=gnu11 -fsyntax-only $flags "$work/prototypes.c" || fault "$page: SYNOPSIS differs from the headers"

	for name in $(sed -n 's/^\.\\" example \(.*\)$/\1/p' "$page"); do
		examples=$((examples + 1))
		example "$page" "$name" >"$work/$name.c"
		[ -s "$work/$name.c" ] || fault "$page: example $name is empty"
		# shellcheck disable=SC2086
		$cc -std=gnu11 -Wall -Wextra -Werror -fsyntax-only $flags "$work/$name.c" ||
			fault "$page: example $name does not compile"
	done
	[ "$(grep -c '^\.\\" example ' "$page")" -eq "$(grep -c '^\.\\" end$' "$page")" ] || fault "$page: an example has no end"

	for to in $(sed -n 's/^\.\(It \)\{0,1\}Xr \([( ]*\)\(brood[a-z_-]*\) \([0-9]\).*/\3.\4/p' "$page" | sort -u); do
		[ -f "doc/$to" ] || fault "$page: refers to $to, which does not exist"
	done
done

# Each name becomes a page to be found by `man`; none may be made twice or hide a real page of another name.
# shellcheck disable=SC2086
sh doc/make-links.sh "$work/links" $pages >/dev/null || fault "doc/make-links.sh failed"
for name in $functions; do
	[ -f "$work/links/$name.3" ] || [ -f "doc/$name.3" ] || fault "man $name would find nothing"
done

# Warnings from the file's own text only: what other pages this system has is no fault of ours.
if command -v mandoc >/dev/null 2>&1; then
	# shellcheck disable=SC2086
	mandoc -Tlint -Wwarning $pages || bad=1
else
	echo "mandoc is not here: the pages were not linted"
	[ $bad -ne 0 ] || exit 77
fi

[ $bad -ne 0 ] || echo "$(echo "$pages" | wc -l) pages, $examples examples, $(echo "$functions" | wc -l) functions: no fault"
exit $bad
