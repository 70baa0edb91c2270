#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Pages of rows: doc/MAP.md says for each behaviour the file that holds it and the test that proves it, doc/SECURITY.md for each question of
# security the file and the test that answer it. Each file they name exists, each test_name they name is a function of the tests that is defined
# and also run (so its name stands there twice), and each row has both.
set -u

cd "${BROOD_SRCDIR:?}" || exit 1

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0
rows=0

# Every word of the tests' sources with its count.
find tests -name '*.c' -exec cat {} + | tr -cs 'A-Za-z0-9_' '\n' | grep '^test_' | sort | uniq -c >"$work/words"

# A row is a line between bars that is not the ruler, nor the heading before it.
rows_of() # page
{
	awk '/^\|[-: |]+\|? *$/ { heading = ""; ruler = 1; next }
		/^\|/ { if (!ruler) { next } print NR ":" $0; next }
		{ ruler = 0 }' "$1"
}

check_row() # page:line, row
{
	files=0
	tests=0
	for token in $(printf '%s\n' "$2" | tr -cs 'A-Za-z0-9_./-' '\n'); do
		case $token in
		*/*.c | */*.h | */*.sh | */*.mk | */*.map | */*.allow | */*.[1-8])
			files=$((files + 1))
			[ -f "$token" ] || { echo "$1: there is no file $token"; bad=1; }
			# A script check is its own test.
			case $token in tests/checks/*.sh) tests=$((tests + 1)) ;; esac
			;;
		test_*[./]*) echo "$1: $token: name files from the top (tests/$token)"; bad=1 ;;
		test_*)
			tests=$((tests + 1))
			count=$(awk -v name="$token" '$2 == name { print $1 }' "$work/words")
			[ "${count:-0}" -gt 0 ] || { echo "$1: there is no test $token"; bad=1; continue; }
			[ "$count" -gt 1 ] || { echo "$1: $token is defined and never run"; bad=1; }
			;;
		*.c | *.h) echo "$1: $token: name files from the top"; bad=1 ;;
		esac
	done
	[ $files -gt 0 ] || { echo "$1: the row names no file"; bad=1; }
	[ $tests -gt 0 ] || { echo "$1: the row names no test"; bad=1; }
}

for page in doc/MAP.md doc/SECURITY.md; do
	[ -f "$page" ] || { echo "there is no $page"; bad=1; continue; }
	rows_of "$page" >"$work/rows"
	[ -s "$work/rows" ] || { echo "$page has no row"; bad=1; }
	while IFS= read -r row; do
		rows=$((rows + 1))
		check_row "$page:${row%%:*}" "${row#*:}"
	done <"$work/rows"
done

[ $bad -ne 0 ] || echo "$rows rows name files and tests that exist"
exit $bad
