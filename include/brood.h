/* SPDX-License-Identifier: MIT */
/*
 * libbrood: start external commands, chain them, feed and drain them, hold them to a deadline, stop the ones
 * that misbehave and reap every one of them.
 *
 * This is the umbrella header. A program that wants less includes the header of the concept it uses.
 * <brood/libpipeline.h> is not in it: that bridge is a library of its own, under another licence.
 */
#ifndef BROOD_H
#define BROOD_H

#include <brood/base.h>
#include <brood/batch.h>
#include <brood/command.h>
#include <brood/future.h>
#include <brood/log.h>
#include <brood/process.h>
#include <brood/result.h>

#endif
