# SPDX-License-Identifier: MIT
#
# The fault sweep: tests/faults/README.md. `make check` runs the quick part, `make check-faults` the whole.
# A new scenario is one function and one row in a scenarios_*.c (of the command three functions); a new file of them is one line below and one
# in library.c.

check_LTLIBRARIES += tests/faults/libfaults.la
tests_faults_libfaults_la_SOURCES = \
	tests/faults/ask.c \
	tests/faults/errnos.c \
	tests/faults/errnos.h \
	tests/faults/errnos_old.h \
	tests/faults/faults.c \
	tests/faults/faults.h \
	tests/faults/filter.c \
	tests/faults/inject.c \
	tests/faults/inject.h \
	tests/faults/kernels.c \
	tests/faults/scenario.h \
	tests/faults/stand.c \
	tests/faults/stand.h \
	tests/faults/sweep.c \
	tests/faults/sweep.h \
	tests/faults/words.c

# close, read and quiet_write of the library pass through ask.c.
faults_ldflags = $(AM_LDFLAGS) -no-install -Wl,--wrap=close,--wrap=read,--wrap=quiet_write

fault_programs = tests/faults/library
tests_faults_library_SOURCES = \
	tests/faults/library.c \
	tests/faults/scenarios_batch.c \
	tests/faults/scenarios_chain.c \
	tests/faults/scenarios_child.c \
	tests/faults/scenarios_redirect.c \
	tests/faults/scenarios_stop.c \
	tests/faults/scenarios_talk.c
tests_faults_library_LDFLAGS = $(faults_ldflags)
tests_faults_library_LDADD = tests/faults/libfaults.la $(LDADD)

# The bridge's own objects, so that its closes and reads are wrapped too.
if HAVE_LIBPIPELINE
fault_programs += tests/faults/libpipeline
endif
tests_faults_libpipeline_SOURCES = \
	tests/faults/libpipeline.c \
	tests/faults/scenarios_libpipeline.c \
	$(lib_libpipeline_libbrood_pipeline_la_SOURCES)
tests_faults_libpipeline_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPIPELINE_CFLAGS)
tests_faults_libpipeline_LDFLAGS = $(faults_ldflags)
tests_faults_libpipeline_LDADD = tests/faults/libfaults.la $(LDADD) $(LIBPIPELINE_LIBS)

# The command with its main under another name. Its own plain reads and writes are wrapped too.
if HAVE_COMMAND
fault_programs += tests/faults/command
endif
tests_faults_command_SOURCES = \
	tests/faults/command.c \
	tests/faults/command_ask.c \
	tests/faults/command_main.c \
	tests/faults/jobs.c \
	tests/faults/jobs.h \
	tests/faults/scenarios_map.c \
	tests/faults/scenarios_run.c \
	tests/faults/seen.c \
	tests/faults/shell.c \
	tests/faults/shell.h
tests_faults_command_CPPFLAGS = $(tools_test_cppflags)
tests_faults_command_LDFLAGS = $(faults_ldflags) -Wl,--wrap=write,--wrap=pwrite,--wrap=pread
tests_faults_command_LDADD = tests/faults/libfaults.la tools/libtools.la $(LDADD) $(JANSSON_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += $(fault_programs)
TESTS += $(fault_programs)
else
EXTRA_PROGRAMS += $(fault_programs)
endif

EXTRA_DIST += tests/faults/README.md

# The whole sweep, two processes at a time: FAULTS='-s NAME' or FAULTS='-k kernel' for a part of it.
.PHONY: check-faults
check-faults: $(fault_programs) tests/child/child
	@status=0; $(AM_TESTS_ENVIRONMENT) \
	for program in $(fault_programs); do \
		$$program --all -j 2 $(FAULTS) || status=1; \
	done; exit $$status
