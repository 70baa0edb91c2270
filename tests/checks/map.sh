#!/bin/sh
# SPDX-License-Identifier: MIT
#
# doc/MAP.md says for each behaviour the file that holds it and the test that proves it. Each file it names exists, each test_name it
# names is a function of the tests that is defined and also run (so its name stands there twice), and each row has both.
set -u

cd "${BROOD_SRCDIR:?}" || exit 1
map=doc/MAP.md
[ -f $map ] || { echo "there is no $map yet"; exit 77; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

# Every word of the tests' sources with its count.
find tests -name '*.c' -exec cat {} + | tr -cs 'A-Za-z0-9_' '\n' | grep '^test_' | sort | uniq -c >"$work/words"

# A row is a line between bars that is not the ruler, nor the heading before it.
awk '/^\|[-: |]+\|? *$/ { heading = ""; ruler = 1; next }
	/^\|/ { if (!ruler) { next } print NR ":" $0; next }
	{ ruler = 0 }' $map >"$work/rows"

rows=0
while IFS= read -r row; do
	rows=$((rows + 1))
	line=${row%%:*}
	row=${row#*:}
	tokens=$(printf '%s\n' "$row" | tr -cs 'A-Za-z0-9_./-' '\n')
	files=0
	tests=0
	for token in $tokens; do
		case $token in
		*/*.c | */*.h | */*.sh | */*.mk | */*.map | */*.allow | */*.[1-8])
			files=$((files + 1))
			[ -f "$token" ] || { echo "$map:$line: there is no file $token"; bad=1; }
			# A script check is its own test.
			case $token in tests/checks/*.sh) tests=$((tests + 1)) ;; esac
			;;
		test_*[./]*) echo "$map:$line: $token: name files from the top (tests/$token)"; bad=1 ;;
		test_*)
			tests=$((tests + 1))
			count=$(awk -v name="$token" '$2 == name { print $1 }' "$work/words")
			[ "${count:-0}" -gt 0 ] || { echo "$map:$line: there is no test $token"; bad=1; continue; }
			[ "$count" -gt 1 ] || { echo "$map:$line: $token is defined and never run"; bad=1; }
			;;
		*.c | *.h) echo "$map:$line: $token: name files from the top"; bad=1 ;;
		esac
	done
	[ $files -gt 0 ] || { echo "$map:$line: the row names no file"; bad=1; }
	[ $tests -gt 0 ] || { echo "$map:$line: the row names no test"; bad=1; }
done <"$work/rows"

[ $rows -gt 0 ] || { echo "$map has no row"; bad=1; }
[ $bad -ne 0 ] || echo "$rows rows name files and tests that exist"
exit $bad
