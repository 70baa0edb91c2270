# SPDX-License-Identifier: GPL-3.0-or-later
#
# The bridge to libpipeline: a library of its own over libbrood's public headers, because what links libpipeline is under its licence.
# `configure --without-libpipeline` leaves all of it out of the build; it is in the release either way.

if HAVE_LIBPIPELINE
lib_LTLIBRARIES += lib/libpipeline/libbrood-pipeline.la
broodinclude_HEADERS += include/brood/libpipeline.h
pkgconfig_DATA += lib/libpipeline/brood-pipeline.pc
endif

lib_libpipeline_libbrood_pipeline_la_SOURCES = \
	lib/libpipeline/adopted.c \
	lib/libpipeline/ask.c \
	lib/libpipeline/bridge.h \
	lib/libpipeline/hosted.c \
	lib/libpipeline/pipecmd.c \
	lib/libpipeline/pipeline.c
lib_libpipeline_libbrood_pipeline_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPIPELINE_CFLAGS)
lib_libpipeline_libbrood_pipeline_la_LIBADD = lib/libbrood.la $(LIBPIPELINE_LIBS) $(BROOD_PTHREAD_LIBS)
lib_libpipeline_libbrood_pipeline_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -version-info $(BROOD_VERSION_INFO)
if HAVE_VERSION_SCRIPT
lib_libpipeline_libbrood_pipeline_la_LDFLAGS += -Wl,--version-script=$(srcdir)/lib/libpipeline/libbrood-pipeline.map
EXTRA_lib_libpipeline_libbrood_pipeline_la_DEPENDENCIES = lib/libpipeline/libbrood-pipeline.map
endif

EXTRA_DIST += lib/libpipeline/COPYING lib/libpipeline/libbrood-pipeline.map
