# SPDX-License-Identifier: MIT
#
# What tools say of the code. Each target is a script in this folder; those that need other compiler options make a build of their own in
# tests/analysis/build (subbuild.sh). None of it belongs to `make check`. Words for the suite pass through:
# make check-tsan TESTS=tests/test_clone

analysis_environment = BROOD_SRCDIR='$(abs_top_srcdir)' BROOD_BUILDDIR='$(abs_top_builddir)' MAKE='$(MAKE)' CC='$(CC)' AR='$(AR)'

analysed_sources = $(lib_libbrood_internal_la_SOURCES) $(lib_libpipeline_libbrood_pipeline_la_SOURCES) $(tools_brood_SOURCES) \
	$(tools_libtools_la_SOURCES) $(tests_libsupport_la_SOURCES) $(tests_child_child_SOURCES) tests/analysis/coverage.c $(analysed_examples)

# Two of the examples include libpipeline's header.
if HAVE_LIBPIPELINE
analysed_examples = $(dist_examplesources_DATA)
else
analysed_examples = $(filter-out examples/ported-%,$(dist_examplesources_DATA))
endif

check-tools:
	@$(analysis_environment) CPPFLAGS='$(tools_test_cppflags) $(LIBPIPELINE_CFLAGS)' SOURCES='$(analysed_sources)' TOOLS='$(TOOLS)' \
		$(srcdir)/tests/analysis/tools

# TESTS that were given to make are handed down by make itself.
analysis_tests = $(if $(filter command%,$(origin TESTS)),,TESTS='$(brood_tests)')

check-sanitizers:
	+@$(analysis_environment) $(srcdir)/tests/analysis/sanitizers
check-tsan:
	+@$(analysis_environment) $(srcdir)/tests/analysis/tsan
check-valgrind:
	+@$(analysis_environment) $(srcdir)/tests/analysis/valgrind $(analysis_tests)
check-coverage:
	+@$(analysis_environment) LIBRARIES='$(lib_LTLIBRARIES)' PROGRAMS='$(brood_tests)' FAULT_TESTS='$(fault_programs)' \
		LIBRARY_TESTS='$(filter-out tests/tools/%,$(brood_tests))' $(srcdir)/tests/analysis/coverage

EXTRA_DIST += .clang-tidy examples/.clang-tidy tools/.clang-tidy tests/.clang-tidy
EXTRA_DIST += $(addprefix tests/analysis/,clang-tidy cppcheck cppcheck.supp counted coverage coverage.c gcc-analyzer sanitizers scan-build sources.sh \
	subbuild.sh tools tsan valgrind valgrind.supp)

# A script, and not what make would compile from coverage.c where that was checked out later.
tests/analysis/coverage: ;

clean-local: analysis-clean
analysis-clean:
	-rm -rf tests/analysis/build
.PHONY: analysis-clean check-sanitizers check-tools check-tsan check-valgrind check-coverage
