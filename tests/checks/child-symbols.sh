#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Between clone and exec the child shares the host's memory while its other threads run on, so lib/spawn/child.c may call nothing
# that allocates, locks or buffers. What it calls is what its object leaves undefined; each name must stand in
# child-symbols.allow with the reason why it is safe there.
set -u
LC_ALL=C
export LC_ALL

allow=${BROOD_SRCDIR:?}/tests/checks/child-symbols.allow
spawn=${BROOD_BUILDDIR:?}/lib/spawn
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

if [ -n "${BROOD_SANITIZE:-}" ]; then
	echo "a sanitizer adds calls of its own to every object"
	exit 77
fi

# Names behind the line [posix] are for the engine that forks. On the fast path the memory is the host's: the list is shorter.
engine=fast
grep -q '^#define BROOD_LINUX_FAST_PATH 0' "$BROOD_BUILDDIR/config.h" && engine=posix
awk -v engine=$engine '/^\[posix\]/ { if (engine != "posix") exit; next }
	{ sub(/#.*/, "") }
	NF { print $1 }' "$allow" | sort -u >"$work/allowed"
unexplained=$(grep -v '^[ 	]*#' "$allow" | grep -v '^[ 	]*$' | grep -v '^\[posix\]$' | grep -v '#[ 	]*[^ 	]')
if [ -n "$unexplained" ]; then
	echo "no reason given for:"
	echo "$unexplained"
	exit 1
fi

objects=0
bad=0
for object in "$spawn"/child.o "$spawn"/.libs/child.o; do
	[ -f "$object" ] || continue
	objects=$((objects + 1))
	${NM:-nm} -u "$object" | awk '{ print $NF }' | sort -u >"$work/used"
	strange=$(comm -23 "$work/used" "$work/allowed")
	if [ -n "$strange" ]; then
		echo "$object calls what child-symbols.allow does not know:"
		echo "$strange" | sed 's/^/  /'
		bad=1
	fi
done

[ $objects -gt 0 ] || { echo "there is no object of lib/spawn/child.c in $spawn"; exit 1; }
[ $bad -ne 0 ] || echo "child.o calls $(wc -l <"$work/used") functions ($engine engine), all of them known"
exit $bad
