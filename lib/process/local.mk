# SPDX-License-Identifier: MIT
# The running chain: poll, wait, communicate, stop, result.

lib_libbrood_internal_la_SOURCES += \
	lib/process/communicate.c \
	lib/process/describe.c \
	lib/process/holders.c \
	lib/process/look.c \
	lib/process/loop.c \
	lib/process/process.h \
	lib/process/pump.c \
	lib/process/reap.c \
	lib/process/result.c \
	lib/process/result.h \
	lib/process/result_json.c \
	lib/process/start.c \
	lib/process/stop.c \
	lib/process/stream.c \
	lib/process/then.c \
	lib/process/verdict.c \
	lib/process/wiring.c
