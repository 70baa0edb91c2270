# SPDX-License-Identifier: MIT
# From description to running child: the only code near clone and exec.

lib_libbrood_internal_la_SOURCES += \
	lib/spawn/cgroup.c \
	lib/spawn/cgroup.h \
	lib/spawn/cgroup_private.h \
	lib/spawn/cgroup_signal.c \
	lib/spawn/child.c \
	lib/spawn/child.h \
	lib/spawn/child_calls.h \
	lib/spawn/clone.c \
	lib/spawn/engine.c \
	lib/spawn/engine.h \
	lib/spawn/environ.c \
	lib/spawn/environ.h \
	lib/spawn/fdplan.c \
	lib/spawn/fdplan.h \
	lib/spawn/fork.c \
	lib/spawn/lookup.c \
	lib/spawn/lookup.h \
	lib/spawn/pidref.c \
	lib/spawn/pidref.h \
	lib/spawn/plan.c \
	lib/spawn/plan.h \
	lib/spawn/signals.c \
	lib/spawn/signals.h \
	lib/spawn/sys.h
