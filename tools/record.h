/* SPDX-License-Identifier: MIT */
/*
 * One job as a JSON object: what --json prints, a line of the log, and what report and trace are made of. brood-map(1) lists the members; they
 * are added over time, never renamed.
 *
 *   {"job":12,"input":"a.c","command":"wc -l a.c","started":"2026-11-20T12:00:00.123456Z","seconds":0.0123,"tries":1,
 *    "ok":true,"status":0,"description":"...","cause":"itself","bytes_out":12,"bytes_err":0,
 *    "stages":[{"name":"wc","how":"exited","exit_code":0,"cause":"itself","pid":7,"start_ns":1,"end_ns":2,
 *               "usage":{"user_seconds":0.001,...}}]}
 *
 * An input that is not UTF-8 is written with U+FFFD for what is not, and exactly in "input_hex" (so is a command: "command_hex").
 */
#ifndef BROOD_TOOLS_RECORD_H
#define BROOD_TOOLS_RECORD_H

#include <brood.h>
#include <jansson.h>

/* To dump one with: 17 digits, which is what jansson takes, make 0.1 what nobody would write. */
#define RECORD_REALS JSON_REAL_PRECISION(15)

struct job_facts {
	uint64_t number;        /* 0: not one of many (run) */
	const char *input;      /* NULL: none */
	const char *command;    /* as a shell would need it */
	unsigned tries;
	const brood_result *result;
};

/* NULL for want of memory. The caller's to json_decref. */
json_t *record_new(const struct job_facts *facts);

/* The exact input or command of a record that was read back: *ret is to be freed. -EINVAL when there is none, -ENOMEM. */
int record_input(const json_t *record, char **ret_input);
int record_command(const json_t *record, char **ret_command);

#endif
