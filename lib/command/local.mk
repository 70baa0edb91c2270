# SPDX-License-Identifier: MIT
# What to run: a description. No system call beyond malloc.

lib_libbrood_internal_la_SOURCES += \
	lib/command/command.c \
	lib/command/description.h \
	lib/command/env.c \
	lib/command/format.c \
	lib/command/format.h \
	lib/command/format_redirect.c \
	lib/command/identity.c \
	lib/command/join.c \
	lib/command/parse.c \
	lib/command/redirect.c \
	lib/command/shell.c \
	lib/command/shell.h \
	lib/command/stage.c
