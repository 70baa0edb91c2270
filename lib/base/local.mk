# SPDX-License-Identifier: MIT
# Buffers, string vectors, clock and deadline, descriptors, failure, log: everybody may use it.

lib_libbrood_internal_la_SOURCES += \
	lib/base/blob.c \
	lib/base/blob.h \
	lib/base/buffer.c \
	lib/base/buffer.h \
	lib/base/clock.c \
	lib/base/clock.h \
	lib/base/failure.c \
	lib/base/failure.h \
	lib/base/fd.c \
	lib/base/fd.h \
	lib/base/json.c \
	lib/base/json.h \
	lib/base/log.c \
	lib/base/log.h \
	lib/base/poller.c \
	lib/base/poller.h \
	lib/base/quiet.c \
	lib/base/quiet.h \
	lib/base/self.c \
	lib/base/self.h \
	lib/base/strv.c \
	lib/base/strv.h \
	lib/base/text.c \
	lib/base/text.h \
	lib/base/version.c
