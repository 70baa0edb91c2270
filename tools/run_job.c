/* SPDX-License-Identifier: MIT */
/*
 * Job control from the side of the job. What a shell does with its jobs is what we do with the chain; what the shell around us does with
 * us is passed on.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "run_job.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wake.h"

static bool is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* In `brood run a | less` and `sudo a | brood run b` it is the other one that reads the terminal, and our chain may never do. */
static bool is_in_a_pipeline(void)
{
	return is_pipe(STDIN_FILENO) || is_pipe(STDOUT_FILENO);
}

void run_job_direct(struct run_job *job, brood_command *cmd)
{
	brood_command_set_new_group(cmd, true);
	job->terminal = terminal_new();
	/* With SIGTTIN ignored, as in bash's $(brood run a), reaching for it is told by nothing but an error. */
	job->lends = job->terminal && !(is_in_a_pipeline() && wake_has(SIGTTIN));
	job->hands_over = job->lends && terminal_is_ours(job->terminal);
	if (job->hands_over)
		brood_command_set_terminal(cmd, terminal_fd(job->terminal));
}

static pid_t group_of(const struct run_job *job)
{
	return brood_process_pid(job->process, 0);
}

void run_job_started(struct run_job *job, brood_process *process)
{
	job->process = process;
	/* Also when the start failed: a child that took it may have ended at its exec. */
	if (job->hands_over)
		terminal_given(job->terminal, group_of(job));
}

/* ---- stopping with the chain ---- */

/* The signal that stopped the last stage, once no stage runs on; else 0. This looks and takes nothing: the library reaps. */
static int stopped_by(const struct run_job *job)
{
	const brood_result *result = brood_process_result(job->process);
	int signal = 0;

	for (size_t i = 0; i < brood_process_stages(job->process); i++) {
		siginfo_t info = { .si_pid = 0 };

		if (brood_result_how(result, i) != BROOD_RUNNING)
			continue;
		if (waitid(P_PID, (id_t)brood_process_pid(job->process, i), &info, WSTOPPED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return 0;
		signal = info.si_status;
	}
	return signal;
}

static void let_go_on(struct run_job *job)
{
	if (job->lends && !terminal_is_given(job->terminal) && terminal_is_ours(job->terminal))
		terminal_give(job->terminal, group_of(job));
	brood_process_signal(job->process, SIGCONT);
}

/*
 * SIGTSTP or one for touching the terminal from the background: what a terminal does. SIGSTOP came from somebody with a plan; we follow when the
 * user looks at a dead terminal otherwise.
 */
static bool should_follow(const struct run_job *job, int signal)
{
	if (job->asked)
		return true;
	if (!job->terminal)
		return false;
	return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU || terminal_is_given(job->terminal);
}

bool run_job_look(struct run_job *job)
{
	const int signal = stopped_by(job);
	const bool wants_terminal = signal == SIGTTIN || signal == SIGTTOU;
	bool had_terminal, continued;

	if (signal == 0 || !should_follow(job, signal))
		return true;
	/* Another one of our job may have taken it for its chain (`brood run a | brood run b`). */
	if (job->terminal && wants_terminal) {
		job->lends = true;
		terminal_look_again(job->terminal);
	}
	had_terminal = job->terminal && terminal_is_given(job->terminal);
	/* `fg` for one that ran in the background already sends no SIGCONT: that the chain reaches for the terminal is how we learn of it. */
	if (job->terminal && wants_terminal && !had_terminal && terminal_is_ours(job->terminal)) {
		let_go_on(job);
		return true;
	}
	if (job->terminal)
		terminal_take_back(job->terminal, false);
	continued = job->asked ? wake_stop_self(SIGTSTP) : wake_stop_group(wants_terminal ? signal : SIGTSTP);
	job->asked = false;
	job->seen_continue = continued;
	/* In an orphaned group Ctrl-Z does nothing, whatever runs; but who reads there is told by an error, and the chain, not orphaned, waits for ever. */
	if (!continued && wants_terminal)
		return false;
	let_go_on(job);
	return true;
}

void run_job_suspend(struct run_job *job)
{
	job->asked = true;
	brood_process_signal(job->process, SIGTSTP);
}

/* Stopped was the whole group, and the one that wanted it reaches for it again once it goes on. We, who caught the signal, are not stopped. */
static void continue_group(struct run_job *job)
{
	job->seen_continue = true;
	kill(0, SIGCONT);
}

void run_job_terminal_wanted(struct run_job *job, int signal)
{
	if (job->terminal)
		terminal_look_again(job->terminal);
	if (job->terminal && terminal_is_given(job->terminal)) {
		job->lends = false;
		terminal_take_back(job->terminal, false);
		continue_group(job);
	} else if (job->terminal && terminal_is_ours(job->terminal)) {
		continue_group(job);
	} else {
		/* All of us are in the background, and stop like anybody there. */
		job->seen_continue = wake_stop_self(signal);
		let_go_on(job);
	}
}

void run_job_continued(struct run_job *job)
{
	/* The one that ended our own stop comes late: the chain goes on since then, and may have been stopped by the next Ctrl-Z. */
	if (job->seen_continue) {
		job->seen_continue = false;
		return;
	}
	job->asked = false;
	if (job->terminal)
		terminal_look_again(job->terminal);
	let_go_on(job);
}

bool run_job_over(struct run_job *job, bool keep_modes)
{
	bool had_terminal = false;

	if (job->terminal) {
		had_terminal = terminal_is_given(job->terminal);
		terminal_take_back(job->terminal, keep_modes);
	}
	terminal_free(job->terminal);
	job->terminal = NULL;
	return had_terminal;
}
