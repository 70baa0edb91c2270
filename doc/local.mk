# SPDX-License-Identifier: MIT
#
# Man pages: one line each; automake finds the section in the name. Each exported function stands as .Nm in one of them
# (tests/checks/manpages.sh), and `make install` adds a page of one line for each further name, so that `man NAME` finds it.

dist_man_MANS = \
	doc/brood.3 \
	doc/brood_batch.3 \
	doc/brood_command.3 \
	doc/brood_future.3 \
	doc/brood_log.3 \
	doc/brood_process.3 \
	doc/brood_result.3

# Installed with the bridge alone, in the release always.
bridge_pages = \
	doc/brood-libpipeline.7 \
	doc/brood_libpipeline.3
if HAVE_LIBPIPELINE
man_MANS = $(bridge_pages)
endif
EXTRA_DIST += $(bridge_pages)

command_pages = \
	doc/brood-map.1 \
	doc/brood-run.1 \
	doc/brood.1
if HAVE_COMMAND
man1_MANS = $(command_pages)
endif
EXTRA_DIST += $(command_pages)

EXTRA_DIST += doc/make-links.sh $(wildcard $(srcdir)/doc/*.md $(srcdir)/doc/*.png $(srcdir)/doc/speed/*.svg)

pages_of_functions = $(addprefix $(srcdir)/,$(filter %.3,$(dist_man_MANS) $(man_MANS)))

install-data-hook:
	@$(SHELL) $(srcdir)/doc/make-links.sh '$(DESTDIR)$(man3dir)' $(pages_of_functions) >/dev/null

# The names are asked of the same script, in a folder that is thrown away.
uninstall-links:
	@links=`$(SHELL) $(srcdir)/doc/make-links.sh doc/links.tmp $(pages_of_functions)`; \
	rm -rf doc/links.tmp; \
	for link in $$links; do rm -f "$(DESTDIR)$(man3dir)/$$link"; done
