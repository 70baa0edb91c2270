# SPDX-License-Identifier: MIT
#
# Small programs over the public headers only. `make` builds them, `make check` runs them. A new one is two lines: its name
# in noinst_PROGRAMS (its source is examples/NAME.c) and the library it links.
# encrypt-hash is a tool in its own right and is installed, out of PATH's way: $(libexecdir)/brood/examples.
# The sources of all are installed as documentation: $(docdir)/examples.

brood_examplesdir = $(libexecdir)/brood/examples
brood_examples_PROGRAMS = examples/encrypt-hash
examples_encrypt_hash_LDADD = lib/libbrood.la

examplesourcesdir = $(docdir)/examples
dist_examplesources_DATA = \
	examples/encrypt-hash.c
