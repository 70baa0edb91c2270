#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Make `man NAME` find the page that tells of NAME: for each further name in the NAME section of each page, a page of one line (.so) that
# leads there. Prints the names of the files that it made.
#
#     make-links.sh FOLDER PAGE...
set -u

if [ $# -lt 2 ]; then
	echo "usage: make-links.sh FOLDER PAGE..." >&2
	exit 2
fi
folder=$1
shift
mkdir -p "$folder" || exit 1

for page; do
	file=${page##*/}
	section=${file##*.}
	names=$(awk '/^\.Sh/ { on = ($2 == "NAME") } on && $1 == ".Nm" { print $2 }' "$page") || exit 1
	for name in $names; do
		link=$name.$section
		[ "$link" != "$file" ] || continue
		for other; do
			[ "$link" != "${other##*/}" ] || { echo "$page: $name is the name of another page" >&2; exit 1; }
		done
		echo ".so man$section/$file" >"$folder/$link" || exit 1
		echo "$link"
	done
done
