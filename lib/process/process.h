/* SPDX-License-Identifier: MIT */
/*
 * What a handle is made of, and what the files of lib/process (and the batch above them) ask of each other.
 *
 * A handle is passive. It has watches (a pidfd each child, a pipe end each channel) and a next wake-up time. Somebody waits for these: the
 * handle itself inside a blocking call, its own poller once brood_process_fd was asked for, or a batch's poller that it shares. Then
 * process_step does what is ready and never blocks.
 */
#ifndef BROOD_PROCESS_PROCESS_H
#define BROOD_PROCESS_PROCESS_H

#include <brood/process.h>
#include <pthread.h>

#include "base/blob.h"
#include "base/clock.h"
#include "base/poller.h"
#include "command/description.h"
#include "process/result.h"
#include "spawn/cgroup.h"
#include "spawn/pidref.h"
#include "spawn/plan.h"

/* Who has a pipe open for writing, as one look at all of /proc showed it. Zeroed: nobody has looked yet. */
struct holders {
	struct holder *list;
	size_t count;
	size_t capacity;
	int64_t looked_ns;
};

/* One stage's child. */
struct child {
	struct pidref ref;      /* closed once the child has been reaped, unless it leads a group */
	struct watch watch;     /* on the pidfd */
	struct plan *plan;      /* an early start that has not been confirmed */
	bool ended;             /* reaped, or given up */
	unsigned char asked;    /* enum brood_cause of whoever told it to end */
	unsigned char signalled;        /* the last signal that brood_process_signal sent */
};

enum channel_kind {
	CHANNEL_PIPE,           /* the caller's to read and write */
	CHANNEL_CAPTURE,        /* read into the result whenever something comes */
	CHANNEL_FEED            /* written from memory whenever there is room */
};

/* The handle's end of one pipe. Channel i belongs to stream i of the result. */
struct channel {
	struct watch watch;     /* watch.fd is -1 once closed */
	enum channel_kind kind;
	bool input;
	bool ended;             /* closed because the other side was: reading gives 0, not -EBADF */
	bool paused;            /* a batch's budget is spent */
	bool handed;            /* CAPTURE: its bytes go to the command's function, and none is kept */
	bool grown;             /* bulk goes through it: a larger pipe has been asked for */
	size_t stage;           /* the first that has it */
	const char *bytes;      /* FEED: what is left to write */
	size_t left;
	struct blob *blob;      /* FEED: what they lie in, or NULL: the caller of communicate keeps them */
	struct buffer ahead;    /* PIPE: read ahead by next_line */
	size_t taken;           /* of it, what the caller has been given */
};

/* How far a stop has come. */
enum ladder {
	LADDER_NONE,
	LADDER_ASKED,           /* the stop signal is out */
	LADDER_KILLED,          /* SIGKILL is out */
	LADDER_OVER             /* nothing is left, or it was given up */
};

/* When a group's leader may be reaped. */
enum leader_rule {
	LEADER_UNASKED,
	LEADER_ANY_TIME,        /* the kernel signals groups by pidfd */
	LEADER_LAST             /* its number is all there is: a reused one would be signalled */
};

struct brood_process {
	brood_result *result;
	struct channel *channels;
	size_t channel_count;
	size_t open_kept;       /* captures that are still open */
	size_t stage_count;
	size_t running;         /* started and not ended */

	struct poller *poller;  /* NULL: waits with ppoll over its own few descriptors */
	bool poller_is_own;
	struct watch timer;     /* a timerfd in its own poller, else fd -1 */
	int64_t timer_ns;

	brood_output_function *on_output;       /* or NULL */
	void *on_output_data;
	struct holders *holders;                /* the batch's, or NULL */
	bool enough;            /* it wants no more before somebody resumes: what would be handed to it stays in the pipes */

	int64_t budget_ns;      /* when the command's timeout is spent */
	int64_t linger_ns;      /* when captures are given up; 0 until every stage has ended */
	int64_t ladder_ns;      /* the next look at the ladder */
	int64_t grace_ns;       /* the end of the grace; after SIGKILL, when to give up */
	int64_t stepped_ns;     /* the last process_step */
	int64_t look_ns;        /* blind: when to look again */
	int64_t pause_ns;       /* and how long after that */
	int64_t grace_ms, linger_ms;
	int stop_signal;
	unsigned char ladder;   /* enum ladder */
	unsigned char cause;    /* enum brood_cause of the ladder */
	bool new_group, new_session;
	unsigned char leader_rule;      /* enum leader_rule */
	bool stop_on_overflow;
	bool drained;           /* what was in the pipes when the last stage ended has been read */
	bool communicating;
	bool blind;             /* something cannot be watched: a child without pidfd, a full epoll set */
	bool abandoned;         /* captures were given up: somebody else held the pipes */
	pid_t owner;            /* the process that made it */
	pthread_mutex_t lock;   /* holds signals from other threads off the instant of reaping */
	struct cgroup cgroup;
	struct child children[];
};

