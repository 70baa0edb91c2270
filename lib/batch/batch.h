/* SPDX-License-Identifier: MIT */
/*
 * What a batch and its futures are made of, and what the files of lib/batch ask of each other.
 *
 * A future is the member itself: one object from submit to the last reference. It is always in exactly one list of its batch, the one of
 * its state. All members share one poller; a watch's owner is the future, so that an event finds its member without a search.
 */
#ifndef BROOD_BATCH_BATCH_H
#define BROOD_BATCH_BATCH_H

#include <brood/batch.h>
#include <brood/future.h>

#include "base/poller.h"
#include "batch/list.h"
#include "batch/timers.h"
#include "command/description.h"
#include "process/process.h"

enum future_state {
	FUTURE_WAITING,         /* for a place */
	FUTURE_RESTING,         /* failed, and is tried again when its timer is due */
	FUTURE_RUNNING,
	FUTURE_DONE,            /* ended; brood_batch_next has not given it yet */
	FUTURE_GIVEN
};

struct brood_future {
	brood_batch *batch;     /* NULL once that is gone */
	struct link link;
	struct timer timer;
	brood_future *next_due; /* in the list of one turn */
	brood_process *process; /* RUNNING */
	brood_command *cmd;     /* as long as it may be started, or an early start borrows from it */
	brood_result *result;   /* of the last try */
	char *name;             /* or NULL: not made yet */
	void *data;             /* the caller's */
	size_t memory;          /* what it counts in the batch's */
	pid_t owner;            /* the process that made it */
	unsigned references;
	unsigned tries;
	unsigned retries;       /* how many more than one there may be */
	int error;              /* once it has ended */
	unsigned char state;
	bool is_due;
	bool started_alone;     /* nobody else ran: what was not to be had then will not be */
	bool cancelled;         /* while it runs: it will end so */
	bool paused;
};

struct brood_batch {
	struct poller *poller;  /* made at the first start */
	struct watch clock;     /* a timerfd, once brood_batch_fd was asked for, else fd -1 */
	int64_t clock_ns;       /* what that is set to */
	struct watch news;      /* an eventfd, with the clock, or fd -1 */
	bool news_told;         /* it is readable */
	struct timers timers;
	struct link waiting, resting, running, done, given;
	size_t waiting_count;   /* resting ones too */
	size_t running_count;
	size_t done_count;
	size_t paused_count;
	size_t at_once;
	size_t queue_limit;
	size_t budget;
	size_t memory;          /* captured output in ordinary memory, of all members and futures */
	enum brood_beyond_budget beyond;
	unsigned retries;
	int64_t backoff_ms;
	int64_t looked_ns;      /* the last turn */
	int null_fd;            /* what members have as stdin: opened once, or -1 */
	int status_fd;          /* what tells which signals the host ignores: opened once, or -1 */
	struct holders holders; /* of pipes that members were left with */
	int last_fd;            /* the last child's pidfd: how full the descriptor table is */
	pid_t owner;
	bool several_processors;
	bool stop_on_failure;
	bool failed;            /* one was no success, and that stops the rest */
	bool no_place;          /* a start found no descriptor or process: wait for a member's end */
	bool closing;
};

/* The future that a link or a timer of it lies in. */
brood_future *future_of_link(struct link *link);
brood_future *future_of_timer(struct timer *timer);

/* ---- future.c ---- */

/* With `references`; NULL for want of memory. In no list yet. */
brood_future *future_new(brood_batch *batch, const brood_command *cmd, unsigned references);
bool future_ended(const brood_future *future);
/* The command is no longer needed: keep its words, free it. */
void future_drop_command(brood_future *future);
/* Drop one reference. */
void future_unref(brood_future *future);

/* ---- member.c ---- */

/* Start the first of those that wait, or end it as one that cannot be started. */
void member_start(brood_future *future);
/* Its descriptors or its time want it. */
void member_step(brood_future *future, int64_t now_ns);
/* Waiting: it ends at once; running: it is stopped. */
void member_cancel(brood_future *future, int64_t now_ns);
/* Its rest is over: it waits for a place, before those that were never tried. */
void member_wake(brood_future *future);
/* Stop a running one without the batch's poller. */
void member_abandon(brood_future *future);

/* ---- budget.c ---- */

/* What it holds has changed: count, spill. */
void budget_count(brood_future *future);
/* What it held is gone. */
void budget_release(brood_future *future);
/* Before a step: leave it in the pipes? */
void budget_hold(brood_future *future);
/* Let it go on, if it was paused. */
void budget_resume(brood_future *future);
/* Who may go on now: the first in line, or all. */
void budget_look(brood_batch *batch);

/* ---- turn.c ---- */

/* Fill the places, wait until something is ready, due, or the deadline, and do it. 0, or -errno. */
int batch_turn(brood_batch *batch, int64_t deadline_ns);
/* Turn until done(data): 0, -ETIMEDOUT, -errno. */
int batch_turn_until(brood_batch *batch, bool (*done)(const void *data), const void *data, int64_t deadline_ns);
void batch_fill_places(brood_batch *batch);
void batch_cancel_all(brood_batch *batch, int64_t now_ns);
/* The poller, made when first needed. 0, or -errno. */
int batch_need_poller(brood_batch *batch);
/* /dev/null, opened when first needed; -1 where it cannot be: then each start tries, and says why not. */
int batch_null_fd(brood_batch *batch);

/* ---- embed.c ---- */

/* Whatever has changed: the timerfd fires when the next thing is due, and the eventfd is readable while futures are to be had. */
void batch_set_clock(brood_batch *batch);
/* Before a call of ours waits: a time that has passed, and futures that it does not wait for, would wake it at once, again and again. */
void batch_hush_clock(brood_batch *batch);
/* Both are closed; of a child of fork, without a word to the poller, which it shares. */
void batch_drop_clock(brood_batch *batch);

#endif
