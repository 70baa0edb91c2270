/* SPDX-License-Identifier: MIT */
/*
 * Where --json, --report and --trace go. All of them are opened before anything is run: a path that cannot be written is told now, not after an
 * hour's work.
 */
#ifndef BROOD_TOOLS_RUN_RECORDS_H
#define BROOD_TOOLS_RUN_RECORDS_H

#include <brood.h>

#include "run_options.h"

struct run_records;

/* 0, or -errno after saying which. */
int run_records_new(const struct run_settings *settings, struct run_records **ret_records);

/* The chain has ended and we exit with this status: write them all. 0, or -errno after saying which failed. */
int run_records_write(struct run_records *records, const brood_command *cmd, const brood_result *result, int status);

/* What was not written never appears, but for a JSON or trace file, which is empty. NULL is fine. */
void run_records_free(struct run_records *records_take);

#endif
