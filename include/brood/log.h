/* SPDX-License-Identifier: MIT */
/*
 * What the library does, told line by line. Off by default; BROOD_LOG=debug (or info, warning, error) in the environment turns on one to
 * stderr. Lines name programs and process ids, never arguments or environment: a password in either is in no log.
 */
#ifndef BROOD_LOG_H
#define BROOD_LOG_H

#include <brood/base.h>

BROOD_BEGIN

enum brood_log_level {
	BROOD_LOG_ERROR = 1,
	BROOD_LOG_WARNING,
	BROOD_LOG_INFO,         /* each start and each end */
	BROOD_LOG_DEBUG         /* each step */
};

/* One whole line without a newline. Called from whichever thread uses the library: it must not call the library back. */
typedef void brood_log_function(void *data, enum brood_log_level level, const char *line);

/* Give lines up to this level to fn; a NULL fn turns the log off. For the whole program; safe while other threads use the library. */
BROOD_API void brood_log_to(brood_log_function *fn, void *data, enum brood_log_level level);

/* Write them to stderr, each by one write(2): "brood[PID]: level: text". */
BROOD_API void brood_log_to_stderr(enum brood_log_level level);

BROOD_END

#endif
