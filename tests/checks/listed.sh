#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A file that no local.mk lists is not built, not run and not in the release, and nobody notices: a forgotten test passes every
# time. And what is listed exists, or `make dist` breaks on the day of a release.
set -u

cd "${BROOD_SRCDIR:?}" || exit 1
bad=0
makefiles=$(find Makefile.am lib include tools examples bench doc tests -name Makefile.am -o -name local.mk)

# shellcheck disable=SC2086
sed 's/#.*//' $makefiles >/dev/null || exit 1
listed()
{
	# shellcheck disable=SC2086
	sed 's/#.*//' $makefiles | tr ' \t' '\n\n' | grep '/'
}
words=$(listed | sort -u)

has()
{
	printf '%s\n' "$words" | grep -qxF "$1"
}

for file in $(find lib include tools tests examples bench -type f \( -name '*.[ch]' -o -path 'tests/checks/*.sh' \)) $(ls doc/*.[1-8] 2>/dev/null); do
	case $file in
	tests/*.c | bench/*.c | examples/*.c) has "$file" || has "${file%.c}" || { echo "$file is in no local.mk"; bad=1; } ;;
	*) has "$file" || { echo "$file is in no local.mk"; bad=1; } ;;
	esac
done

for word in $(printf '%s\n' "$words" | grep '^\(lib\|include\|tools\|tests\|examples\|bench\|doc\)/[A-Za-z0-9_./-]*\.\([chsm]\|sh\|[1-8]\)$'); do
	[ -f "$word" ] || { echo "$word is listed and does not exist"; bad=1; }
done

[ $bad -ne 0 ] || echo "every file is listed, every listed file exists"
exit $bad
