#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A folder of lib/ may use itself and those before it in this list, never one behind it (lib/README.md). Public headers belong to
# everybody; tools/ uses them and itself alone. Read from the #include lines, so a forbidden use is found before it is a habit.
set -u

order="base command spawn process batch"
# Libraries of their own: they use themselves and the public headers, and nobody uses them.
apart="libpipeline"
cd "${BROOD_SRCDIR:?}" || exit 1

rank() # folder of lib/ -> its place, 0 when it is in no list
{
	n=0
	for layer in $order; do
		n=$((n + 1))
		[ "$layer" != "$1" ] || { echo $n; return; }
	done
	echo 0
}

is_apart() # folder of lib/
{
	case " $apart " in *" $1 "*) return 0 ;; esac
	return 1
}

bad=0
complain()
{
	echo "$*"
	bad=1
}

check_include() # file, its folder, what it includes
{
	case $3 in
	*..*) complain "$1: \"$3\": name it from lib/"; return ;;
	*/*) path=lib/$3 ;;
	*) path=lib/$2/$3 ;;
	esac
	[ "$3" != config.h ] || return
	[ -f "$path" ] || { complain "$1: \"$3\" is no file below lib/"; return; }

	used=${path#lib/}
	used=${used%%/*}
	if is_apart "$2" || is_apart "$used"; then
		[ "$used" = "$2" ] || complain "$1: lib/$2 may not use lib/$used (\"$3\"): one of them is a library of its own"
		return
	fi
	theirs=$(rank "$used")
	[ "$theirs" -gt 0 ] || { complain "$1: \"$3\": lib/$used is in no layer"; return; }
	[ "$theirs" -le "$(rank "$2")" ] || complain "$1: lib/$2 may not use lib/$used (\"$3\")"
}

files=0
for folder in lib/*/; do
	folder=${folder#lib/}
	folder=${folder%/}
	case $folder in .*) continue ;; esac
	for file in lib/"$folder"/*.[ch]; do
		[ -f "$file" ] || continue
		is_apart "$folder" || [ "$(rank "$folder")" -gt 0 ] || { complain "lib/$folder is in no layer: add it to tests/checks/layers.sh"; break; }
		files=$((files + 1))
		for included in $(sed -n 's/^[ 	]*#[ 	]*include[ 	]*"\([^"]*\)".*/\1/p' "$file"); do
			check_include "$file" "$folder" "$included"
		done
		# <angle brackets> are for the system and the public headers: nothing private may hide there.
		for included in $(sed -n 's/^[ 	]*#[ 	]*include[ 	]*<\([^>]*\)>.*/\1/p' "$file"); do
			[ ! -f "lib/$included" ] || complain "$file: <$included>: private headers go in double quotes"
		done
	done
done

for file in tools/*.[ch]; do
	files=$((files + 1))
	for included in $(sed -n 's/^[ 	]*#[ 	]*include[ 	]*"\([^"]*\)".*/\1/p' "$file"); do
		[ -f "tools/$included" ] || [ "$included" = config.h ] || complain "$file: \"$included\" is no file of tools/: the command uses public headers alone"
	done
	for included in $(sed -n 's/^[ 	]*#[ 	]*include[ 	]*<\([^>]*\)>.*/\1/p' "$file"); do
		[ ! -f "lib/$included" ] || complain "$file: <$included> is private to lib/"
	done
done

[ $files -gt 0 ] || complain "no source file below lib/"
[ $bad -ne 0 ] || echo "$files files use only their own layer and those before it"
exit $bad
