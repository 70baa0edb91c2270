# SPDX-License-Identifier: MIT
#
# All objects go into libbrood-internal, an archive which is not installed. The shared library is that archive behind the
# version script; tests link the archive itself and so reach what is hidden. The folders add their files to
# lib_libbrood_internal_la_SOURCES, each in its own local.mk.

noinst_LTLIBRARIES += lib/libbrood-internal.la
lib_libbrood_internal_la_SOURCES =

lib_LTLIBRARIES += lib/libbrood.la
lib_libbrood_la_SOURCES =
lib_libbrood_la_LIBADD = lib/libbrood-internal.la $(BROOD_PTHREAD_LIBS)
lib_libbrood_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -version-info $(BROOD_VERSION_INFO)
if HAVE_VERSION_SCRIPT
lib_libbrood_la_LDFLAGS += -Wl,--version-script=$(srcdir)/lib/libbrood.map
EXTRA_lib_libbrood_la_DEPENDENCIES = lib/libbrood.map
endif

pkgconfig_DATA = lib/brood.pc

EXTRA_DIST += lib/libbrood.map lib/README.md
