#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The examples of the command's man pages, typed in as they stand: the lines between `.\" run` and `.\" end run`. What a line behind `$ ` prints, on
# standard output and standard error together, is what the page shows below it, without regard to the order of the lines.
set -u
LC_ALL=C
export LC_ALL

command=${BROOD_COMMAND:-${BROOD_BUILDDIR:?}/tools/brood}
[ -x "$command" ] || { echo "the command was left out of this build"; exit 77; }
cd "${BROOD_SRCDIR:?}" || exit 1
pages=$(pwd)/doc
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" || exit 1
# The command of the build, under its name; libtool's wrapper finds its library by its own path.
printf '#!/bin/sh\nexec "%s" "$@"\n' "$command" >"$work/bin/brood"
chmod +x "$work/bin/brood"
PATH=$work/bin:$PATH

# Each example in a file of its own: mdoc's escapes undone, the backslash last.
extract() # page, prefix
{
	awk -v prefix="$2" '
		/^\.\\" end run$/ { on = 0 }
		on && !/^\./ { print >(prefix "." number) }
		/^\.\\" run$/ { on = 1; number++ }
	' "$1"
	for file in "$2".*; do
		[ -f "$file" ] || continue
		sed -i "s/\\\\&//g; s/\\\\-/-/g; s/\\\\(aq/'/g; s/\\\\e/\\\\/g" "$file"
	done
}

bad=0
count=0

compare() # page, what was typed, expected, seen
{
	sort "$3" >"$3.sorted"
	sort "$4" >"$4.sorted"
	cmp -s "$3.sorted" "$4.sorted" && return
	echo "$1: \$ $2"
	echo "the page shows:"
	sed 's/^/  /' "$3"
	echo "it prints:"
	sed 's/^/  /' "$4"
	bad=1
}

replay() # page, example
{
	folder=$2.d
	mkdir "$folder" || exit 1
	typed=
	: >"$2.expected"
	while IFS= read -r line || [ -n "$line" ]; do
		case $line in
		'$ '*)
			[ -z "$typed" ] || compare "$1" "$typed" "$2.expected" "$2.seen"
			typed=${line#'$ '}
			: >"$2.expected"
			(cd "$folder" && eval "$typed") >"$2.seen" 2>&1 </dev/null
			count=$((count + 1))
			;;
		*) printf '%s\n' "$line" >>"$2.expected" ;;
		esac
	done <"$2"
	[ -z "$typed" ] || compare "$1" "$typed" "$2.expected" "$2.seen"
}

for page in brood brood-run brood-map; do
	extract "$pages/$page.1" "$work/$page"
	for example in "$work/$page".*; do
		case $example in *.d | *.expected* | *.seen*) continue ;; esac
		[ -f "$example" ] || { echo "$page.1 has no example"; bad=1; continue; }
		replay "$page.1" "$example"
	done
done
[ $bad -ne 0 ] || echo "$count examples print what their pages show"
exit $bad
