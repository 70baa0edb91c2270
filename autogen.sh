#!/bin/sh
# SPDX-License-Identifier: MIT
# Make configure and Makefile.in out of configure.ac and Makefile.am. Needed once after a checkout; afterwards
# make notices by itself when one of them has changed.
set -e

cd "$(dirname "$0")"

missing=
need() # command, Debian package
{
	command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need autoreconf autoconf
need automake automake
need libtoolize libtool
need pkg-config pkg-config

if [ -n "$missing" ]; then
	echo "autogen.sh: missing; the Debian packages are:$missing" >&2
	exit 1
fi

mkdir -p build-aux
exec autoreconf --force --install "$@"
