# SPDX-License-Identifier: MIT
#
# Every entry of TESTS is one program or script. A new test program is one line below: its source is the same name with .c,
# and it links cmocka, tests/support and all of the library with what it hides (lib/libbrood-internal.la).
# A new script check is one line in brood_checks: exit status 0 passed, 77 skipped, anything else failed.

brood_tests = \
	tests/suites/test_chains \
	tests/suites/test_communicate_cases \
	tests/suites/test_deadlines \
	tests/suites/test_descriptors \
	tests/suites/test_directions \
	tests/suites/test_embedding \
	tests/suites/test_encrypt_hash \
	tests/suites/test_environment \
	tests/suites/test_examples \
	tests/suites/test_functions \
	tests/suites/test_hostile_hosts \
	tests/suites/test_hostile_pids \
	tests/suites/test_identity \
	tests/suites/test_on_output \
	tests/suites/test_security \
	tests/suites/test_signals_of_children \
	tests/suites/test_starting \
	tests/suites/test_streaming \
	tests/suites/test_system_calls \
	tests/suites/test_terminal \
	tests/suites/test_tour \
	tests/suites/test_trees \
	tests/suites/test_waiting \
	tests/suites/test_words \
	tests/test_batch \
	tests/test_batch_limits \
	tests/test_batch_stop \
	tests/test_blob \
	tests/test_buffer \
	tests/test_buffer_spill \
	tests/test_cgroup \
	tests/test_cgroup_signal \
	tests/test_child \
	tests/test_child_live \
	tests/test_child_side \
	tests/test_clock \
	tests/test_clone \
	tests/test_command \
	tests/test_command_memory \
	tests/test_communicate \
	tests/test_describe \
	tests/test_engine \
	tests/test_environ \
	tests/test_failure \
	tests/test_fd \
	tests/test_fdplan \
	tests/test_fork \
	tests/test_format \
	tests/test_future \
	tests/test_holders \
	tests/test_join \
	tests/test_json \
	tests/test_log \
	tests/test_look \
	tests/test_lookup \
	tests/test_loop \
	tests/test_parse \
	tests/test_pidref \
	tests/test_plan \
	tests/test_poller \
	tests/test_poller_kinds \
	tests/test_pump \
	tests/test_quiet \
	tests/test_reap \
	tests/test_redirect \
	tests/test_result \
	tests/test_result_json \
	tests/test_self \
	tests/test_signals \
	tests/test_start \
	tests/test_stop \
	tests/test_stream \
	tests/test_strv \
	tests/test_support \
	tests/test_support_frame \
	tests/test_support_pty \
	tests/test_text \
	tests/test_timers \
	tests/test_verdict \
	tests/test_wiring

# The bridge to libpipeline is tested as a program sees it: both shared libraries, no hidden function.
if HAVE_LIBPIPELINE
brood_tests += \
	tests/suites/test_libpipeline_oracle \
	tests/test_libpipeline_files \
	tests/test_libpipeline_host \
	tests/test_libpipeline_hosted \
	tests/test_libpipeline_pipecmd \
	tests/test_libpipeline_pipeline
endif
bridge_libs = tests/libsupport.la lib/libpipeline/libbrood-pipeline.la lib/libbrood.la $(LIBPIPELINE_LIBS) $(CMOCKA_LIBS)
tests_suites_test_libpipeline_oracle_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPIPELINE_CFLAGS)
tests_suites_test_libpipeline_oracle_LDADD = $(bridge_libs) $(BROOD_PTHREAD_LIBS)
tests_test_libpipeline_files_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPIPELINE_CFLAGS)
tests_test_libpipeline_files_LDADD = $(bridge_libs) $(BROOD_PTHREAD_LIBS)
tests_test_libpipeline_host_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPIPELINE_CFLAGS)
tests_test_libpipeline_host_LDADD = $(bridge_libs) $(BROOD_PTHREAD_LIBS)
tests_test_libpipeline_hosted_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPIPELINE_CFLAGS)
tests_test_libpipeline_hosted_LDADD = $(bridge_libs) $(BROOD_PTHREAD_LIBS)
tests_test_libpipeline_pipecmd_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPIPELINE_CFLAGS)
tests_test_libpipeline_pipecmd_LDADD = $(bridge_libs) $(BROOD_PTHREAD_LIBS)
tests_test_libpipeline_pipeline_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPIPELINE_CFLAGS)
tests_test_libpipeline_pipeline_LDADD = $(bridge_libs) $(BROOD_PTHREAD_LIBS)

brood_checks = \
	tests/checks/child-symbols.sh \
	tests/checks/completions.sh \
	tests/checks/exports.sh \
	tests/checks/headers.sh \
	tests/checks/installed.sh \
	tests/checks/layers.sh \
	tests/checks/listed.sh \
	tests/checks/manpages.sh \
	tests/checks/map.sh \
	tests/checks/page-examples.sh \
	tests/checks/readme.sh \
	tests/checks/report-browser.sh \
	tests/checks/spdx.sh

# The default of every program that names no _LDADD of its own, which is the tests.
LDADD = tests/libsupport.la lib/libbrood-internal.la $(CMOCKA_LIBS) $(BROOD_PTHREAD_LIBS)

