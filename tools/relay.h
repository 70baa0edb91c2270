/* SPDX-License-Identifier: MIT */
/*
 * What a chain writes, on its way through us to our own standard output and standard error, up to a limit.
 *
 * Nothing here blocks. A reader that does not read lets some bytes wait here and the rest in the chain's pipes, where its writers wait as they would
 * on our own output; deadlines act meanwhile.
 */
#ifndef BROOD_TOOLS_RELAY_H
#define BROOD_TOOLS_RELAY_H

#include <brood.h>
#include <poll.h>

struct relay;

/* NULL for want of memory. */
struct relay *relay_new(void);

/* Direct the output of the chain here: `limit` bytes of each of the two pass, the next one stops the chain. The relay must outlive the chain. */
void relay_direct(struct relay *relay, brood_command *cmd, uint64_t limit);

/*
 * Write what can be written without blocking, and let the chain write on when that made room. 0, or -errno of a write that failed: it sticks, and
 * what comes later on that way is dropped. relay_failed_fd says which of 1 and 2 it was.
 */
int relay_flush(struct relay *relay, brood_process *process);
int relay_failed_fd(const struct relay *relay);

/* What to poll for: fills up to two, returns how many. None: nothing waits to be written. */
size_t relay_poll(const struct relay *relay, struct pollfd fds[2]);

/* How many bytes wait. */
uint64_t relay_waiting(const struct relay *relay);

void relay_free(struct relay *relay_take);

#endif
