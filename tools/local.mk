# SPDX-License-Identifier: MIT
#
# The brood command: public headers only (tests/checks/layers.sh holds that). All of it but main.c goes into an archive, which the tests
# in tests/tools link too. A new file is one line below.

if HAVE_COMMAND
bin_PROGRAMS += tools/brood
endif
tools_brood_SOURCES = tools/main.c
tools_brood_CPPFLAGS = $(tools_CPPFLAGS)
tools_brood_LDADD = tools/libtools.la lib/libbrood.la $(JANSSON_LIBS)

# Its own headers and the public ones; lib/ is out of reach.
tools_CPPFLAGS = -include config.h -I. -I$(srcdir)/include -iquote $(srcdir)/tools $(JANSSON_CFLAGS)

EXTRA_LTLIBRARIES += tools/libtools.la
CLEANFILES += tools/libtools.la
tools_libtools_la_CPPFLAGS = $(tools_CPPFLAGS)
tools_libtools_la_SOURCES = \
	tools/bar.c \
	tools/bar.h \
	tools/chain.c \
	tools/chain.h \
	tools/inherited.c \
	tools/inherited.h \
	tools/inputs.c \
	tools/inputs.h \
	tools/inputs_shuffle.c \
	tools/inputs_shuffle.h \
	tools/inputs_source.c \
	tools/inputs_source.h \
	tools/joblog.c \
	tools/joblog.h \
	tools/joblog_done.c \
	tools/joblog_done.h \
	tools/joblog_lock.c \
	tools/joblog_lock.h \
	tools/joblog_read.c \
	tools/joblog_read.h \
	tools/joblog_skim.c \
	tools/jsontext.c \
	tools/jsontext.h \
	tools/lines.c \
	tools/lines.h \
	tools/map.c \
	tools/map.h \
	tools/map_dry.c \
	tools/map_end.c \
	tools/map_job.c \
	tools/map_loop.c \
	tools/map_options.c \
	tools/map_options.h \
	tools/map_summary.c \
	tools/memfile.c \
	tools/memfile.h \
	tools/newfile.c \
	tools/newfile.h \
	tools/openfile.c \
	tools/openfile.h \
	tools/options.c \
	tools/options.h \
	tools/output.c \
	tools/output.h \
	tools/output_job.c \
	tools/output_parts.h \
	tools/record.c \
	tools/record.h \
	tools/relay.c \
	tools/relay.h \
	tools/report.c \
	tools/report.h \
	tools/report_job.c \
	tools/report_overview.c \
	tools/report_page.c \
	tools/report_parts.h \
	tools/report_style.c \
	tools/report_text.c \
	tools/report_timeline.c \
	tools/results.c \
	tools/results.h \
	tools/run.c \
	tools/run_end.c \
	tools/run_end.h \
	tools/run_job.c \
	tools/run_job.h \
	tools/run_loop.c \
	tools/run_loop.h \
	tools/run_options.c \
	tools/run_options.h \
	tools/run_records.c \
	tools/run_records.h \
	tools/say.c \
	tools/say.h \
	tools/sink.c \
	tools/sink.h \
	tools/spill.c \
	tools/spill.h \
	tools/spool.c \
	tools/spool.h \
	tools/template.c \
	tools/template.h \
	tools/terminal.c \
	tools/terminal.h \
	tools/trace.c \
	tools/trace.h \
	tools/units.c \
	tools/units.h \
	tools/utf8.c \
	tools/utf8.h \
	tools/verbs.h \
	tools/wake.c \
	tools/wake.h \
	tools/whole.c \
	tools/whole.h

EXTRA_DIST += tools/completion/brood.bash tools/completion/_brood

# bash looks a completion up by the command's name.
if HAVE_COMMAND
zshcompletion_DATA = tools/completion/_brood
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(bashcompletiondir)'
	$(INSTALL_DATA) '$(srcdir)/tools/completion/brood.bash' '$(DESTDIR)$(bashcompletiondir)/brood'
endif

uninstall-completion:
	@rm -f '$(DESTDIR)$(bashcompletiondir)/brood'