# The n-th allocation fails: the linker puts the test's own allocator before libc's.
tests_test_command_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free,--wrap=strdup

# What is given to free is looked at.
tests_test_blob_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=free

check_LTLIBRARIES += tests/libsupport.la
tests_libsupport_la_SOURCES = \
	tests/support/buffers.h \
	tests/support/cgroups.h \
	tests/support/check.h \
	tests/support/deny.c \
	tests/support/deny.h \
	tests/support/fork.c \
	tests/support/fork.h \
	tests/support/framed.h \
	tests/support/host.c \
	tests/support/host.h \
	tests/support/later_libpipeline.h \
	tests/support/libpipeline.h \
	tests/support/lines.h \
	tests/support/members.h \
	tests/support/pty.c \
	tests/support/pty.h \
	tests/support/running.h \
	tests/support/storm.c \
	tests/support/storm.h \
	tests/support/support.c \
	tests/support/support.h \
	tests/support/temp.c \
	tests/support/temp.h \
	tests/support/verbs.h

# What the tests start: one program with a verb for each way to behave. It links nothing.
check_PROGRAMS += tests/child/child
tests_child_child_SOURCES = \
	tests/child/act.c \
	tests/child/child.c \
	tests/child/child.h \
	tests/child/lines.c \
	tests/child/pattern.h \
	tests/child/state.c \
	tests/child/stream.c \
	tests/child/tree.c
tests_child_child_LDADD =

if HAVE_CMOCKA
check_PROGRAMS += $(brood_tests)
TESTS += $(brood_tests) $(brood_checks)
else
EXTRA_PROGRAMS += $(brood_tests)
endif

EXTRA_DIST += tests/suites/engines.h tests/suites/examples.h tests/suites/files.h tests/child/README.md
EXTRA_DIST += $(brood_checks) tests/checks/child-symbols.allow tests/summary

# ---- how they run ---------------------------------------------------------------------------------------------

TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = $(SHELL)

# It installs from this very folder: a library that needs another one of ours is linked anew there, and is not to be found for that moment. So it runs
# behind all others, whatever -j says.
tests/checks/installed.log: $(filter-out tests/checks/installed.log,$(TEST_LOGS))

# A test that hangs is a failed test, not a hung build. BROOD_TEST_TIMEOUT is in seconds.
if HAVE_TIMEOUT
LOG_COMPILER = $(TIMEOUT) -k 10 $${BROOD_TEST_TIMEOUT:-600}
endif

# BROOD_POLLER comes from the caller: `make check BROOD_POLLER=poll` and `BROOD_POLLER=poll make check` are the same.
AM_TESTS_ENVIRONMENT = \
	unset BROOD_LOG CMOCKA_TEST_FILTER CMOCKA_SKIP_FILTER CMOCKA_XML_FILE; \
	CMOCKA_MESSAGE_OUTPUT=stdout; export CMOCKA_MESSAGE_OUTPUT; \
	LC_ALL=C; export LC_ALL; \
	BROOD_TEST_CHILD='$(abs_top_builddir)/tests/child/child'; export BROOD_TEST_CHILD; \
	BROOD_COMMAND='$(brood_command)'; export BROOD_COMMAND; \
	BROOD_EXAMPLES='$(abs_top_builddir)/examples'; export BROOD_EXAMPLES; \
	BROOD_SRCDIR='$(abs_top_srcdir)'; export BROOD_SRCDIR; \
	BROOD_BUILDDIR='$(abs_top_builddir)'; export BROOD_BUILDDIR; \
	BROOD_SANITIZE='$(BROOD_SANITIZE)'; export BROOD_SANITIZE; \
	BROOD_LIBPIPELINE='$(with_libpipeline)'; export BROOD_LIBPIPELINE; \
	LIBPIPELINE_CFLAGS='$(LIBPIPELINE_CFLAGS)'; export LIBPIPELINE_CFLAGS; \
	CC='$(CC)'; export CC; \
	NM='$(NM)'; export NM;

# Empty where the command is left out.
if HAVE_COMMAND
brood_command = $(abs_top_builddir)/tools/brood
endif

CLEANFILES += tests/summary.log

# In place of automake's check-TESTS: the same tests through the same harness, then the last lines, which count test functions instead of
# programs. Without cmocka `make check` fails instead of passing with nothing run.
check-TESTS: $(check_PROGRAMS) $(check_LTLIBRARIES)
	@test '$(have_cmocka)' = yes || { \
		echo 'make check: cmocka >= 1.1.5 was not found when configure ran, so there is nothing to run the tests with.'; \
		echo 'Install it (Debian package: libcmocka-dev) and run configure again.'; \
		exit 1; \
	} >&2
	@rm -f $(TEST_LOGS) $(TEST_LOGS:.log=.trs) $(TEST_SUITE_LOG) tests/summary.log
	@status=0; \
	$(MAKE) $(AM_MAKEFLAGS) $(TEST_SUITE_LOG) || status=1; \
	$(SHELL) $(srcdir)/tests/summary $(TEST_LOGS) >tests/summary.log || status=1; \
	cat tests/summary.log; \
	exit $$status
