#!/bin/sh
# SPDX-License-Identifier: MIT
#
# README.md keeps its word: each C block in it is a whole program that compiles, each function and enumerator it names is in the public
# headers (or is a page), and each file or folder that it names is there.
set -u
LC_ALL=C
export LC_ALL

cd "${BROOD_SRCDIR:?}" || exit 1
readme=README.md
[ -f $readme ] || { echo "there is no $readme yet"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

fault()
{
	echo "$readme: $*"
	bad=1
}

# block-1.c, block-2.c ...: the lines between ```c and ```
awk -v work="$work" '
	/^```/ { on = ($0 == "```c"); if (on) file = work "/block-" ++count ".c"; next }
	on { print >file }
' $readme

blocks=0
for block in "$work"/block-*.c; do
	[ -f "$block" ] || continue
	blocks=$((blocks + 1))
	${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -Iinclude "$block" || fault "C block $blocks does not compile"
done
[ $blocks -gt 0 ] || fault "there is no C block"

# What the preprocessor leaves of the headers has no comments, so a name that only a comment knows is not found.
echo '#include <brood.h>' >"$work/all.c"
# The bridge's header may be without libpipeline's here, so its declarations are found by their mark.
{
	${CC:-cc} -E -P -Iinclude "$work/all.c"
	grep '^BROOD_API' include/brood/libpipeline.h
} | tr -cs 'A-Za-z0-9_' '\n' | sort -u >"$work/known"
for name in $(tr -cs 'A-Za-z0-9_' '\n' <$readme | grep '^\(brood\|BROOD\)_[A-Za-z0-9_]*[A-Za-z0-9]$' | sort -u); do
	case $name in
	BROOD_LOG | BROOD_POLLER | BROOD_ENGINE)
		grep -rqF "\"$name\"" lib || fault "no file of lib/ reads $name"
		;;
	BROOD_CFLAGS | BROOD_LIBS) ;;   # pkg-config makes these
	*) grep -qxF "$name" "$work/known" || [ -f "doc/$name.3" ] || fault "$name is in no header and no page" ;;
	esac
done

for path in $(grep -o '](\([A-Za-z0-9_./-]*\))' $readme | sed 's/^](//; s/)$//') \
	$(sed -n '/^## Layout/,/^## Licence/s/^    \([a-z][a-z/.]*\) .*/\1/p' $readme); do
	[ -e "$path" ] || fault "there is no $path"
done

[ $bad -ne 0 ] || echo "$blocks programs compile, every name and path is there"
exit $bad
