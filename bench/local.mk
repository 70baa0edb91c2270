# SPDX-License-Identifier: MIT
#
# What speed and size are promised, measured. Not built by `make` and not run by `make check`: `make bench` builds all of it and runs
# bench/run; `make bench BENCH=spawn` runs one item, BENCH='-r 3 spawn capture' passes options too.
# A contender is a program over bench/measure.c: its name in EXTRA_PROGRAMS, its sources, and a line in bench/lib/case.py. One that needs a
# library which may be missing is built where configure found it. A child of the contenders is one word in bench_tiny; its source is
# bench/tiny/NAME.c.

bench_measure = bench/measure.c bench/measure.h bench/host.c bench/host.h bench/jobs.c bench/jobs.h bench/jobs_many.c
bench_libs = $(BROOD_PTHREAD_LIBS)

bench_programs = bench/floor bench/brood bench/batch bench/commands bench/ignored bench/load-none bench/load-brood
EXTRA_PROGRAMS += $(bench_programs) bench/libpipeline bench/libuv bench/glib

bench_floor_SOURCES = bench/floor.c bench/floor.h bench/floor_many.c $(bench_measure)
bench_floor_LDADD = $(bench_libs)
bench_brood_SOURCES = bench/brood.c $(bench_measure)
bench_brood_LDADD = lib/libbrood.la $(bench_libs)
bench_batch_SOURCES = bench/batch.c $(bench_measure)
bench_batch_LDADD = lib/libbrood.la $(bench_libs)
bench_commands_SOURCES = bench/commands.c $(bench_measure)
bench_commands_LDADD = $(bench_libs)

# An experiment about one part of a start, switched on by its name.
bench_ignored_SOURCES = bench/ignored.c
bench_ignored_LDADD =

# One program twice: what loading the library costs.
bench_load_none_SOURCES = bench/load.c
bench_load_none_LDADD =
bench_load_brood_SOURCES = bench/load.c
bench_load_brood_CPPFLAGS = $(AM_CPPFLAGS) -DBENCH_LOAD_BROOD
bench_load_brood_LDADD = lib/libbrood.la

# Programs themselves and not libtool's scripts: a shell before the program would be measured along.
bench_brood_LDFLAGS = $(AM_LDFLAGS) -no-install
bench_batch_LDFLAGS = $(AM_LDFLAGS) -no-install
bench_load_brood_LDFLAGS = $(AM_LDFLAGS) -no-install

bench_libpipeline_SOURCES = bench/libpipeline.c $(bench_measure)
bench_libpipeline_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPIPELINE_CFLAGS)
bench_libpipeline_LDADD = $(LIBPIPELINE_LIBS) $(bench_libs)
bench_libuv_SOURCES = bench/libuv.c $(bench_measure)
bench_libuv_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS)
bench_libuv_LDADD = $(LIBUV_LIBS) $(bench_libs)
bench_glib_SOURCES = bench/glib.c $(bench_measure)
bench_glib_CPPFLAGS = $(AM_CPPFLAGS) $(GIO_CFLAGS)
bench_glib_LDADD = $(GIO_LIBS) $(bench_libs)

# What configure found, and nothing of the rest: bench/run names what is not there.
bench_peers = \
	$(if $(strip $(LIBPIPELINE_LIBS)),bench/libpipeline$(EXEEXT)) \
	$(if $(strip $(LIBUV_LIBS)),bench/libuv$(EXEEXT)) \
	$(if $(strip $(GIO_LIBS)),bench/glib$(EXEEXT)) \
	$(if $(strip $(GO)),bench/peer-go$(EXEEXT))

bench/peer-go$(EXEEXT): $(srcdir)/bench/peer.go
	@$(MKDIR_P) bench
	$(AM_V_GEN)GO111MODULE=off GOFLAGS= GOCACHE='$(abs_builddir)/bench/go-cache' $(GO) build -o $@ $(srcdir)/bench/peer.go

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

bench_scripts = \
	bench/run \
	bench/pages \
	bench/peer.py \
	bench/lib/case.py \
	bench/lib/charts.py \
	bench/lib/counts.py \
	bench/lib/figures.py \
	bench/lib/guard.py \
	bench/lib/items.py \
	bench/lib/machine.py \
	bench/lib/scale.py \
	bench/lib/tables.py
EXTRA_DIST += $(bench_scripts) bench/README.md bench/peer.go bench/tiny/tiny.h $(bench_tiny:=.c) $(wildcard $(srcdir)/doc/speed/*.svg)
bench_results = bench/results.json bench/results.md
CLEANFILES += $(EXTRA_PROGRAMS) bench/peer-go$(EXEEXT) $(bench_tiny) $(bench_results) bench/charts/*.svg

.PHONY: bench bench-build bench-pages
bench-build: lib/libbrood.la $(bench_tiny) $(bench_programs:=$(EXEEXT)) $(bench_peers)

BENCH =
bench: bench-build
	python3 -B $(srcdir)/bench/run --build . $(BENCH)

# What the last run found, into the pages and their charts in the source tree.
bench-pages:
	python3 -B $(srcdir)/bench/pages --build .

clean-local:
	-rm -rf bench/go-cache bench/charts
