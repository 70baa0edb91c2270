#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Each file that somebody wrote says its licence in its first five lines.
set -u

cd "${BROOD_SRCDIR:?}" || exit 1

sources()
{
	find lib include tools tests examples bench doc -type f \
		\( -name '*.[ch]' -o -name '*.sh' -o -name '*.mk' -o -name '*.map' -o -name '*.allow' -o -name '*.py' -o -name '*.[1-8]' \
		   -o -name '*.pc.in' -o -path tests/summary \) 2>/dev/null
	find m4 -type f -name 'brood_*.m4'
	ls autogen.sh configure.ac Makefile.am quickstart .ci/run
}

bad=0
files=0
for file in $(sources); do
	files=$((files + 1))
	head -n 5 "$file" | grep -q 'SPDX-License-Identifier: [A-Za-z0-9.-]*' || { echo "$file: no SPDX-License-Identifier"; bad=1; }
done

[ $files -gt 0 ] || exit 1
[ $bad -ne 0 ] || echo "$files files say their licence"
exit $bad
