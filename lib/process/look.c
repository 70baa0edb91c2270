/* SPDX-License-Identifier: MIT */
/*
 * Looking at a handle without moving anything.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process/process.h"

#include <errno.h>

pid_t brood_process_pid(const brood_process *process, size_t stage)
{
	return process ? brood_result_pid(process->result, stage) : 0;
}

size_t brood_process_stages(const brood_process *process)
{
	return process ? process->stage_count : 0;
}

const brood_result *brood_process_result(const brood_process *process)
{
	return process ? process->result : NULL;
}
