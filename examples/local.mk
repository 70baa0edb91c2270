# SPDX-License-Identifier: MIT
#
# Small programs over the public headers only. `make` builds them, `make check` runs them (tests/suites/test_examples.c). A new one is
# its source, examples/NAME.c, its name in both lists below, and the library it links.
# encrypt-hash is a tool in its own right and is installed, out of PATH's way: $(libexecdir)/brood/examples.
# The sources of all are installed as documentation: $(docdir)/examples.

brood_examplesdir = $(libexecdir)/brood/examples
brood_examples_PROGRAMS = examples/encrypt-hash
examples_encrypt_hash_SOURCES = \
	examples/encrypt-hash.c \
	examples/encrypt-hash-options.c \
	examples/encrypt-hash-options.h
examples_encrypt_hash_LDADD = lib/libbrood.la

noinst_PROGRAMS += \
	examples/broken-stage \
	examples/follow \
	examples/function-stage \
	examples/lines \
	examples/poll-loop \
	examples/popen-tour
examples_broken_stage_LDADD = lib/libbrood.la
examples_follow_LDADD = lib/libbrood.la
examples_function_stage_LDADD = lib/libbrood.la
examples_lines_LDADD = lib/libbrood.la
examples_poll_loop_LDADD = lib/libbrood.la
examples_popen_tour_LDADD = lib/libbrood.la

# One program before and after it was ported from libpipeline; GPL-3.0-or-later, since they link it.
if HAVE_LIBPIPELINE
noinst_PROGRAMS += \
	examples/ported-after \
	examples/ported-before
endif
examples_ported_after_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPIPELINE_CFLAGS)
examples_ported_after_LDADD = lib/libpipeline/libbrood-pipeline.la lib/libbrood.la $(LIBPIPELINE_LIBS)
examples_ported_before_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPIPELINE_CFLAGS)
examples_ported_before_LDADD = $(LIBPIPELINE_LIBS)

examplesourcesdir = $(docdir)/examples
dist_examplesources_DATA = \
	examples/broken-stage.c \
	examples/encrypt-hash.c \
	examples/encrypt-hash-options.c \
	examples/encrypt-hash-options.h \
	examples/follow.c \
	examples/function-stage.c \
	examples/lines.c \
	examples/poll-loop.c \
	examples/popen-tour.c \
	examples/ported-after.c \
	examples/ported-before.c
