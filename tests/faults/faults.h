/* SPDX-License-Identifier: MIT */
/*
 * The program around the sweep, for each group of scenarios that needs a program of its own (because of what it links).
 */
#ifndef FAULTS_FAULTS_H
#define FAULTS_FAULTS_H

#include "scenario.h"

/* `groups` are lists as scenario.h has them; a NULL ends them. Returns the exit status. */
int faults_main(int argc, char **argv, const struct scenario *const *groups);

#endif
