# SPDX-License-Identifier: MIT
# The public headers, one a concept. Each compiles alone as C99 and C++11 (tests/checks/headers.sh).

include_HEADERS = include/brood.h

broodincludedir = $(includedir)/brood
broodinclude_HEADERS = \
	include/brood/base.h \
	include/brood/batch.h \
	include/brood/command.h \
	include/brood/future.h \
	include/brood/log.h \
	include/brood/process.h \
	include/brood/result.h
