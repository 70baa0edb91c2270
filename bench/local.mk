# SPDX-License-Identifier: MIT
#
# What speed and size are promised, measured. Not built by `make` and not run by `make check`: `make bench` builds all of it and runs
# bench/run; `make bench BENCH=spawn` runs one item, BENCH='-r 3 spawn capture' passes options too.
# A contender is a program over bench/measure.c: its name in EXTRA_PROGRAMS, its sources, and a line in bench/run. A child of the contenders
# is one word in bench_tiny; its source is bench/tiny/NAME.c.

EXTRA_PROGRAMS += bench/floor bench/brood bench/batch
bench_floor_SOURCES = bench/floor.c bench/measure.c bench/measure.h
bench_floor_LDADD =
bench_brood_SOURCES = bench/brood.c bench/measure.c bench/measure.h
bench_brood_LDADD = lib/libbrood.la
bench_batch_SOURCES = bench/batch.c bench/measure.c bench/measure.h
bench_batch_LDADD = lib/libbrood.la

# Programs themselves and not libtool's scripts: a shell before the program would be measured along.
bench_brood_LDFLAGS = $(AM_LDFLAGS) -no-install
bench_batch_LDFLAGS = $(AM_LDFLAGS) -no-install

if HAVE_LIBPIPELINE
EXTRA_PROGRAMS += bench/libpipeline
bench_peers = bench/libpipeline$(EXEEXT)
endif
bench_libpipeline_SOURCES = bench/libpipeline.c bench/measure.c bench/measure.h
bench_libpipeline_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPIPELINE_CFLAGS)
bench_libpipeline_LDADD = $(LIBPIPELINE_LIBS)

# The children have no libc, and so nothing of what the builder's own flags may ask of it.
bench_tiny = \
	bench/tiny/cat \
	bench/tiny/exit \
	bench/tiny/gen \
	bench/tiny/sink \
	bench/tiny/sleep \
	bench/tiny/true
BENCH_TINY_FLAGS = -std=gnu11 -O2 -Wall -Wextra -ffreestanding -fno-stack-protector -fno-pie -U_FORTIFY_SOURCE \
	-nostdlib -nostartfiles -static

$(bench_tiny): bench/tiny/%: $(srcdir)/bench/tiny/%.c $(srcdir)/bench/tiny/tiny.h
	@$(MKDIR_P) bench/tiny
	$(AM_V_CC)$(CC) $(BENCH_TINY_FLAGS) -o $@ $(srcdir)/bench/tiny/$*.c

EXTRA_DIST += bench/run bench/README.md bench/peer.py bench/tiny/tiny.h $(bench_tiny:=.c)
CLEANFILES += $(EXTRA_PROGRAMS) $(bench_tiny) results.json

.PHONY: bench bench-build
bench-build: lib/libbrood.la $(bench_tiny) bench/floor$(EXEEXT) bench/brood$(EXEEXT) bench/batch$(EXEEXT) $(bench_peers)

BENCH =
bench: bench-build
	python3 $(srcdir)/bench/run --build . $(BENCH)
