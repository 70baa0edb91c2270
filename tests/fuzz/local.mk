# SPDX-License-Identifier: MIT
#
# Fuzzing. A target is fuzz_NAME.c with a folder corpus/NAME (fuzz.h says more). A new one is its name in the list and, where it uses tools/,
# its two lines; one that uses lib/ alone has the line $(fuzz_libs).
#
# `make check` runs each over its corpus and many changes of it, in about a second. `make fuzz` lets clang's libFuzzer look for more,
# FUZZ_SECONDS for each target: make fuzz FUZZ_SECONDS=600 FUZZ_TARGETS=units

brood_fuzz = \
	tests/fuzz/fuzz_environ \
	tests/fuzz/fuzz_fdplan \
	tests/fuzz/fuzz_format \
	tests/fuzz/fuzz_parse
if HAVE_COMMAND
brood_fuzz += \
	tests/fuzz/fuzz_joblog \
	tests/fuzz/fuzz_template \
	tests/fuzz/fuzz_units
endif
tests_fuzz_fuzz_environ_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_fdplan_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_format_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_parse_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_joblog_CPPFLAGS = $(tools_test_cppflags)
tests_fuzz_fuzz_joblog_LDADD = $(fuzz_tools_libs)
tests_fuzz_fuzz_template_CPPFLAGS = $(tools_test_cppflags)
tests_fuzz_fuzz_template_LDADD = $(fuzz_tools_libs)
tests_fuzz_fuzz_units_CPPFLAGS = $(tools_test_cppflags)
tests_fuzz_fuzz_units_LDADD = $(fuzz_tools_libs)

fuzz_libs = tests/fuzz/libdriver.la lib/libbrood-internal.la $(BROOD_PTHREAD_LIBS)
fuzz_tools_libs = tests/fuzz/libdriver.la tools/libtools.la lib/libbrood-internal.la $(JANSSON_LIBS) $(BROOD_PTHREAD_LIBS)

check_LTLIBRARIES += tests/fuzz/libdriver.la
tests_fuzz_libdriver_la_SOURCES = tests/fuzz/driver.c tests/fuzz/fuzz.h

if HAVE_CMOCKA
check_PROGRAMS += $(brood_fuzz)
TESTS += $(brood_fuzz)
else
EXTRA_PROGRAMS += $(brood_fuzz)
endif

EXTRA_DIST += tests/fuzz/corpus

# ---- make fuzz ------------------------------------------------------------------------------------------------

CLANG = clang
FUZZ_SECONDS = 60
FUZZ_TARGETS = $(patsubst tests/fuzz/fuzz_%,%,$(brood_fuzz))

# All of the library and of the command once more, as clang compiles it for libFuzzer.
fuzz_folder = tests/fuzz/clang
fuzz_objects = $(patsubst %.c,$(fuzz_folder)/%.o,$(filter %.c,$(lib_libbrood_internal_la_SOURCES) $(tools_libtools_la_SOURCES)))
fuzz_sanitizers = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

# To make they are only a step on the way, and it would remove them.
.PRECIOUS: $(fuzz_folder)/%.o

$(fuzz_folder)/%.o: %.c
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(CLANG) -std=gnu11 -DBROOD_SANITIZED $(tools_test_cppflags) $(CPPFLAGS) -g -O1 $(fuzz_sanitizers) -MMD -MP -c -o $@ $<

$(fuzz_folder)/fuzz_%: $(fuzz_folder)/tests/fuzz/fuzz_%.o $(fuzz_objects)
	$(AM_V_CCLD)$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $^ $(JANSSON_LIBS) $(BROOD_PTHREAD_LIBS)

-include $(wildcard $(fuzz_folder)/*/*.d $(fuzz_folder)/*/*/*.d)

fuzz:
	@command -v $(CLANG) >/dev/null || { echo 'make fuzz: it needs clang with libFuzzer (CLANG=... names another)' >&2; exit 1; }
	@$(MAKE) $(AM_MAKEFLAGS) $(addprefix $(fuzz_folder)/fuzz_,$(FUZZ_TARGETS))
	@for target in $(FUZZ_TARGETS); do \
		found=$(fuzz_folder)/found/$$target; \
		$(MKDIR_P) $$found || exit 1; \
		echo "fuzz $$target: $(FUZZ_SECONDS) seconds; what it finds is kept in $$found"; \
		$(fuzz_folder)/fuzz_$$target -max_total_time=$(FUZZ_SECONDS) -timeout=25 -max_len=4096 -verbosity=0 -print_final_stats=1 \
			-artifact_prefix=$(fuzz_folder)/ $$found $(srcdir)/tests/fuzz/corpus/$$target || exit 1; \
	done
.PHONY: fuzz

clean-local: fuzz-clean
fuzz-clean:
	-rm -rf $(fuzz_folder)
.PHONY: fuzz-clean
