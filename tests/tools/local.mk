# SPDX-License-Identifier: MIT
#
# Tests of the command. What a file of tools/ does is tested with the archive of its objects; what a user sees is tested by driving the
# command itself, whose path is in BROOD_COMMAND. A new one is its name in the list and its two lines.

tools_test_cppflags = $(AM_CPPFLAGS) -iquote $(srcdir)/tools $(JANSSON_CFLAGS)
tools_test_libs = tests/libsupport.la tools/libtools.la lib/libbrood-internal.la $(JANSSON_LIBS) $(CMOCKA_LIBS) $(BROOD_PTHREAD_LIBS)

if HAVE_COMMAND
brood_tests += \
	tests/tools/test_bar \
	tests/tools/test_chain \
	tests/tools/test_inputs \
	tests/tools/test_inputs_shuffle \
	tests/tools/test_joblog \
	tests/tools/test_jsontext \
	tests/tools/test_lines \
	tests/tools/test_main \
	tests/tools/test_map \
	tests/tools/test_map_log \
	tests/tools/test_map_options \
	tests/tools/test_map_output \
	tests/tools/test_map_stop \
	tests/tools/test_map_terminal \
	tests/tools/test_memfile \
	tests/tools/test_newfile \
	tests/tools/test_openfile \
	tests/tools/test_options \
	tests/tools/test_output \
	tests/tools/test_record \
	tests/tools/test_report \
	tests/tools/test_results \
	tests/tools/test_run \
	tests/tools/test_run_options \
	tests/tools/test_run_terminal \
	tests/tools/test_say \
	tests/tools/test_security \
	tests/tools/test_spool \
	tests/tools/test_template \
	tests/tools/test_terminal \
	tests/tools/test_trace \
	tests/tools/test_units \
	tests/tools/test_utf8 \
	tests/tools/test_wake \
	tests/tools/test_whole
endif
tests_tools_test_bar_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_bar_LDADD = $(tools_test_libs)
tests_tools_test_chain_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_chain_LDADD = $(tools_test_libs)
tests_tools_test_inputs_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_inputs_LDADD = $(tools_test_libs)
tests_tools_test_inputs_shuffle_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_inputs_shuffle_LDADD = $(tools_test_libs)
tests_tools_test_joblog_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_joblog_LDADD = $(tools_test_libs)
tests_tools_test_jsontext_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_jsontext_LDADD = $(tools_test_libs)
tests_tools_test_jsontext_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc
tests_tools_test_lines_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_lines_LDADD = $(tools_test_libs)
tests_tools_test_main_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_main_LDADD = $(tools_test_libs)
tests_tools_test_map_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_map_LDADD = $(tools_test_libs)
tests_tools_test_map_log_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_map_log_LDADD = $(tools_test_libs)
tests_tools_test_map_options_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_map_options_LDADD = $(tools_test_libs)
tests_tools_test_map_output_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_map_output_LDADD = $(tools_test_libs)
tests_tools_test_map_stop_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_map_stop_LDADD = $(tools_test_libs)
tests_tools_test_map_terminal_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_map_terminal_LDADD = $(tools_test_libs)
tests_tools_test_memfile_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_memfile_LDADD = $(tools_test_libs)
tests_tools_test_memfile_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=realloc
tests_tools_test_newfile_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_newfile_LDADD = $(tools_test_libs)
tests_tools_test_openfile_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_openfile_LDADD = $(tools_test_libs)
tests_tools_test_options_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_options_LDADD = $(tools_test_libs)
tests_tools_test_output_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_output_LDADD = $(tools_test_libs)
tests_tools_test_record_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_record_LDADD = $(tools_test_libs)
tests_tools_test_report_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_report_LDADD = $(tools_test_libs)
tests_tools_test_report_SOURCES = tests/tools/test_report.c tests/tools/records.c
tests_tools_test_results_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_results_LDADD = $(tools_test_libs)
tests_tools_test_run_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_run_LDADD = $(tools_test_libs)
tests_tools_test_run_options_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_run_options_LDADD = $(tools_test_libs)
tests_tools_test_run_terminal_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_run_terminal_LDADD = $(tools_test_libs)
tests_tools_test_say_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_say_LDADD = $(tools_test_libs)
tests_tools_test_security_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_security_LDADD = $(tools_test_libs)
tests_tools_test_spool_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_spool_LDADD = $(tools_test_libs)
tests_tools_test_template_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_template_LDADD = $(tools_test_libs)
tests_tools_test_terminal_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_terminal_LDADD = $(tools_test_libs)
tests_tools_test_trace_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_trace_LDADD = $(tools_test_libs)
tests_tools_test_trace_SOURCES = tests/tools/test_trace.c tests/tools/records.c
tests_tools_test_units_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_units_LDADD = $(tools_test_libs)
tests_tools_test_utf8_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_utf8_LDADD = $(tools_test_libs)
tests_tools_test_wake_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_wake_LDADD = $(tools_test_libs)
tests_tools_test_whole_CPPFLAGS = $(tools_test_cppflags)
tests_tools_test_whole_LDADD = $(tools_test_libs)

# What the browser check draws a page of without the command.
if HAVE_COMMAND
check_PROGRAMS += tests/tools/report_maker
endif
tests_tools_report_maker_SOURCES = tests/tools/report_maker.c tests/tools/records.c
tests_tools_report_maker_CPPFLAGS = $(tools_test_cppflags)
tests_tools_report_maker_LDADD = $(tools_test_libs)

EXTRA_DIST += tests/tools/command.h tests/tools/diverted.h tests/tools/files.h tests/tools/records.h tests/tools/strangers.h
