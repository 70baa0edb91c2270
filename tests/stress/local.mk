# SPDX-License-Identifier: MIT
#
# Kills and load: tests/stress/README.md. `make check` runs the quick part of each, `make check-kill` and `make check-load` the whole. A new part
# is one function, one row in kill.c or load.c, and its file below.

stress_common = \
	tests/stress/stress.c \
	tests/stress/stress.h
stress_maps = \
	tests/stress/maps.c \
	tests/stress/maps.h

stress_programs =
if HAVE_COMMAND
stress_programs += \
	tests/stress/kill \
	tests/stress/load
endif

tests_stress_kill_SOURCES = \
	$(stress_common) \
	$(stress_maps) \
	tests/stress/kill.c \
	tests/stress/kill.h \
	tests/stress/kill_call.c \
	tests/stress/kill_host.c \
	tests/stress/kill_map.c \
	tests/stress/kill_stage.c \
	tests/stress/life.c \
	tests/stress/life.h
tests_stress_load_SOURCES = \
	$(stress_common) \
	$(stress_maps) \
	tests/stress/load.c \
	tests/stress/load.h \
	tests/stress/load_bytes.c \
	tests/stress/load_live.c \
	tests/stress/load_map.c \
	tests/stress/load_starts.c

# Logs are read with jansson.
stress_libs = lib/libbrood-internal.la $(JANSSON_LIBS) $(BROOD_PTHREAD_LIBS)
tests_stress_kill_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_stress_kill_LDADD = $(stress_libs)
tests_stress_load_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_stress_load_LDADD = $(stress_libs)

# The programs find it beside themselves.
tests_stress_job_SOURCES = tests/stress/job.c
tests_stress_job_LDADD =

if HAVE_CMOCKA
check_PROGRAMS += $(stress_programs) tests/stress/job
TESTS += $(stress_programs)
else
EXTRA_PROGRAMS += $(stress_programs) tests/stress/job
endif

EXTRA_DIST += tests/stress/README.md

# STRESS='map' for one part, BROOD_STRESS_SEED=N for the draws of an earlier run.
stress_needs = tests/stress/job$(EXEEXT) tests/child/child$(EXEEXT) tools/brood$(EXEEXT)

# Without glibc's cache of freed pieces, which count as in use, the bytes of the heap can be compared exactly.
.PHONY: check-kill check-load
check-kill: tests/stress/kill$(EXEEXT) $(stress_needs)
	@$(AM_TESTS_ENVIRONMENT) tests/stress/kill --all $(STRESS)
check-load: tests/stress/load$(EXEEXT) $(stress_needs)
	@$(AM_TESTS_ENVIRONMENT) GLIBC_TUNABLES=glibc.malloc.tcache_count=0 tests/stress/load --all $(STRESS)
