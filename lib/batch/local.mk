# SPDX-License-Identifier: MIT
# Many chains at once, futures, completion order.

lib_libbrood_internal_la_SOURCES += \
	lib/batch/batch.c \
	lib/batch/batch.h \
	lib/batch/budget.c \
	lib/batch/embed.c \
	lib/batch/future.c \
	lib/batch/list.h \
	lib/batch/member.c \
	lib/batch/timers.c \
	lib/batch/timers.h \
	lib/batch/turn.c