struct start_options {
	bool stdin_null;        /* where the command says nothing of stdin */
	int null_fd;            /* with that: a /dev/null that stays open meanwhile, or -1 */
	bool new_group;
	bool early;             /* may return before the exec: a failure then comes from process_step, and the command must live until then */
	struct poller *poller;  /* or NULL */
	int *status_fd;         /* where signals_ignored keeps its descriptor, or NULL */
	struct holders *holders;        /* what all members know of /proc, or NULL; lives as long as the handle */
	void *owner;            /* for every watch */
};

/* ---- start.c ---- */
int process_start(const brood_command *cmd, const struct start_options *options, brood_process **ret_process);

/* ---- wiring.c ---- */

/* The descriptors of one chain while it is started. */
struct wiring;
int wiring_new(brood_process *process, const brood_command *cmd, const struct start_options *options, struct wiring **ret);
/* Open and pipe what this stage needs; *ret_wanted is the wiring's, valid until the next call. 0, or -errno with the failure set. */
int wiring_stage(struct wiring *wiring, size_t index, const struct fd_want **ret_wanted, size_t *ret_count,
                 struct failure *failure);
/* The stage has been started (or failed): close the child's ends that no later stage needs. */
void wiring_stage_done(struct wiring *wiring, size_t index);
void wiring_free(struct wiring *wiring);

/* ---- loop.c ---- */

/* Do what is ready, and what time demands; never blocks. 0, or -ECHILD in a child of fork. */
int process_step(brood_process *process, int64_t now_ns);
/* When process_step wants to be called though nothing is ready; DEADLINE_NEVER. */
int64_t process_wake_ns(const brood_process *process);
/* Every stage has ended (and what was in the pipes has been read); beyond that, every capture is at its end and no stop is under way. */
bool process_ended(const brood_process *process);
bool process_finished(const brood_process *process);
/* For calls that need not wait: step if that is due, so that a caller who never has to wait is no reason for the rest to stand still. */
int process_touch(brood_process *process);
/* Wait for readiness until the deadline and step. 0, or -errno. */
int process_turn(brood_process *process, int64_t deadline_ns);
/* Turn until done(process) or the deadline: 0, -ETIMEDOUT, -errno. Looks at least once. */
int process_run_until(brood_process *process, bool (*done)(const brood_process *), int64_t deadline_ns);
/* Say what a watch wants to hear from now on (0: nothing; before its descriptor is closed). */
void process_watch(brood_process *process, struct watch *watch, short wanted);

/* ---- reap.c ---- */
/* True when the group's leader has to be reaped last. Asks the kernel when somebody first wants to know. */
bool process_leader_is_last(brood_process *process);
int process_reap_ready(brood_process *process, int64_t now_ns);
/* Wait without polling for a chain that has nothing but children. */
int process_reap_blocking(brood_process *process);
void process_give_up(brood_process *process, int64_t now_ns);

/* ---- pump.c ---- */
void pump_ready(brood_process *process);
/* Read what is in the captured pipes at this moment, and no more. */
void pump_drain(brood_process *process);
void channel_close(brood_process *process, struct channel *channel);
/* Its bytes are left where they are, for one reason or the other. */
bool channel_is_paused(const brood_process *process, const struct channel *channel);
/* What this channel wants to hear. */
void channel_listen(brood_process *process, struct channel *channel);
struct channel *process_channel(const brood_process *process, size_t stage, int child_fd);
/* The chain's own end of child_fd, or NULL. */
struct channel *process_own_channel(const brood_process *process, int child_fd);
/* The function that said "enough" gets what is there from now on. */
void process_resume(brood_process *process);
struct stream *channel_stream(const brood_process *process, const struct channel *channel);

/* ---- stop.c ---- */
void process_begin_stop(brood_process *process, enum brood_cause cause, int64_t grace_ms, int64_t now_ns);
void process_climb(brood_process *process, int64_t now_ns);
bool process_stopped(const brood_process *process);
/* A stop is under way. */
bool process_stopping(const brood_process *process);
/* In a child of fork a handle is good for nothing but to be freed. */
bool process_is_ours(const brood_process *process);
/* Free the handle as brood_process_free does, but for its result. */
brood_result *process_end(brood_process *process_take);

/* ---- communicate.c ---- */

/* Nobody will read or write the pipes that the handle owns: they are captured from now on, and stdin is at its end. 0 or -ENOMEM. */
int process_collect(brood_process *process);

/* ---- holders.c ---- */
/* Name them in the result. Every stage has ended: a look at /proc that was made since then, for another member, is good for this one too. */
void find_holders(brood_process *process);
void holders_done(struct holders *holders);

/* ---- then.c ---- */
int run_then(void *stage);

#endif
