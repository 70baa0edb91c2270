/* SPDX-License-Identifier: MIT */
/*
 * The inner side of <brood/log.h>: what the library's own code calls. Costs one atomic load while the log is off. Keeps errno.
 */
#ifndef BROOD_BASE_LOG_H
#define BROOD_BASE_LOG_H

#include <brood/log.h>

bool log_wants(enum brood_log_level level);

/* One line, cut at 1000 bytes; formatted only when somebody wants it. */
#define log_line(level, ...)                                    \
	do {                                                    \
		if (log_wants(level))                           \
			log_write(level, __VA_ARGS__);          \
	} while (0)

void log_write(enum brood_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
