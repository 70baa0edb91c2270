/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bridge to libpipeline: what it describes, run by brood. A library of its own, libbrood-pipeline (pkg-config name brood-pipeline),
 * under the GNU General Public License, version 3 or later, as is every program that links it; <brood.h> does not include this header.
 *
 * Nothing of libpipeline's own starting, waiting or signal handling runs in the calling process, and neither do its exits:
 * pipecmd_exec runs in a forked child that leaves by _exit. Like every C function as a stage, what is made here forks; in a host with
 * threads a pipecmd's function and its pre-exec hook must keep to what fork(2) allows. brood_libpipeline(3) has the details,
 * brood-libpipeline(7) is for programs that come from libpipeline.
 */
#ifndef BROOD_LIBPIPELINE_H
#define BROOD_LIBPIPELINE_H

#include <brood/base.h>
#include <pipeline.h>

BROOD_BEGIN

/*
 * Any pipecmd (process, function, sequence, passthrough) as a stage, with its environment, directory, nice value, discarded stderr and
 * pre-exec hook; every setter of brood_command works on it as on brood_command_function's, and is done first. Takes the pipecmd over:
 * it must not be changed or freed any more, nor be part of a pipeline. It is freed with the last copy of the command. NULL gives NULL.
 *
 * NULL for want of memory; the pipecmd has been freed then. Makes no system call.
 *
 * A program that cannot be executed, and a directory that is not there, are told by libpipeline's message on the child's stderr and exit
 * code 255: the start has succeeded by then. The data of a function and of a pre-exec hook stay the caller's and must live as long as
 * the command is started; their free function runs in the child alone, on its copy. The directory of pipecmd_fchdir must be open at
 * each start; one inside a sequence must be passed on with brood_command_redirect_inherit.
 */
BROOD_API brood_command *brood_command_pipecmd(pipecmd *cmd_take);

/*
 * A whole pipeline that was not started, as a chain. Takes it over, and frees it. NULL gives NULL, and so does want of memory: the pipeline is gone
 * then too, its memory unfreed where nobody could find out whether it was started (freeing one that was waits for its children).
 *
 * Its commands become the chain's stages, one by one, as brood_command_pipecmd makes them. pipeline_want_in and _out with a negative
 * number become brood_command_redirect_pipe, with another one brood_command_redirect_fd (the descriptor stays the caller's).
 * pipeline_want_infile and _outfile become brood_command_redirect_path: a file that cannot be opened is an error of the start.
 *
 * A later libpipeline may describe its ends in a way that is not known here. Then it runs hosted instead: as one stage, a child in which
 * libpipeline runs the whole, which ends as the pipeline did (pipeline_wait's value) and with the thread that started it, and takes
 * everything along.
 *
 * A pipeline that was started, or that has no command, makes a command that fails to start with -EINVAL, and stays the caller's,
 * untouched: that is so if and only if brood_command_error has something to say when this returns. Forks a child for an instant to
 * find out, since libpipeline does not tell.
 *
 * pipeline_ignore_signals is about the calling process and has no effect; pipeline_install_post_fork's handler is not run.
 */
BROOD_API brood_command *brood_command_pipeline(pipeline *pipeline_take);

/*
 * How each command ended, as pipeline_wait_all tells it: wait(2)'s statuses (for WIFEXITED and its kin; the core flag is not set), in
 * their order, -1 where nobody can say or it has not ended. At most `size` are written. Returns how many there are.
 *
 * Of a chain these are its stages; of a pipeline that ran hosted, as the only stage, its commands. The hosting child tells them when all have
 * ended, on a captured descriptor from 60 on, which a program should leave alone.
 */
BROOD_API int brood_pipeline_statuses(const brood_result *result, int *ret_statuses, size_t size);

BROOD_END

#endif
