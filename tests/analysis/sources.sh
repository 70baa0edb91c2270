# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Read by the scripts of the tools that look at sources. They run in the build folder; make gives them CPPFLAGS (as for a test of the command, which
# reaches everything) and SOURCES, named from the source tree.
#
# A script prints what its tool found and fails if that is anything. A tool that is not installed: 77.
set -u
: "${BROOD_SRCDIR:?run this through make: make check-tools}" "${CPPFLAGS:?}" "${SOURCES:?}"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Each file as this build compiles it, and what knows two ways to start a child once more as the other way: the plain POSIX engine where this
# build has the fast path.
other_way=$work/other_way.h
cat >"$other_way" <<END
#if BROOD_LINUX_FAST_PATH
#undef BROOD_LINUX_FAST_PATH
#define BROOD_LINUX_FAST_PATH 0
#endif
END

has_two_ways() # source
{
	case $1 in
	lib/spawn/child.c) return 0 ;;
	lib/*) grep -q BROOD_LINUX_FAST_PATH "$BROOD_SRCDIR/$1" ;;
	*) return 1 ;;
	esac
}

# A line for each thing to look at: the source's path and a word for the compiler, or none.
things()
{
	for source in $SOURCES; do
		case $source in *.c) ;; *) continue ;; esac
		echo "$BROOD_SRCDIR/$source"
		if has_two_ways "$source"; then
			echo "$BROOD_SRCDIR/$source -include $other_way"
		fi
	done
}

need() # command, Debian package
{
	command -v "$1" >/dev/null 2>&1 && return 0
	echo "$1 is not installed: it is in the Debian package $2"
	exit 77
}
