/* SPDX-License-Identifier: MIT */
/*
 * The options of a verb as a table: read by getopt_long(3), shown by --help, known to nobody else. Reading stops at the first operand, as with
 * timeout(1) and xargs(1): what follows belongs to the command that is run.
 */
#ifndef BROOD_TOOLS_OPTIONS_H
#define BROOD_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
	OPTION_FLAG,            /* bool */
	OPTION_CHOICE,          /* an enum: a flag that stores the row's `choice`; of several that share a field the last one wins */
	OPTION_DURATION_MS,     /* int64_t */
	OPTION_SIZE,            /* uint64_t */
	OPTION_COUNT,           /* uint64_t */
	OPTION_SIGNAL,          /* int */
	OPTION_TEXT,            /* const char * */
	OPTION_LIST,            /* struct option_list: may be given again */
	OPTION_WHEN             /* enum option_when; the value, after =, may be left out: always */
};

enum option_when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };

struct option_list {
	const char **items;     /* into argv */
	size_t count;
};

/* Written { group, letter, name, value, kind, offset, .help = "..." }: naming the last one leaves out what does not apply. */
struct option_row {
	const char *group;      /* a heading before it, or NULL */
	int letter;             /* 0: none */
	const char *name;
	const char *value;      /* what --help calls the value; NULL for flags. "[=FILE]": OPTION_TEXT whose value may be left out ("" then) */
	enum option_kind kind;
	size_t offset;          /* of its field in the settings */
	const char *help;       /* a line */
	int choice;             /* OPTION_CHOICE */
};

struct verb {
	const char *name;       /* "brood run" */
	const char *usage;      /* the lines behind "usage: " */
	const char *about;      /* a line or two */
	const char *examples;   /* lines, at the end of --help */
	const struct option_row *rows;
	size_t row_count;       /* --help and --version come with every verb */
};

struct operands {
	char **words;           /* into argv */
	size_t count;
	bool after_dashes;      /* they came behind -- */
};

/*
 * Fill the settings, which hold their defaults. 0; 1 when --help or --version has been answered and the program is to end well; -errno after
 * a mistake has been said (-EINVAL, or what a write of --help gave): "brood run: --timeout: '5x': unknown unit 'x' (ms, s, m, h, d)", "brood
 * run: unknown option --timout; did you mean --timeout?". From here on say() speaks as the verb. Lists are freed with options_done, after a
 * mistake too.
 */
int options_read(const struct verb *verb, int argc, char **argv, void *settings, struct operands *ret_operands);
void options_done(const struct verb *verb, void *settings);

/* The name nearest to this one, when it is near; NULL. For verbs as for options. */
const char *options_nearest(const char *name, const char *const *names, size_t count);

#endif
