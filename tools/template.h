/* SPDX-License-Identifier: MIT */
/*
 * The template of map: a chain in whose words {} stands for the input. What is filled in is never split and never read again: an input
 * that holds blanks, quotes, | or {} is those characters.
 *
 *   {}   the input          {.}  without its extension     {/}   its last component
 *   {//} its folder ("." where it names none)              {#}   the job's number, from 1
 *
 * {/} and {//} are what basename(1) and dirname(1) print: of "a/b/" they are "b" and "a". {.} takes the last dot of the last component and what
 * follows, but no dot at its front: "a/b.tar.gz" is "a/b.tar", while ".bashrc", "a.d/b" and "a.d/" stay. An input that looks like an
 * option ("-rf") is passed as it is: that is for a -- in the template.
 *
 * Braces that are none of these stay as they are. A single command without any placeholder gets the input as its last argument; a chain
 * without any is a mistake, for nobody can know where it should go.
 */
#ifndef BROOD_TOOLS_TEMPLATE_H
#define BROOD_TOOLS_TEMPLATE_H

#include <brood.h>

#include "options.h"

struct template;

/* From operands as chain_read reads them. 0, or -errno and *ret_why (to be freed). */
int template_new(const struct operands *operands, struct template **ret_template, char **ret_why);

/* The chain for this input; NULL for want of memory. An input that makes the program's name empty gives a command that cannot be started. */
brood_command *template_command(const struct template *template, const char *input, uint64_t number);

/* As it was given, for titles: as a shell would need it. The template's own. */
const char *template_text(const struct template *template);

void template_free(struct template *template_take);

#endif
