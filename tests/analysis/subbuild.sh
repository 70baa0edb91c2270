# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Read by the scripts beside it, not run. A sub-build is the same tree built once more, with other options, in a folder of its own below
# the build folder: tests/analysis/build/NAME. It is configured as the build around it was, with what the script adds on top, and kept, so that
# the second run compiles only what changed. A sub-build stays until `make clean`.
#
# The scripts run in the build folder; make gives them BROOD_SRCDIR, BROOD_BUILDDIR (both absolute) and MAKE.
set -u
: "${BROOD_SRCDIR:?run this through make: make check-tools, check-sanitizers and so on}" "${BROOD_BUILDDIR:?}"

say()
{
	printf '%s\n' "$*"
}

fail()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Run quietly into a log; what it wrote is shown only when it failed, and then its end.
quietly() # log, command...
{
	log=$1
	shift
	"$@" >"$log" 2>&1 </dev/null && return 0
	say "failed: $*"
	say "---- the end of $log"
	tail -n 40 "$log"
	return 1
}

configure_again() # configure argument...
{
	# The arguments of the build around this one, quoted for a shell by configure itself.
	eval "set -- $("$BROOD_BUILDDIR/config.status" --config)"' "$@"'
	(cd "$folder" && quietly configure.log "$BROOD_SRCDIR/configure" --quiet "$@")
}

# Sets $folder. A sub-build that was configured with other arguments, or by an older configure, is thrown away.
subbuild() # name, configure argument...
{
	[ ! -f "$BROOD_SRCDIR/config.status" ] ||
		fail "the tree itself is configured, so no second build can be made of it: make distclean there, and build in a folder of its own"
	name=$1
	folder=$BROOD_BUILDDIR/tests/analysis/build/$name
	shift
	wanted=$("$BROOD_BUILDDIR/config.status" --config; printf ' %s' "$@")
	if [ ! -f "$folder/Makefile" ] || [ -n "$(find "$BROOD_SRCDIR/configure" -newer "$folder/Makefile")" ] ||
		[ "$(cat "$folder/arguments" 2>/dev/null)" != "$wanted" ]; then
		say "$name: configuring"
		rm -rf "$folder"
		mkdir -p "$folder" || exit 1
		configure_again "$@" || exit 1
		printf '%s\n' "$wanted" >"$folder/arguments"
	fi
}

# make in that folder. Words behind the log's name are for make.
submake() # name of the log, word...
{
	log=$folder/$1.log
	shift
	quietly "$log" "${MAKE:-make}" -C "$folder" "$@" || exit 1
}

# The suite in that folder; its result is printed as `make check` prints it. Words for make.
subcheck() # name of the log, word...
{
	log=$folder/check-$1.log
	shift
	rm -f "$folder/tests/summary.log"
	"${MAKE:-make}" -C "$folder" "$@" check >"$log" 2>&1 </dev/null
	status=$?
	if [ -s "$folder/tests/summary.log" ]; then
		cat "$folder/tests/summary.log"
	else
		say "the tests did not run; the end of $log:"
		tail -n 40 "$log"
		[ $status -ne 0 ] || status=1
	fi
	return $status
}
