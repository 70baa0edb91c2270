#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What `make install` puts on a system, installed below a folder of our own: nobody gets more rights by running it, only its owner may change it,
# and programs and libraries are hardened as configure asked: position independent, read-only relocations bound at start, no executable stack, stack
# protector, fortified calls, no folder of the build or relative one to load libraries from.
set -u

cd "${BROOD_BUILDDIR:?}" || exit 1
[ -z "${BROOD_SANITIZE-}" ] || { echo "a build with sanitizers is not for installing"; exit 77; }
command -v readelf >/dev/null || { echo "readelf is not here"; exit 77; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

wrong()
{
	echo "$*"
	bad=1
}

# What make check told its sub-makes is not for this one.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u DESTDIR "${MAKE:-make}" install DESTDIR="$work/root" >"$work/log" 2>&1 || {
	tail -n 20 "$work/log"
	exit 1
}

# ---- rights ----

find "$work/root" -perm /7000 ! -type l >"$work/special"
[ ! -s "$work/special" ] || wrong "set-user-id, set-group-id or sticky: $(cat "$work/special")"
(umask 022; mkdir "$work/plain")
if [ "$(umask)" = 0022 ]; then
	find "$work/root" -perm /022 ! -type l >"$work/open"
	[ ! -s "$work/open" ] || wrong "others may write to: $(cat "$work/open")"
fi

# ---- programs and libraries ----

position_independent() # file
{
	readelf -hW "$1" | grep -q 'Type: *DYN'
}

# Where the compiler itself makes none, as it was built to, neither do we.
echo 'int main(void) { return 0; }' >"$work/plain.c"
${CC:-cc} -o "$work/plain/program" "$work/plain.c" || exit 1

optimized()
{
	grep -Eq '^CFLAGS = .*-O[123s]' Makefile
}

folders_are_absolute() # file
{
	paths=$(readelf -dW "$1" | sed -n 's/.*(\(RPATH\|RUNPATH\)).*\[\(.*\)\]/\2/p')
	case :$paths: in
	::) return 0 ;;
	*::* | *"$PWD"*) return 1 ;;
	esac
	! printf '%s\n' "$paths" | tr : '\n' | grep -qv '^/'
}

seen=0
for file in $(find "$work/root" -type f \( -perm /111 -o -name '*.so*' \)); do
	readelf -hW "$file" >"$work/head" 2>/dev/null && [ -s "$work/head" ] || continue
	seen=$((seen + 1))
	name=${file#"$work/root"}
	readelf -dlW "$file" >"$work/elf"
	position_independent "$file" || ! position_independent "$work/plain/program" || wrong "$name: not position independent"
	grep -q GNU_RELRO "$work/elf" || wrong "$name: no read-only relocations"
	grep -Eq 'BIND_NOW|Flags:.* NOW' "$work/elf" || wrong "$name: not bound at start"
	grep -q 'GNU_STACK.* RWE' "$work/elf" && wrong "$name: executable stack"
	grep -q TEXTREL "$work/elf" && wrong "$name: relocations in its text"
	folders_are_absolute "$file" || wrong "$name: loads libraries from $paths"
	readelf -sW --dyn-syms "$file" | grep -q __stack_chk_fail || wrong "$name: no stack protector"
	! optimized || readelf -sW --dyn-syms "$file" | grep -q '_chk@' || wrong "$name: no fortified call"
done
[ $seen -gt 0 ] || wrong "no program and no library was installed"

[ $bad -ne 0 ] || echo "$seen programs and libraries are hardened, and nothing has special rights"
exit $bad
